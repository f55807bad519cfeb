// The edges of a graph that is being built, before any layout.
#ifndef KITH_GRAPH_EDGES_H_
#define KITH_GRAPH_EDGES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/layout.h"

namespace kith::graph {

// The edges of every node: links[node * degree ...], the first counts[node] of them.
struct LinkTable {
  LinkTable() = default;
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
  // Resize() up to so many nodes moves nothing then.
  void Reserve(size_t num_nodes) {
    links.reserve(num_nodes * degree);
    counts.reserve(num_nodes);
  }

  size_t degree = 0;
  std::vector<uint32_t> links;
  std::vector<uint32_t> counts;
};

// All that a walk needs to know of a graph but its nodes' vectors.
struct Edges {
  LinkTable table;
  std::vector<uint32_t> entries;
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_EDGES_H_
