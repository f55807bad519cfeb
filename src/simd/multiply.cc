// Products of small dense matrices. Each number of the result is one chain of multiply-adds in the
// order of the inner index, so it has the same bits whatever the vector width.
#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/multiply.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr size_t kLanes = HWY_MIN(16, HWY_LANES(float));
constexpr size_t kRegs = 16 / kLanes;  // for sixteen columns

// kRows rows by 16 * kPanels columns, all sums in registers.
template <size_t kRows, size_t kPanels>
HWY_INLINE void Block(const float* a, size_t a_stride, const float* b, size_t b_stride,
                      size_t inner, float* out, size_t out_stride) {
  const D d;
  constexpr size_t kVectors = kPanels * kRegs;
  V sums[kRows][kVectors];
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::Zero(d);
  }
  for (size_t c = 0; c < inner; ++c) {
    V columns[kVectors];
    for (size_t v = 0; v < kVectors; ++v) columns[v] = hn::Load(d, b + c * b_stride + v * kLanes);
    for (size_t r = 0; r < kRows; ++r) {
      const V x = hn::Set(d, a[r * a_stride + c]);
      for (size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(x, columns[v], sums[r][v]);
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kVectors; ++v) {
      hn::Store(sums[r][v], d, out + r * out_stride + v * kLanes);
    }
  }
}

// As many rows at a time as the registers hold.
template <size_t kPanels>
void Columns(const float* a, size_t a_stride, size_t rows, const float* b, size_t b_stride,
             size_t inner, float* out, size_t out_stride) {
  constexpr size_t kRows = kRegs >= 4 ? 2 : kPanels == 4 ? 6 : kRegs == 2 ? 6 : 8;
  size_t r = 0;
  for (; r + kRows <= rows; r += kRows) {
    Block<kRows, kPanels>(a + r * a_stride, a_stride, b, b_stride, inner, out + r * out_stride,
                          out_stride);
  }
  for (; r < rows; ++r) {
    Block<1, kPanels>(a + r * a_stride, a_stride, b, b_stride, inner, out + r * out_stride,
                      out_stride);
  }
}

void Multiply(const float* a, size_t a_stride, size_t rows, const float* b, size_t b_stride,
              size_t inner, size_t cols, float* out, size_t out_stride) {
  constexpr size_t kMostPanels = kRegs == 1 ? 4 : 1;
  for (size_t j = 0; j < cols;) {
    const size_t panels = HWY_MIN((cols - j) / 16, kMostPanels);
    if constexpr (kMostPanels == 4) {
      // Three rather than four and a rest.
      if (panels == 4 && (cols - j) % 48 != 0) {
        Columns<4>(a, a_stride, rows, b + j, b_stride, inner, out + j, out_stride);
        j += 64;
        continue;
      }
      if (panels >= 3) {
        Columns<3>(a, a_stride, rows, b + j, b_stride, inner, out + j, out_stride);
        j += 48;
        continue;
      }
      if (panels == 2) {
        Columns<2>(a, a_stride, rows, b + j, b_stride, inner, out + j, out_stride);
        j += 32;
        continue;
      }
    }
    Columns<1>(a, a_stride, rows, b + j, b_stride, inner, out + j, out_stride);
    j += 16;
  }
}

}  // namespace

void FillMultiply(Kernels* kernels) { kernels->multiply = &Multiply; }

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith::simd {

HWY_EXPORT(FillMultiply);
void FillMultiplyKernels(Kernels* kernels) { HWY_DYNAMIC_DISPATCH(FillMultiply)(kernels); }

}  // namespace kith::simd
#endif
