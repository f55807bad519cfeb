// A rotated space that vectors are mapped to: where codes are made, and where rows are rounded.
#ifndef KITH_GRAPH_FRAME_H_
#define KITH_GRAPH_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kith/types.h"
#include "quant/geometry.h"
#include "quant/rotation.h"
#include "search/metric_traits.h"

namespace kith::graph {

// Thread-safe.
struct Frame {
  quant::Geometry geometry;
  std::vector<float> mean;  // [geometry.dim()], or empty: 0
  quant::Rotation rotation;

  // Floats that Map() writes.
  size_t dim() const { return rotation.dim(); }
  // Writes row `row` of m, as the geometry has it, less the mean, rotated: [dim()].
  void Map(const MatrixView& m, size_t row, float* out) const;
};

// The mean in a geometry, of a sample evenly spread; 0 where it would cost digits (quant/centre.h).
std::vector<float> MeanOf(const MatrixView& rows, const quant::Geometry& geometry);

// A frame over a geometry, rotated as the signs say: Rotation::SignBytes of its padded dimension.
Frame MakeFrame(const quant::Geometry& geometry, std::vector<float> mean,
                std::span<const uint8_t> signs);

// What MakeFrame() needs for a geometry, from a seed.
std::vector<uint8_t> SignsOf(const quant::Geometry& geometry, uint64_t seed);

// The geometry of edge codes: for dot that of the vectors as they are, since estimates are of
// products of them.
inline quant::Geometry CodeGeometry(Metric metric, size_t dim) {
  return quant::Geometry(search::TraitsOf(metric).products ? Metric::kEuclidean : metric, dim, 0);
}

}  // namespace kith::graph

#endif  // KITH_GRAPH_FRAME_H_
