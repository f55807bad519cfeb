// Predictions by nearest neighbours, beside the definitions computed naively.
#include "kith/predict.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "base/rng.h"

namespace kith {
namespace {

constexpr size_t kDim = 3;

std::vector<float> Points(size_t rows, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(rows * kDim);
  for (float& v : values) v = static_cast<float>(rng.Normal());
  return values;
}

std::unique_ptr<Index> Built(const std::vector<float>& points, BuildOptions options = {}) {
  options.metric = Metric::kEuclidean;
  options.paths = {ExactOptions{}};
  auto index = BuildIndexInMemory(ViewOf(points.data(), points.size() / kDim, kDim), options);
  EXPECT_TRUE(index.ok());
  return std::move(*index);
}

struct Near {
  size_t row;
  double distance;
};

// All rows but those of the query's own fold, nearest first.
std::vector<Near> Ranked(const std::vector<float>& points, const float* query,
                         const Folds* folds = nullptr, size_t fold = 0) {
  std::vector<Near> near;
  for (size_t row = 0; row < points.size() / kDim; ++row) {
    if (folds != nullptr && (*folds)[row] == fold) continue;
    double sum = 0;
    for (size_t j = 0; j < kDim; ++j) sum += std::pow(points[row * kDim + j] - query[j], 2);
    near.push_back({row, std::sqrt(sum)});
  }
  std::sort(near.begin(), near.end(), [](const Near& a, const Near& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.row < b.row;
  });
  return near;
}

// Of a single k.
template <class... Args>
Result<Regression> RegressOne(const Args&... args) {
  auto all = Regress(args...);
  if (!all.ok()) return all.status();
  return std::move(all->at(0));
}

template <class... Args>
Result<Classification> ClassifyOne(const Args&... args) {
  auto all = Classify(args...);
  if (!all.ok()) return all.status();
  return std::move(all->at(0));
}

class PredictTest : public testing::Test {
 protected:
  void SetUp() override {
    Rng rng(7);
    values_.resize(points_.size() / kDim);
    labels_.resize(values_.size());
    for (size_t row = 0; row < values_.size(); ++row) {
      values_[row] = 10 * points_[row * kDim] + rng.Normal();
      labels_[row] = rng.Below(4);
    }
    params_.index = IndexKind::kExact;
  }
  MatrixView queries() const { return ViewOf(queries_.data(), queries_.size() / kDim, kDim); }

