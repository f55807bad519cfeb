// Whether live queries are like those that the calibration was made with.
#ifndef KITH_CALIBRATION_DRIFT_H_
#define KITH_CALIBRATION_DRIFT_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kith/calibration.h"
#include "kith/types.h"

namespace kith::calibration {

// How far a query is from its nearest vector, comparable between queries: the distance, or, of dot,
// the product over the query's length, negative.
float Nearness(Metric metric, const MatrixView& queries, size_t query, float distance);

// Counts queries between the quantiles of the calibration's. Thread-safe.
class DriftMeter {
 public:
  static constexpr size_t kMostQuantiles = 64;

  // The quantiles of so many queries. REQUIRES: at most kMostQuantiles.
  void Init(const std::vector<float>& quantiles, size_t num_queries) {
    quantiles_ = quantiles;
    num_queries_ = num_queries;
  }
  bool active() const { return !quantiles_.empty(); }

  // Queries that are nearer to the vectors than those of the calibration do no harm; the one-sided
  // Kolmogorov-Smirnov distance tells of those farther away.
  void Add(float nearness) const;
  QueryDrift Read() const;

  // To be called after `added` queries were added: whether they, and those before, are found to be
  // unlike the calibration's, which is said once. It is looked at when there are 32, and then
  // whenever there are twice as many, so that single queries take no notice of it.
  bool Notices(size_t added) const;

 private:
  // Fewer queries may be a chance selection.
  static constexpr uint64_t kLeastQueries = 32;

  std::vector<float> quantiles_;
  size_t num_queries_ = 0;
  mutable std::atomic<uint64_t> added_{0};
  mutable std::atomic<uint64_t> next_look_{kLeastQueries};
  mutable std::atomic<bool> noticed_{false};
  mutable std::array<std::atomic<uint64_t>, kMostQuantiles + 1> counts_{};
};

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_DRIFT_H_
