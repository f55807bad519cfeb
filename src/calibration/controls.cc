#include "calibration/controls.h"

#include <algorithm>
#include <numeric>

#include "data/convert.h"

namespace kith::calibration {

// Answers as if each row that is searched for were not stored, nor those of another filter.
class Controls::Others final : public RowFilter {
 public:
  Others(const std::vector<uint32_t>& rows, std::span<const uint32_t> hidden, uint64_t num_rows)
      : rows_(rows), hidden_(hidden, num_rows, true) {}

  bool Passes(size_t query, uint64_t row) const noexcept override {
    return row != rows_[query] && hidden_.Passes(query, row);
  }
  uint64_t NumExcluded(size_t query) const noexcept override {
    return 1 + hidden_.NumExcluded(query);
  }
  bool absent() const noexcept override { return true; }

 private:
  const std::vector<uint32_t>& rows_;
  const HiddenRows hidden_;
};

Result<std::unique_ptr<Controls>> Controls::Create(const search::StoredVectors& vectors,
                                                   std::span<const uint32_t> hidden,
                                                   std::span<const uint32_t> ks, ThreadPool& pool) {
  // Where fewer are held out, what changes is less than what can be measured.
  constexpr size_t kFewHeldOut = 80;  // one of so many
  constexpr size_t kMany = 32768;
  const size_t n = vectors.table.rows.rows;
  std::unique_ptr<Controls> controls(new Controls);
  controls->vectors_ = vectors;
  controls->pool_ = &pool;
  controls->ks_.assign(ks.begin(), ks.end());
  if (hidden.size() * kFewHeldOut < n || ks.empty()) return controls;
  const size_t wanted = std::min(n / 4, n < kMany ? size_t{1024} : size_t{512});
  for (size_t i = 0; i < wanted; ++i) {
    const auto row = static_cast<uint32_t>((2 * i + 1) * n / (2 * wanted));
    if (!std::binary_search(hidden.begin(), hidden.end(), row)) controls->rows_.push_back(row);
  }
  std::vector<uint32_t> positions(controls->rows_.size());
  std::vector<uint32_t> position_of(n);
  for (uint32_t at = 0; at < n; ++at) position_of[vectors.RowAt(at)] = at;
  for (size_t i = 0; i < positions.size(); ++i) positions[i] = position_of[controls->rows_[i]];
  const MatrixView& rows = vectors.table.rows;
  const size_t stride = RowBytes(rows.dtype, rows.dim);
  KITH_ASSIGN_OR_RETURN(controls->gathered_, data::GatherRows(rows, positions, stride, pool));
  controls->queries_ = {controls->gathered_.data(), positions.size(), rows.dim, stride, rows.dtype};
  controls->before_ = std::make_unique<Others>(controls->rows_, hidden, n);
  controls->after_ = std::make_unique<Others>(controls->rows_, std::span<const uint32_t>(), n);
  KITH_ASSIGN_OR_RETURN(controls->limits_before_, controls->Limits(*controls->before_));
  KITH_ASSIGN_OR_RETURN(controls->limits_after_, controls->Limits(*controls->after_));
  return controls;
}

Result<std::vector<std::vector<double>>> Controls::Limits(const RowFilter& filter) {
  KITH_ASSIGN_OR_RETURN(Truth truth, FindTruth(vectors_, {queries_, &filter}, ks_, *pool_));
  return std::move(truth.limits);
}

Result<double> Controls::Missed(const search::AccessPath& path, size_t at, double effort,
                                bool after) const {
  SearchStats stats;
  KITH_ASSIGN_OR_RETURN(
      const std::vector<uint32_t> hits,
      CountHits(path, vectors_.table.metric, {queries_, (after ? after_ : before_).get()}, ks_[at],
                effort, (after ? limits_after_ : limits_before_)[at], *pool_, &stats));
  const auto found = static_cast<double>(std::accumulate(hits.begin(), hits.end(), uint64_t{0}));
  return 1 - found / (static_cast<double>(hits.size()) * static_cast<double>(ks_[at]));
}

void CorrectForInsertion(std::span<const double> before, std::span<const double> after,
                         CalibrationCurve* curve) {
  if (before.empty()) return;
  const size_t first = curve->points.size() - before.size();
  for (size_t i = 0; i < curve->points.size(); ++i) {
    const size_t at = i < first ? 0 : i - first;
    const size_t begin = at < 2 ? 0 : at - 2;
    const size_t end = std::min(before.size(), at + 3);
    double missed_before = 0;
    double missed_after = 0;
    for (size_t j = begin; j < end; ++j) {
      missed_before += before[j];
      missed_after += after[j];
    }
    // Where nothing is missed, nothing can be told.
    if (!(missed_before > 0)) continue;
    const double missed = (1 - double{curve->points[i].recall}) * missed_after / missed_before;
    curve->points[i].recall = static_cast<float>(std::clamp(1 - missed, 0.0, 1.0));
  }
}

}  // namespace kith::calibration
