// The forest's promises: everything is found when everything is inspected, search_k means what it
// says, the same bytes and answers always, and no data set that it can't take.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "sanitized.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::CheckNearest;
using testing::ExpectSameAnswers;
using testing::kSanitized;
using testing::Matrix;
using testing::ReadFile;
using testing::Recall;
using testing::SearchOrFail;
using testing::TempDir;

constexpr int64_t kAll = int64_t{1} << 40;  // an effort that inspects every entry

BuildOptions Options(Metric metric, uint32_t trees, uint32_t leaf_size) {
  BuildOptions options;
  options.metric = metric;
  options.paths.push_back(ForestOptions{.num_trees = trees, .leaf_size = leaf_size});
  return options;
}

class ForestTest : public ::testing::TestWithParam<std::tuple<Metric, DataType>> {
 protected:
  Metric metric() const { return std::get<0>(GetParam()); }
  DataType dtype() const { return std::get<1>(GetParam()); }
  BuildOptions TypedOptions(uint32_t trees, uint32_t leaf_size) const {
    BuildOptions options = Options(metric(), trees, leaf_size);
    options.dtype = dtype();
    options.calibrate = false;  // HeldOutTest has forests into which vectors came afterwards
    return options;
  }
  TempDir dir_;
};

TEST_P(ForestTest, FindsEverythingWhenEverythingIsInspected) {
  constexpr size_t kN = 700;
  for (const size_t dim : {3, 8}) {
    const Matrix rows = Matrix::Random(dtype(), kN, dim, dim);
    const auto index = BuildAndOpen(dir_.File("x.kith"), rows, TypedOptions(4, 10));
    ASSERT_NE(index, nullptr);
    EXPECT_TRUE(VerifyIndex(dir_.File("x.kith")).ok());
    for (const Matrix& queries :
         {Matrix::Random(dtype(), 15, dim, 5), Matrix::Random(DataType::kF32, 15, dim, 6)}) {
      for (const int64_t effort : {int64_t{4 * kN}, kAll}) {
        const SearchResult forest =
            SearchOrFail(*index, queries.view(), {.k = 10, .effort = effort});
        EXPECT_EQ(forest.stats.entries, 4 * kN * queries.rows());
        // Codes may judge wrongly; only small rows go without, and these are.
        ASSERT_EQ(forest.stats.codes, 0u);
        EXPECT_EQ(forest.stats.distances, kN * queries.rows());
        ExpectSameAnswers(
            forest, SearchOrFail(*index, queries.view(), {.k = 10, .index = IndexKind::kExact}));
      }
      const SearchResult padded =
          SearchOrFail(*index, queries.view(), {.k = kN + 3, .effort = kAll});
      for (size_t q = 0; q < queries.rows(); ++q) {
        CheckNearest(metric(), queries, q, rows, padded);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(ForestTest, ThreadsBatchesAndReopeningChangeNothing) {
  const Matrix rows = Matrix::Random(dtype(), kSanitized ? 600 : 1500, 16, 1);
  const auto index = BuildAndOpen(dir_.File("x.kith"), rows, TypedOptions(6, 20));
  ASSERT_NE(index, nullptr);
  Matrix queries = Matrix::Random(DataType::kF32, 130, 16, 2);
  const Matrix native = Matrix::Random(dtype(), 130, 16, 3);
  for (size_t q = 0; q < queries.rows(); q += 2) queries.CopyRow(native, q, q);
  const SearchParams params{.k = 5, .index = IndexKind::kForest, .effort = 300};
  const SearchResult batch = SearchOrFail(*index, queries.view(), params);
  for (int threads = 0; threads <= 4; ++threads) {
    SearchParams threaded = params;
    threaded.threads = threads;
    const SearchResult again = SearchOrFail(*index, queries.view(), threaded);
    ExpectSameAnswers(again, batch);
    EXPECT_EQ(again.stats.entries, batch.stats.entries);
    EXPECT_EQ(again.stats.nodes, batch.stats.nodes);
    EXPECT_EQ(again.stats.distances, batch.stats.distances);
  }
  const auto reopened = OpenIndex(dir_.File("x.kith"), {.prefault = true});
  ASSERT_TRUE(reopened.ok());
  ExpectSameAnswers(SearchOrFail(**reopened, queries.view(), params), batch);
  uint64_t entries = 0;
  for (size_t q = 0; q < queries.rows(); ++q) {
    const SearchResult one = SearchOrFail(*index, queries.Row(q), params);
    entries += one.stats.entries;
    for (size_t i = 0; i < 5; ++i) {
      ASSERT_EQ(one.ids[i], batch.ids[q * 5 + i]) << "query " << q;
      ASSERT_EQ(one.distances[i], batch.distances[q * 5 + i]);
    }
  }
  EXPECT_EQ(entries, batch.stats.entries);
}

INSTANTIATE_TEST_SUITE_P(
    All, ForestTest,
    ::testing::Combine(::testing::Values(Metric::kAngular, Metric::kEuclidean, Metric::kDot,
                                         Metric::kManhattan, Metric::kHamming),
                       ::testing::Values(DataType::kF32, DataType::kF16, DataType::kBF16,
                                         DataType::kI8, DataType::kU8, DataType::kBit)),
    [](const auto& info) {
      return std::string(MetricName(std::get<0>(info.param))) + "_" +
             DataTypeName(std::get<1>(info.param));
    });

class ForestMetricTest : public ::testing::TestWithParam<Metric> {
 protected:
  // Whatever the data: the forest builds, verifies, and finds what exact search finds.
  void CheckData(const Matrix& rows, const Matrix& queries, uint32_t leaf_size,
                 double min_recall = 0.9) {
    const std::string path = dir_.File("x.kith");
    const auto index = BuildAndOpen(path, rows, Options(GetParam(), 3, leaf_size));
    ASSERT_NE(index, nullptr);
    const Status verified = VerifyIndex(path);
    EXPECT_TRUE(verified.ok()) << verified.message();
    const size_t k = std::min<size_t>(rows.rows(), 10);
    const SearchResult exact =
        SearchOrFail(*index, queries.view(), {.k = k, .index = IndexKind::kExact});
    const SearchResult all = SearchOrFail(*index, queries.view(), {.k = k, .effort = kAll});
    EXPECT_EQ(all.stats.entries, 3 * rows.rows() * queries.rows());
    if (all.stats.codes == 0) ExpectSameAnswers(all, exact);
    // Short codes leave out a few of the nearest: the price of not comparing in full.
    EXPECT_GE(Recall(exact, all), min_recall);
    for (const int64_t effort : {int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{50}}) {
      SearchOrFail(*index, queries.view(), {.k = k, .effort = effort});
    }
  }
  TempDir dir_;
};

TEST_P(ForestMetricTest, FewVectors) {
  for (const size_t n : {1, 2, 7, 8, 9, 16, 17}) {
    SCOPED_TRACE(n);
    CheckData(Matrix::Random(DataType::kF32, n, 4, n), Matrix::Random(DataType::kF32, 5, 4, 1), 8);
  }
}

TEST_P(ForestMetricTest, LeavesOfOneVector) {
  CheckData(Matrix::Random(DataType::kF32, 300, 4, 1), Matrix::Random(DataType::kF32, 5, 4, 2), 1);
}

TEST_P(ForestMetricTest, OneAndTwoDimensions) {
  for (const size_t dim : {1, 2}) {
    SCOPED_TRACE(dim);
    CheckData(Matrix::Random(DataType::kF32, kSanitized ? 600 : 3000, dim, dim),
              Matrix::Random(DataType::kF32, 5, dim, 9), 16);
  }
}

TEST_P(ForestMetricTest, AllTheSame) {
  for (const double value : {0.0, 0.37}) {
    for (const size_t dim : {5, 200}) {
      Matrix rows(DataType::kF32, kSanitized ? 600 : 2000, dim);
      for (size_t r = 0; r < rows.rows(); ++r) rows.Set(r, dim / 2, value);
      CheckData(rows, Matrix::Random(DataType::kF32, 4, dim, 1), 10);
    }
  }
}

TEST_P(ForestMetricTest, MostlyTheSame) {
  Matrix rows(DataType::kF32, kSanitized ? 600 : 3000, 6);
  const Matrix other = Matrix::Random(DataType::kF32, 30, 6, 1);
  for (size_t r = 0; r < 30; ++r) rows.CopyRow(other, r, r * (rows.rows() / 31));
  CheckData(rows, other, 10);
}

TEST_P(ForestMetricTest, ConstantAndEmptyCoordinates) {
  for (const size_t dim : {40, 300}) {
    Matrix rows = Matrix::Random(DataType::kF32, 800, dim, 1);
    for (size_t r = 0; r < rows.rows(); ++r) {
      for (size_t c = 2; c < dim; ++c) rows.Set(r, c, c % 2 == 0 ? 1.25 : 0);
    }
    CheckData(rows, Matrix::Random(DataType::kF32, 6, dim, 2), 10);
  }
}

TEST_P(ForestMetricTest, WidelyVaryingNorms) {
  Rng rng(5);
  for (const size_t dim : {12, 130}) {
    Matrix rows = Matrix::Random(DataType::kF32, 1000, dim, 1);
    for (size_t r = 0; r < rows.rows(); ++r) {
      const double scale = std::exp(1.5 * rng.Normal());
      for (size_t c = 0; c < dim; ++c) rows.Set(r, c, rows.Get(r, c) * scale);
    }
    CheckData(rows, Matrix::Random(DataType::kF32, 10, dim, 2), 16, 0.9);
  }
}

// Squares of such values are near the ends of float32, sums of them beyond. Where squares or
// products of all would vanish, builds refuse them (tests/scan/exact_test.cc).
TEST_P(ForestMetricTest, HugeAndTinyValues) {
  const bool vanish = GetParam() == Metric::kEuclidean || GetParam() == Metric::kDot;
  for (const double scale : {1e17, vanish ? 1e-12 : 1e-18, vanish ? 1e-13 : 1e-30}) {
    for (const size_t dim : {8, 150}) {
      SCOPED_TRACE(::testing::Message() << scale << ", dim " << dim);
      Matrix rows = Matrix::Random(DataType::kF32, 400, dim, 1);
      for (size_t r = 0; r < rows.rows(); ++r) {
        for (size_t c = 0; c < dim; ++c) rows.Set(r, c, rows.Get(r, c) * scale);
      }
      CheckData(rows, rows.Permuted({0, 7, 33}), 16);
    }
  }
}

TEST_P(ForestMetricTest, SixteenThousandDimensions) {
  CheckData(Matrix::Random(DataType::kF32, kSanitized ? 17 : 40, 16384, 1),
            Matrix::Random(DataType::kF32, 3, 16384, 2), 8);
  CheckData(Matrix::Random(DataType::kBit, kSanitized ? 40 : 200, 16384, 1),
            Matrix::Random(DataType::kBit, 3, 16384, 2), 8);
}

INSTANTIATE_TEST_SUITE_P(All, ForestMetricTest,
                         ::testing::Values(Metric::kAngular, Metric::kEuclidean, Metric::kDot,
                                           Metric::kManhattan, Metric::kHamming),
                         [](const auto& info) { return std::string(MetricName(info.param)); });

// The same input and seed give the same file, on any number of threads.
TEST(ForestBytesTest, DependOnInputAndSeedAlone) {
  const TempDir dir;
  const struct {
    Metric metric;
    DataType dtype;
    size_t n;
    size_t dim;
  } cases[] = {{Metric::kAngular, DataType::kF32, kSanitized ? 900 : 3000, 40},
               {Metric::kDot, DataType::kF32, kSanitized ? 550 : 1000, 150},
               {Metric::kEuclidean, DataType::kU8, kSanitized ? 900 : 5000, 8},
               {Metric::kEuclidean, DataType::kF16, kSanitized ? 520 : 700, 600},
               {Metric::kHamming, DataType::kBit, kSanitized ? 700 : 2000, 100}};
  for (const auto& c : cases) {
    SCOPED_TRACE(MetricName(c.metric));
    const Matrix rows = Matrix::Random(c.dtype, c.n, c.dim, 1);
    const auto bytes = [&](int threads, uint64_t seed) {
      BuildOptions options = Options(c.metric, 5, 0);
      options.threads = threads;
      options.seed = seed;
      // What is measured is looked at once; it takes most of the time.
      options.calibrate = &c == cases;
      EXPECT_TRUE(BuildIndex(rows.view(), dir.File("x.kith"), options).ok());
      return ReadFile(dir.File("x.kith"));
    };
    const std::string first = bytes(1, 42);
    EXPECT_TRUE(bytes(1, 42) == first) << "two builds differ";
    EXPECT_TRUE(bytes(2, 42) == first) << "two threads give other bytes than one";
    EXPECT_TRUE(bytes(4, 42) == first) << "four threads give other bytes than one";
    EXPECT_TRUE(bytes(0, 42) == first) << "all cores give other bytes than one";
    EXPECT_FALSE(bytes(1, 43) == first) << "the seed does not matter";
  }
}

// What lies between a borrowed matrix's rows, and its stride, don't reach the file.
TEST(ForestBytesTest, DoNotDependOnTheStride) {
  const TempDir dir;
  for (const DataType dtype : {DataType::kF32, DataType::kU8, DataType::kBit}) {
    const Matrix rows = Matrix::Random(dtype, 400, 21, 1);
    const Matrix spread = rows.As(dtype, 13);
    BuildOptions options = Options(Metric::kEuclidean, 3, 0);
    options.dtype = dtype;
    ASSERT_TRUE(BuildIndex(rows.view(), dir.File("a.kith"), options).ok());
    ASSERT_TRUE(BuildIndex(spread.view(), dir.File("b.kith"), options).ok());
    EXPECT_TRUE(ReadFile(dir.File("a.kith")) == ReadFile(dir.File("b.kith")));
  }
}

// search_k: leaves are inspected whole, until so many vectors were found.
TEST(ForestEffortTest, StopsAtTheFirstLeafAtOrPastSearchK) {
  const TempDir dir;
  constexpr size_t kN = 4000;
  constexpr uint32_t kTrees = 7;
  constexpr uint32_t kLeaf = 25;
  const Matrix rows = Matrix::Clustered(kN, 10, 40, 0.3, 1);
  BuildOptions options = Options(Metric::kEuclidean, kTrees, kLeaf);
  options.calibrate = false;  // vectors inserted afterwards would come on top of kLeaf
  const auto index = BuildAndOpen(dir.File("x.kith"), rows, options);
  ASSERT_NE(index, nullptr);
  for (size_t q = 0; q < 20; ++q) {
    uint64_t before = 0;
    for (const int64_t effort : {1, 2, 30, 100, 101, 102, 500, 3000, 4000, 50000}) {
      const SearchResult result = SearchOrFail(*index, rows.Row(q), {.k = 3, .effort = effort});
      const uint64_t found = result.stats.distances;
      const auto wanted = std::min<uint64_t>(static_cast<uint64_t>(effort), kN);
      EXPECT_GE(found, wanted);
      EXPECT_LT(found, wanted + kLeaf);
      EXPECT_GE(result.stats.entries, found);
      EXPECT_LE(result.stats.entries, kTrees * kN);
      EXPECT_GE(result.stats.entries, before);
      before = result.stats.entries;
    }
    const SearchResult none = SearchOrFail(*index, rows.Row(q), {.k = 3, .effort = 0});
    EXPECT_EQ(none.stats.entries, 0u);
    EXPECT_EQ(none.ids, (std::vector<int64_t>{kNoId, kNoId, kNoId}));
  }
}

// Below dim / 4 candidates, less effort saves nothing.
TEST(ForestEffortTest, HasAFloor) {
  const TempDir dir;
  const Matrix rows = Matrix::Clustered(2000, 400, 20, 0.3, 1);
  const auto index = BuildAndOpen(dir.File("x.kith"), rows, Options(Metric::kEuclidean, 5, 20));
  ASSERT_NE(index, nullptr);
  const SearchResult result = SearchOrFail(*index, rows.Row(3), {.k = 3, .effort = 1});
  EXPECT_GE(result.stats.codes, 100u);
  EXPECT_LT(result.stats.codes, 120u);
}

TEST(ForestEffortTest, DefaultsToNeighboursAndTrees) {
  const TempDir dir;
  const Matrix rows = Matrix::Clustered(5000, 10, 40, 0.3, 1);
  const auto index = BuildAndOpen(dir.File("x.kith"), rows, Options(Metric::kEuclidean, 5, 20));
  ASSERT_NE(index, nullptr);
  const SearchResult five = SearchOrFail(*index, rows.Row(0), {.k = 5});
  const SearchResult twenty = SearchOrFail(*index, rows.Row(0), {.k = 20});
  EXPECT_GE(five.stats.entries, 5u * 5);
  EXPECT_GE(twenty.stats.entries, 20u * 5);
  EXPECT_GT(twenty.stats.entries, five.stats.entries);
}

}  // namespace
}  // namespace kith
