// A recall is asked for: kith search and eval with --recall, kith tune, and what the files say.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/strings.h"
#include "cli/harness.h"
#include "storage/container_image.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

bool Has(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

class RecallTest : public CliTest {
 protected:
  static constexpr size_t kRows = 6000;
  static constexpr size_t kDim = 10;

  void SetUp() override {
    CliTest::SetUp();
    base_ = WriteFvecs("base.fvecs", RandomFloats(kRows, kDim, 1));
    queries_ = WriteFvecs("q.fvecs", RandomFloats(500, kDim, 2));
    file_ = Path("x.kith");
  }

  void Build(const std::string& index, const std::vector<std::string>& more = {}) {
    std::vector<std::string> args{"build",    base_,       "-o",      file_,
                                  "--metric", "euclidean", "--index", index};
    args.insert(args.end(), more.begin(), more.end());
    Ok(args);
  }

  std::vector<json> Search(const std::vector<std::string>& more) const {
    std::vector<std::string> args{"search", file_, "--queries", queries_, "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return OkJsonLines(args);
  }

  std::string base_;
  std::string queries_;
  std::string file_;
};

// Mean share of the exact neighbours, by distance, that are in the answers.
double RecallOf(const std::vector<json>& found, const std::vector<json>& exact) {
  size_t hits = 0;
  size_t all = 0;
  for (size_t q = 0; q < exact.size(); ++q) {
    const double limit = exact[q]["neighbors"].back()["distance"].get<double>() * 1.001;
    for (const json& neighbor : found[q]["neighbors"]) hits += neighbor["distance"] <= limit;
    all += exact[q]["neighbors"].size();
  }
  return static_cast<double>(hits) / static_cast<double>(all);
}

// A damaged calibration may name efforts that no integer holds.
TEST_F(RecallTest, EffortsBeyondIntegersAreSaidAsTheyAre) {
  Build("forest");
  kith::testing::ContainerImage image(ReadFile(file_));
  const size_t begin = image.OffsetOf("calibration");
  uint32_t curves = 0;
  std::memcpy(&curves, image.bytes().data() + begin + 8, sizeof(curves));
  ASSERT_GT(curves, 0u);
  size_t at = begin + 32 + curves * 16;
  for (uint32_t c = 0; c < curves; ++c) {
    uint32_t points = 0;
    std::memcpy(&points, image.bytes().data() + begin + 32 + c * 16 + 8, sizeof(points));
    for (uint32_t p = 0; p < points; ++p, at += 24) {
      const float effort = 1e30f * static_cast<float>(p + 1);
      std::memcpy(image.bytes().data() + at, &effort, sizeof(effort));
    }
  }
  image.Seal();
  WriteFile(file_, image.bytes());
  EXPECT_TRUE(Has(Ok({"info", file_}), "e+30"));
  const auto found = Search({"--index", "forest", "--recall", "0.9"});
  EXPECT_GT(found[0]["effort"].get<double>(), 1e29);
}

TEST_F(RecallTest, BuildAndInfoTellWhatWasMeasured) {
  const json built = OkJson({"build", base_, "-o", file_, "--index", "graph,forest", "--json"});
  EXPECT_EQ(built["calibration"]["source"], "held-out");
  EXPECT_EQ(built["calibration"]["queries"], 5 * 750) << "an eighth, five times";
  const json calibration = OkJson({"info", file_, "--json"})["calibration"];
  EXPECT_EQ(calibration["source"], "held-out");
  EXPECT_GE(calibration["curves"].size(), 6u);
  for (const json& curve : calibration["curves"]) {
    EXPECT_TRUE(curve["index"] == "graph" || curve["index"] == "forest");
    EXPECT_GT(curve["points"].size(), 2u);
    EXPECT_GT(curve["points"].back()["recall"], curve["points"][0]["recall"]) << curve;
  }
  EXPECT_EQ(calibration["nearest"].size(), 33u);
  const std::string info = Ok({"info", file_});
  EXPECT_TRUE(Has(info, "recall      measured with 3,750 held-out vectors")) << info;
  EXPECT_TRUE(Has(info, "effort for recall")) << info;
  EXPECT_TRUE(Has(info, "all is found")) << info;
  for (const json& curve : calibration["curves"]) {
    EXPECT_TRUE(curve["k"] == 1 || curve["end"] == "found") << curve;
  }
  for (const std::string& line : SplitLines(info)) {
    const bool of_table = Has(line, "graph  ") || Has(line, "forest  ");
    EXPECT_TRUE(!of_table || line.size() <= 100) << line;
  }

  EXPECT_TRUE(Has(Ok({"build", base_, "-o", file_, "--index", "forest"}),
                  "recall  measured with 3,750 held-out vectors"));
  EXPECT_TRUE(Has(Ok({"build", base_, "-o", file_, "--index", "graph", "--no-calibrate"}),
                  "recall  not measured; 'kith tune' does"));
  EXPECT_TRUE(OkJson({"info", file_, "--json"})["calibration"].is_null());
  EXPECT_TRUE(Has(Ok({"info", file_}), "recall      not measured; 'kith tune' does"));
  EXPECT_TRUE(Has(Ok({"build", base_, "-o", file_, "--index", "graph", "--rows", "300"}),
                  "not measured: exact search of so few vectors is as fast"));
  EXPECT_FALSE(Has(Ok({"build", base_, "-o", file_, "--index", "exact"}), "recall"));
}

TEST_F(RecallTest, NearlyAllQueriesReachWhatIsAskedForThem) {
  Build("graph,forest");
  EXPECT_TRUE(Has(Ok({"info", file_}), "for 95 % of queries")) << Ok({"info", file_});
  const json calibration = OkJson({"info", file_, "--json"})["calibration"];
  for (const json& curve : calibration["curves"]) {
    EXPECT_FALSE(curve["need"]["points"].empty()) << curve;
    EXPECT_EQ(curve.contains("wide"), curve["index"] == "graph") << curve;
  }
  const auto exact = Search({"--exact"});
  for (const std::string index : {"graph", "forest"}) {
    const auto found = Search({"--index", index, "--worst", "0.7"});
    EXPECT_GE(found[0]["expected_worst"].get<double>(), 0.7);
    EXPECT_GT(found[0]["effort"].get<double>(), 0);
    size_t reached = 0;
    for (size_t q = 0; q < found.size(); ++q) {
      reached += RecallOf({found[q]}, {exact[q]}) >= 0.7 - 1e-6 ? 1 : 0;
    }
    EXPECT_GE(static_cast<double>(reached), 0.92 * static_cast<double>(found.size()));
  }
  const std::string text =
      Ok({"search", file_, "--id", "3", "--index", "graph", "--recall", "0.9", "--worst", "0.7"});
  EXPECT_TRUE(Has(text, ", of 95 % of the queries 0.")) << text;
  const json point = OkJsonLines(
      {"eval", file_, "--queries", queries_, "--index", "graph", "--worst", "0.7", "--json"})[0];
  EXPECT_EQ(point["target_worst"], 0.7);
  EXPECT_TRUE(point["target"].is_null());
  EXPECT_TRUE(Has(Ok({"eval", file_, "--queries", queries_, "--index", "graph", "--recall", "0.9",
                      "--worst", "0.7"}),
                  "0.9, p5 0.7"));
}

TEST_F(RecallTest, WhatIsAskedOfTheUnluckyIsChecked) {
  Build("graph");
  Fails(2, {"search", file_, "--queries", queries_, "--worst", "1.5"}, {"is not a recall"});
  Fails(2, {"search", file_, "--queries", queries_, "--worst", "0.8", "--effort", "20"},
        {"contradict each other"});
  Fails(2, {"search", file_, "--queries", queries_, "--drift", "maybe"}, {"--drift"});
  Fails(2, {"eval", file_, "--queries", queries_, "--exact", "--worst", "0.8"},
        {"means nothing to exact search"});
}

TEST_F(RecallTest, ASearchFindsAsManyAsAskedFor) {
  Build("graph,forest");
  const auto exact = Search({"--exact"});
  EXPECT_FALSE(exact[0].contains("effort")) << "no recall was asked for";
  for (const std::string index : {"graph", "forest"}) {
    double effort = 0;
    for (const double recall : {0.9, 0.95, 0.99}) {
      const auto found = Search({"--index", index, "--recall", StrCat(recall)});
      ASSERT_EQ(found.size(), exact.size());
      EXPECT_EQ(found[0]["index"], index);
      // More than asked for if even the least effort gives more.
      EXPECT_GE(found[0]["expected_recall"], recall - 1e-9) << index;
      EXPECT_NEAR(found[0]["expected_recall"], recall, 0.05) << index;
      EXPECT_NEAR(RecallOf(found, exact), found[0]["expected_recall"], 0.03) << index;
      EXPECT_GE(found[0]["effort"], effort) << index << " " << recall;
      effort = found[0]["effort"];
    }
  }
  const std::string table =
      Ok({"search", file_, "--id", "3", "--index", "graph", "--recall", "0.9"});
  EXPECT_TRUE(Has(table, "(graph, effort ") && Has(table, ", expected recall 0.9")) << table;
  EXPECT_TRUE(Has(Ok({"search", file_, "--id", "3", "--recall", "1"}), "(exact: "));
}

TEST_F(RecallTest, ExactSearchReachesEveryRecall) {
  Build("graph");
  for (const std::vector<std::string>& how :
       {std::vector<std::string>{"--exact"}, {"--index", "exact"}}) {
    std::vector<std::string> with = how;
    with.insert(with.end(), {"--recall", "0.9"});
    const auto found = Search(with);
    EXPECT_EQ(found[0]["index"], "exact");
    EXPECT_TRUE(found[0]["effort"].is_null());
    EXPECT_EQ(found[0]["expected_recall"], 1);
    EXPECT_EQ(found[7]["neighbors"], Search(how)[7]["neighbors"]);
  }
  Build("exact");
  EXPECT_EQ(Search({"--recall", "0.5"})[0]["expected_recall"], 1);
}

TEST_F(RecallTest, TheVectorAskedAboutIsNoHit) {
  WriteFile(Path("keys.txt"), [] {
    std::string keys;
    for (size_t i = 0; i < kRows; ++i) keys += StrCat("w", i, "\n");
    return keys;
  }());
  Build("forest", {"--keys", Path("keys.txt")});
  // Of two found, the vector itself is one for certain: 0.95 of two is 0.9 of the other.
  const auto search = [&](std::vector<std::string> args) {
    args.insert(args.begin(), {"search", file_, "--index", "forest"});
    return args;
  };
  const json one = OkJson(search({"--key", "w5", "-k", "1", "--recall", "0.9", "--json"}));
  EXPECT_NEAR(one["expected_recall"], 0.9, 1e-9);
  const auto two =
      OkJsonLines(search({"--queries", queries_, "-k", "2", "--recall", "0.95", "--json"}));
  EXPECT_EQ(one["effort"], two[0]["effort"]);
  // Queries that leave out one and two vectors are planned apart.
  const std::string input = "w5\nw1 w2\n";
  const auto lines = OkJsonLines(search({"-", "-k", "1", "--recall", "0.9", "--json"}), input);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], one);
  EXPECT_NE(lines[1]["effort"], one["effort"]);
  const std::string table = Ok(search({"-", "-k", "1", "--recall", "0.9"}), input);
  for (const char* words : {"(forest, effort ", " to ", ", expected recall 0.9: "}) {
    EXPECT_TRUE(Has(table, words)) << table;
  }
}

