#include "quant/edge_code.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/float16.h"
#include "quant/rabitq.h"

namespace kith::quant {
namespace {

int KernelOf(int bits) { return std::countr_zero(static_cast<unsigned>(bits)); }

}  // namespace

int EdgeBits(size_t dim) { return dim >= 384 ? 1 : dim >= 112 ? 2 : 4; }

float EdgeRounding(size_t dim, int bits) {
  // Coordinates of few are never as far out as a Gaussian's can be: levels fitted to random
  // directions of 2 to 4096 dimensions narrow like this.
  constexpr float kNarrowing[4] = {0, 0.7f, 2, 5};
  const auto d = static_cast<float>(dim);
  return std::sqrt(d) / LevelsOf(bits).width * (1 + kNarrowing[KernelOf(bits)] / d);
}

EdgeEncoder::EdgeEncoder(EdgeShape shape, EdgeMeasure measure)
    : shape_(shape),
      measure_(measure),
      rounding_(EdgeRounding(shape.dim, shape.bits)),
      encode_(simd::GetKernels().edge_encode[KernelOf(shape.bits)]) {}

void EdgeEncoder::Encode(const float* v, const float* const* neighbours, size_t count,
                         std::byte* codes, uint16_t* weights, uint16_t* offsets) const {
  constexpr size_t kAhead = 4;
  const auto prefetch = [&](size_t i) {
    if (i >= count) return;
    const auto* row = reinterpret_cast<const std::byte*>(neighbours[i]);
    for (size_t at = 0; at < shape_.dim * sizeof(float); at += kCacheLine) {
      __builtin_prefetch(row + at);
    }
  };
  for (size_t i = 0; i < kAhead; ++i) prefetch(i);
  const size_t block_bytes = shape_.block_bytes();
  for (size_t i = 0; i < shape_.degree; ++i) {
    prefetch(i + kAhead);
    std::byte* block = codes + i / simd::kEdgeLanes * block_bytes;
    // A vertex is its own missing neighbour: r = 0.
    const simd::EdgeSums sums = encode_(v, i < count ? neighbours[i] : v, shape_.dim, rounding_,
                                        block, shape_.steps(), i % simd::kEdgeLanes);
    const bool coded = sums.gr > 0;
    weights[i] = coded ? F32ToBf16(sums.rho2 / sums.gr) : 0;
    float offset = 0;
    if (i >= count) {
      offset = std::numeric_limits<float>::infinity();
    } else if (coded && measure_ == EdgeMeasure::kL2) {
      // With the weight as it is stored, such that the estimate for y itself comes out at zero:
      // rho2 + offset - 2 w (<g, v> + <g, r>) = 0. Near v, where a wrong weight then shows, no
      // estimate decides anything.
      offset = 2 * Bf16ToF32(weights[i]) * (sums.gv + sums.gr) - sums.rho2;
    }
    offsets[i] = F32ToBf16(offset);
  }
}

Status EdgeQuery::Init(const EdgeShape& shape, EdgeMeasure measure) {
  KITH_ASSIGN_OR_RETURN(query_, AlignedBuffer<int8_t>::Create(shape.query_bytes()));
  estimate_ = simd::GetKernels().edge_estimate[KernelOf(shape.bits)];
  dim_ = shape.dim;
  steps_ = shape.steps();
  blocks_ = shape.blocks();
  bits_ = shape.bits;
  measure_ = measure;
  return Status::Ok();
}

void EdgeQuery::Prepare(const float* rotated) {
  const ByteSteps steps = StepsOf(rotated, dim_);
  const int32_t sum = RoundToBytes(rotated, dim_, steps, query_.data());
  scale_ = measure_ == EdgeMeasure::kL2 ? -2 * steps.step : -steps.step;
  // Levels are counted from 0, and lie around 0.
  const float centre = 0.5f * static_cast<float>((1 << bits_) - 1);
  shift_ = -scale_ * centre * static_cast<float>(sum);
}

}  // namespace kith::quant
