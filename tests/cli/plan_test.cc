// kith build --explain, and what speaks for one index or another.
#include <algorithm>
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

class PlanCliTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    vectors_ = WriteBvecs("v.bvecs", RandomBytes(30'000, 64, 1));
  }

  std::string Explain(const std::vector<std::string>& more) const {
    std::vector<std::string> args{"build", vectors_, "--explain"};
    args.insert(args.end(), more.begin(), more.end());
    const std::string out = Ok(args);
    for (const std::string& line : SplitLines(out)) {
      EXPECT_LE(line.size(), 100u) << line;
      EXPECT_TRUE(line.empty() || line.back() != ' ') << line;
    }
    return out;
  }

  std::string vectors_;
};

TEST_F(PlanCliTest, ExplainAloneBuildsNothing) {
  const std::string out = Explain({});
  for (const char* words :
       {"30,000 vectors of 64 dimensions, u8, euclidean; many queries",
        "hard to search (30,000 looked at)", "measure its recall; --no-calibrate", "exact search",
        "forest of 32 trees", "compact graph", "chosen: searched fastest", "as long a query",
        "packed graph: the fastest to search. --expect-queries", "docs/choosing.md"}) {
    EXPECT_NE(out.find(words), std::string::npos) << words << " in\n" << out;
  }
  EXPECT_EQ(FilesInDirectory(), std::vector<std::string>{"v.bvecs"});
}

TEST_F(PlanCliTest, SaysWhyEachWasTakenOrNot) {
  struct Case {
    std::vector<std::string> options;
    std::vector<std::string> words;
  };
  const std::vector<Case> cases = {
      {{"--expect-queries", "1"},
       {"; one query\n", "in all", "chosen: least in all", "faster from",
        "exact search: the least time for the build and one query, "}},
      {{"--expect-queries", "20000"},
       {"; 20,000 queries\n", "times that in all",
        "the least time for the build and all queries, "}},
      {{"--memory", "60M"},
       {"within 62.9 MB of memory\n", "over the memory", "compact graph: the fastest to search"}},
      {{"--memory", "60M"}, {", within the limits."}},
      {{"--build-time", "0.5s", "--threads", "2"},
       {"within 500 ms of building\n", "2 threads", "over the build time",
        "exact search: the fastest to search, within the limits."}},
      {{"--index", "forest"}, {"as asked", "not asked for", "because --index says so"}},
      {{"--rows", "2000"}, {"no faster than exact on so few", "of so few vectors"}},
      {{"--rows", "1"}, {"1 vector of"}},
      // The widest line there is.
      {{"--memory", "60M", "--build-time", "0.5", "--threads", "2", "--expect-queries",
        "900000000000"},
       {"within 62.9 MB of memory and 500 ms of building\n"}},
  };
  for (const auto& [options, words] : cases) {
    const std::string out = Explain(options);
    for (const std::string& word : words) {
      EXPECT_NE(out.find(word), std::string::npos) << word << " in\n" << out;
    }
  }
}

