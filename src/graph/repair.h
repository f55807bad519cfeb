// Making a graph find the vectors that are in it.
#ifndef KITH_GRAPH_REPAIR_H_
#define KITH_GRAPH_REPAIR_H_

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "graph/draft.h"
#include "graph/edges.h"
#include "kith/status.h"

namespace kith::graph {

// Of ordinary sets, searches for the vectors themselves miss fewer than this.
inline constexpr double kOrdinaryMissed = 0.002;

// The share of a sample of nodes which a search for the node itself, of the default width, misses.
// The result does not depend on the threads.
// Cost: two thousand searches at most. Errors: those of the pool's loops.
Result<double> MissedShare(const Draft& draft, std::span<const uint8_t> shells, ThreadPool& pool);

// Makes walks look farther beyond the nearest found, where that lets them miss clearly fewer: where
// distances hardly differ, the rule that ends a walk early ends it at once. The draft searches with
// what was chosen. Cost and errors: some times those of MissedShare().
Status ChooseReach(std::span<const uint8_t> shells, ThreadPool& pool, Draft* draft);

// Where more than kOrdinaryMissed are missed: searches for every node, and leads an edge to each
// that is missed from the nearest that its walk visited, as BuildBridges() does; then once more.
// The draft must show the edges given, and shows those returned. The result does not depend on the
// threads. Cost: two searches of the default width for a node. Errors: those of the pool's loops.
Result<Edges> FindMissed(Edges edges, ThreadPool& pool, Draft* draft);

}  // namespace kith::graph

#endif  // KITH_GRAPH_REPAIR_H_
