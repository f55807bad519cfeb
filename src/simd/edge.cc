// Estimates and codes of the edges of a graph: see kernels.h and quant/edge_code.h.
#include <cmath>
#include <cstring>

#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/edge.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "simd/lanes-inl.h"
#include "simd/load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

// The lowest field of each byte, of less than eight bits.
template <int kBits>
constexpr int32_t kFieldMask = (1 << (kBits % 8)) * 0x01010101 - 0x01010101;

#if KITH_SIMD_PAIRS

// Adds the products of one step, whose fields are shorter than a byte. They fit 16 bits: at most
// 2 * 15 * 128 in a pair of one field, less the more fields there are.
template <int kBits, size_t kBlocks>
HWY_INLINE void AddFields(const int32_t* groups, VI (&x)[kBlocks][kRegs],
                          VI (&dots)[kBlocks][kRegs]) {
  const DI di;
  const hn::Repartition<int16_t, DI> d16;
  hn::Vec<decltype(d16)> pairs[kBlocks][kRegs];
  for (auto& block : pairs) {
    for (auto& sum : block) sum = hn::Zero(d16);
  }
  for (size_t f = 0; f < 8 / kBits; ++f) {
    const VI q = hn::Set(di, groups[f]);
    for (size_t b = 0; b < kBlocks; ++b) {
      for (size_t r = 0; r < kRegs; ++r) {
        const VI field = hn::And(x[b][r], hn::Set(di, kFieldMask<kBits>));
        pairs[b][r] = hn::Add(pairs[b][r], hn::BitCast(d16, MulBytePairs(field, q)));
        x[b][r] = hn::ShiftRight<kBits>(x[b][r]);
      }
    }
  }
  const VI ones = hn::BitCast(di, hn::Set(d16, 1));
  for (size_t b = 0; b < kBlocks; ++b) {
    for (size_t r = 0; r < kRegs; ++r) {
      dots[b][r] = hn::Add(dots[b][r], MulPairs(hn::BitCast(di, pairs[b][r]), ones));
    }
  }
}

#elif HWY_TARGET != HWY_AVX3_DL

template <int kBits, size_t kBlocks>
HWY_INLINE void AddFields(const int32_t* groups, VI (&x)[kBlocks][kRegs],
                          VI (&dots)[kBlocks][kRegs]) {
  const DI di;
  for (size_t f = 0; f < 8 / kBits; ++f) {
    const VI q = hn::Set(di, groups[f]);
    for (size_t b = 0; b < kBlocks; ++b) {
      for (size_t r = 0; r < kRegs; ++r) {
        dots[b][r] = MulAdd4(hn::And(x[b][r], hn::Set(di, kFieldMask<kBits>)), q, dots[b][r]);
        x[b][r] = hn::ShiftRight<kBits>(x[b][r]);
      }
    }
  }
}

#endif  // KITH_SIMD_PAIRS

// Dot products of one query with the codes of kBlocks blocks, a neighbour to a lane.
#if HWY_TARGET == HWY_AVX3_DL

template <int kBits, size_t kBlocks>
HWY_INLINE void DotBlocks(const int8_t* query, const std::byte* codes, size_t steps,
                          VI (&dots)[kBlocks][kRegs]) {
  const DI di;
  // Products are added to sums of which there are enough that none is waited for. Those of a field
  // that is masked, not shifted, are too large by a factor that the sum is divided by at the end.
  constexpr size_t kFields = 8 / kBits;
  constexpr size_t kAtOnce = kFields < 4 ? 4 / kFields : 1;
  VI sums[kBlocks][kAtOnce][kFields];
  for (auto& block : sums) {
    for (auto& step : block) {
      for (VI& sum : step) sum = hn::Zero(di);
    }
  }
  const auto* groups = reinterpret_cast<const int32_t*>(query);
  const auto add = [&](size_t step, size_t which) HWY_ATTR {
    VI x[kBlocks];
    for (size_t b = 0; b < kBlocks; ++b) {
      const std::byte* row = codes + (b * steps + step) * kEdgeStepBytes;
      x[b] = hn::LoadU(di, reinterpret_cast<const int32_t*>(row));
    }
    for (size_t f = 0; f < kFields; ++f) {
      const VI q = hn::Set(di, groups[step * kFields + f]);
      for (size_t b = 0; b < kBlocks; ++b) {
        VI field = x[b];
        if constexpr (kBits < 8) {
          field = hn::And(
              field, hn::Set(di, static_cast<int32_t>(uint32_t{kFieldMask<kBits>} << (f * kBits))));
        }
        sums[b][which][f] = MulAdd4(field, q, sums[b][which][f]);
      }
    }
  };
  size_t s = 0;
  for (; s + kAtOnce <= steps; s += kAtOnce) {
    for (size_t i = 0; i < kAtOnce; ++i) add(s + i, i);
  }
  for (; s < steps; ++s) add(s, 0);
  for (size_t b = 0; b < kBlocks; ++b) {
    dots[b][0] = hn::Zero(di);
    for (size_t f = 0; f < kFields; ++f) {
      VI sum = sums[b][0][f];
      for (size_t i = 1; i < kAtOnce; ++i) sum = hn::Add(sum, sums[b][i][f]);
      dots[b][0] = hn::Add(dots[b][0], hn::ShiftRightSame(sum, static_cast<int>(f) * kBits));
    }
  }
}

