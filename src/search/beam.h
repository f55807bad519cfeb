// The two structures of best-first search in a graph: the beam and the set of nodes met.
#ifndef KITH_SEARCH_BEAM_H_
#define KITH_SEARCH_BEAM_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace kith::search {

// The `width` nearest nodes met so far, by estimated distance, each visited or not yet. A sorted
// array of 64-bit keys: widths are tens to some thousands, where moving memory beats a heap. Ties
// break by the node's number. Not thread-safe.
class Beam {
 public:
  static constexpr uint32_t kMaxNode = 0x7FFFFFFF;

  void Reset(size_t width) {
    offered_.clear();
    width_ = width;
    size_ = 0;
    next_ = 0;
    if (keys_.size() < width) keys_.resize(width);
  }

  size_t size() const { return size_; }

  // Estimates from here on do not enter; +inf while there is room.
  float limit() const {
    return size_ < width_ ? std::numeric_limits<float>::infinity() : Estimate(keys_[size_ - 1]);
  }

  // The i-th nearest. REQUIRES: i < size().
  float estimate(size_t i) const { return Estimate(keys_[i]); }
  uint32_t node(size_t i) const { return Node(keys_[i]); }

  // What is to enter, collected for Enter(). REQUIRES: estimate not NaN; node <= kMaxNode.
  void Offer(float estimate, uint32_t node) {
    const uint64_t key = uint64_t{Ordered(estimate)} << 32 | uint64_t{node} << 1;
    // Few are offered at a time: kept in order by insertion.
    size_t at = offered_.size();
    offered_.push_back(key);
    for (; at > 0 && offered_[at - 1] > key; --at) offered_[at] = offered_[at - 1];
    offered_[at] = key;
  }

  // Takes in what was offered, as far as it is among the nearest. REQUIRES: no node is there
  // already.
  void Enter() {
    if (offered_.empty()) return;
    // Few keys are merged one by one; of many, those between two that enter are moved as a block.
    constexpr size_t kFew = 128;
    const size_t first = size_ <= kFew ? Merge() : MoveBlocks();
    next_ = std::min(next_, first);
    size_ = std::min(size_ + offered_.size(), width_);
    offered_.clear();
  }

  // The place of the nearest node not visited, or size().
  size_t Next() {
    while (next_ < size_ && (keys_[next_] & 1) != 0) ++next_;
    return next_;
  }
  // The place of the nearest not visited after place i, or size().
  size_t NextAfter(size_t i) const {
    for (++i; i < size_ && (keys_[i] & 1) != 0;) ++i;
    return std::min(i, size_);
  }
  void MarkVisited(size_t i) { keys_[i] |= 1; }

 private:
  // Unsigned integers in the order of the floats.
  static uint32_t Ordered(float x) {
    const auto bits = std::bit_cast<uint32_t>(x);
    return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  }
  static float Estimate(uint64_t key) {
    const auto ordered = static_cast<uint32_t>(key >> 32);
    return std::bit_cast<float>((ordered & 0x80000000u) != 0 ? ordered & 0x7FFFFFFFu : ~ordered);
  }
  static uint32_t Node(uint64_t key) { return static_cast<uint32_t>(key) >> 1; }

  // Both merge what was offered into the keys, from the far end on, and return the place of the
  // first that entered, or more.
  size_t Merge() {
    uint64_t* keys = keys_.data();
    size_t old = size_;
    size_t left = offered_.size();
    for (size_t out = old + left; left > 0;) {
      --out;
      const bool moves = old > 0 && keys[old - 1] > offered_[left - 1];
      const uint64_t key = moves ? keys[old - 1] : offered_[left - 1];
      if (out < width_) keys[out] = key;
      old -= moves ? 1 : 0;
      left -= moves ? 0 : 1;
    }
    return old;
  }
  size_t MoveBlocks() {
    uint64_t* keys = keys_.data();
    size_t end = size_;  // of the keys not moved yet
    for (size_t left = offered_.size(); left-- > 0;) {
      const size_t at = LowerBound(end, offered_[left]);
      const size_t to = at + left + 1;
      if (to < width_) {
        std::memmove(keys + to, keys + at, std::min(end - at, width_ - to) * sizeof(uint64_t));
      }
      if (to <= width_) keys[to - 1] = offered_[left];
      end = at;
    }
    return end;
  }

  // How many of the first n keys are less. Without branches: which half a key belongs to is a
  // coin's toss.
  size_t LowerBound(size_t n, uint64_t key) const {
    const uint64_t* base = keys_.data();
    while (n > 0) {
      const size_t half = (n + 1) / 2;
      base += half & (size_t{0} - static_cast<size_t>(base[half - 1] < key));
      n -= half;
    }
    return static_cast<size_t>(base - keys_.data());
  }

  std::vector<uint64_t> offered_;  // ascending
  std::vector<uint64_t> keys_;     // estimate, node, whether visited, from the highest bits down
  size_t width_ = 0;
  size_t size_ = 0;
  size_t next_ = 0;  // all before it are visited
};

// The nodes a search has met: an open-addressing table that is emptied by counting epochs. It stays
// in the first cache level, where a mark for each of a million nodes would not, and a thread can
// have one for each query in flight. Not thread-safe.
class SeenSet {
 public:
  void Reset() {
    if (slots_.empty()) slots_.resize(kFirstSlots);
    count_ = 0;
    if (++epoch_ != 0) return;
    std::fill(slots_.begin(), slots_.end(), 0);
    epoch_ = 1;
  }

  // Where the search for a node begins, modulo the slots. 32 bits: as many as a table of all nodes
  // that there can be has use for.
  static size_t Hash(uint32_t node) { return (node * uint64_t{0x9E3779B97F4A7C15u}) >> 32; }

  // True the first time since Reset().
  bool Insert(uint32_t node) {
    const uint64_t entry = uint64_t{epoch_} << 32 | node;
    const size_t mask = slots_.size() - 1;
    for (size_t i = Hash(node) & mask;; i = (i + 1) & mask) {
      if (slots_[i] == entry) return false;
      if (slots_[i] >> 32 == epoch_) continue;
      slots_[i] = entry;
      if (2 * ++count_ > slots_.size()) Grow();
      return true;
    }
  }

 private:
  static constexpr size_t kFirstSlots = 1024;

  void Grow() {
    std::vector<uint64_t> old(2 * slots_.size());
    old.swap(slots_);
    const size_t mask = slots_.size() - 1;
    for (const uint64_t entry : old) {
      if (entry >> 32 != epoch_) continue;
      size_t i = Hash(static_cast<uint32_t>(entry)) & mask;
      while (slots_[i] != 0) i = (i + 1) & mask;
      slots_[i] = entry;
    }
  }

  std::vector<uint64_t> slots_;  // epoch and node; of another epoch: free
  size_t count_ = 0;
  uint32_t epoch_ = 0;
};

}  // namespace kith::search

#endif  // KITH_SEARCH_BEAM_H_
