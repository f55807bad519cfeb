// Choosing the edges of a graph: pruning, reverse edges, degree, reachability.
#ifndef KITH_GRAPH_LINK_H_
#define KITH_GRAPH_LINK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "graph/layout.h"
#include "graph/space.h"
#include "kith/status.h"

namespace kith::graph {

// The edges of every node: links[node * degree ...], the first count[node] of them.
struct LinkTable {
  LinkTable(size_t num_nodes, size_t most)
      : degree(most), links(num_nodes * most, kNoNode), counts(num_nodes, 0) {}

  std::span<const uint32_t> Of(size_t node) const {
    return {links.data() + node * degree, counts[node]};
  }
  size_t size() const { return counts.size(); }
  // Nodes beyond those there were have no edges yet.
  void Resize(size_t num_nodes) {
    links.resize(num_nodes * degree, kNoNode);
    counts.resize(num_nodes, 0);
  }

  size_t degree;
  std::vector<uint32_t> links;
  std::vector<uint32_t> counts;
};

struct LinkOptions {
  // Of many candidates, how many of the nearest are looked at.
  size_t candidates = 96;
  // A candidate is passed over if a neighbour kept is nearer to it than the node is, by this
  // factor (Vamana: Subramanya et al., NeurIPS 2019).
  float alpha = 1.05f;
};

// Writes candidates of a node; any order, repeats and the node itself allowed.
using CandidatesFn =
    std::function<Status(size_t begin, size_t end, int thread,
                         const std::function<void(uint32_t node, std::vector<uint32_t>*)>& take)>;

// Chooses edges among each node's candidates, adds the reverse of each edge, chooses again where
// there are too many, and fills up to the degree with the nearest of those passed over: an edge
// more costs a visit nothing. The result does not depend on the threads. `produce` is called for
// ranges of nodes and gives the candidates of each node of it to `take`. Errors: those of `produce`
// and of the pool's loops; the table is of no use then.
Status LinkNodes(const Space& space, const LinkOptions& options, ThreadPool& pool,
                 const CandidatesFn& produce, LinkTable* table);

// Chooses edges of the nodes from `first` on, among candidates before it, and adds their reverse to
// these, which choose again where that makes too many. Otherwise as LinkNodes().
Status InsertNodes(const Space& space, const LinkOptions& options, ThreadPool& pool, size_t first,
                   const CandidatesFn& produce, LinkTable* table);

// Makes every node reachable from the entries, replacing edges that no path needs; parts that no
// edge leads to get an entry of their own, as long as there are fewer than max_entries.
// Cost: O(n * degree). Errors: InvalidArgument (cancelled).
Status ConnectNodes(size_t max_entries, const ThreadPool& pool, LinkTable* table,
                    std::vector<uint32_t>* entries);

}  // namespace kith::graph

#endif  // KITH_GRAPH_LINK_H_
