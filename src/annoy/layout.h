// How nodes lie in Annoy's files: an array of nodes of one size, items first (docs/annoy_files.md).
#ifndef KITH_ANNOY_LAYOUT_H_
#define KITH_ANNOY_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kith/types.h"

namespace kith::annoy {

inline constexpr size_t kNoField = ~size_t{0};
// Ids and numbers of nodes are signed 32-bit numbers in the file.
inline constexpr size_t kMaxNodes = std::numeric_limits<int32_t>::max();

inline int32_t ReadInt(const std::byte* p) {
  int32_t value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

inline float ReadFloat(const std::byte* p) {
  float value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

inline uint64_t ReadWord(const std::byte* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

template <class T>
void WriteValue(std::byte* p, T value) {
  std::memcpy(p, &value, sizeof(value));
}

// Annoy 1.17.3, and the unreleased source that came after it, whose nodes of dot are larger.
enum class Dialect { kReleased, kUnreleased };

// Where the fields of a node are, in bytes from its begin. The number of descendants, an int32, is
// always first: 0 for a hole, 1 for an item, the number of items below for a node of a tree. A root
// has the number of all items, holes included.
struct Layout {
  Metric metric = Metric::kAngular;
  Dialect dialect = Dialect::kReleased;
  size_t dim = 0;
  size_t node_size = 0;
  // Of a split: the nodes on the negative and the positive side, int32 [2]. Of a leaf: the items,
  // int32 [descendants], over whatever else lies from here on.
  size_t children = 0;
  size_t norm = kNoField;    // angular items: squared length, or 0 in old files
  size_t offset = kNoField;  // euclidean and manhattan splits: what is added to the product
  size_t factor = kNoField;  // dot: the coordinate that makes all vectors equally long
  size_t vector = 0;         // float [dim], or uint64 [(dim + 63) / 64] of bits
  size_t vector_bytes = 0;
  size_t max_leaf = 0;  // items that fit a leaf; a node with more is a split

  bool bits() const { return metric == Metric::kHamming; }
};

// REQUIRES: 1 <= dim <= kMaxDim.
Layout MakeLayout(Metric metric, size_t dim, Dialect dialect = Dialect::kReleased);

// The nodes of an index that can be searched. A view.
struct Nodes {
  Layout layout;
  const std::byte* items = nullptr;  // nodes [num_items]
  const std::byte* trees = nullptr;  // nodes [num_nodes - num_items]: the trees, then all roots
  size_t num_items = 0;
  size_t num_nodes = 0;
  size_t num_roots = 0;  // the last nodes

  size_t first_root() const { return num_nodes - num_roots; }
  // REQUIRES: i < num_nodes.
  const std::byte* node(size_t i) const {
    return i < num_items ? items + i * layout.node_size
                         : trees + (i - num_items) * layout.node_size;
  }
  bool is_item(size_t i) const {
    return i < num_items && ReadInt(items + i * layout.node_size) == 1;
  }
};

// Coordinates above 0.5 are set bits; bit i % 64 of word i / 64. `words` has vector_bytes.
void PackBits(const float* vector, size_t dim, std::byte* words);
void UnpackBits(const std::byte* words, size_t dim, float* vector);

// Which bit of its vectors a split of hamming tells apart: they are counted from the highest of
// each word there. False beyond the vector.
inline bool SplitBit(const Layout& layout, const std::byte* vector, uint64_t bit) {
  const uint64_t word = bit / 64;
  if (word >= layout.vector_bytes / 8) return false;
  return (ReadWord(vector + word * 8) >> (63 - bit % 64) & 1) != 0;
}

}  // namespace kith::annoy

#endif  // KITH_ANNOY_LAYOUT_H_
