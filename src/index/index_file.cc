#include "index/index_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/edge.h"
#include "base/file_attribute.h"
#include "base/strings.h"
#include "calibration/calibrate.h"
#include "calibration/need_section.h"
#include "calibration/section.h"
#include "data/convert.h"
#include "index/layout.h"
#include "index/map_section.h"
#include "index/meta.h"
#include "paths/registry.h"
#include "reduction/model.h"
#include "reduction/section.h"
#include "search/metric_traits.h"
#include "simd/kernels.h"

namespace kith::index {
namespace {

constexpr std::string_view kOwnSections[] = {kVectorsSection,
                                             kNormsSection,
                                             kRowsSection,
                                             kSlotsSection,
                                             kMetaSection,
                                             kOriginSection,
                                             kMapSection,
                                             calibration::kCalibrationSection,
                                             calibration::kNeedSection,
                                             reduction::kReductionSection,
                                             "keys",
                                             "key_ends",
                                             "key_table",
                                             "ids",
                                             "id_table"};

std::vector<std::string_view> KnownSections() {
  std::vector<std::string_view> all = paths::Sections();
  all.insert(all.end(), std::begin(kOwnSections), std::end(kOwnSections));
  return all;
}

// Rows first, first + 2, ...: what a file of queries begins with may be unlike what it ends with.
MatrixView EverySecond(MatrixView rows, size_t first) {
  rows.data = rows.row(first);
  rows.rows = (rows.rows - first + 1) / 2;
  rows.stride *= 2;
  return rows;
}

}  // namespace

Result<std::unique_ptr<IndexFile>> IndexFile::Open(const std::string& path,
                                                   const OpenOptions& options) {
  KITH_ASSIGN_OR_RETURN(auto file, MappedFile::Open(path));
  return Open(std::move(file), options);
}

Result<std::unique_ptr<IndexFile>> IndexFile::Open(const AnonymousFile& file,
                                                   const OpenOptions& options) {
  KITH_ASSIGN_OR_RETURN(auto mapped, MappedFile::Open(file));
  return Open(std::move(mapped), options);
}

Result<std::unique_ptr<IndexFile>> IndexFile::Open(std::shared_ptr<const MappedFile> mapped,
                                                   const OpenOptions& options) {
  KITH_RETURN_IF_ERROR(simd::CheckTarget());
  std::unique_ptr<IndexFile> index(new IndexFile);
  KITH_ASSIGN_OR_RETURN(index->file_,
                        storage::ContainerReader::Open(std::move(mapped), KnownSections()));
  const storage::ContainerReader& file = *index->file_;
  KITH_RETURN_IF_ERROR(index->OpenVectors());
  KITH_ASSIGN_OR_RETURN(index->keys_, storage::KeyLookup::Open(file));
  KITH_ASSIGN_OR_RETURN(index->ids_, storage::IdLookup::Open(file));
  KITH_RETURN_IF_ERROR(index->OpenReducer());
  KITH_RETURN_IF_ERROR(index->OpenPaths());
  KITH_ASSIGN_OR_RETURN(index->info_.calibration, calibration::ReadCalibration(file));
  const Calibration& calibration = index->info_.calibration;
  index->drift_.Init(calibration.nearest, calibration.num_queries);
  // A walk reads some hundred pages; the kernel would read megabytes around each.
  if (index->walked_) file.file().Advise(MappedFile::Access::kRandom);
  index->FillInfo();
  if (options.prefault) KITH_RETURN_IF_ERROR(file.file().Prefault(options.stop));
  if (options.huge_pages) {
    for (const auto& path : index->paths_) KITH_RETURN_IF_ERROR(path->UseHugePages());
  }
  return index;
}

Status IndexFile::OpenVectors() {
  const storage::FileHeader& header = file_->header();
  const uint64_t n = header.num_vectors;
  if (n == 0 && file_->Find(kVectorsSection) == nullptr &&
      file_->Find(reduction::kReductionSection) != nullptr) {
    return Status::InvalidArgument(
        StrCat(file_->path(),
               ": is a model of kith reduce, without vectors; reduce vectors with "
               "it and build a file of those"));
  }
  search::VectorTable& table = vectors_.table;
  table.metric = static_cast<Metric>(header.metric);
  const auto dtype = static_cast<DataType>(header.dtype);
  const size_t stride = search::RowStride(dtype, header.dim);
  KITH_RETURN_IF_ERROR(file_->CheckSize(kVectorsSection, n, stride));
  table.rows = {file_->Bytes(kVectorsSection).data(), n, header.dim, stride, dtype};
  table.padded_bytes = stride;
  if (search::TraitsOf(table.metric).unit_length()) {
    KITH_ASSIGN_OR_RETURN(auto norms, file_->Array<float>(kNormsSection, n));
    table.inverse_norms = norms.data();
  }
  if (file_->Find(kRowsSection) != nullptr) {
    KITH_ASSIGN_OR_RETURN(auto rows, file_->Array<uint32_t>(kRowsSection, n));
    KITH_ASSIGN_OR_RETURN(slots_, file_->Array<uint32_t>(kSlotsSection, n));
    vectors_.rows = rows.data();
    vectors_.slots = slots_.data();
  }
  if (n == 0) return file_->Corrupt(kVectorsSection, "it is empty");
  return Status::Ok();
}

Status IndexFile::OpenPaths() {
  for (const search::PathType* type : paths::All()) {
    const bool there = type->exact() || file_->Find(type->sections()[0]) != nullptr;
    if (!there) continue;
    KITH_ASSIGN_OR_RETURN(auto path, type->Open(file_, vectors_));
    info_.paths.push_back(path->Describe());
    walked_ = walked_ || path->walks();
    paths_.push_back(std::move(path));
  }
  return Status::Ok();
}

void IndexFile::FillInfo() {
  const storage::FileHeader& header = file_->header();
  info_.path = file_->path();
  info_.absolute_path = file_->file().absolute_path();
  info_.in_memory = file_->file().anonymous();
  info_.file_bytes = header.file_size;
  info_.num_vectors = header.num_vectors;
  info_.dim = header.dim;
  info_.source_dim = reducer_ ? reducer_->source_dim() : 0;
  info_.metric = vectors_.table.metric;
  info_.dtype = vectors_.table.rows.dtype;
  info_.format_version = header.format_version;
  info_.has_keys = !keys_.empty();
  info_.has_ids = !ids_.empty();
  for (const storage::SectionEntry& entry : file_->sections()) {
    info_.sections.push_back(
        {std::string(storage::SectionName(entry)), entry.offset, entry.size, entry.crc32c});
  }
  // Anything else is left out: it is for people, and searches do without. Verify() refuses it.
  const std::string_view meta = TextOf(kMetaSection);
  if (CheckMeta(meta).ok()) info_.built_with = meta;
  const std::string_view origin = TextOf(kOriginSection);
  if (CheckOrigin(origin).ok()) info_.origin = origin;
  if (info_.in_memory) return;
  build_seconds_ = GetFileAttribute(info_.path, kBuildSecondsAttribute);
  double value = 0;
  const char* const end = build_seconds_.data() + build_seconds_.size();
  const auto parsed = std::from_chars(build_seconds_.data(), end, value);
  if (!build_seconds_.empty() && parsed.ec == std::errc() && std::isfinite(value)) {
    info_.build_seconds = value;
  }
}

const search::AccessPath& IndexFile::PathOf(IndexKind kind) const {
  const auto at = std::find_if(info_.paths.begin(), info_.paths.end(),
                               [&](const PathInfo& path) { return path.kind == kind; });
  return *paths_[static_cast<size_t>(at - info_.paths.begin())];
}

Status IndexFile::OpenReducer() {
  KITH_ASSIGN_OR_RETURN(auto model, reduction::OpenSection(file_));
  if (model == nullptr) return Status::Ok();
  reducer_.emplace(std::move(model));
  if (reducer_->source_dim() > reducer_->dim() &&
      reducer_->reduced_metric() == vectors_.table.metric) {
    return Status::Ok();
  }
  return file_->Corrupt(reduction::kReductionSection,
                        "does not reduce dimensions, or is of another metric than the vectors");
}

Result<uint64_t> IndexFile::FindKey(std::string_view key) const {
  return CatchAll([&] { return keys_.Find(key); });
}

Result<uint64_t> IndexFile::FindId(int64_t id) const {
  return CatchAll([&]() -> Result<uint64_t> {
    if (!ids_.empty()) return ids_.Find(id);
    const auto row = static_cast<uint64_t>(id);
    if (id >= 0 && row < info_.num_vectors) return row;
    return Status::NotFound(
        StrCat(info_.path, ": no id ", id, "; ids run from 0 to ", info_.num_vectors - 1));
  });
}

std::string_view IndexFile::Key(uint64_t row) const {
  return keys_.empty() ? std::string_view() : keys_.Key(row);
}

void IndexFile::GetVector(uint64_t row, float* out) const {
  const uint32_t slot = slots_.empty() ? static_cast<uint32_t>(row) : slots_[row];
  // A damaged file may name a slot that is not there.
  data::RowToF32(vectors_.table.rows, std::min<uint64_t>(slot, info_.num_vectors - 1), out);
}

std::string_view IndexFile::TextOf(std::string_view section) const {
  const auto text = file_->Bytes(section);
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

Status IndexFile::CheckCalibrate(const MatrixView& queries, const CalibrateOptions& options,
                                 ThreadPool& pool) const {
  const size_t least = options.adapt ? 64 : 32;  // of which half measure
  const std::string& path = info_.path;
  if (!info_.has_approximate()) {
    return Status::InvalidArgument(
        StrCat(path, " has exact search only, which finds everything: nothing to measure"));
  }
  if (queries.rows < least) {
    return Status::InvalidArgument(StrCat(queries.rows, " queries tell too little of ", path,
                                          "; give at least ", least, ", better a thousand"));
  }
  const uint64_t most = std::min<uint64_t>(calibration::kMostCalibratedK, info_.num_vectors / 4);
  for (const uint32_t k : options.ks) {
    if (k == 0 || k > most) {
      return Status::InvalidArgument(StrCat("k is ", k, ", but must be from 1 to ", most,
                                            ", a fourth of the vectors of ", path, " and at most ",
                                            calibration::kMostCalibratedK));
    }
  }
  return CheckQueries(queries, 1, pool);
}

Result<IndexFile::Adapted> IndexFile::Adapt(const MatrixView& queries, const Progress& progress,
                                            ThreadPool& pool) const {
  Adapted adapted;
  for (const search::PathType* type : paths::Approximate()) {
    if (!info_.has(type->kind())) continue;
    KITH_ASSIGN_OR_RETURN(auto path, type->Adapt({.file = file_,
                                                  .vectors = vectors_,
                                                  .queries = EverySecond(queries, 0),
                                                  .others = EverySecond(queries, 1),
                                                  .pool = &pool,
                                                  .progress = progress}));
    if (path != nullptr) adapted.emplace(type->kind(), std::move(path));
  }
  return adapted;
}

Result<std::unique_ptr<Index>> IndexFile::CalibrateTo(const FileTarget& target,
                                                      const MatrixView& given,
                                                      const CalibrateOptions& options) const {
  ThreadPool pool(options.threads, options.stop);
  AlignedBuffer<float> images;
  KITH_ASSIGN_OR_RETURN(const MatrixView queries, OwnQueries(given, pool, &images));
  KITH_RETURN_IF_ERROR(CheckCalibrate(queries, options, pool));
  // Before all the work, so that a file that can't be written costs none, and so that the name
  // means what it means now.
  const storage::FileHeader& header = file_->header();
  KITH_ASSIGN_OR_RETURN(const auto writer,
                        storage::ContainerWriter::Create(target, header.num_vectors, header.dim,
                                                         info_.metric, info_.dtype, &pool));
  Adapted adapted;
  if (options.adapt) {
    KITH_ASSIGN_OR_RETURN(adapted, Adapt(queries, options.progress, pool));
  }
  // What edges were added for is found more easily than others that are like it.
  const MatrixView measured = adapted.empty() ? queries : EverySecond(queries, 1);
  const calibration::Site site{vectors_, &AllRows()};
  KITH_ASSIGN_OR_RETURN(
      calibration::Calibrator calibrator,
      calibration::Calibrator::Create({&site, 1}, {&measured, 1}, CalibrationSource::kQueries,
                                      options.ks, pool, options.progress));
  std::vector<calibration::Replacement> replaced;
  for (const search::PathType* type : paths::Approximate()) {
    if (!info_.has(type->kind())) continue;
    const search::AccessPath* path = &PathOf(type->kind());
    const auto other = adapted.find(type->kind());
    if (other != adapted.end()) {
      path = &other->second->path();
      replaced.push_back({type->sections(), other->second.get()});
    }
    KITH_RETURN_IF_ERROR(calibrator.Measure(*type, {&path, 1}, nullptr));
  }
  KITH_RETURN_IF_ERROR(
      calibration::CopyCalibrated(*file_, calibrator.Take(), replaced, writer.get()));
  if (!build_seconds_.empty()) writer->SetAttribute(kBuildSecondsAttribute, build_seconds_);
  // Opened before it has its name: by then nothing may go wrong any more, and the name may soon be
  // another's.
  KITH_ASSIGN_OR_RETURN(auto mapped, writer->FinishUnnamed());
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<IndexFile> index, Open(std::move(mapped), {}));
  index->build_seconds_ = build_seconds_;  // noted under the name, which it has not yet
  index->info_.build_seconds = info_.build_seconds;
  KITH_RETURN_IF_ERROR(writer->Publish());
  return std::unique_ptr<Index>(std::move(index));
}

Result<std::unique_ptr<Index>> IndexFile::Calibrated(const MatrixView& queries,
                                                     const CalibrateOptions& options) const {
  return AtEdge({}, kFewerQueries, [&]() -> Result<std::unique_ptr<Index>> {
    KITH_ASSIGN_OR_RETURN(auto output, AnonymousFile::Create(kInMemory));
    return CalibrateTo(output, queries, options);
  });
}

Result<std::unique_ptr<Index>> IndexFile::CalibrateFile(const MatrixView& queries,
                                                        const CalibrateOptions& options) const {
  if (options.output.empty() && info_.in_memory) return Calibrated(queries, options);
  return AtEdge(info_.path, kFewerQueries, [&]() -> Result<std::unique_ptr<Index>> {
    const FileTarget target =
        options.output.empty() ? FileTarget::Replacing(file_->file()) : FileTarget(options.output);
    return CalibrateTo(target, queries, options);
  });
}

}  // namespace kith::index
