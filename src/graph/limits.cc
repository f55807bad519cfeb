// What a graph may be, and what building it takes.
#include <algorithm>

#include "base/math.h"
#include "base/strings.h"
#include "graph/build.h"
#include "graph/candidates.h"
#include "graph/packed_draft.h"
#include "quant/sketch.h"
#include "search/metric_traits.h"
#include "search/stored_vectors.h"
#include "simd/kernels.h"

namespace kith::graph {
namespace {

constexpr uint32_t kMaxDegree = 512;

}  // namespace

Status CheckOptions(const MatrixView& rows, const BuildRequest& options) {
  const GraphOptions& graph = options.graph;
  if (rows.rows >= kMaxNodes) {
    return Status::InvalidArgument(StrCat("too many vectors for a graph: ", rows.rows,
                                          ", fewer than ", kMaxNodes, " fit; build several files"));
  }
  if (graph.degree % simd::kEdgeLanes != 0 || graph.degree > kMaxDegree) {
    return Status::InvalidArgument(StrCat("a graph of degree ", graph.degree,
                                          "; multiples of 16 up to ", kMaxDegree,
                                          " are supported"));
  }
  if (graph.code_bits != 0 && !quant::IsEdgeBits(static_cast<uint32_t>(graph.code_bits))) {
    return Status::InvalidArgument(
        StrCat("codes of ", graph.code_bits, " bits; there are 1, 2, 4 and 8"));
  }
  if (graph.layout == GraphLayout::kPacked && !HasPackedLayout(options.metric, rows.dtype)) {
    return Status::InvalidArgument(StrCat("no packed graph for ", MetricName(options.metric),
                                          " over ", DataTypeName(rows.dtype),
                                          "; the compact layout is there for it"));
  }
  return Status::Ok();
}

uint64_t NodeBytes(size_t dim, DataType dtype, const GraphOptions& options) {
  const uint64_t degree = options.degree != 0 ? options.degree : kDefaultDegree;
  if (options.layout == GraphLayout::kCompact) return degree * sizeof(uint32_t);
  return PackedShape(dim, dtype, degree, options.code_bits).bytes;
}

uint64_t BuildMemory(size_t num_rows, size_t dim, DataType dtype, Metric metric,
                     const GraphOptions& options) {
  const uint64_t degree = options.degree != 0 ? options.degree : kDefaultDegree;
  const uint64_t padded = RoundUp(dim + 2, simd::kQueryPadding);
  // Rows to compare: floats, unless they are bytes already; bytes that others are rounded to may
  // turn out too coarse.
  const search::MetricTraits& traits = search::TraitsOf(metric);
  const bool own_metric = traits.form == search::DistanceForm::kSum;
  const bool integers = dtype == DataType::kU8 || dtype == DataType::kI8 || dtype == DataType::kBit;
  uint64_t bytes = padded * (own_metric && integers ? 1 : sizeof(float));
  if (traits.products) bytes += search::RowStride(dtype, dim);
  // Three tables of edges and their reverse, candidates being gone; or these, and what trees are
  // grown of; or one table, and the vectors in order for calibration and once more for a look at
  // what searches of users find.
  const size_t sketch_dim = std::min(dim + 1, quant::kMaxSketchDim);
  const uint64_t sketch = quant::SketchStride(sketch_dim) * sizeof(float) +
                          quant::ByteStride(sketch_dim) + kTreesAtOnce * sizeof(uint32_t);
  bytes += std::max<uint64_t>(
      {5 * degree * sizeof(uint32_t),
       CandidateLists::kForEdges * (sizeof(float) + sizeof(uint32_t)) + sketch,
       degree * sizeof(uint32_t) + 2 * (search::RowStride(dtype, dim) + sizeof(float))});
  bytes += 2 * sizeof(uint32_t);
  if (options.layout == GraphLayout::kPacked) {
    bytes += NodeBytes(dim, dtype, options) + quant::Rotation::PaddedDim(dim) * sizeof(float);
  }
  return num_rows * bytes + (uint64_t{16} << 20);
}

}  // namespace kith::graph
