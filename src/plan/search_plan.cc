#include "plan/search_plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "kith/calibration.h"
#include "paths/registry.h"
#include "scan/path.h"

namespace kith::plan {
namespace {

// Nanoseconds of an exact search on one core, roughly, of a query in a call of so many.
double ExactCost(const IndexInfo& info, size_t num_queries) {
  const auto rows = static_cast<double>(info.num_vectors);
  return scan::QueryNs(rows, rows * static_cast<double>(RowBytes(info.dtype, info.dim)),
                       num_queries);
}

// The paths of the file that are not exact and that the search may take, the preferred one first.
std::vector<const search::PathType*> Candidates(const IndexInfo& info, IndexKind asked) {
  std::vector<const search::PathType*> types;
  for (const search::PathType* type : paths::Approximate()) {
    const bool meant = asked == IndexKind::kAuto || asked == type->kind();
    if (meant && info.has(type->kind())) types.push_back(type);
  }
  return types;
}

// What the cheapest path is likely to cost at least where no recall was measured.
double LeastCost(size_t k) {
  double least = std::numeric_limits<double>::infinity();
  for (const search::PathType* type : paths::Approximate()) {
    const search::EffortScale& efforts = *type->efforts();
    if (const auto effort = efforts.Default(k)) least = std::min(least, efforts.QueryNs(*effort));
  }
  return least;
}

SearchPlan Exact(WhyExact why) { return {IndexKind::kExact, 0, 1, why, 0, 1, 0, {}}; }

std::string Digits(double recall) { return StrCat(std::round(recall * 1e4) / 1e4); }

// All of its digits, so that what is a little beyond a bound does not look like it.
std::string AllDigits(double x) {
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), x);
  return error == std::errc() ? std::string(buffer, end) : StrCat(x);
}

// Whether a path was seen to miss so many of the vectors in it that it would find others no better:
// of vectors that are all equally far from each other, say, where nothing leads from one to
// another.
bool MissesOwn(const IndexInfo& info, const search::PathType& type) {
  constexpr double kLeastFound = 0.95;
  const PathInfo* path = info.path_of(type.kind());
  const double found = path == nullptr ? -1 : path->share("self_recall");
  return found >= 0 && found < kLeastFound;
}

// Without a recall: the preferred path, unless comparing with all costs no more than its own choice
// of an effort (small sets, many queries at once, or nearly all vectors asked for).
SearchPlan PlanEffort(const IndexInfo& info, const SearchParams& params, size_t num_queries) {
  std::vector<const search::PathType*> candidates = Candidates(info, params.index);
  if (candidates.empty()) return Exact(WhyExact::kNone);
  const bool chooses = params.index == IndexKind::kAuto && params.effort < 0;
  if (chooses) {
    std::erase_if(candidates, [&](const auto* type) { return MissesOwn(info, *type); });
    if (candidates.empty()) return Exact(WhyExact::kMissesOwn);
  }
  const search::EffortScale& efforts = *candidates[0]->efforts();
  const std::optional<double> usual = efforts.Default(params.k);
  if (chooses && usual.has_value() && ExactCost(info, num_queries) <= efforts.QueryNs(*usual)) {
    return Exact(WhyExact::kCheaper);
  }
  const auto asked = static_cast<double>(params.effort);
  return {candidates[0]->kind(), asked < 0 ? asked : efforts.Taken(asked, params.k), 0};
}

// The cheapest of the ways in that reach what is asked for, and what is known of all of them.
struct Reaching {
  std::optional<SearchPlan> best;
  double cost = 0;        // of the best, in nanoseconds
  double most = 0;        // the most recall that any reaches
  double most_worst = 0;  // the most of what 95 % of the queries reach
  bool known = false;     // whether any was measured
};

// Why a way that was asked for can't be taken.
Status Unreached(const IndexInfo& info, const SearchParams& params, const Reaching& found) {
  const char* const name = IndexKindName(params.index);
  if (!found.known && params.worst > 0 && !info.calibration.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  StrCat(info.path, ": what recall 95 % of the queries get of its ", name,
                         " was not measured"),
                  Remedy::kMeasureRecall);
  }
  if (!found.known) {
    return Status(StatusCode::kInvalidArgument,
                  StrCat(info.path, ": what recall its ", name, " gives was not measured"),
                  Remedy::kMeasureRecall);
  }
  const bool of_mean = params.recall > found.most;
  return Status(StatusCode::kInvalidArgument,
                StrCat("recall ", Digits(of_mean ? params.recall : params.worst),
                       of_mean ? "" : " for 95 % of the queries", " is beyond what the ", name,
                       " of ", info.path, " reaches for k = ", params.k, ", about ",
                       Digits(of_mean ? found.most : found.most_worst)),
                Remedy::kSearchExactly);
}

