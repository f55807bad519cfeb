#include "index/cost_model.h"

#include <algorithm>
#include <cmath>

#include "index/forest.h"
#include "index/graph.h"
#include "index/graph_layout.h"
#include "index/layout.h"
#include "index/rp_tree.h"
#include "index/trees.h"
#include "quant/bounded_code.h"
#include "quant/edge_code.h"
#include "quant/geometry.h"
#include "quant/rotation.h"
#include "quant/short_code.h"
#include "quant/sketch.h"
#include "simd/kernels.h"

namespace kith {
namespace {

// Queries of one call that share what is read.
constexpr size_t kMany = 16;
// What a core streams at the speed of its caches; the rest comes from memory.
constexpr double kCachedBytes = 16e6;

// Recall of 0.95 takes about so much more of a set that is larger than the first so many rows:
// steps grow with the logarithm, and misses of the caches with them.
constexpr double kUnitRows = 10'000;

// Bytes that go to the file in a second: copied, summed and written.
constexpr double kWrittenBytes = 1e9;

double Log2Rows(const CostShape& shape) {
  return std::log2(std::max(2.0, static_cast<double>(shape.rows)));
}

// How many times slower a metric's kernel is than those of the other metrics.
double KernelFactor(Metric metric) { return metric == Metric::kManhattan ? 1.8 : 1; }

uint64_t VectorBytes(const CostShape& shape) {
  return shape.rows * (RowStride(shape.dtype, shape.dim) +
                       (shape.metric == Metric::kAngular ? sizeof(float) : 0));
}

// What every build does: checks, norms, writing. Sets sizes and memory, too.
Costs BaseCosts(const CostShape& shape, bool reordered) {
  const uint64_t permutations = reordered ? 2 * sizeof(uint32_t) : 0;
  const uint64_t norms = shape.metric == Metric::kAngular ? 2 * sizeof(float) : 0;
  Costs costs;
  costs.file_bytes = (uint64_t{4} << 10) + VectorBytes(shape) + shape.rows * permutations;
  // The order and what is written of it, norms and theirs, buffers.
  costs.memory = shape.rows * (sizeof(uint32_t) + permutations + norms) + (uint64_t{4} << 20);
  return costs;
}

void AddWriting(Costs* costs) {
  costs->serial_seconds += 3e-3 + static_cast<double>(costs->file_bytes) / kWrittenBytes;
}

// Bytes of a tree for each of its vectors: an entry, and nodes of leaves that are two thirds full.
double TreeBytes(const CostShape& shape) {
  constexpr double kEntry = 2.25;
  constexpr double kLeaf = 37;
  const size_t dim = Geometry(shape.metric, shape.dim, 0).dim();
  return kEntry + static_cast<double>(NodeBytes(SketchDim(dim))) / kLeaf;
}

}  // namespace

double ExactQueryNs(double bytes, size_t num_queries) {
  if (num_queries >= kMany) return 3000 + bytes * 0.0035;
  return 3000 + bytes * 0.016 + std::max(0.0, bytes - kCachedBytes) * 0.012;
}

double Costs::BuildSeconds(int threads) const {
  // A second core adds 0.85 of the first.
  return serial_seconds + parallel_seconds / (1 + 0.85 * (std::max(1, threads) - 1));
}

Costs ExactCosts(const CostShape& shape, bool scan_codes) {
  Costs costs = BaseCosts(shape, false);
  uint64_t scanned = shape.rows * RowBytes(shape.dtype, shape.dim);
  if (scan_codes) {
    scanned = BoundedCodes::NumBlocks(shape.rows) * BoundedCodes::BlockBytes(shape.dim);
    costs.file_bytes += scanned;
    costs.memory += scanned;
    costs.parallel_seconds +=
        static_cast<double>(shape.rows) * static_cast<double>(shape.dim) * 5e-9;
  }
  AddWriting(&costs);
  costs.query_us =
      1e-3 * ExactQueryNs(static_cast<double>(scanned) * KernelFactor(shape.metric), 1);
  return costs;
}

bool ForestFits(uint64_t rows, uint32_t num_trees) {
  // Children name leaves by 31 bits, in units; they name nodes by as many, of which there are
  // fewer.
  constexpr double kBytesAnEntry = 2.5;
  return static_cast<double>(rows) * num_trees * kBytesAnEntry / kLeafUnit < kLeafBit;
}

Costs ForestCosts(const CostShape& shape, uint32_t num_trees) {
  Costs costs = BaseCosts(shape, true);
  const auto rows = static_cast<double>(shape.rows);
  const auto dim = static_cast<double>(shape.dim);
  const size_t sketch_dim = SketchDim(Geometry(shape.metric, shape.dim, 0).dim());
  const double trees = num_trees;
  costs.file_bytes += static_cast<uint64_t>(rows * trees * TreeBytes(shape));
  if (const int bits = ForestCodeBits(shape.dtype, shape.dim, shape.metric); bits != 0) {
    const CodeShape code{Geometry(shape.metric, shape.dim, 0).dim(), bits};
    costs.file_bytes += code.total_bytes(shape.rows);
    costs.parallel_seconds += rows * dim * 2e-9;
  }
  // Sketches, in floats and in bytes; then trees, and the sections made of them.
  const uint64_t sketches =
      SketchStride(sketch_dim) * sizeof(float) + ByteStride(sketch_dim) + 2 * sizeof(uint32_t);
  costs.memory += shape.rows * sketches + (uint64_t{16} << 20) +
                  static_cast<uint64_t>(rows * trees * 1.25 * (TreeBytes(shape) + 2));

  const bool projected = sketch_dim < shape.dim;
  costs.parallel_seconds += projected ? 5e-3 + dim * 50e-6 : 0;
  costs.parallel_seconds += rows * (projected ? dim * 1.9e-9 : 100e-9);
  costs.parallel_seconds += rows * Log2Rows(shape) * trees * (sketch_dim <= 48 ? 3.7e-9 : 4.4e-9);
  AddWriting(&costs);

  // Fewer trees have to be searched further, the more so the larger the set.
  const double fewer = std::max(0.0, 0.1 * std::log2(rows / 40'000));
  costs.query_us = std::pow(rows / kUnitRows, 0.3) * std::pow(32 / trees, fewer) *
                   (11 + 0.02 * static_cast<double>(RowBytes(shape.dtype, shape.dim))) *
                   KernelFactor(shape.metric);
  return costs;
}

Costs GraphCosts(const CostShape& shape, const GraphOptions& options) {
  Costs costs = BaseCosts(shape, true);
  const auto rows = static_cast<double>(shape.rows);
  const auto row_bytes = static_cast<double>(RowBytes(shape.dtype, shape.dim));
  const uint64_t node_bytes = GraphNodeBytes(shape.dim, shape.dtype, options);
  costs.file_bytes += shape.rows * node_bytes;
  costs.memory = GraphBuildMemory(shape.rows, shape.dim, shape.dtype, shape.metric, options);
  const double growth = std::pow(rows / kUnitRows, 0.22);
  // Candidates are compared as bytes, or bits.
  const double compared = std::min(static_cast<double>(shape.dim), row_bytes);
  double us_a_level = 0;
  if (options.layout == GraphLayout::kPacked) {
    us_a_level = 2.2 + 0.0036 * compared;
    costs.query_us = growth * (4.2 + 0.96e-3 * static_cast<double>(node_bytes));
  } else {
    us_a_level = 2.7 + 0.0017 * compared;
    costs.query_us = growth * (5.9 + 0.015 * row_bytes) * KernelFactor(shape.metric);
  }
  costs.parallel_seconds += rows * Log2Rows(shape) * us_a_level * 1e-6;
  AddWriting(&costs);
  return costs;
}

}  // namespace kith
