// What building and searching a graph cost (search/cost.h).
#ifndef KITH_GRAPH_COSTS_H_
#define KITH_GRAPH_COSTS_H_

#include "kith/index.h"
#include "search/cost.h"

namespace kith::graph {

// Times are of the default degree, beam and bits. REQUIRES: a layout other than kAuto, which the
// metric and type have.
search::Costs CostsOf(const search::CostShape& shape, const GraphOptions& options);

}  // namespace kith::graph

#endif  // KITH_GRAPH_COSTS_H_
