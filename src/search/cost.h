// What building and searching cost, in closed form: fitted to measurements by `bench/run plan`,
// which also shows how far off it is (docs/choosing.md). Nothing is timed when it is used. Here is
// what all access paths have in common; what is a path's own stands in its folder.
#ifndef KITH_SEARCH_COST_H_
#define KITH_SEARCH_COST_H_

#include <cstddef>
#include <cstdint>

#include "kith/types.h"

namespace kith::search {

// The vectors as stored.
struct CostShape {
  uint64_t rows = 0;
  size_t dim = 0;
  DataType dtype = DataType::kF32;
  Metric metric = Metric::kAngular;
  // Of DataLook (kith/plan.h).
  double intrinsic_dim = 13;
  double rounding = 0;
};

struct Costs {
  double serial_seconds = 0;    // of the build, on one thread whatever there are: writing
  double parallel_seconds = 0;  // and on all of them
  double query_us = 0;          // k = 10, recall 0.95, one query a call
  // Of paths that know efforts: the effort that this takes, how much more a query for one more
  // neighbour takes, and the microseconds that a unit more takes.
  double effort = 0;
  double effort_of_k = 0;
  double effort_us = 0;
  uint64_t file_bytes = 0;
  uint64_t memory = 0;  // bytes beside the vectors, at most

  double BuildSeconds(int threads) const;
};

// Where the powers of the number of vectors are 1. Powers take account of both more steps and more
// misses of the caches.
inline constexpr double kUnitRows = 10'000;

// Log2 of the number of vectors, at least 1.
double Log2Rows(const CostShape& shape);

// What every build does: checks, norms, vectors. Sets sizes and memory, too. `reordered`: whether
// the vectors lie in another order than they came in.
Costs BaseCosts(const CostShape& shape, bool reordered);

// Adds what it takes to write costs->file_bytes.
void AddWriting(Costs* costs);

}  // namespace kith::search

#endif  // KITH_SEARCH_COST_H_
