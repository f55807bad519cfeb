// Choosing the edges of a graph: pruning, reverse edges, degree.
#ifndef KITH_GRAPH_LINK_H_
#define KITH_GRAPH_LINK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/thread_pool.h"
#include "graph/candidates.h"
#include "graph/edges.h"
#include "graph/space.h"
#include "kith/status.h"

namespace kith::graph {

struct LinkOptions {
  // Where a node has more candidates, only so many, the nearest, are looked at.
  size_t candidates = 96;
  // A candidate is passed over if a neighbour kept is nearer to it than the node is, by this
  // factor (Vamana: Subramanya et al., NeurIPS 2019).
  float alpha = 1.05f;
};

// Writes candidates of a node; any order, repeats and the node itself allowed.
using CandidatesFn =
    std::function<Status(size_t begin, size_t end, int thread,
                         const std::function<void(uint32_t node, std::vector<uint32_t>*)>& take)>;

// Edges chosen among each node's candidates, and the nearest of those passed over.
struct ChosenEdges {
  LinkTable kept;
  LinkTable spares;
};

// Chooses edges among each node's candidates: `produce` is called for ranges of nodes and gives the
// candidates of each node of it to `take`. The result does not depend on the threads. Errors: those
// of `produce` and of the pool's loops.
Result<ChosenEdges> ChooseEdges(const Space& space, const LinkOptions& options, ThreadPool& pool,
                                size_t num_nodes, size_t degree, const CandidatesFn& produce);

// Adds the reverse of each edge, chooses again where that makes too many, and fills up to the
// degree with the nearest of those passed over: an edge more costs a visit nothing. The result does
// not depend on the threads. Errors: those of the pool's loops.
Result<LinkTable> AddReverse(const Space& space, const LinkOptions& options, ThreadPool& pool,
                             ChosenEdges chosen);

// Both in turn.
Result<LinkTable> LinkNodes(const Space& space, const LinkOptions& options, ThreadPool& pool,
                            size_t num_nodes, size_t degree, const CandidatesFn& produce);

// Chooses edges of the nodes from `first` on, among candidates before it, and adds their reverse to
// these, which choose again where that makes too many. The result does not depend on the threads.
// Errors: those of `produce` and of the pool's loops; the table is of no use then.
Status InsertNodes(const Space& space, const LinkOptions& options, ThreadPool& pool, size_t first,
                   const CandidatesFn& produce, LinkTable* table);

// The first edges, chosen among the near nodes that trees found. Errors: those of the pool's loops.
Result<LinkTable> LinkCandidates(const Space& space, CandidateLists lists, size_t degree,
                                 ThreadPool& pool);

}  // namespace kith::graph

#endif  // KITH_GRAPH_LINK_H_
