// The rows behind nodes: what a graph's answers and filters are about.
#ifndef KITH_GRAPH_ROWS_H_
#define KITH_GRAPH_ROWS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kith/filter.h"
#include "search/stored_vectors.h"

namespace kith::graph {

// A node stands for the vector at its position and for that one's copies, which lie behind all
// nodes (layout.h). A view.
struct RowsOfNodes {
  search::StoredVectors vectors;
  std::span<const uint32_t> copies;  // [num_nodes + 1], or empty: there are none
  uint32_t first_copy = 0;           // the position of the first copy

  // Calls fn(row) for each row of a node, as users number them, until it returns false.
  template <class Fn>
  void Each(uint32_t node, Fn fn) const {
    if (!fn(vectors.RowAt(node)) || copies.empty()) return;
    // A damaged file may count copies that are not there.
    const uint64_t end =
        std::min<uint64_t>(vectors.table.rows.rows, uint64_t{first_copy} + copies[node + 1]);
    for (uint64_t at = uint64_t{first_copy} + copies[node]; at < end; ++at) {
      if (!fn(vectors.RowAt(static_cast<uint32_t>(at)))) return;
    }
  }
};

// What a filter of rows means for nodes, for one query. A view.
struct NodeFilter {
  const RowFilter* filter = nullptr;  // nullptr: every node passes
  size_t query = 0;
  const RowsOfNodes* rows = nullptr;  // nullptr: nodes are rows

  // Whether the node may be in the answer: any of its rows may.
  bool Passes(uint32_t node) const {
    if (rows == nullptr) return filter->Passes(query, node);
    bool passes = false;
    rows->Each(node, [&](uint32_t row) { return !(passes = filter->Passes(query, row)); });
    return passes;
  }
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_ROWS_H_
