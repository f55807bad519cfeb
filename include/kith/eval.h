// Ground truth, recall and speed.
#ifndef KITH_EVAL_H_
#define KITH_EVAL_H_

#include <cstdint>
#include <stop_token>
#include <vector>

#include "kith/dataset.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

// The exact k nearest rows of `base` to each query by exhaustive search, without a file. Of a k
// beyond base.rows, the truth has base.rows neighbours.
// Cost: O(num_queries * n * dim). `threads` and `stop` as in BuildOptions.
// Errors: InvalidArgument (dimensions differ, NaN, empty base, cancelled), OutOfMemory.
Result<GroundTruth> ComputeGroundTruth(const MatrixView& base, const MatrixView& queries,
                                       Metric metric, size_t k, int threads = 0,
                                       const Progress& progress = {}, std::stop_token stop = {});

// The share of the k true neighbours that were found, counted by distance as ann-benchmarks does:
// a returned neighbour counts if its distance is at most the k-th true distance plus a tolerance
// (1e-3 relative to that distance), so ties and rounding cost nothing.
//   found_distances [num_queries, found_k], true_distances [num_queries, true_k], rows ascending;
//   k <= both. Places without a neighbour hold +inf on either side: where a query has only m < k
//   true neighbours, m stands for its k; one with none is left out. 1 if no query counts.
double RecallAtK(const float* found_distances, size_t found_k, const float* true_distances,
                 size_t true_k, size_t num_queries, size_t k);

// The distance of types.h's table between two vectors [dim], in double precision; 0 for an angle
// lost in rounding. O(dim).
double PreciseDistance(Metric metric, const float* a, const float* b, size_t dim);

struct Interval {
  double low = 0;
  double high = 0;
};

// One setting of one index, measured. Intervals hold the true value with 95 % confidence; that of
// recall is about the choice of queries, those of speed about the noise of the machine.
struct EvalPoint {
  IndexKind index = IndexKind::kExact;
  size_t k = 0;
  // Ef of a graph, in fractions if a recall chose it; search_k of a forest; 0 for exact.
  double effort = 0;
  double target = 0;        // the recall that was asked for; 0: none
  double target_worst = 0;  // what 95 % of the queries were to reach; 0: that was not asked for
  // Whether the target is in reach: if not, nothing below but `reached` was measured. A search with
  // kAuto takes exact search then.
  bool reachable = true;
  double reached = 0;        // the most recall in reach, of one that is not; 0: never measured
  double reached_worst = 0;  // the same of target_worst
  // How unlike the calibration's the queries are, where a recall was asked for.
  QueryDrift drift;
  // Whether clearly less was found than asked for, by more than 0.02: queries may be harder than
  // the calibration's without being farther.
  bool missed = false;
  double recall = 0;  // recall@k, the mean of all queries
  Interval recall_interval;
  double recall_p5 = 0;            // recall@k that 95 % of the queries reach
  double recall_worst_decile = 0;  // mean recall@k of the worst tenth of the queries
  double qps = 0;                  // queries / s, one query a call on one thread
  Interval qps_interval;
  double batch_qps = 0;         // queries / s, all queries in one call, with the threads given
  Interval batch_qps_interval;  // [0, inf] where a batch took too long to be repeated
  double p50_us = 0;            // of single queries, one a call on one thread
  double p99_us = 0;
  // What a search did, as in SearchStats: means of a query, from the batch.
  double distances = 0;
  double codes = 0;
  double nodes = 0;
  double entries = 0;
  double bytes = 0;
};

struct EvalOptions {
  size_t k = 10;
  // Efforts measured, in this order, of the graph or the forest: they mean different things to the
  // two, so that only one of these may be measured then. Empty: a grid for each, until recall
  // reaches 0.999. A graph's is k, then 10, 16, 24, 32, 48, ... 512 as far as they exceed k, three
  // efforts at least; a forest's is k * num_trees, doubling to the number of entries in all trees.
  std::vector<int64_t> efforts;
  // Instead of efforts: recalls to ask for (SearchParams::recall), in this order, of graph and
  // forest. Those out of reach are points that say so (EvalPoint::reachable).
  std::vector<double> recalls;
  // Beside each of these, or alone: the recall that 95 % of the queries are to reach
  // (SearchParams::worst); 0: not asked for.
  double worst = 0;
  bool widen = false;  // SearchParams::widen, of what is asked for a recall
  // What is measured, where the file has it, in the order of IndexInfo::paths; empty: everything.
  std::vector<IndexKind> paths;
  int threads = 1;  // of the batches; 0: one for each core
  Progress progress;
  std::stop_token stop;  // as in BuildOptions
};

// Searches all queries at each effort and measures recall against `truth` and speed.
// truth == nullptr: it is computed first, by exact search. The truth's ids decide; distances are
// computed anew from them in double precision, for other programs' conventions differ (squared
// euclidean, hamming as a share). The truth may have more queries and neighbours than are used;
// its ids are those the index returns, -1 where a query has fewer. An id returned twice for a query
// counts once.
// Speeds are medians of nine rounds, in which all points take turns; bounds are the second lowest
// and the second highest of the nine. In all rounds together the batch is searched for 0.3 s, or
// once if it takes longer (beside a first time, which counts only if it takes 3 s), and single
// queries, up to 1000 spread over the set, for 0.3 s and once each (18 at least, should all of
// them take over 2 s). src/eval/statistics.h has recall's interval.
// Errors: InvalidArgument (k or queries beyond the truth's, ids not in the file, dimensions,
// efforts below 1, or without a graph or forest, or with both; efforts and recalls; recalls none of
// which is in reach of anything measured), and those of Index::Search.
Result<std::vector<EvalPoint>> Evaluate(const Index& index, const MatrixView& queries,
                                        const GroundTruth* truth, const EvalOptions& options);

// The same of several indexes over the same vectors, whose points all take turns: a list of points
// for each index. Without a truth, the first index gives it.
// Errors: as Evaluate; InvalidArgument (no index; numbers of vectors, dimensions or metrics
// differ; efforts for the graph of one and the forest of another).
Result<std::vector<std::vector<EvalPoint>>> EvaluateTogether(
    const std::vector<const Index*>& indexes, const MatrixView& queries, const GroundTruth* truth,
    const EvalOptions& options);

}  // namespace kith

#endif  // KITH_EVAL_H_
