#include "graph/costs.h"

#include <algorithm>
#include <cmath>

#include "graph/build.h"
#include "graph/refine.h"
#include "quant/edge_code.h"
#include "search/metric_traits.h"

namespace kith::graph {

namespace {

// Where the intrinsic dimension of real sets is, and its factors are 1.
constexpr double kUsualDim = 13;

// What is read again and again stays in a cache of so many bytes; of more, so large a share of the
// reads goes beyond it: to the cache that cores share, or to memory.
constexpr double kOwnCache = 2e6;
constexpr double kSharedCache = 32e6;
double ShareBeyond(double cache, double bytes) { return bytes > cache ? 1 - cache / bytes : 0; }

// The beam of a compact graph that finds 0.95 of the ten nearest. It goes with the dimension that
// vectors lie in, and with their number the faster the more dimensions.
double BeamOf(const search::CostShape& shape) {
  const double rows = static_cast<double>(shape.rows);
  const double dim = std::max(1.0, shape.intrinsic_dim);
  const double growth = std::min(0.1 + 0.01 * dim, 0.8);
  const double beam = 13.5 * std::pow(dim / kUsualDim, 1.5) *
                      std::pow(rows / search::kUnitRows, growth) *
                      search::TraitsOf(shape.metric).graph_cost;
  return std::clamp(beam, std::min(8.0, rows), rows);
}

// Microseconds of a visit of the walk, and of what a query takes beside its visits; and of what the
// build of a node takes beside walking.
struct Walking {
  double beam;
  double visit_us;
  double query_us;
  double node_us;
};

// A node holds codes of all its neighbours, and is read whole. Estimates take a wider beam, the
// coarser they are.
Walking OfPacked(const search::CostShape& shape, const GraphOptions& options) {
  constexpr int kFineBits = 4;
  const int bits = options.code_bits != 0 ? options.code_bits : quant::EdgeBits(shape.dim);
  const double wider = bits >= kFineBits ? 1.1 : 1.35;
  const uint64_t node_bytes = NodeBytes(shape.dim, shape.dtype, options);
  const auto bytes = static_cast<double>(node_bytes);
  const auto dim = static_cast<double>(shape.dim);
  const double waits = ShareBeyond(kSharedCache, bytes * static_cast<double>(shape.rows));
  return {std::min(wider * BeamOf(shape), static_cast<double>(shape.rows)),
          0.14 + bytes * (3e-5 + 5e-5 * waits), 1.2 + 0.0045 * dim,
          (2.3 + 0.0018 * dim) * search::Log2Rows(shape)};
}

// Neighbours not met before are compared with the query one by one.
Walking OfCompact(const search::CostShape& shape, double build_beam) {
  constexpr double kNewNeighbours = 18;  // a visit, about
  constexpr double kEntries = 64;
  constexpr double kCachedUs = 0.05;  // of a comparison, in what building takes otherwise
  const auto bytes = static_cast<double>(RowBytes(shape.dtype, shape.dim));
  const double all = bytes * static_cast<double>(shape.rows);
  const double distance_us = 0.008 + 1e-5 * bytes +
                             ShareBeyond(kOwnCache, all) * (0.01 + 2.3e-5 * bytes) +
                             ShareBeyond(kSharedCache, all) * (0.02 + 3e-5 * bytes);
  const double beam = BeamOf(shape);
  const double distances = kEntries + kNewNeighbours * std::min(build_beam, 2 * beam);
  return {beam, 0.1 + kNewNeighbours * distance_us, 1 + kEntries * distance_us,
          2.6 * search::Log2Rows(shape) + distances * std::max(0.0, distance_us - kCachedUs)};
}

}  // namespace

search::Costs CostsOf(const search::CostShape& shape, const GraphOptions& options) {
  search::Costs costs = search::BaseCosts(shape, true);
  const auto rows = static_cast<double>(shape.rows);
  costs.file_bytes += shape.rows * NodeBytes(shape.dim, shape.dtype, options);
  costs.memory = BuildMemory(shape.rows, shape.dim, shape.dtype, shape.metric, options);
  const bool packed = options.layout == GraphLayout::kPacked;
  const Walking walking =
      packed ? OfPacked(shape, options)
             : OfCompact(shape, options.beam != 0 ? options.beam : double{kDefaultBeam});
  costs.effort = walking.beam;
  costs.effort_of_k = packed ? 2 : 1;
  costs.effort_us = walking.visit_us;
  costs.query_us = walking.query_us + walking.beam * walking.visit_us;
  // Walks of a build are of one beam, but end the later the harder the set is.
  const double harder = std::pow(std::max(1.0, shape.intrinsic_dim / kUsualDim), 0.3);
  costs.parallel_seconds +=
      rows * (walking.node_us * harder + 0.024 * static_cast<double>(shape.dim)) * 1e-6;
  search::AddWriting(&costs);
  return costs;
}

}  // namespace kith::graph
