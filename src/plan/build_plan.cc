#include "plan/build_plan.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "base/thread_pool.h"
#include "calibration/cost.h"
#include "calibration/steps.h"
#include "data/convert.h"
#include "kith/plan.h"
#include "paths/registry.h"
#include "plan/look.h"
#include "search/access_path.h"

namespace kith::plan {
namespace {

// Below this many bytes of vectors, exact search answers as fast as anything does by default: they
// stay in a core's own cache (docs/graph.md).
constexpr uint64_t kLeastIndexedBytes = 512 << 10;
// Below this, it also does at a recall of 0.95, which is what is weighed against a build.
constexpr uint64_t kLeastWeighedBytes = 256 << 10;

// The options of a list that are of a kind, or nullptr.
const PathSpec* Find(const std::vector<PathSpec>& specs, const search::PathType& type) {
  for (const PathSpec& spec : specs) {
    if (KindOf(spec) == type.kind()) return &spec;
  }
  return nullptr;
}

class Planner {
 public:
  Planner(const search::CostShape& shape, const BuildOptions& options)
      : shape_(shape), options_(options), asked_(!options.paths.empty()) {}

  Result<BuildPlan> Run() {
    // From the simplest on: exact search, then from the last resort to what is preferred.
    Enumerate(*paths::All()[0]);
    for (size_t i = paths::Approximate().size(); i-- > 0;) Enumerate(*paths::Approximate()[i]);
    if (asked_) {
      TakeWhatIsAsked();
    } else {
      KITH_RETURN_IF_ERROR(Choose());
    }
    Compare();
    Decide();
    return std::move(plan_);
  }

 private:
  bool knows_queries() const { return options_.expected_queries != 0; }

  // What is said of how a path is to be built, if it is.
  PathSpec SpecOf(const search::PathType& type) const {
    const PathSpec* spec = Find(asked_ ? options_.paths : options_.if_chosen, type);
    return spec == nullptr ? type.DefaultSpec() : *spec;
  }

