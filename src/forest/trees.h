// The trees of a forest as they lie in a file: nodes, and leaves of delta-coded entries.
#ifndef KITH_FOREST_TREES_H_
#define KITH_FOREST_TREES_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/verification.h"
#include "kith/status.h"
#include "storage/container.h"
#include "trees/rp_tree.h"

namespace kith::forest {

// Section "forest".
struct Header {
  uint32_t num_trees;
  uint32_t leaf_size;
  uint32_t sketch_dim;
  uint32_t code_bits;  // 0: no codes, candidates are compared in full
  uint32_t num_nodes;
  uint32_t num_leaves;
  uint64_t num_entries;
  float max_norm;        // dot: the largest |x|
  uint32_t fine_planes;  // not 0: sketches of queries must not be rounded to bytes for the planes
  uint8_t reserved[24];
};
static_assert(sizeof(Header) == 64);

// A leaf's block in section "leaves", at a multiple of kLeafUnit bytes: u32 its first position, u16
// the number of its positions, then for each further one u16 how much greater it is than the one
// before, or 0xFFFF and that difference as u32. A child names a leaf by its block's offset in
// units. Vectors lie in the first tree's order, so differences are small: two bytes do for nearly
// all.
inline constexpr size_t kLeafUnit = 8;
inline constexpr size_t kLeafHead = 6;
inline constexpr uint16_t kLongDelta = 0xFFFF;
inline constexpr uint32_t kMaxLeafSize = 0xFFFF;

// Appends a leaf's block. `positions` are ascending and distinct, at most kMaxLeafSize and at least
// one. Returns the leaf as a child. Errors: InvalidArgument (beyond what children can name).
Result<uint32_t> AppendLeaf(std::span<const uint32_t> positions, std::vector<std::byte>* leaves);

// A read-only view of a forest's trees. Every access is checked against the spans' bounds, so that
// damaged content gives wrong answers at worst. Thread-safe.
class Trees {
 public:
  Trees() = default;
  // Of the contents of the sections of these names, which the caller keeps alive. O(1).
  Trees(const Header& header, std::span<const uint32_t> roots, std::span<const std::byte> nodes,
        std::span<const std::byte> leaves, uint64_t num_vectors);
  // In a file. O(1). Errors: Corruption.
  static Result<Trees> Open(const storage::ContainerReader& in, const Header& header,
                            uint64_t num_vectors);

  std::span<const uint32_t> roots() const { return roots_; }
  const std::byte* nodes() const { return nodes_.data(); }
  size_t node_bytes() const { return node_bytes_; }
  uint32_t num_nodes() const { return num_nodes_; }
  uint32_t num_vectors() const { return num_vectors_; }
  // Positions of a leaf in the mean, as the header says, where so many positions do not count; only
  // good for guessing.
  uint64_t MeanLeafSize(uint64_t excluded) const {
    const uint64_t entries = num_entries_ - std::min(num_entries_, roots_.size() * excluded);
    return entries / std::max<uint32_t>(num_leaves_, 1);
  }

  // More positions than all leaves can hold if they share no bytes.
  uint64_t MostEntries() const { return leaves_.size() / sizeof(uint16_t); }

  const trees::TreeNode& Node(uint32_t i) const {
    return *reinterpret_cast<const trees::TreeNode*>(nodes_.data() + i * node_bytes_);
  }

  // Whether a child read from the file exists. Children come after their parents, so a descent
  // ends. A root has no parent: kNoParent.
  static constexpr uint32_t kNoParent = ~uint32_t{0};
  bool Exists(uint32_t parent, uint32_t child) const {
    if ((child & trees::kLeafBit) != 0) return (child & ~trees::kLeafBit) < num_units_;
    return child < num_nodes_ && (parent == kNoParent || child > parent);
  }

  // Asks for what a child that exists is read from first.
  void Prefetch(uint32_t child) const {
    const bool leaf = (child & trees::kLeafBit) != 0;
    const std::byte* p = leaf ? leaves_.data() + size_t{child & ~trees::kLeafBit} * kLeafUnit
                              : nodes_.data() + size_t{child} * node_bytes_;
    __builtin_prefetch(p);
    if (leaf || node_bytes_ > 64) __builtin_prefetch(p + 64);
  }

  // The number of positions of a leaf that exists, as it says.
  uint32_t LeafSize(uint32_t leaf) const {
    uint16_t count;
    std::memcpy(&count, Block(leaf) + sizeof(uint32_t), sizeof(count));
    return count;
  }

  // Calls visit(position) for each position of a leaf that exists, all below num_vectors(); fewer
  // than LeafSize() if the leaf is damaged.
  template <class Visit>
  void ForEach(uint32_t leaf, Visit visit) const {
    const std::byte* p = Block(leaf);
    const std::byte* const end = leaves_.data() + leaves_.size();
    uint32_t position;
    std::memcpy(&position, p, sizeof(position));
    const uint32_t count = LeafSize(leaf);
    p += kLeafHead;
    for (uint32_t i = 0; i < count && position < num_vectors_;) {
      visit(position);
      if (++i == count || end - p < 2) return;
      uint16_t delta;
      std::memcpy(&delta, p, sizeof(delta));
      p += sizeof(delta);
      if (delta != kLongDelta) {
        position += delta;
        continue;
      }
      if (end - p < 4) return;
      uint32_t far;
      std::memcpy(&far, p, sizeof(far));
      p += sizeof(far);
      position += far;
    }
  }

  // Checks that every tree holds every position once and that planes are finite. Threads share the
  // trees. Cost: O(nodes + entries), and a bit of memory for each position and thread.
  // Errors: Corruption.
  Status Verify(const storage::ContainerReader& in, const Header& header,
                const Verification& check) const;

 private:
  // Which nodes and leaves (by their place) are in a tree. Of all threads.
  struct Met {
    std::vector<std::atomic<bool>> nodes;
    std::vector<std::atomic<bool>> leaves;
    std::atomic<uint64_t> num_nodes = 0;
    std::atomic<uint64_t> num_leaves = 0;
  };
  Status VerifyTree(const storage::ContainerReader& in, uint32_t tree, std::vector<bool>* seen,
                    Met* met, const ThreadPool& pool) const;
  Status VerifyLeaf(const storage::ContainerReader& in, uint32_t leaf, std::vector<bool>* seen,
                    uint64_t* entries) const;

  const std::byte* Block(uint32_t leaf) const {
    return leaves_.data() + size_t{leaf & ~trees::kLeafBit} * kLeafUnit;
  }

  std::span<const uint32_t> roots_;
  std::span<const std::byte> nodes_;
  std::span<const std::byte> leaves_;
  size_t node_bytes_ = 0;
  uint32_t num_nodes_ = 0;
  uint32_t num_units_ = 0;
  uint32_t num_vectors_ = 0;
  uint32_t num_leaves_ = 0;
  uint64_t num_entries_ = 0;
};

}  // namespace kith::forest

#endif  // KITH_FOREST_TREES_H_
