#include "plan/search_plan.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/strings.h"
#include "calibration/section.h"
#include "graph/graph.h"
#include "plan/cost_model.h"

namespace kith::plan {
namespace {

// Nanoseconds of a query on one core, roughly: they only have to tell which way is the cheaper one.
// Exact search: docs/choosing.md; a graph: docs/graph.md; a forest is of that order.
double ExactCost(const IndexInfo& info, size_t num_queries) {
  const auto rows = static_cast<double>(info.num_vectors);
  return ExactQueryNs(rows, rows * static_cast<double>(RowBytes(info.dtype, info.dim)),
                      num_queries);
}

double WalkCost(IndexKind index, double effort) {
  return index == IndexKind::kGraph ? 5000 + 65 * effort : 20000 + 12 * effort;
}

bool Has(const IndexInfo& info, IndexKind index) {
  return index == IndexKind::kGraph ? info.has_graph : info.has_forest;
}

std::string Digits(double recall) { return StrCat(std::round(recall * 1e4) / 1e4); }

// Without a recall: the graph, unless comparing with all costs no more than its own choice of a
// beam (small sets, many queries at once, or nearly all vectors asked for).
SearchPlan PlanEffort(const IndexInfo& info, const SearchParams& params, size_t num_queries) {
  IndexKind index = params.index;
  if (index == IndexKind::kAuto && info.has_graph) {
    const auto width = static_cast<double>(graph::Graph::DefaultWidth(params.k));
    const bool scan =
        params.effort < 0 && ExactCost(info, num_queries) <= WalkCost(IndexKind::kGraph, width);
    index = scan ? IndexKind::kExact : IndexKind::kGraph;
  } else if (index == IndexKind::kAuto) {
    index = info.has_forest ? IndexKind::kForest : IndexKind::kExact;
  }
  if (index == IndexKind::kExact) return {index, 0, 1};
  double effort = static_cast<double>(params.effort);
  // A beam is never narrower than what it is to hold.
  if (index == IndexKind::kGraph && params.effort >= 0) {
    effort = std::max(effort, static_cast<double>(params.k));
  }
  return {index, effort, 0};
}

Status Unreached(const IndexInfo& info, const SearchParams& params, double most) {
  return Status::InvalidArgument(
      StrCat("recall ", Digits(params.recall), " is beyond what ", info.path,
             " reaches for k = ", params.k, ", about ", Digits(most),
             "; ask for less, or search exactly (--exact, IndexKind::kExact)"));
}

Result<SearchPlan> PlanRecall(const IndexInfo& info, const SearchParams& params,
                              size_t num_queries) {
  const bool any = params.index == IndexKind::kAuto;
  const double exact = ExactCost(info, num_queries);
  if (params.index == IndexKind::kExact || (any && !info.has_graph && !info.has_forest) ||
      (any && params.recall == 1)) {
    return SearchPlan{IndexKind::kExact, 0, 1};
  }
  SearchPlan best;
  double cost = 0;
  double most = 0;
  bool known = false;
  bool found = false;
  for (const IndexKind index : {IndexKind::kGraph, IndexKind::kForest}) {
    if (!Has(info, index) || (!any && params.index != index)) continue;
    const calibration::EffortForRecall effort =
        calibration::FindEffort(info.calibration, index, params.k, params.recall);
    known = known || effort.known;
    most = std::max(most, effort.recall);
    if (!effort.reachable || (found && WalkCost(index, effort.effort) >= cost)) continue;
    best = {index, effort.effort, effort.recall};
    cost = WalkCost(index, effort.effort);
    found = true;
  }
  // Where the walk costs as much, or nobody knows but it could hardly cost less.
  const auto least = static_cast<double>(graph::Graph::DefaultWidth(params.k));
  if (any && exact <= (found ? cost : WalkCost(IndexKind::kGraph, least))) {
    return SearchPlan{IndexKind::kExact, 0, 1};
  }
  if (!known) {
    const IndexKind index = any && info.has_graph ? IndexKind::kGraph
                            : any                 ? IndexKind::kForest
                                                  : params.index;
    return Status::InvalidArgument(StrCat(
        info.path, ": what recall its ", IndexKindName(index),
        " gives was not measured; measure it (kith tune, CalibrateIndex), give an effort, or "
        "search exactly (--exact, IndexKind::kExact)"));
  }
  if (!found) return Unreached(info, params, most);
  return best;
}

}  // namespace

Result<SearchPlan> PlanSearch(const IndexInfo& info, const SearchParams& params,
                              size_t num_queries) {
  for (const IndexKind index : {IndexKind::kForest, IndexKind::kGraph}) {
    if (params.index == index && !Has(info, index)) {
      return Status::InvalidArgument(StrCat(info.path, " has no ", IndexKindName(index),
                                            "; search it exactly, or build it with one"));
    }
  }
  if (params.recall == 0) return PlanEffort(info, params, num_queries);
  if (!(params.recall > 0 && params.recall <= 1)) {
    return Status::InvalidArgument(StrCat(
        "recall is ", params.recall, ", but must be above 0 and at most 1, 0.95 for instance"));
  }
  if (params.effort >= 0) {
    return Status::InvalidArgument("both a recall and an effort are given; give one of them");
  }
  return PlanRecall(info, params, num_queries);
}

}  // namespace kith::plan
