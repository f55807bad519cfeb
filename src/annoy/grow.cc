#include "annoy/grow.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/strings.h"

namespace kith::annoy {
namespace {

// A split that leaves more than this on one side is tried again, one that leaves more than kWorst
// is none; both as in Annoy.
constexpr double kPoor = 0.95;
constexpr double kWorst = 0.99;
constexpr int kAttempts = 3;
// Items divided between two questions whether to go on.
constexpr size_t kAskEvery = size_t{1} << 18;

double LargerShare(size_t left, size_t all) {
  return static_cast<double>(std::max(left, all - left)) / static_cast<double>(all);
}

}  // namespace

Result<Grower> Grower::Create(const Layout& layout, const std::byte* nodes, size_t num_items,
                              const std::vector<uint32_t>* present) {
  KITH_ASSIGN_OR_RETURN(Splitter splitter, Splitter::Create(layout));
  Grower grower(std::move(splitter));
  grower.layout_ = layout;
  grower.nodes_ = nodes;
  grower.num_items_ = num_items;
  grower.present_ = present;
  return grower;
}

// What Annoy makes a leaf: up to max_leaf items; for a root, only if all items, holes included,
// are so few, or if there is but one.
Status Grower::Grow(uint64_t seed, uint64_t number, const std::function<Status()>& check,
                    Tree* tree) {
  tree->nodes.clear();
  tree->count = 0;
  Rng rng(seed, number);
  size_t divided = 0;
  try {
    ids_ = *present_;
    right_.resize(ids_.size());
    margins_.resize(ids_.size());
    pending_.assign(1, {0, ids_.size(), 0, 0});
    while (!pending_.empty()) {
      const Range range = pending_.back();
      pending_.pop_back();
      const std::span<uint32_t> ids(ids_.data() + range.begin, range.end - range.begin);
      const bool is_root = tree->count == 0;
      if (ids.size() <= 1 ||
          (ids.size() <= layout_.max_leaf && (!is_root || num_items_ <= layout_.max_leaf))) {
        AddLeaf(range, tree);
        continue;
      }
      if (num_items_ + tree->count > kMaxNodes - 2) {
        return Status::InvalidArgument(
            StrCat("a tree over ", ids_.size(), " items takes more nodes than a file can number"));
      }
      divided += ids.size();
      if (divided >= kAskEvery) {
        divided = 0;
        KITH_RETURN_IF_ERROR(check());
      }
      const size_t middle = range.begin + Split(ids, &rng);
      const size_t self = tree->count;
      splitter_.Write(AddNode(range, is_root ? num_items_ : ids.size(), tree));
      pending_.push_back({middle, range.end, self, 1});
      pending_.push_back({range.begin, middle, self, 0});
    }
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory("not enough memory for a tree; build with fewer threads");
  }
  return Status::Ok();
}

// The child's place in its parent. The root has none.
std::byte* Grower::AddNode(const Range& range, size_t descendants, Tree* tree) {
  tree->nodes.resize((tree->count + 1) * layout_.node_size);
  if (tree->count > 0) {
    WriteValue(tree->nodes.data() + range.parent * layout_.node_size + layout_.children +
                   range.side * sizeof(int32_t),
               static_cast<int32_t>(num_items_ + tree->count));
  }
  std::byte* const node = tree->nodes.data() + tree->count * layout_.node_size;
  WriteValue(node, static_cast<int32_t>(descendants));
  ++tree->count;
  return node;
}

void Grower::AddLeaf(const Range& range, Tree* tree) {
  const std::span<const uint32_t> ids(ids_.data() + range.begin, range.end - range.begin);
  if (tree->count > 0 && ids.size() == 1) {
    WriteValue(tree->nodes.data() + range.parent * layout_.node_size + layout_.children +
                   range.side * sizeof(int32_t),
               static_cast<int32_t>(ids[0]));
    return;
  }
  const bool is_root = tree->count == 0;
  std::byte* const children =
      AddNode(range, is_root ? num_items_ : ids.size(), tree) + layout_.children;
  if (!ids.empty()) std::memcpy(children, ids.data(), ids.size_bytes());
  // A root says more items than there are if there are holes: what it lists more than once is
  // counted once. Over one item of a large number it looks like a split, whose sides both lead to
  // that item.
  const size_t said = !is_root ? ids.size() : num_items_ > layout_.max_leaf ? 2 : num_items_;
  for (size_t i = ids.size(); i < said && !ids.empty(); ++i) {
    WriteValue(children + i * sizeof(int32_t), static_cast<int32_t>(ids[0]));
  }
}

size_t Grower::Split(std::span<uint32_t> ids, Rng* rng) {
  size_t left = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    splitter_.Choose(nodes_, ids, rng);
    left = Divide(ids, rng);
    if (LargerShare(left, ids.size()) < kPoor) break;
  }
  if (LargerShare(left, ids.size()) <= kWorst) return left;
  splitter_.ChooseNone();
  return DivideAtRandom(ids, rng);
}

// Moves the ids of the negative side to the front, keeping the order on either side; those on the
// plane go to either.
size_t Grower::Divide(std::span<uint32_t> ids, Rng* rng) {
  splitter_.Measure(nodes_, ids, margins_.data());
  size_t left = 0;
  size_t right = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    const float margin = margins_[i];
    const uint32_t id = ids[i];
    // NaN, of planes whose products overflow, is on neither side.
    const bool decided = margin > 0 || margin < 0;
    const bool positive = decided ? margin > 0 : (rng->Next() >> 63) != 0;
    ids[left] = id;
    right_[right] = id;
    left += positive ? 0 : 1;
    right += positive ? 1 : 0;
  }
  std::copy_n(right_.data(), right, ids.data() + left);
  return left;
}

size_t Grower::DivideAtRandom(std::span<uint32_t> ids, Rng* rng) {
  const size_t half = ids.size() / 2;
  size_t left = 0;
  size_t right = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    const uint32_t id = ids[i];
    const auto rest = static_cast<uint32_t>(ids.size() - i);
    if (rng->Below(rest) < half - left) {
      ids[left++] = id;
    } else {
      right_[right++] = id;
    }
  }
  std::copy_n(right_.data(), right, ids.data() + left);
  return left;
}

void NumberTree(const Layout& layout, size_t num_items, size_t first, Tree* tree) {
  const size_t size = layout.node_size;
  for (size_t i = 0; i < tree->count / 2; ++i) {
    std::byte* a = tree->nodes.data() + i * size;
    std::byte* b = tree->nodes.data() + (tree->count - 1 - i) * size;
    std::swap_ranges(a, a + size, b);
  }
  for (size_t i = 0; i < tree->count; ++i) {
    std::byte* const node = tree->nodes.data() + i * size;
    // A root with one item has it on both sides, which is no node of a tree.
    if (static_cast<size_t>(ReadInt(node)) <= layout.max_leaf) continue;
    for (size_t side = 0; side < 2; ++side) {
      std::byte* const child = node + layout.children + side * sizeof(int32_t);
      const auto number = static_cast<size_t>(ReadInt(child));
      if (number < num_items) continue;
      WriteValue(child, static_cast<int32_t>(first + (tree->count - 1 - (number - num_items))));
    }
  }
}

}  // namespace kith::annoy
