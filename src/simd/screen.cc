// Ruling out rows by the bounds of their 8-bit codes.
#include <cstring>

#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/screen.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using DU = hn::RebindToUnsigned<D>;
using V = hn::Vec<D>;
constexpr size_t kWidth = HWY_MIN(16, HWY_LANES(float));
constexpr size_t kBoundBytes = 8;

struct Weights {
  V norm, error, dot, limit;
};

// Bit i is set if row i of kWidth rows is not ruled out.
HWY_INLINE uint32_t Passing(const float* dots, const uint32_t* bounds, const Weights& w) {
  const D d;
  const DU du;
  hn::Vec<DU> norms;
  hn::Vec<DU> rest;
  hn::LoadInterleaved2(du, bounds, norms, rest);
  // A bf16 is the upper half of a float.
  const V step = hn::BitCast(d, hn::ShiftLeft<16>(rest));
  const V error = hn::BitCast(d, hn::And(rest, hn::Set(du, 0xFFFF0000u)));
  const V rows = hn::MulAdd(error, w.error, hn::Mul(hn::BitCast(d, norms), w.norm));
  const V v = hn::MulAdd(hn::Mul(step, hn::LoadU(d, dots)), w.dot, rows);
  uint8_t bits[8] = {};
  hn::StoreMaskBits(d, hn::Not(hn::Gt(v, w.limit)), bits);
  return bits[0] | static_cast<uint32_t>(bits[1]) << 8;
}

HWY_INLINE uint32_t* Append(uint32_t passing, uint32_t id, uint32_t* out) {
  for (; passing != 0; passing &= passing - 1)
    *out++ = id + hwy::Num0BitsBelowLS1Bit_Nonzero32(passing);
  return out;
}

size_t Screen(const float* dots, const std::byte* bounds, size_t num_rows, const ScreenTerms& terms,
              uint32_t first_id, uint32_t* out) {
  const D d;
  const Weights w{hn::Set(d, terms.norm_weight), hn::Set(d, terms.error_weight),
                  hn::Set(d, terms.dot_weight), hn::Set(d, terms.limit)};
  uint32_t* end = out;
  const auto* words = reinterpret_cast<const uint32_t*>(bounds);
  size_t i = 0;
  for (; i + kWidth <= num_rows; i += kWidth) {
    end = Append(Passing(dots + i, words + 2 * i, w), first_id + static_cast<uint32_t>(i), end);
  }
  if (i < num_rows) {
    const size_t count = num_rows - i;
    alignas(64) float last_dots[kWidth] = {};
    alignas(64) uint32_t last_bounds[2 * kWidth] = {};
    std::memcpy(last_dots, dots + i, count * sizeof(float));
    std::memcpy(last_bounds, words + 2 * i, count * kBoundBytes);
    const uint32_t passing = Passing(last_dots, last_bounds, w) & ((1u << count) - 1);
    end = Append(passing, first_id + static_cast<uint32_t>(i), end);
  }
  return static_cast<size_t>(end - out);
}

}  // namespace

void FillScreen(Kernels* kernels) { kernels->screen = &Screen; }

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith::simd {

HWY_EXPORT(FillScreen);
void FillScreenKernels(Kernels* kernels) { HWY_DYNAMIC_DISPATCH(FillScreen)(kernels); }

}  // namespace kith::simd
#endif
