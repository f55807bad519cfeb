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

// The plan of queries that leave out `excluded` rows each: `params` as it is to be searched with,
// for so many more neighbours, of which the rows left out are some.
struct ExcludingPlan {
  size_t searched_k = 0;  // neighbours that a search looks for
  SearchPlan plan;        // for these; its recall is that of what is left
};

// A vector asked about is itself found, however little else is: with all of what is left out found,
// the recall of what is left is lower than that of everything.
Result<ExcludingPlan> PlanExcluding(const IndexInfo& info, const SearchParams& params,
                                    size_t num_queries, uint64_t excluded);

}  // namespace kith::plan

#endif  // KITH_PLAN_SEARCH_PLAN_H_
