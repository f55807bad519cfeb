// What counts as found.
#ifndef KITH_SEARCH_RECALL_LIMIT_H_
#define KITH_SEARCH_RECALL_LIMIT_H_

#include <cmath>

namespace kith::search {

// The largest distance, as users see it, that counts as one of the k nearest, given the k-th true
// one: recall counts distances, not ids, as ann-benchmarks does, for among equals none is wrong.
inline double RecallLimit(float kth) {
  constexpr double kTolerance = 1e-3;
  return kth + kTolerance * std::abs(static_cast<double>(kth));
}

}  // namespace kith::search

#endif  // KITH_SEARCH_RECALL_LIMIT_H_
