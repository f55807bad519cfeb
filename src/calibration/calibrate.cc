#include "calibration/calibrate.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "base/rng.h"
#include "base/strings.h"
#include "calibration/drift.h"
#include "calibration/mixed.h"
#include "calibration/section.h"
#include "calibration/steps.h"
#include "data/convert.h"
#include "paths/registry.h"

namespace kith::calibration {
namespace {

constexpr uint64_t kStream = 0xCA11;  // of random numbers

// A monotone fit by pooling adjacent violators (Ayer et al., 1955): least squares, equal weights.
void FitMonotone(std::vector<CalibrationPoint>* points) {
  struct Block {
    double sum;
    size_t count;
    double mean() const { return sum / static_cast<double>(count); }
  };
  std::vector<Block> blocks;
  for (const CalibrationPoint& p : *points) {
    blocks.push_back({p.recall, 1});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].mean() > blocks.back().mean()) {
      const Block last = blocks.back();
      blocks.pop_back();
      blocks.back().sum += last.sum;
      blocks.back().count += last.count;
    }
  }
  size_t at = 0;
  for (const Block& block : blocks) {
    for (size_t i = 0; i < block.count; ++i) {
      (*points)[at++].recall = static_cast<float>(std::min(block.mean(), 1.0));
    }
  }
}

// Parts of the least effort are measured for as long as there is recall to spare.
constexpr float kSpare = 0.75f;
// A walk that has found k ends there, and nothing makes it shorter.
constexpr float kLeastFall = 0.002f;

}  // namespace

std::vector<uint32_t> ChooseHeldOut(size_t n, uint64_t seed) {
  std::vector<uint32_t> held_out;
  const size_t count = NumHeldOut(n);
  Rng rng(seed, kStream);
  for (size_t i = 0; i < count; ++i) {
    const size_t begin = i * n / count;
    const size_t end = (i + 1) * n / count;
    held_out.push_back(
        static_cast<uint32_t>(begin + rng.Below(static_cast<uint32_t>(end - begin))));
  }
  return held_out;
}

Result<Calibrator> Calibrator::Create(const search::StoredVectors& vectors,
                                      const MatrixView& queries, const RowFilter& filter,
                                      CalibrationSource source, const std::vector<uint32_t>& ks,
                                      ThreadPool& pool, const Progress& progress) {
  Calibrator c;
  c.vectors_ = vectors;
  c.filter_ = &filter;
  c.pool_ = &pool;
  c.progress_ = progress;
  c.calibration_.source = source;
  c.calibration_.num_queries = static_cast<uint32_t>(queries.rows);
  std::vector<uint32_t> order(queries.rows);
  std::iota(order.begin(), order.end(), 0u);
  Rng rng(queries.rows, kStream);
  rng.Shuffle(&order);
  const size_t stride = RowBytes(queries.dtype, queries.dim);
  KITH_ASSIGN_OR_RETURN(c.shuffled_, data::GatherRows(queries, order, stride, pool));
  c.queries_ = {c.shuffled_.data(), queries.rows, queries.dim, stride, queries.dtype};
  const size_t n = vectors.table.rows.rows - filter.NumExcluded(0);
  c.ChooseKs(ks, n);
  KITH_RETURN_IF_ERROR(c.FindTruth());
  c.FindQuantiles();
  return c;
}

void Calibrator::ChooseKs(const std::vector<uint32_t>& ks, size_t num_rows) {
  own_ks_ = ks.empty();
  ks_ = ks;
  for (const search::PathType* type : paths::Approximate()) {
    const std::span<const uint32_t> own = type->efforts()->MeasuredKs();
    if (own_ks_) ks_.insert(ks_.end(), own.begin(), own.end());
  }
  // Recall of nearly all vectors says nothing.
  std::erase_if(ks_, [&](uint32_t k) { return k > std::max<size_t>(1, num_rows / 4); });
  std::sort(ks_.begin(), ks_.end());
  ks_.erase(std::unique(ks_.begin(), ks_.end()), ks_.end());
}

Status Calibrator::FindTruth() {
  KITH_RETURN_IF_ERROR(pool_->Report(progress_, "true neighbours", 0, 1));
  limits_.resize(ks_.size());
  for (const bool few : {true, false}) {
    std::vector<size_t> places;  // of the ks whose truth one search finds
    for (size_t i = 0; i < ks_.size(); ++i) {
      if ((ks_[i] <= kFewNeighbours) == few) places.push_back(i);
    }
    if (!places.empty()) KITH_RETURN_IF_ERROR(FindLimits(places));
  }
  return Status::Ok();
}

