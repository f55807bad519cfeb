// What kernels share whose lanes are rows: dot products of unsigned and signed bytes, four to a
// lane of 32 bits, and the bits of masks. Included once for each target.
#if defined(KITH_SIMD_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KITH_SIMD_LANES_INL_H_
#undef KITH_SIMD_LANES_INL_H_
#else
#define KITH_SIMD_LANES_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using DI = hn::CappedTag<int32_t, 16>;
using VI = hn::Vec<DI>;

// Bit i is set if lane i of the mask is.
template <class D, class M>
HWY_INLINE uint32_t BitsOf(D d, M mask) {
  uint8_t bits[8] = {};
  hn::StoreMaskBits(d, mask, bits);
  if constexpr (HWY_MIN(16, HWY_LANES(float)) <= 8) return bits[0];
  uint16_t both;
  std::memcpy(&both, bits, sizeof(both));
  return both;
}

// Whether the pairwise products of AVX2 take the place of VNNI's.
#undef KITH_SIMD_PAIRS
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2 && HWY_TARGET != HWY_AVX3_DL
#define KITH_SIMD_PAIRS 1
#else
#define KITH_SIMD_PAIRS 0
#endif

#if KITH_SIMD_PAIRS

// Products of 16-bit numbers, added up in pairs: those of one lane of 32 bits.
HWY_INLINE VI MulPairs(VI a, VI b) {
#if HWY_TARGET <= HWY_AVX3
  return VI{_mm512_madd_epi16(a.raw, b.raw)};
#else
  return VI{_mm256_madd_epi16(a.raw, b.raw)};
#endif
}

// Products of unsigned bytes x and signed bytes q, added up in pairs of 16 bits, which must hold
// them.
HWY_INLINE VI MulBytePairs(VI x, VI q) {
#if HWY_TARGET <= HWY_AVX3
  return VI{_mm512_maddubs_epi16(x.raw, q.raw)};
#else
  return VI{_mm256_maddubs_epi16(x.raw, q.raw)};
#endif
}

#endif

// sum[lane] += the products of the lane's four unsigned bytes x and four signed bytes q.
HWY_INLINE VI MulAdd4(VI x, VI q, VI sum) {
#if HWY_TARGET == HWY_AVX3_DL
  // By name, as Highway 1.0.3 detects VNNI for this target but does not tell the compiler of it.
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(x.raw), "v"(q.raw));
  return sum;
#elif KITH_SIMD_PAIRS
  const hn::Repartition<int16_t, DI> d16;
  const DI di;
  const auto wide = [&](VI v) HWY_ATTR { return hn::BitCast(d16, v); };
  const VI x_even = hn::And(x, hn::Set(di, 0x00FF00FF));
  const VI x_odd =
      hn::BitCast(di, hn::ShiftRight<8>(hn::BitCast(hn::RebindToUnsigned<decltype(d16)>(), x)));
  const VI q_even = hn::BitCast(di, hn::ShiftRight<8>(hn::ShiftLeft<8>(wide(q))));
  const VI q_odd = hn::BitCast(di, hn::ShiftRight<8>(wide(q)));
  return hn::Add(sum, hn::Add(MulPairs(x_even, q_even), MulPairs(x_odd, q_odd)));
#else
  const DI di;
  const VI low = hn::Set(di, 0xFF);
  sum = hn::Add(sum, hn::Mul(hn::And(x, low), hn::ShiftRight<24>(hn::ShiftLeft<24>(q))));
  sum = hn::Add(
      sum, hn::Mul(hn::And(hn::ShiftRight<8>(x), low), hn::ShiftRight<24>(hn::ShiftLeft<16>(q))));
  sum = hn::Add(
      sum, hn::Mul(hn::And(hn::ShiftRight<16>(x), low), hn::ShiftRight<24>(hn::ShiftLeft<8>(q))));
  return hn::Add(sum, hn::Mul(hn::And(hn::ShiftRight<24>(x), low), hn::ShiftRight<24>(q)));
#endif
}

}  // namespace
}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard for each target
