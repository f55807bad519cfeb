// Estimates and codes of the edges of a graph: see kernels.h and quant/edge_code.h.
#include <cmath>
#include <cstring>

#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/edge.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "simd/byte_dot-inl.h"
#include "simd/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

using DF = D32<float>;
using VF = V32<float>;

// Dot products of one query with the codes of kBlocks blocks.
template <int kBits, size_t kBlocks>
struct Dots {
  static constexpr size_t kFields = 8 / kBits;
  VI sums[kBlocks][kRegs];

  HWY_INLINE Dots(const int8_t* query, const std::byte* codes, size_t steps) {
    const DI di;
    for (size_t b = 0; b < kBlocks; ++b) {
      for (size_t r = 0; r < kRegs; ++r) sums[b][r] = hn::Zero(di);
    }
    const auto* groups = reinterpret_cast<const int32_t*>(query);
    const VI mask = hn::Set(di, ((1 << kBits) - 1) * 0x01010101);
    for (size_t s = 0; s < steps; ++s) {
      for (size_t b = 0; b < kBlocks; ++b) {
        const auto* row =
            reinterpret_cast<const int32_t*>(codes + (b * steps + s) * kEdgeStepBytes);
        for (size_t r = 0; r < kRegs; ++r) {
          VI x = hn::LoadU(di, row + r * kWidth);
          for (size_t f = 0; f < kFields; ++f) {
            const VI q = hn::Set(di, groups[s * kFields + f]);
            sums[b][r] = MulAdd4(kBits == 8 ? x : hn::And(x, mask), q, sums[b][r]);
            if constexpr (kBits < 8) x = hn::ShiftRight<kBits>(x);
          }
        }
      }
    }
  }
};

// A bf16 is the upper half of a float.
HWY_INLINE VF LoadBf16(const uint16_t* p) {
  const D32<uint32_t> du;
  const hn::Rebind<uint16_t, DF> d16;
  return hn::BitCast(DF(), hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(d16, p))));
}

template <int kBits, size_t kBlocks>
HWY_INLINE void EstimateBlocks(const int8_t* query, const std::byte* codes, size_t steps,
                               const uint16_t* weights, const uint16_t* offsets,
                               const EdgeTerms& terms, float* estimates, uint16_t* passing) {
  const DF d;
  const Dots<kBits, kBlocks> dots(query, codes, steps);
  for (size_t b = 0; b < kBlocks; ++b) {
    uint32_t bits = 0;
    for (size_t r = 0; r < kRegs; ++r) {
      const size_t at = b * kEdgeLanes + r * kWidth;
      const VF dot = hn::ConvertTo(d, dots.sums[b][r]);
      const VF sum = hn::MulAdd(dot, hn::Set(d, terms.scale), hn::Set(d, terms.shift));
      const VF estimate = hn::MulAdd(sum, LoadBf16(weights + at),
                                     hn::Add(hn::Set(d, terms.base), LoadBf16(offsets + at)));
      hn::Store(estimate, d, estimates + at);
      uint8_t mask[8] = {};
      hn::StoreMaskBits(d, hn::Lt(estimate, hn::Set(d, terms.limit)), mask);
      bits |= (mask[0] | static_cast<uint32_t>(mask[1]) << 8) << (r * kWidth);
    }
    passing[b] = static_cast<uint16_t>(bits);
  }
}

template <int kBits>
void Estimate(const int8_t* query, const std::byte* codes, size_t steps, size_t num_blocks,
              const uint16_t* weights, const uint16_t* offsets, const EdgeTerms& terms,
              float* estimates, uint16_t* passing) {
  const size_t block_bytes = steps * kEdgeStepBytes;
  size_t b = 0;
  for (; b + 2 <= num_blocks; b += 2) {
    const size_t at = b * kEdgeLanes;
    EstimateBlocks<kBits, 2>(query, codes + b * block_bytes, steps, weights + at, offsets + at,
                             terms, estimates + at, passing + b);
  }
  if (b < num_blocks) {
    const size_t at = b * kEdgeLanes;
    EstimateBlocks<kBits, 1>(query, codes + b * block_bytes, steps, weights + at, offsets + at,
                             terms, estimates + at, passing + b);
  }
}

// Coordinates encoded at a time: of whole steps, whatever the bits.
constexpr size_t kChunk = 32;

// Sums over coordinates in 16 lanes.
struct Sums {
  VF lanes[kRegs];
  HWY_INLINE Sums() {
    for (VF& v : lanes) v = hn::Zero(DF());
  }
  HWY_INLINE float Total() const { return SumLanes(FoldRegisters(lanes)); }
};

HWY_INLINE void AddSquares(const float* v, const float* y, size_t n, Sums& rho2) {
  const DF d;
  for (size_t i = 0; i < n; i += 16) {
    for (size_t r = 0; r < kRegs; ++r) {
      const size_t at = i + r * kWidth;
      const VF diff = hn::Sub(hn::LoadU(d, y + at), hn::LoadU(d, v + at));
      rho2.lanes[r] = hn::MulAdd(diff, diff, rho2.lanes[r]);
    }
  }
}

