#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/rng.h"
#include "simd/kernels.h"

namespace kith::simd {
namespace {

TEST(MultiplyTest, EqualsTheDefinition) {
  for (const size_t rows : {1, 2, 5, 6, 8, 13, 50}) {
    for (const size_t inner : {1, 7, 100}) {
      for (const size_t cols : {16, 32, 48, 64, 80, 96, 112, 160}) {
        Rng rng(rows, inner * 1000 + cols);
        const size_t a_stride = inner + 3;
        const size_t stride = cols + 16;
        std::vector<float> a(rows * a_stride);
        auto b = AlignedBuffer<float>::Create(inner * stride).value();
        for (float& v : a) v = static_cast<float>(rng.Normal());
        for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(rng.Normal());
        std::vector<float> first;
        for (const Kernels& kernels : AvailableKernels()) {
          SCOPED_TRACE(::testing::Message()
                       << kernels.target << ": " << rows << " x " << inner << " x " << cols);
          auto out = AlignedBuffer<float>::Create(rows * stride).value();
          kernels.multiply(a.data(), a_stride, rows, b.data(), stride, inner, cols, out.data(),
                           stride);
          for (size_t i = 0; i < rows; ++i) {
            for (size_t j = 0; j < stride; ++j) {
              double sum = 0;
              for (size_t c = 0; c < inner && j < cols; ++c) {
                sum += static_cast<double>(a[i * a_stride + c]) * b[c * stride + j];
              }
              ASSERT_NEAR(out[i * stride + j], sum, 1e-4) << "at " << i << ", " << j;
            }
          }
          // Without fused multiply-add, floats round otherwise.
          const std::string target = kernels.target;
          if (target == "SCALAR" || target == "EMU128") continue;
          if (first.empty()) first.assign(out.data(), out.data() + out.size());
          EXPECT_EQ(std::memcmp(out.data(), first.data(), out.size() * sizeof(float)), 0);
        }
      }
    }
  }
}

}  // namespace
}  // namespace kith::simd
