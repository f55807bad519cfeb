#include "calibration/drift.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "data/convert.h"
#include "search/metric_traits.h"

namespace kith::calibration {

float Nearness(Metric metric, const MatrixView& queries, size_t query, float distance) {
  if (!search::TraitsOf(metric).products) return distance;
  std::vector<float> x(queries.dim);
  data::RowToF32(queries, query, x.data());
  const double norm = std::sqrt(SquaredNorm(x.data(), queries.dim));
  return norm > 0 ? static_cast<float>(distance / norm) : 0;
}

void DriftMeter::Add(float nearness) const {
  const auto at = std::lower_bound(quantiles_.begin(), quantiles_.end(), nearness);
  counts_[static_cast<size_t>(at - quantiles_.begin())].fetch_add(1, std::memory_order_relaxed);
}

QueryDrift DriftMeter::Read() const {
  // A smaller distance changes recall little.
  constexpr double kLeastDistance = 0.12;
  // Of sqrt(n) * distance, where n is the harmonic mean of the numbers of queries on both sides,
  // halved: chance exceeds it once in 10,000. It is looked at again and again.
  constexpr double kCritical = 2.15;

  QueryDrift drift;
  for (const auto& count : counts_) drift.queries += count.load(std::memory_order_relaxed);
  if (drift.queries == 0) return drift;
  uint64_t below = 0;
  for (size_t i = 0; i < quantiles_.size(); ++i) {
    below += counts_[i].load(std::memory_order_relaxed);
    const double expected =
        static_cast<double>(i) / static_cast<double>(std::max<size_t>(1, quantiles_.size() - 1));
    drift.distance = std::max(
        drift.distance, expected - static_cast<double>(below) / static_cast<double>(drift.queries));
  }
  const double pooled = 1 / static_cast<double>(drift.queries) +
                        1 / static_cast<double>(std::max<size_t>(1, num_queries_));
  const double limit = std::max(kLeastDistance, kCritical * std::sqrt(pooled));
  drift.unlike = drift.queries >= kLeastQueries && drift.distance > limit;
  return drift;
}

bool DriftMeter::Notices(size_t added) const {
  const uint64_t total = added_.fetch_add(added, std::memory_order_relaxed) + added;
  uint64_t next = next_look_.load(std::memory_order_relaxed);
  if (total < next) return false;
  // One of the threads that come here looks.
  if (!next_look_.compare_exchange_strong(next, 2 * total, std::memory_order_relaxed)) return false;
  return Read().unlike && !noticed_.exchange(true, std::memory_order_relaxed);
}

}  // namespace kith::calibration
