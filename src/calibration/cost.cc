#include "calibration/cost.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "calibration/steps.h"
#include "kith/types.h"
#include "scan/path.h"

namespace kith::calibration {
namespace {

// The recall of an effort, where `at_95` finds 0.95: what is missed falls as a power of the effort.
// Of sets of all kinds the power between 0.95 and 0.99 was 1.1 to 5, of most, and of k = 1,
// below 2.
double RecallOf(double effort, double at_95) {
  constexpr double kPower = 1.7;
  return 1 - 0.05 / (std::pow(effort / at_95, kPower) + 0.05);
}

// Microseconds of a query: more for each unit of effort above the usual one, and less below it, but
// in proportion at most.
double QueryUs(const search::Costs& costs, double effort) {
  const double above = effort - costs.effort;
  const double less = std::min(costs.effort_us, costs.query_us / costs.effort);
  return costs.query_us + above * (above > 0 ? costs.effort_us : less);
}

// How many queries there are: those held out in all, and those of a path of fewer vectors.
struct Queries {
  size_t held_out;
  size_t of_fewer;
};

// Microseconds of the curve of one k.
double CurveUs(const search::CostShape& shape, const search::EffortScale& efforts,
               const search::Costs& costs, size_t k, const Queries& all) {
  const auto kept = static_cast<double>(k);
  const auto rows = static_cast<double>(shape.rows);
  const double bytes = rows * static_cast<double>(RowBytes(shape.dtype, shape.dim));
  const MatrixView like{nullptr, shape.rows, shape.dim, 0, shape.dtype};
  const search::EffortScale::Range range = efforts.Measured(k, like);
  const double limit = std::min(rows, MostEffort(efforts, rows, bytes, range.most));
  const double at_95 = std::clamp(costs.effort + costs.effort_of_k * (kept - kFewNeighbours),
                                  0.5 * costs.effort, rows);
  const size_t most = k <= kFewNeighbours ? all.held_out : std::min(all.held_out, kQueriesOfMany);
  size_t queries = most;
  double us = 0;
  CalibrationPoint point;
  point.effort = static_cast<float>(range.least);
  for (;;) {
    point.recall = static_cast<float>(RecallOf(double{point.effort}, at_95));
    const double recall = double{point.recall};
    const double query_us = QueryUs(costs, double{point.effort});
    us += static_cast<double>(queries) * query_us;
    if (point.recall >= kLeastCompared && point.recall <= kMostCompared &&
        double{point.effort} <= range.most) {
      us += static_cast<double>(CompareWith(k, all.of_fewer)) * query_us;
    }
    if (recall >= kEnough || double{point.effort} >= limit) return us;
    // Neighbours of one query are found or missed together, ten of them as two would be.
    const double variance = recall * (1 - recall) / std::min(kept, 2.0);
    queries = QueriesFor(k, recall, variance, most);
    point.effort = static_cast<float>(std::min(limit, NextEffort(point)));
  }
}

}  // namespace

double Seconds(const search::CostShape& shape, const search::EffortScale& efforts,
               const search::Costs& costs) {
  const size_t folds = NumFolds(shape.rows);
  if (folds == 0) return 0;
  const size_t fewer = NumFewer(shape.rows);
  const Queries all{folds * NumHeldOut(shape.rows), fewer == 0 ? 0 : kQueriesOfFewer};
  const auto rows = static_cast<double>(shape.rows);
  const double bytes = rows * static_cast<double>(RowBytes(shape.dtype, shape.dim));
  // True neighbours, of few and of many, of all vectors and of fewer.
  const auto exact = static_cast<double>(all.held_out + std::min(all.held_out, kQueriesOfMany));
  const auto exact_fewer = static_cast<double>(all.of_fewer) * 1.5;
  const double share = static_cast<double>(fewer) / rows;
  // What single queries need is learnt from searches of some of them with every effort.
  constexpr double kLearning = 1.2;
  double us = 1e-3 * (exact + share * exact_fewer) * scan::QueryNs(rows, bytes, all.held_out);
  for (const uint32_t k : efforts.MeasuredKs()) {
    if (k <= MostK(shape.rows)) us += kLearning * CurveUs(shape, efforts, costs, k, all);
  }
  // The paths that are built for nothing else.
  const double builds = static_cast<double>(IsApart(shape.rows) ? folds : folds - 1) + share;
  return us * 1e-6 + builds * costs.parallel_seconds;
}

}  // namespace kith::calibration
