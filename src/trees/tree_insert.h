// Points that come to a tree after its planes were learnt.
#ifndef KITH_TREES_TREE_INSERT_H_
#define KITH_TREES_TREE_INSERT_H_

#include <cstddef>
#include <cstdint>

#include "trees/rp_tree.h"

namespace kith::trees {

// Puts `count` further points, numbered from tree->entries.size(), each at the end of the leaf that
// its sketch leads to by the margins of TreeNode, as queries descend. No leaf is split, so that the
// tree is as before for all that ignores these points. Where no plane separates a node's points,
// they are divided by turns, as the tree's own.
// `sketches`: [count, SketchStride(sketch_dim)]. Cost: O(count * depth * sketch_dim), and a pass
// over the entries. Deterministic.
void InsertPoints(const float* sketches, size_t count, size_t sketch_dim, Tree* tree);

}  // namespace kith::trees

#endif  // KITH_TREES_TREE_INSERT_H_
