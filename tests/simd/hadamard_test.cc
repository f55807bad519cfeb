// A round of a rotation: the transform's definition, and the same bits on every target.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/rng.h"
#include "simd/kernels.h"

namespace kith::simd {
namespace {

// Coordinate i of the transform is the sum of all x[j], negated where i & j has an odd number of
// ones.
std::vector<double> Reference(const std::vector<float>& x, const std::vector<float>& factors,
                              size_t start, size_t window) {
  const size_t dim = x.size();
  std::vector<double> scaled(dim);
  for (size_t i = 0; i < dim; ++i) scaled[i] = static_cast<double>(x[i]) * factors[i];
  std::vector<double> out = scaled;
  for (size_t i = 0; i < window; ++i) {
    out[start + i] = 0;
    for (size_t j = 0; j < window; ++j) {
      out[start + i] += (std::popcount(i & j) % 2 != 0 ? -1 : 1) * scaled[start + j];
    }
  }
  if (window == dim) return out;
  for (size_t i = 0; i < dim / 2; ++i) {
    const double a = out[i];
    const double b = out[i + dim / 2];
    out[i] = a + b;
    out[i + dim / 2] = a - b;
  }
  return out;
}

TEST(RotateRoundTest, IsTheTransform) {
  for (const size_t dim : {2,   4,   6,   8,   10,  16,  18,  30,  32,   64,   66,
                           100, 128, 130, 254, 256, 300, 512, 784, 1024, 1026, 2048}) {
    const size_t window = std::bit_floor(dim);
    for (const size_t start : {size_t{0}, dim - window}) {
      Rng rng(dim, start);
      std::vector<float> x(dim);
      std::vector<float> factors(dim);
      for (size_t i = 0; i < dim; ++i) {
        x[i] = static_cast<float>(rng.Normal());
        factors[i] = rng.Below(2) == 0 ? 0.25f : -0.25f;
      }
      const auto expected = Reference(x, factors, start, window);
      std::vector<float> first;
      for (const Kernels& kernels : AvailableKernels()) {
        SCOPED_TRACE(::testing::Message() << kernels.target << ", dim " << dim);
        std::vector<float> out = x;
        kernels.rotate_round(out.data(), dim, factors.data(), start, window);
        for (size_t i = 0; i < dim; ++i) {
          ASSERT_NEAR(out[i], expected[i], 1e-5 * static_cast<double>(dim)) << "at " << i;
        }
        if (first.empty()) first = out;
        EXPECT_EQ(std::memcmp(out.data(), first.data(), dim * sizeof(float)), 0);
      }
    }
  }
}

}  // namespace
}  // namespace kith::simd
