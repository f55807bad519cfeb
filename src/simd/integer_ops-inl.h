// Operations over 8-bit integers and packed bits, all exact. Included once for each target.
#if defined(KITH_SIMD_INTEGER_OPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KITH_SIMD_INTEGER_OPS_INL_H_
#undef KITH_SIMD_INTEGER_OPS_INL_H_
#else
#define KITH_SIMD_INTEGER_OPS_INL_H_
#endif

#include <hwy/highway.h>

#include <bit>
#include <cstring>
#include <type_traits>

#include "kith/types.h"
#include "simd/lanes-inl.h"
#include "simd/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

using D8 = hn::CappedTag<uint8_t, 64>;
using V8 = hn::Vec<D8>;
constexpr size_t kStep = HWY_MIN(64, HWY_LANES(uint8_t));

// The last n < kStep bytes, zero beyond. Never reads past them.
HWY_INLINE V8 LoadTail(const uint8_t* p, size_t n) {
  const D8 d;
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  return hn::MaskedLoad(hn::FirstN(d, n), d, p);  // a true masked load for bytes
#else
  alignas(64) uint8_t buffer[kStep] = {};
  std::memcpy(buffer, p, n);
  return hn::Load(d, buffer);
#endif
}

// Sums are kept in 32-bit lanes, modulo 2^32: the totals of kMaxDim products of bytes, 65536 *
// 255^2 unsigned or 65536 * 128^2 of either sign, are known from that.
static_assert(uint64_t{kMaxDim} * 255 * 255 <= UINT32_MAX);
using U32 = D32<uint32_t>;
using VU32 = hn::Vec<U32>;

// What an operation keeps for a pair, and what it makes of that.
struct OneSum {
  VU32 a;
  HWY_INLINE OneSum() : a(hn::Zero(U32())) {}
  HWY_INLINE VU32 Total() const { return a; }
};
struct TwoSums {
  VU32 a;
  VU32 b;
  HWY_INLINE TwoSums() : a(hn::Zero(U32())), b(hn::Zero(U32())) {}
  HWY_INLINE VU32 Total() const { return hn::Add(a, b); }
};

#if HWY_TARGET == HWY_SCALAR

// One coordinate at a time, for a CPU without vector instructions that Highway knows.
struct SquaredDifference {
  int operator()(int q, int x) const { return (q - x) * (q - x); }
};
struct Product {
  int operator()(int q, int x) const { return q * x; }
};
struct Difference {
  int operator()(int q, int x) const { return q < x ? x - q : q - x; }
};
struct Unequal {
  int operator()(int q, int x) const { return q != x ? 1 : 0; }
};
struct BitsApart {
  int operator()(unsigned q, unsigned x) const { return std::popcount(q ^ x); }
};
struct BitsShared {
  int operator()(unsigned q, unsigned x) const { return std::popcount(q & x); }
};
template <class Function, class T>
struct ScalarOp {
  using Sum = OneSum;
  static constexpr bool kSigned = std::is_same_v<Function, Product> && std::is_signed_v<T>;
  static void Step(V8 q, V8 x, Sum& sum) {
    sum.a.raw += static_cast<uint32_t>(
        Function()(static_cast<T>(hn::GetLane(q)), static_cast<T>(hn::GetLane(x))));
  }
};
using OpL2U8 = ScalarOp<SquaredDifference, uint8_t>;
using OpDotU8 = ScalarOp<Product, uint8_t>;
using OpDotI8 = ScalarOp<Product, int8_t>;
using OpL1U8 = ScalarOp<Difference, uint8_t>;
using OpL2I8 = ScalarOp<SquaredDifference, int8_t>;
using OpL1I8 = ScalarOp<Difference, int8_t>;
using OpHammingBytes = ScalarOp<Unequal, uint8_t>;
using OpXorBits = ScalarOp<BitsApart, uint8_t>;
using OpAndBits = ScalarOp<BitsShared, uint8_t>;

#else

using D16 = hn::RepartitionToWide<D8>;
using DI8 = hn::RebindToSigned<D8>;
using DI16 = hn::RebindToSigned<D16>;
using DI32 = hn::RepartitionToWide<DI16>;

