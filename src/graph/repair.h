// Making a graph find the vectors that are in it.
#ifndef KITH_GRAPH_REPAIR_H_
#define KITH_GRAPH_REPAIR_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "graph/draft.h"
#include "graph/edges.h"
#include "kith/status.h"
#include "kith/types.h"
#include "search/scorer.h"

namespace kith::graph {

// Of ordinary sets, searches for the vectors themselves miss fewer than this.
inline constexpr double kOrdinaryMissed = 0.002;

// The nodes' vectors as they are stored, node after node: what searches of users compare, while a
// build compares them rounded. Immutable, may be moved.
class NodeVectors {
 public:
  // `nodes`: node -> row. Cost: a pass over the rows, and as much memory. Errors: OutOfMemory,
  // those of the pool's loops.
  static Result<NodeVectors> Gather(const MatrixView& rows, Metric metric,
                                    std::span<const uint32_t> nodes, ThreadPool& pool);

  const search::VectorTable& table() const { return table_; }

 private:
  NodeVectors() = default;

  AlignedBuffer<std::byte> rows_;
  std::vector<float> inverse_norms_;  // angular
  search::VectorTable table_;
};

// The share of a sample of nodes which a search for the node itself misses: one as users make it,
// of the default width and through all shells, with the vectors as they are stored. A node is found
// if nothing in the answer's place is farther than the node itself. The result does not depend on
// the threads. Cost: two thousand searches at most. Errors: those of the searches.
Result<double> MissedShare(const Draft& draft, const NodeVectors& vectors, ThreadPool& pool);

// Makes walks look farther beyond the nearest found, where that lets them miss clearly fewer: where
// distances hardly differ, the rule that ends a walk early ends it at once. The draft searches with
// what was chosen. Cost and errors: some times those of MissedShare().
Status ChooseReach(const NodeVectors& vectors, ThreadPool& pool, Draft* draft);

// Where more than kOrdinaryMissed are missed: searches for every node, and leads an edge to each
// that is missed from the nearest that its walk visited, as BuildBridges() does; and again, as long
// as that lets clearly fewer be missed. The draft must show the edges given and compare the vectors
// given, and shows those returned. The result does not depend on the threads. Cost: up to four
// searches of the default width for a node. Errors: those of the pool's loops.
Result<Edges> FindMissed(Edges edges, const NodeVectors& vectors, ThreadPool& pool, Draft* draft);

}  // namespace kith::graph

#endif  // KITH_GRAPH_REPAIR_H_
