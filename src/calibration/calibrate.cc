#include "calibration/calibrate.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "base/strings.h"
#include "calibration/growth.h"
#include "calibration/steps.h"
#include "paths/registry.h"

namespace kith::calibration {
namespace {

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
// A walk that has found k ends there, and nothing makes it shorter: it visits as many nodes, and
// finds as much.
constexpr float kLeastFall = 0.002f;
constexpr float kShorter = 0.995f;

}  // namespace

double Calibrator::Measured::Error() const {
  return std::sqrt(std::max(0.0, variance) / static_cast<double>(hits.size()));
}

Result<Calibrator> Calibrator::Create(std::span<const Site> sites,
                                      std::span<const MatrixView> queries, CalibrationSource source,
                                      const std::vector<uint32_t>& ks, ThreadPool& pool,
                                      const Progress& progress) {
  Calibrator c;
  c.first_ = sites[0];
  c.pool_ = &pool;
  c.progress_ = progress;
  c.calibration_.source = source;
  for (const MatrixView& of : queries) {
    c.calibration_.num_queries += static_cast<uint32_t>(of.rows);
  }
  KITH_ASSIGN_OR_RETURN(c.queries_, QuerySet::Create(sites, queries, pool));
  c.ChooseKs(ks, sites[0].NumSearched());
  KITH_RETURN_IF_ERROR(pool.Report(progress, "true neighbours", 0, 1));
  KITH_RETURN_IF_ERROR(c.queries_.FindTruth(c.ks_));
  c.FindQuantiles();
  return c;
}

Status Calibrator::Extrapolate(double growth, const Site& fewer, const MatrixView& queries) {
  growth_ = growth;
  if (queries.rows == 0) return Status::Ok();
  num_fewer_ = fewer.NumSearched();
  fewer_growth_ = static_cast<double>(first_.NumSearched()) / static_cast<double>(num_fewer_);
  KITH_ASSIGN_OR_RETURN(fewer_, QuerySet::Create({&fewer, 1}, {&queries, 1}, *pool_));
  return fewer_.FindTruth(ks_);
}

void Calibrator::ChooseKs(const std::vector<uint32_t>& ks, size_t num_rows) {
  own_ks_ = ks.empty();
  ks_ = ks;
  for (const search::PathType* type : paths::Approximate()) {
    const std::span<const uint32_t> own = type->efforts()->MeasuredKs();
    if (own_ks_) ks_.insert(ks_.end(), own.begin(), own.end());
  }
  // Recall of nearly all vectors says nothing.
  std::erase_if(ks_, [&](uint32_t k) { return k > MostK(num_rows); });
  std::sort(ks_.begin(), ks_.end());
  ks_.erase(std::unique(ks_.begin(), ks_.end()), ks_.end());
}

void Calibrator::FindQuantiles() {
  std::vector<float> nearness = queries_.Nearness();
  std::sort(nearness.begin(), nearness.end());
  constexpr size_t kNumQuantiles = 33;
  for (size_t i = 0; i < kNumQuantiles && !nearness.empty(); ++i) {
    calibration_.nearest.push_back(nearness[i * (nearness.size() - 1) / (kNumQuantiles - 1)]);
  }
}

Result<Calibrator::Measured> Calibrator::MeasurePoint(const QuerySet& queries, Paths paths,
                                                      const Asked& asked,
                                                      size_t num_queries) const {
  Measured measured;
  CalibrationPoint* const point = &measured.point;
  SearchStats stats;
  KITH_ASSIGN_OR_RETURN(std::vector<uint32_t> hits,
                        queries.CountHits(paths, asked, num_queries, &stats, nullptr));
  uint64_t sum = 0;
  uint64_t squares = 0;
  for (const uint32_t h : hits) {
    sum += h;
    squares += uint64_t{h} * h;
  }
  measured.hits = hits;
  std::sort(hits.begin(), hits.end());
  const auto count = static_cast<double>(num_queries);
  const auto kept = static_cast<double>(ks_[asked.at]);
  const size_t tenth = (num_queries + 9) / 10;
  const auto worst =
      std::accumulate(hits.begin(), hits.begin() + static_cast<ptrdiff_t>(tenth), uint64_t{0});
  // Nothing missed among so many says that less than one of twice as many would be, no more.
  const double mean = std::min(static_cast<double>(sum), count * kept - 0.5) / (count * kept);
  point->effort = static_cast<float>(asked.effort);
  point->recall = static_cast<float>(mean);
  point->recall_p5 = static_cast<float>(hits[num_queries / 20] / kept);
  point->recall_worst =
      static_cast<float>(static_cast<double>(worst) / (static_cast<double>(tenth) * kept));
  point->nodes = static_cast<float>(static_cast<double>(stats.nodes) / count);
  point->distances = static_cast<float>(static_cast<double>(stats.distances) / count);
  measured.variance = static_cast<double>(squares) / (count * kept * kept) - mean * mean;
  return measured;
}

Result<ShortWalk> Calibrator::WalkShortly(const QuerySet& queries, Paths paths, size_t at,
                                          double effort, size_t count) const {
  ShortWalk walk;
  walk.effort = std::min(effort, static_cast<double>(first_.vectors.table.rows.rows));
  if (walk.effort == 0) return walk;
  const QueryEfforts efforts{walk.effort, {0}, {static_cast<float>(walk.effort)}};
  SearchStats stats;
  KITH_RETURN_IF_ERROR(
      queries.CountHits(paths, {at, walk.effort, &efforts}, count, &stats, &walk.far).status());
  return walk;
}

Status Calibrator::AddToRecord(const QuerySet& queries, Paths paths, const Asked& asked,
                               size_t count, std::span<const uint32_t> known, QueryRecord* record) {
  std::vector<uint32_t> hits(known.begin(),
                             known.begin() + static_cast<ptrdiff_t>(std::min(known.size(), count)));
  std::vector<uint32_t> left;
  for (size_t q = hits.size(); q < count; ++q) {
    // Who has found everything with less finds it with more, too.
    const bool all = !record->hits.empty() && record->hits.back()[q] >= record->k;
    hits.push_back(all ? static_cast<uint32_t>(record->k) : 0);
    if (!all) left.push_back(static_cast<uint32_t>(q));
  }
  KITH_ASSIGN_OR_RETURN(const std::vector<uint32_t> more, queries.CountHits(paths, asked, left));
  for (size_t i = 0; i < left.size(); ++i) hits[left[i]] = more[i];
  record->efforts.push_back(static_cast<float>(asked.effort));
  record->hits.push_back(std::move(hits));
  return Status::Ok();
}

Status Calibrator::Learn(const search::EffortScale& efforts, Paths paths, size_t at,
                         const QueryRecord& record, CalibrationCurve* curve) {
  constexpr size_t kMixed = 512;
  const search::EffortScale::ShortWalks walks = efforts.Short(ks_[at]);
  const size_t count = record.hits.front().size();
  KITH_ASSIGN_OR_RETURN(const ShortWalk need, WalkShortly(queries_, paths, at, walks.need, count));
  curve->need = LearnNeed(record, need);
  if (walks.wide == 0) return Status::Ok();
  if (mixed_.empty()) {
    KITH_ASSIGN_OR_RETURN(mixed_, queries_.Mixed(PartOf(kMixed, paths.size())));
    KITH_RETURN_IF_ERROR(mixed_.FindTruth(ks_));
  }
  KITH_ASSIGN_OR_RETURN(const ShortWalk wide, WalkShortly(queries_, paths, at, walks.wide, count));
  // Of many neighbours, fewer queries tell as much.
  const size_t all = mixed_.size(at);
  const size_t unlike = ks_[at] > kFewNeighbours ? (all + 1) / 2 : all;
  KITH_ASSIGN_OR_RETURN(const ShortWalk far, WalkShortly(mixed_, paths, at, walks.wide, unlike));
  QueryRecord mixed{record.k, {}, {}};
  for (const float effort : record.efforts) {
    KITH_RETURN_IF_ERROR(AddToRecord(mixed_, paths, {at, double{effort}}, unlike, {}, &mixed));
  }
  curve->wide = LearnWide(record, wide, mixed, far);
  return Status::Ok();
}

Result<double> Calibrator::PowerOf(const CalibrationCurve& curve, std::span<const double> errors,
                                   double most, const search::AccessPath& fewer, size_t at) const {
  std::vector<FewerPoint> points;
  const search::AccessPath* const path = &fewer;
  const size_t count = CompareWith(ks_[at], fewer_.size(at));
  for (const CalibrationPoint& point : curve.points) {
    // Searches of so much effort take long; what less effort tells holds for them, too.
    if (double{point.effort} > most || ks_[at] > MostK(num_fewer_)) break;
    KITH_ASSIGN_OR_RETURN(const Measured measured,
                          MeasurePoint(fewer_, {&path, 1}, {at, double{point.effort}}, count));
    points.push_back({double{measured.point.recall}, measured.Error()});
    if (measured.point.recall > kMostCompared) break;
  }
  return PowerOfEffort(curve.points, errors, points, fewer_growth_);
}

Status Calibrator::Measure(const search::PathType& type, Paths paths,
                           const search::AccessPath* fewer) {
  const std::span<const uint32_t> own = type.efforts()->MeasuredKs();
  for (size_t at = 0; at < ks_.size(); ++at) {
    if (own_ks_ && std::find(own.begin(), own.end(), ks_[at]) == own.end()) continue;
    KITH_RETURN_IF_ERROR(MeasureK(type, paths, fewer, at));
  }
  return Status::Ok();
}

// The curve of ks_[at].
Status Calibrator::MeasureK(const search::PathType& type, Paths paths,
                            const search::AccessPath* fewer, size_t at) {
  CalibrationCurve curve{type.kind(), ks_[at], {}};
  QueryRecord record{ks_[at], {}, {}};
  std::vector<double> errors;
  const size_t most = queries_.size(at);
  const size_t of_record = std::min(kQueriesOfNeed, most);
  size_t num_queries = most;
  const auto measure = [&](double effort) -> Status {
    KITH_RETURN_IF_ERROR(
        pool_->Report(progress_,
                      StrCat("recall of the ", type.name(), ", k = ", ks_[at], ", effort ",
                             static_cast<int64_t>(std::min(effort, 0x1p62))),
                      at, ks_.size()));
    const Asked asked{at, effort};
    KITH_ASSIGN_OR_RETURN(const Measured measured,
                          MeasurePoint(queries_, paths, asked, num_queries));
    const CalibrationPoint& point = measured.point;
    curve.points.push_back(point);
    errors.push_back(measured.Error());
    num_queries = QueriesFor(ks_[at], point.recall, measured.variance, most);
    const double last = record.efforts.empty() ? 0 : double{record.efforts.back()};
    if (double{point.effort} <= last) return Status::Ok();
    return AddToRecord(queries_, paths, asked, of_record, measured.hits, &record);
  };
  const search::EffortScale& efforts = *type.efforts();
  const MatrixView& all = first_.vectors.table.rows;
  const search::EffortScale::Range asked = efforts.Measured(ks_[at], all);
  const search::EffortScale::Range range{Kept(asked.least), Kept(asked.most)};
  KITH_RETURN_IF_ERROR(measure(range.least));
  for (const double part : efforts.Parts()) {
    const CalibrationPoint before = curve.points.back();
    if (before.recall < kSpare) break;
    KITH_RETURN_IF_ERROR(measure(part * range.least));
    const CalibrationPoint& now = curve.points.back();
    if (before.recall - now.recall < kLeastFall && now.nodes > kShorter * before.nodes) break;
  }
  std::reverse(curve.points.begin(), curve.points.end());
  std::reverse(errors.begin(), errors.end());
  const double rows = std::round(growth_ * static_cast<double>(first_.NumSearched()));
  const double bytes = rows * static_cast<double>(RowBytes(all.dtype, all.dim));
  const double limit = Kept(MostEffort(efforts, rows, bytes, range.most));
  bool stuck = false;
  while (!stuck && curve.points.back().recall < kEnough && curve.points.back().effort < limit) {
    KITH_RETURN_IF_ERROR(measure(std::min(limit, NextEffort(curve.points.back()))));
    stuck = IsStuck(curve.points);
  }
  curve.end = curve.points.back().recall >= kEnough ? CalibrationEnd::kFound
              : stuck || limit < rows               ? CalibrationEnd::kExactCheaper
                                                    : CalibrationEnd::kAllSearched;
  KITH_RETURN_IF_ERROR(Learn(efforts, paths, at, record, &curve));
  if (fewer != nullptr) {
    KITH_ASSIGN_OR_RETURN(const double power, PowerOf(curve, errors, range.most, *fewer, at));
    CorrectForGrowth(power, growth_, &curve);
  }
  // Where there are too few queries for the standard error, recall is told that much lower: it is
  // better to find more than was asked for than less.
  std::vector<float>& margins = margins_.emplace_back();
  for (const double error : errors) {
    margins.push_back(static_cast<float>(std::max(0.0, error - kStandardError)));
  }
  calibration_.curves.push_back(std::move(curve));
  return Status::Ok();
}

Calibration Calibrator::Take() {
  for (size_t c = 0; c < calibration_.curves.size(); ++c) {
    std::vector<CalibrationPoint>& points = calibration_.curves[c].points;
    for (size_t i = 0; i < points.size(); ++i) {
      points[i].recall = std::max(0.0f, points[i].recall - margins_[c][i]);
    }
    FitMonotone(&points);
  }
  return std::move(calibration_);
}

}  // namespace kith::calibration
