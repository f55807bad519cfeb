// Searches of reduced vectors, compared again by the originals.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kith/eval.h"
#include "kith/index.h"
#include "kith/reduce.h"

namespace kith {
namespace {

std::vector<float> Uneven(size_t rows, size_t dim, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(rows * dim);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(rng.Normal() / static_cast<double>(1 + i % dim));
  }
  return values;
}

class ReducedIndexTest : public ::testing::Test {
 protected:
  static constexpr size_t kRows = 700;
  static constexpr size_t kDim = 24;

  static Reducer Fit(Metric metric) {
    static const std::vector<float> values = Uneven(kRows, kDim, 1);
    ReduceOptions options;
    options.dim = 6;
    options.metric = metric;
    return *Reducer::Fit(ViewOf(values.data(), kRows, kDim), options);
  }

  const std::vector<float> base_ = Uneven(kRows, kDim, 1);
  const std::vector<float> queries_ = Uneven(40, kDim, 2);
  const MatrixView vectors_ = ViewOf(base_.data(), kRows, kDim);
  const MatrixView asked_ = ViewOf(queries_.data(), 40, kDim);
};

TEST_F(ReducedIndexTest, QueriesAreReducedAsTheVectorsWere) {
  for (const Metric metric : {Metric::kEuclidean, Metric::kAngular, Metric::kDot}) {
    const Reducer reducer = Fit(metric);
    BuildOptions options;
    options.metric = metric;
    options.reducer = &reducer;
    const auto index = BuildIndexInMemory(vectors_, options);
    ASSERT_TRUE(index.ok()) << index.status().message();
    const IndexInfo& info = (*index)->info();
    EXPECT_EQ(info.dim, 6u);
    EXPECT_EQ(info.source_dim, kDim);
    ASSERT_NE((*index)->reducer(), nullptr);
    EXPECT_TRUE(VerifyIndex(**index).ok());
    std::vector<float> images(kRows * 6);
    std::vector<float> asked(40 * 6);
    ASSERT_TRUE(reducer.Transform(vectors_, images.data()).ok());
    ASSERT_TRUE(reducer.Transform(asked_, asked.data()).ok());
    const auto truth =
        ComputeGroundTruth(ViewOf(images.data(), kRows, 6), ViewOf(asked.data(), 40, 6), metric, 5);
    SearchParams params;
    params.k = 5;
    params.index = IndexKind::kExact;
    SearchResult by_originals;
    SearchResult by_images;
    ASSERT_TRUE((*index)->Search(asked_, params, &by_originals).ok());
    ASSERT_TRUE((*index)->Search(ViewOf(asked.data(), 40, 6), params, &by_images).ok());
    EXPECT_EQ(by_originals.ids, truth->ids);
    EXPECT_EQ(by_images.ids, truth->ids);
  }
}

TEST_F(ReducedIndexTest, RerankingAllCandidatesIsExactSearch) {
  for (const bool with_ids : {false, true}) {
    const Reducer reducer = Fit(Metric::kEuclidean);
    std::vector<int64_t> ids(kRows);
    for (size_t i = 0; i < kRows; ++i) ids[i] = static_cast<int64_t>(5000 - 3 * i);
    BuildOptions options;
    options.metric = Metric::kEuclidean;
    options.reducer = &reducer;
    if (with_ids) options.ids = &ids;
    const auto index = BuildIndexInMemory(vectors_, options);
    ASSERT_TRUE(index.ok()) << index.status().message();
    const auto truth = ComputeGroundTruth(vectors_, asked_, Metric::kEuclidean, 10);
    SearchParams params;
    params.index = IndexKind::kExact;
    SearchResult found;
    ASSERT_TRUE(SearchReranked(**index, vectors_, asked_, params, kRows, &found).ok());
    ASSERT_EQ(found.k, 10u);
    for (size_t i = 0; i < found.ids.size(); ++i) {
      EXPECT_EQ(found.ids[i], with_ids ? ids[static_cast<size_t>(truth->ids[i])] : truth->ids[i]);
      EXPECT_NEAR(found.distances[i], truth->distances[i], 1e-5);
    }
    // Of fewer candidates some are missing, but more are found than without.
    SearchResult plain;
    ASSERT_TRUE((*index)->Search(asked_, params, &plain).ok());
    ASSERT_TRUE(SearchReranked(**index, vectors_, asked_, params, 40, &found).ok());
    const auto right = [&](const SearchResult& result) {
      size_t count = 0;
      for (size_t q = 0; q < 40; ++q) {
        for (size_t i = 0; i < 10; ++i) {
          for (size_t j = 0; j < 10; ++j) {
            const int64_t row = truth->ids[q * 10 + j];
            const int64_t id = with_ids ? ids[static_cast<size_t>(row)] : row;
            count += result.ids[q * 10 + i] == id ? 1 : 0;
          }
        }
      }
      return count;
    };
    EXPECT_GT(right(found), right(plain));
  }
}

TEST_F(ReducedIndexTest, WhatDoesNotFitIsRefused) {
  const Reducer reducer = Fit(Metric::kEuclidean);
  BuildOptions options;
  options.reducer = &reducer;
  options.metric = Metric::kAngular;
  const auto wrong = BuildIndexInMemory(vectors_, options);
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.status().message().find("fitted for euclidean"), std::string::npos);
  options.metric = Metric::kEuclidean;
  EXPECT_FALSE(BuildIndexInMemory(ViewOf(base_.data(), 100, 12), options).ok());
  const auto index = BuildIndexInMemory(vectors_, options);
  ASSERT_TRUE(index.ok());
  SearchResult result;
  const Status dim = (*index)->Search(ViewOf(base_.data(), 3, 9), {}, &result);
  EXPECT_NE(dim.message().find("reduced from 24"), std::string::npos) << dim.message();
  std::vector<float> bad = queries_;
  bad[5 * kDim + 3] = std::numeric_limits<float>::infinity();
  const Status nan = (*index)->Search(ViewOf(bad.data(), 40, kDim), {}, &result);
  EXPECT_NE(nan.message().find("queries: row 5, column 3"), std::string::npos) << nan.message();
  EXPECT_FALSE(SearchReranked(**index, ViewOf(base_.data(), 9, kDim), asked_, {}, 9, &result).ok());
  const std::vector<int64_t> rows{0, 1, 700};
  EXPECT_FALSE(
      Rerank(vectors_, ViewOf(queries_.data(), 1, kDim), Metric::kEuclidean, rows, 3, 1).ok());
}

TEST_F(ReducedIndexTest, RerankLeavesOutNobodyAndNothingTwice) {
  const std::vector<int64_t> rows{7, kNoId, 3, 7, kNoId};
  const auto found =
      Rerank(vectors_, ViewOf(base_.data() + 3 * kDim, 1, kDim), Metric::kEuclidean, rows, 5, 4);
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(found->ids, (std::vector<int64_t>{3, 7, kNoId, kNoId}));
  EXPECT_EQ(found->distances[0], 0);
  EXPECT_TRUE(std::isinf(found->distances[2]));
}

}  // namespace
}  // namespace kith
