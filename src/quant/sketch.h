// Short float vectors that keep most of the distances: the space in which trees are grown.
//
// Data of up to kMaxSketchDim dimensions is only centred. Wider data is projected on its leading
// principal directions, found by subspace iteration on a sample (Halko, Martinsson & Tropp, SIAM
// Review 2011).
#ifndef KITH_QUANT_SKETCH_H_
#define KITH_QUANT_SKETCH_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"
#include "quant/geometry.h"

namespace kith::quant {

inline constexpr size_t kMaxSketchDim = 112;

// The projection, as stored in a file: mean [dim] and basis [sketch_dim, dim] (absent if the sketch
// is the centred vector itself). A view; thread-safe.
class SketchMap {
 public:
  SketchMap() = default;
  SketchMap(std::span<const float> mean, std::span<const float> basis, size_t sketch_dim);

  size_t dim() const { return mean_.size(); }
  size_t sketch_dim() const { return sketch_dim_; }
  std::span<const float> mean() const { return mean_; }
  std::span<const float> basis() const { return basis_; }

  // Floats of scratch that Project() needs.
  size_t ScratchFloats() const { return RoundUp(dim(), 64); }
  // out[0..sketch_dim) = basis * (x - mean). `x` is overwritten; 64-byte aligned, ScratchFloats().
  void Project(float* x, float* out) const;

 private:
  std::span<const float> mean_;
  std::span<const float> basis_;
  size_t sketch_dim_ = 0;
};

// Floats from one sketch to the next: whole vectors of 16.
constexpr size_t SketchStride(size_t sketch_dim) { return RoundUp(sketch_dim, 16); }

// The dimension that sketches of `dim`-dimensional data have.
size_t SketchDim(size_t dim);

// What a SketchMap views.
struct TrainedSketch {
  std::vector<float> mean;
  std::vector<float> basis;
  size_t sketch_dim = 0;
  SketchMap Map() const { return {mean, basis, sketch_dim}; }
};

// Learns the projection from a sample of the rows, or of those that `only` names if it is not
// empty. Deterministic for a seed.
// Cost: O(sample * dim * sketch_dim). Errors: OutOfMemory.
Result<TrainedSketch> TrainSketch(const MatrixView& rows, const Geometry& geometry, uint64_t seed,
                                  ThreadPool& pool, std::span<const uint32_t> only = {});

// Sketches of all rows: float32 [rows, SketchStride(sketch_dim)]; of rows order[0], order[1], ...
// unless that is empty. Errors: OutOfMemory.
Result<AlignedBuffer<float>> SketchRows(const MatrixView& rows, const Geometry& geometry,
                                        const SketchMap& map, ThreadPool& pool,
                                        std::span<const uint32_t> order = {});

// How the bytes of a sketch stand for its coordinates: centre + step * (byte - 128).
struct SketchLevels {
  std::vector<float> centre;  // [sketch_dim]
  float step = 0;             // 0: all rows are the same
  bool around_zero = true;    // all of centre is 0

  // Levels from centre - half_range to centre + half_range. REQUIRES: 0 < half_range, finite.
  static SketchLevels Around(std::vector<float> centre, float half_range);
  // Writes ByteStride(centre.size()) bytes, the nearest levels, those that pad the row 128.
  void Round(const float* sketch, uint8_t* out) const;
};

// Bytes from one rounded sketch to the next.
constexpr size_t ByteStride(size_t sketch_dim) { return sketch_dim <= 64 ? 64 : 128; }

// Sketches rounded to bytes, for projections at four times the speed of floats: one scale for all
// coordinates, so that angles stay; the farthest thousandth of them is clamped.
struct ByteSketches {
  AlignedBuffer<uint8_t> rows;  // [n, ByteStride(sketch_dim)]
  SketchLevels levels;
};

// `sketches` as from SketchRows. Deterministic. Errors: OutOfMemory.
Result<ByteSketches> RoundSketches(const float* sketches, size_t n, size_t sketch_dim,
                                   ThreadPool& pool);

}  // namespace kith::quant

#endif  // KITH_QUANT_SKETCH_H_
