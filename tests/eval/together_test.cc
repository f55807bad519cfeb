// Several indexes measured in turn.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "eval/fake_index.h"
#include "kith/eval.h"

namespace kith {
namespace {

class TogetherTest : public ::testing::Test {
 protected:
  TogetherTest() { graph_.mutable_info().path = "graph.kith"; }

  void GiveGraph() { graph_.set_paths(true, false); }
  Result<std::vector<std::vector<EvalPoint>>> Run(const EvalOptions& options) const {
    return EvaluateTogether({&forest_, &graph_}, ViewOf(queries_.data(), queries_.size(), 1),
                            nullptr, options);
  }
  void Refused(const EvalOptions& options, const std::vector<std::string>& words) const {
    const auto points = Run(options);
    ASSERT_FALSE(points.ok());
    EXPECT_EQ(points.status().code(), StatusCode::kInvalidArgument);
    for (const std::string& word : words) {
      EXPECT_NE(points.status().message().find(word), std::string::npos)
          << word << " in: " << points.status().message();
    }
  }

  FakeIndex forest_{Metric::kEuclidean, 1, Line()};
  FakeIndex graph_{Metric::kEuclidean, 1, Line()};
  std::vector<float> queries_ = {50.1f, 32.6f, 5.2f};
};

TEST_F(TogetherTest, GivesAListForEachIndex) {
  GiveGraph();
  EvalOptions options;
  options.k = 3;
  const auto points = Run(options);
  ASSERT_TRUE(points.ok()) << points.status().message();
  ASSERT_EQ(points->size(), 2u);
  for (const auto& curve : *points) {
    ASSERT_GE(curve.size(), 2u);
    EXPECT_EQ(curve[0].index, IndexKind::kExact);
    EXPECT_EQ(curve.back().recall, 1);
  }
  EXPECT_EQ((*points)[0][1].index, IndexKind::kForest);
  EXPECT_EQ((*points)[1][1].index, IndexKind::kGraph);
}

TEST_F(TogetherTest, NumbersOfAPointAgree) {
  EvalOptions options;
  options.k = 3;
  options.efforts = {32};
  const auto points = Run(options);
  ASSERT_TRUE(points.ok()) << points.status().message();
  for (const auto& curve : *points) {
    ASSERT_EQ(curve.size(), 2u);
    for (const EvalPoint& point : curve) {
      EXPECT_LE(point.recall_interval.low, point.recall);
      EXPECT_GE(point.recall_interval.high, point.recall);
      EXPECT_LT(point.recall_interval.low, point.recall_interval.high);
      EXPECT_LE(point.qps_interval.low, point.qps);
      EXPECT_GE(point.qps_interval.high, point.qps);
      EXPECT_GT(point.qps_interval.low, 0);
      EXPECT_LE(point.batch_qps_interval.low, point.batch_qps);
      EXPECT_GE(point.batch_qps_interval.high, point.batch_qps);
    }
    EXPECT_EQ(curve[0].recall_p5, 1);
    EXPECT_EQ(curve[0].recall_worst_decile, 1);
    // Of the three queries' neighbours none, none and all are among the first 32.
    EXPECT_NEAR(curve[1].recall, 1.0 / 3, 1e-12);
    EXPECT_EQ(curve[1].recall_p5, 0);
    EXPECT_EQ(curve[1].recall_worst_decile, 0);
  }
}

TEST_F(TogetherTest, PointsTakeTurns) {
  EvalOptions options;
  options.k = 3;
  options.efforts = {32};
  // The indexes share their journal, in which an index that is done would go quiet.
  std::vector<const FakeIndex*> turns;
  forest_.set_journal(&turns);
  graph_.set_journal(&turns);
  ASSERT_TRUE(Run(options).ok());
  size_t changes = 0;
  for (size_t i = 1; i < turns.size(); ++i) changes += turns[i] != turns[i - 1] ? 1 : 0;
  EXPECT_GE(changes, 9u * 2) << "in each of nine rounds, from one to the other for each point";
}

TEST_F(TogetherTest, RefusesIndexesOfOtherVectors) {
  EvalOptions options;
  options.k = 3;
  graph_.mutable_info().metric = Metric::kManhattan;
  Refused(options, {"fake.kith has the metric euclidean", "graph.kith has the metric manhattan"});
  graph_.mutable_info().num_vectors = 63;
  Refused(options, {"fake.kith has 64 vectors", "graph.kith has 63 vectors"});
  graph_.mutable_info().dim = 2;
  Refused(options, {"fake.kith has 1 dimensions", "graph.kith has 2 dimensions"});
}

TEST_F(TogetherTest, RefusesEffortsOfTwoMeanings) {
  GiveGraph();
  EvalOptions options;
  options.k = 3;
  options.efforts = {10};
  Refused(options, {"graph.kith has a graph", "fake.kith has a forest", "one of them at a time"});
  const auto none = EvaluateTogether({}, ViewOf(queries_.data(), 3, 1), nullptr, options);
  EXPECT_EQ(none.status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace kith
