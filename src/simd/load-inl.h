// Loading sixteen coordinates of a row as floats. Included once for each target.
#if defined(KITH_SIMD_LOAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KITH_SIMD_LOAD_INL_H_
#undef KITH_SIMD_LOAD_INL_H_
#else
#define KITH_SIMD_LOAD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>
#include <type_traits>

#include "simd/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

using D = D32<float>;
using V = V32<float>;

// Sixteen floats.
struct Float16 {
  V v[kRegs];
};

template <class T>
HWY_INLINE V LoadWide(const T* p) {
  const D d;
  if constexpr (std::is_same_v<T, float>) {
    return hn::LoadU(d, p);
  } else if constexpr (std::is_same_v<T, int8_t> || std::is_same_v<T, uint8_t>) {
    const hn::Rebind<T, D> dn;
    const hn::Rebind<int32_t, D> di;
    return hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(dn, p)));
  } else {
    const hn::Rebind<T, D> dn;
    return hn::PromoteTo(d, hn::LoadU(dn, p));
  }
}

template <class T>
HWY_INLINE void LoadRow(const T* p, Float16& out) {
  for (size_t r = 0; r < kRegs; ++r) out.v[r] = LoadWide(p + r * kWidth);
}

// The last n < 16 coordinates, zero beyond. Never reads past them.
template <class T>
HWY_INLINE void LoadRowTail(const T* p, size_t n, Float16& out) {
  // Where masked loads are emulated, they touch the lanes that are masked out; those of AVX2 are
  // not, though Highway has them so.
  constexpr bool kMasks = !HWY_MEM_OPS_MIGHT_FAULT || HWY_TARGET == HWY_AVX2;
  if constexpr (std::is_same_v<T, float> && kMasks) {
    const D d;
    for (size_t r = 0; r < kRegs; ++r) {
      const size_t left = n > r * kWidth ? HWY_MIN(n - r * kWidth, kWidth) : 0;
      out.v[r] = left == 0 ? hn::Zero(d) : hn::MaskedLoad(hn::FirstN(d, left), d, p + r * kWidth);
    }
  } else {
    alignas(64) T buffer[16] = {};
    std::memcpy(buffer, p, n * sizeof(T));
    LoadRow(buffer, out);
  }
}

}  // namespace
}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard for each target
