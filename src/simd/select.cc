// What a scan does with blocks of distances: finishes them, and finds the few that are short.
#include <limits>

#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/select.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr size_t kWidth = HWY_MIN(16, HWY_LANES(float));

// Calls step(tag, i) for n values: whole vectors, then one at a time.
template <class Step>
HWY_INLINE void ForEach(size_t n, Step step) {
  size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) step(D(), i);
  for (; i < n; ++i) step(hn::CappedTag<float, 1>(), i);
}

void Negate(float* values, size_t n) {
  ForEach(n, [&](auto d, size_t i)
                 HWY_ATTR { hn::StoreU(hn::Neg(hn::LoadU(d, values + i)), d, values + i); });
}

// 1 - dot * (scale * inverse_norm)
template <class DF>
HWY_INLINE hn::Vec<DF> CosineDistance(DF d, const float* dots, const float* inverse_norms,
                                      float scale) {
  const auto factor = hn::Mul(hn::Set(d, scale), hn::LoadU(d, inverse_norms));
  return hn::Sub(hn::Set(d, 1.0f), hn::Mul(hn::LoadU(d, dots), factor));
}

// Brings a value into [0, 2]. Not by Min and Max, which treat NaN differently from target to
// target.
template <class DF>
HWY_INLINE hn::Vec<DF> Clamp(DF d, hn::Vec<DF> v) {
  v = hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Zero(d), v);
  return hn::IfThenElse(hn::Gt(v, hn::Set(d, 2.0f)), hn::Set(d, 2.0f), v);
}

void Cosine(const float* inverse_norms, float scale, float* dots, size_t n) {
  ForEach(n, [&](auto d, size_t i) HWY_ATTR {
    hn::StoreU(Clamp(d, CosineDistance(d, dots + i, inverse_norms + i, scale)), d, dots + i);
  });
}

// The smaller one; `least` where the value is NaN.
HWY_INLINE V Least(V value, V least) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
  return hn::Min(value, least);  // x86 takes the second operand then
#else
  return hn::IfThenElse(hn::Lt(value, least), value, least);
#endif
}

// Writes each i < n with value(tag, i) <= limit; the tag says how many values from i on are asked
// for at once.
template <class Value>
HWY_INLINE size_t Select(size_t n, float limit, uint32_t* out, Value value) {
  const D d;
  uint32_t* end = out;
  const V limits = hn::Set(d, limit);
  const auto append = [&](size_t i) HWY_ATTR {
    uint8_t bytes[8] = {};  // as much as is written for any width
    hn::StoreMaskBits(d, hn::Le(value(d, i), limits), bytes);
    uint32_t bits = bytes[0] | uint32_t{bytes[1]} << 8;
    for (; bits != 0; bits &= bits - 1) {
      *end++ = static_cast<uint32_t>(i) +
               static_cast<uint32_t>(hwy::Num0BitsBelowLS1Bit_Nonzero32(bits));
    }
  };
  size_t i = 0;
  // Nearly always nothing is found: many vectors are asked at once.
  constexpr size_t kAtOnce = 8;
  for (; i + kAtOnce * kWidth <= n; i += kAtOnce * kWidth) {
    V least = hn::Set(d, std::numeric_limits<float>::infinity());
    for (size_t j = 0; j < kAtOnce; ++j) least = Least(value(d, i + j * kWidth), least);
    if (hn::AllFalse(d, hn::Le(least, limits))) continue;
    for (size_t j = 0; j < kAtOnce; ++j) append(i + j * kWidth);
  }
  for (; i + kWidth <= n; i += kWidth) append(i);
  for (; i < n; ++i) {
    if (hn::GetLane(value(hn::CappedTag<float, 1>(), i)) <= limit) {
      *end++ = static_cast<uint32_t>(i);
    }
  }
  return static_cast<size_t>(end - out);
}

size_t Below(const float* values, size_t n, float limit, uint32_t* out) {
  return Select(n, limit, out, [&](auto d, size_t i) HWY_ATTR { return hn::LoadU(d, values + i); });
}

size_t NegativeBelow(const float* values, size_t n, float limit, uint32_t* out) {
  return Select(n, limit, out,
                [&](auto d, size_t i) HWY_ATTR { return hn::Neg(hn::LoadU(d, values + i)); });
}

size_t CosineBelow(const float* inverse_norms, float scale, const float* dots, size_t n,
                   float limit, uint32_t* out) {
  const auto distance = [&](auto d, size_t i) HWY_ATTR {
    return CosineDistance(d, dots + i, inverse_norms + i, scale);
  };
  // Between the bounds, clamping changes no comparison.
  if (limit >= 0 && limit < 2) return Select(n, limit, out, distance);
  return Select(n, limit, out, [&](auto d, size_t i) HWY_ATTR { return Clamp(d, distance(d, i)); });
}

}  // namespace

void FillSelect(Kernels* kernels) {
  kernels->negate = &Negate;
  kernels->cosine = &Cosine;
  kernels->below = &Below;
  kernels->negative_below = &NegativeBelow;
  kernels->cosine_below = &CosineBelow;
}

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith::simd {

HWY_EXPORT(FillSelect);
void FillSelectKernels(Kernels* kernels) { HWY_DYNAMIC_DISPATCH(FillSelect)(kernels); }

}  // namespace kith::simd
#endif