TEST_F(RecallTest, WhatIsOutOfReachIsAnErrorThatNamesTheWayOut) {
  Build("graph");
  Fails(1, {"search", file_, "--id", "1", "--index", "graph", "--recall", "1"},
        {"recall 1 is beyond what the graph of", "x.kith", "k = 1", "--exact instead of --index"});
  Fails(1, {"eval", file_, "--queries", queries_, "--recall", "1"},
        {"recall 1 is beyond", "x.kith"});
  Build("graph", {"--no-calibrate"});
  Fails(1, {"search", file_, "--id", "1", "--index", "graph", "--recall", "0.9"},
        {"x.kith", "not measured", "kith tune", "--exact"});
  // But not where the way is for kith to choose.
  const json found = OkJson({"search", file_, "--id", "1", "--recall", "0.9", "--json"});
  EXPECT_EQ(found["index"], "exact");
  EXPECT_EQ(found["expected_recall"], 1);
  EXPECT_TRUE(found["why_exact"] == "unmeasured" || found["why_exact"] == "cheaper") << found;
}

TEST_F(RecallTest, EvalMeasuresWhatIsInReachAndSaysWhatIsNot) {
  Build("graph");
  std::vector<std::string> eval{"eval",     file_,   "--queries", queries_,
                                "--recall", "1,0.9", "--no-exact"};
  Fails(1, eval,
        {"not all was measured", "recall 1 is beyond what the graph of", "x.kith", "about"});
  const std::vector<std::string> table = SplitLines(Run(eval).out);
  ASSERT_EQ(table.size(), 4u);
  EXPECT_TRUE(Has(table[2], "graph       1       -   ")) << table[2];
  EXPECT_TRUE(Has(table[3], "graph     0.9")) << table[3];
  eval.push_back("--json");
  const Outcome outcome = Run(eval);
  EXPECT_EQ(outcome.exit_code, 1);
  const std::vector<std::string> lines = SplitLines(outcome.out);
  ASSERT_EQ(lines.size(), 2u);
  const json missed = json::parse(lines[0]);
  EXPECT_EQ(missed["target"], 1);
  EXPECT_EQ(missed["reachable"], false);
  EXPECT_GT(missed["reached"], 0.9);
  EXPECT_TRUE(missed["effort"].is_null());
  EXPECT_FALSE(missed.contains("recall"));
  const json found = json::parse(lines[1]);
  EXPECT_EQ(found["target"], 0.9);
  EXPECT_EQ(found["reachable"], true);
  EXPECT_GT(found["recall"], 0.8);
  EXPECT_EQ(found["drift_unlike"], false);
}

