#include "calibration/growth.h"

#include <algorithm>
#include <cmath>

#include "calibration/steps.h"

namespace kith::calibration {
namespace {

// Where an effort stands on the scale that powers are of: what it costs, the nodes visited.
double PlaceOf(const CalibrationPoint& point) { return std::log(double{point.nodes}); }

// By what power of the effort what is missed falls between two points; 0 if that can't be told.
double FallBetween(const CalibrationPoint& less, const CalibrationPoint& more) {
  const double fall = std::log((1 - double{less.recall}) / (1 - double{more.recall}));
  const double effort = PlaceOf(more) - PlaceOf(less);
  return fall > 0 && effort > 0 && std::isfinite(fall / effort) ? fall / effort : 0;
}

// That at a point, from points beside it that cost clearly less and more: where walks end as soon
// as they have found k, less effort makes them hardly shorter.
double FallAt(const std::vector<CalibrationPoint>& points, size_t i) {
  constexpr double kClearly = 1.05;
  size_t less = i;
  while (less > 0 && kClearly * double{points[less].nodes} > double{points[i].nodes}) --less;
  size_t more = i;
  while (more + 1 < points.size() &&
         double{points[more].nodes} < kClearly * double{points[i].nodes}) {
    ++more;
  }
  return FallBetween(points[less], points[more]);
}

}  // namespace

double PowerOfEffort(const std::vector<CalibrationPoint>& points, std::span<const double> errors,
                     std::span<const FewerPoint> fewer, double growth) {
  // Of real sets an eighth to a quarter, of random ones in many dimensions a little more than a
  // half (docs/recall.md): rather too much than too little where few queries tell.
  constexpr double kOrdinary = 0.4;
  constexpr double kSpread = 0.25;
  double weights = 0;
  double sum = 0;
  double blurs = 0;
  for (size_t i = 0; i < fewer.size(); ++i) {
    const double recall = fewer[i].recall;
    if (recall < kLeastCompared || recall > kMostCompared) continue;
    // The points between which as much is found among all.
    const auto above = std::find_if(points.begin(), points.end(), [&](const CalibrationPoint& p) {
      return double{p.recall} >= recall;
    });
    if (above == points.begin() || above == points.end()) continue;
    const auto at = static_cast<size_t>(above - points.begin());
    const double fall = FallBetween(points[at - 1], points[at]);
    if (fall == 0) continue;
    const double missed = 1 - recall;
    const double place =
        PlaceOf(points[at - 1]) + std::log((1 - double{points[at - 1].recall}) / missed) / fall;
    const double power = (place - PlaceOf(points[i])) / std::log(growth);
    const double steady = std::max(fall, FallAt(points, at));
    const double blur = std::hypot(fewer[i].error, errors[at]) / missed / steady / std::log(growth);
    if (!(blur > 0) || !std::isfinite(power)) continue;
    const double weight = 1 / (blur * blur);
    weights += weight;
    sum += weight * power;
    blurs += weight * blur;  // the queries are the same at all points, and so is their chance
  }
  if (weights == 0) return kOrdinary;
  const double blur = blurs / weights;
  const double trusted = kSpread * kSpread / (kSpread * kSpread + blur * blur);
  return std::max(0.0, trusted * sum / weights + (1 - trusted) * kOrdinary);
}

void CorrectForGrowth(double power, double growth, CalibrationCurve* curve) {
  constexpr double kMost = 3;
  std::vector<double> falls(curve->points.size());
  for (size_t i = 0; i < falls.size(); ++i) falls[i] = FallAt(curve->points, i);
  for (size_t i = 0; i < curve->points.size(); ++i) {
    const double more = std::pow(growth, std::min(kMost, power * falls[i]));
    const double missed = (1 - double{curve->points[i].recall}) * more;
    curve->points[i].recall = static_cast<float>(std::max(0.0, 1 - missed));
  }
  const double longer = std::pow(growth, power);
  for (NeedPoint& point : curve->need.points) {
    point.effort = static_cast<float>(longer * point.effort);
  }
  for (float& effort : curve->wide.efforts) effort = static_cast<float>(longer * effort);
}

}  // namespace kith::calibration