TEST_F(PlanCliTest, JsonHasThePlan) {
  const json plan = OkJson({"build", vectors_, "--explain", "--json", "--expect-queries", "20000"});
  EXPECT_EQ(plan["vectors"], 30'000);
  EXPECT_EQ(plan["dim"], 64);
  EXPECT_EQ(plan["dtype"], "u8");
  EXPECT_EQ(plan["metric"], "euclidean");
  EXPECT_EQ(plan["expected_queries"], 20'000);
  EXPECT_EQ(plan["looked_at"], 30'000);
  EXPECT_GT(plan["intrinsic_dim"], 25);
  ASSERT_EQ(plan["candidates"].size(), 4u);
  int built = 0;
  for (const json& c : plan["candidates"]) {
    EXPECT_NEAR(c["total_s"].get<double>(),
                c["build_s"].get<double>() + 20'000 * 1e-6 * c["query_us"].get<double>(), 1e-9);
    EXPECT_GT(c["bytes"], 30'000 * 64);
    EXPECT_GT(c["memory"], 0);
    EXPECT_EQ(c["calibration_s"] > 0, c["index"] != "exact");
    EXPECT_FALSE(c["why"].get<std::string>().empty());
    built += c["built"].get<bool>() ? 1 : 0;
    EXPECT_EQ(c["built"].get<bool>(), c["verdict"] == "chosen");
  }
  EXPECT_EQ(built, 1);
}

TEST_F(PlanCliTest, WithOutputExplainsAndBuilds) {
  const std::string f = Path("x.kith");
  const std::string easy = WriteBvecs("easy.bvecs", RandomBytes(60'000, 9, 1));
  const json built =
      OkJson({"build", easy, "-o", f, "--explain", "--json", "--expect-queries", "9000"});
  EXPECT_EQ(built["index"], json({"exact", "forest"}));
  EXPECT_EQ(built["plan"]["candidates"][1]["trees"], built["trees"]);
  EXPECT_EQ(built["plan"]["candidates"][1]["verdict"], "chosen");
  // The same without --explain, which only tells.
  const std::string bytes = ReadFile(f);
  const json again = OkJson({"build", easy, "-o", f, "--json", "--expect-queries", "9000"});
  EXPECT_FALSE(again.contains("plan"));
  EXPECT_TRUE(bytes == ReadFile(f));

  const std::string text = Explain({"-o", f, "--expect-queries", "1"});
  EXPECT_LT(text.find("the least time for"), text.find("30,000 vectors of 64 dimensions\n"));
  EXPECT_NE(text.find("exact (chosen for one query)"), std::string::npos) << text;
  EXPECT_EQ(OkJson({"info", f, "--json"})["index"], json({"exact"}));
  EXPECT_NE(Ok({"build", vectors_, "-o", f, "--build-time", "0.01", "--rows", "9000"})
                .find("exact (chosen within the limits)"),
            std::string::npos);
}

TEST_F(PlanCliTest, WrongUsageIsExitCode2) {
  const std::string f = Path("x.kith");
  const std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> cases = {
      {{"--json"}, {"--output", "required"}},
      {{"-o", f, "--expect-queries", "0"}, {"--expect-queries", "'0'", "at least 1"}},
      {{"-o", f, "--expect-queries", "many"}, {"--expect-queries", "'many'"}},
      {{"-o", f, "--expect-queries", "5", "--index", "graph"}, {"is for --index auto"}},
      {{"-o", f, "--expect-queries", "5", "--index", "forest", "--trees", "3"},
       {"without --trees"}},
      {{"-o", f, "--build-time", "5m", "--index", "graph"}, {"is for --index auto"}},
      {{"-o", f, "--build-time", "0s"}, {"'0s'", "30s, 5m or 2h"}},
      {{"-o", f, "--build-time", "-1"}, {"'-1'"}},
      {{"-o", f, "--build-time", "5 days"}, {"'5 days'"}},
      {{"-o", f, "--build-time", "inf"}, {"'inf'"}},
      {{"-o", f, "--build-time", "nan"}, {"'nan'"}},
      {{"-o", f, "--build-time", "m"}, {"'m'"}},
  };
  for (const auto& [options, words] : cases) {
    std::vector<std::string> args{"build", vectors_};
    args.insert(args.end(), options.begin(), options.end());
    Fails(2, args, words);
  }
}

TEST_F(PlanCliTest, LimitsThatNothingMeetsFailAndSayWhatWouldDo) {
  const std::string f = Path("x.kith");
  Fails(1, {"build", vectors_, "-o", f, "--memory", "1K"},
        {"of memory even for exact search only", "1024 are allowed"});
  Fails(1, {"build", vectors_, "-o", f, "--build-time", "0.001"},
        {"even for exact search only", "0.001 s are allowed"});
  EXPECT_EQ(FilesInDirectory(), std::vector<std::string>{"v.bvecs"});
}

}  // namespace
}  // namespace kith::cli_test