TEST_F(RecallTest, EvalSaysThatQueriesAreUnlike) {
  Build("graph");
  Matrix far = RandomFloats(200, kDim, 7);
  for (float& x : far.values) x *= 3;
  const std::string noise = WriteFvecs("noise.fvecs", far);
  std::vector<std::string> eval{"eval", file_, "--queries", noise, "--recall", "0.9", "--no-exact"};
  const std::vector<std::string> table = SplitLines(Ok(eval));
  ASSERT_EQ(table.size(), 4u);
  EXPECT_EQ(table[3].rfind("warning: the queries look unlike those", 0), 0u) << table[3];
  EXPECT_TRUE(Has(table[3], StrCat("kith tune ", file_, " --queries ", noise))) << table[3];
  eval.push_back("--json");
  const Outcome outcome = Run(eval);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(Has(outcome.err, "kith: warning: the queries look unlike")) << outcome.err;
  const json point = json::parse(outcome.out);
  EXPECT_EQ(point["drift_unlike"], true);
  EXPECT_GT(point["drift"], 0.12);
}

TEST_F(RecallTest, UnlikeQueriesAreWarnedOf) {
  Build("graph");
  EXPECT_EQ(Search({"--index", "graph", "--recall", "0.9"}).size(), 500u) << "says nothing";
  Matrix far = RandomFloats(200, kDim, 7);
  for (float& x : far.values) x *= 3;
  const std::string noise = WriteFvecs("noise.fvecs", far);
  const std::vector<std::string> ask{"search", file_, "--queries", noise, "--recall", "0.9"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> args = ask;
    args.insert(args.end(), more.begin(), more.end());
    return Run(args);
  };
  const Outcome warned = with({"--index", "graph", "--json"});
  EXPECT_EQ(warned.exit_code, 0);
  ASSERT_EQ(SplitLines(warned.err).size(), 1u) << warned.err;
  for (const std::string& words : {std::string("kith: warning: "), std::string("unlike those"),
                                   StrCat("kith tune ", file_, " --queries ", noise)}) {
    EXPECT_TRUE(Has(warned.err, words)) << warned.err;
  }
  EXPECT_EQ(SplitLines(warned.out).size(), 200u);
  EXPECT_FALSE(Has(warned.out, "warning"));
  EXPECT_EQ(with({"--exact"}).err, "") << "exact search needs no calibration";
  EXPECT_EQ(Run({"search", file_, "--queries", noise, "--index", "graph"}).err, "");
  EXPECT_EQ(with({"--index", "graph", "--drift", "off"}).err, "");
  const Outcome widened = with({"--index", "graph", "--drift", "widen", "--json"});
  EXPECT_EQ(widened.err, "");
  const json first = json::parse(SplitLines(widened.out)[0]);
  EXPECT_GE(first["expected_recall"].get<double>(), 0.9 - 1e-6);
  // The way out that is given works.
  Run({"tune", file_, "--queries", noise});
  EXPECT_EQ(with({"--index", "graph"}).err, "");
}

