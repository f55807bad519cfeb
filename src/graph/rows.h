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

  // How many rows all nodes stand for, where none of them lies.
  uint64_t num_rows() const { return vectors.table.rows.rows; }

  // Calls fn(row) for each row of a node, as users number them, until it returns false. Takes one
  // from *left for each call, and makes none when nothing is left: a damaged file may give the same
  // copies to many nodes, which no query may pay for. What a query looks at begins with num_rows(),
  // since a sound file has each row once.
  template <class Fn>
  void Each(uint32_t node, uint64_t* left, Fn fn) const {
    const auto call = [&](uint32_t position) {
      if (*left == 0) return false;
      --*left;
      return fn(vectors.RowAt(position));
    };
    if (!call(node) || copies.empty()) return;
    // A damaged file may count copies that are not there.
    const uint64_t end = std::min<uint64_t>(num_rows(), uint64_t{first_copy} + copies[node + 1]);
    for (uint64_t at = uint64_t{first_copy} + copies[node]; at < end; ++at) {
      if (!call(static_cast<uint32_t>(at))) return;
    }
  }
};

// What a filter of rows means for nodes, for one query, which asks of each node once. A view.
struct NodeFilter {
  const RowFilter* filter = nullptr;  // nullptr: every node passes
  size_t query = 0;
  const RowsOfNodes* rows = nullptr;  // nullptr: nodes are rows
  uint64_t left = 0;                  // rows that may still be looked at (RowsOfNodes::Each)

  // Whether the node may be in the answer: any of its rows may.
  bool Passes(uint32_t node) {
    if (rows == nullptr) return filter->Passes(query, node);
    bool passes = false;
    rows->Each(node, &left, [&](uint32_t row) { return !(passes = filter->Passes(query, row)); });
    return passes;
  }
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_ROWS_H_