  std::vector<float> points_ = Points(500, 1);
  std::vector<float> queries_ = Points(40, 2);
  std::vector<double> values_;
  std::vector<uint32_t> labels_;
  std::vector<size_t> ks_{20};
  std::unique_ptr<Index> index_ = Built(points_);
  SearchParams params_;
};

TEST_F(PredictTest, MeansAndWeightedMeans) {
  for (const NeighbourWeights weights : {NeighbourWeights::kUniform, NeighbourWeights::kDistance}) {
    const auto found =
        RegressOne(*index_, queries(), values_, Averaging{.weights = weights}, ks_, params_);
    ASSERT_TRUE(found.ok()) << found.status().message();
    for (size_t q = 0; q < found->values.size(); ++q) {
      const std::vector<Near> near = Ranked(points_, &queries_[q * kDim]);
      double sum = 0;
      double total = 0;
      for (size_t i = 0; i < ks_[0]; ++i) {
        const double weight = weights == NeighbourWeights::kUniform ? 1 : 1 / near[i].distance;
        sum += weight * values_[near[i].row];
        total += weight;
      }
      EXPECT_NEAR(found->values[q], sum / total, 1e-5);
      EXPECT_NEAR(found->nearest[q], near[0].distance, 1e-6);
    }
  }
}

TEST_F(PredictTest, TrimmedMeansMediansAndIntervals) {
  const auto trimmed = RegressOne(*index_, queries(), values_,
                                  Averaging{.trim = 0.1, .interval = 0.8}, ks_, params_);
  const auto median =
      RegressOne(*index_, queries(), values_, Averaging{.median = true}, ks_, params_);
  ASSERT_TRUE(trimmed.ok() && median.ok());
  EXPECT_TRUE(median->low.empty());
  for (size_t q = 0; q < trimmed->values.size(); ++q) {
    const std::vector<Near> near = Ranked(points_, &queries_[q * kDim]);
    std::vector<double> values;
    for (size_t i = 0; i < ks_[0]; ++i) values.push_back(values_[near[i].row]);
    std::sort(values.begin(), values.end());
    EXPECT_NEAR(trimmed->values[q], std::accumulate(values.begin(), values.begin() + 18, 0.0) / 18,
                1e-12);
    EXPECT_DOUBLE_EQ(trimmed->low[q], (values[1] + values[2]) / 2);
    EXPECT_DOUBLE_EQ(trimmed->high[q], (values[17] + values[18]) / 2);
    EXPECT_DOUBLE_EQ(median->values[q], (values[9] + values[10]) / 2);
  }
}

TEST_F(PredictTest, NeighboursAtDistanceZeroAloneCount) {
  ks_ = {5};
  const MatrixView stored = ViewOf(points_.data(), 10, kDim);
  const auto found =
      RegressOne(*index_, stored, values_,
                 Averaging{.weights = NeighbourWeights::kDistance, .trim = 0.5}, ks_, params_);
  ASSERT_TRUE(found.ok());
  for (size_t q = 0; q < 10; ++q) EXPECT_EQ(found->values[q], values_[q]);
}

TEST_F(PredictTest, Votes) {
  const auto found =
      ClassifyOne(*index_, queries(), labels_, NeighbourWeights::kUniform, ks_, params_);
  ASSERT_TRUE(found.ok());
  for (size_t q = 0; q < found->labels.size(); ++q) {
    const std::vector<Near> near = Ranked(points_, &queries_[q * kDim]);
    std::map<uint32_t, int> votes;
    for (size_t i = 0; i < ks_[0]; ++i) ++votes[labels_[near[i].row]];
    // The first of the most is the smallest label.
    const auto most =
        std::max_element(votes.begin(), votes.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    EXPECT_EQ(found->labels[q], most->first);
    EXPECT_DOUBLE_EQ(found->shares[q], most->second / 20.0);
  }
}

TEST_F(PredictTest, FilesWithIdsAndFiltersAndManyQueries) {
  std::vector<int64_t> ids(values_.size());
  for (size_t row = 0; row < ids.size(); ++row) ids[row] = static_cast<int64_t>(9000 - row);
  BuildOptions options;
  options.ids = &ids;
  const auto with_ids = Built(points_, options);
  const std::vector<float> many = Points(140000, 3);
  const MatrixView view = ViewOf(many.data(), many.size() / kDim, kDim);
  ks_ = {3};
  const auto a = RegressOne(*index_, view, values_, Averaging{}, ks_, params_);
  params_.threads = 2;
  const auto b = RegressOne(*with_ids, view, values_, Averaging{}, ks_, params_);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->values, b->values);

  // Query q may not have the row it would have had first: a filter numbers queries as the caller.
  params_.k = 1;
  SearchResult nearest;
  ASSERT_TRUE(index_->Search(view, params_, &nearest).ok());
  ExcludedRows excluded;
  for (const int64_t id : nearest.ids) {
    const auto first = static_cast<uint64_t>(id);
    excluded.Add(std::span(&first, 1));
  }
  ks_ = {1};
  params_.filter = &excluded;
  const auto second = RegressOne(*index_, view, values_, Averaging{}, ks_, params_);
  ASSERT_TRUE(second.ok());
  for (const size_t q : {0, 131071, 131072, 131999}) {
    EXPECT_EQ(second->values[q], values_[Ranked(points_, &many[q * kDim])[1].row]);
  }
}

// Searches that are promised a recall notice queries of another kind, once, if they are watched.
TEST_F(PredictTest, NoticesQueriesOfAnotherKind) {
  const auto points = [](size_t rows, double spread) {
    Rng rng(rows);
    std::vector<float> values(rows * 8);
    for (float& x : values) x = static_cast<float>(spread * rng.Normal());
    return values;
  };
  const std::vector<float> rows = points(800, 1);
  const std::vector<float> far = points(200, 5);
  const MatrixView stored = ViewOf(rows.data(), 800, 8);
  const MatrixView unlike = ViewOf(far.data(), 200, 8);
  const std::vector<double> values(800, 1.0);
  const std::vector<uint32_t> labels(800, 0);
  BuildOptions options;
  options.metric = Metric::kEuclidean;
  options.paths = {GraphOptions{}};
  const auto index = BuildIndexInMemory(stored, options);
  ASSERT_TRUE(index.ok()) << index.status().message();
  params_.index = IndexKind::kGraph;
  params_.recall = 0.9;
  ks_ = {1, 10};
  const auto drifted = [&](const MatrixView& queries) {
    const auto told = Classify(**index, queries, labels, NeighbourWeights::kUniform, ks_, params_);
    EXPECT_TRUE(told.ok()) << told.status().message();
    return told.ok() && (*told)[0].drifted;
  };
  EXPECT_FALSE(drifted(ViewOf(rows.data(), 200, 8)));
  SearchParams unwatched = params_;
  unwatched.watched = false;
  unwatched.widen = true;
  unwatched.worst = 0.8;
  std::swap(params_, unwatched);
  EXPECT_FALSE(drifted(unlike));
  std::swap(params_, unwatched);
  const auto first = Regress(**index, unlike, values, Averaging{}, ks_, params_);
  ASSERT_TRUE(first.ok()) << first.status().message();
  EXPECT_TRUE((*first)[0].drifted && (*first)[1].drifted);
  EXPECT_FALSE(drifted(unlike));
}

TEST_F(PredictTest, CrossValidationLeavesFoldsOut) {
  const auto folds = RandomFolds(values_.size(), 5, 11);
  ASSERT_TRUE(folds.ok());
  for (uint32_t fold = 0; fold < 5; ++fold) {
    EXPECT_EQ(std::count(folds->begin(), folds->end(), fold), 100);
  }
  const std::vector<size_t> ks{1, 7};
  const auto scores = CrossValidateRegression(*index_, values_, {}, *folds, ks, params_);
  const auto errors = CrossValidateClassification(*index_, labels_, NeighbourWeights::kUniform,
                                                  *folds, ks, params_);
  ASSERT_TRUE(scores.ok() && errors.ok());
  for (size_t i = 0; i < ks.size(); ++i) {
    double squared = 0;
    double absolute = 0;
    size_t wrong = 0;
    for (size_t row = 0; row < values_.size(); ++row) {
      const auto near = Ranked(points_, &points_[row * kDim], &*folds, (*folds)[row]);
      double sum = 0;
      std::map<uint32_t, int> votes;
      for (size_t j = 0; j < ks[i]; ++j) {
        sum += values_[near[j].row];
        ++votes[labels_[near[j].row]];
      }
      const double error = sum / static_cast<double>(ks[i]) - values_[row];
      squared += error * error;
      absolute += std::abs(error);
      const auto most =
          std::max_element(votes.begin(), votes.end(),
                           [](const auto& a, const auto& b) { return a.second < b.second; });
      wrong += most->first != labels_[row];
    }
    const double mean = std::accumulate(values_.begin(), values_.end(), 0.0) / 500;
    double variance = 0;
    for (const double v : values_) variance += (v - mean) * (v - mean);
    EXPECT_EQ((*scores)[i].k, ks[i]);
    EXPECT_NEAR((*scores)[i].rmse, std::sqrt(squared / 500), 1e-9);
    EXPECT_NEAR((*scores)[i].mae, absolute / 500, 1e-9);
    EXPECT_NEAR((*scores)[i].r2, 1 - squared / variance, 1e-9);
    EXPECT_DOUBLE_EQ((*errors)[i].error, static_cast<double>(wrong) / 500);
  }
}

TEST_F(PredictTest, BlocksStayTogether) {
  std::vector<uint64_t> blocks(values_.size());
  for (size_t row = 0; row < blocks.size(); ++row) blocks[row] = row / 25;
  const auto folds = BlockFolds(blocks, 4, 3);
  ASSERT_TRUE(folds.ok());
  for (size_t row = 0; row < blocks.size(); ++row) {
    EXPECT_EQ((*folds)[row], (*folds)[row / 25 * 25]);
  }
  EXPECT_EQ(*std::max_element(folds->begin(), folds->end()), 3u);
  EXPECT_FALSE(BlockFolds(std::vector<uint64_t>(9, 5), 2, 3).ok());
}

TEST_F(PredictTest, RefusesWhatMeansNothing) {
  const auto message = [](const auto& result) {
    EXPECT_FALSE(result.ok());
    return result.ok() ? std::string() : std::string(result.status().message());
  };
  const auto regress = [&](const std::vector<double>& values, const Averaging& averaging) {
    return message(RegressOne(*index_, queries(), values, averaging, ks_, params_));
  };
  EXPECT_EQ(regress({1, 2}, {}),
            "there are 2 values, but the index in memory has 500 vectors; give one for each");
  EXPECT_NE(regress(values_, {.trim = 1}).find("trim is 1"), std::string::npos);
  EXPECT_NE(regress(values_, {.interval = -0.5}).find("interval is -0.5"), std::string::npos);
  std::vector<double> values = values_;
  values[17] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(regress(values, {}).find("row 17"), std::string::npos);
  std::vector<uint32_t> labels = labels_;
  labels[3] = kNoLabel;
  EXPECT_NE(
      message(ClassifyOne(*index_, queries(), labels, NeighbourWeights::kUniform, ks_, params_))
          .find("row 3"),
      std::string::npos);

  const auto folds = RandomFolds(values_.size(), 2, 11);
  ASSERT_TRUE(folds.ok());
  for (const std::vector<size_t>& ks : {std::vector<size_t>{}, {0}, {251}}) {
    EXPECT_FALSE(CrossValidateRegression(*index_, values_, {}, *folds, ks, params_).ok());
  }
  EXPECT_TRUE(
      CrossValidateRegression(*index_, values_, {}, *folds, std::vector<size_t>{250}, params_)
          .ok());
  EXPECT_FALSE(RandomFolds(3, 4, 1).ok());
  EXPECT_FALSE(RandomFolds(3, 1, 1).ok());
}

TEST(PredictMetricTest, DotHasNoWeights) {
  const std::vector<float> points = Points(20, 1);
  BuildOptions options;
  options.metric = Metric::kDot;
  const auto index = BuildIndexInMemory(ViewOf(points.data(), 20, kDim), options);
  ASSERT_TRUE(index.ok());
  const std::vector<double> values(20, 1.0);
  const std::vector<size_t> ks{3};
  const MatrixView query = ViewOf(points.data(), 1, kDim);
  EXPECT_FALSE(
      Regress(**index, query, values, Averaging{.weights = NeighbourWeights::kDistance}, ks, {})
          .ok());
  EXPECT_TRUE(Regress(**index, query, values, {}, ks, {}).ok());
}

}  // namespace
}  // namespace kith
