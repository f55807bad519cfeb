#include "calibration/controls.h"

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "calibration/steps.h"
#include "data/convert.h"

namespace kith::calibration {
namespace {

constexpr uint64_t kStream = 0xC0B7;  // of random numbers

}  // namespace

Result<std::unique_ptr<Controls>> Controls::Create(const search::StoredVectors& vectors,
                                                   std::span<const uint32_t> hidden,
                                                   std::span<const uint32_t> half,
                                                   std::span<const uint32_t> ks, ThreadPool& pool) {
  const size_t n = vectors.table.rows.rows;
  std::unique_ptr<Controls> controls(new Controls);
  if (!IsCompared(hidden.size(), n) || half.empty() || ks.empty()) return controls;
  controls->vectors_ = vectors;
  controls->pool_ = &pool;
  controls->ks_.assign(ks.begin(), ks.end());
  std::vector<uint32_t> positions;
  for (uint32_t at = 0; at < n; ++at) {
    if (std::binary_search(half.begin(), half.end(), vectors.RowAt(at))) positions.push_back(at);
  }
  // In random order, so that the first of them are a fair sample.
  Rng(n, kStream).Shuffle(&positions);
  const MatrixView& rows = vectors.table.rows;
  const size_t stride = RowBytes(rows.dtype, rows.dim);
  KITH_ASSIGN_OR_RETURN(controls->gathered_, data::GatherRows(rows, positions, stride, pool));
  controls->queries_ = {controls->gathered_.data(), positions.size(), rows.dim, stride, rows.dtype};
  controls->before_ = std::make_unique<HiddenRows>(hidden, n, true);
  controls->after_ = std::make_unique<HiddenRows>(half, n, true);
  KITH_ASSIGN_OR_RETURN(controls->limits_before_, controls->Limits(*controls->before_));
  KITH_ASSIGN_OR_RETURN(controls->limits_after_, controls->Limits(*controls->after_));
  const auto before = static_cast<double>(n - hidden.size());
  controls->growth_ = static_cast<double>(n - half.size()) / before;
  controls->whole_growth_ = static_cast<double>(n) / before;
  return controls;
}

Result<std::vector<std::vector<double>>> Controls::Limits(const RowFilter& filter) {
  KITH_ASSIGN_OR_RETURN(Truth truth, FindTruth(vectors_, {queries_, &filter}, ks_, *pool_));
  return std::move(truth.limits);
}

Result<std::vector<uint32_t>> Controls::Missed(const search::AccessPath& path, size_t at,
                                               double effort, bool after) const {
  MatrixView queries = queries_;
  queries.rows = ControlsFor(ks_[at], queries_.rows);
  const std::span<const double> limits = (after ? limits_after_ : limits_before_)[at];
  SearchStats stats;
  KITH_ASSIGN_OR_RETURN(
      std::vector<uint32_t> counts,
      CountHits(path, vectors_.table.metric, {queries, (after ? after_ : before_).get()}, ks_[at],
                effort, limits.first(queries.rows), *pool_, &stats));
  for (uint32_t& count : counts) count = ks_[at] - std::min(count, ks_[at]);
  return counts;
}

Change ChangeOf(std::span<const uint32_t> before, std::span<const uint32_t> after) {
  Change change;
  double squares = 0;
  for (size_t q = 0; q < before.size(); ++q) {
    change.before += before[q];
    change.after += after[q];
    const double difference = static_cast<double>(after[q]) - static_cast<double>(before[q]);
    squares += difference * difference;
  }
  change.deviation = std::sqrt(squares);
  return change;
}

namespace {

// By what power of the effort what is missed falls at a point of a curve: between those beside it.
// Effort is what it costs, the nodes visited.
double FallAt(const std::vector<CalibrationPoint>& points, size_t i) {
  const CalibrationPoint& less = points[i == 0 ? 0 : i - 1];
  const CalibrationPoint& more = points[std::min(i + 1, points.size() - 1)];
  const double fall = std::log((1 - double{less.recall}) / (1 - double{more.recall}));
  const double effort = std::log(double{more.nodes} / double{less.nodes});
  return fall > 0 && effort > 0 && std::isfinite(fall / effort) ? fall / effort : 0;
}

// The power of the number of vectors by which efforts grow, from the changes at points from `first`
// on, drawn towards an ordinary one as far as chance blurs it.
double PowerOfEffort(std::span<const Change> changes, std::span<const double> falls,
                     double growth) {
  // Of real sets an eighth to a quarter, of random ones in many dimensions a little more than a
  // half (docs/recall.md): rather too much than too little where few are held out to tell.
  constexpr double kOrdinary = 0.4;
  constexpr double kSpread = 0.25;
  double weights = 0;
  double sum = 0;
  double blurs = 0;
  for (size_t i = 0; i < changes.size(); ++i) {
    const Change& change = changes[i];
    if (!(change.before > 0 && change.after > 0 && falls[i] > 0)) continue;
    const double seen = std::log(change.after / change.before) / growth / falls[i];
    // One neighbour more or less is chance, however alike all queries were.
    const double blur = std::max(change.deviation, 1.0) / change.before / growth / falls[i];
    const double weight = 1 / (blur * blur);
    weights += weight;
    sum += weight * seen;
    blurs += weight * blur;  // the queries are the same at all points, and so is their chance
  }
  if (weights == 0) return kOrdinary;
  const double blur = blurs / weights;
  const double trusted = kSpread * kSpread / (kSpread * kSpread + blur * blur);
  return std::max(0.0, trusted * sum / weights + (1 - trusted) * kOrdinary);
}

}  // namespace

void CorrectForInsertion(std::span<const Change> changes, size_t first, const Controls& controls,
                         CalibrationCurve* curve) {
  constexpr double kMost = 3;
  if (changes.empty()) return;
  std::vector<double> falls(curve->points.size());
  for (size_t i = 0; i < falls.size(); ++i) falls[i] = FallAt(curve->points, i);
  const double of_effort =
      PowerOfEffort(changes, std::span(falls).subspan(first), std::log(controls.growth()));
  for (size_t i = 0; i < curve->points.size(); ++i) {
    const double power = std::min(kMost, of_effort * falls[i]);
    const double missed =
        (1 - double{curve->points[i].recall}) * std::pow(controls.whole_growth(), power);
    curve->points[i].recall = static_cast<float>(std::max(0.0, 1 - missed));
  }
  const double growth = std::pow(controls.whole_growth(), of_effort);
  for (NeedPoint& point : curve->need.points) {
    point.effort = static_cast<float>(growth * point.effort);
  }
  for (float& effort : curve->wide.efforts) effort = static_cast<float>(growth * effort);
}

}  // namespace kith::calibration
