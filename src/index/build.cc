// BuildIndex: vectors in, one file out.
#include "graph/build.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/aligned_buffer.h"
#include "base/edge.h"
#include "base/file_attribute.h"
#include "base/math.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "calibration/held_out.h"
#include "calibration/section.h"
#include "data/convert.h"
#include "forest/forest.h"
#include "index/in_memory.h"
#include "index/layout.h"
#include "kith/index.h"
#include "kith/version.h"
#include "plan/build_plan.h"
#include "scan/coded_scan.h"
#include "search/scorer.h"
#include "simd/kernels.h"
#include "storage/container.h"
#include "storage/lookup.h"

namespace kith::index {
namespace {

Status CheckInput(const MatrixView& vectors, const BuildOptions& options, ThreadPool& pool) {
  if (vectors.rows == 0) {
    return Status::InvalidArgument("no vectors to index: the set is empty");
  }
  if (vectors.rows > kMaxRows) {
    return Status::InvalidArgument(StrCat("too many vectors: ", vectors.rows, ", at most ",
                                          kMaxRows, " fit one file; build several files"));
  }
  if (vectors.dim == 0 || vectors.dim > kMaxDim) {
    return Status::InvalidArgument(
        StrCat("vectors of dimension ", vectors.dim, "; 1 to ", kMaxDim, " are supported"));
  }
  if (options.keys != nullptr && options.keys->size() != vectors.rows) {
    return Status::InvalidArgument(StrCat("there are ", vectors.rows, " vectors but ",
                                          options.keys->size(), " keys; give one for each"));
  }
  if (options.ids != nullptr && options.ids->size() != vectors.rows) {
    return Status::InvalidArgument(StrCat("there are ", vectors.rows, " vectors but ",
                                          options.ids->size(), " ids; give one for each"));
  }
  return data::CheckFinite(vectors, pool);
}

// 1 / |row| of every row; refuses rows whose squared norm overflows.
Status InverseNorms(const MatrixView& rows, ThreadPool& pool, std::vector<float>* out) {
  out->resize(rows.rows);
  return pool.Chunks(rows.rows, 1024, [&](size_t begin, size_t end, int) -> Status {
    std::vector<float> x(rows.dim);
    for (size_t i = begin; i < end; ++i) {
      data::RowToF32(rows, i, x.data());
      const double norm = SquaredNorm(x.data(), rows.dim);
      if (norm > std::numeric_limits<float>::max() / 4) {
        return Status::InvalidArgument(StrCat(
            "row ", i,
            ": values too large, the squared norm overflows float32; scale the vectors down"));
      }
      (*out)[i] = search::InverseNorm(x.data(), rows.dim);
    }
    return Status::Ok();
  });
}

Status WriteVectors(const MatrixView& rows, const std::vector<uint32_t>& order,
                    storage::ContainerWriter* writer) {
  const size_t stride = search::RowStride(rows.dtype, rows.dim);
  const size_t row_bytes = RowBytes(rows.dtype, rows.dim);
  const size_t chunk = std::max<size_t>(1, (1 << 20) / stride);
  std::vector<std::byte> buffer(chunk * stride);
  KITH_RETURN_IF_ERROR(writer->BeginSection(std::string(kVectorsSection),
                                            {.row_bytes = static_cast<uint32_t>(stride)}));
  for (size_t begin = 0; begin < order.size(); begin += chunk) {
    const size_t count = std::min(chunk, order.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      std::memcpy(buffer.data() + i * stride, rows.row(order[begin + i]), row_bytes);
    }
    KITH_RETURN_IF_ERROR(writer->Append(std::span(buffer.data(), count * stride)));
  }
  return writer->EndSection();
}

template <class T>
std::span<const std::byte> BytesOf(const std::vector<T>& v) {
  return std::as_bytes(std::span(v));
}

// The ways in that a file is built with, beside exact search.
struct Paths {
  bool graph = false;
  bool forest = false;
  bool any() const { return graph || forest; }
};

std::string Describe(const BuildOptions& options, const forest::Grown* forest,
                     const graph::Builder* graph) {
  std::string json = StrCat("{\"kith\": \"", KITH_VERSION, "\", \"seed\": ", options.seed);
  if (graph != nullptr) {
    const graph::Header header = graph->header();
    json += StrCat(
        ", \"graph_layout\": \"", GraphLayoutName(static_cast<GraphLayout>(header.layout)),
        "\", \"graph_degree\": ", header.degree, ", \"graph_code_bits\": ", header.code_bits);
  }
  if (forest != nullptr) {
    json += StrCat(", \"trees\": ", forest->header.num_trees,
                   ", \"leaf_size\": ", forest->header.leaf_size,
                   ", \"sketch_dim\": ", forest->header.sketch_dim,
                   ", \"code_bits\": ", forest->header.code_bits);
  }
  return json + "}";
}

// Whether the file gets codes for exact search. Errors: InvalidArgument.
Result<bool> WantsScanCodes(const MatrixView& rows, const Paths& paths,
                            const BuildOptions& options) {
  if (!options.scan_codes.has_value()) {
    return !paths.any() && quant::BoundedCodesPay(options.metric, rows.dtype, rows.rows, rows.dim);
  }
  if (*options.scan_codes && paths.any()) {
    return Status::InvalidArgument(
        "scan codes are for exact search only; build without graph and forest");
  }
  if (*options.scan_codes && !quant::HasBoundedCodes(options.metric, rows.dtype)) {
    return Status::InvalidArgument(
        StrCat("no scan codes for ", MetricName(options.metric), " over ", DataTypeName(rows.dtype),
               "; they are for angular, euclidean or dot over f32, f16 or bf16: leave them out"));
  }
  return *options.scan_codes;
}

// The rows in internal order, and what exact search and all others need of them.
Status WriteRows(const MatrixView& rows, const std::vector<float>& norms, Metric metric,
                 const std::vector<uint32_t>& order, bool reordered,
                 storage::ContainerWriter* writer) {
  KITH_RETURN_IF_ERROR(WriteVectors(rows, order, writer));
  if (metric == Metric::kAngular) {
    std::vector<float> ordered(order.size());
    for (size_t i = 0; i < order.size(); ++i) ordered[i] = norms[order[i]];
    KITH_RETURN_IF_ERROR(writer->AddSection(kNormsSection, BytesOf(ordered)));
  }
  if (!reordered) return Status::Ok();
  std::vector<uint32_t> slots(order.size());
  for (uint32_t i = 0; i < order.size(); ++i) slots[order[i]] = i;
  KITH_RETURN_IF_ERROR(writer->AddSection(kRowsSection, BytesOf(order)));
  return writer->AddSection(kSlotsSection, BytesOf(slots));
}

// Everything but the checks and choices. `rows` are of the type to be stored.
Status WriteIndex(const MatrixView& rows, const FileTarget& target, const BuildOptions& options,
                  ThreadPool& pool) {
  const Paths paths{options.graph.value_or(false), options.forest.value_or(false)};
  KITH_ASSIGN_OR_RETURN(const bool scan_codes, WantsScanCodes(rows, paths, options));
  KITH_ASSIGN_OR_RETURN(
      auto writer, storage::ContainerWriter::Create(target, rows.rows, rows.dim, options.metric,
                                                    rows.dtype, &pool));
  std::vector<float> norms;
  KITH_RETURN_IF_ERROR(InverseNorms(rows, pool, &norms));
  std::unique_ptr<graph::Builder> graph;
  forest::Grown forest;
  forest::GrowOptions grow{options.forest_options, options.metric, options.seed, options.progress};
  std::vector<uint32_t> order(rows.rows);
  std::iota(order.begin(), order.end(), 0u);
  calibration::BuildCalibration calibration(rows, norms, options, pool);
  if (paths.graph) {
    const graph::BuildRequest build{options.graph_options, options.metric,
                                    options.seed,          options.memory,
                                    options.progress,      calibration.held_out()};
    KITH_ASSIGN_OR_RETURN(graph, graph::Builder::Create(rows, build, pool));
    KITH_RETURN_IF_ERROR(graph->Build());
    if (calibration.wanted()) KITH_RETURN_IF_ERROR(calibration.OfGraph(*graph));
    KITH_RETURN_IF_ERROR(graph->Finish());
    order = graph->order();
    grow.order = &graph->order();
  }
  if (paths.forest) {
    grow.held_out = calibration.hidden();
    KITH_ASSIGN_OR_RETURN(forest, forest::Grow(rows, grow, pool));
    order = forest.order;
    if (calibration.wanted()) KITH_RETURN_IF_ERROR(calibration.OfForest(forest));
  }
  KITH_RETURN_IF_ERROR(pool.Report(options.progress, "writing", 0, 1));
  KITH_RETURN_IF_ERROR(WriteRows(rows, norms, options.metric, order, paths.any(), writer.get()));
  if (scan_codes) {
    KITH_RETURN_IF_ERROR(scan::WriteScanCodes(rows, order, options.metric, pool, writer.get()));
  }
  if (paths.graph) KITH_RETURN_IF_ERROR(graph->Write(writer.get()));
  if (paths.forest) KITH_RETURN_IF_ERROR(forest::Write(forest, writer.get()));
  if (options.keys != nullptr && !options.keys->empty()) {
    KITH_RETURN_IF_ERROR(storage::WriteKeys(writer.get(), *options.keys));
  }
  if (options.ids != nullptr) KITH_RETURN_IF_ERROR(storage::WriteIds(writer.get(), *options.ids));
  if (paths.any() && calibration.wanted()) {
    KITH_RETURN_IF_ERROR(calibration::WriteCalibration(calibration.Take(), writer.get()));
  }
  const std::string meta = Describe(options, paths.forest ? &forest : nullptr, graph.get());
  KITH_RETURN_IF_ERROR(writer->AddSection(kMetaSection,
                                          std::as_bytes(std::span(meta.data(), meta.size())),
                                          {.flags = storage::kSectionOptional}));
  return writer->Finish();
}

Status Build(const MatrixView& vectors, const FileTarget& target, const BuildOptions& options) {
  KITH_RETURN_IF_ERROR(simd::CheckTarget());
  ThreadPool pool(options.threads, options.stop);
  KITH_RETURN_IF_ERROR(CheckInput(vectors, options, pool));
  DataType dtype{};
  if (options.dtype.has_value()) {
    dtype = *options.dtype;
  } else {
    KITH_ASSIGN_OR_RETURN(dtype, data::SmallestLossless(vectors, pool));
  }
  AlignedBuffer<std::byte> converted;
  MatrixView rows = vectors;
  // Bits are always copied: what pads a borrowed row's last byte is not ours to trust.
  if (dtype != vectors.dtype || dtype == DataType::kBit) {
    const size_t stride = search::RowStride(dtype, vectors.dim);
    KITH_ASSIGN_OR_RETURN(converted, data::ConvertAllRows(vectors, dtype, stride, pool));
    rows = {converted.data(), vectors.rows, vectors.dim, stride, dtype};
  }
  KITH_ASSIGN_OR_RETURN(const BuildOptions planned, plan::ApplyPlan(rows, options));
  return WriteIndex(rows, target, planned, pool);
}

}  // namespace

}  // namespace kith::index

namespace kith {

Status BuildIndex(const MatrixView& vectors, const std::string& path, const BuildOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  Status built =
      AtEdge(path, index::kLessMemory, [&] { return index::Build(vectors, path, options); });
  if (!built.ok()) return built;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  // The file is there, whether or not there is memory to note this.
  static_cast<void>(CatchAll([&] {
    SetFileAttribute(path, index::kBuildSecondsAttribute, StrCat(seconds.count()));
    return Status::Ok();
  }));
  return Status::Ok();
}

Result<std::unique_ptr<Index>> BuildIndexInMemory(const MatrixView& vectors,
                                                  const BuildOptions& options) {
  return AtEdge({}, index::kLessMemory, [&]() -> Result<std::unique_ptr<Index>> {
    KITH_ASSIGN_OR_RETURN(auto file, AnonymousFile::Create(index::kInMemory));
    KITH_RETURN_IF_ERROR(index::Build(vectors, file, options));
    return index::OpenAnonymous(*file, {});
  });
}

}  // namespace kith
