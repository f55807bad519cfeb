// Screening rows by the bounds of their codes, on every target.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/float16.h"
#include "base/rng.h"
#include "simd/guarded_buffer.h"
#include "simd/kernels.h"

namespace kith::simd {
namespace {

using ::kith::testing::GuardedBuffer;

struct Row {
  std::vector<uint8_t> code;
  float norm = 0;
  uint16_t step = 0;
  uint16_t error = 0;
};

struct Query {
  std::vector<int8_t> code;
  ScreenTerms terms{};
};

// The sum of kernels.h in double precision, and how far float32 may be from it.
double Value(const Row& row, const Query& query, double* tolerance) {
  int64_t dot = 0;
  for (size_t i = 0; i < row.code.size(); ++i) dot += (row.code[i] - 128) * query.code[i];
  const double parts[] = {
      double{query.terms.norm_weight} * row.norm,
      double{query.terms.error_weight} * Bf16ToF32(row.error),
      double{query.terms.dot_weight} * Bf16ToF32(row.step) * static_cast<double>(dot)};
  *tolerance = (std::abs(parts[0]) + std::abs(parts[1]) + std::abs(parts[2])) * 0x1p-21;
  return parts[0] + parts[1] + parts[2];
}

// [queries][rows]: whether the row passed.
std::vector<std::vector<bool>> Screened(const Kernels& kernels, const std::vector<Row>& rows,
                                        const std::vector<Query>& queries) {
  const size_t groups = queries[0].code.size() / 4;
  const size_t num_blocks = rows.size() / kScreenRows;
  const size_t block_bytes = ScreenBlockBytes(groups);
  GuardedBuffer blocks(num_blocks * block_bytes);
  for (size_t r = 0; r < rows.size(); ++r) {
    std::byte* block = blocks.data() + r / kScreenRows * block_bytes;
    const size_t lane = r % kScreenRows;
    for (size_t i = 0; i < groups * 4; ++i) {
      block[(i / 4 * kScreenRows + lane) * 4 + i % 4] = static_cast<std::byte>(rows[r].code[i]);
    }
    std::byte* bound = block + groups * kScreenRows * 4 + lane * 8;
    std::memcpy(bound, &rows[r].norm, 4);
    std::memcpy(bound + 4, &rows[r].step, 2);
    std::memcpy(bound + 6, &rows[r].error, 2);
  }
  GuardedBuffer codes(queries.size() * groups * 4);
  std::vector<ScreenQuery> prepared;
  for (size_t q = 0; q < queries.size(); ++q) {
    auto* code = reinterpret_cast<int8_t*>(codes.data()) + q * groups * 4;
    int32_t sum = 0;
    for (size_t i = 0; i < groups * 4; ++i) sum += code[i] = queries[q].code[i];
    prepared.push_back({code, 128 * sum, queries[q].terms});
  }
  GuardedBuffer passing(queries.size() * num_blocks * sizeof(uint16_t));
  auto* bits = reinterpret_cast<uint16_t*>(passing.data());
  kernels.screen(prepared.data(), prepared.size(), blocks.data(), num_blocks, groups, bits,
                 num_blocks);
  std::vector<std::vector<bool>> out(queries.size(), std::vector<bool>(rows.size()));
  for (size_t q = 0; q < queries.size(); ++q) {
    for (size_t r = 0; r < rows.size(); ++r) {
      out[q][r] = (bits[q * num_blocks + r / kScreenRows] >> (r % kScreenRows) & 1) != 0;
    }
  }
  return out;
}

TEST(ScreenTest, EqualsThePlainLoop) {
  for (const Kernels& kernels : AvailableKernels()) {
    for (const size_t groups : {1, 2, 3, 25, 32, 75}) {
      for (const size_t num_blocks : {0, 1, 2, 3, 4, 5, 13}) {
        for (const size_t num_queries : {1, 2, 3, 4, 5, 11}) {
          SCOPED_TRACE(::testing::Message()
                       << kernels.target << ", " << groups << " groups, " << num_blocks
                       << " blocks, " << num_queries << " queries");
          Rng rng(groups, num_blocks * 100 + num_queries);
          std::vector<Row> rows(num_blocks * kScreenRows);
          for (Row& row : rows) {
            row.code.resize(groups * 4);
            for (uint8_t& c : row.code) c = static_cast<uint8_t>(rng.Below(256));
            row.norm = static_cast<float>(rng.Normal());
            row.step = F32ToBf16(static_cast<float>(rng.Uniform()));
            row.error = F32ToBf16(static_cast<float>(rng.Uniform()));
          }
          std::vector<Query> queries(num_queries);
          for (Query& query : queries) {
            query.code.resize(groups * 4);
            for (int8_t& c : query.code) c = static_cast<int8_t>(rng.Below(256));
            query.terms = {1.25f, -0.5f, static_cast<float>(-0.0003 * rng.Uniform()),
                           static_cast<float>(rng.Normal())};
          }
          const auto passing = Screened(kernels, rows, queries);
          size_t ties = 0;
          for (size_t q = 0; q < num_queries; ++q) {
            for (size_t r = 0; r < rows.size(); ++r) {
              double tolerance = 0;
              const double value = Value(rows[r], queries[q], &tolerance);
              if (std::abs(value - queries[q].terms.limit) <= tolerance) {
                ++ties;
                continue;
              }
              ASSERT_EQ(passing[q][r], value <= queries[q].terms.limit)
                  << "query " << q << ", row " << r;
            }
          }
          ASSERT_LE(ties, 2u);
        }
      }
    }
  }
}

// The largest dot products of either sign.
TEST(ScreenTest, ExtremesDoNotOverflow) {
  constexpr size_t kGroups = kMaxDim / 4;
  for (const Kernels& kernels : AvailableKernels()) {
    for (const int query_value : {-127, 127}) {
      for (const int row_value : {0, 1, 255}) {
        const Row row{std::vector<uint8_t>(kMaxDim, static_cast<uint8_t>(row_value)), 0, 0x3F80, 0};
        const double dot = double{kMaxDim} * query_value * (row_value - 128);
        Query query{std::vector<int8_t>(kMaxDim, static_cast<int8_t>(query_value)), {}};
        query.terms = {0, 0, 1, static_cast<float>(dot)};
        const std::vector<Row> rows(kScreenRows, row);
        EXPECT_TRUE(Screened(kernels, rows, {query})[0][5]) << kernels.target;
        query.terms.limit = std::nextafter(static_cast<float>(dot), -3e38f);
        EXPECT_FALSE(Screened(kernels, rows, {query})[0][5]) << kernels.target;
      }
    }
    static_assert(ScreenBlockBytes(kGroups) == 16 * (kMaxDim + 8));
  }
}

// At the limit passes, the next float does not; what is no number passes.
TEST(ScreenTest, TheLimitAndNaNPass) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<uint8_t> code(4, 129);
  std::vector<Row> rows(kScreenRows, {code, 0, 0, 0});
  rows[0].norm = 2.0f;
  rows[1].norm = std::nextafter(2.0f, 3.0f);
  rows[2].norm = std::numeric_limits<float>::quiet_NaN();
  rows[3] = {code, infinity, 0, 0x7F80};
  rows[4] = {code, 0, 0x7FC0, 0};
  rows[5] = {code, -infinity, 0, 0x7F80};
  rows[6].norm = infinity;
  const Query query{{1, 1, 1, 1}, {1, -1, -1, 2.0f}};
  const Query all{{1, 1, 1, 1}, {0, 0, 0, infinity}};
  for (const Kernels& kernels : AvailableKernels()) {
    SCOPED_TRACE(kernels.target);
    const auto passing = Screened(kernels, rows, {query, all});
    for (size_t r = 0; r < kScreenRows; ++r) {
      EXPECT_EQ(passing[0][r], r != 1 && r != 6) << "row " << r;
      EXPECT_TRUE(passing[1][r]) << "row " << r;
    }
  }
}

}  // namespace
}  // namespace kith::simd
