// Stored rows in the order of a tree of boxes, and walks through its leaves.
#ifndef KITH_SCAN_SORTED_ROWS_H_
#define KITH_SCAN_SORTED_ROWS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "data/convert.h"
#include "kith/index.h"
#include "scan/box_tree.h"
#include "search/metric_traits.h"
#include "search/scorer.h"
#include "search/stored_vectors.h"

namespace kith::scan {

struct SortedRows {
  static constexpr size_t kLeafRows = 32;
  static constexpr size_t kMostDepth = 64;

  // REQUIRES: a metric whose distances are sums over dimensions, and fewer than 2^32 rows.
  static Result<SortedRows> Create(const search::StoredVectors& vectors, ThreadPool& pool) {
    SortedRows sorted{vectors,
                      BoxTree(vectors.table.rows, kLeafRows),
                      search::TraitsOf(vectors.table.metric).op == simd::Op::kL2,
                      {},
                      vectors.table};
    KITH_ASSIGN_OR_RETURN(sorted.rows, data::GatherRows(vectors.table.rows, sorted.tree.order(),
                                                        vectors.table.rows.stride, pool));
    sorted.table.rows.data = sorted.rows.data();
    return sorted;
  }

  // The row that users know, of a position in the order of the tree.
  uint32_t RowAt(size_t position) const { return vectors.RowAt(tree.order()[position]); }

  // Calls at_leaf(node) for the leaves whose boxes are not farther from `box` than the distance
  // that it returned last, `too_far` at first; where there is a choice, the nearer box first.
  // Counts the boxes.
  template <class AtLeaf>
  void WalkLeaves(const float* box, float too_far, SearchStats* stats, AtLeaf&& at_leaf) const {
    struct Waiting {
      float least = 0;
      uint32_t node = 0;
    };
    const auto waiting = [&](uint32_t node) {
      return Waiting{LeastDistance(tree.Box(node), box, tree.dim(), squares), node};
    };
    Waiting stack[2 * kMostDepth];
    size_t depth = 0;
    stack[depth++] = waiting(0);
    while (depth > 0) {
      const Waiting next = stack[--depth];
      if (next.least > too_far) continue;
      ++stats->nodes;
      const BoxTree::Node& node = tree.nodes()[next.node];
      if (node.right == 0) {
        too_far = at_leaf(node);
        continue;
      }
      Waiting near = waiting(next.node + 1);
      Waiting far = waiting(node.right);
      if (far.least < near.least) std::swap(near, far);
      stack[depth++] = far;
      stack[depth++] = near;
    }
  }

  search::StoredVectors vectors;
  BoxTree tree;
  bool squares;  // distances are sums of squares, not of sizes
  AlignedBuffer<std::byte> rows;
  search::VectorTable table;  // views `rows`
};

}  // namespace kith::scan

#endif  // KITH_SCAN_SORTED_ROWS_H_
