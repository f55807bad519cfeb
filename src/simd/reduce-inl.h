// What the distance kernels share: the shapes of their loops, and sums across lanes of many
// accumulators together. Included once for each target.
#if defined(KITH_SIMD_REDUCE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KITH_SIMD_REDUCE_INL_H_
#undef KITH_SIMD_REDUCE_INL_H_
#else
#define KITH_SIMD_REDUCE_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Vectors of at most sixteen 32-bit lanes, and how many of them make sixteen.
constexpr size_t kWidth = HWY_MIN(16, HWY_LANES(float));
constexpr size_t kRegs = 16 / kWidth;
template <class T>
using D32 = hn::CappedTag<T, 16>;
template <class T>
using V32 = hn::Vec<D32<T>>;

// Rows compared side by side, and rows whose sums are finished together.
constexpr size_t kBlockRows = 4;
constexpr size_t kGroupRows = HWY_MAX(kWidth, kBlockRows);

// How far ahead of a scan memory is asked for, bytes. Scans read row after row, with this: the
// processor's own prefetcher falls behind where work lies between reads, most so for narrow types,
// and where several rows are read side by side.
constexpr size_t kScanAhead = 6144;

// Floats are summed in one order on every target: lane i with i + 8, then 4, 2, 1. This is the part
// of it that is between registers.
template <class V>
HWY_INLINE V FoldRegisters(const V (&v)[kRegs]) {
  V sum[kRegs];
  for (size_t i = 0; i < kRegs; ++i) sum[i] = v[i];
  for (size_t half = kRegs / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) sum[i] = hn::Add(sum[i], sum[i + half]);
  }
  return sum[0];
}

#if HWY_TARGET == HWY_SCALAR

template <class V>
HWY_INLINE auto SumLanes(V v) {
  return hn::GetLane(v);
}

template <class V>
HWY_INLINE V SumEach(const V* sums) {
  return sums[0];
}

#else

template <class V>
HWY_INLINE auto SumLanes(V sum) {
  const auto fold = [](auto v) HWY_ATTR {
    const hn::Half<hn::DFromV<decltype(v)>> half;
    return hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v));
  };
  const auto finish = [](auto v) HWY_ATTR {
    v = hn::Add(v, hn::Shuffle1032(v));
    return hn::GetLane(hn::Add(v, hn::Shuffle2301(v)));
  };
  if constexpr (kWidth == 16) return finish(fold(fold(sum)));
  if constexpr (kWidth == 8) return finish(fold(sum));
  if constexpr (kWidth == 4) return finish(sum);
}

// The last two steps of sums in blocks of four lanes: lane 4 * b + i of the result is the sum of
// block b of v[i].
template <class V>
HWY_INLINE V SumBlocks(V v0, V v1, V v2, V v3) {
  const hn::DFromV<V> d;
  const auto pair = [&](V a, V b) HWY_ATTR {
    const hn::Repartition<uint64_t, hn::DFromV<V>> d64;
    const auto a64 = hn::BitCast(d64, a);
    const auto b64 = hn::BitCast(d64, b);
    return hn::Add(hn::BitCast(d, hn::InterleaveLower(d64, a64, b64)),
                   hn::BitCast(d, hn::InterleaveUpper(d64, a64, b64)));
  };
  const V u = pair(v0, v2);
  const V w = pair(v1, v3);
  return hn::Add(hn::OddEven(hn::Shuffle2301(w), u), hn::OddEven(w, hn::Shuffle2301(u)));
}

// Adds neighbouring blocks: of a those before, of b those after, [a0 + a1, b0 + b1, a2 + a3, ...].
template <class V>
HWY_INLINE V AddBlocks(V a, V b) {
  return hn::Add(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(b), a),
                 hn::OddEvenBlocks(b, hn::SwapAdjacentBlocks(a)));
}

// Lane i of the result: the sum of the lanes of sums[i], for kWidth of them. Each step adds the
// halves of two accumulators at once, about two shuffles an accumulator where SumLanes needs four.
template <class V>
HWY_INLINE V SumEach(const V* sums) {
  const hn::DFromV<V> d;
  // Of accumulators a and b, the halves added: a in the lower half of the result, b in the upper.
  const auto two = [&](V a, V b) HWY_ATTR {
    return hn::Add(hn::ConcatLowerLower(d, b, a), hn::ConcatUpperUpper(d, b, a));
  };
  // Block b of quarter(i): what is left of accumulator 4 * b + i.
  const auto quarter = [&](size_t i) HWY_ATTR {
    if constexpr (kWidth == 16) {
      return AddBlocks(two(sums[i], sums[i + 8]), two(sums[i + 4], sums[i + 12]));
    } else if constexpr (kWidth == 8) {
      return two(sums[i], sums[i + 4]);
    } else {
      return sums[i];
    }
  };
  return SumBlocks(quarter(0), quarter(1), quarter(2), quarter(3));
}

// As SumEach, of short rows that lie together: lane i of the result is the sum of the i-th kLanes
// lanes of all the sums, one after the other. kLanes of 4, or of 8 in vectors of 16.
template <size_t kLanes, class V>
HWY_INLINE V SumShort(const V* sums) {
  const hn::DFromV<V> d;
  alignas(64) int32_t lane_of_row[kWidth];
  V v;
  if constexpr (kLanes == 4) {
    v = SumBlocks(sums[0], sums[1], sums[2], sums[3]);
    for (size_t row = 0; row < kWidth; ++row) {
      lane_of_row[row] = static_cast<int32_t>(row % (kWidth / 4) * 4 + row / (kWidth / 4));
    }
  } else {
    static_assert(kLanes == 8 && kWidth == 16);
    v = SumBlocks(AddBlocks(sums[0], sums[1]), AddBlocks(sums[2], sums[3]),
                  AddBlocks(sums[4], sums[5]), AddBlocks(sums[6], sums[7]));
    for (size_t row = 0; row < kWidth; ++row) {
      constexpr int32_t kBlock[4] = {0, 2, 1, 3};
      lane_of_row[row] = kBlock[row % 4] * 4 + static_cast<int32_t>(row / 4);
    }
  }
  return hn::TableLookupLanes(v, hn::SetTableIndices(d, lane_of_row));
}

#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard for each target
