// The graph's promises: what it finds is right, it finds nearly everything, a wide enough beam
// finds everything, and the same bytes and answers always.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "paths.h"
#include "sanitized.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::CheckAnswers;
using testing::ExpectSameAnswers;
using testing::GraphBuild;
using testing::GraphRecall;
using testing::kSanitized;
using testing::Matrix;
using testing::Mixture;
using testing::Part;
using testing::ReadFile;
using testing::Recall;
using testing::Rounded;
using testing::SearchOrFail;
using testing::TempDir;

constexpr int64_t kAll = int64_t{1} << 40;  // a beam that holds every node

struct Kind {
  Metric metric;
  DataType dtype;
  GraphLayout layout;
};

std::vector<Kind> Kinds() {
  std::vector<Kind> kinds;
  for (const Metric metric :
       {Metric::kAngular, Metric::kEuclidean, Metric::kDot, Metric::kManhattan, Metric::kHamming}) {
    for (const DataType dtype : {DataType::kF32, DataType::kF16, DataType::kBF16, DataType::kI8,
                                 DataType::kU8, DataType::kBit}) {
      if (metric == Metric::kHamming && dtype != DataType::kU8 && dtype != DataType::kBit) continue;
      for (const GraphLayout layout : testing::Layouts(metric, dtype)) {
        kinds.push_back({metric, dtype, layout});
      }
    }
  }
  return kinds;
}

class GraphTest : public ::testing::TestWithParam<Kind> {
 protected:
  Matrix Data(size_t rows) const {
    const size_t dim = GetParam().dtype == DataType::kBit ? 250 : 40;
    return Rounded(Mixture(rows, dim, 20, 10, 1), GetParam().dtype);
  }
  BuildOptions Options() const {
    BuildOptions options = GraphBuild(GetParam().metric, GetParam().layout);
    options.dtype = GetParam().dtype;
    options.calibrate = false;  // HeldOutTest has graphs into which vectors came afterwards
    return options;
  }
  TempDir dir_;
};

TEST_P(GraphTest, FindsNearlyEverything) {
  constexpr size_t kN = kSanitized ? 700 : 3000;
  const Matrix all = Data(kN + 50);
  const Matrix rows = Part(all, 0, kN);
  const Matrix queries = Part(all, kN, 50);
  const auto index = BuildAndOpen(dir_.File("x.kith"), rows, Options());
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(testing::LayoutOf(index->info()), GetParam().layout);
  const Status verified = VerifyIndex(dir_.File("x.kith"));
  EXPECT_TRUE(verified.ok()) << verified.message();
  // Of the larger set, which is the harder one. Measured: 0.975 and more; at the least width 0.87,
  // but for Hamming over bytes, which are equal or not and nothing between.
  const double wide = GraphRecall(*index, queries.view(), 10, 64);
  const double narrow = GraphRecall(*index, queries.view(), 10, 10);
  RecordProperty("recall_64", std::to_string(wide));
  RecordProperty("recall_10", std::to_string(narrow));
  EXPECT_GE(wide, 0.965);
  EXPECT_GE(narrow, GetParam().metric == Metric::kHamming ? 0.48 : 0.85);
  // A beam that holds everything visits everything.
  const SearchResult whole =
      SearchOrFail(*index, queries.view(), {.k = 10, .index = IndexKind::kGraph, .effort = kAll});
  EXPECT_EQ(Recall(SearchOrFail(*index, queries.view(), {.index = IndexKind::kExact}), whole), 1);
  for (const int64_t effort : {int64_t{-1}, int64_t{0}, int64_t{10}, kAll}) {
    CheckAnswers(*index, queries.view(),
                 SearchOrFail(*index, queries.view(),
                              {.k = 10, .index = IndexKind::kGraph, .effort = effort}));
    if (HasFatalFailure()) return;
  }
}

TEST_P(GraphTest, EveryVectorIsFoundByItself) {
  const Matrix rows = Data(kSanitized ? 400 : 1500);
  const auto index = BuildAndOpen(dir_.File("x.kith"), rows, Options());
  ASSERT_NE(index, nullptr);
  // Of dot, a vector need not be its own nearest; whatever is, is found.
  const SearchResult exact =
      SearchOrFail(*index, rows.view(), {.k = 1, .index = IndexKind::kExact});
  const SearchResult found =
      SearchOrFail(*index, rows.view(), {.k = 1, .index = IndexKind::kGraph, .effort = 200});
  size_t missed = 0;
  for (size_t r = 0; r < rows.rows(); ++r) missed += found.distances[r] > exact.distances[r];
  EXPECT_LE(missed, GetParam().metric == Metric::kDot ? 15u : 0u);
}

