// Clusters apart from each other: walks must find their way from one to another.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::Matrix;
using testing::Recall;
using testing::SearchOrFail;
using testing::TempDir;

constexpr size_t kQueries = 500;
constexpr size_t kNearest = 10;

// At the default width: measured are 0.987 and more, and at most two queries that find none of
// their neighbours. Without bridges, it was 0.70 to 0.90 and up to 115 for most sets below.
constexpr double kRecall = 0.98;
constexpr size_t kLost = 4;
// With a beam of 512: 0.9966 and one; without bridges 0.75 to 0.94, and 89.
constexpr double kRecallOfWide = 0.994;
constexpr size_t kLostByWide = 1;

struct Case {
  std::string name;
  Metric metric;
  GraphLayout layout;
  size_t rows;
  size_t clusters;
  double spread;    // the distance of a vector to its centre, in that of centres to each other
  bool unequal;     // the r-th cluster has 1/r of the first one's vectors
  size_t repeated;  // of the first so many, every second is as the one before
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

// Queries are the last rows.
Matrix Generate(const Case& c) {
  constexpr size_t kDim = 48;
  Rng rng(7);
  std::vector<double> centres(c.clusters * kDim);
  for (double& v : centres) v = rng.Normal();
  std::vector<double> share(c.clusters);
  double sum = 0;
  for (size_t i = 0; i < c.clusters; ++i) {
    sum += c.unequal ? 1 / static_cast<double>(i + 1) : 1;
    share[i] = sum;
  }
  Matrix m(DataType::kF32, c.rows + kQueries, kDim);
  for (size_t r = 0; r < m.rows(); ++r) {
    const double at = sum * rng.Below(1u << 30) / (1u << 30);
    const size_t cluster =
        static_cast<size_t>(std::upper_bound(share.begin(), share.end(), at) - share.begin());
    const bool repeats = r < c.repeated;
    for (size_t d = 0; d < kDim; ++d) {
      m.Set(r, d, centres[cluster * kDim + d] + c.spread * rng.Normal());
      if (repeats && r % 2 == 1) m.Set(r, d, m.Get(r - 1, d));
    }
  }
  return m;
}

size_t Lost(const SearchResult& exact, const SearchResult& found) {
  size_t lost = 0;
  for (size_t q = 0; q < kQueries; ++q) {
    // Found are in order: if the first is none of the neighbours, none is.
    lost += found.distances[q * kNearest] > exact.distances[q * kNearest + kNearest - 1] ? 1 : 0;
  }
  return lost;
}

class GraphClustersTest : public ::testing::TestWithParam<Case> {};

TEST_P(GraphClustersTest, WalksFindTheirCluster) {
  const Case& c = GetParam();
  const Matrix all = Generate(c);
  MatrixView rows = all.view();
  rows.rows = c.rows;
  MatrixView queries = all.Row(c.rows);
  queries.rows = kQueries;
  // With vectors that are inserted late, as usual, and without.
  for (const bool calibrate : {true, false}) {
    SCOPED_TRACE(calibrate);
    BuildOptions options = testing::GraphBuild(c.metric, c.layout);
    options.calibrate = calibrate;
    const auto index = BuildIndexInMemory(rows, options);
    ASSERT_TRUE(index.ok()) << index.status().message();
    const SearchResult exact = SearchOrFail(**index, queries, {.index = IndexKind::kExact});
    const auto search = [&](int64_t ef) {
      return SearchOrFail(**index, queries, {.index = IndexKind::kGraph, .effort = ef});
    };
    const SearchResult found = search(-1);
    const SearchResult wide = search(512);
    EXPECT_GE(Recall(exact, found), kRecall);
    EXPECT_LE(Lost(exact, found), kLost);
    EXPECT_GE(Recall(exact, wide), kRecallOfWide);
    EXPECT_LE(Lost(exact, wide), kLostByWide);
  }
}

// Bridges are made in the order of nodes, not of threads.
TEST(GraphClustersBytesTest, DependOnNoThreads) {
  const Case c{"", Metric::kEuclidean, GraphLayout::kPacked, 20000, 100, 0.5, false, 0};
  const Matrix all = Generate(c);
  const TempDir dir;
  const auto bytes = [&](int threads) {
    BuildOptions options = testing::GraphBuild(c.metric, c.layout);
    options.threads = threads;
    EXPECT_TRUE(BuildIndex(all.view(), dir.File("x.kith"), options).ok());
    return testing::ReadFile(dir.File("x.kith"));
  };
  EXPECT_TRUE(bytes(1) == bytes(3));
}

constexpr GraphLayout kPacked = GraphLayout::kPacked;
constexpr GraphLayout kCompact = GraphLayout::kCompact;

const Case kCases[] = {
    {"euclidean_packed", Metric::kEuclidean, kPacked, 20000, 100, 0.5, false, 0},
    {"euclidean_compact", Metric::kEuclidean, kCompact, 20000, 100, 0.5, false, 0},
    {"angular_packed", Metric::kAngular, kPacked, 20000, 100, 0.5, false, 0},
    {"manhattan_compact", Metric::kManhattan, kCompact, 20000, 100, 0.5, false, 0},
    {"dot_packed", Metric::kDot, kPacked, 20000, 100, 0.5, false, 0},
    {"many_packed", Metric::kEuclidean, kPacked, 40000, 250, 0.5, false, 0},
    {"small_packed", Metric::kEuclidean, kPacked, 20000, 1000, 0.5, false, 0},
    {"big_compact", Metric::kEuclidean, kCompact, 20000, 10, 0.5, false, 0},
    {"far_apart_packed", Metric::kEuclidean, kPacked, 20000, 100, 0.1, false, 0},
    {"unequal_packed", Metric::kEuclidean, kPacked, 20000, 300, 0.5, true, 0},
    {"unequal_far_apart_packed", Metric::kEuclidean, kPacked, 20000, 300, 0.1, true, 0},
    {"unequal_far_apart_compact", Metric::kEuclidean, kCompact, 20000, 300, 0.1, true, 0},
    {"repeated_packed", Metric::kEuclidean, kPacked, 20000, 100, 0.5, false, 8000},
};

INSTANTIATE_TEST_SUITE_P(All, GraphClustersTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace kith
