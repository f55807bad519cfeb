#include "learn/votes.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kith::learn {
namespace {

// The weight of a voter among others, of which the nearest is at `nearest`.
double WeightOf(NeighbourWeights weights, float distance, float nearest) {
  if (weights == NeighbourWeights::kUniform) return 1;
  // Rounding may leave an angle just below 0.
  if (nearest <= 0) return distance <= 0 ? 1 : 0;
  // Relative to the nearest, so that inverses neither overflow nor vanish.
  return static_cast<double>(nearest) / distance;
}

}  // namespace

double Averager::Quantile(std::span<const Weighted> sorted, double share) const {
  double total = 0;
  for (const Weighted& w : sorted) total += w.weight;
  const double wanted = share * total;
  // That a quantile is 0.1 of 20 weights must not depend on how 0.1 is rounded.
  const double tolerance = 1e-9 * total;
  double below = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    below += sorted[i].weight;
    if (below > wanted + tolerance || i + 1 == sorted.size()) return sorted[i].value;
    if (below >= wanted - tolerance) return (sorted[i].value + sorted[i + 1].value) / 2;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

Estimate Averager::Of(std::span<const Voter> voters) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (voters.empty()) return {kNone, kNone, kNone};
  weighted_.clear();
  for (const Voter& voter : voters) {
    const double weight = WeightOf(averaging_.weights, voter.distance, voters[0].distance);
    if (weight > 0) weighted_.push_back({values_[voter.row], weight});
  }
  const bool sorted = averaging_.trim > 0 || averaging_.median || averaging_.interval > 0;
  // Equal ones of different weights in one order, so that sums are always rounded alike.
  if (sorted) {
    std::sort(weighted_.begin(), weighted_.end(), [](const Weighted& a, const Weighted& b) {
      return a.value != b.value ? a.value < b.value : a.weight > b.weight;
    });
  }
  Estimate estimate;
  if (averaging_.interval > 0) {
    const double tail = (1 - averaging_.interval) / 2;
    estimate.low = Quantile(weighted_, tail);
    estimate.high = Quantile(weighted_, 1 - tail);
  }
  // What 0.1 of 50 is must not depend on how 0.1 is rounded.
  const double dropped = averaging_.trim * static_cast<double>(weighted_.size());
  const size_t kept = weighted_.size() - static_cast<size_t>(std::floor(dropped + 1e-9));
  const std::span<const Weighted> rest(weighted_.data(), std::max<size_t>(kept, 1));
  if (averaging_.median) {
    estimate.value = Quantile(rest, 0.5);
    return estimate;
  }
  double sum = 0;
  double total = 0;
  for (const Weighted& w : rest) {
    sum += w.weight * w.value;
    total += w.weight;
  }
  estimate.value = sum / total;
  return estimate;
}

Elected Ballot::Of(std::span<const Voter> voters) {
  if (voters.empty()) return {};
  votes_.clear();
  double total = 0;
  for (const Voter& voter : voters) {
    const uint32_t label = labels_[voter.row];
    const double weight = WeightOf(weights_, voter.distance, voters[0].distance);
    total += weight;
    const auto vote = std::find_if(votes_.begin(), votes_.end(),
                                   [label](const Vote& v) { return v.label == label; });
    if (vote == votes_.end()) {
      votes_.push_back({label, weight});
    } else {
      vote->weight += weight;
    }
  }
  const Vote& most =
      *std::min_element(votes_.begin(), votes_.end(), [](const Vote& a, const Vote& b) {
        return a.weight != b.weight ? a.weight > b.weight : a.label < b.label;
      });
  return {most.label, most.weight / total};
}

}  // namespace kith::learn
