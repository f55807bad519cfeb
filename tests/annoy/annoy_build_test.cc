// The trees kith grows for Annoy's searches.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "annoy/annoy_util.h"
#include "annoy/layout.h"
#include "simd/kernels.h"

namespace kith {
namespace {

using testing::AddAll;
using testing::BuiltIndex;
using testing::BytesOf;
using testing::Found;
using testing::kAllMetrics;
using testing::Nearest;
using testing::NewIndex;
using testing::RandomVectors;
using testing::Vectors;

double Exact(Metric metric, const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0, aa = 0, bb = 0, l2 = 0, l1 = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
    l2 += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    l1 += std::abs(double{a[i]} - b[i]);
  }
  switch (metric) {
    case Metric::kAngular: return aa * bb > 0 ? std::sqrt(2 - 2 * dot / std::sqrt(aa * bb)) : 1.414;
    case Metric::kEuclidean: return std::sqrt(l2);
    case Metric::kDot: return -dot;
    default: return l1;
  }
}

// Mean share of the 10 nearest found.
double Recall(const AnnoyIndex& index, const Vectors& items, const Vectors& queries,
              int64_t search_k) {
  size_t hits = 0;
  for (const auto& query : queries) {
    std::vector<double> distances;
    for (const auto& item : items) distances.push_back(Exact(index.metric(), query, item));
    std::vector<double> sorted = distances;
    std::nth_element(sorted.begin(), sorted.begin() + 9, sorted.end());
    for (const int32_t id : Nearest(index, query, 10, search_k).ids) {
      hits += distances[static_cast<size_t>(id)] <= sorted[9] + 1e-5 ? 1 : 0;
    }
  }
  return static_cast<double>(hits) / static_cast<double>(10 * queries.size());
}

TEST(AnnoyBuild, TreesFindWhatIsNear) {
  for (const Metric metric : kAllMetrics) {
    const Vectors items = RandomVectors(metric, 3000, 24, 1);
    const Vectors queries = RandomVectors(metric, 40, 24, 2);
    const auto index = BuiltIndex(metric, items, 20);
    EXPECT_TRUE(index->Verify().ok()) << index->Verify().message();
    // An exhaustive search is exact; one of a tenth of the entries is far from chance, 1 in 10.
    EXPECT_EQ(Recall(*index, items, queries, 1 << 20), 1.0) << MetricName(metric);
    EXPECT_GT(Recall(*index, items, queries, 600), metric == Metric::kHamming ? 0.5 : 0.6)
        << MetricName(metric);
  }
}

TEST(AnnoyBuild, EveryItemIsFoundBySmallSearchesForIt) {
  for (const Metric metric : {Metric::kAngular, Metric::kEuclidean, Metric::kManhattan}) {
    const Vectors items = RandomVectors(metric, 2000, 10, 1);
    const auto index = BuiltIndex(metric, items, 1);
    // The first leaf met is its own: planes send a query where they sent the same vector.
    for (size_t i = 0; i < items.size(); i += 7) {
      EXPECT_EQ(Nearest(*index, items[i], 1, 1).ids, std::vector<int32_t>{static_cast<int32_t>(i)});
    }
  }
}

TEST(AnnoyBuild, BytesDependOnItemsAndSeedAlone) {
  for (const Metric metric : kAllMetrics) {
    const Vectors items = RandomVectors(metric, 700, 33, 1);
    for (const int trees : {7, -1}) {
      const std::string bytes = BytesOf(*BuiltIndex(metric, items, trees, 1));
      EXPECT_EQ(BytesOf(*BuiltIndex(metric, items, trees, 2)), bytes);
      EXPECT_EQ(BytesOf(*BuiltIndex(metric, items, trees, 5)), bytes);
      EXPECT_NE(BytesOf(*BuiltIndex(metric, items, trees, 1, 2)), bytes);
    }
    // In any order, some twice.
    const auto index = NewIndex(metric, 33);
    ASSERT_TRUE(index->AddItem(3, items[5].data()).ok());
    for (size_t i = items.size(); i-- > 0;) {
      ASSERT_TRUE(index->AddItem(static_cast<int64_t>(i), items[i].data()).ok());
    }
    index->SetSeed(1);
    ASSERT_TRUE(index->Build(7, 2).ok());
    EXPECT_EQ(BytesOf(*index), BytesOf(*BuiltIndex(metric, items, 7, 1)));
  }
}

TEST(AnnoyBuild, BytesAreTheSameOnEveryTargetWithFusedMultiplyAdd) {
  const Vectors items = RandomVectors(Metric::kEuclidean, 500, 19, 1);
  std::string first;
  for (const simd::Kernels& kernels : simd::AvailableKernels()) {
    const std::string target = kernels.target;
    if (target.find("AVX") == std::string::npos && target != "NEON") continue;
    ASSERT_TRUE(simd::ForceTarget(target).ok());
    const std::string bytes = BytesOf(*BuiltIndex(Metric::kEuclidean, items, 3));
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes, first) << target;
  }
  ASSERT_TRUE(simd::ForceTarget("").ok());
}

