// Small Annoy indexes for tests.
#ifndef KITH_TESTS_ANNOY_ANNOY_UTIL_H_
#define KITH_TESTS_ANNOY_ANNOY_UTIL_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kith/annoy.h"

namespace kith::testing {

inline constexpr Metric kAllMetrics[] = {Metric::kAngular, Metric::kEuclidean, Metric::kDot,
                                         Metric::kManhattan, Metric::kHamming};

using Vectors = std::vector<std::vector<float>>;

inline Vectors RandomVectors(Metric metric, size_t count, size_t dim, uint64_t seed) {
  Rng rng(seed);
  Vectors vectors(count, std::vector<float>(dim));
  for (auto& vector : vectors) {
    for (float& x : vector) {
      x = static_cast<float>(rng.Normal());
      if (metric == Metric::kHamming) x = x > 0 ? 1.0f : 0.0f;
    }
  }
  return vectors;
}

inline std::unique_ptr<AnnoyIndex> NewIndex(Metric metric, size_t dim) {
  auto index = AnnoyIndex::Create(metric, dim);
  EXPECT_TRUE(index.ok()) << index.status().message();
  return std::move(*index);
}

inline void AddAll(const Vectors& vectors, AnnoyIndex* index, int64_t step = 1) {
  for (size_t i = 0; i < vectors.size(); ++i) {
    const Status added = index->AddItem(static_cast<int64_t>(i) * step, vectors[i].data());
    ASSERT_TRUE(added.ok()) << added.message();
  }
}

inline std::unique_ptr<AnnoyIndex> BuiltIndex(Metric metric, const Vectors& vectors, int trees,
                                              int threads = 1, uint64_t seed = 1) {
  auto index = NewIndex(metric, vectors.empty() ? 4 : vectors[0].size());
  AddAll(vectors, index.get());
  index->SetSeed(seed);
  const Status built = index->Build(trees, threads);
  EXPECT_TRUE(built.ok()) << built.message();
  return index;
}

inline std::string BytesOf(const AnnoyIndex& index) {
  std::string bytes;
  const Status status = index.ToBytes(&bytes);
  EXPECT_TRUE(status.ok()) << status.message();
  return bytes;
}

struct Found {
  std::vector<int32_t> ids;
  std::vector<float> distances;
};

inline Found Nearest(const AnnoyIndex& index, const std::vector<float>& query, int64_t n,
                     int64_t search_k = -1) {
  Found found;
  const Status status =
      index.SearchByVector(query.data(), n, search_k, &found.ids, &found.distances);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(found.ids.size(), found.distances.size());
  return found;
}

}  // namespace kith::testing

#endif  // KITH_TESTS_ANNOY_ANNOY_UTIL_H_
