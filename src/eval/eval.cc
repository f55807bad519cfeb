#include "kith/eval.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/edge.h"
#include "base/strings.h"
#include "calibration/drift.h"
#include "eval/judge.h"
#include "eval/speed.h"
#include "eval/statistics.h"
#include "paths/registry.h"

namespace kith::eval {
namespace {

constexpr double kEnoughRecall = 0.999;

// Whether a path is one of those to be measured.
bool IsWanted(IndexKind kind, const EvalOptions& options) {
  return options.paths.empty() ||
         std::find(options.paths.begin(), options.paths.end(), kind) != options.paths.end();
}

// The paths of an index that are measured and are not exact, in the order of its info.
std::vector<const search::PathType*> MeasuredWith(const IndexInfo& info,
                                                  const EvalOptions& options) {
  std::vector<const search::PathType*> types;
  for (const search::PathType* type : paths::Approximate()) {
    if (info.has(type->kind()) && IsWanted(type->kind(), options)) types.push_back(type);
  }
  return types;
}

// "graph or forest": those that efforts and recalls may be measured of.
std::string WantedNames(const EvalOptions& options) {
  std::string names;
  for (const search::PathType* type : paths::Approximate()) {
    if (!IsWanted(type->kind(), options)) continue;
    names += StrCat(names.empty() ? "" : " or ", type->name());
  }
  if (!names.empty()) return names;
  EvalOptions all = options;
  all.paths.clear();
  return WantedNames(all);
}

bool AsksForRecall(const EvalOptions& options) {
  return !options.recalls.empty() || options.worst > 0;
}

// The means asked for; 0 where only `worst` is.
std::vector<double> MeansOf(const EvalOptions& options) {
  if (options.recalls.empty() && options.worst > 0) return {0};
  return options.recalls;
}

Status CheckIndex(const IndexInfo& info, const MatrixView& queries, const EvalOptions& options) {
  if (queries.dim != info.dim) {
    return Status::InvalidArgument(StrCat("the queries have ", queries.dim, " dimensions, but ",
                                          info.path, " has ", info.dim,
                                          "; use queries of the same kind of vectors"));
  }
  if (options.k == 0 || options.k > info.num_vectors) {
    return Status::InvalidArgument(StrCat("k is ", options.k, ", but must be from 1 to the ",
                                          info.num_vectors, " vectors of ", info.path));
  }
  if (!MeasuredWith(info, options).empty()) return Status::Ok();
  if (!options.efforts.empty() || AsksForRecall(options)) {
    return Status::InvalidArgument(
        StrCat(info.path, " has no ", WantedNames(options), " to measure ",
               AsksForRecall(options) ? "recalls" : "efforts", " with; build it with one"));
  }
  if (IsWanted(IndexKind::kExact, options)) return Status::Ok();
  return Status::InvalidArgument(StrCat("nothing to measure: ", info.path,
                                        info.has_approximate()
                                            ? " has nothing that is not left out"
                                            : " has exact search only, which is left out"));
}

// A truth and a curve of one are no use to the other unless both hold the same vectors.
Status CheckSameVectors(const IndexInfo& a, const IndexInfo& b) {
  const auto differ = [&](const auto& of_a, const auto& of_b) {
    return Status::InvalidArgument(StrCat(a.path, " has ", of_a, ", but ", b.path, " has ", of_b,
                                          "; compare files of the same vectors"));
  };
  if (a.dim != b.dim) return differ(StrCat(a.dim, " dimensions"), StrCat(b.dim, " dimensions"));
  if (a.num_vectors != b.num_vectors) {
    return differ(StrCat(a.num_vectors, " vectors"), StrCat(b.num_vectors, " vectors"));
  }
  if (a.metric == b.metric) return Status::Ok();
  return differ(StrCat("the metric ", MetricName(a.metric)),
                StrCat("the metric ", MetricName(b.metric)));
}

Status CheckEfforts(const std::vector<const Index*>& indexes, const EvalOptions& options) {
  if (options.efforts.empty()) return Status::Ok();
  for (const int64_t effort : options.efforts) {
    if (effort < 1) {
      return Status::InvalidArgument(StrCat("effort is ", effort, ", but must be at least 1"));
    }
  }
  // The first kind of path measured, and an index that has it.
  const search::PathType* first = nullptr;
  const IndexInfo* has_first = nullptr;
  for (const search::PathType* type : paths::Approximate()) {
    const IndexInfo* has = nullptr;
    for (const Index* index : indexes) {
      const bool measured = index->info().has(type->kind()) && IsWanted(type->kind(), options);
      if (measured) has = &index->info();
    }
    if (has == nullptr) continue;
    if (first != nullptr) {
      return Status::InvalidArgument(
          StrCat(has_first->path, " has a ", first->name(), " and ",
                 has_first == has ? "" : StrCat(has->path, " has "), "a ", type->name(),
                 ", to which efforts mean different things; measure one of them at a time"));
    }
    first = type;
    has_first = has;
  }
  return Status::Ok();
}

// The params of one point; its effort or its recall are still to be set.
SearchParams ParamsOf(IndexKind kind, const EvalOptions& options) {
  SearchParams params;
  params.k = options.k;
  params.index = kind;
  params.threads = options.threads;
  params.stop = options.stop;
  // The same queries are asked again and again, which would look like as many.
  params.watched = false;
  return params;
}

SearchParams ParamsOfRecall(IndexKind kind, double recall, const EvalOptions& options) {
  SearchParams params = ParamsOf(kind, options);
  params.recall = recall;
  params.worst = options.worst;
  params.widen = options.widen;
  return params;
}

// That some recall is in reach of something, before time is spent.
Status CheckRecalls(const std::vector<const Index*>& indexes, const EvalOptions& options) {
  if (!AsksForRecall(options)) return Status::Ok();
  if (!options.efforts.empty()) {
    return Status::InvalidArgument("both efforts and recalls are given; give one of them");
  }
  Status first;  // of those out of reach
  bool any = false;
  for (const Index* index : indexes) {
    for (const search::PathType* type : MeasuredWith(index->info(), options)) {
      for (const double recall : MeansOf(options)) {
        const Status status =
            index->Plan(ParamsOfRecall(type->kind(), recall, options), 1).status();
        any = any || status.ok();
        if (status.ok()) continue;
        if (status.remedy() == Remedy::kNone) return status;
        if (first.ok()) first = status;
      }
    }
  }
  return any ? Status::Ok() : first;
}

Status CheckArguments(const std::vector<const Index*>& indexes, const MatrixView& queries,
                      const EvalOptions& options) {
  if (indexes.empty()) return Status::InvalidArgument("there is no index to measure");
  if (queries.rows == 0) return Status::InvalidArgument("there are no queries to measure with");
  for (const Index* index : indexes) {
    KITH_RETURN_IF_ERROR(CheckSameVectors(indexes[0]->info(), index->info()));
    KITH_RETURN_IF_ERROR(CheckIndex(index->info(), queries, options));
  }
  KITH_RETURN_IF_ERROR(CheckRecalls(indexes, options));
  return CheckEfforts(indexes, options);
}

// The truth as the file itself gives it, by exact search.
Result<GroundTruth> SearchTruth(const Index& index, const MatrixView& queries,
                                const EvalOptions& options) {
  SearchResult result;
  KITH_RETURN_IF_ERROR(index.Search(queries, ParamsOf(IndexKind::kExact, options), &result));
  GroundTruth truth;
  truth.num_queries = queries.rows;
  truth.k = options.k;
  truth.ids = std::move(result.ids);
  return truth;
}

Status Report(const EvalOptions& options, std::string_view stage, uint64_t done, uint64_t total) {
  const bool go_on = !options.progress || options.progress(stage, done, total);
  return go_on && !options.stop.stop_requested() ? Status::Ok() : Cancelled();
}

// The points of one index. What they find is measured as they are added: it decides where a grid
// ends. Their speed is measured afterwards, in rounds.
class Curve {
 public:
  struct Point {
    EvalPoint result;
    SpeedMeter meter;
  };

