// The k smallest of a stream of (distance, row) pairs.
#ifndef KITH_SEARCH_TOP_K_H_
#define KITH_SEARCH_TOP_K_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace kith::search {

struct Candidate {
  float distance = 0;
  uint32_t row = 0;

  // Nearest first; ties by the smaller row.
  friend bool operator<(const Candidate& a, const Candidate& b) {
    return a.distance < b.distance || (a.distance == b.distance && a.row < b.row);
  }
};

// A bounded max-heap. What it holds in the end does not depend on the order of Offer() calls. NaN
// (from a damaged file) is never taken.
class TopK {
 public:
  explicit TopK(size_t k = 0) : k_(k) {}

  void Reset(size_t k) {
    k_ = k;
    heap_.clear();
  }

  // No pair with a distance above this can enter any more.
  float threshold() const {
    return heap_.size() < k_ ? std::numeric_limits<float>::infinity() : heap_.front().distance;
  }

  void Offer(float distance, uint32_t row) {
    const Candidate candidate{distance, row};
    if (std::isnan(distance)) return;
    if (heap_.size() < k_) {
      heap_.push_back(candidate);
      std::push_heap(heap_.begin(), heap_.end());
    } else if (k_ > 0 && candidate < heap_.front()) {
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = candidate;
      std::push_heap(heap_.begin(), heap_.end());
    }
  }

  void Merge(const TopK& other) {
    for (const Candidate& c : other.heap_) Offer(c.distance, c.row);
  }

  // Sorts, nearest first, and returns what it holds. Nothing may be offered after it but to a
  // Reset() one, which also ends the reference's life.
  const std::vector<Candidate>& Sorted() {
    std::sort_heap(heap_.begin(), heap_.end());
    return heap_;
  }

 private:
  size_t k_;
  std::vector<Candidate> heap_;
};

}  // namespace kith::search

#endif  // KITH_SEARCH_TOP_K_H_
