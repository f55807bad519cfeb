// From what is wanted to an effort.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "calibration/need.h"
#include "kith/calibration.h"
#include "paths/registry.h"

namespace kith {
namespace {

// A place on a line through points: at `left` of them and `share` of the way to the next.
struct Place {
  size_t left = 0;
  double share = 0;
  bool reached = false;  // if not, it is the last
};

// The first place whose value is `wanted`. REQUIRES: value_of(i) does not fall; count > 0.
template <class ValueOf>
Place Find(size_t count, double wanted, ValueOf value_of) {
  size_t at = 0;
  while (at < count && !(value_of(at) >= wanted)) ++at;
  if (at == count) return {count - 1, 0, false};
  if (at == 0) return {0, 0, true};
  const double left = value_of(at - 1);
  return {at - 1, (wanted - left) / (value_of(at) - left), true};
}

// What another value is there.
template <class ValueOf>
double At(const Place& place, ValueOf value_of) {
  const double left = value_of(place.left);
  return place.share == 0 ? left : left + place.share * (value_of(place.left + 1) - left);
}

// One effort for all.
EffortForRecall OnPoints(const CalibrationCurve& curve, double recall) {
  const std::vector<CalibrationPoint>& points = curve.points;
  const auto recall_at = [&](size_t i) { return double{points[i].recall}; };
  const Place place = Find(points.size(), recall, recall_at);
  EffortForRecall found;
  found.known = true;
  found.reachable = place.reached;
  found.effort = At(place, [&](size_t i) { return double{points[i].effort}; });
  found.recall = place.share == 0 ? recall_at(place.left) : recall;
  return found;
}

// As much as serves nearly all.
EffortForRecall OnNeed(const CalibrationCurve& curve, const RecallGoal& goal) {
  EffortForRecall found;
  if (curve.need.empty()) return found;
  found.known = true;
  const std::vector<NeedPoint>& points = curve.need.points;
  const auto effort_at = [&](size_t i) { return double{points[i].effort}; };
  const auto recall_at = [&](size_t i) { return double{points[i].recall}; };
  const auto worst_at = [&](size_t i) { return double{points[i].recall_p5}; };
  // A query finds whole neighbours.
  constexpr double kRounding = 1e-6;
  const auto k = static_cast<double>(curve.k);
  const double worst = std::min(1.0, std::ceil(goal.worst * k - kRounding) / k);
  const Place of_worst = Find(points.size(), worst - kRounding, worst_at);
  const Place of_recall = Find(points.size(), goal.recall, recall_at);
  const bool more = At(of_recall, effort_at) > At(of_worst, effort_at);
  const Place& place = more ? of_recall : of_worst;
  found.reachable = of_worst.reached && of_recall.reached;
  found.effort = At(place, effort_at);
  found.recall = At(place, recall_at);
  found.worst = std::max(At(place, worst_at), of_worst.reached ? goal.worst : 0);
  if (!curve.need.factors.empty()) {
    found.efforts = calibration::EffortsOf(curve.need, found.effort);
  }
  return found;
}

// As much as queries take that are as far.
EffortForRecall OnWide(const CalibrationCurve& curve, double recall) {
  // By how much the mean may be below what is asked for, where some take more than was measured.
  constexpr double kTolerance = 0.005;
  const WideCurve& wide = curve.wide;
  EffortForRecall found;
  found.known = true;
  found.efforts = calibration::EffortsOf(wide, recall);
  double weights = 0;
  for (size_t row = 0; row < wide.far.size(); ++row) {
    const double effort = found.efforts.efforts[row];
    const float* const recalls = wide.recalls.data() + row * wide.efforts.size();
    const Place place =
        Find(wide.efforts.size(), effort, [&](size_t i) { return double{wide.efforts[i]}; });
    found.effort += wide.weights[row] * effort;
    found.recall += wide.weights[row] * At(place, [&](size_t i) { return double{recalls[i]}; });
    weights += wide.weights[row];
  }
  found.effort /= weights;
  found.recall /= weights;
  found.reachable = found.recall >= recall - kTolerance;
  if (found.reachable) found.recall = std::max(found.recall, recall);
  return found;
}

EffortForRecall OnCurve(const CalibrationCurve& curve, const RecallGoal& goal) {
  if (goal.worst > 0) return OnNeed(curve, goal);
  if (goal.widen && !curve.wide.empty()) return OnWide(curve, goal.recall);
  return OnPoints(curve, goal.recall);
}

// Of a k beyond what was measured: everything grows with it.
void Scale(double factor, EffortForRecall* found) {
  found->effort *= factor;
  found->efforts.first *= factor;
  for (float& effort : found->efforts.efforts) effort = static_cast<float>(factor * effort);
}

std::vector<float> Between(const std::vector<float>& low, const std::vector<float>& high,
                           double share) {
  std::vector<float> between = high;
  for (size_t i = 0; i < between.size(); ++i) {
    between[i] = static_cast<float>(low[i] + share * (double{high[i]} - low[i]));
  }
  return between;
}

// A k between two that were measured, `share` of the way from the lower one to the higher.
EffortForRecall Between(const EffortForRecall& low, const EffortForRecall& high, double share) {
  EffortForRecall found;
  found.known = low.known && high.known;
  if (!found.known) return {};
  found.reachable = low.reachable && high.reachable;
  found.effort = low.effort + share * (high.effort - low.effort);
  // At their least efforts, one or both may give more than asked for.
  const auto of = [&](double of_low, double of_high) {
    return found.reachable ? of_low + share * (of_high - of_low) : std::min(of_low, of_high);
  };
  found.recall = of(low.recall, high.recall);
  found.worst = of(low.worst, high.worst);
  const QueryEfforts& a = low.efforts;
  const QueryEfforts& b = high.efforts;
  if (a.far.size() != b.far.size()) return found;  // a file that lies, or of few queries
  found.efforts = {a.first + share * (b.first - a.first), Between(a.far, b.far, share),
                   Between(a.efforts, b.efforts, share)};
  return found;
}

}  // namespace

EffortForRecall FindEffort(const Calibration& calibration, IndexKind index, size_t k,
                           const RecallGoal& goal) {
  const CalibrationCurve* below = nullptr;  // the nearest measured k on each side
  const CalibrationCurve* above = nullptr;
  for (const CalibrationCurve& curve : calibration.curves) {
    if (curve.index != index) continue;
    if (curve.k <= k && (below == nullptr || curve.k > below->k)) below = &curve;
    if (curve.k >= k && (above == nullptr || curve.k < above->k)) above = &curve;
  }
  if (below == nullptr && above == nullptr) return {};
  if (below == nullptr || above == nullptr || below == above) {
    const CalibrationCurve& curve = below != nullptr ? *below : *above;
    EffortForRecall found = OnCurve(curve, goal);
    if (curve.k < k) Scale(static_cast<double>(k) / curve.k, &found);
    return found;
  }
  // Efforts between are a line over this.
  const search::PathType* type = paths::TypeOf(index);
  const auto at = [&](size_t some_k) {
    const auto x = static_cast<double>(some_k);
    return type == nullptr || type->exact() ? x : type->efforts()->KScale(x);
  };
  return Between(OnCurve(*below, goal), OnCurve(*above, goal),
                 (at(k) - at(below->k)) / (at(above->k) - at(below->k)));
}

EffortForRecall FindEffort(const Calibration& calibration, IndexKind index, size_t k,
                           double recall) {
  return FindEffort(calibration, index, k, RecallGoal{recall, 0, false});
}

}  // namespace kith
