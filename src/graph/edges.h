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

// The nodes that walks begin at: those of the outermost shell, then those of the next.
struct Entries {
  std::vector<uint32_t> nodes;
  ShellEntries of_shells{};  // as in the file

  // Appends one to those of a shell.
  void Add(size_t shell, uint32_t node) {
    if (of_shells[0] == 0) {
      nodes.push_back(node);
      return;
    }
    size_t end = 0;
    for (size_t i = 0; i <= shell; ++i) end += of_shells[i];
    nodes.insert(nodes.begin() + static_cast<ptrdiff_t>(end), node);
    ++of_shells[shell];
  }
};

// The shell of every node, the outermost is 0 (shells.h); empty where all nodes are in one.
using ShellsOfNodes = std::vector<uint8_t>;

// All that a walk needs to know of a graph but its nodes' vectors.
struct Edges {
  LinkTable table;
  Entries entries;
  ShellsOfNodes shells;  // of all nodes, those not linked yet too

  size_t ShellOf(uint32_t node) const { return shells.empty() ? 0 : shells[node]; }
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_EDGES_H_