TEST_P(GraphTest, ThreadsBatchesAndHugePagesChangeNothing) {
  constexpr size_t kN = kSanitized ? 600 : 1200;  // some for each of the threads
  const Matrix all = Data(kN + 130);
  const Matrix rows = Part(all, 0, kN);
  const auto index = BuildAndOpen(dir_.File("x.kith"), rows, Options());
  ASSERT_NE(index, nullptr);
  const Matrix queries = Part(all, kN, 130);
  const SearchParams params{.k = 7, .index = IndexKind::kGraph, .effort = 24};
  const SearchResult batch = SearchOrFail(*index, queries.view(), params);
  const auto expect_same = [&](const SearchResult& again) {
    ExpectSameAnswers(again, batch);
    EXPECT_EQ(again.stats.nodes, batch.stats.nodes);
    EXPECT_EQ(again.stats.codes, batch.stats.codes);
    EXPECT_EQ(again.stats.distances, batch.stats.distances);
    EXPECT_EQ(again.stats.bytes, batch.stats.bytes);
  };
  for (const int threads : {0, 1, 2, 3}) {
    SearchParams threaded = params;
    threaded.threads = threads;
    expect_same(SearchOrFail(*index, queries.view(), threaded));
  }
  const auto huge = OpenIndex(dir_.File("x.kith"), {.huge_pages = true});
  ASSERT_TRUE(huge.ok()) << huge.status().message();
  expect_same(SearchOrFail(**huge, queries.view(), params));
  SearchStats alone;
  for (size_t q = 0; q < queries.rows(); ++q) {
    const SearchResult one = SearchOrFail(*index, queries.Row(q), params);
    alone += one.stats;
    ASSERT_TRUE(std::equal(one.ids.begin(), one.ids.end(), batch.ids.begin() + q * 7)) << q;
    ASSERT_TRUE(
        std::equal(one.distances.begin(), one.distances.end(), batch.distances.begin() + q * 7))
        << "query " << q;
  }
  EXPECT_EQ(alone.nodes, batch.stats.nodes);
  EXPECT_EQ(alone.bytes, batch.stats.bytes);
}

INSTANTIATE_TEST_SUITE_P(All, GraphTest, ::testing::ValuesIn(Kinds()), [](const auto& test) {
  return std::string(MetricName(test.param.metric)) + "_" + DataTypeName(test.param.dtype) + "_" +
         GraphLayoutName(test.param.layout);
});

// The same input and seed give the same file, on any number of threads.
TEST(GraphBytesTest, DependOnInputAndSeedAndNoThreads) {
  const TempDir dir;
  const struct {
    Metric metric;
    DataType dtype;
    GraphLayout layout;
  } cases[] = {{Metric::kAngular, DataType::kF32, GraphLayout::kAuto},
               {Metric::kEuclidean, DataType::kU8, GraphLayout::kPacked},
               {Metric::kDot, DataType::kF32, GraphLayout::kPacked},
               {Metric::kDot, DataType::kF16, GraphLayout::kCompact},
               {Metric::kHamming, DataType::kBit, GraphLayout::kCompact}};
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << MetricName(c.metric) << " " << DataTypeName(c.dtype));
    Matrix rows = Rounded(Mixture(kSanitized ? 600 : 1100, 30, 12, 8, 1), c.dtype);
    for (size_t r = 0; r < 60; ++r) rows.CopyRow(rows, r, rows.rows() - 200 + r);
    const auto bytes = [&](int threads, uint64_t seed) {
      BuildOptions options = GraphBuild(c.metric, c.layout);
      options.dtype = c.dtype;
      options.threads = threads;
      options.seed = seed;
      // What is measured is looked at once for each layout; it takes most of the time.
      options.calibrate = c.metric == Metric::kAngular || c.metric == Metric::kHamming;
      EXPECT_TRUE(BuildIndex(rows.view(), dir.File("x.kith"), options).ok());
      return ReadFile(dir.File("x.kith"));
    };
    const std::string first = bytes(1, 42);
    EXPECT_TRUE(bytes(1, 42) == first) << "two builds differ";
    EXPECT_TRUE(bytes(2, 42) == first) << "two threads give other bytes than one";
    EXPECT_TRUE(bytes(3, 42) == first) << "three threads give other bytes than one";
    EXPECT_FALSE(bytes(1, 43) == first) << "the seed does not matter";
  }
}