HWY_INLINE V8 AbsDiff(V8 q, V8 x) { return hn::Sub(hn::Max(q, x), hn::Min(q, x)); }
// Turns unsigned bytes into signed ones 128 below and back.
HWY_INLINE V8 Flip(V8 v) { return hn::Xor(v, hn::Set(D8(), 0x80)); }

// sum[lane] += the lane's four differences.
HWY_INLINE VU32 AddAbsDiff(V8 q, V8 x, VU32 sum) {
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  return hn::Add(sum, VU32{_mm512_sad_epu8(q.raw, x.raw)});
#elif HWY_TARGET == HWY_AVX2
  return hn::Add(sum, VU32{_mm256_sad_epu8(q.raw, x.raw)});
#else
  return hn::Add(sum, hn::BitCast(U32(), hn::SumsOf8(AbsDiff(q, x))));
#endif
}

#if HWY_TARGET == HWY_AVX3_DL

// sum[lane] += the lane's four products of an unsigned and a signed byte.
HWY_INLINE void MulAdd8(V8 a_unsigned, V8 b_signed, VU32& sum) {
  const VI products =
      MulAdd4(hn::BitCast(DI(), a_unsigned), hn::BitCast(DI(), b_signed), hn::BitCast(DI(), sum));
  sum = hn::BitCast(U32(), products);
}

struct OpL2U8 {
  static constexpr bool kSigned = false;
  struct Sum : TwoSums {
    HWY_INLINE Sum() {}
    HWY_INLINE VU32 Total() const { return hn::Add(a, hn::Add(b, b)); }
  };
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    const V8 diff = AbsDiff(q, x);
    MulAdd8(diff, Flip(diff), sum.a);  // d (d - 128)
    MulAdd8(diff, hn::Set(D8(), 64), sum.b);
  }
};
struct OpDotU8 {
  static constexpr bool kSigned = false;
  using Sum = OpL2U8::Sum;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    MulAdd8(q, Flip(x), sum.a);  // q (x - 128)
    MulAdd8(q, hn::Set(D8(), 64), sum.b);
  }
};
struct OpDotI8 {
  static constexpr bool kSigned = true;
  struct Sum : TwoSums {
    HWY_INLINE Sum() {}
    HWY_INLINE VU32 Total() const { return hn::Sub(a, b); }
  };
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    MulAdd8(Flip(x), q, sum.a);  // (x + 128) q
    MulAdd8(hn::Set(D8(), 128), q, sum.b);
  }
};

#else

template <class Sum>
HWY_INLINE void MulAddPairs(hn::Vec<DI16> q, hn::Vec<DI16> x, Sum& sum) {
  const DI32 di32;
  auto b = hn::BitCast(di32, sum.b);
  sum.a =
      hn::BitCast(U32(), hn::ReorderWidenMulAccumulate(di32, q, x, hn::BitCast(di32, sum.a), b));
  sum.b = hn::BitCast(U32(), b);
}

struct OpL2U8 {
  static constexpr bool kSigned = false;
  using Sum = TwoSums;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    const V8 zero = hn::Zero(D8());
    const V8 diff = AbsDiff(q, x);
    const auto low = hn::BitCast(DI16(), hn::InterleaveLower(D8(), diff, zero));
    const auto high = hn::BitCast(DI16(), hn::InterleaveUpper(D8(), diff, zero));
    MulAddPairs(low, low, sum);
    MulAddPairs(high, high, sum);
  }
};
struct OpDotU8 {
  static constexpr bool kSigned = false;
  using Sum = TwoSums;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    const V8 zero = hn::Zero(D8());
    MulAddPairs(hn::BitCast(DI16(), hn::InterleaveLower(D8(), q, zero)),
                hn::BitCast(DI16(), hn::InterleaveLower(D8(), x, zero)), sum);
    MulAddPairs(hn::BitCast(DI16(), hn::InterleaveUpper(D8(), q, zero)),
                hn::BitCast(DI16(), hn::InterleaveUpper(D8(), x, zero)), sum);
  }
};
struct OpDotI8 {
  static constexpr bool kSigned = true;
  using Sum = TwoSums;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    // Sign extension: the byte in the upper half of 16 bits, shifted down arithmetically.
    const V8 zero = hn::Zero(D8());
    const auto widen_low = [&](V8 v) HWY_ATTR {
      return hn::ShiftRight<8>(hn::BitCast(DI16(), hn::InterleaveLower(D8(), zero, v)));
    };
    const auto widen_high = [&](V8 v) HWY_ATTR {
      return hn::ShiftRight<8>(hn::BitCast(DI16(), hn::InterleaveUpper(D8(), zero, v)));
    };
    MulAddPairs(widen_low(q), widen_low(x), sum);
    MulAddPairs(widen_high(q), widen_high(x), sum);
  }
};