  PlanCandidate Candidate(const search::PathType& type, const search::BuildWay& planned) const {
    search::BuildWay way = planned;
    PlanCandidate c;
    if (!type.exact() && calibration::IsWanted(options_)) {
      c.calibration_seconds = calibration::Seconds(shape_, *type.efforts(), way.costs);
      way.costs.parallel_seconds += c.calibration_seconds;
    }
    c.kind = type.kind();
    c.spec = way.spec;
    c.build_seconds = way.costs.BuildSeconds(1);
    c.query_us = way.costs.query_us;
    c.file_bytes = way.costs.file_bytes;
    c.build_memory = way.costs.memory;
    c.total_seconds = c.build_seconds +
                      static_cast<double>(options_.expected_queries) * way.costs.query_us * 1e-6;
    // The number of cores matters only where it is asked about: no answer depends on it otherwise.
    const int threads = options_.build_seconds > 0 ? ResolveThreads(options_.threads) : 1;
    c.elapsed_seconds = way.costs.BuildSeconds(threads);
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

  // Of variants the best, of those within the limits; if none is, the first.
  void Enumerate(const search::PathType& type) {
    for (const std::vector<search::BuildWay>& variants :
         type.Ways(shape_, SpecOf(type), knows_queries())) {
      std::optional<PlanCandidate> best;
      bool best_fits = false;
      for (const search::BuildWay& way : variants) {
        const PlanCandidate c = Candidate(type, way);
        PlanVerdict unused;
        const bool fits = Fits(c, &unused);
        if (!best.has_value() || (fits && (!best_fits || IsBetter(c, *best)))) {
          best = c;
          best_fits = fits;
        }
      }
      if (best.has_value()) plan_.candidates.push_back(*best);
    }
  }

  bool IsBetter(const PlanCandidate& a, const PlanCandidate& b) const {
    if (knows_queries()) return a.total_seconds < b.total_seconds;
    // Where queries are without number, the preferred path is what they should have.
    const IndexKind preferred = paths::Approximate()[0]->kind();
    if (a.kind != b.kind && (a.kind == preferred || b.kind == preferred)) {
      return a.kind == preferred;
    }
    return a.query_us < b.query_us;
  }

  // Whether there is something to prefer an index for, if the build does not matter.
  bool BeatsExact(const PlanCandidate& c) const {
    return knows_queries() || c.query_us <= plan_.candidates.front().query_us;
  }

  bool IsAllowed(const PlanCandidate& c) const {
    const search::PathType& type = *paths::TypeOf(c.kind);
    return type.Allows(SpecOf(type), c.spec);
  }

  bool Suits(const PlanCandidate& c) const {
    const search::PathType& type = *paths::TypeOf(c.kind);
    return type.Suits(shape_, SpecOf(type), c.spec);
  }

  // Of each kind asked for, the first way that is allowed, suits the vectors and fits the memory,
  // or the last: its builder says what it lacks. Exact search, if nothing else is.
  void TakeWhatIsAsked() {
    std::vector<PlanCandidate>& candidates = plan_.candidates;
    for (const search::PathType* type : paths::All()) {
      if (!IsAsked(*type) || (type->exact() && AsksForApproximate())) continue;
      PlanCandidate* taken = nullptr;
      for (PlanCandidate& c : candidates) {
        if (c.kind != type->kind() || !IsAllowed(c)) continue;
        if (!Suits(c)) {
          c.verdict = PlanVerdict::kTooCoarse;
          continue;
        }
        const bool fits = options_.memory == 0 || c.build_memory <= options_.memory;
        taken = &c;
        if (fits) break;
      }
      if (taken == nullptr) continue;
      taken->verdict = PlanVerdict::kAsked;
      // Of several, searches use the preferred one.
      if (!candidates[plan_.built].is_built()) {
        plan_.built = static_cast<size_t>(taken - candidates.data());
      }
    }
  }

  bool IsAsked(const search::PathType& type) const { return Find(options_.paths, type) != nullptr; }
  bool AsksForApproximate() const {
    const auto types = paths::Approximate();
    return std::any_of(types.begin(), types.end(),
                       [&](const search::PathType* type) { return IsAsked(*type); });
  }

  Status Choose() {
    const bool small = shape_.rows * RowBytes(shape_.dtype, shape_.dim) <
                       (knows_queries() ? kLeastWeighedBytes : kLeastIndexedBytes);
    PlanCandidate* best = nullptr;
    for (PlanCandidate& c : plan_.candidates) {
      c.verdict = knows_queries() ? PlanVerdict::kMoreInAll : PlanVerdict::kSlowerSearch;
      if (!IsAllowed(c)) {
        c.verdict = PlanVerdict::kNotAsked;
      } else if (!Suits(c)) {
        c.verdict = PlanVerdict::kTooCoarse;
      } else if (small && !paths::TypeOf(c.kind)->exact()) {
        c.verdict = PlanVerdict::kSmallSet;
      } else if (Fits(c, &c.verdict) && BeatsExact(c) && (best == nullptr || IsBetter(c, *best))) {
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

  // What is built, in the order of the registry: of what was taken; and of what is asked for but
  // does not exist for these vectors what is asked for, whose builder says so.
  void Decide() {
    for (const search::PathType* type : paths::All()) {
      const auto taken = std::find_if(
          plan_.candidates.begin(), plan_.candidates.end(),
          [&](const PlanCandidate& c) { return c.kind == type->kind() && c.is_built(); });
      const bool exists = taken != plan_.candidates.end();
      const bool wanted = IsAsked(*type) && !(type->exact() && AsksForApproximate());
      if (exists || wanted) {
        plan_.paths.push_back(exists ? type->Decided(SpecOf(*type), taken->spec) : SpecOf(*type));
      }
    }
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

  const search::CostShape shape_;
  const BuildOptions& options_;
  const bool asked_;
  BuildPlan plan_;
};

}  // namespace

Status CheckSpecs(const BuildOptions& options) {
  for (const std::vector<PathSpec>* specs : {&options.paths, &options.if_chosen}) {
    for (size_t i = 0; i < specs->size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if ((*specs)[i].index() != (*specs)[j].index()) continue;
        return Status::InvalidArgument(StrCat("the options of a ",
                                              IndexKindName(KindOf((*specs)[i])),
                                              " are given twice; give them once"));
      }
    }
  }
  return Status::Ok();
}

namespace {

Status Check(uint64_t num_vectors, size_t dim, const BuildOptions& options) {
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
  return CheckSpecs(options);
}

Result<BuildPlan> Plan(uint64_t num_vectors, size_t dim, DataType dtype, const DataLook& look,
                       const BuildOptions& options) {
  KITH_RETURN_IF_ERROR(Check(num_vectors, dim, options));
  KITH_ASSIGN_OR_RETURN(
      BuildPlan plan,
      Planner({num_vectors, dim, dtype, options.metric, look.intrinsic_dim, look.rounding}, options)
          .Run());
  plan.look = look;
  return plan;
}

Result<BuildPlan> LookAndPlan(const MatrixView& vectors, const BuildOptions& options) {
  KITH_RETURN_IF_ERROR(Check(vectors.rows, vectors.dim, options));
  ThreadPool pool(options.threads, options.stop);
  DataType dtype{};
  if (options.dtype.has_value()) {
    dtype = *options.dtype;
  } else {
    KITH_ASSIGN_OR_RETURN(dtype, data::SmallestLossless(vectors, pool));
  }
  return PlanFor(vectors, dtype, options, pool);
}

}  // namespace

Result<BuildPlan> PlanFor(const MatrixView& vectors, DataType dtype, const BuildOptions& options,
                          ThreadPool& pool) {
  KITH_RETURN_IF_ERROR(Check(vectors.rows, vectors.dim, options));
  KITH_ASSIGN_OR_RETURN(const DataLook look, LookAt(vectors, dtype, options.metric, pool));
  return Plan(vectors.rows, vectors.dim, dtype, look, options);
}

}  // namespace kith::plan

namespace kith {

Result<BuildPlan> PlanBuild(uint64_t num_vectors, size_t dim, DataType dtype,
                            const BuildOptions& options) {
  return CatchAll([&] { return plan::Plan(num_vectors, dim, dtype, {}, options); });
}

Result<BuildPlan> PlanBuild(const MatrixView& vectors, const BuildOptions& options) {
  return CatchAll([&] { return plan::LookAndPlan(vectors, options); });
}

}  // namespace kith
