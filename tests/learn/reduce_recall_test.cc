// Recall that reductions keep, against plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kith/reduce.h"

namespace kith {
namespace {

constexpr size_t kRows = 600;
constexpr size_t kDim = 16;

std::vector<float> Uneven() {
  Rng rng(4);
  std::vector<float> values(kRows * kDim);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(rng.Normal() / static_cast<double>(1 + i % kDim));
  }
  return values;
}

// The k nearest rows to row q by the first `dims` of `dim` coordinates, without q, by a plain loop.
std::vector<size_t> NearestTo(const std::vector<float>& x, size_t dim, size_t dims, size_t q,
                              size_t k) {
  std::vector<double> distances(kRows);
  for (size_t i = 0; i < kRows; ++i) {
    for (size_t c = 0; c < dims; ++c) {
      distances[i] += std::pow(static_cast<double>(x[i * dim + c]) - x[q * dim + c], 2);
    }
  }
  std::vector<size_t> order(kRows);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return distances[a] < distances[b]; });
  order.erase(std::find(order.begin(), order.end(), q));
  order.resize(k);
  return order;
}

TEST(ReduceRecallTest, IsThatOfPlainLoops) {
  const std::vector<float> x = Uneven();
  const MatrixView view = ViewOf(x.data(), kRows, kDim);
  const Reducer reducer = *Reducer::Fit(view, {});
  std::vector<float> images(kRows * kDim);
  ASSERT_TRUE(reducer.Transform(view, images.data()).ok());
  const SampledQueries queries = *SampleQueries(view, 60, 9);
  ASSERT_EQ(queries.rows.size(), 60u);
  EXPECT_EQ(std::set<uint64_t>(queries.rows.begin(), queries.rows.end()).size(), 60u);
  ReduceRecallOptions options;
  options.k = 5;
  options.rerank = 20;
  options.dims = {2, 5, 16};
  const auto points = MeasureReduction(reducer, view, ViewOf(queries.values.data(), 60, kDim),
                                       queries.rows, options);
  ASSERT_TRUE(points.ok()) << points.status().message();
  ASSERT_EQ(points->size(), 3u);
  for (const ReducePoint& point : *points) {
    double recall = 0;
    double reranked = 0;
    for (const uint64_t q : queries.rows) {
      const std::vector<size_t> truth = NearestTo(x, kDim, kDim, q, 5);
      const std::vector<size_t> found = NearestTo(images, kDim, point.dim, q, 20);
      for (size_t i = 0; i < found.size(); ++i) {
        const bool right = std::find(truth.begin(), truth.end(), found[i]) != truth.end();
        recall += right && i < 5 ? 1 : 0;
        reranked += right ? 1 : 0;
      }
    }
    // A tolerance of distances may count a neighbour that is hardly farther.
    EXPECT_NEAR(point.recall, recall / 300, 0.01) << point.dim;
    EXPECT_NEAR(point.reranked, reranked / 300, 0.01) << point.dim;
    EXPECT_NEAR(point.variance, reducer.KeptVariance(point.dim), 1e-12);
  }
  EXPECT_GT((*points)[2].recall, 0.999);
}

TEST(ReduceRecallTest, TheLeastDimensionThatKeepsIt) {
  const std::vector<float> x = Uneven();
  const MatrixView view = ViewOf(x.data(), kRows, kDim);
  const Reducer reducer = *Reducer::Fit(view, {});
  const SampledQueries queries = *SampleQueries(view, 200, 9);
  const MatrixView asked = ViewOf(queries.values.data(), 200, kDim);
  KeepRecallOptions options;
  options.recall = 0.75;
  const auto kept = KeepRecall(reducer, view, asked, queries.rows, options);
  ASSERT_TRUE(kept.ok()) << kept.status().message();
  EXPECT_EQ(kept->queries, 100u);
  EXPECT_EQ(kept->point.dim, kept->dim);
  EXPECT_NEAR(kept->point.recall, 0.75, 0.12);
  bool below = false;
  for (const ReducePoint& point : kept->measured) {
    EXPECT_EQ(point.recall >= 0.75, point.dim >= kept->dim) << point.dim;
    below |= point.dim + 1 == kept->dim;
  }
  EXPECT_TRUE(below) << "the dimension below was measured";
  options.reranked = true;
  EXPECT_LT(KeepRecall(reducer, view, asked, queries.rows, options)->dim, kept->dim);
  options.recall = 1.5;
  EXPECT_FALSE(KeepRecall(reducer, view, asked, queries.rows, options).ok());
  // A projection of so few dimensions keeps too little, which is said.
  ReduceOptions projection;
  projection.method = ReduceMethod::kGaussian;
  projection.dim = 2;
  options.recall = 0.99;
  options.reranked = false;
  const auto none = KeepRecall(*Reducer::Fit(view, projection), view, asked, queries.rows, options);
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.status().message().find("ask for less"), std::string::npos);
}

TEST(ReduceRecallTest, RefusesWhatCannotBeMeasured) {
  const std::vector<float> x = Uneven();
  const MatrixView view = ViewOf(x.data(), 20, kDim);
  const Reducer reducer = *Reducer::Fit(view, {});
  const auto measure = [&](const ReduceRecallOptions& options, size_t queries, size_t self) {
    std::vector<uint64_t> rows(self);
    std::iota(rows.begin(), rows.end(), uint64_t{0});
    return MeasureReduction(reducer, view, ViewOf(x.data(), queries, kDim), rows, options).status();
  };
  EXPECT_TRUE(measure({}, 5, 5).ok());
  EXPECT_FALSE(measure({}, 0, 0).ok());
  EXPECT_FALSE(measure({}, 5, 4).ok());
  ReduceRecallOptions options;
  options.k = 20;
  EXPECT_TRUE(measure(options, 5, 0).ok());
  EXPECT_FALSE(measure(options, 5, 5).ok());  // without itself, each has 19
  options.k = 10;
  options.rerank = 9;
  EXPECT_FALSE(measure(options, 5, 5).ok());
  options.rerank = 10;
  options.dims = {0};
  EXPECT_FALSE(measure(options, 5, 5).ok());
  options.dims = {17};
  EXPECT_FALSE(measure(options, 5, 5).ok());
}

}  // namespace
}  // namespace kith
