// A priority queue of subtrees still to visit, cheapest first, with O(1) operations.
#ifndef KITH_TREES_BRANCH_QUEUE_H_
#define KITH_TREES_BRANCH_QUEUE_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kith::trees {

// A subtree and what it costs to look into it: the greatest distance of the query to a plane that
// was crossed on the way. As long as none was: minus the least distance to a plane kept to, which
// orders the trees' own leaves.
struct Branch {
  float cost;
  uint32_t child;

  // Cheapest first; ties by the smaller number.
  friend bool operator<(const Branch& a, const Branch& b) {
    return a.cost < b.cost || (a.cost == b.cost && a.child < b.child);
  }
};

// Buckets of costs that differ by a thirtysecond at most (Dial, CACM 1969): a subtree never costs
// less than the one it was found in, so that the queue only ever moves upwards. Inside a bucket
// last in, first out. Deterministic.
class BranchQueue {
 public:
  BranchQueue() : heads_(2 * kHalf) {}

  void Clear() {
    branches_.clear();
    linked_ = 0;
    current_ = kUnsorted;
  }

  // Room for `count` more branches, to be written; Commit() adds the first `used` of them.
  Branch* Reserve(size_t count) {
    committed_ = branches_.size();
    branches_.resize(committed_ + count);
    return branches_.data() + committed_;
  }
  void Commit(size_t used) { branches_.resize(committed_ + used); }

  // Moves up to `most` of the cheapest branches to `out`. Returns how many.
  size_t Pop(size_t most, Branch* out) {
    if (current_ == kUnsorted) Start();
    next_.resize(branches_.size());
    for (; linked_ < branches_.size(); ++linked_) Link(linked_);
    size_t count = 0;
    while (count < most && current_ < heads_.size()) {
      const uint32_t head = heads_[current_];
      if (head == kEnd) {
        ++current_;
        continue;
      }
      heads_[current_] = next_[head];
      out[count++] = branches_[head];
    }
    return count;
  }

 private:
  static constexpr uint32_t kEnd = ~uint32_t{0};
  static constexpr size_t kUnsorted = ~size_t{0};
  static constexpr int kShift = 18;  // of a float's bits: leaves the exponent and 5 bits
  static constexpr uint32_t kOctaves = 16;
  static constexpr uint32_t kHalf = (kOctaves << (23 - kShift)) + 1;  // buckets of either sign

  // Nothing is sorted before the first Pop(), which many searches do without.
  void Start() {
    float most = 0;
    for (const Branch& branch : branches_) most = std::max(most, branch.cost);
    const uint32_t top = std::bit_cast<uint32_t>(most) >> kShift;
    lowest_ = top < kHalf ? 0 : top - (kHalf - 1);
    std::fill(heads_.begin(), heads_.end(), kEnd);
    current_ = 0;
  }

  void Link(uint32_t i) {
    const uint32_t bits = std::bit_cast<uint32_t>(branches_[i].cost);
    const uint32_t key = (bits & 0x7FFFFFFFu) >> kShift;
    const uint32_t size = std::min(key - std::min(key, lowest_), kHalf - 1);
    const size_t bucket = (bits >> 31) != 0 ? kHalf - 1 - size : kHalf + size;
    next_[i] = heads_[bucket];
    heads_[bucket] = i;
    current_ = std::min(current_, bucket);
  }

  std::vector<Branch> branches_;
  std::vector<uint32_t> next_;   // in the same bucket
  std::vector<uint32_t> heads_;  // of the buckets: costs below 0, largest first, then the others
  size_t committed_ = 0;
  uint32_t linked_ = 0;
  uint32_t lowest_ = 0;  // key of the bucket of the smallest costs
  size_t current_ = kUnsorted;
};

}  // namespace kith::trees

#endif  // KITH_TREES_BRANCH_QUEUE_H_
