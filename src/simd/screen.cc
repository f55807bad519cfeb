// Ruling out rows by the bounds of their 8-bit codes.
#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/screen.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, kScreenRows>;
using DU = hn::RebindToUnsigned<D>;
using V = hn::Vec<D>;
constexpr size_t kWidth = HWY_MIN(kScreenRows, HWY_LANES(float));
constexpr size_t kRegs = kScreenRows / kWidth;
constexpr size_t kBoundBytes = 8;

// Queries and blocks whose sums are kept in registers. One query alone waits for memory, and is
// fastest if that is read strictly in order, asked for so many bytes ahead.
constexpr size_t kQueries = kRegs == 1 ? 4 : 2;
constexpr size_t kBlocks = kRegs == 1 ? 2 : 1;
constexpr size_t kScanAhead = 12288;

// What is stored of kWidth rows besides their codes.
struct Bounds {
  V norm, step, error;

  HWY_INLINE explicit Bounds(const std::byte* p) {
    const D d;
    const DU du;
    hn::Vec<DU> norms;
    hn::Vec<DU> rest;
    hn::LoadInterleaved2(du, reinterpret_cast<const uint32_t*>(p), norms, rest);
    norm = hn::BitCast(d, norms);
    // A bf16 is the upper half of a float.
    step = hn::BitCast(d, hn::ShiftLeft<16>(rest));
    error = hn::BitCast(d, hn::And(rest, hn::Set(du, 0xFFFF0000u)));
  }
};

// Bit i is set if row i of kWidth rows is not ruled out.
HWY_INLINE uint32_t Passing(VI dots, const Bounds& row, const ScreenQuery& query) {
  const D d;
  const V dot = hn::ConvertTo(d, hn::Sub(dots, hn::Set(DI(), query.offset)));
  const V rows = hn::MulAdd(row.error, hn::Set(d, query.terms.error_weight),
                            hn::Mul(row.norm, hn::Set(d, query.terms.norm_weight)));
  const V v = hn::MulAdd(hn::Mul(row.step, dot), hn::Set(d, query.terms.dot_weight), rows);
  return BitsOf(d, hn::Not(hn::Gt(v, hn::Set(d, query.terms.limit))));
}

// Q queries by B blocks.
template <size_t Q, size_t B, bool kPrefetch>
HWY_INLINE void ScreenBlocks(const ScreenQuery* queries, const std::byte* blocks, size_t groups,
                             uint16_t* passing, size_t stride) {
  const DI di;
  const size_t block_bytes = ScreenBlockBytes(groups);
  VI sums[Q][B][kRegs];
  for (size_t q = 0; q < Q; ++q) {
    for (size_t b = 0; b < B; ++b) {
      for (size_t r = 0; r < kRegs; ++r) sums[q][b][r] = hn::Zero(di);
    }
  }
  for (size_t g = 0; g < groups; ++g) {
    VI x[B][kRegs];
    for (size_t b = 0; b < B; ++b) {
      const std::byte* p = blocks + b * block_bytes + g * kScreenRows * 4;
      if constexpr (kPrefetch) hwy::Prefetch(p + kScanAhead);
      for (size_t r = 0; r < kRegs; ++r) {
        x[b][r] = hn::LoadU(di, reinterpret_cast<const int32_t*>(p) + r * kWidth);
      }
    }
    for (size_t q = 0; q < Q; ++q) {
      const VI code = hn::Set(di, reinterpret_cast<const int32_t*>(queries[q].code)[g]);
      for (size_t b = 0; b < B; ++b) {
        for (size_t r = 0; r < kRegs; ++r) sums[q][b][r] = MulAdd4(x[b][r], code, sums[q][b][r]);
      }
    }
  }
  for (size_t b = 0; b < B; ++b) {
    const std::byte* bounds = blocks + b * block_bytes + groups * kScreenRows * 4;
    uint32_t bits[Q] = {};
    for (size_t r = 0; r < kRegs; ++r) {
      const Bounds rows(bounds + r * kWidth * kBoundBytes);
      for (size_t q = 0; q < Q; ++q) {
        bits[q] |= Passing(sums[q][b][r], rows, queries[q]) << (r * kWidth);
      }
    }
    for (size_t q = 0; q < Q; ++q) passing[q * stride + b] = static_cast<uint16_t>(bits[q]);
  }
}

// All blocks for Q queries, B at once.
template <size_t Q, size_t B, bool kPrefetch>
void ScreenAll(const ScreenQuery* queries, const std::byte* blocks, size_t num_blocks,
               size_t groups, uint16_t* passing, size_t stride) {
  const size_t block_bytes = ScreenBlockBytes(groups);
  size_t b = 0;
  for (; b + B <= num_blocks; b += B) {
    ScreenBlocks<Q, B, kPrefetch>(queries, blocks + b * block_bytes, groups, passing + b, stride);
  }
  for (; b < num_blocks; ++b) {
    ScreenBlocks<Q, 1, kPrefetch>(queries, blocks + b * block_bytes, groups, passing + b, stride);
  }
}

void Screen(const ScreenQuery* queries, size_t num_queries, const std::byte* blocks,
            size_t num_blocks, size_t groups, uint16_t* passing, size_t stride) {
  if (num_queries == 1) {
    return ScreenAll<1, 1, true>(queries, blocks, num_blocks, groups, passing, stride);
  }
  // Blocks that stay in the first-level cache for all queries.
  constexpr size_t kCacheBytes = 16 << 10;
  const size_t chunk = HWY_MAX(kCacheBytes / ScreenBlockBytes(groups) / kBlocks, 1) * kBlocks;
  for (size_t first = 0; first < num_blocks; first += chunk) {
    const std::byte* at = blocks + first * ScreenBlockBytes(groups);
    const size_t count = HWY_MIN(chunk, num_blocks - first);
    size_t q = 0;
    for (; q + kQueries <= num_queries; q += kQueries) {
      ScreenAll<kQueries, kBlocks, false>(queries + q, at, count, groups,
                                          passing + q * stride + first, stride);
    }
    for (; q < num_queries; ++q) {
      ScreenAll<1, kBlocks, false>(queries + q, at, count, groups, passing + q * stride + first,
                                   stride);
    }
  }
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
