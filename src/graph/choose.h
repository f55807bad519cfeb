// Packed or compact: measured on the graph itself.
#ifndef KITH_GRAPH_CHOOSE_H_
#define KITH_GRAPH_CHOOSE_H_

#include <cstdint>

#include "base/thread_pool.h"
#include "graph/packed_store.h"
#include "kith/status.h"

namespace kith::graph {

// What searches of both layouts find of the true neighbours.
struct LayoutRecall {
  double packed = 0;
  double compact = 0;

  // Whether the codes cost more than their speed is worth. Where clusters are tight and far apart,
  // what the rounding of the query leaves out is larger than the distances within one.
  bool PrefersCompact() const { return packed < compact - 0.05; }
};

// Searches for some of a packed graph's nodes as if they were not in it, by the codes and by the
// same edges without. Deterministic. Cost: O(nodes * dim) distances for a hundred nodes, a few per
// cent of a build.
//   rotated  f32 [num_nodes, dim]: the nodes' vectors as Frame::Map() gives them; inner products of
//            these order them for dot, distances for other metrics
//   links    [num_nodes, degree], kNoNode where there are fewer
// Errors: those of the pool's loops.
Result<LayoutRecall> MeasureLayouts(const PackedStore& packed, const MatrixView& rotated,
                                    const uint32_t* links, ThreadPool& pool);

}  // namespace kith::graph

#endif  // KITH_GRAPH_CHOOSE_H_
