#include "plan/build_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/strings.h"
#include "base/thread_pool.h"
#include "forest/forest.h"
#include "graph/build.h"
#include "graph/layout.h"
#include "plan/cost_model.h"
#include "quant/bounded_code.h"

namespace kith::plan {
namespace {

// Below this many bytes of vectors, exact search answers as fast as anything does by default: they
// stay in a core's own cache (docs/graph.md).
constexpr uint64_t kLeastIndexedBytes = 512 << 10;
// Below this, it also does at a recall of 0.95, which is what is weighed against a build.
constexpr uint64_t kLeastWeighedBytes = 256 << 10;

// What a forest may have where the number of queries is known.
constexpr std::array<uint32_t, 4> kTreeCounts = {4, 8, 16, 32};

class Planner {
 public:
  Planner(const CostShape& shape, const BuildOptions& options)
      : shape_(shape),
        options_(options),
        asked_(options.graph.has_value() || options.forest.has_value()) {}

  Result<BuildPlan> Run() {
    Enumerate();
    if (asked_) {
      TakeWhatIsAsked();
    } else {
      KITH_RETURN_IF_ERROR(Choose());
    }
    Compare();
    return std::move(plan_);
  }

 private:
  bool knows_queries() const { return options_.expected_queries != 0; }

  PlanCandidate Candidate(IndexKind kind, const plan::Costs& costs) const {
    PlanCandidate c;
    c.kind = kind;
    c.build_seconds = costs.BuildSeconds(1);
    c.query_us = costs.query_us;
    c.file_bytes = costs.file_bytes;
    c.build_memory = costs.memory;
    c.total_seconds =
        c.build_seconds + static_cast<double>(options_.expected_queries) * costs.query_us * 1e-6;
    // The number of cores matters only where it is asked about: no answer depends on it otherwise.
    const int threads = options_.build_seconds > 0 ? ResolveThreads(options_.threads) : 1;
    c.elapsed_seconds = costs.BuildSeconds(threads);
    return c;
  }

  // Whether the limits allow it; what they do not is what they say.
  bool Fits(const PlanCandidate& c, PlanVerdict* verdict) const {
    if (options_.memory != 0 && c.build_memory > options_.memory) {
      *verdict = PlanVerdict::kOverMemory;
      return false;
    }
    if (options_.build_seconds > 0 && c.elapsed_seconds > options_.build_seconds) {
      *verdict = PlanVerdict::kOverTime;
      return false;
    }
    return true;
  }

  void Enumerate() {
    const bool codes = options_.scan_codes.value_or(
        quant::BoundedCodesPay(shape_.metric, shape_.dtype, shape_.rows, shape_.dim));
    plan_.candidates.push_back(Candidate(IndexKind::kExact, ExactCosts(shape_, codes)));
    AddForest();
    if (shape_.rows >= graph::kMaxNodes) return;
    if (graph::HasPackedLayout(shape_.metric, shape_.dtype)) AddGraph(GraphLayout::kPacked);
    AddGraph(GraphLayout::kCompact);
  }

  void AddGraph(GraphLayout layout) {
    GraphOptions graph = options_.graph_options;
    graph.layout = layout;
    PlanCandidate c = Candidate(IndexKind::kGraph, GraphCosts(shape_, graph));
    c.layout = layout;
    plan_.candidates.push_back(c);
  }

  // The forest with the number of trees that is best, of those within the limits; if none is, of
  // the fewest trees.
  void AddForest() {
    std::vector<uint32_t> counts(kTreeCounts.begin(), kTreeCounts.end());
    if (options_.forest_options.num_trees != 0) {
      counts = {options_.forest_options.num_trees};
    } else if (!knows_queries() && ForestFits(shape_.rows, forest::DefaultTrees(shape_.rows))) {
      counts = {forest::DefaultTrees(shape_.rows)};
    }
    PlanCandidate best;
    bool best_fits = false;
    for (const uint32_t trees : counts) {
      if (!ForestFits(shape_.rows, trees)) continue;
      PlanCandidate c = Candidate(IndexKind::kForest, ForestCosts(shape_, trees));
      c.num_trees = trees;
      PlanVerdict unused;
      const bool fits = Fits(c, &unused);
      if (best.num_trees == 0 || (fits && (!best_fits || IsBetter(c, best)))) {
        best = c;
        best_fits = fits;
      }
    }
    if (best.num_trees != 0) plan_.candidates.push_back(best);
  }

  bool IsBetter(const PlanCandidate& a, const PlanCandidate& b) const {
    if (knows_queries()) return a.total_seconds < b.total_seconds;
    // Where queries are without number, a graph is what they should have.
    const auto rank = [](const PlanCandidate& c) { return c.kind != IndexKind::kGraph; };
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    return a.query_us < b.query_us;
  }

  bool HasLayout(const PlanCandidate& c) const {
    const GraphLayout layout = options_.graph_options.layout;
    return c.kind != IndexKind::kGraph || layout == GraphLayout::kAuto || layout == c.layout;
  }

