// What searches for more and more neighbours take.
#ifndef KITH_SEARCH_EFFORT_LADDER_H_
#define KITH_SEARCH_EFFORT_LADDER_H_

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace kith::search {

// The efforts that searches for more and more neighbours take, all at the recall that a filtered
// search was asked for. Such a search has to look through k' neighbours to find k that pass, and k'
// shows as it goes: the ladder tells how far to go for it (docs/filter.md).
struct EffortLadder {
  std::vector<double> ks;       // ascending
  std::vector<double> efforts;  // of each, never falling

  bool empty() const { return ks.empty(); }

  // A line between two; of fewer neighbours than the first those of the first; beyond the last,
  // infinity: nobody knows. REQUIRES: !empty().
  double At(double k) const {
    const auto above = std::lower_bound(ks.begin(), ks.end(), k);
    if (above == ks.begin()) return efforts.front();
    if (above == ks.end()) return std::numeric_limits<double>::infinity();
    const auto i = static_cast<size_t>(above - ks.begin());
    const double share = (k - ks[i - 1]) / (ks[i] - ks[i - 1]);
    return efforts[i - 1] + share * (efforts[i] - efforts[i - 1]);
  }
};

}  // namespace kith::search

#endif  // KITH_SEARCH_EFFORT_LADDER_H_
