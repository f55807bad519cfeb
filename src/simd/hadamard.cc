// Walsh-Hadamard transforms: sums and differences only, in the same order whatever the vector
// width, so that every target gives the same bits.
#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/hadamard.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr size_t kLanes = HWY_MIN(16, HWY_LANES(float));

// a, b <- a + b, a - b
HWY_INLINE void Cross(V& a, V& b) {
  const V sum = hn::Add(a, b);
  b = hn::Sub(a, b);
  a = sum;
}

// All levels of 2^n-th neighbours, from `from` values apart up to all of v[0 .. kCount), which lie
// kLanes values apart.
template <size_t kCount>
HWY_INLINE void CrossVectors(V (&v)[kCount]) {
  for (size_t h = 1; h < kCount; h *= 2) {
    for (size_t i = 0; i < kCount; ++i) {
      if ((i & h) == 0) Cross(v[i], v[i + h]);
    }
  }
}

// The levels within a vector. Multiplying by 1 or -1 is exact, so the sums round as others do.
HWY_INLINE V WithinVector(V v) {
#if HWY_TARGET != HWY_SCALAR
  const D d;
  alignas(64) static constexpr float kSigns1[16] = {1, -1, 1, -1, 1, -1, 1, -1,
                                                    1, -1, 1, -1, 1, -1, 1, -1};
  alignas(64) static constexpr float kSigns2[16] = {1, 1, -1, -1, 1, 1, -1, -1,
                                                    1, 1, -1, -1, 1, 1, -1, -1};
  v = hn::MulAdd(v, hn::Load(d, kSigns1), hn::Shuffle2301(v));
  v = hn::MulAdd(v, hn::Load(d, kSigns2), hn::Shuffle1032(v));
  if constexpr (kLanes >= 8) {
    alignas(64) static constexpr float kSigns4[16] = {1, 1, 1, 1, -1, -1, -1, -1,
                                                      1, 1, 1, 1, -1, -1, -1, -1};
    v = hn::MulAdd(v, hn::Load(d, kSigns4), hn::SwapAdjacentBlocks(v));
  }
  if constexpr (kLanes == 16) {
    alignas(64) static constexpr float kSigns8[16] = {1,  1,  1,  1,  1,  1,  1,  1,
                                                      -1, -1, -1, -1, -1, -1, -1, -1};
    v = hn::MulAdd(v, hn::Load(d, kSigns8), hn::ConcatLowerUpper(d, v, v));
  }
#endif
  return v;
}

// The levels within kCount consecutive vectors.
template <size_t kCount>
HWY_INLINE void TransformNear(float* x) {
  const D d;
  V v[kCount];
  for (size_t i = 0; i < kCount; ++i) v[i] = WithinVector(hn::LoadU(d, x + i * kLanes));
  CrossVectors(v);
  for (size_t i = 0; i < kCount; ++i) hn::StoreU(v[i], d, x + i * kLanes);
}

// The levels from h values apart to less than kCount * h.
template <size_t kCount>
HWY_INLINE void TransformFar(float* x, size_t n, size_t h) {
  const D d;
  for (size_t block = 0; block < n; block += kCount * h) {
    for (size_t j = block; j < block + h; j += kLanes) {
      V v[kCount];
      for (size_t i = 0; i < kCount; ++i) v[i] = hn::LoadU(d, x + j + i * h);
      CrossVectors(v);
      for (size_t i = 0; i < kCount; ++i) hn::StoreU(v[i], d, x + j + i * h);
    }
  }
}

void Transform(float* x, size_t n) {
  size_t h = 1;  // levels below are done
  if (n >= 8 * kLanes) {
    for (size_t i = 0; i < n; i += 8 * kLanes) TransformNear<8>(x + i);
    h = 8 * kLanes;
  } else if (n >= kLanes) {
    for (size_t i = 0; i < n; i += kLanes) TransformNear<1>(x + i);
    h = kLanes;
  } else {
    for (; h < n; h *= 2) {
      for (size_t i = 0; i < n; ++i) {
        if ((i & h) != 0) continue;
        const float sum = x[i] + x[i + h];
        x[i + h] = x[i] - x[i + h];
        x[i] = sum;
      }
    }
  }
  for (; 4 * h <= n; h *= 4) TransformFar<4>(x, n, h);
  if (h < n) TransformFar<2>(x, n, h);
}

void Multiply(float* x, const float* factors, size_t n) {
  const D d;
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    hn::StoreU(hn::Mul(hn::LoadU(d, x + i), hn::LoadU(d, factors + i)), d, x + i);
  }
  for (; i < n; ++i) x[i] *= factors[i];
}

void Butterfly(float* low, float* high, size_t n) {
  const D d;
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    V a = hn::LoadU(d, low + i);
    V b = hn::LoadU(d, high + i);
    Cross(a, b);
    hn::StoreU(a, d, low + i);
    hn::StoreU(b, d, high + i);
  }
  for (; i < n; ++i) {
    const float sum = low[i] + high[i];
    high[i] = low[i] - high[i];
    low[i] = sum;
  }
}

void RotateRound(float* x, size_t dim, const float* factors, size_t start, size_t window) {
  Multiply(x, factors, dim);
  Transform(x + start, window);
  if (window != dim) Butterfly(x, x + dim / 2, dim / 2);
}

}  // namespace

void FillHadamard(Kernels* kernels) { kernels->rotate_round = &RotateRound; }

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith::simd {

HWY_EXPORT(FillHadamard);
void FillHadamardKernels(Kernels* kernels) { HWY_DYNAMIC_DISPATCH(FillHadamard)(kernels); }

}  // namespace kith::simd
#endif
