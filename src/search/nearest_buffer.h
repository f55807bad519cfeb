// The k smallest of many (distance, row) pairs that come some at a time.
#ifndef KITH_SEARCH_NEAREST_BUFFER_H_
#define KITH_SEARCH_NEAREST_BUFFER_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "search/top_k.h"

namespace kith::search {

// Collects as TopK does and holds the same in the end, but cuts off what is too far only when twice
// as many as wanted have come: less work than a heap for tens of neighbours, with a threshold that
// falls later. REQUIRES: distances are 0 or more, or NaN, which is never taken.
class NearestBuffer {
 public:
  // REQUIRES: k > 0; k pairs with distances of at most `threshold` will be offered, or it is
  // infinity.
  explicit NearestBuffer(size_t k, float threshold = std::numeric_limits<float>::infinity())
      : k_(k), threshold_(threshold) {}

  // No pair with a distance above this can enter any more.
  float threshold() const { return threshold_; }

  void Offer(float distance, uint32_t row) {
    // Of numbers that are not negative, bits are ordered as the numbers are.
    if (distance <= threshold_) keys_.push_back(uint64_t{Bits(distance)} << 32 | row);
  }

  // Lowers the threshold, if enough have come. To be called after some were offered.
  void Cut() {
    if (keys_.size() < k_ || keys_.size() < cut_at_) return;
    CutToK();
    cut_at_ = 2 * k_;
    threshold_ = DistanceOf(keys_[k_ - 1]);
  }

  // What it holds, nearest first, ties by the smaller row. Nothing may be offered after it.
  std::vector<Candidate> Sorted() {
    if (keys_.size() > k_) CutToK();
    std::sort(keys_.begin(), keys_.end());
    std::vector<Candidate> sorted(keys_.size());
    for (size_t i = 0; i < keys_.size(); ++i) {
      sorted[i] = {DistanceOf(keys_[i]), static_cast<uint32_t>(keys_[i])};
    }
    return sorted;
  }

 private:
  static uint32_t Bits(float distance) {
    return std::bit_cast<uint32_t>(distance + 0.0f);
  }  // no -0
  static float DistanceOf(uint64_t key) {
    return std::bit_cast<float>(static_cast<uint32_t>(key >> 32));
  }
  void CutToK() {
    std::nth_element(keys_.begin(), keys_.begin() + static_cast<ptrdiff_t>(k_) - 1, keys_.end());
    keys_.resize(k_);
  }

  size_t k_;
  size_t cut_at_ = 1;  // as soon as there is a threshold, and then now and then
  float threshold_;
  std::vector<uint64_t> keys_;  // bits of the distance, then the row
};

}  // namespace kith::search

#endif  // KITH_SEARCH_NEAREST_BUFFER_H_
