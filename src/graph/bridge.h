// Searches in a graph for its own nodes, and bridges to those they do not find.
#ifndef KITH_GRAPH_BRIDGE_H_
#define KITH_GRAPH_BRIDGE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "graph/link.h"
#include "graph/walk.h"
#include "kith/status.h"

namespace kith::graph {

// Nodes first, first + step, ... of a graph, and their vectors as queries.
struct NodeQueries {
  size_t first = 0;
  size_t step = 1;
  size_t count = 0;
  MatrixView rotated;  // packed: f32 [num_nodes, dim], as CodeFrame::Map() gives them
};

// Is given a walk that ended, the node it was for and those it visited.
using FoundFn = std::function<void(Walk* walk, uint32_t node, std::vector<uint32_t>* visited)>;

// Searches for queries [begin, end) in the graph, nodes included. The walks are made for the view.
// Errors: OutOfMemory, InvalidArgument (cancelled).
Status SearchForNodes(const View& view, const NodeQueries& queries, size_t begin, size_t end,
                      const WalkTerms& terms, const ThreadPool& pool, std::span<Walk> walks,
                      const FoundFn& finish);

// For each thread, the walks it has in flight. Errors: OutOfMemory.
Result<std::vector<std::vector<Walk>>> WalksForThreads(const View& view, const ThreadPool& pool);

// Edges across gaps. Where clusters are apart, trees give candidates of the same cluster only, and
// the few edges that lead out of one leave from anywhere: a walk that begins in another cluster
// ends at its rim.
//
// Searches for a sample of nodes with a narrow beam. To each that belongs among the nearest found
// and is not, an edge leads from where its walk ended, in the place of the least useful. Other
// samples follow where more were missed than real sets miss (docs/graph.md). `pack` is called after
// each, to make the view show what the table says. Returns how many edges were made; some node may
// not be reached any more then. The result does not depend on the threads.
// Cost: a sample is a sixteenth of the nodes; at most 16. Errors: those of the pool's loops.
Result<size_t> BuildBridges(const View& view, const MatrixView& rotated, ThreadPool& pool,
                            const std::function<Status()>& pack, LinkTable* table);

}  // namespace kith::graph

#endif  // KITH_GRAPH_BRIDGE_H_
