#include "plan/cost_model.h"

#include <algorithm>
#include <cmath>

#include "forest/forest.h"
#include "forest/trees.h"
#include "graph/build.h"
#include "graph/layout.h"
#include "quant/bounded_code.h"
#include "quant/edge_code.h"
#include "quant/geometry.h"
#include "quant/rotation.h"
#include "quant/short_code.h"
#include "quant/sketch.h"
#include "search/stored_vectors.h"
#include "simd/kernels.h"
#include "trees/rp_tree.h"

namespace kith::plan {
namespace {

// Queries of one call that share what is read.
constexpr size_t kMany = 16;
// What a core reads at the speed of caches; the rest comes from memory.
constexpr double kCachedBytes = 16e6;

// Where the powers of the number of vectors are 1. Powers take account of both more steps and more
// misses of the caches.
constexpr double kUnitRows = 10'000;

// Starting and ending, and bytes of the file in a second: copied, summed and written.
constexpr double kStartSeconds = 6e-3;
constexpr double kWrittenBytes = 1e9;

double Log2Rows(const CostShape& shape) {
  return std::log2(std::max(2.0, static_cast<double>(shape.rows)));
}

// How many times as long as of the other metrics a search takes: kernels are slower, or neighbours
// harder to find.
double GraphFactor(Metric metric) {
  return metric == Metric::kManhattan ? 1.3 : metric == Metric::kDot ? 1.7 : 1;
}
double ForestFactor(Metric metric) {
  return metric == Metric::kManhattan ? 1.2 : metric == Metric::kDot ? 3.5 : 1;
}

bool IsFloat(DataType dtype) {
  return dtype == DataType::kF32 || dtype == DataType::kF16 || dtype == DataType::kBF16;
}

uint64_t VectorBytes(const CostShape& shape) {
  return shape.rows * (search::RowStride(shape.dtype, shape.dim) +
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
  costs->serial_seconds += kStartSeconds + static_cast<double>(costs->file_bytes) / kWrittenBytes;
}

// Bytes of a vector as kernels that need no more than order compare it.
double Compared(const CostShape& shape) {
  return static_cast<double>(std::min(shape.dim, RowBytes(shape.dtype, shape.dim)));
}

// Bytes of a tree for each of its vectors: an entry, and nodes of leaves that are two thirds full.
double TreeBytes(const CostShape& shape) {
  constexpr double kEntry = 2.25;
  constexpr double kLeaf = 37;
  const size_t dim = quant::Geometry(shape.metric, shape.dim, 0).dim();
  return kEntry + static_cast<double>(trees::NodeBytes(quant::SketchDim(dim))) / kLeaf;
}

}  // namespace

double ExactQueryNs(double rows, double bytes, size_t num_queries) {
  constexpr double kQuery = 3000;
  if (num_queries >= kMany) return kQuery + bytes * 0.0035;
  return kQuery + rows * 0.9 + bytes * 0.0115 + std::max(0.0, bytes - kCachedBytes) * 0.012;
}

double Costs::BuildSeconds(int threads) const {
  // A second core adds 0.85 of the first.
  return serial_seconds + parallel_seconds / (1 + 0.85 * (std::max(1, threads) - 1));
}

Costs ExactCosts(const CostShape& shape, bool scan_codes) {
  Costs costs = BaseCosts(shape, false);
  auto rows = static_cast<double>(shape.rows);
  uint64_t scanned = shape.rows * RowBytes(shape.dtype, shape.dim);
  if (scan_codes) {
    scanned =
        quant::BoundedCodes::NumBlocks(shape.rows) * quant::BoundedCodes::BlockBytes(shape.dim);
    costs.file_bytes += scanned;
    costs.memory += scanned;
    costs.parallel_seconds += rows * static_cast<double>(shape.dim) * 5e-9;
    rows = 0;  // bounds of many rows are tested at once
  }
  AddWriting(&costs);
  costs.query_us = 1e-3 * ExactQueryNs(rows, static_cast<double>(scanned), 1);
  return costs;
}

bool ForestFits(uint64_t rows, uint32_t num_trees) {
  // Children name leaves by 31 bits, in units; they name nodes by as many, of which there are
  // fewer.
  constexpr double kBytesAnEntry = 2.5;
  return static_cast<double>(rows) * num_trees * kBytesAnEntry / forest::kLeafUnit <
         trees::kLeafBit;
}

Costs ForestCosts(const CostShape& shape, uint32_t num_trees) {
  Costs costs = BaseCosts(shape, true);
  const auto rows = static_cast<double>(shape.rows);
  const auto dim = static_cast<double>(shape.dim);
  const size_t sketch_dim = quant::SketchDim(quant::Geometry(shape.metric, shape.dim, 0).dim());
  const double trees = num_trees;
  costs.file_bytes += static_cast<uint64_t>(rows * trees * TreeBytes(shape));
  if (const int bits = forest::CodeBits(shape.dtype, shape.dim, shape.metric); bits != 0) {
    const quant::CodeShape code{quant::Geometry(shape.metric, shape.dim, 0).dim(), bits};
    costs.file_bytes += code.total_bytes(shape.rows);
    costs.parallel_seconds += rows * dim * bits * 1.4e-9;
  }
  // Sketches, in floats and in bytes; then trees, and the sections made of them.
  const uint64_t sketches = quant::SketchStride(sketch_dim) * sizeof(float) +
                            quant::ByteStride(sketch_dim) + 2 * sizeof(uint32_t);
  costs.memory += shape.rows * sketches + (uint64_t{16} << 20) +
                  static_cast<uint64_t>(rows * trees * 1.25 * (TreeBytes(shape) + 2));

  // Directions to project on are learnt from a sample.
  const bool projected = sketch_dim < shape.dim;
  if (projected) {
    costs.parallel_seconds += std::min(rows, 4096.0) * (1e-6 + dim * 12e-9) + rows * dim * 1.05e-9;
  }
  costs.parallel_seconds +=
      rows * (100e-9 + Log2Rows(shape) * trees * (sketch_dim <= 48 ? 3.7e-9 : 4.4e-9));
  // What evens out norms.
  if (shape.metric == Metric::kDot && !projected) costs.parallel_seconds += rows * 600e-9;
  AddWriting(&costs);

  // A query is projected, walks and compares. Fewer trees have to be searched further, the more so
  // the larger the set.
  const double fewer = 0.1 * std::pow(rows / kUnitRows, 0.4) * std::pow(4 / trees, 1.5);
  const double searched = IsFloat(shape.dtype) ? 14.5 : 7 + 0.006 * Compared(shape);
  costs.query_us = (projected ? 0.008 * dim : 0) + std::pow(rows / kUnitRows, 0.36) * searched *
                                                       (1 + fewer) * ForestFactor(shape.metric);
  return costs;
}

Costs GraphCosts(const CostShape& shape, const GraphOptions& options) {
  Costs costs = BaseCosts(shape, true);
  const auto rows = static_cast<double>(shape.rows);
  const auto row_bytes = static_cast<double>(RowBytes(shape.dtype, shape.dim));
  const uint64_t node_bytes = graph::NodeBytes(shape.dim, shape.dtype, options);
  costs.file_bytes += shape.rows * node_bytes;
  costs.memory = graph::BuildMemory(shape.rows, shape.dim, shape.dtype, shape.metric, options);
  const auto dim = static_cast<double>(shape.dim);
  double us_a_level = 0;
  // A query is rotated, then walks; what nodes hold as bytes is compared in full in the end.
  if (options.layout == GraphLayout::kPacked) {
    us_a_level = 2.3 + 0.0018 * dim;
    costs.query_us =
        0.0045 * dim + std::pow(rows / kUnitRows, 0.22) * GraphFactor(shape.metric) *
                           (3.9 + 0.8e-3 * dim + 1.7e-3 * std::max(0.0, row_bytes - dim));
  } else {
    us_a_level = 2.6;
    costs.query_us =
        std::pow(rows / kUnitRows, 0.3) * GraphFactor(shape.metric) * (5.2 + 0.0075 * row_bytes);
  }
  costs.parallel_seconds += rows * (Log2Rows(shape) * us_a_level + 0.024 * dim) * 1e-6;
  AddWriting(&costs);
  return costs;
}

}  // namespace kith::plan
