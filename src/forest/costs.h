// What building and searching a forest cost (search/cost.h).
#ifndef KITH_FOREST_COSTS_H_
#define KITH_FOREST_COSTS_H_

#include <cstdint>

#include "search/cost.h"

namespace kith::forest {

search::Costs CostsOf(const search::CostShape& shape, uint32_t num_trees);

// Whether a forest of so many vectors and trees can be numbered.
bool Fits(uint64_t rows, uint32_t num_trees);

}  // namespace kith::forest

#endif  // KITH_FOREST_COSTS_H_
