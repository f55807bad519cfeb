// All of a stream of (distance, row) pairs that are near enough.
#ifndef KITH_SEARCH_WITHIN_H_
#define KITH_SEARCH_WITHIN_H_

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "search/top_k.h"

namespace kith::search {

// Collects as TopK does (threshold, Offer, Merge, Sorted), but everything up to a radius.
class Within {
 public:
  explicit Within(float radius = 0) : radius_(radius) {}

  float threshold() const { return radius_; }

  // NaN (from a damaged file) is never taken.
  void Offer(float distance, uint32_t row) {
    if (distance <= radius_) found_.push_back({distance, row});
  }

  void Merge(const Within& other) {
    found_.insert(found_.end(), other.found_.begin(), other.found_.end());
  }

  // Sorts, nearest first, and returns what it holds.
  const std::vector<Candidate>& Sorted() {
    std::sort(found_.begin(), found_.end());
    return found_;
  }

 private:
  float radius_;
  std::vector<Candidate> found_;
};

}  // namespace kith::search

#endif  // KITH_SEARCH_WITHIN_H_
