// One random-projection tree (Dasgupta & Freund, STOC 2008), split as Annoy does along the line
// between two centroids of a small sample.
#ifndef KITH_TREES_RP_TREE_H_
#define KITH_TREES_RP_TREE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "kith/status.h"
#include "quant/sketch.h"

namespace kith::trees {

// A child: an inner node's number, or a leaf's with the top bit set.
inline constexpr uint32_t kLeafBit = 0x80000000u;

// An inner node, as stored: this head, then int8 direction[NodeDims]. A point with sketch z belongs
// left if Margin(z) = scale * <direction, z> - threshold is negative, right otherwise; |scale *
// direction| = 1, so margins are distances to the plane. Children have greater numbers than
// parents.
struct TreeNode {
  float threshold;
  float scale;
  uint32_t children[2];  // left, right
};
static_assert(sizeof(TreeNode) == 16);

// Direction bytes of a node: 16, 48 or 112, so that nodes are 32, 64 or 128 bytes.
constexpr size_t NodeDims(size_t sketch_dim) {
  return sketch_dim <= 16 ? 16 : sketch_dim <= 48 ? 48 : 112;
}
constexpr size_t NodeBytes(size_t sketch_dim) { return sizeof(TreeNode) + NodeDims(sketch_dim); }

struct Tree {
  uint32_t root = 0;                // as a child
  std::vector<std::byte> nodes;     // NodeBytes() each
  std::vector<uint32_t> leaf_ends;  // leaf i holds entries [leaf_ends[i - 1], leaf_ends[i])
  std::vector<uint32_t> entries;    // every point once, leaves in depth-first order
  size_t fine_nodes = 0;            // whose planes were learnt on rows rounded to much finer levels
};

struct TreeShape {
  size_t sketch_dim = 0;
  uint32_t leaf_size = 0;
};

// Grows a tree over points 0 .. n - 1 with sketches [n, SketchStride(sketch_dim)] and the same
// rounded to bytes. Planes are learnt and points divided on the bytes; where these are too coarse
// (tight clusters far apart), the floats are rounded again with levels for the points at hand.
// Iterative, so no input makes it overflow the stack; points that no plane separates are divided by
// turns. Cost: O(n * depth * sketch_dim). Deterministic for a seed. A task of the pool, which ends
// it early. Errors: OutOfMemory, InvalidArgument (cancelled).
Result<Tree> GrowTree(const quant::ByteSketches& bytes, const float* sketches, size_t n,
                      const TreeShape& shape, uint64_t seed, const ThreadPool& pool);

}  // namespace kith::trees

#endif  // KITH_TREES_RP_TREE_H_
