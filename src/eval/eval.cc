#include "kith/eval.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/rng.h"
#include "base/strings.h"
#include "eval/judge.h"

namespace kith {
namespace {

constexpr double kBatchSeconds = 0.3;
constexpr int kMaxBatches = 100;
constexpr double kSinglesSeconds = 0.3;
constexpr double kMostSinglesSeconds = 2;
constexpr size_t kMinSingles = 20;
constexpr size_t kMaxSingles = 1000;
constexpr int kMaxPasses = 100;
constexpr double kEnoughRecall = 0.999;

// Beam widths that show a graph's curve from a glance to nearly everything, about sqrt(2) apart.
constexpr int64_t kGraphEfforts[] = {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512};

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Status CheckArguments(const Index& index, const MatrixView& queries, const EvalOptions& options) {
  const IndexInfo& info = index.info();
  if (queries.rows == 0) return Status::InvalidArgument("there are no queries to measure with");
  if (queries.dim != info.dim) {
    return Status::InvalidArgument(StrCat("the queries have ", queries.dim, " dimensions, but ",
                                          info.path, " has ", info.dim,
                                          "; use queries of the same kind of vectors"));
  }
  if (options.k == 0 || options.k > info.num_vectors) {
    return Status::InvalidArgument(StrCat("k is ", options.k, ", but must be from 1 to the ",
                                          info.num_vectors, " vectors of ", info.path));
  }
  const bool graph = options.graph && info.has_graph;
  const bool forest = options.forest && info.has_forest;
  if (!options.efforts.empty() && !graph && !forest) {
    return Status::InvalidArgument(StrCat(info.path, " has no ",
                                          options.graph == options.forest ? "graph or forest"
                                          : options.graph                 ? "graph"
                                                                          : "forest",
                                          " to measure efforts with; build it with one"));
  }
  if (!options.efforts.empty() && graph && forest) {
    return Status::InvalidArgument(
        StrCat(info.path,
               " has a graph and a forest, to which efforts mean different things; "
               "measure one of them at a time"));
  }
  for (const int64_t effort : options.efforts) {
    if (effort < 1) {
      return Status::InvalidArgument(StrCat("effort is ", effort, ", but must be at least 1"));
    }
  }
  if (!options.exact && !graph && !forest) {
    return Status::InvalidArgument(StrCat("nothing to measure: ", info.path,
                                          info.has_graph || info.has_forest
                                              ? " has nothing that is not left out"
                                              : " has exact search only, which is left out"));
  }
  return Status::Ok();
}

// Seconds of one search of all queries: the first counts if it is long, else the mean of as many
// as take kBatchSeconds, for the first also warms the caches. `result` receives the last one's.
Result<double> TimeBatch(const Index& index, const MatrixView& queries, const SearchParams& params,
                         SearchResult* result) {
  auto start = std::chrono::steady_clock::now();
  KITH_RETURN_IF_ERROR(index.Search(queries, params, result));
  if (const double first = SecondsSince(start); first >= kBatchSeconds) return first;
  start = std::chrono::steady_clock::now();
  for (int batches = 1;; ++batches) {
    KITH_RETURN_IF_ERROR(index.Search(queries, params, result));
    const double seconds = SecondsSince(start);
    if (seconds >= kBatchSeconds || batches == kMaxBatches) return seconds / batches;
  }
}

// Queries spread evenly over the set in random order, so that stopping early leaves a fair sample.
std::vector<size_t> SampleQueries(size_t num_queries) {
  const size_t count = std::min(num_queries, kMaxSingles);
  std::vector<size_t> sample(count);
  for (size_t i = 0; i < count; ++i) sample[i] = i * num_queries / count;
  Rng rng(0);
  for (size_t i = count - 1; i > 0; --i) {
    std::swap(sample[i], sample[rng.Below(static_cast<uint32_t>(i + 1))]);
  }
  return sample;
}

// The smallest value that at least `share` of the ascending values do not exceed.
double Percentile(const std::vector<double>& ascending, double share) {
  const double rank = std::ceil(share * static_cast<double>(ascending.size()));
  return ascending[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

// Single queries, one a call on one thread.
Status MeasureSingles(const Index& index, const MatrixView& queries, SearchParams params,
                      EvalPoint* point) {
  params.threads = 1;
  SearchResult result;
  std::vector<double> latencies;
  double total = 0;
  const std::vector<size_t> sample = SampleQueries(queries.rows);
  const auto start = std::chrono::steady_clock::now();
  const auto enough = [&] {
    return latencies.size() >= kMinSingles && SecondsSince(start) > kMostSinglesSeconds;
  };
  for (int pass = 0; pass < kMaxPasses && !enough(); ++pass) {
    // The first pass finds the caches as the batch left them; the others count like it.
    if (pass > 0 && SecondsSince(start) > kSinglesSeconds) break;
    for (const size_t q : sample) {
      MatrixView query = queries;
      query.data = queries.row(q);
      query.rows = 1;
      const auto begin = std::chrono::steady_clock::now();
      KITH_RETURN_IF_ERROR(index.Search(query, params, &result));
      const double seconds = SecondsSince(begin);
      total += seconds;
      latencies.push_back(seconds * 1e6);
      if (enough()) break;
    }
  }
  point->qps = static_cast<double>(latencies.size()) / std::max(total, 1e-9);
  std::sort(latencies.begin(), latencies.end());
  point->p50_us = Percentile(latencies, 0.50);
  point->p99_us = Percentile(latencies, 0.99);
  return Status::Ok();
}

Result<EvalPoint> MeasurePoint(const Index& index, const MatrixView& queries, const Judge& judge,
                               const SearchParams& params) {
  EvalPoint point;
  point.index = params.index;
  point.k = params.k;
  point.effort = params.index == IndexKind::kExact ? 0 : params.effort;
  SearchResult result;
  KITH_ASSIGN_OR_RETURN(const double seconds, TimeBatch(index, queries, params, &result));
  const auto n = static_cast<double>(queries.rows);
  point.batch_qps = n / std::max(seconds, 1e-9);
  point.recall = judge.Recall(result);
  point.distances = static_cast<double>(result.stats.distances) / n;
  point.codes = static_cast<double>(result.stats.codes) / n;
  point.nodes = static_cast<double>(result.stats.nodes) / n;
  point.entries = static_cast<double>(result.stats.entries) / n;
  point.bytes = static_cast<double>(result.stats.bytes) / n;
  KITH_RETURN_IF_ERROR(MeasureSingles(index, queries, params, &point));
  return point;
}

// The truth as the file itself gives it, by exact search.
Result<GroundTruth> SearchTruth(const Index& index, const MatrixView& queries, size_t k,
                                int threads) {
  SearchParams params;
  params.k = k;
  params.index = IndexKind::kExact;
  params.threads = threads;
  SearchResult result;
  KITH_RETURN_IF_ERROR(index.Search(queries, params, &result));
  GroundTruth truth;
  truth.num_queries = queries.rows;
  truth.k = k;
  truth.ids = std::move(result.ids);
  return truth;
}

// Measures points one after the other, telling the caller of each.
class Evaluation {
 public:
  Evaluation(const Index& index, const MatrixView& queries, const EvalOptions& options)
      : index_(index), queries_(queries), options_(options) {}

  Status Run(const GroundTruth& truth) {
    KITH_ASSIGN_OR_RETURN(const Judge judge, Judge::Create(index_, queries_, truth, options_.k));
    if (options_.exact) KITH_RETURN_IF_ERROR(Add(judge, IndexKind::kExact, 0));
    if (options_.graph && index_.info().has_graph) {
      KITH_RETURN_IF_ERROR(options_.efforts.empty() ? RunGraphGrid(judge)
                                                    : RunEfforts(judge, IndexKind::kGraph));
    }
    if (options_.forest && index_.info().has_forest) {
      KITH_RETURN_IF_ERROR(options_.efforts.empty() ? RunForestGrid(judge)
                                                    : RunEfforts(judge, IndexKind::kForest));
    }
    return Status::Ok();
  }

  std::vector<EvalPoint> TakePoints() { return std::move(points_); }

  Status Report(std::string_view stage) const {
    const uint64_t total = options_.efforts.size() + (options_.exact ? 1 : 0);
    if (options_.progress && !options_.progress(stage, points_.size(), total)) {
      return Status::InvalidArgument("cancelled");
    }
    return Status::Ok();
  }

 private:
  Status Add(const Judge& judge, IndexKind kind, int64_t effort) {
    KITH_RETURN_IF_ERROR(Report(kind == IndexKind::kExact
                                    ? "exact search"
                                    : StrCat(IndexKindName(kind), ", effort ", effort)));
    SearchParams params;
    params.k = options_.k;
    params.index = kind;
    params.effort = effort;
    params.threads = options_.threads;
    KITH_ASSIGN_OR_RETURN(const EvalPoint point, MeasurePoint(index_, queries_, judge, params));
    points_.push_back(point);
    return Status::Ok();
  }

  Status RunEfforts(const Judge& judge, IndexKind kind) {
    for (const int64_t effort : options_.efforts) {
      KITH_RETURN_IF_ERROR(Add(judge, kind, effort));
    }
    return Status::Ok();
  }

  Status RunGraphGrid(const Judge& judge) {
    const auto k = static_cast<int64_t>(options_.k);
    std::vector<int64_t> efforts{k};
    for (const int64_t effort : kGraphEfforts) {
      if (effort > k) efforts.push_back(effort);
    }
    while (efforts.size() < 3) efforts.push_back(2 * efforts.back());
    for (const int64_t effort : efforts) {
      KITH_RETURN_IF_ERROR(Add(judge, IndexKind::kGraph, effort));
      // A beam as wide as the graph visits all of it.
      if (points_.back().recall >= kEnoughRecall ||
          static_cast<uint64_t>(effort) >= index_.info().num_vectors) {
        break;
      }
    }
    return Status::Ok();
  }

  Status RunForestGrid(const Judge& judge) {
    const double trees = index_.info().num_trees;
    const double entries = static_cast<double>(index_.info().num_vectors) * trees;
    // Efforts are compared as doubles: entries can exceed 64 bits in a file that lies.
    for (double effort = std::max(1.0, static_cast<double>(options_.k) * trees);; effort *= 2) {
      effort = std::min({effort, std::max(entries, 1.0), 0x1p62});
      KITH_RETURN_IF_ERROR(Add(judge, IndexKind::kForest, static_cast<int64_t>(effort)));
      if (points_.back().recall >= kEnoughRecall || effort >= entries || effort >= 0x1p62) {
        return Status::Ok();
      }
    }
  }

  const Index& index_;
  const MatrixView& queries_;
  const EvalOptions& options_;
  std::vector<EvalPoint> points_;
};

}  // namespace

Result<std::vector<EvalPoint>> Evaluate(const Index& index, const MatrixView& queries,
                                        const GroundTruth* truth, const EvalOptions& options) {
  KITH_RETURN_IF_ERROR(CheckArguments(index, queries, options));
  Evaluation evaluation(index, queries, options);
  GroundTruth own;
  if (truth == nullptr) {
    KITH_RETURN_IF_ERROR(evaluation.Report("ground truth"));
    KITH_ASSIGN_OR_RETURN(own, SearchTruth(index, queries, options.k, options.threads));
    truth = &own;
  }
  KITH_RETURN_IF_ERROR(evaluation.Run(*truth));
  return evaluation.TakePoints();
}

}  // namespace kith
