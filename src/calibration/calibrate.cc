#include "calibration/calibrate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "base/rng.h"
#include "base/strings.h"
#include "calibration/drift.h"
#include "calibration/section.h"
#include "data/convert.h"
#include "scan/exact.h"
#include "search/recall_limit.h"

namespace kith::calibration {
namespace {

// So many vectors are searched exactly in microseconds: nobody needs to know how well anything else
// would do.
constexpr size_t kFewRows = 512;
// Vectors held out: of small sets an eighth, of large ones a small part, and never more than these.
// The mean of recall@10 near 0.8 is then known to 0.004 (one standard error).
constexpr size_t kMostShare = 8;
constexpr size_t kLeastShare = 64;
constexpr size_t kEnoughHeldOut = 2048;
constexpr size_t kMostHeldOut = 4096;

// Queries enough to know a mean to this standard error, and the tail of the distribution.
constexpr double kStandardError = 0.005;
constexpr size_t kLeastQueries = 256;
// Of efforts too small to be asked for, from which little is learnt.
constexpr size_t kQueriesOfLittle = 512;
constexpr size_t kLeastNeighbours = 1024;  // queries times k: recall in steps of a thousandth
// Means of more neighbours than this take fewer queries.
constexpr size_t kFewNeighbours = 10;
constexpr size_t kQueriesOfMany = 1024;

// Beams are about as wide as k here, and between 10 and 100 their widths are no line. What a forest
// looks at goes with the root of k throughout.
constexpr uint32_t kForGraphs = 30;

constexpr double kEnough = 0.9993;

constexpr size_t kNumQuantiles = 33;
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

// The least effort worth measuring for one k, and the most: beyond it, a scan is cheaper.
struct EffortRange {
  double least;
  double most;
};
EffortRange RangeOf(IndexKind index, size_t k, const MatrixView& rows) {
  const auto n = static_cast<double>(rows.rows);
  const auto kept = static_cast<double>(k);
  if (index == IndexKind::kGraph) {
    return {kept, std::min({n, 600 + 10 * kept, std::max(n / 16, 3 * kept)})};
  }
  const double least = std::max(kept, static_cast<double>(rows.dim) / 4);
  return {least, std::min(n, std::max({n / 4, 2 * least, 20000.0}))};
}

// The next effort to measure: small steps where targets are, between which recall is taken for
// linear.
double NextEffort(const CalibrationPoint& last) {
  const double growth = last.recall < 0.6f ? 1.6 : last.recall < 0.97f ? 1.25 : 1.6;
  return std::floor(std::max(last.effort * growth, last.effort + 1.0));
}

// Parts of the least beam of a graph, to be measured for as long as there is recall to spare.
constexpr double kParts[] = {0.975, 0.95, 0.925, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5};
constexpr float kSpare = 0.75f;
// A walk that has found k ends there, and nothing makes it shorter.
constexpr float kLeastFall = 0.002f;

}  // namespace

std::vector<uint32_t> ChooseHeldOut(size_t n, uint64_t seed) {
  std::vector<uint32_t> held_out;
  if (n < kFewRows) return held_out;
  const size_t count =
      std::clamp(n / kLeastShare, std::min(n / kMostShare, kEnoughHeldOut), kMostHeldOut);
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
                                      const MatrixView& queries, std::span<const uint32_t> hidden,
                                      CalibrationSource source, const CalibrateOptions& options,
                                      ThreadPool& pool) {
  Calibrator c(&pool);
  c.vectors_ = vectors;
  c.progress_ = options.progress;
  c.calibration_.source = source;
  c.calibration_.num_queries = static_cast<uint32_t>(queries.rows);
  std::vector<uint32_t> order(queries.rows);
  std::iota(order.begin(), order.end(), 0u);
  Rng rng(queries.rows, kStream);
  rng.Shuffle(&order);
  const size_t stride = RowBytes(queries.dtype, queries.dim);
  KITH_ASSIGN_OR_RETURN(c.shuffled_, data::GatherRows(queries, order, stride, pool));
  c.queries_ = {c.shuffled_.data(), queries.rows, queries.dim, stride, queries.dtype};
  const size_t n = vectors.table.rows.rows - hidden.size();
  c.own_ks_ = options.ks.empty();
  for (const uint32_t k :
       options.ks.empty() ? std::vector<uint32_t>{1, 10, kForGraphs, 100} : options.ks) {
    // Recall of nearly all vectors says nothing.
    if (k <= std::max<size_t>(1, n / 4)) c.ks_.push_back(k);
  }
  std::sort(c.ks_.begin(), c.ks_.end());
  c.ks_.erase(std::unique(c.ks_.begin(), c.ks_.end()), c.ks_.end());
  c.growth_ = std::pow(static_cast<double>(vectors.table.rows.rows) / static_cast<double>(n), 0.25);
  KITH_RETURN_IF_ERROR(c.FindTruth(hidden));
  c.FindQuantiles();
  return c;
}

Status Calibrator::FindTruth(std::span<const uint32_t> hidden) {
  KITH_RETURN_IF_ERROR(pool_->Report(progress_, "true neighbours", 0, 1));
  limits_.resize(ks_.size());
  for (const bool few : {true, false}) {
    std::vector<size_t> places;  // of the ks whose truth one search finds
    for (size_t i = 0; i < ks_.size(); ++i) {
      if ((ks_[i] <= kFewNeighbours) == few) places.push_back(i);
    }
    if (!places.empty()) KITH_RETURN_IF_ERROR(FindLimits(places, hidden));
  }
  return Status::Ok();
}

// For ks_[places], ascending.
Status Calibrator::FindLimits(const std::vector<size_t>& places, std::span<const uint32_t> hidden) {
  const Metric metric = vectors_.table.metric;
  const size_t n = vectors_.table.rows.rows;
  const size_t most = ks_[places.back()];
  MatrixView queries = queries_;
  if (most > kFewNeighbours) queries.rows = std::min(queries.rows, kQueriesOfMany);
  for (const size_t place : places) limits_[place].resize(queries.rows);
  SearchStats stats;
  std::vector<std::vector<search::Candidate>> nearest;
  std::vector<uint32_t> open(queries.rows);  // that have not got all their neighbours yet
  std::iota(open.begin(), open.end(), 0u);
  for (size_t fetched = most + 2 * (most * hidden.size() / n) + (hidden.empty() ? 0 : 8);
       !open.empty(); fetched *= 2) {
    AlignedBuffer<std::byte> buffer;
    MatrixView left = queries;
    if (open.size() < queries.rows) {
      KITH_ASSIGN_OR_RETURN(buffer, data::GatherRows(queries, open, queries.stride, *pool_));
      left.data = buffer.data();
      left.rows = open.size();
    }
    KITH_RETURN_IF_ERROR(scan::ExactSearch(vectors_, {}, left, fetched, *pool_, &nearest, &stats));
    std::vector<uint32_t> again;
    for (size_t i = 0; i < open.size(); ++i) {
      KITH_RETURN_IF_ERROR(pool_->CheckStop());
      std::erase_if(nearest[i], [&](const search::Candidate& c) {
        return std::binary_search(hidden.begin(), hidden.end(), c.row);
      });
      if (nearest[i].size() < most && fetched < n) {
        again.push_back(open[i]);
        continue;
      }
      // Distances too large for floats may leave fewer.
      nearest[i].resize(most, {std::numeric_limits<float>::infinity(), 0});
      if (places[0] == 0) {
        nearness_.push_back(Nearness(metric, queries_, open[i],
                                     search::UserDistance(metric, nearest[i][0].distance)));
      }
      for (const size_t place : places) {
        const float kth = nearest[i][ks_[place] - 1].distance;
        limits_[place][open[i]] = search::RecallLimit(search::UserDistance(metric, kth));
      }
    }
    open = std::move(again);
  }
  return Status::Ok();
}

void Calibrator::FindQuantiles() {
  std::sort(nearness_.begin(), nearness_.end());
  for (size_t i = 0; i < kNumQuantiles && !nearness_.empty(); ++i) {
    calibration_.nearest.push_back(nearness_[i * (nearness_.size() - 1) / (kNumQuantiles - 1)]);
  }
}

Status Calibrator::MeasurePoint(const SearchFn& search, size_t at, double effort,
                                size_t num_queries, CalibrationPoint* point,
                                double* variance) const {
  const size_t k = ks_[at];
  const Metric metric = vectors_.table.metric;
  MatrixView queries = queries_;
  queries.rows = num_queries;
  std::vector<std::vector<search::Candidate>> nearest;
  SearchStats stats;
  KITH_RETURN_IF_ERROR(search(queries, k, effort, &nearest, &stats));
  std::vector<uint32_t> hits(num_queries);
  uint64_t sum = 0;
  uint64_t squares = 0;
  for (size_t q = 0; q < num_queries; ++q) {
    KITH_RETURN_IF_ERROR(pool_->CheckStop());
    const double limit = limits_[at][q];
    hits[q] = static_cast<uint32_t>(
        std::count_if(nearest[q].begin(), nearest[q].end(), [&](const search::Candidate& c) {
          return search::UserDistance(metric, c.distance) <= limit;
        }));
    sum += hits[q];
    squares += uint64_t{hits[q]} * hits[q];
  }
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
  *variance = static_cast<double>(squares) / (count * kept * kept) - mean * mean;
  return Status::Ok();
}

Status Calibrator::Measure(IndexKind index, const SearchFn& search) {
  for (size_t at = 0; at < ks_.size(); ++at) {
    if (index == IndexKind::kForest && own_ks_ && ks_[at] == kForGraphs) continue;
    CalibrationCurve curve{index, ks_[at], {}};
    const size_t most = limits_[at].size();
    size_t num_queries = most;
    const auto measure = [&](double effort) -> Status {
      KITH_RETURN_IF_ERROR(pool_->Report(progress_,
                                         StrCat("recall of the ", IndexKindName(index), ", k = ",
                                                ks_[at], ", effort ", static_cast<int64_t>(effort)),
                                         at, ks_.size()));
      CalibrationPoint point;
      double variance = 0;
      KITH_RETURN_IF_ERROR(MeasurePoint(search, at, effort, num_queries, &point, &variance));
      curve.points.push_back(point);
      if (point.recall < 0.5f) {
        num_queries = std::min(most, kQueriesOfLittle);
        return Status::Ok();
      }
      const auto enough = static_cast<size_t>(variance / (kStandardError * kStandardError));
      num_queries =
          std::min(most, std::max({enough, kLeastQueries, kLeastNeighbours / size_t{ks_[at]}}));
      return Status::Ok();
    };
    const EffortRange range = RangeOf(index, ks_[at], vectors_.table.rows);
    KITH_RETURN_IF_ERROR(measure(range.least));
    if (index == IndexKind::kGraph) {
      for (const double part : kParts) {
        const float before = curve.points.back().recall;
        if (before < kSpare) break;
        KITH_RETURN_IF_ERROR(measure(part * range.least));
        if (before - curve.points.back().recall < kLeastFall) break;
      }
      std::reverse(curve.points.begin(), curve.points.end());
    }
    while (curve.points.back().recall < kEnough && curve.points.back().effort < range.most) {
      KITH_RETURN_IF_ERROR(measure(std::min(range.most, NextEffort(curve.points.back()))));
    }
    for (CalibrationPoint& point : curve.points) {
      point.recall = static_cast<float>(std::max(0.0, 1 - (1 - double{point.recall}) * growth_));
    }
    FitMonotone(&curve.points);
    calibration_.curves.push_back(std::move(curve));
  }
  return Status::Ok();
}

}  // namespace kith::calibration
