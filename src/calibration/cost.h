// How long it takes to measure recall while a path is built, by prediction.
#ifndef KITH_CALIBRATION_COST_H_
#define KITH_CALIBRATION_COST_H_

#include "search/access_path.h"
#include "search/cost.h"

namespace kith::calibration {

// Seconds on one thread of measuring a path of these costs, which is not exact, with vectors of
// this shape held out: the steps that calibration takes (steps.h), gone through with the curve that
// the costs stand for. Cost: some hundred steps.
double Seconds(const search::CostShape& shape, const search::EffortScale& efforts,
               const search::Costs& costs);

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_COST_H_
