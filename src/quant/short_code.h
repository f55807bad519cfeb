// Short codes: one to four bits a coordinate, from which the distance to any query is estimated
// without bias (RaBitQ: Gao & Long, SIGMOD 2024; more bits: Gao et al., SIGMOD 2025).
//
// A vector x is centred on the mean, rotated at random and rounded to the nearest of 2^bits levels
// a coordinate, after a scaling that makes the rounded direction g closest to the true one. With r
// = R(x - mean), w = |r|^2 / <g, r>:   <x - mean, q - mean> ~ w * <g, R(q - mean)>. The estimate's
// standard error is |x - mean| |q - mean| tan(angle(g, r)) / sqrt(dim - 1).
#ifndef KITH_QUANT_SHORT_CODE_H_
#define KITH_QUANT_SHORT_CODE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"
#include "quant/geometry.h"
#include "quant/rotation.h"
#include "simd/kernels.h"

namespace kith::quant {

// What a stored code begins with.
struct CodeFactors {
  float norm;    // |x - mean|
  float weight;  // w; 0 for a vector equal to the mean
};
static_assert(sizeof(CodeFactors) == 8);

// The shape of the codes of a file. Row: code_bytes of code, CodeFactors, zeros.
struct CodeShape {
  size_t dim = 0;  // of the geometry
  int bits = 0;    // 1, 2 or 4
  size_t rotated_dim() const { return Rotation::PaddedDim(dim); }
  // Bits packed so that byte j holds coordinates j, j + code_bytes, ..., from its lowest bits up.
  size_t code_bytes() const { return RoundUp((rotated_dim() * bits + 7) / 8, 4); }
  // Codes longer than a cache line begin on one if that costs at most a fourth: they are read
  // alone, wherever they lie.
  size_t row_bytes() const {
    const size_t bytes = code_bytes() + sizeof(CodeFactors);
    const size_t lines = RoundUp(bytes, kCacheLine);
    return bytes > kCacheLine && lines - bytes <= bytes / 4 ? lines : PaddedStride(bytes);
  }
  // All rows, and what kernels may read past the last.
  size_t total_bytes(size_t rows) const { return rows * row_bytes() + simd::kQueryPadding; }
};

// The fewest bits whose estimates are good enough to choose what to compare in full.
int CodeBits(size_t dim);

// Encodes rows order[0], order[1], ...: shape.total_bytes(order.size()). Deterministic.
// Errors: OutOfMemory.
Result<AlignedBuffer<std::byte>> EncodeRows(const MatrixView& rows, std::span<const uint32_t> order,
                                            const Geometry& geometry, std::span<const float> mean,
                                            const Rotation& rotation, const CodeShape& shape,
                                            ThreadPool& pool);

// What codes of rows are made with. A view.
struct CodeSpace {
  const Geometry& geometry;
  std::span<const float> mean;
  const Rotation& rotation;
};

// Whether `code` is the one that EncodeRows() makes of a row, but for what sums of floats that were
// rounded otherwise may change; so is one that is followed by anything but zeros, up to
// shape.row_bytes(). Of a row too far from the mean for float32, nothing is known: true.
// `scratch` has room for shape.rotated_dim(). Cost: as encoding it.
bool IsCodeOf(const MatrixView& rows, size_t row, const CodeSpace& space, const CodeShape& shape,
              const std::byte* code, float* scratch);

// A query prepared for comparison with codes. Reusable scratch; not thread-safe.
class CodeQuery {
 public:
  // Errors: OutOfMemory.
  Status Init(const CodeShape& shape);

  // `x` is the query in the geometry, before centring; dim floats.
  void Prepare(const float* x, std::span<const float> mean, const Rotation& rotation);

  // estimates[i] = estimated squared L2 distance in the geometry to row ids[i] of `codes`.
  // errors[i] = the standard error of the estimate. Never NaN: damaged codes give +inf.
  // REQUIRES: num_ids <= kMaxBlock.
  static constexpr size_t kMaxBlock = 256;
  void Estimate(std::span<const std::byte> codes, const uint32_t* ids, size_t num_ids,
                float* estimates, float* errors) const;

 private:
  CodeShape shape_;
  AlignedBuffer<float> rotated_;
  AlignedBuffer<int8_t> query_;
  size_t query_stride_ = 0;
  float squared_norm_ = 0;
  float step_ = 0;         // of the 8-bit query
  float offset_ = 0;       // the constant of <g, q> that the levels' centre brings
  float error_scale_ = 0;  // |q - mean| tan / sqrt(dim - 1)
};

}  // namespace kith::quant

#endif  // KITH_QUANT_SHORT_CODE_H_
