#include "plan/filtered_plan.h"

#include <algorithm>
#include <cmath>

#include "kith/calibration.h"
#include "paths/registry.h"
#include "plan/search_plan.h"
#include "scan/matches.h"

namespace kith::plan {
namespace {

// The effort that a search for k neighbours takes; < 0: nobody knows, or nothing reaches it.
double EffortFor(const IndexInfo& info, const SearchParams& params, const SearchPlan& plan,
                 size_t k) {
  if (params.recall > 0 || params.worst > 0) {
    const EffortForRecall found = FindEffort(info.calibration, plan.index, k,
                                             RecallGoal{params.recall, params.worst, params.widen});
    if (!found.known || !found.reachable) return -1;
    // Which queries are the unlucky ones is not known of the rows of a set: all count as such.
    return found.efforts.empty() ? found.effort : std::max(found.effort, found.efforts.most());
  }
  const search::EffortScale& efforts = *paths::TypeOf(plan.index)->efforts();
  const double own = plan.effort >= 0 ? plan.effort : efforts.Default(params.k).value_or(0);
  return own + static_cast<double>(k - params.k);
}

search::EffortLadder LadderOf(const IndexInfo& info, const SearchParams& params,
                              const SearchPlan& plan) {
  search::EffortLadder ladder;
  for (uint64_t k = params.k;; k = std::min(2 * k, info.num_vectors)) {
    const double effort = EffortFor(info, params, plan, static_cast<size_t>(k));
    if (effort < 0) break;
    ladder.ks.push_back(static_cast<double>(k));
    ladder.efforts.push_back(std::max(effort, ladder.efforts.empty() ? 0 : ladder.efforts.back()));
    if (k >= info.num_vectors) break;
  }
  return ladder;
}

}  // namespace

Result<FilteredPlan> PlanFiltered(const IndexInfo& info, const SearchParams& params,
                                  size_t num_queries, uint64_t matching) {
  FilteredPlan filtered;
  KITH_ASSIGN_OR_RETURN(filtered.plan, PlanSearch(info, params, num_queries));
  const search::PathType* type = paths::TypeOf(filtered.plan.index);
  if (type == nullptr || type->exact()) return filtered;
  const double share =
      static_cast<double>(std::max<uint64_t>(1, matching)) / static_cast<double>(info.num_vectors);
  if (!type->collects_sets()) {
    const double exact = scan::MatchesNs(static_cast<double>(matching),
                                         static_cast<double>(RowBytes(info.dtype, info.dim)), 1);
    const double own = std::max(filtered.plan.effort, 0.0);
    if (exact <= type->efforts()->QueryNs(own / share)) {
      filtered.plan = {IndexKind::kExact, 0, 1, WhyExact::kCheaper, 0, 1, 0, {}};
    }
    return filtered;
  }
  filtered.ladder = LadderOf(info, params, filtered.plan);
  if (filtered.ladder.empty()) return filtered;  // not reached: the plan has an effort of its own
  const double likely = std::min(static_cast<double>(params.k) / share, filtered.ladder.ks.back());
  filtered.plan.effort = filtered.ladder.At(likely);
  filtered.plan.efforts = {};
  return filtered;
}

}  // namespace kith::plan
