// Kernels for queries of the rows' own type: 8-bit integers and packed bits. All sums are exact.
#include <bit>
#include <cstring>

#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/distance_integer.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
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

#if HWY_TARGET == HWY_SCALAR

// One coordinate at a time, for a CPU without vector instructions that Highway knows.
struct Sum {
  int64_t value = 0;
  float Total() const { return static_cast<float>(value); }
};
template <class Function, class T>
struct ScalarOp {
  using Sum = N_SCALAR::Sum;
  static void Step(V8 q, V8 x, Sum& sum) {
    sum.value += Function()(static_cast<T>(hn::GetLane(q)), static_cast<T>(hn::GetLane(x)));
  }
};
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
using DI16 = hn::RebindToSigned<D16>;
using DI32 = hn::RepartitionToWide<DI16>;
using DU32 = hn::RebindToUnsigned<DI32>;
using D64 = hn::Repartition<uint64_t, D8>;
using VI32 = hn::Vec<DI32>;
using V64 = hn::Vec<D64>;

static_assert(uint64_t{kMaxDim} * 255 * 255 <= UINT32_MAX);

// Sums of 32-bit lanes, modulo 2^32: the totals of kMaxDim products of bytes, 65536 * 255^2
// unsigned or 65536 * 128^2 of either sign, are known from that.
template <class Total32>
struct Sum32 {
  VI32 a;
  VI32 b;

  HWY_INLINE Sum32() : a(hn::Zero(DI32())), b(hn::Zero(DI32())) {}
  HWY_INLINE float Total() const {
    const DU32 d;  // whose sums wrap by definition
    const uint32_t total =
        hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::BitCast(d, a), hn::BitCast(d, b))));
    return static_cast<float>(static_cast<Total32>(total));
  }
};

struct Sum64 {
  V64 v;

  HWY_INLINE Sum64() : v(hn::Zero(D64())) {}
  HWY_INLINE float Total() const {
    return static_cast<float>(hn::GetLane(hn::SumOfLanes(D64(), v)));
  }
};

HWY_INLINE V8 AbsDiff(V8 q, V8 x) { return hn::Sub(hn::Max(q, x), hn::Min(q, x)); }

template <class Sum>
HWY_INLINE void MulAddPairs(hn::Vec<DI16> q, hn::Vec<DI16> x, Sum& sum) {
  sum.a = hn::ReorderWidenMulAccumulate(DI32(), q, x, sum.a, sum.b);
}

struct OpL2U8 {
  using Sum = Sum32<uint32_t>;
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
  using Sum = Sum32<uint32_t>;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    const V8 zero = hn::Zero(D8());
    MulAddPairs(hn::BitCast(DI16(), hn::InterleaveLower(D8(), q, zero)),
                hn::BitCast(DI16(), hn::InterleaveLower(D8(), x, zero)), sum);
    MulAddPairs(hn::BitCast(DI16(), hn::InterleaveUpper(D8(), q, zero)),
                hn::BitCast(DI16(), hn::InterleaveUpper(D8(), x, zero)), sum);
  }
};
struct OpDotI8 {
  using Sum = Sum32<int32_t>;
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
struct OpL1U8 {
  using Sum = Sum64;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    sum.v = hn::Add(sum.v, hn::SumsOf8(AbsDiff(q, x)));
  }
};
// Adding 128 to signed bytes makes them unsigned and leaves their differences as they were.
template <class UnsignedOp>
struct Biased {
  using Sum = typename UnsignedOp::Sum;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    const V8 bias = hn::Set(D8(), 0x80);
    UnsignedOp::Step(hn::Xor(q, bias), hn::Xor(x, bias), sum);
  }
};
struct OpHammingBytes {
  using Sum = Sum64;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    const V8 one = hn::Set(D8(), 1);
    sum.v = hn::Add(sum.v, hn::SumsOf8(hn::IfThenZeroElse(hn::Eq(q, x), one)));
  }
};
struct OpXorBits {
  using Sum = Sum64;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    sum.v = hn::Add(sum.v, hn::PopulationCount(hn::BitCast(D64(), hn::Xor(q, x))));
  }
};
struct OpAndBits {
  using Sum = Sum64;
  static HWY_INLINE void Step(V8 q, V8 x, Sum& sum) {
    sum.v = hn::Add(sum.v, hn::PopulationCount(hn::BitCast(D64(), hn::And(q, x))));
  }
};
using OpL2I8 = Biased<OpL2U8>;
using OpL1I8 = Biased<OpL1U8>;

#endif  // HWY_TARGET == HWY_SCALAR

template <class Op, size_t R>
HWY_INLINE void Block(const uint8_t* query, const uint8_t* const* rows, size_t dim, float* out) {
  const D8 d;
  typename Op::Sum sums[R];
  size_t at = 0;
  for (; at + kStep <= dim; at += kStep) {
    const V8 q = hn::Load(d, query + at);
    for (size_t r = 0; r < R; ++r) Op::Step(q, hn::LoadU(d, rows[r] + at), sums[r]);
  }
  if (at < dim) {
    const V8 q = hn::Load(d, query + at);
    for (size_t r = 0; r < R; ++r) Op::Step(q, LoadTail(rows[r] + at, dim - at), sums[r]);
  }
  for (size_t r = 0; r < R; ++r) out[r] = sums[r].Total();
}

constexpr size_t kBlockRows = 4;

template <class Op>
void Tile(const std::byte* queries, size_t query_stride, size_t num_queries, const std::byte* rows,
          size_t row_stride, size_t num_rows, size_t dim, float* out, size_t out_stride) {
  // Rows outside, queries inside: a block of rows stays in the first-level cache for all queries.
  const uint8_t* block[kBlockRows];
  for (size_t j = 0; j < num_rows; j += kBlockRows) {
    const size_t count = HWY_MIN(kBlockRows, num_rows - j);
    for (size_t r = 0; r < count; ++r) {
      block[r] = reinterpret_cast<const uint8_t*>(rows + (j + r) * row_stride);
    }
    for (size_t i = 0; i < num_queries; ++i) {
      const auto* query = reinterpret_cast<const uint8_t*>(queries + i * query_stride);
      float* to = out + i * out_stride + j;
      if (count == kBlockRows) {
        Block<Op, kBlockRows>(query, block, dim, to);
      } else {
        for (size_t r = 0; r < count; ++r) Block<Op, 1>(query, block + r, dim, to + r);
      }
    }
  }
}

template <class Op>
void Ids(const std::byte* query, const std::byte* rows, size_t row_stride, const uint32_t* ids,
         size_t num_ids, size_t dim, float* out) {
  constexpr size_t kAhead = 12;
  const auto* q = reinterpret_cast<const uint8_t*>(query);
  const size_t lines = HWY_MIN((dim + 63) / 64, size_t{16});
  const auto prefetch = [&](size_t i) {
    const std::byte* p = rows + ids[i] * row_stride;
    for (size_t line = 0; line < lines; ++line) hwy::Prefetch(p + line * 64);
  };
  for (size_t i = 0; i < HWY_MIN(kAhead, num_ids); ++i) prefetch(i);
  for (size_t i = 0; i < num_ids; ++i) {
    if (i + kAhead < num_ids) prefetch(i + kAhead);
    const auto* row = reinterpret_cast<const uint8_t*>(rows + ids[i] * row_stride);
    Block<Op, 1>(q, &row, dim, out + i);
  }
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
