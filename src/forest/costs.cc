#include "forest/costs.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "forest/forest.h"
#include "forest/trees.h"
#include "quant/geometry.h"
#include "quant/short_code.h"
#include "quant/sketch.h"
#include "search/metric_traits.h"
#include "trees/rp_tree.h"

namespace kith::forest {
namespace {

bool IsFloat(DataType dtype) {
  return dtype == DataType::kF32 || dtype == DataType::kF16 || dtype == DataType::kBF16;
}

// Bytes of a vector as kernels that need no more than order compare it.
double Compared(const search::CostShape& shape) {
  return static_cast<double>(std::min(shape.dim, RowBytes(shape.dtype, shape.dim)));
}

// Bytes of a tree for each of its vectors: an entry, and nodes of leaves that are two thirds full.
double TreeBytes(const search::CostShape& shape) {
  constexpr double kEntry = 2.25;
  constexpr double kLeaf = 37;
  const size_t dim = quant::Geometry(shape.metric, shape.dim, 0).dim();
  return kEntry + static_cast<double>(trees::NodeBytes(quant::SketchDim(dim))) / kLeaf;
}

}  // namespace

bool Fits(uint64_t rows, uint32_t num_trees) {
  // Children name leaves by 31 bits, in units; they name nodes by as many, of which there are
  // fewer.
  constexpr double kBytesAnEntry = 2.5;
  return static_cast<double>(rows) * num_trees * kBytesAnEntry / forest::kLeafUnit <
         trees::kLeafBit;
}

search::Costs CostsOf(const search::CostShape& shape, uint32_t num_trees) {
  search::Costs costs = search::BaseCosts(shape, true);
  const search::MetricTraits& traits = search::TraitsOf(shape.metric);
  const auto rows = static_cast<double>(shape.rows);
  const auto dim = static_cast<double>(shape.dim);
  const size_t sketch_dim = quant::SketchDim(quant::Geometry(shape.metric, shape.dim, 0).dim());
  const double trees = num_trees;
  costs.file_bytes += static_cast<uint64_t>(rows * trees * TreeBytes(shape));
  if (const int bits = CodeBits(shape.dtype, shape.dim, shape.metric); bits != 0) {
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
      rows * (100e-9 + search::Log2Rows(shape) * trees * (sketch_dim <= 48 ? 3.7e-9 : 4.4e-9));
  // What evens out norms.
  if (traits.products && !projected) costs.parallel_seconds += rows * 600e-9;
  search::AddWriting(&costs);

  // A query is projected, walks and compares. Fewer trees have to be searched further, the more so
  // the larger the set.
  const double fewer = 0.1 * std::pow(rows / search::kUnitRows, 0.4) * std::pow(4 / trees, 1.5);
  const double searched = IsFloat(shape.dtype) ? 13 : 7 + 0.006 * Compared(shape);
  // In how many dimensions the vectors lie decides how many have to be compared: the more of them,
  // the more leaves around a query have some of its neighbours, until it is a share of all. No more
  // than all are compared.
  constexpr double kUsualDim = 13;
  const double above = shape.intrinsic_dim - kUsualDim;
  const double harder = std::max(0.25, std::pow(shape.intrinsic_dim / kUsualDim, 1.2));
  const double slow = std::max(0.0, 0.36 + 0.02 * std::min(0.0, above));
  const double growth =
      rows < search::kUnitRows || above < 0 ? slow : std::min(0.36 + 0.0033 * above * above, 0.9);
  const double compared_us = 0.01 + 2e-5 * dim;
  const double walking = std::min(std::pow(rows / search::kUnitRows, growth) * searched *
                                      (1 + fewer) * harder * traits.forest_cost,
                                  searched + compared_us * rows);
  costs.effort = std::max(1.0, walking / compared_us);
  costs.effort_of_k = costs.effort / 200;
  // Of many, more are met that other trees led to before.
  costs.effort_us = 2.2 * compared_us;
  costs.query_us = (projected ? 0.008 * dim : 0) + walking;
  return costs;
}

}  // namespace kith::forest