#else

template <int kBits, size_t kBlocks>
HWY_INLINE void DotBlocks(const int8_t* query, const std::byte* codes, size_t steps,
                          VI (&dots)[kBlocks][kRegs]) {
  const DI di;
  constexpr size_t kFields = 8 / kBits;
  for (auto& block : dots) {
    for (VI& dot : block) dot = hn::Zero(di);
  }
  const auto* groups = reinterpret_cast<const int32_t*>(query);
  for (size_t s = 0; s < steps; ++s) {
    VI x[kBlocks][kRegs];
    for (size_t b = 0; b < kBlocks; ++b) {
      const std::byte* row = codes + (b * steps + s) * kEdgeStepBytes;
      for (size_t r = 0; r < kRegs; ++r) {
        x[b][r] = hn::LoadU(di, reinterpret_cast<const int32_t*>(row) + r * kWidth);
      }
    }
    if constexpr (kBits == 8) {
      const VI q = hn::Set(di, groups[s]);
      for (size_t b = 0; b < kBlocks; ++b) {
        for (size_t r = 0; r < kRegs; ++r) dots[b][r] = MulAdd4(x[b][r], q, dots[b][r]);
      }
    } else {
      AddFields<kBits>(groups + s * kFields, x, dots);
    }
  }
}

#endif  // HWY_TARGET == HWY_AVX3_DL

// A bf16 is the upper half of a float.
HWY_INLINE V LoadBf16(const uint16_t* p) {
  const D32<uint32_t> du;
  const hn::Rebind<uint16_t, D> d16;
  return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(d16, p))));
}