  Curve(const Index& index, const MatrixView& queries, const EvalOptions& options)
      : index_(index), queries_(queries), options_(options) {}

  Status AddPoints(const GroundTruth& truth) {
    KITH_ASSIGN_OR_RETURN(const Judge judge,
                          Judge::Create(index_, queries_, truth, options_.k, options_.stop));
    if (IsWanted(IndexKind::kExact, options_)) {
      KITH_RETURN_IF_ERROR(Add(judge, IndexKind::kExact, 0));
    }
    if (AsksForRecall(options_)) drift_ = DriftOf(judge);
    for (const search::PathType* type : MeasuredWith(index_.info(), options_)) {
      KITH_RETURN_IF_ERROR(HasSettings() ? AddSettings(judge, type->kind())
                                         : AddGrid(judge, *type));
    }
    return Status::Ok();
  }

  std::vector<Point>& points() { return points_; }

 private:
  bool HasSettings() const { return !options_.efforts.empty() || AsksForRecall(options_); }

  Status Add(const Judge& judge, IndexKind kind, int64_t effort) {
    SearchParams params = ParamsOf(kind, options_);
    params.effort = effort;
    return Add(judge, params,
               kind == IndexKind::kExact ? "exact search"
                                         : StrCat(IndexKindName(kind), ", effort ", effort));
  }

