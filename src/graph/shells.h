// Parting the nodes of a graph where some would hide the others from each other.
#ifndef KITH_GRAPH_SHELLS_H_
#define KITH_GRAPH_SHELLS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "graph/edges.h"
#include "graph/space.h"
#include "kith/status.h"

namespace kith::graph {

// Vectors in the middle of all others can be nearer to each of them than these are to each other:
// the origin among 384-dimensional Gaussians is. Every node then has edges to the middle only,
// which has far too few to lead back to all, and every walk ends in the middle, for nothing else is
// nearly as near. So the middle, the core, becomes a shell of its own: edges stay within a shell,
// and a walk goes through the shells in turn, the outermost first.
//
// Hubs in the middle: Radovanovic et al., "Hubs in space", JMLR 2010.

// Whether a node that is not linked yet, of those from the table's size to num_nodes, is nearer to
// most of a sample of linked ones than any of these is to the nearest that it has an edge to.
// Cost: some dozen distances for each node not linked. Errors: those of the pool's loops.
Result<bool> HeldOutHide(const Space& space, const LinkTable& table, size_t num_nodes,
                         ThreadPool& pool);

// Parts the core of each shell that has one from it, as long as there are fewer than kMaxShells.
// `shells` has the shell of every node, the outermost is 0; the same with the new ones is returned,
// which is what was given if no shell has a core. The result does not depend on the threads.
// Cost: about 400 distances a node. Errors: those of the pool's loops.
Result<ShellsOfNodes> PartCores(const Space& space, ShellsOfNodes shells, ThreadPool& pool);

}  // namespace kith::graph

#endif  // KITH_GRAPH_SHELLS_H_
