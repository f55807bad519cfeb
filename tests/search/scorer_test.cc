// Distances of prepared queries against plain loops, for every metric and pair of types.
#include "search/scorer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "base/aligned_buffer.h"
#include "data/convert.h"
#include "matrix.h"

namespace kith {
namespace {

using testing::Distance;
using testing::Matrix;
using testing::PlainDistance;

constexpr DataType kTypes[] = {DataType::kF32, DataType::kF16, DataType::kBF16,
                               DataType::kI8,  DataType::kU8,  DataType::kBit};

// A table as the indexes make one: rows padded with zeros, or tightly packed.
class Table {
 public:
  Table(const Matrix& rows, Metric metric, bool padded) {
    const MatrixView from = rows.view();
    const size_t row_bytes = RowBytes(from.dtype, from.dim);
    const size_t stride = padded ? RoundUp(row_bytes, 64) : row_bytes;
    bytes_ = AlignedBuffer<std::byte>::Create(from.rows * stride).value();
    EXPECT_TRUE(data::ConvertRows(from, from.dtype, 0, from.rows, bytes_.data(), stride).ok());
    table_ = {{bytes_.data(), from.rows, from.dim, stride, from.dtype},
              metric,
              nullptr,
              padded ? stride : 0};
    if (metric != Metric::kAngular) return;
    std::vector<float> x(from.dim);
    for (size_t r = 0; r < from.rows; ++r) {
      data::RowToF32(from, r, x.data());
      norms_.push_back(search::InverseNorm(x.data(), from.dim));
    }
    table_.inverse_norms = norms_.data();
  }
  const search::VectorTable& table() const { return table_; }

 private:
  AlignedBuffer<std::byte> bytes_;
  std::vector<float> norms_;
  search::VectorTable table_;
};

// All distances of all queries, [query, row], through ScoreRows; ScoreIds must say the same.
std::vector<float> ScoreAll(const search::VectorTable& table, const Matrix& queries, size_t begin,
                            size_t end) {
  const size_t n = table.rows.rows;
  auto scorer = search::Scorer::Create(table, queries.view(), begin, end);
  EXPECT_TRUE(scorer.ok()) << scorer.status().message();
  EXPECT_EQ(scorer->num_queries(), end - begin);
  std::vector<float> out((end - begin) * n);
  std::vector<float> block(scorer->num_queries() * (n + 3));
  std::vector<uint32_t> ids(n);
  for (size_t i = 0; i < n; ++i) ids[i] = static_cast<uint32_t>(n - 1 - i);
  const size_t groups[][2] = {{0, scorer->num_float()},
                              {scorer->num_float(), scorer->num_queries()}};
  for (const auto& [first, last] : groups) {
    if (first == last) continue;
    const size_t middle = n / 3;  // two blocks of rows
    scorer->ScoreRows(first, last, 0, middle, block.data(), n + 3);
    scorer->ScoreRows(first, last, middle, n, block.data() + middle, n + 3);
    for (size_t slot = first; slot < last; ++slot) {
      const float* distances = block.data() + (slot - first) * (n + 3);
      std::vector<float> by_id(n);
      scorer->ScoreIds(slot, ids.data(), n, by_id.data());
      for (size_t i = 0; i < n; ++i) EXPECT_EQ(by_id[i], distances[ids[i]]) << "row " << ids[i];
      std::copy(distances, distances + n, out.data() + scorer->order()[slot] * n);
    }
  }
  return out;
}

class ScorerTest : public ::testing::TestWithParam<std::tuple<Metric, DataType>> {
 protected:
  Metric metric() const { return std::get<0>(GetParam()); }
  DataType dtype() const { return std::get<1>(GetParam()); }
};

TEST_P(ScorerTest, EqualsAPlainLoop) {
  for (const size_t dim : {1, 6, 40, 1300}) {
    const Matrix rows = Matrix::Random(dtype(), 23, dim, 1);
    for (const bool padded : {true, false}) {
      const Table table(rows, metric(), padded);
      for (const DataType query_type : kTypes) {
        SCOPED_TRACE(::testing::Message() << "dim " << dim << ", padded " << padded
                                          << ", queries of " << DataTypeName(query_type));
        const Matrix queries = Matrix::Random(query_type, 9, dim, 2, 5);
        const auto scores = ScoreAll(table.table(), queries, 0, 9);
        for (size_t q = 0; q < 9; ++q) {
          for (size_t r = 0; r < rows.rows(); ++r) {
            const PlainDistance expected = Distance(metric(), queries, q, rows, r);
            // Long rows of bits are summed in pieces, which rounds a little more.
            ASSERT_NEAR(search::UserDistance(metric(), scores[q * rows.rows() + r]), expected.value,
                        2 * expected.tolerance + 1e-30)
                << "query " << q << ", row " << r;
          }
        }
      }
    }
  }
}

// Integral queries are compared in integers, others in floats; a batch of both, cut anywhere, gives
// each query the answer it has alone.
TEST_P(ScorerTest, MixedBatchesEqualSingleQueries) {
  constexpr size_t kDim = 37;
  const Matrix rows = Matrix::Random(dtype(), 50, kDim, 1);
  const Table table(rows, metric(), true);
  Matrix queries = Matrix::Random(DataType::kF32, 21, kDim, 2);
  const Matrix integral = Matrix::Random(dtype(), 21, kDim, 3);
  for (const size_t q : {0, 1, 4, 5, 6, 12, 20}) queries.CopyRow(integral, q, q);
  const auto batch = ScoreAll(table.table(), queries, 0, 21);
  for (size_t q = 0; q < 21; ++q) {
    const auto one = ScoreAll(table.table(), queries, q, q + 1);
    ASSERT_TRUE(std::equal(one.begin(), one.end(), batch.begin() + static_cast<ptrdiff_t>(q * 50)))
        << "query " << q;
  }
  const auto part = ScoreAll(table.table(), queries, 3, 11);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), batch.begin() + 3 * 50));
}

