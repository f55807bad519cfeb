// Rows laid out for batches of queries: a panel holds, for each 32-bit word of a row, that word of
// many rows side by side, so that lanes are rows, a query's word meets all of them at once and no
// sums across lanes are left to do. Included once for each target.
#if defined(KITH_SIMD_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KITH_SIMD_PANEL_INL_H_
#undef KITH_SIMD_PANEL_INL_H_
#else
#define KITH_SIMD_PANEL_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "simd/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {

// On the stack of whichever thread searches, so it is small; rows too long for it are compared
// where they are.
constexpr size_t kPanelBytes = 64 << 10;

// Queries that one call lays out rows for.
constexpr size_t kPanelBatch = 256;

// Vectors of rows by queries, with all their sums in registers: 24 of 32, or 8 of 16.
constexpr bool kManyRegisters = HWY_TARGET != HWY_AVX2;
constexpr size_t kPanelVectors = kManyRegisters ? 4 : 2;
constexpr size_t kPanelQueries = kManyRegisters ? 6 : 4;

#if HWY_TARGET != HWY_SCALAR

// Lays out kVectors * kWidth rows of `num_words` words, rounded up to 4. load(row, chunk, to)
// writes sixteen words of a row; place(word) tells where a word of all rows goes, 64-byte aligned.
template <size_t kVectors, class T, class Load, class Place>
HWY_INLINE void FillPanel(size_t num_words, Load load, Place place) {
  const D32<T> d;
  const hn::Repartition<uint64_t, D32<T>> d64;
  using V = V32<T>;
  alignas(64) T words[kWidth * 16];
  // Words [at, at + 4) of rows i, i + 4, i + 8, ...
  const auto quads = [&](size_t i, size_t at) HWY_ATTR {
    const hn::CappedTag<T, 4> d4;
    const auto quad = [&](size_t block)
                          HWY_ATTR { return hn::Load(d4, words + (i + 4 * block) * 16 + at); };
    if constexpr (kWidth == 16) {
      const hn::Half<D32<T>> half;
      return hn::Combine(d, hn::Combine(half, quad(3), quad(2)),
                         hn::Combine(half, quad(1), quad(0)));
    } else if constexpr (kWidth == 8) {
      return hn::Combine(d, quad(1), quad(0));
    } else {
      return quad(0);
    }
  };
  const auto low = [&](V a, V b) HWY_ATTR {
    return hn::BitCast(d, hn::InterleaveLower(d64, hn::BitCast(d64, a), hn::BitCast(d64, b)));
  };
  const auto high = [&](V a, V b) HWY_ATTR {
    return hn::BitCast(d, hn::InterleaveUpper(d64, hn::BitCast(d64, a), hn::BitCast(d64, b)));
  };
  for (size_t g = 0; g < kVectors * kWidth; g += kWidth) {
    for (size_t chunk = 0; chunk * 16 < num_words; ++chunk) {
      const size_t end = HWY_MIN(num_words - chunk * 16, 16);
      for (size_t r = 0; r < kWidth; ++r) load(g + r, chunk, words + r * 16);
      for (size_t at = 0; at < end; at += 4) {
        const V v0 = quads(0, at), v1 = quads(1, at), v2 = quads(2, at), v3 = quads(3, at);
        const V low01 = hn::InterleaveLower(d, v0, v1);
        const V low23 = hn::InterleaveLower(d, v2, v3);
        const V high01 = hn::InterleaveUpper(d, v0, v1);
        const V high23 = hn::InterleaveUpper(d, v2, v3);
        const size_t word = chunk * 16 + at;
        hn::Store(low(low01, low23), d, place(word) + g);
        hn::Store(high(low01, low23), d, place(word + 1) + g);
        hn::Store(low(high01, high23), d, place(word + 2) + g);
        hn::Store(high(high01, high23), d, place(word + 3) + g);
      }
    }
  }
}

// Asks for the memory of the next panel's rows, a share of it at each of `num_steps` steps of work
// on this one.
class PanelPrefetch {
 public:
  PanelPrefetch(const std::byte* begin, size_t bytes, size_t num_steps)
      : at_(begin), share_(bytes / num_steps + 64) {}

  HWY_INLINE void Step() {
    for (size_t i = 0; i < share_; i += 64) hwy::Prefetch(at_ + i);
    at_ += share_;
  }

 private:
  const std::byte* at_;
  size_t share_;
};

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard for each target
