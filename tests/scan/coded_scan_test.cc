// Exact search over codes gives what exact search over all vectors gives, bit for bit.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "paths.h"
#include "scan_data.h"
#include "simd/kernels.h"
#include "storage/container_image.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::ContainerImage;
using testing::ExpectSameAnswers;
using testing::Gaussian;
using testing::Mapped;
using testing::Matrix;
using testing::ScanData;
using testing::SearchOrFail;
using testing::TempDir;

constexpr size_t kRows = 1500;

// The same vectors with and without codes.
struct Pair {
  std::unique_ptr<Index> plain;
  std::unique_ptr<Index> coded;
};

Pair BuildBoth(const TempDir& dir, const Matrix& rows, Metric metric, DataType dtype) {
  BuildOptions options;
  options.metric = metric;
  options.dtype = dtype;
  options.paths = {ExactOptions{false}};
  Pair pair;
  pair.plain = BuildAndOpen(dir.File("plain.kith"), rows, options);
  options.paths = {ExactOptions{true}};
  pair.coded = BuildAndOpen(dir.File("coded.kith"), rows, options);
  return pair;
}

bool FitsHalf(const Matrix& rows) {
  for (size_t r = 0; r < rows.rows(); ++r) {
    for (size_t c = 0; c < rows.dim(); ++c) {
      if (std::abs(rows.Get(r, c)) > 60000) return false;
    }
  }
  return true;
}

// Where all rows are too short, or a query of products is, files and searches are refused: lends
// one row, or every query, a coordinate that is not.
void MakeAllowed(Metric metric, ScanData* data) {
  constexpr double kShort = 1e-12;
  const auto all_short = [](const Matrix& m) {
    double most = 0;
    for (size_t r = 0; r < m.rows(); ++r) {
      for (size_t c = 0; c < m.dim(); ++c) most = std::max(most, std::abs(m.Get(r, c)));
    }
    return most < kShort;
  };
  if (all_short(data->rows)) data->rows.Set(5, 0, 1);
  if (metric != Metric::kDot || !all_short(data->queries)) return;
  for (size_t q = 0; q < data->queries.rows(); ++q) data->queries.Set(q, 0, 1);
}

class CodedScanTest : public ::testing::TestWithParam<std::tuple<Metric, DataType>> {
 protected:
  Metric metric() const { return std::get<0>(GetParam()); }
  DataType dtype() const { return std::get<1>(GetParam()); }

  void ExpectIdentical(const Matrix& rows, const Matrix& queries) {
    const Pair pair = BuildBoth(dir_, rows, metric(), dtype());
    ASSERT_TRUE(pair.plain != nullptr && pair.coded != nullptr);
    const Status verified = VerifyIndex(dir_.File("coded.kith"));
    ASSERT_TRUE(verified.ok()) << verified.message();
    for (const size_t k : {1, 10, 23}) {
      const SearchResult coded = SearchOrFail(*pair.coded, queries.view(), {.k = k});
      ExpectSameAnswers(coded, SearchOrFail(*pair.plain, queries.view(), {.k = k}));
      // Where codes rule out too little, the rest of the rows is compared in full.
      EXPECT_GE(coded.stats.codes, queries.rows() * 64);
      EXPECT_GE(coded.stats.distances + coded.stats.codes, rows.rows() * queries.rows());
    }
  }
  TempDir dir_;
};

TEST_P(CodedScanTest, AnswersAreIdentical) {
  for (const size_t dim : {1, 3, 40}) {
    for (ScanData& data : testing::ScanDataSets(kRows, dim)) {
      if (dtype() == DataType::kF16 && !FitsHalf(data.rows)) continue;
      SCOPED_TRACE(data.name + ", " + std::to_string(dim));
      MakeAllowed(metric(), &data);
      ExpectIdentical(data.rows, data.queries);
      if (HasFailure()) return;
    }
  }
}

// The worst order: every row is nearer than all before.
TEST_P(CodedScanTest, RowsThatAllEnter) {
  const Matrix rows =
      testing::FarthestFirst(Mapped(Gaussian(kRows, 40, 1), [](double x, size_t r, size_t) {
        return std::abs(x) * (1 + static_cast<double>(r) / 100);
      }));
  Matrix corner(DataType::kF32, 1, 40);
  for (size_t c = 0; c < 40; ++c) corner.Set(0, c, 1000);
  ExpectIdentical(rows, corner);
  if (metric() == Metric::kAngular) return;
  const Pair pair = BuildBoth(dir_, rows, metric(), dtype());
  ASSERT_NE(pair.coded, nullptr);
  const SearchStats stats = SearchOrFail(*pair.coded, corner.view(), {.k = 10}).stats;
  EXPECT_EQ(stats.distances, kRows);
  EXPECT_GE(stats.codes, 64u);
  EXPECT_LE(stats.codes, 512u) << "reading codes to the end would be in vain";
}

