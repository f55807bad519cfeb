// How fast an index answers: a point of the curve, timed a little at a time.
#ifndef KITH_EVAL_SPEED_H_
#define KITH_EVAL_SPEED_H_

#include <cstddef>
#include <vector>

#include "kith/eval.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::eval {

// Times one way of searching. The rounds of several meters are to take turns, so that a machine
// that slows down does so for all of them. The index and the queries must outlive it.
class SpeedMeter {
 public:
  // Nine: the second fastest and the second slowest then bound the median with 96 % confidence.
  static constexpr int kRounds = 9;

  SpeedMeter(const Index& index, const MatrixView& queries, const SearchParams& params);

  // Searches all queries once, which also warms the caches. The time counts only if it is 3 s or
  // more; nothing is repeated then.
  // Errors: those of Index::Search.
  Status FirstBatch(SearchResult* result);
  // A kRounds-th of the measurement: all queries in one call, for a thirtieth of a second, and
  // some of them one a call. REQUIRES: FirstBatch() was called. Errors: those of Index::Search.
  Status Round();
  // Sets the speeds and times of a point. REQUIRES: Round() was called.
  void Summarize(EvalPoint* point) const;

 private:
  Status TimeBatches();
  Status TimeSingles();

  const Index* index_;
  MatrixView queries_;
  SearchParams params_;
  std::vector<size_t> sample_;  // the queries searched one a call
  size_t next_ = 0;             // of the sample
  double first_batch_seconds_ = 0;
  double batch_seconds_ = 0;       // of all that count
  std::vector<double> batch_qps_;  // of each block of batches
  std::vector<double> qps_;        // of each block of single queries
  std::vector<double> latencies_us_;
};

}  // namespace kith::eval

#endif  // KITH_EVAL_SPEED_H_
