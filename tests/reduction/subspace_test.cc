// Principal components without a covariance, against those of one.
#include "reduction/subspace.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kith/reduce.h"
#include "reduction/model.h"
#include "reduction/reduction_data.h"

namespace kith {
namespace {

TEST(SubspaceTest, FindsTheComponentsOfTheCovariance) {
  const Rows rows = SpectrumRows(900, 60, 3);
  const reduction::PointsOf points{rows.view(), true, false};
  ThreadPool pool(2);
  ReduceOptions options;
  options.dim = 5;
  const Reducer exact = Fitted(rows, options);
  const std::vector<double> mean(exact.mean().begin(), exact.mean().end());
  const auto pairs = reduction::RandomisedPairs(points, mean, 5, 42, pool, {});
  ASSERT_TRUE(pairs.ok()) << pairs.status().message();
  const std::vector<float> components = exact.Components();
  for (size_t j = 0; j < 5; ++j) {
    EXPECT_NEAR(pairs->values[j], exact.variances()[j], 1e-4 * exact.variances()[0]);
    double dot = 0;
    for (size_t c = 0; c < 60; ++c) dot += pairs->vectors[j * 60 + c] * components[j * 60 + c];
    EXPECT_NEAR(std::fabs(dot), 1, 1e-4) << j;
  }
  ThreadPool one(1);
  const auto again = reduction::RandomisedPairs(points, mean, 5, 42, one, {});
  EXPECT_EQ(again->vectors, pairs->vectors);
}

TEST(SubspaceTest, ManyDimensionsAreReducedBySubspaces) {
  // Few directions have any variance, of more dimensions than a covariance is made of.
  constexpr size_t kDim = kMostExactDim + 4;
  Rng rng(5);
  std::vector<float> directions(3 * kDim);
  for (float& x : directions) x = static_cast<float>(rng.Normal());
  Rows rows{40, kDim, std::vector<float>(40 * kDim)};
  for (size_t i = 0; i < 40; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      const double factor = rng.Normal() * (3 - static_cast<double>(j));
      for (size_t c = 0; c < kDim; ++c) {
        rows.values[i * kDim + c] += static_cast<float>(factor * directions[j * kDim + c]);
      }
    }
  }
  ReduceOptions options;
  options.keep_variance = 0.999;
  const Reducer reducer = Fitted(rows, options);
  EXPECT_EQ(reducer.dim(), 3u);
  EXPECT_NEAR(reducer.KeptVariance(3), 1, 1e-5);
  EXPECT_TRUE(reducer.model().Verify().ok());
  options.threads = 3;
  const Reducer again = Fitted(rows, options);
  EXPECT_TRUE(std::equal(reducer.model().bytes().begin(), reducer.model().bytes().end(),
                         again.model().bytes().begin()));
}

}  // namespace
}  // namespace kith