TEST_P(ScorerTest, ZeroVectors) {
  Matrix rows = Matrix::Random(dtype(), 5, 12, 1);
  Matrix queries = Matrix::Random(DataType::kF32, 3, 12, 2);
  for (size_t c = 0; c < 12; ++c) {
    rows.Set(3, c, 0);
    queries.Set(1, c, 0);
  }
  const Table table(rows, metric(), true);
  const auto scores = ScoreAll(table.table(), queries, 0, 3);
  for (size_t q = 0; q < 3; ++q) {
    for (size_t r = 0; r < 5; ++r) {
      const float score = scores[q * 5 + r];
      if (q != 1 && r != 3) continue;
      if (metric() == Metric::kAngular) EXPECT_EQ(score, 1.0f) << q << " " << r;
      if (metric() == Metric::kDot) EXPECT_EQ(score, 0.0f) << q << " " << r;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ScorerTest,
                         ::testing::Combine(::testing::Values(Metric::kAngular, Metric::kEuclidean,
                                                              Metric::kDot, Metric::kManhattan,
                                                              Metric::kHamming),
                                            ::testing::ValuesIn(kTypes)),
                         [](const auto& info) {
                           return std::string(MetricName(std::get<0>(info.param))) + "_" +
                                  DataTypeName(std::get<1>(info.param));
                         });

TEST(ScorerErrorsTest, NormsThatOverflow) {
  const Matrix rows = Matrix::Random(DataType::kF32, 5, 4, 1);
  const Table table(rows, Metric::kEuclidean, true);
  Matrix queries = Matrix::Random(DataType::kF32, 6, 4, 2);
  queries.Set(4, 2, 1e19);
  EXPECT_TRUE(search::Scorer::Create(table.table(), queries.view(), 0, 4).ok());
  const Status status = search::Scorer::Create(table.table(), queries.view(), 2, 6).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("query 4"), std::string::npos) << status.message();
}

TEST(UserDistanceTest, SquaresAndOthers) {
  EXPECT_EQ(search::UserDistance(Metric::kEuclidean, 9.0f), 3.0f);
  EXPECT_EQ(search::UserDistance(Metric::kAngular, 0.25f), 0.25f);
  EXPECT_EQ(search::UserDistance(Metric::kDot, -7.0f), -7.0f);
  EXPECT_EQ(search::UserDistance(Metric::kManhattan, 9.0f), 9.0f);
  EXPECT_EQ(search::UserDistance(Metric::kHamming, 9.0f), 9.0f);
}

}  // namespace
}  // namespace kith