// For ks_[places], ascending.
Status Calibrator::FindLimits(const std::vector<size_t>& places) {
  std::vector<uint32_t> ks;
  ks.reserve(places.size());
  for (const size_t place : places) ks.push_back(ks_[place]);
  MatrixView queries = queries_;
  if (ks.back() > kFewNeighbours) queries.rows = std::min(queries.rows, kQueriesOfMany);
  KITH_ASSIGN_OR_RETURN(Truth truth,
                        calibration::FindTruth(vectors_, {queries, filter_}, ks, *pool_));
  for (size_t i = 0; i < places.size(); ++i) limits_[places[i]] = std::move(truth.limits[i]);
  if (places[0] != 0) return Status::Ok();
  for (size_t q = 0; q < queries.rows; ++q) {
    nearness_.push_back(Nearness(vectors_.table.metric, queries_, q, truth.nearest[q]));
  }
  return Status::Ok();
}

void Calibrator::FindQuantiles() {
  std::sort(nearness_.begin(), nearness_.end());
  constexpr size_t kNumQuantiles = 33;
  for (size_t i = 0; i < kNumQuantiles && !nearness_.empty(); ++i) {
    calibration_.nearest.push_back(nearness_[i * (nearness_.size() - 1) / (kNumQuantiles - 1)]);
  }
}

Result<Calibrator::Measured> Calibrator::MeasurePoint(const search::AccessPath& path, size_t at,
                                                      double effort, size_t num_queries) const {
  Measured measured;
  CalibrationPoint* const point = &measured.point;
  const size_t k = ks_[at];
  MatrixView queries = queries_;
  queries.rows = num_queries;
  SearchStats stats;
  KITH_ASSIGN_OR_RETURN(std::vector<uint32_t> hits,
                        CountHits(path, vectors_.table.metric, {queries, filter_}, k, effort,
                                  std::span(limits_[at]).first(num_queries), *pool_, &stats));
  uint64_t sum = 0;
  uint64_t squares = 0;
  for (const uint32_t h : hits) {
    sum += h;
    squares += uint64_t{h} * h;
  }
  measured.hits = hits;
  std::sort(hits.begin(), hits.end());
  const auto count = static_cast<double>(num_queries);
  const auto kept = static_cast<double>(k);
  const size_t tenth = (num_queries + 9) / 10;
  const auto worst =
      std::accumulate(hits.begin(), hits.begin() + static_cast<ptrdiff_t>(tenth), uint64_t{0});
  // Nothing missed among so many says that less than one of twice as many would be, no more.
  const double mean = std::min(static_cast<double>(sum), count * kept - 0.5) / (count * kept);
  point->effort = static_cast<float>(effort);
  point->recall = static_cast<float>(mean);
  point->recall_p5 = static_cast<float>(hits[num_queries / 20] / kept);
  point->recall_worst =
      static_cast<float>(static_cast<double>(worst) / (static_cast<double>(tenth) * kept));
  point->nodes = static_cast<float>(static_cast<double>(stats.nodes) / count);
  point->distances = static_cast<float>(static_cast<double>(stats.distances) / count);
  measured.variance = static_cast<double>(squares) / (count * kept * kept) - mean * mean;
  return measured;
}

Calibrator::Judged Calibrator::OfRecord(size_t at) const {
  Judged judged{queries_, limits_[at]};
  judged.queries.rows = std::min(kQueriesOfNeed, limits_[at].size());
  judged.limits = judged.limits.first(judged.queries.rows);
  return judged;
}

Status Calibrator::MixQueries() {
  constexpr size_t kMixed = 512;
  const size_t count = std::min(kMixed, queries_.rows / 2);
  KITH_ASSIGN_OR_RETURN(mixed_bytes_, MixPairs(vectors_.table.metric, queries_, count));
  const DataType dtype = MixedType(vectors_.table.metric, queries_.dtype);
  mixed_ = {mixed_bytes_.data(), count, queries_.dim, RowBytes(dtype, queries_.dim), dtype};
  KITH_ASSIGN_OR_RETURN(Truth truth,
                        calibration::FindTruth(vectors_, {mixed_, filter_}, ks_, *pool_));
  mixed_limits_ = std::move(truth.limits);
  return Status::Ok();
}

