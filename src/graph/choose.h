// Packed or compact: measured on the graph itself.
#ifndef KITH_GRAPH_CHOOSE_H_
#define KITH_GRAPH_CHOOSE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "graph/packed_store.h"
#include "graph/store.h"
#include "kith/status.h"
#include "kith/types.h"
#include "search/scorer.h"

namespace kith::graph {

// What searches of both layouts find of the true neighbours in about the same time: those by codes
// with a beam twice as wide. Hard sets need a wider beam by codes than without (Gaussians of 128
// dimensions 1.4 times), which is no reason to do without them.
struct LayoutRecall {
  double packed = 0;
  double compact = 0;

  // Whether the codes cost more than their speed is worth. Where clusters are tight and far apart,
  // what the rounding of the query leaves out is larger than the distances within one.
  bool PrefersCompact() const { return packed < compact - 0.05; }
  // Whether they cost so much that other edges would not change it.
  bool ClearlyPrefersCompact() const { return packed < compact - 0.25; }
};

// Searches for some nodes of a graph as if they were not in it, by the codes and by the same edges
// without. Deterministic. Immutable.
class LayoutMeter {
 public:
  // Finds the true neighbours of some nodes. Cost: O(nodes * dim) distances for a hundred nodes, a
  // few per cent of a build. Errors: those of the pool's loops.
  //   rotated  f32 [num_nodes, dim]: the nodes' vectors as Frame::Map() gives them; inner products
  //            of these order them for dot, distances for other metrics. It must outlive the meter.
  //   shells   of all nodes, empty if there is one; must outlive the meter, too. What is sought are
  //            the neighbours of a node in its own.
  static Result<LayoutMeter> Create(Metric metric, const MatrixView& rotated,
                                    std::span<const uint8_t> shells, ThreadPool& pool);

  // What searches find over these links, which the packed nodes have too: [num_nodes, degree],
  // kNoNode where there are fewer. Errors: those of the pool's loops.
  Result<LayoutRecall> Measure(const PackedStore& packed, const uint32_t* links,
                               ThreadPool& pool) const;
  // The same by a third of the searches.
  Result<LayoutRecall> Glance(const PackedStore& packed, const uint32_t* links,
                              ThreadPool& pool) const;

 private:
  LayoutMeter() = default;
  Result<LayoutRecall> MeasureSome(const PackedStore& packed, const uint32_t* links, size_t count,
                                   ThreadPool& pool) const;
  template <NodeStore Store>
  Result<double> RecallOf(const Store& store, size_t count, size_t width, ThreadPool& pool) const;

  search::VectorTable vectors_;  // all, rotated
  std::span<const uint8_t> shells_;
  std::vector<uint32_t> nodes_;  // that are searched for
  AlignedBuffer<std::byte> buffer_;
  MatrixView rotated_;                        // their vectors
  std::vector<std::vector<uint32_t>> truth_;  // the nodes nearest to each but itself
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_CHOOSE_H_
