// kith eval and kith truth.
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

class EvalTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    base_path_ = WriteFvecs("base.fvecs", base_);
    queries_path_ = WriteFvecs("queries.fvecs", queries_);
    Ok({"build", base_path_, "-o", Path("x.kith"), "--metric", "euclidean", "--index", "forest"});
  }

  const Matrix base_ = RandomFloats(2000, 10, 5);
  const Matrix queries_ = RandomFloats(30, 10, 6);
  std::string base_path_;
  std::string queries_path_;
};

TEST_F(EvalTest, JsonHasAnObjectForEachEffort) {
  const auto points = OkJsonLines(
      {"eval", Path("x.kith"), "--queries", queries_path_, "--effort", "50,400", "--json"});
  ASSERT_EQ(points.size(), 3u);
  for (const json& point : points) {
    for (const char* key : {"file",        "index",         "k",
                            "effort",      "recall",        "recall_low",
                            "recall_high", "recall_p5",     "recall_worst_decile",
                            "qps",         "qps_low",       "qps_high",
                            "batch_qps",   "batch_qps_low", "batch_qps_high",
                            "p50_us",      "p99_us",        "distances",
                            "codes",       "nodes",         "entries",
                            "bytes_read",  "build_s",       "bytes"}) {
      EXPECT_TRUE(point.contains(key)) << key;
    }
    EXPECT_EQ(point["k"], 10);
    EXPECT_GT(point["qps"], 0);
    EXPECT_GT(point["batch_qps"], 0);
    for (const char* value : {"recall", "qps"}) {
      const std::string name = value;
      EXPECT_LE(point[name + "_low"], point[name]);
      EXPECT_GE(point[name + "_high"], point[name]);
    }
    EXPECT_LE(point["recall_worst_decile"], point["recall"]);
    EXPECT_GE(point["p99_us"], point["p50_us"]);
    EXPECT_EQ(point["bytes"], ReadFile(Path("x.kith")).size());
  }
  EXPECT_EQ(points[0]["index"], "exact");
  EXPECT_EQ(points[0]["recall"], 1.0);
  EXPECT_EQ(points[0]["distances"], 2000);
  EXPECT_EQ(points[1]["index"], "forest");
  EXPECT_EQ(points[1]["effort"], 50);
  EXPECT_EQ(points[2]["effort"], 400);
  EXPECT_LE(points[1]["recall"], points[2]["recall"]);
  EXPECT_LT(points[1]["recall"], 1.0) << "50 entries can't hold all neighbours of 30 queries";
}

TEST_F(EvalTest, DefaultGridReachesFullRecall) {
  const auto points = OkJsonLines({"eval", Path("x.kith"), "--queries", queries_path_, "-k", "5",
                                   "--no-exact", "--rows", "10", "--json"});
  ASSERT_GE(points.size(), 2u);
  EXPECT_GE(points.back()["recall"], 0.999);
  for (const json& point : points) EXPECT_EQ(point["index"], "forest");
}

TEST_F(EvalTest, MeasuresEveryIndexOrThoseAskedFor) {
  Ok({"build", base_path_, "-o", Path("both.kith"), "--metric", "euclidean", "--index",
      "graph,forest"});
  const auto points = [&](const std::vector<std::string>& more) {
    std::vector<std::string> args{"eval",   Path("both.kith"), "--queries", queries_path_,
                                  "--json", "--rows",          "5"};
    args.insert(args.end(), more.begin(), more.end());
    return OkJsonLines(args);
  };
  const auto kinds = [&](const std::vector<std::string>& more) {
    std::string all;
    for (const json& point : points(more)) {
      const auto kind = point["index"].get<std::string>();
      if (all.size() < kind.size() || all.substr(all.size() - kind.size()) != kind) {
        all += (all.empty() ? "" : " ") + kind;
      }
    }
    return all;
  };
  EXPECT_EQ(kinds({}), "exact graph forest");
  EXPECT_EQ(kinds({"--no-exact"}), "graph forest");
  EXPECT_EQ(kinds({"--index", "graph"}), "graph");
  EXPECT_EQ(kinds({"--index", "forest,exact"}), "exact forest");
  EXPECT_EQ(kinds({"--index", "graph", "--effort", "30"}), "graph");
  Fails(1, {"eval", Path("both.kith"), "--queries", queries_path_, "--effort", "30"},
        {"both.kith has a graph and a forest", "one of them at a time"});
}

