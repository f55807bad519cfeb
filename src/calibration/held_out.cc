#include "calibration/held_out.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "data/convert.h"
#include "search/stored_vectors.h"

namespace kith::calibration {

BuildCalibration::BuildCalibration(const MatrixView& rows, const std::vector<float>& norms,
                                   const BuildOptions& options, ThreadPool& pool)
    : rows_(rows), norms_(norms), options_(options), pool_(pool) {
  constexpr uint64_t kWorthIt = 10000;
  const bool many = options.expected_queries == 0 || options.expected_queries >= kWorthIt;
  if (options.calibrate.value_or(many)) held_out_ = ChooseHeldOut(rows.rows, options.seed);
}

search::StoredVectors BuildCalibration::View() const {
  search::StoredVectors vectors;
  const size_t stride = search::RowStride(rows_.dtype, rows_.dim);
  vectors.table.metric = options_.metric;
  vectors.table.rows = {ordered_.data(), rows_.rows, rows_.dim, stride, rows_.dtype};
  vectors.table.padded_bytes = stride;
  if (!ordered_norms_.empty()) vectors.table.inverse_norms = ordered_norms_.data();
  vectors.rows = order_.data();
  return vectors;
}

Status BuildCalibration::Prepare(const std::vector<uint32_t>& order) {
  std::sort(hidden_.begin(), hidden_.end());
  order_ = order;
  const size_t stride = search::RowStride(rows_.dtype, rows_.dim);
  KITH_ASSIGN_OR_RETURN(ordered_, data::GatherRows(rows_, order_, stride, pool_));
  if (options_.metric == Metric::kAngular) {
    for (const uint32_t row : order_) ordered_norms_.push_back(norms_[row]);
  }
  KITH_ASSIGN_OR_RETURN(queries_, data::GatherRows(rows_, held_out_, stride, pool_));
  CalibrateOptions calibrate;
  calibrate.progress = options_.progress;
  KITH_ASSIGN_OR_RETURN(
      calibrator_, Calibrator::Create(
                       View(), {queries_.data(), held_out_.size(), rows_.dim, stride, rows_.dtype},
                       hidden_, CalibrationSource::kHeldOut, calibrate, pool_));
  return Status::Ok();
}

Status BuildCalibration::OfGraph(const graph::Builder& built) {
  hidden_.assign(built.held_out().begin(), built.held_out().end());
  KITH_RETURN_IF_ERROR(Prepare(built.order()));
  const std::unique_ptr<graph::Graph> graph = built.Open(View());
  return calibrator_->Measure(IndexKind::kGraph, [&](const MatrixView& queries, size_t k,
                                                     double effort, auto* nearest, auto* stats) {
    return graph->Search(queries, k, effort, nullptr, pool_, nearest, stats);
  });
}

Status BuildCalibration::OfForest(const forest::Grown& grown) {
  if (!calibrator_.has_value()) {
    hidden_ = held_out_;
    KITH_RETURN_IF_ERROR(Prepare(grown.order));
  }
  std::vector<uint32_t> positions;
  for (uint32_t p = 0; p < grown.order.size(); ++p) {
    if (std::binary_search(hidden_.begin(), hidden_.end(), grown.order[p])) positions.push_back(p);
  }
  const std::unique_ptr<forest::Forest> forest = forest::Forest::Create(grown, View());
  forest->Hide(std::move(positions));
  return calibrator_->Measure(IndexKind::kForest, [&](const MatrixView& queries, size_t k,
                                                      double effort, auto* nearest, auto* stats) {
    return forest->Search(queries, k, static_cast<int64_t>(effort), pool_, nearest, stats);
  });
}

}  // namespace kith::calibration
