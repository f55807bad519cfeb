// Exact search against a plain loop in double precision, through files and without.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "index/index_checks.h"
#include "kith/eval.h"
#include "kith/index.h"
#include "matrix.h"
#include "sanitized.h"
#include "search/stored_vectors.h"
#include "storage/container_image.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::CheckNearest;
using testing::ExpectSameAnswers;
using testing::Matrix;
using testing::SearchOrFail;
using testing::TempDir;

class ExactTest : public ::testing::TestWithParam<std::tuple<Metric, DataType>> {
 protected:
  Metric metric() const { return std::get<0>(GetParam()); }
  DataType dtype() const { return std::get<1>(GetParam()); }
  BuildOptions Options() const {
    BuildOptions options;
    options.metric = metric();
    options.dtype = dtype();
    options.paths.push_back(ExactOptions{});
    return options;
  }
  // Queries of the rows' own type, and float32 ones that no integer type holds.
  std::vector<Matrix> QuerySets(size_t dim) const {
    return {Matrix::Random(dtype(), 9, dim, 77, 3), Matrix::Random(DataType::kF32, 5, dim, 78)};
  }
  TempDir dir_;
};

TEST_P(ExactTest, EqualsAPlainLoop) {
  constexpr size_t kN = 137;
  for (const size_t dim : {1, 3, 17, 100}) {
    const Matrix rows = Matrix::Random(dtype(), kN, dim, dim, 5);
    const auto index = BuildAndOpen(dir_.File("x.kith"), rows, Options());
    ASSERT_NE(index, nullptr);
    EXPECT_EQ(index->info().dtype, dtype());
    EXPECT_TRUE(VerifyIndex(dir_.File("x.kith")).ok());
    for (const Matrix& queries : QuerySets(dim)) {
      for (const size_t k : {size_t{1}, size_t{10}, kN, kN + 5}) {
        SCOPED_TRACE(::testing::Message() << "dim " << dim << ", k " << k << ", queries of "
                                          << DataTypeName(queries.view().dtype));
        const SearchResult result = SearchOrFail(*index, queries.view(), {.k = k});
        EXPECT_EQ(result.stats.distances, kN * queries.rows());
        EXPECT_EQ(result.stats.entries + result.stats.nodes + result.stats.codes, 0u);
        for (size_t q = 0; q < queries.rows(); ++q) {
          CheckNearest(metric(), queries, q, rows, result);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST_P(ExactTest, ThreadsAndBatchesChangeNothing) {
  // Enough rows for several segments, and queries for several groups.
  constexpr size_t kN = 2500;
  constexpr size_t kDim = 9;
  const Matrix rows = Matrix::Random(dtype(), kN, kDim, 1);
  const auto index = BuildAndOpen(dir_.File("x.kith"), rows, Options());
  ASSERT_NE(index, nullptr);
  Matrix queries = Matrix::Random(DataType::kF32, 150, kDim, 2);
  // Integral queries among others take another way through the scorer.
  const Matrix native = Matrix::Random(dtype(), 150, kDim, 3);
  for (size_t q = 0; q < queries.rows(); q += 3) queries.CopyRow(native, q, q);

  const SearchResult batch = SearchOrFail(*index, queries.view(), {.k = 10});
  for (int threads = 0; threads <= 4; ++threads) {
    SCOPED_TRACE(threads);
    ExpectSameAnswers(SearchOrFail(*index, queries.view(),
                                   {.k = 10, .index = IndexKind::kExact, .threads = threads}),
                      batch);
  }
  for (size_t q = 0; q < queries.rows(); ++q) {
    for (const int threads : {1, 3}) {
      const SearchResult one = SearchOrFail(*index, queries.Row(q), {.k = 10, .threads = threads});
      for (size_t i = 0; i < 10; ++i) {
        ASSERT_EQ(one.ids[i], batch.ids[q * 10 + i]) << "query " << q << ", place " << i;
        ASSERT_EQ(one.distances[i], batch.distances[q * 10 + i]);
      }
    }
  }
}

TEST_P(ExactTest, PermutedRowsPermuteIds) {
  constexpr size_t kN = 200;
  const Matrix rows = Matrix::Random(dtype(), kN, 24, 4);
  const std::vector<size_t> order = testing::RandomOrder(kN, 5);
  const auto index = BuildAndOpen(dir_.File("a.kith"), rows, Options());
  const auto permuted = BuildAndOpen(dir_.File("b.kith"), rows.Permuted(order), Options());
  ASSERT_NE(index, nullptr);
  ASSERT_NE(permuted, nullptr);
  const Matrix queries = Matrix::Random(dtype(), 7, 24, 6);
  const SearchResult a = SearchOrFail(*index, queries.view(), {.k = kN});
  const SearchResult b = SearchOrFail(*permuted, queries.view(), {.k = kN});
  EXPECT_EQ(a.distances, b.distances);
  for (size_t q = 0; q < queries.rows(); ++q) {
    std::vector<float> by_row(kN);
    for (size_t i = 0; i < kN; ++i) {
      by_row[static_cast<size_t>(a.ids[q * kN + i])] = a.distances[q * kN + i];
    }
    for (size_t i = 0; i < kN; ++i) {
      const size_t original = order[static_cast<size_t>(b.ids[q * kN + i])];
      ASSERT_EQ(b.distances[q * kN + i], by_row[original]) << "query " << q << ", place " << i;
    }
  }
}

TEST_P(ExactTest, DuplicatesComeByRow) {
  Matrix rows = Matrix::Random(dtype(), 40, 12, 7);
  for (const size_t copy : {3, 11, 12, 39}) rows.CopyRow(rows, 3, copy);
  const auto index = BuildAndOpen(dir_.File("x.kith"), rows, Options());
  ASSERT_NE(index, nullptr);
  // The copies' own vector finds them first, unless the largest product is another row's.
  if (metric() != Metric::kDot) {
    const SearchResult result = SearchOrFail(*index, rows.Row(3), {.k = 4});
    EXPECT_EQ(result.ids, (std::vector<int64_t>{3, 11, 12, 39}));
  }
  const Matrix queries = Matrix::Random(dtype(), 5, 12, 8);
  const SearchResult result = SearchOrFail(*index, queries.view(), {.k = 40});
  for (size_t q = 0; q < queries.rows(); ++q) CheckNearest(metric(), queries, q, rows, result);
}

TEST_P(ExactTest, OneVector) {
  const Matrix rows = Matrix::Random(dtype(), 1, 5, 9);
  const auto index = BuildAndOpen(dir_.File("x.kith"), rows, Options());
  ASSERT_NE(index, nullptr);
  const SearchResult result = SearchOrFail(*index, rows.view(), {.k = 3, .threads = 4});
  CheckNearest(metric(), rows, 0, rows, result);
}

TEST_P(ExactTest, GroundTruthAgrees) {
  const Matrix rows = Matrix::Random(dtype(), 300, 21, 10, 2);
  const Matrix queries = Matrix::Random(dtype(), 70, 21, 11, 7);
  const auto index = BuildAndOpen(dir_.File("x.kith"), rows, Options());
  ASSERT_NE(index, nullptr);
  const SearchResult result = SearchOrFail(*index, queries.view(), {.k = 8});
  for (const int threads : {1, 3}) {
    const auto truth = ComputeGroundTruth(rows.view(), queries.view(), metric(), 8, threads);
    ASSERT_TRUE(truth.ok()) << truth.status().message();
    EXPECT_EQ(truth->ids, result.ids);
    EXPECT_EQ(truth->distances, result.distances);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, ExactTest,
    ::testing::Combine(::testing::Values(Metric::kAngular, Metric::kEuclidean, Metric::kDot,
                                         Metric::kManhattan, Metric::kHamming),
                       ::testing::Values(DataType::kF32, DataType::kF16, DataType::kBF16,
                                         DataType::kI8, DataType::kU8, DataType::kBit)),
    [](const auto& info) {
      return std::string(MetricName(std::get<0>(info.param))) + "_" +
             DataTypeName(std::get<1>(info.param));
    });

double SquaredNorm(const Matrix& rows, size_t r) {
  double sum = 0;
  for (size_t c = 0; c < rows.dim(); ++c) sum += rows.Get(r, c) * rows.Get(r, c);
  return sum;
}

class ExactEdgesTest : public ::testing::TestWithParam<Metric> {
 protected:
  BuildOptions Options() const {
    BuildOptions options;
    options.metric = GetParam();
    options.paths.push_back(ExactOptions{});
    return options;
  }
  TempDir dir_;
};

TEST_P(ExactEdgesTest, SixteenThousandDimensions) {
  for (const DataType dtype : {DataType::kF32, DataType::kU8, DataType::kBit}) {
    const Matrix rows = Matrix::Random(dtype, 6, 16384, 1);
    const Matrix queries = Matrix::Random(dtype, 3, 16384, 2);
    const auto index = BuildAndOpen(dir_.File("x.kith"), rows, Options());
    ASSERT_NE(index, nullptr);
    const SearchResult result = SearchOrFail(*index, queries.view(), {.k = 6});
    for (size_t q = 0; q < queries.rows(); ++q) CheckNearest(GetParam(), queries, q, rows, result);
  }
}

TEST_P(ExactEdgesTest, ZeroVectors) {
  Matrix rows(DataType::kF32, 10, 4);
  rows.Set(4, 1, 0.5);
  rows.Set(7, 0, -2);
  const auto index = BuildAndOpen(dir_.File("x.kith"), rows, Options());
  ASSERT_NE(index, nullptr);
  Matrix queries(DataType::kF32, 2, 4);
  queries.Set(1, 1, 3);
  const SearchResult result = SearchOrFail(*index, queries.view(), {.k = 10});
  for (size_t q = 0; q < queries.rows(); ++q) CheckNearest(GetParam(), queries, q, rows, result);
  if (GetParam() != Metric::kAngular) return;
  // Exactly 1, in order of the rows; not even rounding may set them apart.
  EXPECT_EQ(result.ids[0], 0);
  EXPECT_EQ(result.ids[9], 9);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(result.distances[i], 1.0f);
}

// Vectors so short that their squares underflow, and so long that they nearly overflow, still have
// directions; and every row has a place in the order, whatever its length.
TEST_P(ExactEdgesTest, ExtremeLengths) {
  const double lengths[] = {1e-44, 2e-38, 1e-30, 1e-20, 1e-10, 1, 1e10, 4e18};
  Matrix rows(DataType::kF32, std::size(lengths), 2);
  for (size_t r = 0; r < rows.rows(); ++r) {
    rows.Set(r, 0, lengths[r]);
    rows.Set(r, 1, lengths[r]);
  }
  const auto index = BuildAndOpen(dir_.File("x.kith"), rows, Options());
  ASSERT_NE(index, nullptr);
  for (size_t q = 0; q < rows.rows(); ++q) {
    if (GetParam() == Metric::kDot && lengths[q] < 1e-25) {
      SearchResult result;
      const Status status = index->Search(rows.Row(q), {.k = 1}, &result);
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.message();
      EXPECT_NE(status.message().find("query 0: values too small"), std::string::npos);
      continue;
    }
    const SearchResult result = SearchOrFail(*index, rows.Row(q), {.k = rows.rows()});
    for (size_t i = 0; i < rows.rows(); ++i) {
      ASSERT_NE(result.ids[i], kNoId) << "query of length " << lengths[q] << ", place " << i;
      ASSERT_FALSE(std::isnan(result.distances[i]));
      const double length = lengths[result.ids[i]];
      // The inverse norm of a row of subnormal numbers is beyond float32.
      if (GetParam() == Metric::kAngular && length > 1e-38) {
        EXPECT_NEAR(result.distances[i], 0, 1e-6)
            << "query of length " << lengths[q] << ", row of length " << length;
      }
    }
  }
}

// What README.md says of the distance of a vector to itself.
TEST_P(ExactEdgesTest, ToItself) {
  if (GetParam() == Metric::kDot) return;
  for (const DataType dtype : {DataType::kF32, DataType::kF16, DataType::kBF16, DataType::kI8}) {
    for (const size_t dim : {1, 3, 17, 100, 1000, 5000}) {
      const Matrix rows = Matrix::Random(dtype, 40, dim, dim);
      BuildOptions options = Options();
      options.dtype = dtype;
      const auto index = BuildAndOpen(dir_.File("x.kith"), rows, options);
      ASSERT_NE(index, nullptr);
      const SearchResult result = SearchOrFail(*index, rows.view(), {.k = 40});
      for (size_t r = 0; r < rows.rows(); ++r) {
        const auto own = std::find(result.ids.begin() + static_cast<ptrdiff_t>(r * 40),
                                   result.ids.end(), static_cast<int64_t>(r));
        const float distance = result.distances[static_cast<size_t>(own - result.ids.begin())];
        const bool zero = SquaredNorm(rows, r) == 0;
        if (GetParam() == Metric::kAngular && !zero) {
          EXPECT_LE(distance, 5e-7f) << "row " << r << " of dimension " << dim;
        } else {
          EXPECT_EQ(distance, zero && GetParam() == Metric::kAngular ? 1.0f : 0.0f);
        }
      }
    }
  }
}

// Short vectors among longer ones are vectors like others, also where a build searches for them.
TEST_P(ExactEdgesTest, ShortVectorsAmongLongerOnes) {
  Matrix rows = Matrix::Clustered(1200, 8, 10, 0.3, 1);
  for (size_t r = 0; r < rows.rows(); r += 3) {
    for (size_t c = 0; c < 8; ++c) rows.Set(r, c, 1e-30 * rows.Get(r, c));
  }
  BuildOptions options;
  options.metric = GetParam();
  options.paths = {GraphOptions{}};
  options.calibrate = true;
  if (GetParam() == Metric::kHamming) options.paths = {ExactOptions{}};
  EXPECT_NE(BuildAndOpen(dir_.File("x.kith"), rows, options), nullptr);
}

// The order is that of the same vectors at their usual scale, or the build refuses them: squares
// and products must not vanish without a word. Powers of two, which round nothing.
TEST_P(ExactEdgesTest, TinyVectorsAreRightOrRefused) {
  const Matrix usual = Matrix::Random(DataType::kF32, 200, 5, 1);
  const auto scaled = [&](double scale) {
    Matrix rows(DataType::kF32, usual.rows(), 5);
    for (size_t r = 0; r < usual.rows(); ++r) {
      for (size_t c = 0; c < 5; ++c) rows.Set(r, c, usual.Get(r, c) * scale);
    }
    return rows;
  };
  const auto index = BuildAndOpen(dir_.File("usual.kith"), usual, Options());
  ASSERT_NE(index, nullptr);
  const SearchResult expected = SearchOrFail(*index, usual.view(), {.k = 200});
  for (const int exponent : {30, -30, -50, -77, -110}) {
    const Matrix rows = scaled(std::ldexp(1.0, exponent));
    const bool refused =
        exponent < -45 && (GetParam() == Metric::kEuclidean || GetParam() == Metric::kDot);
    const std::string path = dir_.File("tiny.kith");
    const Status status = BuildIndex(rows.view(), path, Options());
    const Result<GroundTruth> truth =
        ComputeGroundTruth(rows.view(), rows.view(), GetParam(), 200, 1);
    if (refused) {
      for (const Status& refusal : {status, truth.status()}) {
        EXPECT_EQ(refusal.code(), StatusCode::kInvalidArgument) << "2^" << exponent;
        EXPECT_NE(refusal.message().find("too small"), std::string::npos) << refusal.message();
        EXPECT_NE(refusal.message().find("scale the vectors up"), std::string::npos);
      }
      continue;
    }
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_TRUE(truth.ok()) << truth.status().message();
    auto opened = OpenIndex(path);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(SearchOrFail(**opened, rows.view(), {.k = 200}).ids, expected.ids)
        << "2^" << exponent;
    EXPECT_EQ(truth->ids, expected.ids) << "2^" << exponent;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ExactEdgesTest,
                         ::testing::Values(Metric::kAngular, Metric::kEuclidean, Metric::kDot,
                                           Metric::kManhattan, Metric::kHamming),
                         [](const auto& info) { return std::string(MetricName(info.param)); });

class SearchErrorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    BuildOptions options;
    options.paths.push_back(ExactOptions{});
    index_ = BuildAndOpen(dir_.File("x.kith"), Matrix::Random(DataType::kF32, 10, 3, 1), options);
    ASSERT_NE(index_, nullptr);
  }
  void Expect(const MatrixView& queries, const SearchParams& params, StatusCode code,
              const std::string& part) {
    SearchResult result;
    const Status status = index_->Search(queries, params, &result);
    EXPECT_EQ(status.code(), code) << status.message();
    EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
    EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
  }
  TempDir dir_;
  std::unique_ptr<Index> index_;
};

TEST_F(SearchErrorsTest, AreNamed) {
  const Matrix queries = Matrix::Random(DataType::kF32, 4, 3, 2);
  Expect(queries.view(), {.k = 0}, StatusCode::kInvalidArgument, "k is 0");
  Expect(Matrix::Random(DataType::kF32, 1, 4, 2).view(), {}, StatusCode::kInvalidArgument,
         "dimension 4");
  Expect(queries.view(), {.index = IndexKind::kForest}, StatusCode::kInvalidArgument, "no forest");
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    for (const DataType dtype : {DataType::kF32, DataType::kF16, DataType::kBF16}) {
      Matrix damaged = queries.As(dtype);
      damaged.Set(2, 1, bad);
      Expect(damaged.view(), {}, StatusCode::kInvalidArgument, "row 2, column 1");
    }
  }
  Matrix large = queries;
  large.Set(3, 0, 1e30);
  Expect(large.view(), {}, StatusCode::kInvalidArgument, "query 3: values too large");
}

TEST_F(SearchErrorsTest, NoQueries) {
  Matrix none(DataType::kF32, 0, 3);
  const SearchResult result = SearchOrFail(*index_, none.view(), {.k = 5, .threads = 3});
  EXPECT_TRUE(result.ids.empty());
}

// More places than there is memory for: an error, no exception. (Of one query, there are never more
// than vectors.)
TEST_F(SearchErrorsTest, MorePlacesThanMemory) {
  if (testing::kSanitized)
    GTEST_SKIP() << "sanitizers end the process instead of throwing bad_alloc";
  std::vector<int64_t> ids;
  std::vector<float> distances;
  const auto allocate = [&](size_t queries, size_t k) {
    return search::AllocateNeighbours(queries, k, &ids, &distances);
  };
  testing::ExpectError(allocate(1, size_t{1} << 40), StatusCode::kOutOfMemory, "memory");
  testing::ExpectError(allocate(size_t{1} << 30, 1 << 10), StatusCode::kOutOfMemory, "memory");
  testing::ExpectError(allocate(2, ~size_t{0}), StatusCode::kInvalidArgument, "memory");
}

TEST(ExactErrorsTest, GroundTruth) {
  const Matrix rows = Matrix::Random(DataType::kF32, 10, 3, 1);
  const Matrix empty(DataType::kF32, 0, 3);
  const auto code = [](const Matrix& base, const Matrix& queries, size_t k) {
    return ComputeGroundTruth(base.view(), queries.view(), Metric::kEuclidean, k).status().code();
  };
  EXPECT_EQ(code(empty, rows, 1), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(rows, rows, 0), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(rows, Matrix(DataType::kF32, 1, 4), 1), StatusCode::kInvalidArgument);
  Matrix damaged = rows;
  damaged.Set(1, 1, std::nan(""));
  EXPECT_EQ(code(damaged, rows, 1), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(rows, damaged, 1), StatusCode::kInvalidArgument);
  const auto stop = [](std::string_view, uint64_t, uint64_t) { return false; };
  const auto cancelled =
      ComputeGroundTruth(rows.view(), rows.view(), Metric::kEuclidean, 1, 1, stop);
  EXPECT_EQ(cancelled.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(cancelled.status().message(), "cancelled");
}

}  // namespace
}  // namespace kith