TEST_F(RecallTest, TuneSaysWhatBecameOfEdges) {
  Build("graph", {"--no-calibrate"});
  const std::vector<std::string> adapt{"tune", file_, "--queries", queries_, "-k", "10", "--adapt"};
  const std::string text = Ok(adapt);
  EXPECT_TRUE(Has(text, "stays as it is") || Has(text, "edges given to the graph")) << text;
  std::vector<std::string> few = adapt;
  few.insert(few.end(), {"--rows", "63"});
  Fails(1, few, {"63 queries tell too little", "at least 64"});
  Build("forest", {"--no-calibrate"});
  EXPECT_TRUE(Has(Ok(adapt), "there is no graph to give edges to")) << "forest";
}

TEST_F(RecallTest, EvalSetsWhatIsFoundBesideWhatWasAskedFor) {
  Build("graph,forest");
  const std::vector<std::string> eval{"eval", file_, "--queries", queries_, "--recall", "0.9,0.95"};
  std::vector<std::string> with_json = eval;
  with_json.push_back("--json");
  const auto points = OkJsonLines(with_json);
  ASSERT_EQ(points.size(), 5u);
  EXPECT_EQ(points[0]["index"], "exact");
  EXPECT_FALSE(points[0].contains("target"));
  for (size_t i = 1; i < points.size(); ++i) {
    EXPECT_EQ(points[i]["index"], i < 3 ? "graph" : "forest");
    EXPECT_EQ(points[i]["target"], i % 2 == 1 ? 0.9 : 0.95);
    EXPECT_NEAR(points[i]["recall"], points[i]["target"].get<double>(), 0.05);
    EXPECT_LE(points[i]["recall_low"], points[i]["recall"]);
    EXPECT_GT(points[i]["effort"], 0);
  }
  EXPECT_EQ(points[1]["effort"], Search({"--index", "graph", "--recall", "0.9"})[0]["effort"]);
  const std::string table = Ok(eval);
  EXPECT_TRUE(Has(SplitLines(table)[1], "target  effort")) << table;
  EXPECT_TRUE(Has(table, "0.95")) << table;
  for (const std::string& line : SplitLines(table)) {
    EXPECT_TRUE(line[0] != ' ' || line.size() <= 102) << line;  // ± takes two bytes
  }
  EXPECT_EQ(OkJsonLines({"eval", file_, "--queries", queries_, "--recall", "0.9", "--index",
                         "forest", "--json"})
                .size(),
            1u);
}

