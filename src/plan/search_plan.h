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

}  // namespace kith::plan

#endif  // KITH_PLAN_SEARCH_PLAN_H_
