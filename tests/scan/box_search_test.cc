// Exact search by boxes: the same answers, bit for bit, as by comparing every row.
#include "scan/box_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "base/rng.h"
#include "base/thread_pool.h"
#include "kith/filter.h"
#include "matrix.h"
#include "scan/exact.h"
#include "scan/plain_scan.h"
#include "search/stored_vectors.h"

namespace kith::scan {
namespace {

using search::Hits;
using search::Request;
using search::Wanted;
using testing::ExpectSame;
using testing::Matrix;
using testing::PlainScan;

search::StoredVectors Stored(const Matrix& rows, Metric metric) {
  return {{rows.view(), metric, nullptr, 0}, nullptr};
}

class BoxSearchTest : public ::testing::TestWithParam<std::tuple<Metric, DataType, size_t>> {};

TEST_P(BoxSearchTest, FindsWhatAPlainScanFinds) {
  const auto [metric, dtype, dim] = GetParam();
  // Many equal coordinates, so that there are ties and copies.
  const Matrix rows = Matrix::Random(dtype, 2100, dim, 1);
  const search::StoredVectors vectors = Stored(rows, metric);
  ExcludedRows excluded;
  for (uint64_t q = 0; q < 260; ++q) {
    const std::vector<uint64_t> some{q, 2 * q, 3 * q};
    excluded.Add(some);
  }
  for (const DataType of_queries : {dtype, DataType::kF32}) {
    const Matrix queries = Matrix::Random(of_queries, 260, dim, 2);
    ThreadPool pool(of_queries == dtype ? 1 : 3);
    for (const Wanted wanted : {Wanted::Nearest(1), Wanted::Nearest(50), Wanted::Within(20)}) {
      for (const RowFilter* filter : {&AllRows(), static_cast<const RowFilter*>(&excluded)}) {
        const Request request{queries.view(), wanted, &pool, filter};
        ASSERT_TRUE(BoxesPay(vectors, request));
        SearchStats stats;
        SearchStats plain;
        Hits hits;
        ASSERT_TRUE(BoxSearch(vectors, request, &hits, &stats).ok());
        ExpectSame(hits, PlainScan(vectors, request, BoxesPay, &plain));
        if (HasFatalFailure()) return;
        if (dim <= 3 && wanted.k == 1) {
          EXPECT_LT(stats.distances, plain.distances / 3);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BoxSearchTest,
    ::testing::Combine(::testing::Values(Metric::kEuclidean, Metric::kManhattan),
                       ::testing::Values(DataType::kF32, DataType::kF16, DataType::kU8),
                       ::testing::Values(1, 3, 5)),
    [](const auto& info) {
      return std::string(MetricName(std::get<0>(info.param))) + "_" +
             DataTypeName(std::get<1>(info.param)) + "_" + std::to_string(std::get<2>(info.param));
    });

// On a map, a query looks at some leaves of 32 rows, however many there are.
TEST(BoxSearchCostTest, LooksAtFewRows) {
  constexpr size_t kRows = 100000;
  Matrix rows(DataType::kF32, kRows, 3);
  Matrix queries(DataType::kF32, 300, 3);
  Rng rng(5);
  const auto place = [&](Matrix* m, size_t row) {
    const double z = 2 * rng.Uniform() - 1;
    const double turn = 6.283185307 * rng.Uniform();
    const double r = std::sqrt(1 - z * z);
    m->Set(row, 0, r * std::cos(turn));
    m->Set(row, 1, r * std::sin(turn));
    m->Set(row, 2, z);
  };
  for (size_t i = 0; i < kRows; ++i) place(&rows, i);
  for (size_t i = 0; i < 300; ++i) place(&queries, i);
  ThreadPool pool(1);
  const search::StoredVectors vectors = Stored(rows, Metric::kEuclidean);
  Hits hits;
  SearchStats stats;
  ASSERT_TRUE(
      ExactSearch(vectors, {}, {queries.view(), Wanted::Nearest(50), &pool}, &hits, &stats).ok());
  EXPECT_LT(stats.distances / 300, 500u);
  EXPECT_LT(stats.nodes / 300, 100u);
}

// Cells of a map share the leaves near them, and find what each would find alone.
TEST(BoxSearchCostTest, NearQueriesShareLeaves) {
  constexpr size_t kSide = 120;
  const Matrix rows = Matrix::Random(DataType::kF32, 4000, 2, 6);
  Matrix queries(DataType::kF32, kSide * kSide, 2);
  for (size_t i = 0; i < kSide * kSide; ++i) {
    // Beyond the rows, too.
    queries.Set(i, 0, 3.0 * static_cast<double>(i / kSide) / kSide - 1);
    queries.Set(i, 1, 3.0 * static_cast<double>(i % kSide) / kSide - 1);
  }
  for (const Metric metric : {Metric::kEuclidean, Metric::kManhattan}) {
    const search::StoredVectors vectors = Stored(rows, metric);
    for (const size_t k : {1, 20}) {
      ThreadPool pool(2);
      const Request request{queries.view(), Wanted::Nearest(k), &pool};
      SearchStats stats;
      SearchStats plain;
      Hits hits;
      ASSERT_TRUE(BoxSearch(vectors, request, &hits, &stats).ok());
      ExpectSame(hits, PlainScan(vectors, request, BoxesPay, &plain));
      if (HasFatalFailure()) return;
      EXPECT_LT(stats.nodes, 10 * queries.view().rows) << k;
    }
  }
}

// A query that cannot be compared is named by the number it came with.
TEST(BoxSearchHostileTest, NamesTheQueryThatIsTooLarge) {
  const Matrix rows = Matrix::Random(DataType::kF32, 3000, 2, 1);
  Matrix queries = Matrix::Random(DataType::kF32, 3000, 2, 2);
  queries.Set(1234, 0, 1e25);
  queries.Set(2999, 1, -1e25);
  ThreadPool pool(2);
  Hits hits;
  SearchStats stats;
  const Status status = BoxSearch(Stored(rows, Metric::kEuclidean),
                                  {queries.view(), Wanted::Nearest(5), &pool}, &hits, &stats);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("query 1234:"), std::string::npos) << status.message();
}

// Values that squares cannot hold, and what a damaged file may have.
TEST(BoxSearchHostileTest, ExtremesAndNaN) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  Matrix rows = Matrix::Random(DataType::kF32, 3000, 2, 1);
  for (size_t i = 0; i < 3000; i += 7) rows.Set(i, 0, i % 2 == 0 ? 1e30 : 1e-30);
  for (size_t i = 3; i < 3000; i += 11) rows.Set(i, 1, i % 2 == 0 ? kInf : std::nan(""));
  Matrix queries = Matrix::Random(DataType::kF32, 300, 2, 2);
  for (size_t i = 0; i < 300; i += 3) queries.Set(i, 0, i % 2 == 0 ? 1e-25 : -1e15);
  ThreadPool pool(2);
  for (const Metric metric : {Metric::kEuclidean, Metric::kManhattan}) {
    const search::StoredVectors vectors = Stored(rows, metric);
    const Request request{queries.view(), Wanted::Nearest(100), &pool};
    Hits hits;
    SearchStats stats;
    ASSERT_TRUE(BoxSearch(vectors, request, &hits, &stats).ok());
    ExpectSame(hits, PlainScan(vectors, request, BoxesPay, &stats));
  }
}

}  // namespace
}  // namespace kith::scan
