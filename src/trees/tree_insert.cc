#include "trees/tree_insert.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "quant/sketch.h"

namespace kith::trees {
namespace {

// The leaf of a sketch. Bits of `turns`, from the lowest, choose where planes do not.
uint32_t LeafOf(const Tree& tree, const float* sketch, size_t sketch_dim, uint32_t turns) {
  uint32_t child = tree.root;
  while ((child & kLeafBit) == 0) {
    const auto* node =
        reinterpret_cast<const TreeNode*>(tree.nodes.data() + child * NodeBytes(sketch_dim));
    const auto* direction = reinterpret_cast<const int8_t*>(node + 1);
    size_t side = 0;
    if (node->scale == 0) {
      side = turns & 1;
      turns >>= 1;
    } else {
      double dot = 0;
      for (size_t c = 0; c < sketch_dim; ++c) dot += direction[c] * static_cast<double>(sketch[c]);
      side = node->scale * dot - node->threshold < 0 ? 0 : 1;
    }
    child = node->children[side];
  }
  return child & ~kLeafBit;
}

}  // namespace

void InsertPoints(const float* sketches, size_t count, size_t sketch_dim, Tree* tree) {
  if (count == 0) return;
  const size_t old = tree->entries.size();
  std::vector<std::pair<uint32_t, uint32_t>> added(count);  // leaf, point
  for (uint32_t i = 0; i < count; ++i) {
    const float* sketch = sketches + i * quant::SketchStride(sketch_dim);
    added[i] = {LeafOf(*tree, sketch, sketch_dim, i), static_cast<uint32_t>(old + i)};
  }
  std::sort(added.begin(), added.end());
  tree->entries.resize(old + count);
  // From the last leaf on, so that entries move up into room that is free already.
  const auto entries = tree->entries.begin();
  auto out = tree->entries.end();
  for (size_t leaf = tree->leaf_ends.size(); leaf-- > 0 && !added.empty();) {
    const uint32_t begin = leaf == 0 ? 0 : tree->leaf_ends[leaf - 1];
    const uint32_t end = std::exchange(tree->leaf_ends[leaf], static_cast<uint32_t>(out - entries));
    for (; !added.empty() && added.back().first == leaf; added.pop_back()) {
      *--out = added.back().second;
    }
    out = std::copy_backward(entries + begin, entries + end, out);
  }
}

}  // namespace kith::trees
