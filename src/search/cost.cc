#include "search/cost.h"

#include <algorithm>
#include <cmath>

#include "search/metric_traits.h"
#include "search/stored_vectors.h"

namespace kith::search {
namespace {

// Starting and ending, and bytes of the file in a second: copied, summed and written.
constexpr double kStartSeconds = 6e-3;
constexpr double kWrittenBytes = 1e9;

}  // namespace

double Costs::BuildSeconds(int threads) const {
  // A second core adds 0.85 of the first.
  return serial_seconds + parallel_seconds / (1 + 0.85 * (std::max(1, threads) - 1));
}

double Log2Rows(const CostShape& shape) {
  return std::log2(std::max(2.0, static_cast<double>(shape.rows)));
}

Costs BaseCosts(const CostShape& shape, bool reordered) {
  const bool unit_length = TraitsOf(shape.metric).unit_length();
  const uint64_t permutations = reordered ? 2 * sizeof(uint32_t) : 0;
  const uint64_t norm = unit_length ? sizeof(float) : 0;
  Costs costs;
  costs.file_bytes = (uint64_t{4} << 10) + shape.rows * (RowStride(shape.dtype, shape.dim) + norm) +
                     shape.rows * permutations;
  // The order and what is written of it, norms and theirs, buffers.
  costs.memory = shape.rows * (sizeof(uint32_t) + permutations + 2 * norm) + (uint64_t{4} << 20);
  return costs;
}

void AddWriting(Costs* costs) {
  costs->serial_seconds += kStartSeconds + static_cast<double>(costs->file_bytes) / kWrittenBytes;
}

}  // namespace kith::search
