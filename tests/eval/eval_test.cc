#include "kith/eval.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "eval/fake_index.h"

namespace kith {
namespace {

constexpr size_t kRows = 64;

class EvaluateTest : public ::testing::Test {
 protected:
  Result<std::vector<EvalPoint>> Run(const EvalOptions& options,
                                     const GroundTruth* truth = nullptr) const {
    return Evaluate(index_, ViewOf(queries_.data(), queries_.size(), 1), truth, options);
  }
  std::string Error(const EvalOptions& options, const GroundTruth* truth = nullptr) const {
    const auto points = Run(options, truth);
    EXPECT_FALSE(points.ok());
    EXPECT_EQ(points.status().code(), StatusCode::kInvalidArgument);
    return points.status().message();
  }

  FakeIndex index_{Metric::kEuclidean, 1, Line()};
  // Of the three nearest of each query, none, one and all are among the first 32 rows.
  std::vector<float> queries_ = {50.1f, 32.6f, 5.2f};
};

TEST_F(EvaluateTest, MeasuresExactThenTheEffortsInOrder) {
  EvalOptions options;
  options.k = 3;
  options.efforts = {64, 32};
  const auto points = Run(options);
  ASSERT_TRUE(points.ok()) << points.status().message();
  ASSERT_EQ(points->size(), 3u);

  const EvalPoint& exact = (*points)[0];
  EXPECT_EQ(exact.index, IndexKind::kExact);
  EXPECT_EQ(exact.k, 3u);
  EXPECT_EQ(exact.effort, 0);
  EXPECT_DOUBLE_EQ(exact.recall, 1);
  EXPECT_DOUBLE_EQ(exact.distances, 64);

  const EvalPoint& all = (*points)[1];
  EXPECT_EQ(all.index, IndexKind::kForest);
  EXPECT_EQ(all.effort, 64);
  EXPECT_DOUBLE_EQ(all.recall, 1);

  const EvalPoint& half = (*points)[2];
  EXPECT_EQ(half.effort, 32);
  EXPECT_NEAR(half.recall, 3.0 / 9, 1e-12);
  EXPECT_DOUBLE_EQ(half.distances, 32);
  EXPECT_DOUBLE_EQ(half.entries, 64);
  EXPECT_DOUBLE_EQ(half.nodes, 3);
  EXPECT_DOUBLE_EQ(half.codes, 4);
  EXPECT_DOUBLE_EQ(half.bytes, 5);
  for (const EvalPoint& point : *points) {
    EXPECT_GT(point.qps, 0);
    EXPECT_GT(point.batch_qps, 0);
    EXPECT_GT(point.p50_us, 0);
    EXPECT_GE(point.p99_us, point.p50_us);
  }
}

TEST_F(EvaluateTest, RecallsAreMeasuredWithTheEffortsTheyTake) {
  index_.set_paths(true, true);
  EvalOptions options;
  options.k = 3;
  options.recalls = {0.5, 0.25};
  const auto points = Run(options);
  ASSERT_TRUE(points.ok()) << points.status().message();
  ASSERT_EQ(points->size(), 5u);
  EXPECT_EQ((*points)[0].target, 0) << "exact search has none";
  for (const size_t i : {1, 3}) {
    const EvalPoint& half = (*points)[i];
    EXPECT_EQ(half.index, i == 1 ? IndexKind::kGraph : IndexKind::kForest);
    EXPECT_EQ(half.target, 0.5);
    EXPECT_EQ(half.effort, 32.5) << "as planned, in fractions";
    EXPECT_DOUBLE_EQ(half.distances, 32);
    EXPECT_NEAR(half.recall, 3.0 / 9, 1e-12) << "what is found, not what was asked for";
    EXPECT_EQ((*points)[i + 1].effort, 16.5);
  }
}

TEST_F(EvaluateTest, RecallsOutOfReachAreSaidBesideThoseInReach) {
  index_.set_most_recall(0.9);
  index_.mutable_info().calibration.curves = {
      {IndexKind::kForest, 3, {{.effort = 8, .recall = 0.5f}, {.effort = 32, .recall = 0.75f}}}};
  EvalOptions options;
  options.k = 3;
  options.recalls = {0.95, 0.5};
  options.paths = {IndexKind::kForest};
  const auto points = Run(options);
  ASSERT_TRUE(points.ok()) << points.status().message();
  ASSERT_EQ(points->size(), 2u);
  const EvalPoint& missed = (*points)[0];
  EXPECT_EQ(missed.index, IndexKind::kForest);
  EXPECT_EQ(missed.k, 3u);
  EXPECT_EQ(missed.target, 0.95);
  EXPECT_FALSE(missed.reachable);
  EXPECT_EQ(missed.reached, 0.75);
  EXPECT_EQ(missed.qps, 0);
  EXPECT_TRUE((*points)[1].reachable);
  EXPECT_FALSE((*points)[1].missed) << "so few queries prove nothing";
  EXPECT_EQ((*points)[1].effort, 32.5);
  EXPECT_GT((*points)[1].qps, 0);
}

TEST_F(EvaluateTest, ATargetThatIsClearlyMissedIsSaid) {
  // All that is looked at is the first half of the line, and of what is beyond nothing is found.
  index_.set_paths(true, false);
  EvalOptions options;
  options.k = 3;
  options.recalls = {0.5};
  options.paths = {IndexKind::kGraph};
  const auto missed = [&](float begin) {
    queries_.clear();
    for (int i = 0; i < 28; ++i) queries_.push_back(begin + static_cast<float>(i));
    const auto points = Run(options);
    EXPECT_TRUE(points.ok()) << points.status().message();
    return points.ok() && points->back().missed;
  };
  EXPECT_TRUE(missed(35.1f));
  EXPECT_FALSE(missed(1.1f));
}

TEST_F(EvaluateTest, RecallsThatAreAllOutOfReachAreSaidBeforeAnySearch) {
  index_.set_most_recall(0.9);
  EvalOptions options;
  options.k = 3;
  options.recalls = {0.95, 0.99};
  EXPECT_NE(Error(options).find("recall 0.95 is out of reach"), std::string::npos);
  EXPECT_TRUE(index_.calls().empty());
  options.efforts = {8};
  EXPECT_NE(Error(options).find("efforts and recalls"), std::string::npos);
  index_.set_paths(false, false);
  options.efforts = {};
  EXPECT_NE(Error(options).find("to measure recalls with"), std::string::npos);
}

TEST_F(EvaluateTest, QueriesOfAnotherKindThanTheCalibrationsAreSaidWithRecalls) {
  // Those of the calibration were up to 0.32 from a point of the line.
  for (int i = 0; i <= 32; ++i) {
    index_.mutable_info().calibration.nearest.push_back(0.01f * static_cast<float>(i));
  }
  index_.mutable_info().calibration.num_queries = 2000;
  const auto drift_of = [&](float offset, const EvalOptions& options) {
    queries_.clear();
    for (int i = 0; i < 40; ++i) {
      queries_.push_back(static_cast<float>(i) + offset * static_cast<float>(i % 8) / 8);
    }
    const auto points = Run(options);
    EXPECT_TRUE(points.ok()) << points.status().message();
    return points.ok() ? points->back().drift : QueryDrift{};
  };
  EvalOptions options;
  options.k = 3;
  options.recalls = {0.5};
  const QueryDrift alike = drift_of(0.32f, options);
  EXPECT_EQ(alike.queries, 40u) << "however often they are searched for";
  EXPECT_FALSE(alike.unlike) << alike.distance;
  const QueryDrift far = drift_of(0.5f, options);
  EXPECT_EQ(far.queries, 40u);
  EXPECT_TRUE(far.unlike) << far.distance;
  options.recalls = {};
  options.efforts = {8};
  EXPECT_EQ(drift_of(0.5f, options).queries, 0u);
}

TEST_F(EvaluateTest, PartialRecallFollowsTheTruth) {
  // Of the true 32, 33 and 31 only the last is among the first 32 rows.
  queries_ = {32.1f};
  EvalOptions options;
  options.k = 3;
  options.efforts = {32};
  options.paths = {IndexKind::kGraph, IndexKind::kForest};
  const auto points = Run(options);
  ASSERT_TRUE(points.ok()) << points.status().message();
  ASSERT_EQ(points->size(), 1u);
  EXPECT_NEAR((*points)[0].recall, 1.0 / 3, 1e-12);
}

TEST_F(EvaluateTest, DefaultGridDoublesUntilEnough) {
  EvalOptions options;
  options.k = 3;
  const auto points = Run(options);
  ASSERT_TRUE(points.ok());
  std::vector<double> efforts;
  for (const EvalPoint& point : *points) efforts.push_back(point.effort);
  // Recall is 1 only when row 51 is seen; the last step is cut to the entries of all trees.
  EXPECT_EQ(efforts, (std::vector<double>{0, 3, 6, 12, 24, 48, 64}));

  queries_ = {5.2f};
  const auto easy = Run(options);
  ASSERT_TRUE(easy.ok());
  EXPECT_EQ(easy->back().effort, 12) << "stops at recall 1";
}

TEST_F(EvaluateTest, DefaultGridEndsWhereRecallNeverComes) {
  index_.set_repeat(true);
  EvalOptions options;
  options.k = 3;
  options.paths = {IndexKind::kGraph, IndexKind::kForest};
  const GroundTruth truth{3, 3, {50, 51, 49, 33, 32, 34, 5, 6, 4}, {}};
  const auto points = Run(options, &truth);
  ASSERT_TRUE(points.ok()) << points.status().message();
  EXPECT_EQ(points->back().effort, 64);
  EXPECT_NEAR(points->back().recall, 1.0 / 3, 1e-12);
}

TEST_F(EvaluateTest, GraphsComeBetweenExactAndForest) {
  index_.set_paths(true, true);
  const auto kinds = [&](const EvalOptions& options) {
    std::vector<IndexKind> all;
    const auto points = Run(options);
    EXPECT_TRUE(points.ok()) << points.status().message();
    for (const EvalPoint& point : *points) {
      if (all.empty() || all.back() != point.index) all.push_back(point.index);
    }
    return all;
  };
  EvalOptions options;
  options.k = 3;
  EXPECT_EQ(kinds(options),
            (std::vector<IndexKind>{IndexKind::kExact, IndexKind::kGraph, IndexKind::kForest}));
  options.paths = {IndexKind::kGraph};
  options.efforts = {20, 10};
  const auto points = Run(options);
  ASSERT_TRUE(points.ok());
  ASSERT_EQ(points->size(), 2u);
  EXPECT_EQ((*points)[0].index, IndexKind::kGraph);
  EXPECT_EQ((*points)[0].effort, 20);
  EXPECT_EQ((*points)[1].effort, 10);
  options.paths = {IndexKind::kForest};
  EXPECT_EQ(kinds(options), (std::vector<IndexKind>{IndexKind::kForest}));
}

TEST_F(EvaluateTest, GraphGridStartsAtKAndEndsAtEnoughRecall) {
  index_.set_paths(true, true);
  EvalOptions options;
  options.paths = {IndexKind::kGraph};
  const auto efforts = [&] {
    std::vector<double> all;
    const auto points = Run(options);
    EXPECT_TRUE(points.ok()) << points.status().message();
    for (const EvalPoint& point : *points) all.push_back(point.effort);
    return all;
  };
  options.k = 3;  // recall is 1 only when row 51 is seen
  EXPECT_EQ(efforts(), (std::vector<double>{3, 10, 16, 24, 32, 48, 64}));
  options.k = 16;
  EXPECT_EQ(efforts(), (std::vector<double>{16, 24, 32, 48, 64}));
  queries_ = {5.2f};
  options.k = 3;
  EXPECT_EQ(efforts(), (std::vector<double>{3, 10}));
  // Where recall never comes: a grid has three efforts at least, and ends with the graph.
  queries_ = {50.1f};
  index_.set_repeat(true);
  EXPECT_EQ(efforts().back(), 64);
  std::vector<float> rows(3000);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i);
  FakeIndex large(Metric::kEuclidean, 1, std::move(rows));
  large.set_paths(true, true);
  large.set_repeat(true);
  const float query = 5;
  const auto last_of = [&](size_t k) {
    options.k = k;
    const auto points = Evaluate(large, ViewOf(&query, 1, 1), nullptr, options);
    EXPECT_TRUE(points.ok()) << points.status().message();
    return points->back().effort;
  };
  EXPECT_EQ(last_of(3), 512);
  EXPECT_EQ(last_of(400), 1024);
}

TEST_F(EvaluateTest, SurvivesATreeCountThatLies) {
  index_.set_paths(false, true, 0xFFFFFFFF);
  index_.mutable_info().num_vectors = kRows;
  EvalOptions options;
  options.k = kRows;
  const auto points = Run(options);
  ASSERT_TRUE(points.ok());
  EXPECT_EQ(points->back().recall, 1);
}

TEST_F(EvaluateTest, OneQueryAtATimeOnOneThread) {
  EvalOptions options;
  options.k = 3;
  options.threads = 7;
  options.paths = {IndexKind::kExact, IndexKind::kGraph};
  const GroundTruth truth{3, 3, {50, 51, 49, 33, 32, 34, 5, 6, 4}, {}};
  ASSERT_TRUE(Run(options, &truth).ok());
  ASSERT_GE(index_.calls().size(), 4u);
  EXPECT_EQ(index_.calls().front().queries, 3u);
  EXPECT_EQ(index_.calls().front().threads, 7);
  for (size_t i = index_.calls().size() - 3; i < index_.calls().size(); ++i) {
    EXPECT_EQ(index_.calls()[i].queries, 1u);
    EXPECT_EQ(index_.calls()[i].threads, 1);
  }
}

TEST_F(EvaluateTest, TakesQueriesOfAnyTypeAndStride) {
  const uint8_t bytes[] = {50, 255, 33, 255, 5, 255};
  const MatrixView queries{reinterpret_cast<const std::byte*>(bytes), 3, 1, 2, DataType::kU8};
  EvalOptions options;
  options.k = 1;
  options.efforts = {40};
  options.paths = {IndexKind::kGraph, IndexKind::kForest};
  const GroundTruth truth{3, 2, {50, 51, 33, 32, 5, 6}, {}};
  const auto points = Evaluate(index_, queries, &truth, options);
  ASSERT_TRUE(points.ok()) << points.status().message();
  EXPECT_NEAR((*points)[0].recall, 2.0 / 3, 1e-12);
}

TEST_F(EvaluateTest, TruthIsOfExternalIds) {
  index_.set_first_id(1000);
  EvalOptions options;
  options.k = 2;
  options.paths = {IndexKind::kExact, IndexKind::kGraph};
  const GroundTruth truth{3, 2, {1050, 1051, 1033, 1032, 1005, 1006}, {}};
  const auto points = Run(options, &truth);
  ASSERT_TRUE(points.ok()) << points.status().message();
  EXPECT_DOUBLE_EQ((*points)[0].recall, 1);
}

TEST_F(EvaluateTest, FloatErrorNearZeroCostsNothing) {
  // Every vector twice; the k-th true distance is 0, and the index is a little off.
  FakeIndex twins(Metric::kAngular, 2, {1, 2, 1, 2, 3, 1, 3, 1});
  twins.set_error(1e-7f);
  const float query[] = {1, 2};
  EvalOptions options;
  options.k = 2;
  options.paths = {IndexKind::kExact, IndexKind::kGraph};
  const auto points = Evaluate(twins, ViewOf(query, 1, 2), nullptr, options);
  ASSERT_TRUE(points.ok());
  EXPECT_DOUBLE_EQ((*points)[0].recall, 1);
}

TEST_F(EvaluateTest, ReportsProgressAndStops) {
  EvalOptions options;
  options.k = 3;
  options.efforts = {8, 16};
  std::vector<std::string> stages;
  options.progress = [&](std::string_view stage, uint64_t, uint64_t) {
    stages.emplace_back(stage);
    return stages.size() < 3;
  };
  EXPECT_EQ(Error(options), "cancelled");
  EXPECT_EQ(stages, (std::vector<std::string>{"ground truth", "exact search", "forest, effort 8"}));
}

TEST_F(EvaluateTest, RefusesWhatCannotBeMeasured) {
  const auto has = [&](const EvalOptions& options, const char* words) {
    const std::string message = Error(options);
    EXPECT_NE(message.find(words), std::string::npos) << message;
  };
  EvalOptions options;
  options.k = 0;
  has(options, "k is 0");
  options.k = kRows + 1;
  has(options, "k is 65");
  options.k = 3;
  options.efforts = {8, 0};
  has(options, "effort is 0");
  options.efforts = {};
  options.paths = {IndexKind::kGraph};
  has(options, "nothing that is not left out");
  index_.set_paths(false, false);
  options.paths = {IndexKind::kGraph, IndexKind::kForest};
  has(options, "exact search only");
  options.paths = {};
  options.efforts = {8};
  has(options, "no graph or forest to measure");
  options.paths = {IndexKind::kExact, IndexKind::kForest};
  has(options, "no forest to measure");
  options.paths = {IndexKind::kExact, IndexKind::kGraph};
  has(options, "no graph to measure");
  index_.set_paths(true, true);
  options.paths = {};
  has(options, "one of them at a time");
  index_.set_paths(false, false);
  options.efforts = {};
  EXPECT_EQ(Run(options)->size(), 1u) << "without a forest, exact search alone is measured";
  index_.mutable_info().dim = 2;
  has(options, "1 dimensions, but fake.kith has 2");
  index_.mutable_info().dim = 1;
  queries_.clear();
  has(options, "no queries");
}

}  // namespace
}  // namespace kith