#endif  // HWY_TARGET == HWY_AVX3_DL

struct OpL1U8 {
  static constexpr bool kSigned = false;
  using Sum = OneSum;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) { sum.a = AddAbsDiff(q, x, sum.a); }
};
// Signed bytes made unsigned have the differences they had.
template <class UnsignedOp>
struct Flipped {
  static constexpr bool kSigned = false;
  using Sum = typename UnsignedOp::Sum;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) { UnsignedOp::Step(Flip(q), Flip(x), sum); }
};
struct OpHammingBytes {
  static constexpr bool kSigned = false;
  using Sum = OneSum;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    const V8 zero = hn::Zero(D8());
    sum.a = AddAbsDiff(hn::IfThenZeroElse(hn::Eq(q, x), hn::Set(D8(), 1)), zero, sum.a);
  }
};
HWY_INLINE VU32 CountBits(V8 v) { return hn::PopulationCount(hn::BitCast(U32(), v)); }
struct OpXorBits {
  static constexpr bool kSigned = false;
  using Sum = OneSum;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    sum.a = hn::Add(sum.a, CountBits(hn::Xor(q, x)));
  }
};
struct OpAndBits {
  static constexpr bool kSigned = false;
  using Sum = OneSum;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    sum.a = hn::Add(sum.a, CountBits(hn::And(q, x)));
  }
};
using OpL2I8 = Flipped<OpL2U8>;
using OpL1I8 = Flipped<OpL1U8>;

#endif  // HWY_TARGET == HWY_SCALAR

// Correctly rounded.
template <bool kSigned>
HWY_INLINE hn::Vec<D32<float>> ToFloat(VU32 v) {
  const D32<float> d;
  const D32<int32_t> di;
  if constexpr (kSigned) return hn::ConvertTo(d, hn::BitCast(di, v));
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  return hn::ConvertTo(d, v);
#else
  // Both halves are exact, so that only their sum is rounded.
  const auto high = hn::ConvertTo(d, hn::BitCast(di, hn::ShiftRight<16>(v)));
  const auto low = hn::ConvertTo(d, hn::BitCast(di, hn::And(v, hn::Set(U32(), 0xFFFF))));
  return hn::Add(hn::Mul(high, hn::Set(d, 65536.0f)), low);
#endif
}

template <bool kSigned>
HWY_INLINE float ToFloat(uint32_t v) {
  return kSigned ? static_cast<float>(static_cast<int32_t>(v)) : static_cast<float>(v);
}

#if HWY_TARGET == HWY_AVX3_DL

