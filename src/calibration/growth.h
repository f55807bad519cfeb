// What the number of vectors does to the effort that a recall takes.
#ifndef KITH_CALIBRATION_GROWTH_H_
#define KITH_CALIBRATION_GROWTH_H_

#include <span>
#include <vector>

#include "kith/calibration.h"

namespace kith::calibration {

// What an effort finds among fewer vectors, and the standard error of that.
struct FewerPoint {
  double recall = 0;
  double error = 0;
};

// The power of the number of vectors by which the effort grows that the same recall takes: one for
// a whole curve. `errors`: the standard errors of its points. `fewer`: what their efforts, from the
// first on, find where there are `growth` times fewer vectors. Drawn towards an ordinary power as
// far as chance blurs it.
double PowerOfEffort(const std::vector<CalibrationPoint>& points, std::span<const double> errors,
                     std::span<const FewerPoint> fewer, double growth);

// Makes the recalls of a curve those of `growth` times more vectors, where efforts grow by such a
// power: so what is missed at an effort grows the more, the faster it falls there with the effort.
// Efforts of single queries, by which the curve is not told, grow by that power.
void CorrectForGrowth(double power, double growth, CalibrationCurve* curve);

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_GROWTH_H_