// What lies between a borrowed matrix's rows, and its stride, don't reach the file.
TEST(GraphBytesTest, DoNotDependOnTheStride) {
  const TempDir dir;
  for (const DataType dtype : {DataType::kF32, DataType::kU8, DataType::kBit}) {
    const Matrix rows = Matrix::Random(dtype, 300, 21, 1);
    const Matrix spread = rows.As(dtype, 13);
    BuildOptions options = GraphBuild(Metric::kEuclidean);
    options.dtype = dtype;
    ASSERT_TRUE(BuildIndex(rows.view(), dir.File("a.kith"), options).ok());
    ASSERT_TRUE(BuildIndex(spread.view(), dir.File("b.kith"), options).ok());
    EXPECT_TRUE(ReadFile(dir.File("a.kith")) == ReadFile(dir.File("b.kith")));
  }
}

class GraphEffortTest : public ::testing::TestWithParam<GraphLayout> {};

// A wider beam finds no less and costs no less, and one narrower than k is as wide as k.
TEST_P(GraphEffortTest, BuysRecall) {
  const TempDir dir;
  constexpr size_t kN = kSanitized ? 1000 : 5000;
  const Matrix all = Mixture(kN + 100, 40, 1, 14, 1);
  const Matrix queries = Part(all, kN, 100);
  const auto index = BuildAndOpen(dir.File("x.kith"), Part(all, 0, kN),
                                  GraphBuild(Metric::kEuclidean, GetParam()));
  ASSERT_NE(index, nullptr);
  const SearchResult exact = SearchOrFail(*index, queries.view(), {.index = IndexKind::kExact});
  double recall = 0;
  uint64_t nodes = 0;
  for (const int64_t effort : {10, 20, 40, 80, 160, static_cast<int>(kN)}) {
    const SearchResult found =
        SearchOrFail(*index, queries.view(), {.index = IndexKind::kGraph, .effort = effort});
    EXPECT_GE(Recall(exact, found), recall - 0.005) << "at " << effort;
    EXPECT_GT(found.stats.nodes, nodes) << "at " << effort;
    recall = Recall(exact, found);
    nodes = found.stats.nodes;
  }
  EXPECT_EQ(recall, 1);
  EXPECT_EQ(nodes, kN * 100);
  const SearchResult narrow =
      SearchOrFail(*index, queries.view(), {.index = IndexKind::kGraph, .effort = 10});
  for (const int64_t effort : {0, 1, 9}) {
    ExpectSameAnswers(
        SearchOrFail(*index, queries.view(), {.index = IndexKind::kGraph, .effort = effort}),
        narrow);
  }
  ExpectSameAnswers(
      SearchOrFail(*index, queries.view(), {.index = IndexKind::kGraph}),
      SearchOrFail(*index, queries.view(), {.index = IndexKind::kGraph, .effort = 64}));
  ExpectSameAnswers(
      SearchOrFail(*index, queries.view(), {.k = 50, .index = IndexKind::kGraph}),
      SearchOrFail(*index, queries.view(), {.k = 50, .index = IndexKind::kGraph, .effort = 100}));
}

TEST_P(GraphEffortTest, TakesEveryK) {
  const TempDir dir;
  const Matrix all = Mixture(1220, 24, 8, 8, 1);
  const Matrix queries = Part(all, 1200, 20);
  const auto index = BuildAndOpen(dir.File("x.kith"), Part(all, 0, 1200),
                                  GraphBuild(Metric::kAngular, GetParam()));
  ASSERT_NE(index, nullptr);
  for (const size_t k : {1, 2, 100, 1000, 1200, 1300}) {
    const SearchResult exact =
        SearchOrFail(*index, queries.view(), {.k = k, .index = IndexKind::kExact});
    for (const int64_t effort : {-1, 0, 5000}) {
      const SearchResult found = SearchOrFail(
          *index, queries.view(), {.k = k, .index = IndexKind::kGraph, .effort = effort});
      CheckAnswers(*index, queries.view(), found);
      if (HasFatalFailure()) FAIL() << "k " << k << ", effort " << effort;
      EXPECT_GE(Recall(exact, found), effort == 0 ? 0.5 : 0.97) << "k " << k;
      if (k >= 1200 || effort == 5000) ExpectSameAnswers(found, exact);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GraphEffortTest,
                         ::testing::Values(GraphLayout::kPacked, GraphLayout::kCompact),
                         [](const auto& test) { return std::string(GraphLayoutName(test.param)); });

}  // namespace
}  // namespace kith
