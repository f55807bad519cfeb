// Recall of one path at one effort, against true neighbours.
#ifndef KITH_CALIBRATION_MEASURE_H_
#define KITH_CALIBRATION_MEASURE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kith/calibration.h"
#include "kith/filter.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"
#include "search/access_path.h"
#include "search/stored_vectors.h"

namespace kith::calibration {

// A search that is measured; what it has is as in search::Request. A view.
struct Measurement {
  MatrixView queries;
  const RowFilter* filter = nullptr;
  size_t k = 0;
  double effort = 0;
  const QueryEfforts* efforts = nullptr;
  float* far = nullptr;
};

// True neighbours of some queries, as far as measuring needs them.
struct Truth {
  // limits[i][q]: the largest distance that is among the ks[i] nearest of query q.
  std::vector<std::vector<double>> limits;
  std::vector<double> nearest;  // the distance of the nearest of query q
};

// Finds them by exact search among the vectors that pass the filter, for `ks`, ascending. Cost:
// O(queries * n * dim). Errors: OutOfMemory, InvalidArgument (cancelled).
Result<Truth> FindTruth(const search::StoredVectors& vectors, const MatrixView& queries,
                        const RowFilter& filter, std::span<const uint32_t> ks, ThreadPool& pool);

// How many of the k nearest of each query a path finds; `limits` are those of k. Adds to `stats`.
// Errors: those of the search.
Result<std::vector<uint32_t>> CountHits(const search::AccessPath& path, Metric metric,
                                        const Measurement& search, std::span<const double> limits,
                                        ThreadPool& pool, SearchStats* stats);

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_MEASURE_H_
