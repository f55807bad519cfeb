#include "graph/costs.h"

#include <algorithm>
#include <cmath>

#include "graph/build.h"
#include "search/metric_traits.h"

namespace kith::graph {

search::Costs CostsOf(const search::CostShape& shape, const GraphOptions& options) {
  search::Costs costs = search::BaseCosts(shape, true);
  const search::MetricTraits& traits = search::TraitsOf(shape.metric);
  const auto rows = static_cast<double>(shape.rows);
  const auto row_bytes = static_cast<double>(RowBytes(shape.dtype, shape.dim));
  const uint64_t node_bytes = NodeBytes(shape.dim, shape.dtype, options);
  costs.file_bytes += shape.rows * node_bytes;
  costs.memory = BuildMemory(shape.rows, shape.dim, shape.dtype, shape.metric, options);
  const auto dim = static_cast<double>(shape.dim);
  double us_a_level = 0;
  // A query is rotated, then walks; what nodes hold as bytes is compared in full in the end.
  if (options.layout == GraphLayout::kPacked) {
    us_a_level = 2.3 + 0.0018 * dim;
    costs.query_us =
        0.0045 * dim + std::pow(rows / search::kUnitRows, 0.22) * traits.graph_cost *
                           (3.9 + 0.8e-3 * dim + 1.7e-3 * std::max(0.0, row_bytes - dim));
  } else {
    us_a_level = 2.6;
    costs.query_us =
        std::pow(rows / search::kUnitRows, 0.3) * traits.graph_cost * (5.2 + 0.0075 * row_bytes);
  }
  costs.parallel_seconds += rows * (search::Log2Rows(shape) * us_a_level + 0.024 * dim) * 1e-6;
  search::AddWriting(&costs);
  return costs;
}

}  // namespace kith::graph