Reaching FindReaching(const IndexInfo& info, const SearchParams& params) {
  Reaching found;
  for (const search::PathType* type : Candidates(info, params.index)) {
    const EffortForRecall effort =
        FindEffort(info.calibration, type->kind(), params.k,
                   RecallGoal{params.recall, params.worst, params.widen});
    found.known = found.known || effort.known;
    found.most = std::max(found.most, effort.recall);
    found.most_worst = std::max(found.most_worst, effort.worst);
    if (!effort.reachable) continue;
    const double ns = type->efforts()->QueryNs(effort.effort);
    if (found.best.has_value() && ns >= found.cost) continue;
    found.best =
        SearchPlan{type->kind(),  effort.effort, effort.recall, WhyExact::kNone, 0, effort.worst, 0,
                   effort.efforts};
    found.cost = ns;
  }
  return found;
}

Result<SearchPlan> PlanRecall(const IndexInfo& info, const SearchParams& params,
                              size_t num_queries) {
  const bool any = params.index == IndexKind::kAuto;
  if (Candidates(info, params.index).empty()) return Exact(WhyExact::kNone);
  if (any && params.recall == 1) return Exact(WhyExact::kEverything);
  const Reaching found = FindReaching(info, params);
  if (!any) {
    if (found.best.has_value()) return *found.best;
    return Unreached(info, params, found);
  }
  // Where nobody knows what recall costs, it could hardly cost less than this.
  const double cost = found.best.has_value() ? found.cost : LeastCost(params.k);
  if (ExactCost(info, num_queries) <= cost) return Exact(WhyExact::kCheaper);
  if (found.best.has_value()) return *found.best;
  SearchPlan plan = Exact(found.known ? WhyExact::kOutOfReach : WhyExact::kUnmeasured);
  if (found.known) {
    plan.reached = found.most;
    if (params.worst > 0) plan.reached_worst = found.most_worst;
  }
  return plan;
}

}  // namespace

Result<SearchPlan> PlanSearch(const IndexInfo& info, const SearchParams& params,
                              size_t num_queries) {
  const search::PathType* asked = paths::TypeOf(params.index);
  if (asked != nullptr && !asked->exact() && !info.has(asked->kind())) {
    return Status::InvalidArgument(
        StrCat(info.path, " has no ", asked->name(), "; search it exactly, or build it with one"));
  }
  if (params.recall == 0 && params.worst == 0) return PlanEffort(info, params, num_queries);
  for (const auto& [name, recall] : {std::pair("recall", params.recall), {"worst", params.worst}}) {
    if (recall >= 0 && recall <= 1) continue;
    return Status::InvalidArgument(StrCat(
        name, " is ", AllDigits(recall), ", but must be above 0 and at most 1, 0.95 for instance"));
  }
  if (params.effort >= 0) {
    return Status::InvalidArgument("both a recall and an effort are given; give one of them");
  }
  return PlanRecall(info, params, num_queries);
}

Result<SearchPlan> PlanExcluding(const IndexInfo& info, const SearchParams& params,
                                 size_t num_queries, uint64_t excluded) {
  if (excluded == 0) return PlanSearch(info, params, num_queries);
  SearchParams searched = params;
  searched.k = static_cast<size_t>(
      std::min(params.k + excluded, std::max<uint64_t>(params.k, info.num_vectors)));
  const auto all = static_cast<double>(searched.k);
  const double left = all - std::min(static_cast<double>(excluded), all);
  if (params.recall > 0) searched.recall = 1 - (1 - params.recall) * left / all;
  if (params.worst > 0) searched.worst = 1 - (1 - params.worst) * left / all;
  Result<SearchPlan> plan = PlanSearch(info, searched, num_queries);
  if (!plan.ok()) {
    // It would speak of the recall that is searched for; better of the one asked for.
    const Result<SearchPlan> as_asked = PlanSearch(info, params, num_queries);
    return as_asked.ok() ? plan : as_asked;
  }
  // As asked for, without what rounding makes of it; or as much as there is.
  const auto of_rest = [&](double found, double sought, double asked) {
    if (found == sought) return asked;
    return left == 0 ? 1 : std::max(0.0, 1 - (1 - found) * all / left);
  };
  if (plan->recall > 0) plan->recall = of_rest(plan->recall, searched.recall, params.recall);
  if (plan->worst > 0) plan->worst = of_rest(plan->worst, searched.worst, params.worst);
  return plan;
}

}  // namespace kith::plan

namespace kith {

const char* WhyExactName(WhyExact why) {
  switch (why) {
    case WhyExact::kNone: break;
    case WhyExact::kEverything: return "everything";
    case WhyExact::kCheaper: return "cheaper";
    case WhyExact::kOutOfReach: return "out of reach";
    case WhyExact::kUnmeasured: return "unmeasured";
    case WhyExact::kMissesOwn: return "misses its own";
  }
  return "";
}

}  // namespace kith
