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
  float norm;
  uint16_t step;
  uint16_t error;
  float dot;
};

// The sum of kernels.h in double precision, and how far float32 may be from it.
double Value(const Row& row, const ScreenTerms& terms, double* tolerance) {
  const double parts[] = {double{terms.norm_weight} * row.norm,
                          double{terms.error_weight} * Bf16ToF32(row.error),
                          double{terms.dot_weight} * Bf16ToF32(row.step) * row.dot};
  *tolerance = (std::abs(parts[0]) + std::abs(parts[1]) + std::abs(parts[2])) * 0x1p-21;
  return parts[0] + parts[1] + parts[2];
}

std::vector<uint32_t> Screened(const Kernels& kernels, const std::vector<Row>& rows,
                               const ScreenTerms& terms, uint32_t first_id) {
  GuardedBuffer dots(rows.size() * sizeof(float));
  GuardedBuffer bounds(rows.size() * 8);
  GuardedBuffer out(rows.size() * sizeof(uint32_t));
  for (size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(dots.data() + i * sizeof(float), &rows[i].dot, sizeof(float));
    std::memcpy(bounds.data() + i * 8, &rows[i], 8);
  }
  auto* ids = reinterpret_cast<uint32_t*>(out.data());
  const size_t count = kernels.screen(reinterpret_cast<const float*>(dots.data()), bounds.data(),
                                      rows.size(), terms, first_id, ids);
  EXPECT_LE(count, rows.size());
  return {ids, ids + count};
}

TEST(ScreenTest, EqualsThePlainLoop) {
  for (const Kernels& kernels : AvailableKernels()) {
    for (size_t n = 0; n < 70; ++n) {
      SCOPED_TRACE(::testing::Message() << kernels.target << ", " << n << " rows");
      Rng rng(n);
      std::vector<Row> rows(n);
      for (Row& row : rows) {
        row = {static_cast<float>(rng.Normal()), F32ToBf16(static_cast<float>(rng.Uniform())),
               F32ToBf16(static_cast<float>(rng.Uniform())), static_cast<float>(rng.Normal())};
      }
      const ScreenTerms terms{1.25f, -0.5f, -1.5f, static_cast<float>(rng.Normal())};
      const std::vector<uint32_t> passing = Screened(kernels, rows, terms, 1000);
      size_t at = 0;
      for (uint32_t i = 0; i < n; ++i) {
        double tolerance = 0;
        const double value = Value(rows[i], terms, &tolerance);
        ASSERT_GT(std::abs(value - terms.limit), tolerance) << "the test's data has a tie";
        const bool passed = at < passing.size() && passing[at] == 1000 + i;
        ASSERT_EQ(passed, value <= terms.limit) << "row " << i;
        at += passed ? 1 : 0;
      }
      ASSERT_EQ(at, passing.size()) << "out of order, or twice";
    }
  }
}

// At the limit passes, the next float does not; what is no number passes.
TEST(ScreenTest, TheLimitAndNaNPass) {
  const float above = std::nextafter(2.0f, 3.0f);
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Row> rows = {
      {2.0f, 0, 0, 0},   {above, 0, 0, 0},          {nan, 0, 0, 0},      {infinity, 0, 0x7F80, 0},
      {0, 0x7FC0, 0, 1}, {-infinity, 0, 0x7F80, 0}, {infinity, 0, 0, 0}, {1, 0, 0, nan}};
  for (const Kernels& kernels : AvailableKernels()) {
    SCOPED_TRACE(kernels.target);
    EXPECT_EQ(Screened(kernels, rows, {1, -1, -1, 2.0f}, 0),
              (std::vector<uint32_t>{0, 2, 3, 4, 5, 7}));
    EXPECT_EQ(Screened(kernels, rows, {0, 0, 0, infinity}, 5).size(), rows.size());
  }
}

}  // namespace
}  // namespace kith::simd
