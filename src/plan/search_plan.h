// Which way into a file a search takes, and with what effort.
#ifndef KITH_PLAN_SEARCH_PLAN_H_
#define KITH_PLAN_SEARCH_PLAN_H_

#include <cstddef>

#include "kith/index.h"
#include "kith/status.h"

namespace kith::plan {

// As Index::Plan(), from what the file says of itself.
Result<SearchPlan> PlanSearch(const IndexInfo& info, const SearchParams& params,
                              size_t num_queries);

// The plan of queries that leave out `excluded` rows each: they are searched for so many more
// neighbours, some of which are the rows left out. A vector asked about is itself found, however
// little else is: with all of what is left out found, the recall of the rest is lower than that of
// everything, and the plan's recall is that of the rest.
Result<SearchPlan> PlanExcluding(const IndexInfo& info, const SearchParams& params,
                                 size_t num_queries, uint64_t excluded);

}  // namespace kith::plan

#endif  // KITH_PLAN_SEARCH_PLAN_H_
