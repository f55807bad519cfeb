// BuildIndex: vectors in, one file out.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <numeric>
#include <utility>
#include <variant>

#include "base/aligned_buffer.h"
#include "base/edge.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "calibration/held_out.h"
#include "calibration/section.h"
#include "index/index_file.h"
#include "index/layout.h"
#include "index/meta.h"
#include "index/own_rows.h"
#include "kith/index.h"
#include "kith/reduce.h"
#include "kith/version.h"
#include "paths/registry.h"
#include "plan/build_plan.h"
#include "reduction/model.h"
#include "reduction/section.h"
#include "search/access_path.h"
#include "search/lengths.h"
#include "search/metric_traits.h"
#include "search/stored_vectors.h"
#include "simd/kernels.h"
#include "storage/container.h"
#include "storage/lookup.h"

namespace kith::index {
namespace {

Status CheckInput(const MatrixView& vectors, const BuildOptions& options, ThreadPool& pool) {
  KITH_RETURN_IF_ERROR(CheckVectors(vectors, pool));
  if (options.keys != nullptr && options.keys->size() != vectors.rows) {
    return Status::InvalidArgument(StrCat("there are ", vectors.rows, " vectors but ",
                                          options.keys->size(), " keys; give one for each"));
  }
  if (options.ids != nullptr && options.ids->size() != vectors.rows) {
    return Status::InvalidArgument(StrCat("there are ", vectors.rows, " vectors but ",
                                          options.ids->size(), " ids; give one for each"));
  }
  if (const Status origin = CheckOrigin(options.origin); !origin.ok()) {
    return Status::InvalidArgument(StrCat("origin: ", origin.message()));
  }
  return Status::Ok();
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

// A path, built, and what it is.
struct BuiltPath {
  const search::PathType* type;
  std::unique_ptr<search::PathBuilder> builder;
};

template <class T>
std::span<const std::byte> BytesOf(const std::vector<T>& v) {
  return std::as_bytes(std::span(v));
}

std::string Describe(const BuildOptions& options, const std::vector<BuiltPath>& built) {
  std::string json = StrCat("{\"kith\": \"", KITH_VERSION, "\", \"seed\": ", options.seed);
  for (const BuiltPath& path : built) json += path.builder->Meta();
  return json + "}";
}

// What a reader may skip.
Status WriteTextSection(std::string_view name, const std::string& text,
                        storage::ContainerWriter* writer) {
  return writer->AddSection(name, std::as_bytes(std::span(text.data(), text.size())),
                            {.flags = storage::kSectionOptional});
}

// That codes for exact search are not asked for where something else is built.
Status CheckScanCodes(const BuildOptions& options, const std::vector<PathSpec>& paths) {
  const bool exact_only = paths.size() == 1 && std::holds_alternative<ExactOptions>(paths[0]);
  if (exact_only) return Status::Ok();
  for (const std::vector<PathSpec>* specs : {&options.paths, &options.if_chosen}) {
    for (const PathSpec& spec : *specs) {
      const auto* exact = std::get_if<ExactOptions>(&spec);
      if (exact != nullptr && exact->codes.value_or(false)) {
        return Status::InvalidArgument(
            "scan codes are for exact search only; build without graph and forest");
      }
    }
  }
  return Status::Ok();
}

// The rows in internal order, and what exact search and all others need of them.
Status WriteRows(const MatrixView& rows, const std::vector<float>& norms, Metric metric,
                 const std::vector<uint32_t>& order, bool reordered,
                 storage::ContainerWriter* writer) {
  KITH_RETURN_IF_ERROR(WriteVectors(rows, order, writer));
  if (search::TraitsOf(metric).unit_length()) {
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

// Builds the paths one after the other: the first that orders the vectors orders them for all, and
// what is held out of it is held out of the others.
Result<std::vector<BuiltPath>> BuildPaths(const std::vector<PathSpec>& paths,
                                          search::BuildInput input,
                                          calibration::HeldOut* held_out) {
  std::vector<BuiltPath> built;
  for (const PathSpec& spec : paths) {
    const search::PathType& type = *paths::TypeOf(KindOf(spec));
    input.held_out = type.exact() ? std::span<const uint32_t>() : held_out->rows();
    KITH_ASSIGN_OR_RETURN(std::unique_ptr<search::PathBuilder> builder,
                          type.NewBuilder(input, spec));
    KITH_RETURN_IF_ERROR(builder->Build());
    if (!builder->order().empty()) input.order = &builder->order();
    if (!type.exact() && held_out->wanted()) {
      KITH_RETURN_IF_ERROR(held_out->Measure(type, spec, input, *builder));
    }
    KITH_RETURN_IF_ERROR(builder->Finish());
    built.push_back({&type, std::move(builder)});
  }
  return built;
}

using Clock = std::chrono::steady_clock;

// Everything but the checks and choices, which began at `start`. `rows` are of the type to be
// stored.
Status WriteIndex(const MatrixView& rows, const FileTarget& target, const BuildOptions& options,
                  const std::vector<PathSpec>& paths, Clock::time_point start, ThreadPool& pool) {
  KITH_ASSIGN_OR_RETURN(
      auto writer, storage::ContainerWriter::Create(target, rows.rows, rows.dim, options.metric,
                                                    rows.dtype, &pool));
  KITH_ASSIGN_OR_RETURN(const std::vector<float> norms, search::InverseNorms(rows, pool));
  KITH_RETURN_IF_ERROR(search::CheckLengths(norms, options.metric));
  calibration::HeldOut held_out(rows, norms, options, pool);
  KITH_ASSIGN_OR_RETURN(const std::vector<BuiltPath> built,
                        BuildPaths(paths,
                                   {.rows = rows,
                                    .metric = options.metric,
                                    .seed = options.seed,
                                    .memory = options.memory,
                                    .pool = &pool,
                                    .progress = options.progress},
                                   &held_out));
  KITH_RETURN_IF_ERROR(pool.Report(options.progress, "writing", 0, 1));
  std::vector<uint32_t> order;
  for (const BuiltPath& path : built) {
    if (order.empty()) order = path.builder->order();
  }
  const bool reordered = !order.empty();
  if (!reordered) {
    order.resize(rows.rows);
    std::iota(order.begin(), order.end(), 0u);
  }
  KITH_RETURN_IF_ERROR(WriteRows(rows, norms, options.metric, order, reordered, writer.get()));
  for (const BuiltPath& path : built) KITH_RETURN_IF_ERROR(path.builder->Write(writer.get()));
  if (options.keys != nullptr && !options.keys->empty()) {
    KITH_RETURN_IF_ERROR(storage::WriteKeys(writer.get(), *options.keys));
  }
  if (options.ids != nullptr) KITH_RETURN_IF_ERROR(storage::WriteIds(writer.get(), *options.ids));
  if (options.reducer != nullptr) {
    KITH_RETURN_IF_ERROR(reduction::WriteSection(options.reducer->model(), writer.get()));
  }
  if (held_out.measured()) {
    KITH_RETURN_IF_ERROR(calibration::WriteCalibration(held_out.Take(), writer.get()));
  }
  KITH_RETURN_IF_ERROR(WriteTextSection(kMetaSection, Describe(options, built), writer.get()));
  if (!options.origin.empty()) {
    KITH_RETURN_IF_ERROR(WriteTextSection(kOriginSection, options.origin, writer.get()));
  }
  const std::chrono::duration<double> seconds = Clock::now() - start;
  writer->SetAttribute(kBuildSecondsAttribute, StrCat(seconds.count()));
  return writer->Finish();
}

// The vectors as they are indexed: reduced into `images`, if they are to be.
Result<MatrixView> Reduced(const MatrixView& vectors, const BuildOptions& options, ThreadPool& pool,
                           AlignedBuffer<float>* images) {
  if (options.reducer == nullptr) return vectors;
  const Reducer& reducer = *options.reducer;
  if (reducer.reduced_metric() != options.metric) {
    return Status::InvalidArgument(
        StrCat("the reduction was fitted for ", MetricName(reducer.metric()),
               ", which makes vectors of ", MetricName(reducer.reduced_metric()),
               ", but the index is to be of ", MetricName(options.metric), "; fit one for that"));
  }
  if (reducer.dim() == reducer.source_dim()) {
    return Status::InvalidArgument(StrCat("the reduction keeps all ", reducer.dim(),
                                          " dimensions; build without it, or keep fewer"));
  }
  KITH_ASSIGN_OR_RETURN(*images, AlignedBuffer<float>::Create(vectors.rows * reducer.dim()));
  KITH_RETURN_IF_ERROR(
      reducer.model().Apply(vectors, 0, vectors.rows, images->data(), pool, options.progress));
  return ViewOf(images->data(), vectors.rows, reducer.dim());
}

Status Build(const MatrixView& given, const FileTarget& target, const BuildOptions& options) {
  const Clock::time_point start = Clock::now();
  KITH_RETURN_IF_ERROR(simd::CheckTarget());
  ThreadPool pool(options.threads, options.stop);
  KITH_RETURN_IF_ERROR(CheckInput(given, options, pool));
  AlignedBuffer<float> images;
  KITH_ASSIGN_OR_RETURN(const MatrixView vectors, Reduced(given, options, pool, &images));
  KITH_ASSIGN_OR_RETURN(const OwnRows own, ToOwnRows(vectors, options.dtype, pool));
  const MatrixView& rows = own.rows;
  KITH_ASSIGN_OR_RETURN(const BuildPlan plan, plan::PlanFor(rows, rows.dtype, options, pool));
  KITH_RETURN_IF_ERROR(CheckScanCodes(options, plan.paths));
  return WriteIndex(rows, target, options, plan.paths, start, pool);
}

}  // namespace

}  // namespace kith::index

namespace kith {

Status BuildIndex(const MatrixView& vectors, const std::string& path, const BuildOptions& options) {
  return AtEdge(path, index::kLessMemory, [&] { return index::Build(vectors, path, options); });
}

Result<std::unique_ptr<Index>> BuildIndexInMemory(const MatrixView& vectors,
                                                  const BuildOptions& options) {
  return AtEdge({}, index::kLessMemory, [&]() -> Result<std::unique_ptr<Index>> {
    KITH_ASSIGN_OR_RETURN(auto file, AnonymousFile::Create(index::kInMemory));
    KITH_RETURN_IF_ERROR(index::Build(vectors, file, options));
    KITH_ASSIGN_OR_RETURN(auto opened, index::IndexFile::Open(*file));
    return std::unique_ptr<Index>(std::move(opened));
  });
}

}  // namespace kith