TEST(AnnoyBuild, MinusOneDoublesTheNodes) {
  for (const Metric metric : kAllMetrics) {
    for (const size_t n : {size_t{3}, size_t{50}, size_t{2000}}) {
      const Vectors items = RandomVectors(metric, n, 9, 1);
      const auto index = BuiltIndex(metric, items, -1, 2);
      const size_t trees = index->num_trees();
      EXPECT_GE(trees, 1u);
      const annoy::Layout layout = annoy::MakeLayout(metric, 9);
      const size_t grown = BytesOf(*index).size() / layout.node_size - n - trees;
      if (n <= layout.max_leaf) {
        EXPECT_EQ(trees, n);  // one node each
        continue;
      }
      EXPECT_GE(grown, n);
      EXPECT_LT(grown - grown / trees, n);
    }
  }
}

TEST(AnnoyBuild, AwkwardItemsAreAllFound) {
  for (const Metric metric : kAllMetrics) {
    const size_t dim = 6;
    std::vector<Vectors> sets;
    sets.emplace_back(500, std::vector<float>(dim, 1.0f));  // all the same
    sets.emplace_back(500, std::vector<float>(dim, 0.0f));  // all zero
    sets.push_back(RandomVectors(metric, 400, dim, 5));     // one different, one zero
    for (size_t i = 1; i < 399; ++i) sets.back()[i] = sets.back()[0];
    sets.back()[399] = std::vector<float>(dim, 0.0f);
    sets.push_back(RandomVectors(metric, 1, dim, 5));
    sets.push_back(RandomVectors(metric, 2, dim, 5));
    sets.emplace_back();  // none
    sets.emplace_back(300, std::vector<float>(dim, 3e-39f));
    if (metric == Metric::kManhattan) {
      sets.push_back(RandomVectors(metric, 300, dim, 6));
      for (auto& vector : sets.back()) {
        for (float& x : vector) x *= 5e37f;  // squares and sums beyond float
      }
    }
    for (const Vectors& items : sets) {
      const auto index = NewIndex(metric, dim);
      AddAll(items, index.get());
      ASSERT_TRUE(index->Build(3, 2).ok());
      EXPECT_EQ(index->num_trees(), 3u);
      EXPECT_TRUE(index->Verify().ok()) << index->Verify().message();
      const std::vector<float> query(dim, 0.5f);
      EXPECT_EQ(Nearest(*index, query, -1).ids.size(), items.size()) << MetricName(metric);
      const auto loaded = NewIndex(metric, dim);
      const Status status = loaded->FromBytes(BytesOf(*index));
      ASSERT_TRUE(status.ok()) << status.message();
      EXPECT_EQ(loaded->num_items(), items.size());
      EXPECT_EQ(Nearest(*loaded, query, -1).ids, Nearest(*index, query, -1).ids);
      if (items.size() != 1) {
        EXPECT_EQ(loaded->num_trees(), 3u) << items.size();
      }
    }
  }
}

TEST(AnnoyBuild, SparseIdsTakeNoMoreTreesThanDenseOnes) {
  for (const Metric metric : kAllMetrics) {
    const Vectors items = RandomVectors(metric, 1000, 8, 1);
    for (const size_t count : {size_t{1}, size_t{2}, size_t{10}, size_t{1000}}) {
      const auto index = NewIndex(metric, 8);
      for (size_t i = 0; i < count; ++i) {
        ASSERT_TRUE(index->AddItem(static_cast<int64_t>(100000 + i), items[i].data()).ok());
      }
      ASSERT_TRUE(index->Build(10, 1).ok());
      EXPECT_EQ(index->num_items(), 100000 + count);
      const Found found = Nearest(*index, items[0], 20000);
      EXPECT_EQ(found.ids.size(), count) << MetricName(metric);
      for (const int32_t id : found.ids) EXPECT_GE(id, 100000);
      const auto loaded = NewIndex(metric, 8);
      const Status status = loaded->FromBytes(BytesOf(*index));
      ASSERT_TRUE(status.ok()) << status.message();
      EXPECT_EQ(loaded->num_trees(), 10u);
      EXPECT_EQ(Nearest(*loaded, items[0], 20000).ids, found.ids);
    }
  }
}

TEST(AnnoyBuild, WithoutTreesNothingIsFoundAndFilesStillOpen) {
  const Vectors items = RandomVectors(Metric::kEuclidean, 30, 5, 1);
  const auto index = BuiltIndex(Metric::kEuclidean, items, 0);
  EXPECT_EQ(index->num_trees(), 0u);
  EXPECT_TRUE(Nearest(*index, items[0], 5).ids.empty());
  const auto loaded = NewIndex(Metric::kEuclidean, 5);
  ASSERT_TRUE(loaded->FromBytes(BytesOf(*index)).ok());
  EXPECT_EQ(loaded->num_items(), 30u);
  EXPECT_EQ(loaded->num_trees(), 0u);
}

}  // namespace
}  // namespace kith
