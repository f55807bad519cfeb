#include "kith/eval.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/edge.h"
#include "base/strings.h"
#include "eval/judge.h"
#include "eval/speed.h"
#include "eval/statistics.h"

namespace kith::eval {
namespace {

constexpr double kEnoughRecall = 0.999;

// Beam widths that show a graph's curve from a glance to nearly everything, about sqrt(2) apart.
constexpr int64_t kGraphEfforts[] = {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512};

// What of an index is measured.
bool MeasuresGraph(const IndexInfo& info, const EvalOptions& options) {
  return options.graph && info.has_graph;
}
bool MeasuresForest(const IndexInfo& info, const EvalOptions& options) {
  return options.forest && info.has_forest;
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
  if (MeasuresGraph(info, options) || MeasuresForest(info, options)) return Status::Ok();
  if (!options.efforts.empty() || !options.recalls.empty()) {
    return Status::InvalidArgument(StrCat(info.path, " has no ",
                                          options.graph == options.forest ? "graph or forest"
                                          : options.graph                 ? "graph"
                                                                          : "forest",
                                          " to measure ",
                                          options.recalls.empty() ? "efforts" : "recalls",
                                          " with; build it with one"));
  }
  if (options.exact) return Status::Ok();
  return Status::InvalidArgument(StrCat("nothing to measure: ", info.path,
                                        info.has_graph || info.has_forest
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
  const IndexInfo* graph = nullptr;
  const IndexInfo* forest = nullptr;
  for (const Index* index : indexes) {
    if (MeasuresGraph(index->info(), options)) graph = &index->info();
    if (MeasuresForest(index->info(), options)) forest = &index->info();
  }
  if (graph == nullptr || forest == nullptr) return Status::Ok();
  return Status::InvalidArgument(
      StrCat(graph->path, " has a graph and ", graph == forest ? "" : StrCat(forest->path, " has "),
             "a forest, to which efforts mean different things; measure one of them at a time"));
}

// The params of one point; its effort or its recall are still to be set.
SearchParams ParamsOf(IndexKind kind, const EvalOptions& options) {
  SearchParams params;
  params.k = options.k;
  params.index = kind;
  params.threads = options.threads;
  params.stop = options.stop;
  return params;
}

// That each recall is in reach, before time is spent on the others.
Status CheckRecalls(const std::vector<const Index*>& indexes, const EvalOptions& options) {
  if (options.recalls.empty()) return Status::Ok();
  if (!options.efforts.empty()) {
    return Status::InvalidArgument("both efforts and recalls are given; give one of them");
  }
  for (const Index* index : indexes) {
    for (const IndexKind kind : {IndexKind::kGraph, IndexKind::kForest}) {
      const bool measured = kind == IndexKind::kGraph ? MeasuresGraph(index->info(), options)
                                                      : MeasuresForest(index->info(), options);
      for (const double recall : options.recalls) {
        SearchParams params = ParamsOf(kind, options);
        params.recall = recall;
        if (measured) KITH_RETURN_IF_ERROR(index->Plan(params, 1).status());
      }
    }
  }
  return Status::Ok();
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
    if (options_.exact) KITH_RETURN_IF_ERROR(Add(judge, IndexKind::kExact, 0));
    if (MeasuresGraph(index_.info(), options_)) {
      KITH_RETURN_IF_ERROR(HasSettings() ? AddSettings(judge, IndexKind::kGraph)
                                         : AddGraphGrid(judge));
    }
    if (MeasuresForest(index_.info(), options_)) {
      KITH_RETURN_IF_ERROR(HasSettings() ? AddSettings(judge, IndexKind::kForest)
                                         : AddForestGrid(judge));
    }
    return Status::Ok();
  }

  std::vector<Point>& points() { return points_; }

 private:
  bool HasSettings() const { return !options_.efforts.empty() || !options_.recalls.empty(); }

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
    result.target = params.recall;
    result.effort = params.recall > 0 ? found.plan.effort : static_cast<double>(params.effort);
    KITH_ASSIGN_OR_RETURN(const std::vector<QueryRecall> recalls, judge.Recalls(found));
    result.recall = MeanRecall(recalls);
    result.recall_interval = RecallInterval(recalls);
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
    for (const double recall : options_.recalls) {
      SearchParams params = ParamsOf(kind, options_);
      params.recall = recall;
      KITH_RETURN_IF_ERROR(Add(judge, params, StrCat(IndexKindName(kind), ", recall ", recall)));
    }
    return Status::Ok();
  }

  Status AddGraphGrid(const Judge& judge) {
    const auto k = static_cast<int64_t>(options_.k);
    std::vector<int64_t> efforts{k};
    for (const int64_t effort : kGraphEfforts) {
      if (effort > k) efforts.push_back(effort);
    }
    while (efforts.size() < 3) efforts.push_back(2 * efforts.back());
    for (const int64_t effort : efforts) {
      KITH_RETURN_IF_ERROR(Add(judge, IndexKind::kGraph, effort));
      // A beam as wide as the graph visits all of it.
      if (points_.back().result.recall >= kEnoughRecall ||
          static_cast<uint64_t>(effort) >= index_.info().num_vectors) {
        break;
      }
    }
    return Status::Ok();
  }

  Status AddForestGrid(const Judge& judge) {
    const double trees = index_.info().num_trees;
    const double entries = static_cast<double>(index_.info().num_vectors) * trees;
    // Efforts are compared as doubles: entries can exceed 64 bits in a file that lies.
    for (double effort = std::max(1.0, static_cast<double>(options_.k) * trees);; effort *= 2) {
      effort = std::min({effort, std::max(entries, 1.0), 0x1p62});
      KITH_RETURN_IF_ERROR(Add(judge, IndexKind::kForest, static_cast<int64_t>(effort)));
      if (points_.back().result.recall >= kEnoughRecall || effort >= entries || effort >= 0x1p62) {
        return Status::Ok();
      }
    }
  }

  const Index& index_;
  const MatrixView& queries_;
  const EvalOptions& options_;
  std::vector<Point> points_;
};

// All points in turn, and back again in the next round: none is always first, and of a machine
// that slows down steadily all have their share.
Status TimeInRounds(std::vector<Curve>& curves, const EvalOptions& options) {
  std::vector<SpeedMeter*> meters;
  size_t longest = 0;
  for (Curve& curve : curves) longest = std::max(longest, curve.points().size());
  for (size_t i = 0; i < longest; ++i) {
    for (Curve& curve : curves) {
      if (i < curve.points().size()) meters.push_back(&curve.points()[i].meter);
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
      point.meter.Summarize(&point.result);
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