TEST_F(EvalTest, GraphsAreCounted) {
  Ok({"build", base_path_, "-o", Path("g.kith"), "--metric", "euclidean", "--index", "graph"});
  const std::vector<std::string> command{"eval",     Path("g.kith"), "--queries", queries_path_,
                                         "--effort", "10,40",        "--json"};
  const auto points = OkJsonLines(command);
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[0]["bytes_read"], 0);
  const double visit = OkJson({"info", Path("g.kith"), "--json"})["graph"]["visit_bytes"];
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(points[i]["index"], "graph");
    EXPECT_GE(points[i]["nodes"], 10) << "what is found was visited";
    EXPECT_LT(points[i]["nodes"], 400);
    EXPECT_GE(points[i]["distances"], points[i]["nodes"]);
    EXPECT_GT(points[i]["codes"], points[i]["nodes"]);
    EXPECT_GE(points[i]["bytes_read"], points[i]["nodes"].get<double>() * visit);
    EXPECT_GT(points[i]["recall"], 0.5);
  }
  EXPECT_LE(points[1]["recall"], points[2]["recall"]);
  EXPECT_LT(points[1]["nodes"], points[2]["nodes"]);
  // Huge pages and threads change nothing but speed.
  std::vector<std::string> other = command;
  other.insert(other.end(), {"--huge", "--threads", "2"});
  const auto again = OkJsonLines(other);
  for (size_t i = 0; i < 3; ++i) {
    for (const char* key : {"recall", "distances", "codes", "nodes", "bytes_read"}) {
      EXPECT_EQ(points[i][key], again[i][key]) << key;
    }
  }
}

TEST_F(EvalTest, TableNamesWhatWasMeasured) {
  const std::string out =
      Ok({"eval", Path("x.kith"), "--queries", queries_path_, "--effort", "80", "--threads", "2"});
  for (const char* words :
       {"2,000 vectors of 10 dimensions, f32, euclidean; 30 queries, 2 threads, truth by exact",
        "recall@10", "p5", "worst", "qps", "batch", "p99", "distances", "speed-up", "1.0000", " ±.",
        "%"}) {
    EXPECT_NE(out.find(words), std::string::npos) << words << " in\n" << out;
  }
  EXPECT_EQ(SplitLines(out).size(), 4u);
  const std::string exact = Ok({"eval", Path("x.kith"), "--queries", queries_path_, "--exact"});
  EXPECT_EQ(exact.find("forest"), std::string::npos);
}

TEST_F(EvalTest, TruthIsThatOfAPlainLoop) {
  const json made = OkJson({"truth", base_path_, "--queries", queries_path_, "-k", "20", "-o",
                            Path("t.ivecs"), "--metric", "euclidean", "--json"});
  EXPECT_EQ(made["queries"], 30);
  EXPECT_EQ(made["k"], 20);
  EXPECT_EQ(made["metric"], "euclidean");
  std::string expected;
  for (size_t q = 0; q < queries_.rows; ++q) {
    const auto append = [&](int32_t x) { expected.append(reinterpret_cast<const char*>(&x), 4); };
    append(20);
    for (const int64_t id : Nearest(Distance::kEuclidean, base_, queries_.row(q), 20)) {
      append(static_cast<int32_t>(id));
    }
  }
  EXPECT_TRUE(ReadFile(Path("t.ivecs")) == expected);
}

TEST_F(EvalTest, EveryFormOfTruthGivesTheSameRecall) {
  const auto recall = [&](const std::vector<std::string>& more) {
    std::vector<std::string> args{"eval",     Path("x.kith"), "--queries", queries_path_,
                                  "--effort", "60",           "--json",    "--no-exact"};
    args.insert(args.end(), more.begin(), more.end());
    return OkJson(args)["recall"].get<double>();
  };
  const double computed = recall({});
  EXPECT_LT(computed, 1);
  EXPECT_GT(computed, 0);
  for (const char* name : {"t.ivecs", "t.ibin", "t.npy"}) {
    Ok({"truth", base_path_, "--queries", queries_path_, "-k", "15", "-o", Path(name), "--metric",
        "euclidean"});
    EXPECT_DOUBLE_EQ(recall({"--truth", Path(name)}), computed) << name;
  }
  // The truth of another file's vectors gives what it deserves.
  Ok({"truth", WriteFvecs("other.fvecs", RandomFloats(2000, 10, 77)), "--queries", queries_path_,
      "-k", "10", "-o", Path("wrong.ivecs"), "--metric", "euclidean"});
  EXPECT_NE(recall({"--truth", Path("wrong.ivecs")}), computed);
}

TEST_F(EvalTest, TruthOfAKithFileIsOfItsIds) {
  std::string ids;
  for (size_t i = 0; i < base_.rows; ++i) ids += std::to_string(100000 - i) + "\n";
  WriteFile(Path("ids.txt"), ids);
  Ok({"build", base_path_, "-o", Path("i.kith"), "--ids", Path("ids.txt"), "--metric",
      "euclidean"});
  Ok({"truth", Path("i.kith"), "--queries", queries_path_, "-k", "10", "-o", Path("i.ivecs")});
  EXPECT_EQ(OkJson({"eval", Path("i.kith"), "--queries", queries_path_, "--truth", Path("i.ivecs"),
                    "--exact", "--json"})["recall"],
            1.0);
  Fails(1, {"eval", Path("x.kith"), "--queries", queries_path_, "--truth", Path("i.ivecs")},
        {"names id", "does not have"});
}

}  // namespace
}  // namespace kith::cli_test