  Status Add(const Judge& judge, const SearchParams& params, const std::string& stage) {
    KITH_RETURN_IF_ERROR(Report(options_, stage, 0, 0));
    Point point{{}, SpeedMeter(index_, queries_, params)};
    SearchResult found;
    KITH_RETURN_IF_ERROR(point.meter.FirstBatch(&found));
    EvalPoint& result = point.result;
    result.index = params.index;
    result.k = options_.k;
    const bool planned = params.recall > 0 || params.worst > 0;
    result.target = params.recall;
    result.target_worst = params.worst;
    if (planned) result.drift = drift_;
    result.effort = planned ? found.plan.effort : static_cast<double>(params.effort);
    KITH_ASSIGN_OR_RETURN(const std::vector<QueryRecall> recalls, judge.Recalls(found));
    result.recall = MeanRecall(recalls);
    result.recall_interval = RecallInterval(recalls);
    constexpr double kClearly = 0.02;
    result.missed = result.recall_interval.high < result.target - kClearly;
    result.recall_p5 = RecallP5(recalls);
    result.recall_worst_decile = WorstDecileRecall(recalls);
    const auto n = static_cast<double>(queries_.rows);
    result.distances = static_cast<double>(found.stats.distances) / n;
    result.codes = static_cast<double>(found.stats.codes) / n;
    result.nodes = static_cast<double>(found.stats.nodes) / n;
    result.entries = static_cast<double>(found.stats.entries) / n;
    result.bytes = static_cast<double>(found.stats.bytes) / n;
    points_.push_back(std::move(point));
    return Status::Ok();
  }

  Status AddSettings(const Judge& judge, IndexKind kind) {
    for (const int64_t effort : options_.efforts) {
      KITH_RETURN_IF_ERROR(Add(judge, kind, effort));
    }
    for (const double recall : MeansOf(options_)) {
      const SearchParams params = ParamsOfRecall(kind, recall, options_);
      const Status planned = index_.Plan(params, queries_.rows).status();
      if (planned.ok()) {
        const double named = recall > 0 ? recall : params.worst;
        KITH_RETURN_IF_ERROR(Add(judge, params, StrCat(IndexKindName(kind), ", recall ", named)));
      } else if (planned.remedy() != Remedy::kNone) {
        AddUnreachable(params);
      } else {
        return planned;
      }
    }
    return Status::Ok();
  }

  void AddUnreachable(const SearchParams& params) {
    Point point{{}, SpeedMeter(index_, queries_, params)};
    EvalPoint& result = point.result;
    result.index = params.index;
    result.k = options_.k;
    result.target = params.recall;
    result.target_worst = params.worst;
    result.drift = drift_;
    result.reachable = false;
    const EffortForRecall most = FindEffort(index_.info().calibration, params.index, options_.k,
                                            RecallGoal{params.recall, params.worst, params.widen});
    result.reached = most.recall;
    result.reached_worst = most.worst;
    points_.push_back(std::move(point));
  }

