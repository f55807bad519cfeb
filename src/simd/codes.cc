// Dot products of an 8-bit query with short codes of 1, 2 or 4 bits a coordinate.
#include <utility>

#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/codes.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
#if HWY_TARGET == HWY_SCALAR

template <int kBits>
void CodeDot(const int8_t* query, size_t query_stride, const std::byte* rows, size_t row_stride,
             const uint32_t* ids, size_t num_ids, size_t code_bytes, int32_t* out) {
  for (size_t i = 0; i < num_ids; ++i) {
    const auto* row = reinterpret_cast<const uint8_t*>(rows + ids[i] * row_stride);
    int32_t sum = 0;
    for (size_t j = 0; j < code_bytes; ++j) {
      for (size_t f = 0; f < 8 / kBits; ++f) {
        sum += ((row[j] >> (f * kBits)) & ((1 << kBits) - 1)) * query[f * query_stride + j];
      }
    }
    out[i] = sum;
  }
}

#else

using D8 = hn::CappedTag<uint8_t, 64>;
using DI8 = hn::RebindToSigned<D8>;
using DI16 = hn::RepartitionToWide<DI8>;
using DI32 = hn::RepartitionToWide<DI16>;
using V8 = hn::Vec<D8>;
using VI32 = hn::Vec<DI32>;
constexpr size_t kStep = HWY_MIN(64, HWY_LANES(uint8_t));

// sum[lane] += the lane's products code * query. Codes are below 16, so that a pair of products
// (at most 2 * 15 * 128) fits 16 bits.
HWY_INLINE VI32 MulAdd8(V8 code, hn::Vec<DI8> query, VI32 sum) {
#if HWY_TARGET == HWY_AVX3_DL
  return MulAdd4(hn::BitCast(DI32(), code), hn::BitCast(DI32(), query), sum);
#elif KITH_SIMD_PAIRS
  const VI32 pairs = MulBytePairs(hn::BitCast(DI32(), code), hn::BitCast(DI32(), query));
  return hn::Add(sum, MulPairs(pairs, hn::BitCast(DI32(), hn::Set(DI16(), 1))));
#else
  const V8 zero = hn::Zero(D8());
  const auto q = hn::BitCast(D8(), query);
  VI32 rest = hn::Zero(DI32());
  const auto products = [&](V8 c, V8 q_high) HWY_ATTR {
    sum = hn::ReorderWidenMulAccumulate(DI32(), hn::BitCast(DI16(), c),
                                        hn::ShiftRight<8>(hn::BitCast(DI16(), q_high)), sum, rest);
  };
  products(hn::InterleaveLower(D8(), code, zero), hn::InterleaveLower(D8(), zero, q));
  products(hn::InterleaveUpper(D8(), code, zero), hn::InterleaveUpper(D8(), zero, q));
  return hn::Add(sum, rest);
#endif
}

// Fields of `kBits` bits, from the lowest up. Shifts act on 16-bit lanes; the mask removes what
// came over from the neighbouring byte.
template <int kBits, int kField>
HWY_INLINE V8 Field(V8 bytes) {
  const hn::Repartition<uint16_t, D8> d16;
  const V8 shifted = hn::BitCast(D8(), hn::ShiftRight<kBits * kField>(hn::BitCast(d16, bytes)));
  return hn::And(shifted, hn::Set(D8(), (1 << kBits) - 1));
}

template <int kBits, size_t... kFields>
HWY_INLINE VI32 AddFields(V8 bytes, const int8_t* query, size_t query_stride, VI32 sum,
                          std::index_sequence<kFields...>) {
  ((sum = MulAdd8(Field<kBits, kFields>(bytes), hn::Load(DI8(), query + kFields * query_stride),
                  sum)),
   ...);
  return sum;
}

template <int kBits>
void CodeDot(const int8_t* query, size_t query_stride, const std::byte* rows, size_t row_stride,
             const uint32_t* ids, size_t num_ids, size_t code_bytes, int32_t* out) {
  constexpr size_t kAhead = 16;
  const size_t lines = (row_stride + 63) / 64;
  const auto prefetch = [&](size_t i) {
    const std::byte* p = rows + ids[i] * row_stride;
    for (size_t line = 0; line < lines; ++line) hwy::Prefetch(p + line * 64);
    hwy::Prefetch(p + row_stride - 1);  // a row across one line more
  };
  for (size_t i = 0; i < HWY_MIN(kAhead, num_ids); ++i) prefetch(i);
  for (size_t i = 0; i < num_ids; ++i) {
    if (i + kAhead < num_ids) prefetch(i + kAhead);
    const auto* row = reinterpret_cast<const uint8_t*>(rows + ids[i] * row_stride);
    VI32 sum = hn::Zero(DI32());
    for (size_t at = 0; at < code_bytes; at += kStep) {
      // What is read past the code meets zeros of the query.
      sum = AddFields<kBits>(hn::LoadU(D8(), row + at), query + at, query_stride, sum,
                             std::make_index_sequence<8 / kBits>());
    }
    out[i] = hn::GetLane(hn::SumOfLanes(DI32(), sum));
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace

void FillCodes(Kernels* kernels) {
  kernels->code_dot[0] = &CodeDot<1>;
  kernels->code_dot[1] = &CodeDot<2>;
  kernels->code_dot[2] = &CodeDot<4>;
}

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith::simd {

HWY_EXPORT(FillCodes);
void FillCodeKernels(Kernels* kernels) { HWY_DYNAMIC_DISPATCH(FillCodes)(kernels); }

}  // namespace kith::simd
#endif