Result<ShortWalk> Calibrator::WalkShortly(const search::AccessPath& path, size_t at,
                                          const Judged& judged, double effort) const {
  ShortWalk walk;
  walk.effort = std::min(effort, static_cast<double>(vectors_.table.rows.rows));
  if (walk.effort == 0) return walk;
  walk.far.resize(judged.queries.rows);
  const QueryEfforts efforts{walk.effort, {0}, {static_cast<float>(walk.effort)}};
  SearchStats stats;
  KITH_RETURN_IF_ERROR(CountHits(path, vectors_.table.metric,
                                 {judged.queries, filter_, &efforts, walk.far.data()}, ks_[at],
                                 walk.effort, judged.limits, *pool_, &stats)
                           .status());
  return walk;
}

Status Calibrator::AddToRecord(const search::AccessPath& path, const Judged& judged, double effort,
                               std::span<const uint32_t> known, QueryRecord* record) const {
  const size_t count = judged.queries.rows;
  std::vector<uint32_t> hits(known.begin(),
                             known.begin() + static_cast<ptrdiff_t>(std::min(known.size(), count)));
  std::vector<uint32_t> left;
  std::vector<double> limits;
  for (size_t q = hits.size(); q < count; ++q) {
    // Who has found everything with less finds it with more, too.
    const bool all = !record->hits.empty() && record->hits.back()[q] >= record->k;
    hits.push_back(all ? static_cast<uint32_t>(record->k) : 0);
    if (all) continue;
    left.push_back(static_cast<uint32_t>(q));
    limits.push_back(judged.limits[q]);
  }
  if (!left.empty()) {
    const MatrixView& from = judged.queries;
    KITH_ASSIGN_OR_RETURN(const auto rows, data::GatherRows(from, left, from.stride, *pool_));
    const MatrixView queries{rows.data(), left.size(), from.dim, from.stride, from.dtype};
    SearchStats stats;
    KITH_ASSIGN_OR_RETURN(const std::vector<uint32_t> more,
                          CountHits(path, vectors_.table.metric, {queries, filter_}, record->k,
                                    effort, limits, *pool_, &stats));
    for (size_t i = 0; i < left.size(); ++i) hits[left[i]] = more[i];
  }
  record->efforts.push_back(static_cast<float>(effort));
  record->hits.push_back(std::move(hits));
  return Status::Ok();
}

Status Calibrator::Learn(const search::EffortScale& efforts, const search::AccessPath& path,
                         size_t at, const QueryRecord& record, CalibrationCurve* curve) {
  const search::EffortScale::ShortWalks walks = efforts.Short(ks_[at]);
  const Judged usual = OfRecord(at);
  KITH_ASSIGN_OR_RETURN(const ShortWalk need, WalkShortly(path, at, usual, walks.need));
  curve->need = LearnNeed(record, need);
  if (walks.wide == 0) return Status::Ok();
  if (mixed_.rows == 0) KITH_RETURN_IF_ERROR(MixQueries());
  KITH_ASSIGN_OR_RETURN(const ShortWalk wide, WalkShortly(path, at, usual, walks.wide));
  Judged unlike{mixed_, mixed_limits_[at]};
  // Of many neighbours, fewer queries tell as much.
  if (ks_[at] > kFewNeighbours) unlike.queries.rows = (mixed_.rows + 1) / 2;
  unlike.limits = unlike.limits.first(unlike.queries.rows);
  KITH_ASSIGN_OR_RETURN(const ShortWalk far, WalkShortly(path, at, unlike, walks.wide));
  QueryRecord mixed{record.k, {}, {}};
  for (const float effort : record.efforts) {
    KITH_RETURN_IF_ERROR(AddToRecord(path, unlike, double{effort}, {}, &mixed));
  }
  curve->wide = LearnWide(record, wide, mixed, far);
  return Status::Ok();
}

Status Calibrator::Measure(const search::PathType& type, const search::AccessPath& path) {
  const std::span<const uint32_t> own = type.efforts()->MeasuredKs();
  for (size_t at = 0; at < ks_.size(); ++at) {
    if (own_ks_ && std::find(own.begin(), own.end(), ks_[at]) == own.end()) continue;
    KITH_RETURN_IF_ERROR(MeasureK(type, path, at));
  }
  return Status::Ok();
}