  // Of the true neighbours: what searches find of them makes no difference.
  QueryDrift DriftOf(const Judge& judge) const {
    const IndexInfo& info = index_.info();
    calibration::DriftMeter meter;
    meter.Init(info.calibration.nearest, info.calibration.num_queries);
    for (size_t q = 0; meter.active() && q < queries_.rows; ++q) {
      if (std::isinf(judge.nearest(q))) continue;
      meter.Add(calibration::Nearness(info.metric, queries_, q, judge.nearest(q)));
    }
    return meter.Read();
  }

  Status AddGrid(const Judge& judge, const search::PathType& type) {
    for (const int64_t effort : type.efforts()->Grid(index_.info(), options_.k)) {
      KITH_RETURN_IF_ERROR(Add(judge, type.kind(), effort));
      if (points_.back().result.recall >= kEnoughRecall) break;
    }
    return Status::Ok();
  }

  const Index& index_;
  const MatrixView& queries_;
  const EvalOptions& options_;
  std::vector<Point> points_;
  QueryDrift drift_;
};

// All points in turn, and back again in the next round: none is always first, and of a machine
// that slows down steadily all have their share.
Status TimeInRounds(std::vector<Curve>& curves, const EvalOptions& options) {
  std::vector<SpeedMeter*> meters;
  size_t longest = 0;
  for (Curve& curve : curves) longest = std::max(longest, curve.points().size());
  for (size_t i = 0; i < longest; ++i) {
    for (Curve& curve : curves) {
      if (i >= curve.points().size() || !curve.points()[i].result.reachable) continue;
      meters.push_back(&curve.points()[i].meter);
    }
  }
  const size_t total = meters.size() * SpeedMeter::kRounds;
  size_t done = 0;
  for (int round = 0; round < SpeedMeter::kRounds; ++round) {
    for (SpeedMeter* meter : meters) {
      KITH_RETURN_IF_ERROR(Report(options, "timing", done++, total));
      KITH_RETURN_IF_ERROR(meter->Round());
    }
    std::reverse(meters.begin(), meters.end());
  }
  return Status::Ok();
}

Result<std::vector<std::vector<EvalPoint>>> MeasureAll(const std::vector<const Index*>& indexes,
                                                       const MatrixView& queries,
                                                       const GroundTruth* truth,
                                                       const EvalOptions& options) {
  KITH_RETURN_IF_ERROR(CheckArguments(indexes, queries, options));
  GroundTruth own;
  if (truth == nullptr) {
    KITH_RETURN_IF_ERROR(Report(options, "ground truth", 0, 0));
    KITH_ASSIGN_OR_RETURN(own, SearchTruth(*indexes[0], queries, options));
    truth = &own;
  }
  std::vector<Curve> curves;
  for (const Index* index : indexes) {
    curves.emplace_back(*index, queries, options);
    KITH_RETURN_IF_ERROR(curves.back().AddPoints(*truth));
  }
  KITH_RETURN_IF_ERROR(TimeInRounds(curves, options));
  std::vector<std::vector<EvalPoint>> results(curves.size());
  for (size_t i = 0; i < curves.size(); ++i) {
    for (Curve::Point& point : curves[i].points()) {
      if (point.result.reachable) point.meter.Summarize(&point.result);
      results[i].push_back(point.result);
    }
  }
  return results;
}

constexpr char kFewerQueries[] = "measure with fewer queries";

}  // namespace

}  // namespace kith::eval

namespace kith {

Result<std::vector<std::vector<EvalPoint>>> EvaluateTogether(
    const std::vector<const Index*>& indexes, const MatrixView& queries, const GroundTruth* truth,
    const EvalOptions& options) {
  return AtEdge({}, eval::kFewerQueries,
                [&] { return eval::MeasureAll(indexes, queries, truth, options); });
}

Result<std::vector<EvalPoint>> Evaluate(const Index& index, const MatrixView& queries,
                                        const GroundTruth* truth, const EvalOptions& options) {
  return AtEdge({}, eval::kFewerQueries, [&]() -> Result<std::vector<EvalPoint>> {
    KITH_ASSIGN_OR_RETURN(std::vector<std::vector<EvalPoint>> results,
                          eval::MeasureAll({&index}, queries, truth, options));
    return std::move(results[0]);
  });
}

}  // namespace kith
