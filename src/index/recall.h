// What counts as found.
#ifndef KITH_INDEX_RECALL_H_
#define KITH_INDEX_RECALL_H_

#include <cmath>

namespace kith {

// The largest distance, as users see it, that counts as one of the k nearest, given the k-th true
// one: recall counts distances, not ids, as ann-benchmarks does, for among equals none is wrong.
inline double RecallLimit(float kth) {
  constexpr double kTolerance = 1e-3;
  return kth + kTolerance * std::abs(static_cast<double>(kth));
}

}  // namespace kith

#endif  // KITH_INDEX_RECALL_H_
