// What a search does whose filter is a set of rows.
#ifndef KITH_PLAN_FILTERED_PLAN_H_
#define KITH_PLAN_FILTERED_PLAN_H_

#include <cstddef>
#include <cstdint>

#include "kith/index.h"
#include "kith/status.h"
#include "search/effort_ladder.h"

namespace kith::plan {

struct FilteredPlan {
  // Its effort is what queries take that have nothing to do with the set.
  SearchPlan plan;
  search::EffortLadder ladder;  // empty: the path that is taken knows none
};

// The plan of a search of so many queries, of whose rows `matching` are in the filter's set: the
// way in that an unfiltered search takes, with what searches for more and more neighbours take
// there. A graph begins as if everything passed and goes as far as it has to; a forest counts only
// what passes, and gives way to exact search where it would have to look at more than that does.
// Errors: those of PlanSearch().
Result<FilteredPlan> PlanFiltered(const IndexInfo& info, const SearchParams& params,
                                  size_t num_queries, uint64_t matching);

}  // namespace kith::plan

#endif  // KITH_PLAN_FILTERED_PLAN_H_