// The curve of ks_[at].
Status Calibrator::MeasureK(const search::PathType& type, const search::AccessPath& path,
                            size_t at) {
  CalibrationCurve curve{type.kind(), ks_[at], {}};
  QueryRecord record{ks_[at], {}, {}};
  std::vector<float> margins;
  const size_t most = limits_[at].size();
  size_t num_queries = most;
  const auto measure = [&](double effort) -> Status {
    KITH_RETURN_IF_ERROR(
        pool_->Report(progress_,
                      StrCat("recall of the ", type.name(), ", k = ", ks_[at], ", effort ",
                             static_cast<int64_t>(std::min(effort, 0x1p62))),
                      at, ks_.size()));
    KITH_ASSIGN_OR_RETURN(const Measured measured, MeasurePoint(path, at, effort, num_queries));
    const CalibrationPoint& point = measured.point;
    curve.points.push_back(point);
    // Where there are too few queries for the standard error, recall is told that much lower: it is
    // better to find more than was asked for than less.
    const double error = std::sqrt(measured.variance / static_cast<double>(num_queries));
    margins.push_back(static_cast<float>(std::max(0.0, error - kStandardError)));
    num_queries = QueriesFor(ks_[at], point.recall, measured.variance, most);
    const double last = record.efforts.empty() ? 0 : double{record.efforts.back()};
    if (double{point.effort} <= last) return Status::Ok();
    return AddToRecord(path, OfRecord(at), double{point.effort}, measured.hits, &record);
  };
  const search::EffortScale& efforts = *type.efforts();
  const search::EffortScale::Range asked = efforts.Measured(ks_[at], vectors_.table.rows);
  const search::EffortScale::Range range{Kept(asked.least), Kept(asked.most)};
  KITH_RETURN_IF_ERROR(measure(range.least));
  for (const double part : efforts.Parts()) {
    const float before = curve.points.back().recall;
    if (before < kSpare) break;
    KITH_RETURN_IF_ERROR(measure(part * range.least));
    if (before - curve.points.back().recall < kLeastFall) break;
  }
  std::reverse(curve.points.begin(), curve.points.end());
  std::reverse(margins.begin(), margins.end());
  const MatrixView& all = vectors_.table.rows;
  const auto rows = static_cast<double>(all.rows);
  const double bytes = rows * static_cast<double>(RowBytes(all.dtype, all.dim));
  const double limit = Kept(MostEffort(efforts, rows, bytes, range.most));
  while (curve.points.back().recall < kEnough && curve.points.back().effort < limit) {
    KITH_RETURN_IF_ERROR(measure(std::min(limit, NextEffort(curve.points.back()))));
  }
  curve.end = curve.points.back().recall >= kEnough ? CalibrationEnd::kFound
              : limit < rows                        ? CalibrationEnd::kExactCheaper
                                                    : CalibrationEnd::kAllSearched;
  KITH_RETURN_IF_ERROR(Learn(efforts, path, at, record, &curve));
  Compared compared{at, 0, {}, std::move(margins)};
  for (const CalibrationPoint& point : curve.points) {
    if (controls_ == nullptr || controls_->empty() || point.recall > kMostCompared) break;
    // Searches of so much effort take long; what less effort tells holds for them, too.
    if (point.effort > range.most) break;
    if (point.recall < kLeastCompared) {
      ++compared.first;
      continue;
    }
    KITH_ASSIGN_OR_RETURN(compared.missed.emplace_back(),
                          controls_->Missed(path, at, double{point.effort}, false));
  }
  compared_.push_back(std::move(compared));
  calibration_.curves.push_back(std::move(curve));
  return Status::Ok();
}

Status Calibrator::Compare(const search::PathType& type, const search::AccessPath& path) {
  for (size_t c = 0; c < calibration_.curves.size(); ++c) {
    CalibrationCurve& curve = calibration_.curves[c];
    if (curve.index != type.kind()) continue;
    const Compared& before = compared_[c];
    std::vector<Change> changes;
    for (size_t i = 0; i < before.missed.size(); ++i) {
      const double effort = curve.points[before.first + i].effort;
      KITH_ASSIGN_OR_RETURN(const std::vector<uint32_t> after,
                            controls_->Missed(path, before.at, effort, true));
      changes.push_back(ChangeOf(before.missed[i], after));
    }
    CorrectForInsertion(changes, before.first, *controls_, &curve);
  }
  return Status::Ok();
}

Calibration Calibrator::Take() {
  for (size_t c = 0; c < calibration_.curves.size(); ++c) {
    std::vector<CalibrationPoint>& points = calibration_.curves[c].points;
    const std::vector<float>& margins = compared_[c].margins;
    for (size_t i = 0; i < points.size(); ++i) {
      points[i].recall = std::max(0.0f, points[i].recall - margins[i]);
    }
    FitMonotone(&points);
  }
  return std::move(calibration_);
}

}  // namespace kith::calibration
