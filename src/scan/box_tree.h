// Points of few dimensions, sorted into boxes.
#ifndef KITH_SCAN_BOX_TREE_H_
#define KITH_SCAN_BOX_TREE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kith/types.h"

namespace kith::scan {

// Points in the order of the leaves of a k-d tree (Friedman, Bentley & Finkel, ACM TOMS 1977), and
// a box around those of every node. The left child of a node is the next one. Immutable, so
// thread-safe.
class BoxTree {
 public:
  struct Node {
    uint32_t begin = 0;  // positions of its points
    uint32_t end = 0;
    uint32_t right = 0;  // 0: a leaf
  };

  // Leaves have at most `leaf_points`, and more than half as many if there are. NaN, as of a
  // damaged file, counts as 0. Cost: O(n log n).
  // REQUIRES: at least one row, and fewer than 2^32.
  BoxTree(const MatrixView& points, size_t leaf_points);

  size_t dim() const { return dim_; }
  // Position -> row of `points`. Ascending in a leaf.
  const std::vector<uint32_t>& order() const { return order_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  // [2, dim]: the least, then the most of the node's points in each dimension.
  const float* Box(uint32_t node) const { return &boxes_[node * 2 * dim_]; }

 private:
  class Builder;

  size_t dim_;
  std::vector<uint32_t> order_;
  std::vector<Node> nodes_;
  std::vector<float> boxes_;  // [nodes, 2, dim]
};

// Kernels round every coordinate's part and every sum: of at most 16 dimensions by less than this,
// relatively, and what vanishes in float32.
inline constexpr double kRounding = 1e-5;
inline constexpr double kUnderflow = 1e-36;

// No distance that a kernel computes between points of two boxes is smaller: a sum of squares or of
// sizes. REQUIRES: at most 16 dimensions.
float LeastDistance(const float* box, const float* other, size_t dim, bool squares);

}  // namespace kith::scan

#endif  // KITH_SCAN_BOX_TREE_H_
