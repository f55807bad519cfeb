// What building and searching cost, in closed form: fitted to measurements by `bench/run plan`,
// which also shows how far off it is (docs/choosing.md). Nothing is timed when it is used.
#ifndef KITH_PLAN_COST_MODEL_H_
#define KITH_PLAN_COST_MODEL_H_

#include <cstddef>
#include <cstdint>

#include "kith/index.h"
#include "kith/types.h"

namespace kith::plan {

// Nanoseconds of comparing a query with `rows` vectors of `bytes` in all, `num_queries` in one
// call.
double ExactQueryNs(double rows, double bytes, size_t num_queries);

// The vectors as stored.
struct CostShape {
  uint64_t rows = 0;
  size_t dim = 0;
  DataType dtype = DataType::kF32;
  Metric metric = Metric::kAngular;
};

struct Costs {
  double serial_seconds = 0;    // of the build, on one thread whatever there are: writing
  double parallel_seconds = 0;  // and on all of them
  double query_us = 0;          // k = 10, recall 0.95, one query a call
  uint64_t file_bytes = 0;
  uint64_t memory = 0;  // bytes beside the vectors, at most

  double BuildSeconds(int threads) const;
};

Costs ExactCosts(const CostShape& shape, bool scan_codes);
Costs ForestCosts(const CostShape& shape, uint32_t num_trees);
// Times are of the default degree, beam and bits. REQUIRES: a layout other than kAuto, which the
// metric and type have.
Costs GraphCosts(const CostShape& shape, const GraphOptions& options);

// Whether a forest of so many vectors and trees can be numbered.
bool ForestFits(uint64_t rows, uint32_t num_trees);

}  // namespace kith::plan

#endif  // KITH_PLAN_COST_MODEL_H_
