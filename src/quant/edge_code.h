// Edge codes: a graph's vertex v keeps, for each neighbour y, one to eight bits a coordinate of
// y - v, from which the distances of a query to all neighbours are estimated at once when it visits
// v (RaBitQ: Gao & Long, SIGMOD 2024; per edge: SymphonyQG, Gou et al., SIGMOD 2025). The exact
// distance to v is known then, and the nearer v is to the query the smaller the error.
//
// With r = y - v in rotated coordinates, g its code (levels less their centre) and w = |r|^2 / <g,
// r>:   <r, q - v> ~ w * (<g, q> - <g, v>), without bias over rotations. The standard error is
// |r| |q - v| tan(angle(g, r)) sin(angle(r, q - v)) / sqrt(dim - 1).
#ifndef KITH_QUANT_EDGE_CODE_H_
#define KITH_QUANT_EDGE_CODE_H_

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "kith/status.h"
#include "simd/kernels.h"

namespace kith::quant {

// The shape of a vertex's codes. kernels.h has their layout.
struct EdgeShape {
  size_t dim = 0;     // of the rotated vectors: Rotation::PaddedDim; at most kMaxDim
  int bits = 0;       // 1, 2, 4 or 8
  size_t degree = 0;  // neighbours kept, a multiple of simd::kEdgeLanes

  size_t blocks() const { return degree / simd::kEdgeLanes; }
  // Rows of 64 bytes in a block of 16 neighbours.
  size_t steps() const { return (dim * static_cast<size_t>(bits) + 31) / 32; }
  size_t block_bytes() const { return steps() * simd::kEdgeStepBytes; }
  size_t code_bytes() const { return blocks() * block_bytes(); }
  size_t query_bytes() const { return steps() * (32 / static_cast<size_t>(bits)); }
};

// Whether codes of so many bits a coordinate exist.
constexpr bool IsEdgeBits(uint32_t bits) {
  return bits == 1 || bits == 2 || bits == 4 || bits == 8;
}

// The bits a coordinate that search fastest at equal recall: measured at 100, 128 and 784
// dimensions (docs/graph.md), the bounds between them by the error of estimates.
int EdgeBits(size_t dim);

// What a unit residual is multiplied by before it is rounded, such that the rounded direction is
// closest to the true one.
float EdgeRounding(size_t dim, int bits);

// What is estimated of the query q and a neighbour y.
enum class EdgeMeasure {
  kL2,   // |q - y|^2, from base = |q - v|^2
  kDot,  // -<q, y>, from base = -<q, v>
};

// Encodes the neighbours of a vertex. Thread-safe. Cost: O(dim) for each.
class EdgeEncoder {
 public:
  // REQUIRES: a valid shape.
  EdgeEncoder(EdgeShape shape, EdgeMeasure measure);

  // v and neighbours[0 .. count): rotated vectors, centred (for kL2) on the same mean as queries;
  // dim floats each.
  // Writes codes [code_bytes()], any alignment; weights and offsets, bfloat16 [degree]. Lanes from
  // `count` on are missing neighbours: their estimates are +inf.
  // REQUIRES: count <= degree.
  void Encode(const float* v, const float* const* neighbours, size_t count, std::byte* codes,
              uint16_t* weights, uint16_t* offsets) const;

 private:
  EdgeShape shape_;
  EdgeMeasure measure_;
  float rounding_;
  simd::EdgeEncodeFn encode_;
};

// A query prepared for comparison with edge codes. Reusable scratch; Prepare() is not thread-safe.
class EdgeQuery {
 public:
  // REQUIRES: a valid shape. Errors: OutOfMemory.
  Status Init(const EdgeShape& shape, EdgeMeasure measure);

  // `rotated`: the query in the coordinates of Encode(); centred for kL2, as it is for kDot.
  void Prepare(const float* rotated);

  // Estimates for all neighbours of a vertex, and which are below the limit: bit i of passing[b]
  // for neighbour 16 * b + i. Estimates may be below zero; no NaN passes.
  //   codes, weights, offsets  as Encode() wrote them, or anything of that size; any alignment
  //   base       exact, of the query and the vertex; see EdgeMeasure
  //   estimates  [degree], 64-byte aligned
  //   passing    [blocks()]
  void Estimate(const std::byte* codes, const uint16_t* weights, const uint16_t* offsets,
                float base, float limit, float* estimates, uint16_t* passing) const noexcept {
    estimate_(query_.data(), codes, steps_, blocks_, weights, offsets,
              simd::EdgeTerms{base, scale_, shift_, limit}, estimates, passing);
  }

 private:
  AlignedBuffer<int8_t> query_;
  simd::EdgeEstimateFn estimate_ = nullptr;
  size_t dim_ = 0;
  size_t steps_ = 0;
  size_t blocks_ = 0;
  int bits_ = 0;
  EdgeMeasure measure_ = EdgeMeasure::kL2;
  float scale_ = 0;
  float shift_ = 0;
};

}  // namespace kith::quant

#endif  // KITH_QUANT_EDGE_CODE_H_
