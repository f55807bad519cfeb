// Ground truth, recall and speed.
#ifndef KITH_EVAL_H_
#define KITH_EVAL_H_

#include <cstdint>
#include <vector>

#include "kith/dataset.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

// The exact k nearest rows of `base` to each query by exhaustive search, without a file.
// Cost: O(num_queries * n * dim). `threads` as in BuildOptions.
// Errors: InvalidArgument (dimensions differ, NaN, empty base).
Result<GroundTruth> ComputeGroundTruth(const MatrixView& base, const MatrixView& queries,
                                       Metric metric, size_t k, int threads = 0,
                                       const Progress& progress = {});

// The share of the k true neighbours that were found, counted by distance as ann-benchmarks does:
// a returned neighbour counts if its distance is at most the k-th true distance plus a tolerance
// (1e-3 relative to that distance), so ties and rounding cost nothing.
//   found_distances [num_queries, found_k], true_distances [num_queries, true_k]; k <= both.
double RecallAtK(const float* found_distances, size_t found_k, const float* true_distances,
                 size_t true_k, size_t num_queries, size_t k);

struct EvalPoint {
  IndexKind index = IndexKind::kExact;
  size_t k = 0;
  int64_t effort = 0;      // search_k; 0 for exact
  double recall = 0;       // recall@k
  double qps = 0;          // queries / s over all queries with the threads given
  double p50_us = 0;       // of single queries, one thread
  double p99_us = 0;
  double distances = 0;    // full distances computed for a query, mean
  double codes = 0;        // code estimates for a query, mean
  double nodes = 0;
  double entries = 0;
};

struct EvalOptions {
  size_t k = 10;
  std::vector<int64_t> efforts;  // empty: a geometric grid from k * num_trees upward
  bool exact = true;             // measure the exact path as well
  int threads = 1;
};

// Searches all queries at each effort and measures recall against `truth` (whose distances, when
// absent, are recomputed from its ids) and speed. truth == nullptr: it is computed first.
// Errors: InvalidArgument (k larger than the truth's, ids out of range).
Result<std::vector<EvalPoint>> Evaluate(const Index& index, const MatrixView& queries,
                                        const GroundTruth* truth, const EvalOptions& options);

}  // namespace kith

#endif  // KITH_EVAL_H_
