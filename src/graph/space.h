// What a graph is built on: distinct vectors, near ones side by side, compared by one kernel.
#ifndef KITH_GRAPH_SPACE_H_
#define KITH_GRAPH_SPACE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/aligned_buffer.h"
#include "graph/frame.h"
#include "kith/status.h"
#include "kith/types.h"
#include "search/scorer.h"
#include "search/top_k.h"
#include "simd/kernels.h"

namespace kith::graph {

// Vectors compared as the metric orders them: as they are where they are bytes or bits and their
// metric's kernel takes these; as float32 for Manhattan and Hamming; else mapped to a frame and
// rounded to signed bytes, four times as fast as floats, or, where bytes tell too few neighbours
// apart, as float32.
class Space {
 public:
  // `order`: node -> row. Errors: OutOfMemory.
  static Result<Space> Create(const MatrixView& rows, Metric metric,
                              std::span<const uint32_t> order, const Frame& frame, bool as_floats,
                              ThreadPool& pool);

  size_t size() const { return table_.rows.rows; }
  // The rows, for a Scorer; metric euclidean, manhattan or hamming.
  const search::VectorTable& table() const { return table_; }
  // Whether coordinates were rounded.
  bool rounded() const { return rounded_; }
  size_t stride() const { return table_.rows.stride; }
  const std::byte* row(size_t node) const { return rows_.data() + node * stride(); }

  // distances[i * count + j] between gathered rows i and j: [count, stride()], 64-byte aligned.
  void AllPairs(const std::byte* gathered, size_t count, float* distances) const {
    kernel_.tile(gathered, stride(), count, gathered, stride(), count, kernel_dim_, distances,
                 count);
  }
  void ToNodes(uint32_t node, const uint32_t* nodes, size_t count, float* distances) const {
    kernel_.ids(row(node), rows_.data(), stride(), nodes, count, kernel_dim_, distances);
  }

 private:
  Status Map(const MatrixView& rows, std::span<const uint32_t> order, const Frame& frame,
             bool as_floats, ThreadPool& pool);

  AlignedBuffer<std::byte> rows_;
  search::VectorTable table_;
  simd::DistanceKernel kernel_;
  size_t kernel_dim_ = 0;
  bool rounded_ = false;
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_SPACE_H_
