// What an effort buys, on data of several kinds: recall and the work done for it. Both are
// deterministic, and both are bounded from both sides: an improvement should be noticed, too, and
// the bounds moved in the same change.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::Matrix;
using testing::Recall;
using testing::SearchOrFail;
using testing::TempDir;

struct Range {
  double low;
  double high;
};

// A data set of 20,000 rows, 100 queries like them, and what searching it for 10 neighbours costs.
struct Case {
  std::string name;
  Metric metric;
  DataType dtype;
  size_t dim;
  size_t clusters;  // 0: uniform
  int64_t effort;
  Range recall;
  Range nodes;  // of each query, mean
  Range codes;
  Range distances;
  double spread = 0.5;  // of a cluster, beside the distance between clusters
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

constexpr size_t kN = 20000;
constexpr size_t kQueries = 100;

Matrix MakeRows(const Case& c) {
  Matrix all;
  if (c.clusters > 0) {
    all = Matrix::Clustered(kN + kQueries, c.dim, c.clusters, c.spread, 1);
  } else {
    all = Matrix(DataType::kF32, kN + kQueries, c.dim);
    Rng rng(2);
    for (size_t r = 0; r < all.rows(); ++r) {
      for (size_t i = 0; i < c.dim; ++i) all.Set(r, i, rng.Uniform());
    }
  }
  if (c.dtype != DataType::kU8) return all;
  Matrix bytes(DataType::kU8, all.rows(), c.dim);
  for (size_t r = 0; r < all.rows(); ++r) {
    for (size_t i = 0; i < c.dim; ++i) {
      bytes.Set(r, i, std::clamp(128 + 25 * all.Get(r, i), 0.0, 255.0));
    }
  }
  return bytes;
}

void ExpectIn(double value, const Range& range, const char* what) {
  EXPECT_GE(value, range.low) << what;
  EXPECT_LE(value, range.high) << what;
}

class ForestRecallTest : public ::testing::TestWithParam<Case> {};

TEST_P(ForestRecallTest, IsWorthItsEffort) {
  const Case& c = GetParam();
  const TempDir dir;
  const Matrix all = MakeRows(c);
  MatrixView rows = all.view();
  rows.rows = kN;
  MatrixView queries = all.Row(kN);
  queries.rows = kQueries;
  BuildOptions options;
  options.metric = c.metric;
  options.paths.push_back(ForestOptions{.num_trees = 10, .leaf_size = 32});
  ASSERT_TRUE(BuildIndex(rows, dir.File("x.kith"), options).ok());
  const auto opened = OpenIndex(dir.File("x.kith"));
  ASSERT_TRUE(opened.ok());
  const Index& index = **opened;
  EXPECT_EQ(index.info().dtype, c.dtype);

  const SearchResult exact = SearchOrFail(index, queries, {.index = IndexKind::kExact});
  const SearchResult found = SearchOrFail(index, queries, {.effort = c.effort});
  const double recall = Recall(exact, found);
  const auto mean = [](uint64_t count) { return static_cast<double>(count) / kQueries; };
  RecordProperty("recall", std::to_string(recall));
  RecordProperty("nodes", std::to_string(mean(found.stats.nodes)));
  RecordProperty("codes", std::to_string(mean(found.stats.codes)));
  RecordProperty("distances", std::to_string(mean(found.stats.distances)));
  ExpectIn(recall, c.recall, "recall");
  ExpectIn(mean(found.stats.nodes), c.nodes, "nodes");
  ExpectIn(mean(found.stats.codes), c.codes, "codes");
  ExpectIn(mean(found.stats.distances), c.distances, "distances");
  const auto effort = static_cast<double>(c.effort);
  ExpectIn(mean(found.stats.codes > 0 ? found.stats.codes : found.stats.distances),
           {effort, effort + 31}, "candidates");

  // More effort finds more, to the end.
  double before = 0;
  for (const int64_t search_k : {10, 100, 1000, 10000, 200000}) {
    const double now = Recall(exact, SearchOrFail(index, queries, {.effort = search_k}));
    EXPECT_GE(now, before - 0.01) << "at search_k " << search_k;
    before = now;
  }
  EXPECT_GE(before, 0.97);
}

const Case kCases[] = {
    Case{"clustered_angular_100d",
         Metric::kAngular,
         DataType::kF32,
         100,
         200,
         90,
         {0.82, 0.88},
         {93, 127},
         {81, 111},
         {38, 52}},
    Case{"clustered_euclidean_200d",
         Metric::kEuclidean,
         DataType::kF32,
         200,
         200,
         90,
         {0.85, 0.91},
         {102, 140},
         {81, 111},
         {67, 91}},
    Case{"clustered_euclidean_u8_64d",
         Metric::kEuclidean,
         DataType::kU8,
         64,
         200,
         90,
         {0.82, 0.88},
         {102, 139},
         {0, 0},
         {81, 110}},
    Case{"clustered_dot_50d",
         Metric::kDot,
         DataType::kF32,
         50,
         200,
         300,
         {0.90, 0.96},
         {151, 205},
         {0, 0},
         {263, 358}},
    Case{"clustered_manhattan_20d",
         Metric::kManhattan,
         DataType::kF32,
         20,
         200,
         200,
         {0.93, 0.99},
         {138, 188},
         {0, 0},
         {177, 241}},
    Case{"tight_clusters_euclidean_24d",
         Metric::kEuclidean,
         DataType::kF32,
         24,
         100,
         90,
         {0.80, 0.86},
         {95, 130},
         {81, 111},
         {80, 109},
         1e-4},
    Case{"uniform_euclidean_12d",
         Metric::kEuclidean,
         DataType::kF32,
         12,
         0,
         450,
         {0.87, 0.93},
         {146, 198},
         {0, 0},
         {389, 528}},
    Case{"uniform_euclidean_2d",
         Metric::kEuclidean,
         DataType::kF32,
         2,
         0,
         60,
         {0.97, 1.00},
         {76, 104},
         {0, 0},
         {56, 76}},
};

INSTANTIATE_TEST_SUITE_P(All, ForestRecallTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace kith
