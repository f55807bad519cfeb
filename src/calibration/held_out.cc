#include "calibration/held_out.h"

#include <memory>

#include "calibration/steps.h"
#include "data/convert.h"
#include "search/metric_traits.h"
#include "search/stored_vectors.h"

namespace kith::calibration {

HeldOut::HeldOut(const MatrixView& rows, const std::vector<float>& norms,
                 const BuildOptions& options, ThreadPool& pool)
    : rows_(rows), norms_(norms), options_(options), pool_(pool) {
  if (IsWanted(options)) held_out_ = ChooseHeldOut(rows.rows, options.seed);
}

search::StoredVectors HeldOut::View() const {
  search::StoredVectors vectors;
  const size_t stride = search::RowStride(rows_.dtype, rows_.dim);
  vectors.table.metric = options_.metric;
  vectors.table.rows = {ordered_.data(), rows_.rows, rows_.dim, stride, rows_.dtype};
  vectors.table.padded_bytes = stride;
  if (!ordered_norms_.empty()) vectors.table.inverse_norms = ordered_norms_.data();
  vectors.rows = order_.data();
  return vectors;
}

Status HeldOut::Prepare(const search::PathBuilder& first) {
  hidden_ = first.hidden();
  filter_.emplace(hidden_, rows_.rows, true);
  order_ = first.order();
  const size_t stride = search::RowStride(rows_.dtype, rows_.dim);
  KITH_ASSIGN_OR_RETURN(ordered_, data::GatherRows(rows_, order_, stride, pool_));
  if (search::TraitsOf(options_.metric).unit_length()) {
    for (const uint32_t row : order_) ordered_norms_.push_back(norms_[row]);
  }
  KITH_ASSIGN_OR_RETURN(queries_, data::GatherRows(rows_, held_out_, stride, pool_));
  KITH_ASSIGN_OR_RETURN(
      calibrator_, Calibrator::Create(
                       View(), {queries_.data(), held_out_.size(), rows_.dim, stride, rows_.dtype},
                       *filter_, CalibrationSource::kHeldOut, {}, pool_, options_.progress));
  std::vector<uint32_t> half = search::LaterHalf(hidden_);
  KITH_ASSIGN_OR_RETURN(controls_,
                        Controls::Create(View(), hidden_, half, calibrator_->ks(), pool_));
  calibrator_->UseControls(controls_.get());
  return Status::Ok();
}

Status HeldOut::Measure(const search::PathType& type, search::PathBuilder* builder) {
  if (!calibrator_.has_value()) KITH_RETURN_IF_ERROR(Prepare(*builder));
  KITH_RETURN_IF_ERROR(calibrator_->Measure(type, *builder->OpenPartial(View())));
  if (controls_->empty()) return Status::Ok();
  KITH_RETURN_IF_ERROR(builder->InsertHalf());
  return calibrator_->Compare(type, *builder->OpenPartial(View()));
}

}  // namespace kith::calibration
