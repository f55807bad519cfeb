// Kernels for queries of the rows' own type: 8-bit integers and packed bits. All sums are exact.
#include <bit>
#include <cstring>
#include <type_traits>

#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/distance_integer.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "simd/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

using D8 = hn::CappedTag<uint8_t, 64>;
using V8 = hn::Vec<D8>;
constexpr size_t kStep = HWY_MIN(64, HWY_LANES(uint8_t));
// Of the first-level cache, what a chunk of rows may take.
constexpr size_t kCacheBytes = 16 << 10;

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

// sum[lane] += the lane's four products of an unsigned and a signed byte. By name, as Highway 1.0.3
// detects VNNI for this target but does not tell the compiler of it.
HWY_INLINE void MulAdd8(V8 a_unsigned, V8 b_signed, VU32& sum) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(a_unsigned.raw), "v"(b_signed.raw));
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

constexpr size_t kBlockRows = 4;
// Rows whose sums are finished together.
constexpr size_t kGroupRows = HWY_MAX(kWidth, kBlockRows);
// How far ahead of a scan memory is asked for, bytes; see distance_float.cc.
constexpr size_t kScanAhead = 6144;

template <class Op, size_t R, bool kPrefetch>
HWY_INLINE void Accumulate(const uint8_t* query, const uint8_t* const* rows, size_t dim,
                           VU32* out) {
  const D8 d;
  typename Op::Sum sums[R];
  size_t at = 0;
  for (; at + kStep <= dim; at += kStep) {
    const V8 q = hn::Load(d, query + at);
    for (size_t r = 0; r < R; ++r) {
      if constexpr (kPrefetch) hwy::Prefetch(rows[r] + at + kScanAhead);
      Op::Step(q, hn::LoadU(d, rows[r] + at), sums[r]);
    }
  }
  if (at < dim) {
    const V8 q = hn::Load(d, query + at);
    for (size_t r = 0; r < R; ++r) Op::Step(q, LoadTail(rows[r] + at, dim - at), sums[r]);
  }
  for (size_t r = 0; r < R; ++r) out[r] = sums[r].Total();
}

// out[j] = op(query, row j) for the rows that row(j) points to. kScan: they follow each other in
// memory.
template <class Op, bool kScan, class RowAt>
HWY_INLINE void ScoreOne(const uint8_t* query, size_t num_rows, size_t dim, float* out, RowAt row) {
  constexpr size_t kRowsAtOnce = kScan ? 1 : kBlockRows;
  VU32 sums[kGroupRows];
  const uint8_t* block[kBlockRows];
  size_t j = 0;
  for (; j + kGroupRows <= num_rows; j += kGroupRows) {
    for (size_t g = 0; g < kGroupRows; g += kRowsAtOnce) {
      for (size_t r = 0; r < kRowsAtOnce; ++r) block[r] = row(j + g + r);
      Accumulate<Op, kRowsAtOnce, kScan>(query, block, dim, sums + g);
    }
    for (size_t g = 0; g < kGroupRows; g += kWidth) {
      hn::StoreU(ToFloat<Op::kSigned>(SumEach(sums + g)), D32<float>(), out + j + g);
    }
  }
  for (; j < num_rows; ++j) {
    block[0] = row(j);
    Accumulate<Op, 1, false>(query, block, dim, sums);
    out[j] = ToFloat<Op::kSigned>(SumLanes(sums[0]));
  }
}

template <class Op>
void Tile(const std::byte* queries, size_t query_stride, size_t num_queries, const std::byte* rows,
          size_t row_stride, size_t num_rows, size_t dim, float* out, size_t out_stride) {
  const auto query = [&](size_t i) {
    return reinterpret_cast<const uint8_t*>(queries + i * query_stride);
  };
  if (num_queries == 1) {
    return ScoreOne<Op, true>(query(0), num_rows, dim, out, [&](size_t j) {
      return reinterpret_cast<const uint8_t*>(rows + j * row_stride);
    });
  }
  // Rows that stay in the first-level cache for all queries.
  const size_t chunk = HWY_MAX(kCacheBytes / (row_stride + 1) / kGroupRows, 1) * kGroupRows;
  for (size_t first = 0; first < num_rows; first += chunk) {
    const size_t count = HWY_MIN(chunk, num_rows - first);
    for (size_t i = 0; i < num_queries; ++i) {
      ScoreOne<Op, false>(query(i), count, dim, out + i * out_stride + first, [&](size_t j) {
        return reinterpret_cast<const uint8_t*>(rows + (first + j) * row_stride);
      });
    }
  }
}

template <class Op>
void Ids(const std::byte* query, const std::byte* rows, size_t row_stride, const uint32_t* ids,
         size_t num_ids, size_t dim, float* out) {
  constexpr size_t kAhead = 12;
  const size_t lines = HWY_MIN((dim + 63) / 64, size_t{16});
  const auto prefetch = [&](size_t i) {
    const std::byte* p = rows + ids[i] * row_stride;
    for (size_t line = 0; line < lines; ++line) hwy::Prefetch(p + line * 64);
  };
  for (size_t i = 0; i < HWY_MIN(kAhead, num_ids); ++i) prefetch(i);
  ScoreOne<Op, false>(reinterpret_cast<const uint8_t*>(query), num_ids, dim, out, [&](size_t i) {
    if (i + kAhead < num_ids) prefetch(i + kAhead);
    return reinterpret_cast<const uint8_t*>(rows + ids[i] * row_stride);
  });
}

template <class L2, class Dot, class L1, class Hamming>
void FillType(DistanceKernel (&kernels)[kNumOps]) {
  kernels[static_cast<int>(Op::kL2)] = {&Tile<L2>, &Ids<L2>};
  kernels[static_cast<int>(Op::kDot)] = {&Tile<Dot>, &Ids<Dot>};
  kernels[static_cast<int>(Op::kL1)] = {&Tile<L1>, &Ids<L1>};
  kernels[static_cast<int>(Op::kHamming)] = {&Tile<Hamming>, &Ids<Hamming>};
}

}  // namespace

void FillInteger(Kernels* kernels) {
  auto& native = kernels->native;
  FillType<OpL2U8, OpDotU8, OpL1U8, OpHammingBytes>(native[static_cast<int>(DataType::kU8)]);
  FillType<OpL2I8, OpDotI8, OpL1I8, OpHammingBytes>(native[static_cast<int>(DataType::kI8)]);
  FillType<OpXorBits, OpAndBits, OpXorBits, OpXorBits>(native[static_cast<int>(DataType::kBit)]);
}

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith::simd {

HWY_EXPORT(FillInteger);
void FillIntegerKernels(Kernels* kernels) { HWY_DYNAMIC_DISPATCH(FillInteger)(kernels); }

}  // namespace kith::simd
#endif
