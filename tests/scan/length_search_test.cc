// Exact search by lengths: the same answers, bit for bit, as by comparing every row.
#include "scan/length_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
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

constexpr size_t kRows = 5000;
constexpr size_t kQueries = 300;

search::StoredVectors Stored(const Matrix& rows) {
  return {{rows.view(), Metric::kDot, nullptr, 0}, nullptr};
}

// Few rows are long, as few items are popular; some are copies of others, and some are zeros.
Matrix FewLong(DataType dtype, size_t dim) {
  Matrix rows(dtype, kRows, dim);
  Rng rng(3);
  for (size_t r = 0; r < kRows; ++r) {
    const double length = dtype == DataType::kI8 ? (r % 50 == 7 ? 20 : 1.5)
                                                 : 1 / (1 + static_cast<double>(r * 7 % kRows));
    for (size_t c = 0; c < dim; ++c) {
      const double x = length * rng.Normal();
      rows.Set(r, c, dtype == DataType::kI8 ? std::round(x) : x);
    }
    if (r % 5 == 1) rows.CopyRow(rows, r - 1, r);
  }
  return rows;
}

TEST(LengthSearchTest, FindsWhatAPlainScanFinds) {
  ExcludedRows excluded;
  for (uint64_t q = 0; q < kQueries; ++q) {
    std::vector<uint64_t> some;
    for (uint64_t r = q; r < kRows; r += 3 + q % 7) some.push_back(r);
    excluded.Add(some);
  }
  for (const DataType dtype : {DataType::kF32, DataType::kF16, DataType::kI8}) {
    const Matrix rows = FewLong(dtype, 20);
    const search::StoredVectors vectors = Stored(rows);
    for (const DataType of_queries : {dtype, DataType::kF32}) {
      const Matrix queries = Matrix::Random(of_queries, kQueries, 20, 2);
      std::vector<uint64_t> distances;
      for (const int threads : {1, 3}) {
        ThreadPool pool(threads);
        for (const size_t k : {size_t{1}, size_t{50}}) {
          for (const RowFilter* filter : {&AllRows(), static_cast<const RowFilter*>(&excluded)}) {
            const Request request{queries.view(), Wanted::Nearest(k), &pool, filter};
            ASSERT_TRUE(LengthsMayPay(vectors, request));
            SearchStats stats;
            Hits hits;
            bool found = false;
            ASSERT_TRUE(LengthSearch(vectors, request, &found, &hits, &stats).ok());
            ASSERT_TRUE(found);
            SearchStats plain;
            ExpectSame(hits, PlainScan(vectors, request, LengthsMayPay, &plain));
            if (HasFatalFailure()) return;
            if (k == 1) {
              EXPECT_LT(stats.distances, kRows * kQueries / 2);
            }
            distances.push_back(stats.distances);
          }
        }
      }
      // What is ruled out does not depend on the threads.
      for (size_t i = 0; i < 4; ++i) EXPECT_EQ(distances[i], distances[i + 4]);
    }
  }
}

TEST(LengthSearchTest, RowsOfOneLengthAreScanned) {
  const Matrix rows = Matrix::Random(DataType::kF32, kRows, 20, 1);
  const Matrix queries = Matrix::Random(DataType::kF32, kQueries, 20, 2);
  ThreadPool pool(2);
  const Request request{queries.view(), Wanted::Nearest(5), &pool};
  const search::StoredVectors vectors = Stored(rows);
  bool found = true;
  SearchStats stats;
  Hits hits;
  ASSERT_TRUE(LengthSearch(vectors, request, &found, &hits, &stats).ok());
  EXPECT_FALSE(found);
  ASSERT_TRUE(ExactSearch(vectors, {}, request, &hits, &stats).ok());
  EXPECT_EQ(stats.distances, kRows * kQueries);
}

TEST(LengthSearchTest, PaysOnlyOfProductsOfManyWithFewWanted) {
  const Matrix rows = FewLong(DataType::kF32, 8);
  const Matrix queries = Matrix::Random(DataType::kF32, kQueries, 8, 2);
  ThreadPool pool(1);
  search::StoredVectors vectors = Stored(rows);
  const auto pays = [&](Wanted wanted) {
    return LengthsMayPay(vectors, {queries.view(), wanted, &pool});
  };
  EXPECT_TRUE(pays(Wanted::Nearest(10)));
  EXPECT_FALSE(pays(Wanted::Nearest(kRows / 2)));
  EXPECT_FALSE(pays(Wanted::Within(-1)));
  vectors.table.metric = Metric::kEuclidean;
  EXPECT_FALSE(pays(Wanted::Nearest(10)));
}

// A damaged file may hold any numbers: what no product can be told of is never found, and hides
// nothing else.
TEST(LengthSearchTest, NumbersThatAreNone) {
  Matrix rows = FewLong(DataType::kF32, 8);
  rows.Set(11, 3, std::numeric_limits<double>::quiet_NaN());
  const Matrix queries = Matrix::Random(DataType::kF32, kQueries, 8, 2);
  ThreadPool pool(2);
  const search::StoredVectors vectors = Stored(rows);
  const Request request{queries.view(), Wanted::Nearest(10), &pool};
  bool found = false;
  SearchStats stats;
  Hits hits;
  ASSERT_TRUE(LengthSearch(vectors, request, &found, &hits, &stats).ok());
  ASSERT_TRUE(found);
  SearchStats plain;
  ExpectSame(hits, PlainScan(vectors, request, LengthsMayPay, &plain));
}

}  // namespace
}  // namespace kith::scan
