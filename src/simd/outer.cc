// Sums of products of columns, which covariances are made of. Each number of the result is one
// chain of multiply-adds in the order of the rows, so it has the same bits whatever the vector
// width.
#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/outer.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<double, 8>;
using V = hn::Vec<D>;
constexpr size_t kLanes = HWY_MIN(8, HWY_LANES(double));
constexpr size_t kRegs = 8 / kLanes;  // for eight columns

// kRows rows of the sums by 8 * kPanels columns, all in registers.
template <size_t kRows, size_t kPanels>
HWY_INLINE void Tile(const double* x, size_t stride, size_t rows, size_t i, size_t j, double* sums,
                     size_t sums_stride) {
  const D d;
  constexpr size_t kVectors = kPanels * kRegs;
  V acc[kRows][kVectors];
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kVectors; ++v) {
      acc[r][v] = hn::Load(d, sums + (i + r) * sums_stride + j + v * kLanes);
    }
  }
  for (size_t row = 0; row < rows; ++row) {
    const double* HWY_RESTRICT p = x + row * stride;
    V columns[kVectors];
    for (size_t v = 0; v < kVectors; ++v) columns[v] = hn::Load(d, p + j + v * kLanes);
    for (size_t r = 0; r < kRows; ++r) {
      const V factor = hn::Set(d, p[i + r]);
      for (size_t v = 0; v < kVectors; ++v) {
        acc[r][v] = hn::MulAdd(factor, columns[v], acc[r][v]);
      }
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kVectors; ++v) {
      hn::Store(acc[r][v], d, sums + (i + r) * sums_stride + j + v * kLanes);
    }
  }
}

void Outer(const double* x, size_t stride, size_t rows, size_t cols, size_t begin, size_t end,
           double* sums, size_t sums_stride) {
  constexpr size_t kRows = 4;
  for (size_t i = begin; i < end; i += kRows) {
    size_t j = i / 8 * 8;  // the triangle above the diagonal, and what its vectors touch beside it
    if constexpr (kRegs == 1) {
      // Four panels at a time keep both multipliers busy; to begin farther left costs less than to
      // end with single ones.
      const size_t rest = (cols - j) / 8 % 4;
      if (rest > 0 && j >= 8 * (4 - rest)) j -= 8 * (4 - rest);
      for (; j + 32 <= cols; j += 32) Tile<kRows, 4>(x, stride, rows, i, j, sums, sums_stride);
    }
    for (; j < cols; j += 8) Tile<kRows, 1>(x, stride, rows, i, j, sums, sums_stride);
  }
}

}  // namespace

void FillOuter(Kernels* kernels) { kernels->outer = &Outer; }

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith::simd {

HWY_EXPORT(FillOuter);
void FillOuterKernels(Kernels* kernels) { HWY_DYNAMIC_DISPATCH(FillOuter)(kernels); }

}  // namespace kith::simd
#endif
