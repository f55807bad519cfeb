#include "common/read_vectors.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "common/text.h"
#include "data/convert.h"
#include "data/read_input.h"
#include "kith/index.h"

namespace kith::apps {
namespace {

// Writes rows [0, rows) of the index in its own type.
Status CopyRows(const Index& index, size_t rows, size_t stride, std::byte* out,
                const Progress& progress) {
  constexpr size_t kRowsAChunk = 4096;
  const IndexInfo& info = index.info();
  ThreadPool pool(0);
  const auto threads = static_cast<size_t>(pool.size());
  std::vector<std::vector<float>> scratch(threads, std::vector<float>(info.dim));
  for (size_t start = 0; start < rows; start += kRowsAChunk * threads) {
    if (progress && !progress("reading vectors", start, rows)) return Cancelled();
    const size_t count = std::min(rows - start, kRowsAChunk * threads);
    const auto copy = [&](size_t begin, size_t end, int thread) -> Status {
      std::vector<float>& row = scratch[static_cast<size_t>(thread)];
      for (size_t i = start + begin; i < start + end; ++i) {
        index.GetVector(i, row.data());
        KITH_RETURN_IF_ERROR(data::ConvertRows(ViewOf(row.data(), 1, info.dim), info.dtype, 0, 1,
                                               out + i * stride, stride));
      }
      return Status::Ok();
    };
    KITH_RETURN_IF_ERROR(pool.Chunks(count, kRowsAChunk, copy));
  }
  return Status::Ok();
}

// With `ids`, also its ids, where it has other than the numbers of its rows.
Result<Dataset> LoadKith(const std::string& path, const ReadOptions& options,
                         std::vector<int64_t>* ids) {
  if (!options.labels_path.empty()) {
    return Status::InvalidArgument(
        StrCat(path,
               ": the vectors of a .kith file keep their own keys; to give them others, "
               "convert it to npy first"));
  }
  if (!options.dataset.empty()) {
    return Status::InvalidArgument(
        StrCat(path, ": only hdf5 files have datasets to choose; leave --dataset out"));
  }
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index, OpenIndex(path));
  const IndexInfo& info = index->info();
  Dataset dataset;
  dataset.format = "kith";
  dataset.metric = info.metric;
  MatrixView& view = dataset.vectors;
  view.rows = static_cast<size_t>(info.num_vectors);
  if (options.max_rows > 0 && options.max_rows < view.rows) {
    view.rows = static_cast<size_t>(options.max_rows);
  }
  view.dim = info.dim;
  view.dtype = info.dtype;
  view.stride = RowBytes(info.dtype, info.dim);
  KITH_ASSIGN_OR_RETURN(auto buffer, AlignedBuffer<std::byte>::Create(view.rows * view.stride));
  KITH_RETURN_IF_ERROR(CopyRows(*index, view.rows, view.stride, buffer.data(), options.progress));
  if (ids != nullptr && info.has_ids) {
    for (size_t i = 0; i < view.rows; ++i) ids->push_back(index->Id(i));
  }
  if (info.has_keys) {
    for (size_t i = 0; i < view.rows; ++i) dataset.keys.Add(index->Key(i));
  }
  auto owner = std::make_shared<AlignedBuffer<std::byte>>(std::move(buffer));
  view.data = owner->data();
  dataset.owner = std::move(owner);
  return dataset;
}

Result<std::vector<int64_t>> ReadIdLines(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Status::NotFound(StrCat("cannot open ", path, "; check the path of --ids"));
  std::vector<int64_t> ids;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::optional<int64_t> id = ParseWhole(line);
    if (!id) {
      return Status::InvalidArgument(StrCat(path, ": line ", ids.size() + 1, " is '",
                                            Printable(line.substr(0, 40)),
                                            "', expected one whole number below 2^63 a line"));
    }
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace

Result<Dataset> LoadVectors(const std::string& path, const ReadOptions& options) {
  if (path == "-") return data::ReadStandardInput(options);
  return IsKithFile(path) ? LoadKith(path, options, nullptr) : ReadDataset(path, options);
}

Result<Dataset> LoadQueries(const std::string& path, ReadOptions options) {
  options.part = DatasetPart::kQueries;
  KITH_ASSIGN_OR_RETURN(Dataset queries, LoadVectors(path, options));
  ThreadPool pool(0);
  KITH_RETURN_IF_ERROR(OfFile(path, data::CheckFinite(queries.vectors, pool)));
  return queries;
}

Status OfFile(const std::string& path, const Status& status) {
  if (status.ok() || !status.message().starts_with("row ")) return status;
  return Status(status.code(), StrCat(path, ": ", status.message()));
}

Result<Items> LoadVectorsAndIds(const std::string& path, const ReadOptions& options) {
  Items items;
  if (path != "-" && IsKithFile(path)) {
    KITH_ASSIGN_OR_RETURN(items.dataset, LoadKith(path, options, &items.ids));
  } else {
    KITH_ASSIGN_OR_RETURN(items.dataset, LoadVectors(path, options));
  }
  return items;
}

Result<Items> LoadItems(const std::string& path, const std::optional<Metric>& metric, int64_t dim,
                        const ReadOptions& options) {
  if (IsAnnoyFile(path)) return LoadAnnoyItems(path, metric, dim, options);
  Items items;
  KITH_ASSIGN_OR_RETURN(items.dataset, LoadVectors(path, options));
  return items;
}

Result<std::vector<int64_t>> ReadIds(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension != ".npy" && extension != ".ivecs" && extension != ".ibin") {
    return ReadIdLines(path);
  }
  KITH_ASSIGN_OR_RETURN(GroundTruth table, ReadGroundTruth(path));
  return std::move(table.ids);
}

Status CheckSameDim(const std::string& queries_path, size_t queries_dim, const std::string& path,
                    size_t dim) {
  if (queries_dim == dim) return Status::Ok();
  return Status::InvalidArgument(StrCat(queries_path, " has ", Plural(queries_dim, "dimension"),
                                        ", but ", path, " has ", dim,
                                        "; use queries of the same kind of vectors"));
}

Status CheckQueryDim(const std::string& queries_path, size_t queries_dim, const IndexInfo& info) {
  if (info.source_dim == 0) return CheckSameDim(queries_path, queries_dim, info.path, info.dim);
  if (queries_dim == info.dim || queries_dim == info.source_dim) return Status::Ok();
  return Status::InvalidArgument(StrCat(
      queries_path, " has ", Plural(queries_dim, "dimension"), ", but ", info.path, " has ",
      info.dim, ", reduced from ", info.source_dim, "; use queries of the same kind of vectors"));
}

std::optional<Metric> OwnMetric(const Dataset& dataset) {
  const bool names = dataset.format == "hdf5" || dataset.format == "kith";
  return names ? dataset.metric : std::nullopt;
}

MetricChoice ChooseMetric(const std::optional<Metric>& asked, const Dataset& dataset) {
  if (asked) return {*asked, "as asked"};
  if (const std::optional<Metric> own = OwnMetric(dataset)) return {*own, "as the file says"};
  if (dataset.metric) return {*dataset.metric, StrCat("usual for ", dataset.format, " files")};
  const DataType dtype = dataset.vectors.dtype;
  // All positive numbers point the same way.
  if (dataset.vectors.dim == 1 && dtype != DataType::kBit) {
    return {Metric::kEuclidean, "usual for single numbers"};
  }
  switch (dtype) {
    case DataType::kBit: return {Metric::kHamming, "usual for vectors of bits"};
    case DataType::kI8:
    case DataType::kU8: return {Metric::kEuclidean, "usual for integer vectors"};
    default: return {Metric::kAngular, "usual for float vectors"};
  }
}

}  // namespace kith::apps