  void TakeWhatIsAsked() {
    const bool graph = options_.graph.value_or(false);
    const bool forest = options_.forest.value_or(false);
    bool has_graph = false;
    for (size_t i = 0; i < plan_.candidates.size(); ++i) {
      PlanCandidate& c = plan_.candidates[i];
      const bool last = i + 1 == plan_.candidates.size();
      switch (c.kind) {
        case IndexKind::kForest: c.verdict = Asked(forest); break;
        case IndexKind::kGraph: {
          // Packed unless that takes too much memory; BuildGraph() decides so too.
          const bool fits = options_.memory == 0 || c.build_memory <= options_.memory;
          c.verdict = Asked(graph && !has_graph && HasLayout(c) && (fits || last));
          has_graph |= c.is_built();
          break;
        }
        default: c.verdict = Asked(!graph && !forest);
      }
      if (c.is_built()) plan_.built = i;
    }
  }

  static PlanVerdict Asked(bool asked) {
    return asked ? PlanVerdict::kAsked : PlanVerdict::kNotAsked;
  }

  Status Choose() {
    const bool small = shape_.rows * RowBytes(shape_.dtype, shape_.dim) <
                       (knows_queries() ? kLeastWeighedBytes : kLeastIndexedBytes);
    PlanCandidate* best = nullptr;
    for (PlanCandidate& c : plan_.candidates) {
      c.verdict = knows_queries() ? PlanVerdict::kMoreInAll : PlanVerdict::kSlowerSearch;
      if (!HasLayout(c)) {
        c.verdict = PlanVerdict::kNotAsked;
      } else if (small && c.kind != IndexKind::kExact) {
        c.verdict = PlanVerdict::kSmallSet;
      } else if (Fits(c, &c.verdict) && (best == nullptr || IsBetter(c, *best))) {
        best = &c;
      }
    }
    if (best == nullptr) return NothingFits();
    best->verdict = PlanVerdict::kChosen;
    plan_.built = static_cast<size_t>(best - plan_.candidates.data());
    return Status::Ok();
  }

  // Exact search needs least of everything.
  Status NothingFits() const {
    const PlanCandidate& exact = plan_.candidates.front();
    if (exact.verdict == PlanVerdict::kOverMemory) {
      return Status::InvalidArgument(StrCat("building takes ", exact.build_memory,
                                            " bytes of memory even for exact search only, ",
                                            options_.memory, " are allowed; allow that many"));
    }
    return Status::InvalidArgument(StrCat("building takes about ", exact.elapsed_seconds,
                                          " s even for exact search only, ", options_.build_seconds,
                                          " s are allowed; allow that much"));
  }

  // From how many queries on each candidate would have been faster.
  void Compare() {
    const PlanCandidate& built = plan_.candidates[plan_.built];
    for (PlanCandidate& c : plan_.candidates) {
      const double saved = (built.query_us - c.query_us) * 1e-6;
      if (saved > 0) {
        c.faster_from = std::max(0.0, std::ceil((c.build_seconds - built.build_seconds) / saved));
      }
    }
  }

  const CostShape shape_;
  const BuildOptions& options_;
  const bool asked_;
  BuildPlan plan_;
};

Result<BuildPlan> Plan(uint64_t num_vectors, size_t dim, DataType dtype,
                       const BuildOptions& options) {
  if (num_vectors == 0 || num_vectors > kMaxRows) {
    return Status::InvalidArgument(
        StrCat(num_vectors, " vectors; 1 to ", kMaxRows, " fit one file"));
  }
  if (dim == 0 || dim > kMaxDim) {
    return Status::InvalidArgument(
        StrCat("vectors of dimension ", dim, "; 1 to ", kMaxDim, " are supported"));
  }
  if (!(options.build_seconds >= 0)) {
    return Status::InvalidArgument(
        StrCat("a build of ", options.build_seconds, " s; allow more than 0, or 0 for any time"));
  }
  return Planner({num_vectors, dim, dtype, options.metric}, options).Run();
}

}  // namespace

}  // namespace kith::plan

namespace kith {

Result<BuildPlan> PlanBuild(uint64_t num_vectors, size_t dim, DataType dtype,
                            const BuildOptions& options) {
  return CatchAll([&] { return plan::Plan(num_vectors, dim, dtype, options); });
}

}  // namespace kith

namespace kith::plan {

Result<BuildOptions> ApplyPlan(const MatrixView& rows, BuildOptions options) {
  KITH_ASSIGN_OR_RETURN(const BuildPlan plan, PlanBuild(rows.rows, rows.dim, rows.dtype, options));
  const bool asked = options.graph.has_value() || options.forest.has_value();
  for (const PlanCandidate& c : plan.candidates) {
    if (!c.is_built()) continue;
    if (c.kind == IndexKind::kForest) options.forest_options.num_trees = c.num_trees;
    // A packed graph stays kAuto: building it measures whether codes suit the data.
    if (!asked && c.layout == GraphLayout::kCompact) options.graph_options.layout = c.layout;
  }
  if (asked) return options;
  const IndexKind kind = plan.candidates[plan.built].kind;
  options.graph = kind == IndexKind::kGraph;
  options.forest = kind == IndexKind::kForest;
  return options;
}

}  // namespace kith::plan