template <int kBits>
HWY_INLINE void EncodeChunk(const float* v, const float* y, float scale, uint8_t* codes, Sums& gr,
                            Sums& gv) {
  constexpr int kHalf = 1 << (kBits - 1);
  const DF d;
  const D32<int32_t> di;
  const hn::Rebind<uint8_t, DF> d8;
  for (size_t i = 0; i < kChunk; i += 16) {
    for (size_t r = 0; r < kRegs; ++r) {
      const size_t at = i + r * kWidth;
      const VF from = hn::LoadU(d, v + at);
      const VF diff = hn::Sub(hn::LoadU(d, y + at), from);
      V32<int32_t> level = hn::Zero(di);
      if constexpr (kBits > 1) {
        const VF scaled = hn::Mul(hn::Abs(diff), hn::Set(d, scale));
        level = hn::ConvertTo(di, hn::Min(scaled, hn::Set(d, static_cast<float>(kHalf - 1))));
      }
      const auto negative = hn::VecFromMask(di, hn::RebindMask(di, hn::Lt(diff, hn::Zero(d))));
      level = hn::Xor(level, negative);  // or -1 - level
      const VF g = hn::Add(hn::ConvertTo(d, level), hn::Set(d, 0.5f));
      gr.lanes[r] = hn::MulAdd(g, diff, gr.lanes[r]);
      gv.lanes[r] = hn::MulAdd(g, from, gv.lanes[r]);
      hn::StoreU(hn::DemoteTo(d8, hn::Add(level, hn::Set(di, kHalf))), d8, codes + at);
    }
  }
}

// The word of one step from the codes of its coordinates, a byte each: two fields at a time.
template <int kBits>
HWY_INLINE uint32_t PackStep(const uint8_t* codes) {
  constexpr size_t kFields = 8 / kBits;
  if constexpr (kFields == 1) {
    uint32_t word;
    std::memcpy(&word, codes, 4);
    return word;
  }
  uint64_t pairs = 0;
  for (size_t f = 0; f < kFields; f += 2) {
    uint64_t next;
    std::memcpy(&next, codes + 4 * f, 8);
    pairs |= next << (f * kBits);
  }
  return static_cast<uint32_t>(pairs | pairs >> (32 - kBits));
}

template <int kBits>
EdgeSums Encode(const float* v, const float* y, size_t dim, float rounding, std::byte* block,
                size_t steps, size_t lane) {
  constexpr size_t kChunkSteps = kChunk * kBits / 32;
  std::byte* words = block + 4 * lane;
  const auto write = [&](size_t step, uint32_t word) {
    std::memcpy(words + step * kEdgeStepBytes, &word, 4);
  };
  const size_t whole = dim / kChunk * kChunk;
  const size_t rest = dim - whole;
  alignas(64) float v_rest[kChunk] = {};
  alignas(64) float y_rest[kChunk] = {};
  std::memcpy(v_rest, v + whole, rest * sizeof(float));
  std::memcpy(y_rest, y + whole, rest * sizeof(float));
  Sums squares;
  AddSquares(v, y, whole, squares);
  if (rest > 0) AddSquares(v_rest, y_rest, kChunk, squares);
  const float rho2 = squares.Total();
  if (rho2 == 0) {
    for (size_t s = 0; s < steps; ++s) write(s, 0);
    return {0, 0, 0};
  }
  const float scale = rounding / std::sqrt(rho2);
  Sums gr;
  Sums gv;
  alignas(64) uint8_t codes[kChunk];
  size_t step = 0;
  for (size_t i = 0; i < whole; i += kChunk) {
    EncodeChunk<kBits>(v + i, y + i, scale, codes, gr, gv);
    for (size_t s = 0; s < kChunkSteps; ++s) write(step++, PackStep<kBits>(codes + s * 32 / kBits));
  }
  if (rest > 0) {
    EncodeChunk<kBits>(v_rest, y_rest, scale, codes, gr, gv);
    std::memset(codes + rest, 0, kChunk - rest);
    for (size_t s = 0; s < kChunkSteps && step < steps; ++s) {
      write(step++, PackStep<kBits>(codes + s * 32 / kBits));
    }
  }
  while (step < steps) write(step++, 0);
  return {rho2, gr.Total(), gv.Total()};
}

template <int kBits>
void Fill(EdgeEstimateFn& estimate, EdgeEncodeFn& encode) {
  estimate = &Estimate<kBits>;
  encode = &Encode<kBits>;
}

}  // namespace

void FillEdge(Kernels* kernels) {
  Fill<1>(kernels->edge_estimate[0], kernels->edge_encode[0]);
  Fill<2>(kernels->edge_estimate[1], kernels->edge_encode[1]);
  Fill<4>(kernels->edge_estimate[2], kernels->edge_encode[2]);
  Fill<8>(kernels->edge_estimate[3], kernels->edge_encode[3]);
}

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith::simd {

HWY_EXPORT(FillEdge);
void FillEdgeKernels(Kernels* kernels) { HWY_DYNAMIC_DISPATCH(FillEdge)(kernels); }

}  // namespace kith::simd
#endif