// The rows of a .fbin or .u8bin file that `takes` chooses.
void WriteRows(const std::string& bin, const std::string& out, size_t value_bytes,
               bool (*takes)(size_t row)) {
  uint32_t head[2] = {};
  ASSERT_GE(bin.size(), sizeof(head));
  std::memcpy(head, bin.data(), sizeof(head));
  const size_t row_bytes = head[1] * value_bytes;
  std::string rows;
  uint32_t count = 0;
  for (size_t i = 0; i < head[0]; ++i) {
    if (!takes(i)) continue;
    rows += bin.substr(sizeof(head) + i * row_bytes, row_bytes);
    ++count;
  }
  head[0] = count;
  WriteFile(out, std::string(reinterpret_cast<const char*>(head), sizeof(head)) + rows);
}

class RealRecallTest : public RealDataCliTest {
 protected:
  // Vectors and queries that are none of them, of a file with as many bytes a value.
  void Split(const std::string& vectors, const std::string& ending, size_t value_bytes) {
    Ok({"convert", vectors, Path("all") + ending, "--keys", Path("keys.txt")});
    const std::string all = ReadFile(Path("all") + ending);
    base_ = Path("base") + ending;
    queries_ = Path("queries") + ending;
    WriteRows(all, base_, value_bytes, [](size_t i) { return i % 3 == 0; });
    WriteRows(all, queries_, value_bytes, [](size_t i) { return i % 39 == 1; });
  }

  void ExpectWhatIsAskedFor(const std::string& metric) {
    Ok({"build", base_, "-o", Path("x.kith"), "--index", "graph,forest", "--metric", metric});
    const std::vector<std::string> ask{"search", Path("x.kith"), "--queries", queries_, "--json"};
    const auto with = [&](const std::vector<std::string>& more) {
      std::vector<std::string> args = ask;
      args.insert(args.end(), more.begin(), more.end());
      return OkJsonLines(args);  // and no warning
    };
    const auto exact = with({"--exact"});
    ASSERT_GT(exact.size(), 1'500u);
    for (const std::string index : {"graph", "forest"}) {
      for (const double recall : {0.8, 0.9, 0.95, 0.99}) {
        const auto found = with({"--index", index, "--recall", StrCat(recall)});
        EXPECT_EQ(found[0]["index"], index);
        // More than asked for if even the least effort gives more.
        EXPECT_GE(found[0]["expected_recall"], recall - 1e-9) << index;
        EXPECT_NEAR(RecallOf(found, exact), found[0]["expected_recall"], 0.02) << index;
      }
    }
  }

  std::string base_;
  std::string queries_;
};

TEST_F(RealRecallTest, UnseenWords) {
  Split(data_ + "/words/words-en-100d.bin", ".fbin", 4);
  ExpectWhatIsAskedFor("angular");
}

TEST_F(RealRecallTest, UnseenDigits) {
  Split(data_ + "/mnist/train-images-idx3-ubyte.gz", ".u8bin", 1);
  ExpectWhatIsAskedFor("euclidean");
}

}  // namespace
}  // namespace kith::cli_test