// How a panel's sums are made and finished. `x` is as Bytes() stores it.
struct PanelDotU8 {
  static constexpr bool kSigned = false;
  static constexpr bool kNeedsRowTerm = false;
  static constexpr bool kNeedsQueryTerm = true;
  static HWY_INLINE V8 Bytes(V8 x) { return Flip(x); }
  static HWY_INLINE VU32 Step(VU32 q, VU32 x, VU32 sum) {
    MulAdd8(hn::BitCast(D8(), q), hn::BitCast(D8(), x), sum);  // q (x - 128)
    return sum;
  }
  static HWY_INLINE void AddToRowTerm(VU32, VU32&) {}
  static HWY_INLINE void AddToQueryTerm(V8 q, VU32& term) {
    MulAdd8(q, hn::Set(D8(), 64), term);
    MulAdd8(q, hn::Set(D8(), 64), term);
  }
  static HWY_INLINE VU32 Finish(VU32 sum, VU32, VU32 query_term) {
    return hn::Add(sum, query_term);
  }
};
struct PanelDotI8 {
  static constexpr bool kSigned = true;
  static constexpr bool kNeedsRowTerm = false;
  static constexpr bool kNeedsQueryTerm = true;
  static HWY_INLINE V8 Bytes(V8 x) { return Flip(x); }
  static HWY_INLINE VU32 Step(VU32 q, VU32 x, VU32 sum) {
    MulAdd8(hn::BitCast(D8(), x), hn::BitCast(D8(), q), sum);  // (x + 128) q
    return sum;
  }
  static HWY_INLINE void AddToRowTerm(VU32, VU32&) {}
  static HWY_INLINE void AddToQueryTerm(V8 q, VU32& term) { MulAdd8(hn::Set(D8(), 128), q, term); }
  static HWY_INLINE VU32 Finish(VU32 sum, VU32, VU32 query_term) {
    return hn::Sub(sum, query_term);
  }
};
// |q|^2 + |x|^2 - 2 q x, modulo 2^32.
struct PanelL2U8 : PanelDotU8 {
  static constexpr bool kNeedsRowTerm = true;
  static HWY_INLINE void AddToRowTerm(VU32 x, VU32& term) {  // x^2
    const V8 v = Flip(hn::BitCast(D8(), x));
    MulAdd8(v, Flip(v), term);  // x (x - 128)
    for (int i = 0; i < 2; ++i) MulAdd8(v, hn::Set(D8(), 64), term);
  }
  static HWY_INLINE void AddToQueryTerm(V8 q, VU32& term) {  // q^2 - 2 * 128 q
    MulAdd8(q, Flip(q), term);                               // q (q - 128)
    MulAdd8(q, hn::Set(D8(), 0x80), term);
  }
  static HWY_INLINE VU32 Finish(VU32 sum, VU32 row_term, VU32 query_term) {
    return hn::Sub(hn::Add(row_term, query_term), hn::Add(sum, sum));
  }
};
struct PanelL2I8 : PanelDotI8 {
  static constexpr bool kSigned = false;
  static constexpr bool kNeedsRowTerm = true;
  static HWY_INLINE void AddToRowTerm(VU32 x, VU32& term) {  // x^2
    const V8 v = Flip(hn::BitCast(D8(), x));
    MulAdd8(Flip(v), v, term);  // (x + 128) x
    VU32 rest = hn::Zero(U32());
    MulAdd8(hn::Set(D8(), 128), v, rest);
    term = hn::Sub(term, rest);
  }
  static HWY_INLINE void AddToQueryTerm(V8 q, VU32& term) {  // q^2 + 2 * 128 q
    MulAdd8(Flip(q), q, term);                               // (q + 128) q
    MulAdd8(hn::Set(D8(), 128), q, term);
  }
  static HWY_INLINE VU32 Finish(VU32 sum, VU32 row_term, VU32 query_term) {
    return hn::Sub(hn::Add(row_term, query_term), hn::Add(sum, sum));
  }
};
template <class Op>
struct PanelBits {
  static constexpr bool kSigned = true;  // small, and quicker to convert
  static constexpr bool kNeedsRowTerm = false;
  static constexpr bool kNeedsQueryTerm = false;
  static HWY_INLINE V8 Bytes(V8 x) { return x; }
  static HWY_INLINE VU32 Step(VU32 q, VU32 x, VU32 sum) {
    OneSum one;
    one.a = sum;
    Op::Step(hn::BitCast(D8(), q), hn::BitCast(D8(), x), one);
    return one.a;
  }
  static HWY_INLINE void AddToRowTerm(VU32, VU32&) {}
  static HWY_INLINE void AddToQueryTerm(V8, VU32&) {}
  static HWY_INLINE VU32 Finish(VU32 sum, VU32, VU32) { return sum; }
};

#endif  // HWY_TARGET == HWY_AVX3_DL

}  // namespace
}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard for each target