TEST_P(CodedScanTest, OnEveryTarget) {
  const Pair pair = BuildBoth(dir_, Gaussian(kRows, 70, 1), metric(), dtype());
  ASSERT_TRUE(pair.plain != nullptr && pair.coded != nullptr);
  const Matrix queries = Gaussian(5, 70, 2);
  for (const simd::Kernels& kernels : simd::AvailableKernels()) {
    ASSERT_TRUE(simd::ForceTarget(kernels.target).ok());
    ExpectSameAnswers(SearchOrFail(*pair.coded, queries.view(), {.k = 5}),
                      SearchOrFail(*pair.plain, queries.view(), {.k = 5}));
  }
  ASSERT_TRUE(simd::ForceTarget("").ok());
}

TEST_P(CodedScanTest, ThreadsAndBatchesChangeNothing) {
  const Pair pair = BuildBoth(dir_, Gaussian(5000, 20, 1), metric(), dtype());
  ASSERT_TRUE(pair.plain != nullptr && pair.coded != nullptr);
  const Matrix queries = Gaussian(150, 20, 2);
  const SearchResult plain = SearchOrFail(*pair.plain, queries.view(), {.k = 10});
  for (int threads = 0; threads <= 4; ++threads) {
    SCOPED_TRACE(threads);
    ExpectSameAnswers(SearchOrFail(*pair.coded, queries.view(), {.k = 10, .threads = threads}),
                      plain);
  }
  for (size_t q = 0; q < queries.rows(); q += 7) {
    for (const int threads : {1, 3}) {
      const SearchResult one =
          SearchOrFail(*pair.coded, queries.Row(q), {.k = 10, .threads = threads});
      for (size_t i = 0; i < 10; ++i) {
        ASSERT_EQ(one.ids[i], plain.ids[q * 10 + i]) << "query " << q << ", place " << i;
        ASSERT_EQ(one.distances[i], plain.distances[q * 10 + i]);
      }
    }
  }
}

// Queries alone or in a batch compare the same rows in full: some, and few.
TEST_P(CodedScanTest, FewRowsAreComparedInFull) {
  constexpr size_t kMany = 20000;
  const Pair pair = BuildBoth(dir_, Gaussian(kMany, 64, 1), metric(), dtype());
  ASSERT_NE(pair.coded, nullptr);
  const Matrix queries = Gaussian(70, 64, 2);
  const SearchStats batch = SearchOrFail(*pair.coded, queries.view(), {.k = 10}).stats;
  EXPECT_EQ(batch.codes, kMany * 70);
  EXPECT_EQ(batch.nodes + batch.entries, 0u);
  // 64 at the start, and 10 for each doubling of the rows seen.
  EXPECT_GE(batch.distances, 70u * 100);
  EXPECT_LE(batch.distances, 70u * 250);
  uint64_t alone = 0;
  for (size_t q = 0; q < queries.rows(); ++q) {
    alone += SearchOrFail(*pair.coded, queries.Row(q), {.k = 10}).stats.distances;
  }
  EXPECT_EQ(alone, batch.distances);
}

TEST_P(CodedScanTest, ManyNeighboursTakeTheFullScan) {
  const Pair pair = BuildBoth(dir_, Gaussian(kRows, 20, 1), metric(), dtype());
  ASSERT_TRUE(pair.plain != nullptr && pair.coded != nullptr);
  const Matrix queries = Gaussian(3, 20, 2);
  for (const size_t k : {kRows / 64 + 1, kRows, kRows + 5}) {
    const SearchResult coded = SearchOrFail(*pair.coded, queries.view(), {.k = k});
    ExpectSameAnswers(coded, SearchOrFail(*pair.plain, queries.view(), {.k = k}));
    EXPECT_EQ(coded.stats.codes, 0u);
    EXPECT_EQ(coded.stats.distances, 3 * kRows);
  }
}

TEST_P(CodedScanTest, VerifyFindsBoundsThatLie) {
  BuildOptions options;
  options.metric = metric();
  options.dtype = dtype();
  options.paths = {ExactOptions{true}};
  const std::string path = dir_.File("x.kith");
  ASSERT_NE(BuildAndOpen(path, Gaussian(100, 24, 1), options), nullptr);
  ASSERT_TRUE(VerifyIndex(path).ok());
  const ContainerImage good(testing::ReadFile(path));
  const auto expect_fault = [&](std::string_view section, size_t at, uint8_t value) {
    ContainerImage image = good;
    image.bytes()[image.OffsetOf(section) + at] = static_cast<char>(value);
    image.Seal();
    testing::WriteFile(path, image.bytes());
    const Status status = VerifyIndex(path);
    testing::ExpectError(status, StatusCode::kCorruption, "scan_codes");
  };
  // Row 23 is row 7 of the second block, which has 6 groups of coordinates.
  constexpr size_t kBlock = 16 * (24 + 8);
  const auto byte = [&](size_t at) {
    return static_cast<uint8_t>(good.bytes()[good.OffsetOf("scan_codes") + at]);
  };
  const size_t code = kBlock + 7 * 4 + 3;
  expect_fault("scan_codes", code, static_cast<uint8_t>(byte(code) ^ 32));
  const size_t error = kBlock + 6 * 64 + 7 * 8 + 6;
  expect_fault("scan_codes", error, static_cast<uint8_t>(byte(error) - 2));
  expect_fault("scan_codes", 6 * kBlock + 15 * 4, 1);  // behind row 99
  expect_fault("scan_mean", 3, 0x40);
}

