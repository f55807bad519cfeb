// Sums of products of columns against double precision, on every target.
#include <gtest/gtest.h>

#include <vector>

#include "base/aligned_buffer.h"
#include "base/rng.h"
#include "simd/kernels.h"

namespace kith::simd {
namespace {

TEST(OuterTest, SumsOfProductsAboveTheDiagonal) {
  Rng rng(1);
  for (const size_t cols : {8u, 24u, 40u, 136u}) {
    for (const size_t rows : {1u, 7u, 64u}) {
      const size_t stride = cols + 8;
      auto x = *AlignedBuffer<double>::Create(rows * stride);
      // As floats have them, whose products are exact.
      for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.Normal());
      std::vector<double> first;
      for (const Kernels& kernels : AvailableKernels()) {
        SCOPED_TRACE(kernels.target);
        auto sums = *AlignedBuffer<double>::Create(cols * stride);
        for (size_t i = 0; i < sums.size(); ++i) sums[i] = 1;
        // In two bands, which must not touch each other's rows.
        kernels.outer(x.data(), stride, rows, cols, 0, 8, sums.data(), stride);
        kernels.outer(x.data(), stride, rows, cols, 8, cols, sums.data(), stride);
        std::vector<double> triangle;
        for (size_t i = 0; i < cols; ++i) {
          for (size_t j = i; j < cols; ++j) {
            double sum = 1;
            for (size_t r = 0; r < rows; ++r) sum += x[r * stride + i] * x[r * stride + j];
            EXPECT_DOUBLE_EQ(sums[i * stride + j], sum) << i << ", " << j;
            triangle.push_back(sums[i * stride + j]);
          }
          EXPECT_EQ(sums[i * stride + cols], 1) << "beyond the last column";
        }
        if (first.empty()) first = triangle;
        EXPECT_EQ(triangle, first);
      }
    }
  }
}

}  // namespace
}  // namespace kith::simd
