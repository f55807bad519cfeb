// kith tune.
#include <limits>
#include <string>
#include <vector>

#include "base/strings.h"
#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

bool Has(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

class TuneTest : public CliTest {
 protected:
  static constexpr size_t kRows = 3000;
  static constexpr size_t kDim = 16;

  void SetUp() override {
    CliTest::SetUp();
    base_ = WriteFvecs("base.fvecs", RandomFloats(kRows, kDim, 1));
    queries_ = WriteFvecs("q.fvecs", RandomFloats(600, kDim, 2));
    std::string keys;
    std::string ids;
    for (size_t i = 0; i < kRows; ++i) {
      keys += StrCat("w", i, "\n");
      ids += StrCat(7 * i + 3, "\n");
    }
    WriteFile(Path("keys.txt"), keys);
    WriteFile(Path("ids.txt"), ids);
    file_ = Path("x.kith");
  }

  void Build(const std::string& index, const std::vector<std::string>& more = {}) {
    std::vector<std::string> args{"build",   base_,           "-o",    file_,
                                  "--index", index,           "--ids", Path("ids.txt"),
                                  "--keys",  Path("keys.txt")};
    args.insert(args.end(), more.begin(), more.end());
    Ok(args);
  }

  std::string base_;
  std::string queries_;
  std::string file_;
};

TEST_F(TuneTest, MeasuresWithTheQueriesAndKeepsAllElse) {
  Build("graph,forest");
  const std::vector<std::string> search{"search", file_,      "--key", "w9",    "--index",
                                        "forest", "--effort", "400",   "--json"};
  const json before = OkJson({"info", file_, "--json"});
  const json answer = OkJson(search);
  const json tuned = OkJson({"tune", file_, "--queries", queries_, "--json"});
  EXPECT_EQ(tuned["file"], file_);
  EXPECT_EQ(tuned["queries"], 600);
  EXPECT_EQ(tuned["before"]["source"], "held-out");
  EXPECT_EQ(tuned["calibration"]["source"], "queries");
  EXPECT_EQ(tuned["calibration"]["queries"], 600);
  ASSERT_EQ(tuned["efforts"].size(), 7u * 5u) << "a graph's four k, a forest's three, five recalls";
  size_t changed = 0;
  for (const json& entry : tuned["efforts"]) changed += entry["before"] != entry["effort"];
  EXPECT_GT(changed, 10u);

  Ok({"verify", file_});
  const json after = OkJson({"info", file_, "--json"});
  EXPECT_EQ(after["calibration"], tuned["calibration"]);
  for (const char* same : {"vectors", "dim", "dtype", "metric", "index", "graph", "trees", "keys",
                           "ids", "built_with", "build_s"}) {
    EXPECT_EQ(after[same], before[same]) << same;
  }
  for (size_t i = 0; i < before["sections"].size(); ++i) {
    const std::string name = before["sections"][i]["name"];
    if (name == "calibration" || name == "query_efforts") continue;
    bool found = false;
    for (const json& section : after["sections"]) {
      found |= section["name"] == before["sections"][i]["name"] &&
               section["crc32c"] == before["sections"][i]["crc32c"];
    }
    EXPECT_TRUE(found) << before["sections"][i];
  }
  EXPECT_EQ(OkJson(search), answer);
  EXPECT_EQ(answer["neighbors"][0]["id"].get<int64_t>() % 7, 3);
}

TEST_F(TuneTest, TheBytesDoNotDependOnThreads) {
  Build("graph,forest");
  const std::string before = ReadFile(file_);
  Ok({"tune", file_, "--queries", queries_, "-o", Path("one.kith"), "--threads", "1"});
  Ok({"tune", file_, "--queries", queries_, "-o", Path("two.kith"), "--threads", "2"});
  EXPECT_TRUE(ReadFile(Path("one.kith")) == ReadFile(Path("two.kith")));
  EXPECT_TRUE(ReadFile(file_) == before) << "-o leaves the file as it is";
  Ok({"tune", file_, "--queries", queries_});
  EXPECT_TRUE(ReadFile(Path("one.kith")) == ReadFile(file_));
}

TEST_F(TuneTest, PrintsWhatEachRecallTakesBeforeAndNow) {
  Build("graph", {"--no-calibrate"});
  const std::string first = Ok({"tune", file_, "--queries", queries_, "-k", "1,10"});
  const auto lines = SplitLines(first);
  ASSERT_EQ(lines.size(), 10u) << first;
  EXPECT_TRUE(Has(lines[0], "x.kith: recall measured with 600 queries (")) << first;
  for (const char* words : {"effort for recall", " k ", "0.8", "0.999", "most"}) {
    EXPECT_TRUE(Has(lines[1], words)) << first;
  }
  EXPECT_TRUE(Has(lines[2], "graph") && Has(lines[2], "before  ") && Has(lines[2], " - ")) << first;
  EXPECT_TRUE(Has(lines[3], "now")) << first;
  EXPECT_TRUE(Has(lines[4], "10")) << first;
  EXPECT_TRUE(Has(lines[7], "for 95 % of queries")) << first;
  EXPECT_TRUE(Has(Ok({"tune", file_, "--queries", queries_, "-k", "10", "--rows", "550"}),
                  "measured with 550 queries, before with 600 queries"));
  for (const std::string& line : lines) EXPECT_LE(line.size(), 100u) << line;
  Ok({"search", file_, "--id", "3", "--index", "graph", "--recall", "0.9"});
}

TEST_F(TuneTest, FewQueriesAreWarnedOf) {
  Build("forest");
  const Outcome outcome = Run({"tune", file_, "--queries", queries_, "--rows", "100", "--json"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(SplitLines(outcome.out).size(), 1u);
  ASSERT_EQ(SplitLines(outcome.err).size(), 1u) << outcome.err;
  EXPECT_TRUE(Has(outcome.err, "kith: warning: 100 queries are few")) << outcome.err;
  EXPECT_TRUE(Has(outcome.err, "±0.030")) << outcome.err;
}

TEST_F(TuneTest, WhatCannotBeMeasuredLeavesTheFile) {
  Build("graph");
  const std::string before = ReadFile(file_);
  const auto fails = [&](const std::vector<std::string>& more,
                         const std::vector<std::string>& words) {
    const std::vector<std::string> names = FilesInDirectory();
    std::vector<std::string> args{"tune", file_};
    args.insert(args.end(), more.begin(), more.end());
    Fails(1, args, words);
    EXPECT_EQ(FilesInDirectory(), names) << "nothing may be left behind";
    EXPECT_TRUE(ReadFile(file_) == before);
  };
  fails({"--queries", queries_, "--rows", "10"}, {"10 queries", "at least 32"});
  fails({"--queries", WriteFvecs("wide.fvecs", RandomFloats(40, kDim + 1, 3))},
        {"wide.fvecs", "17 dimensions", "16"});
  Matrix m = RandomFloats(40, kDim, 3);
  m.values[5 * kDim + 2] = std::numeric_limits<float>::quiet_NaN();
  fails({"--queries", WriteFvecs("nan.fvecs", m)}, {"row 5", "column 2"});
  fails({"--queries", Path("missing")}, {"missing"});
  fails({"--queries", queries_, "-k", "1000"}, {"k is 1000", "750", "x.kith"});
  fails({"--queries", file_}, {"x.kith", "each the nearest of itself"});
  fails({"--queries", queries_, "-o", queries_}, {"q.fvecs", "choose another name"});
  fails({"--queries", queries_, "-o", Path("no/such/x.kith")}, {"no/such"});
  Fails(1, {"tune", base_, "--queries", queries_}, {"base.fvecs", "kith build"});
  Fails(1, {"tune", Path("none.kith"), "--queries", queries_}, {"none.kith"});
  Ok({"build", base_, "-o", Path("e.kith"), "--index", "exact"});
  Fails(1, {"tune", Path("e.kith"), "--queries", queries_}, {"e.kith", "exact search only"});

  StartOptions options;
  options.file_limit = 4096;
  const Outcome full = Process::Start({"tune", file_, "--queries", queries_}, options).Wait();
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_TRUE(Has(full.err, "kith: ") && Has(full.err, "x.kith")) << full.err;
  EXPECT_TRUE(ReadFile(file_) == before) << "a full disk leaves the old file whole";
  Ok({"verify", file_});
}

}  // namespace
}  // namespace kith::cli_test