INSTANTIATE_TEST_SUITE_P(
    All, CodedScanTest,
    ::testing::Combine(::testing::Values(Metric::kAngular, Metric::kEuclidean, Metric::kDot),
                       ::testing::Values(DataType::kF32, DataType::kF16, DataType::kBF16)),
    [](const auto& test) {
      return std::string(MetricName(std::get<0>(test.param))) + "_" +
             DataTypeName(std::get<1>(test.param));
    });

class CodedBuildTest : public ::testing::Test {
 protected:
  // Whether a file of these rows gets codes if nobody asks.
  bool ChosenFor(const Matrix& rows, Metric metric, bool forest, DataType dtype) {
    BuildOptions options;
    options.metric = metric;
    options.dtype = dtype;
    if (forest) {
      options.paths = {ForestOptions{.num_trees = 1, .leaf_size = 100}};
    } else {
      options.paths = {ExactOptions{}};
    }
    const auto index = BuildAndOpen(dir_.File("x.kith"), rows, options);
    return index != nullptr && testing::PathNumber(index->info(), IndexKind::kExact, "codes") > 0;
  }
  TempDir dir_;
};

TEST_F(CodedBuildTest, LargeSetsOfFloatsGetThem) {
  const Matrix large = Gaussian(4096, 64, 1);  // 1 MiB
  const Matrix small = Gaussian(4095, 64, 1);
  EXPECT_TRUE(ChosenFor(large, Metric::kEuclidean, false, DataType::kF32));
  EXPECT_TRUE(ChosenFor(large, Metric::kAngular, false, DataType::kF32));
  EXPECT_TRUE(ChosenFor(large, Metric::kDot, false, DataType::kF32));
  EXPECT_FALSE(ChosenFor(small, Metric::kEuclidean, false, DataType::kF32));
  EXPECT_FALSE(ChosenFor(large, Metric::kEuclidean, false, DataType::kF16));
  EXPECT_FALSE(ChosenFor(large, Metric::kEuclidean, true, DataType::kF32));
  EXPECT_FALSE(ChosenFor(large, Metric::kManhattan, false, DataType::kF32));
  EXPECT_TRUE(ChosenFor(Gaussian(4096, 128, 1), Metric::kAngular, false, DataType::kBF16));
  // Codes of few coordinates are no smaller than these.
  EXPECT_FALSE(ChosenFor(Gaussian(100000, 3, 1), Metric::kEuclidean, false, DataType::kF32));
}

TEST_F(CodedBuildTest, AreRefusedWhereThereAreNone) {
  const Matrix rows = Matrix::Random(DataType::kU8, 30, 4, 1);
  const auto expect = [&](const BuildOptions& options, const std::string& part) {
    const Status status = BuildIndex(rows.view(), dir_.File("x.kith"), options);
    testing::ExpectError(status, StatusCode::kInvalidArgument, part);
    EXPECT_EQ(dir_.NumFiles(), 0u);
  };
  BuildOptions options;
  options.dtype = DataType::kF32;
  options.paths = {ExactOptions{true}, ForestOptions{}};
  expect(options, "forest");
  options.paths = {ExactOptions{true}};
  options.metric = Metric::kManhattan;
  expect(options, "manhattan over f32");
  options.metric = Metric::kEuclidean;
  options.dtype.reset();
  expect(options, "euclidean over u8");
}

TEST_F(CodedBuildTest, ThreadsChangeNothing) {
  const Matrix rows = Gaussian(5000, 33, 1);
  BuildOptions options;
  options.paths = {ExactOptions{true}};
  options.threads = 1;
  ASSERT_TRUE(BuildIndex(rows.view(), dir_.File("one.kith"), options).ok());
  options.threads = 3;
  ASSERT_TRUE(BuildIndex(rows.view(), dir_.File("three.kith"), options).ok());
  EXPECT_TRUE(testing::ReadFile(dir_.File("one.kith")) ==
              testing::ReadFile(dir_.File("three.kith")));
}

}  // namespace
}  // namespace kith