template <int kBits, size_t kBlocks>
HWY_INLINE void EstimateBlocks(const int8_t* query, const std::byte* codes, size_t steps,
                               const uint16_t* weights, const uint16_t* offsets,
                               const EdgeTerms& terms, float* estimates, uint16_t* passing) {
  const D d;
  VI dots[kBlocks][kRegs];
  DotBlocks<kBits>(query, codes, steps, dots);
  for (size_t b = 0; b < kBlocks; ++b) {
    uint32_t bits = 0;
    for (size_t r = 0; r < kRegs; ++r) {
      const size_t at = b * kEdgeLanes + r * kWidth;
      const V dot = hn::ConvertTo(d, dots[b][r]);
      const V sum = hn::MulAdd(dot, hn::Set(d, terms.scale), hn::Set(d, terms.shift));
      const V estimate = hn::MulAdd(sum, LoadBf16(weights + at),
                                    hn::Add(hn::Set(d, terms.base), LoadBf16(offsets + at)));
      hn::Store(estimate, d, estimates + at);
      bits |= BitsOf(d, hn::Lt(estimate, hn::Set(d, terms.limit))) << (r * kWidth);
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

// Sums over coordinates in 16 lanes.
struct Sums {
  V lanes[kRegs];
  HWY_INLINE Sums() {
    for (V& v : lanes) v = hn::Zero(D());
  }
  HWY_INLINE float Total() const { return SumLanes(FoldRegisters(lanes)); }
};

// The codes of n coordinates, at most 16, a byte each; zeros beyond.
template <int kBits, bool kWhole>
HWY_INLINE void EncodeRow(const Float16& v, const Float16& y, V scale, size_t n, uint8_t* codes,
                          Sums& gr, Sums& gv) {
  constexpr int kHalf = 1 << (kBits - 1);
  const D d;
  const DI di;
  const hn::Rebind<uint8_t, D> d8;
  for (size_t r = 0; r < kRegs; ++r) {
    const V diff = hn::Sub(y.v[r], v.v[r]);
    VI level = hn::Zero(di);
    if constexpr (kBits > 1) {
      const V scaled = hn::Mul(hn::Abs(diff), scale);
      level = hn::ConvertTo(di, hn::Min(scaled, hn::Set(d, static_cast<float>(kHalf - 1))));
    }
    const VI negative = hn::VecFromMask(di, hn::RebindMask(di, hn::Lt(diff, hn::Zero(d))));
    level = hn::Xor(level, negative);  // or -1 - level
    const V g = hn::Add(hn::ConvertTo(d, level), hn::Set(d, 0.5f));
    gr.lanes[r] = hn::MulAdd(g, diff, gr.lanes[r]);
    gv.lanes[r] = hn::MulAdd(g, v.v[r], gv.lanes[r]);
    VI code = hn::Add(level, hn::Set(di, kHalf));
    if constexpr (!kWhole) {
      const size_t left = n > r * kWidth ? HWY_MIN(n - r * kWidth, kWidth) : 0;
      code = hn::IfThenElseZero(hn::FirstN(di, left), code);
    }
    hn::StoreU(hn::DemoteTo(d8, code), d8, codes + r * kWidth);
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

// |y - v|^2
HWY_INLINE float SquaredDistance(const float* v, const float* y, size_t dim) {
  Sums sums;
  const auto add = [&](const Float16& from, const Float16& to) HWY_ATTR {
    for (size_t r = 0; r < kRegs; ++r) {
      const V diff = hn::Sub(to.v[r], from.v[r]);
      sums.lanes[r] = hn::MulAdd(diff, diff, sums.lanes[r]);
    }
  };
  Float16 from;
  Float16 to;
  size_t i = 0;
  for (; i + 16 <= dim; i += 16) {
    LoadRow(v + i, from);
    LoadRow(y + i, to);
    add(from, to);
  }
  if (i < dim) {
    LoadRowTail(v + i, dim - i, from);
    LoadRowTail(y + i, dim - i, to);
    add(from, to);
  }
  return sums.Total();
}

template <int kBits>
EdgeSums Encode(const float* v, const float* y, size_t dim, float rounding, std::byte* block,
                size_t steps, size_t lane) {
  // Coordinates at a time, of whole steps.
  constexpr size_t kChunk = kBits == 1 ? 32 : 16;
  constexpr size_t kChunkSteps = kChunk * kBits / 32;
  std::byte* words = block + 4 * lane;
  const auto write = [&](size_t step, uint32_t word) {
    std::memcpy(words + step * kEdgeStepBytes, &word, 4);
  };
  const float rho2 = SquaredDistance(v, y, dim);
  if (rho2 == 0) {
    for (size_t s = 0; s < steps; ++s) write(s, 0);
    return {0, 0, 0};
  }
  const V scale = hn::Set(D(), rounding / std::sqrt(rho2));
  Sums gr;
  Sums gv;
  size_t step = 0;
  for (size_t begin = 0; begin < dim; begin += kChunk) {
    alignas(64) uint8_t codes[kChunk];
    for (size_t c = 0; c < kChunk; c += 16) {
      const size_t i = begin + c;
      Float16 from;
      Float16 to;
      if (i + 16 <= dim) {
        LoadRow(v + i, from);
        LoadRow(y + i, to);
        EncodeRow<kBits, true>(from, to, scale, 16, codes + c, gr, gv);
      } else if (i < dim) {
        LoadRowTail(v + i, dim - i, from);
        LoadRowTail(y + i, dim - i, to);
        EncodeRow<kBits, false>(from, to, scale, dim - i, codes + c, gr, gv);
      } else {
        std::memset(codes + c, 0, 16);
      }
    }
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
