// OpenIndex and VerifyIndex: a .kith file and the ways into it.
#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>

#include "base/edge.h"
#include "base/file_attribute.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "calibration/calibrate.h"
#include "calibration/drift.h"
#include "calibration/section.h"
#include "data/convert.h"
#include "forest/forest.h"
#include "graph/graph.h"
#include "index/in_memory.h"
#include "index/layout.h"
#include "kith/index.h"
#include "plan/search_plan.h"
#include "scan/coded_scan.h"
#include "scan/exact.h"
#include "simd/kernels.h"
#include "storage/container.h"
#include "storage/lookup.h"

namespace kith::index {
namespace {

constexpr std::string_view kOwnSections[] = {
    kVectorsSection, kNormsSection, kRowsSection,
    kSlotsSection,   kMetaSection,  calibration::kCalibrationSection,
    "keys",          "key_ends",    "key_table",
    "ids",           "id_table"};

std::vector<std::string_view> KnownSections() {
  std::vector<std::string_view> all(std::begin(kOwnSections), std::end(kOwnSections));
  all.insert(all.end(), scan::kScanSections.begin(), scan::kScanSections.end());
  const auto forest = forest::Sections();
  all.insert(all.end(), forest.begin(), forest.end());
  const auto graph = graph::Sections();
  all.insert(all.end(), graph.begin(), graph.end());
  return all;
}

// What to do about a calibration or a search without memory.
constexpr char kFewerQueries[] = "calibrate with fewer queries";
constexpr char kFewerAnswers[] = "search for fewer queries or neighbours at a time";

// Whether the nearest found is nearly always the nearest, so that it tells of the query.
bool FindsNearest(size_t k, double recall) { return recall >= (k >= 10 ? 0.7 : 0.9); }

class IndexFile final : public Index {
 public:
  static Result<std::unique_ptr<IndexFile>> Open(const std::string& path) {
    KITH_ASSIGN_OR_RETURN(auto file, MappedFile::Open(path));
    return Open(std::move(file));
  }

  static Result<std::unique_ptr<IndexFile>> Open(std::shared_ptr<const MappedFile> mapped) {
    KITH_RETURN_IF_ERROR(simd::CheckTarget());
    std::unique_ptr<IndexFile> index(new IndexFile);
    KITH_ASSIGN_OR_RETURN(index->file_,
                          storage::ContainerReader::Open(std::move(mapped), KnownSections()));
    KITH_RETURN_IF_ERROR(index->OpenVectors());
    const storage::ContainerReader& file = *index->file_;
    KITH_ASSIGN_OR_RETURN(index->keys_, storage::KeyLookup::Open(file));
    KITH_ASSIGN_OR_RETURN(index->ids_, storage::IdLookup::Open(file));
    if (std::any_of(scan::kScanSections.begin(), scan::kScanSections.end(),
                    [&](std::string_view name) { return file.Find(name) != nullptr; })) {
      KITH_ASSIGN_OR_RETURN(index->codes_, scan::OpenScanCodes(file));
    }
    if (file.Find("forest") != nullptr) {
      KITH_ASSIGN_OR_RETURN(index->forest_, forest::Forest::Open(index->file_, index->vectors_));
    }
    if (file.Find(graph::kHeaderSection) != nullptr) {
      KITH_ASSIGN_OR_RETURN(index->graph_, graph::Graph::Open(index->file_, index->vectors_));
    }
    KITH_ASSIGN_OR_RETURN(index->info_.calibration, calibration::ReadCalibration(file));
    index->drift_.Init(index->info_.calibration.nearest);
    // A walk reads some hundred pages; the kernel would read megabytes around each.
    if (index->IsWalked()) file.file().Advise(MappedFile::Access::kRandom);
    index->FillInfo();
    return index;
  }

  void Prefault() const { file_->file().Prefault(); }

  const IndexInfo& info() const override { return info_; }

  Status Search(const MatrixView& queries, const SearchParams& params,
                SearchResult* result) const override {
    return AtEdge(info_.path, kFewerAnswers, [&] {
      ThreadPool pool(params.threads, params.stop);
      return Search(queries, params, pool, result);
    });
  }

  Result<SearchPlan> Plan(const SearchParams& params, size_t num_queries) const override {
    return CatchAll([&] { return plan::PlanSearch(info_, params, num_queries); });
  }

  QueryDrift Drift() const override { return drift_.Read(); }

  Result<Calibration> Calibrate(const MatrixView& queries, const CalibrateOptions& options,
                                ThreadPool& pool) const {
    KITH_RETURN_IF_ERROR(CheckQueries(queries, 1, pool));
    KITH_ASSIGN_OR_RETURN(calibration::Calibrator calibrator,
                          calibration::Calibrator::Create(
                              vectors_, queries, {}, CalibrationSource::kQueries, options, pool));
    for (const IndexKind index : {IndexKind::kGraph, IndexKind::kForest}) {
      if (index == IndexKind::kGraph ? graph_ == nullptr : forest_ == nullptr) continue;
      KITH_RETURN_IF_ERROR(calibrator.Measure(
          index, [&](const MatrixView& some, size_t k, double effort,
                     std::vector<std::vector<search::Candidate>>* nearest, SearchStats* stats) {
            return SearchBy({index, effort, 0}, some, k, pool, nearest, stats);
          }));
    }
    return calibrator.Take();
  }

  const storage::ContainerReader& file() const { return *file_; }

  Result<uint64_t> FindKey(std::string_view key) const override {
    return CatchAll([&] { return keys_.Find(key); });
  }

  Result<uint64_t> FindId(int64_t id) const override {
    return CatchAll([&]() -> Result<uint64_t> {
      if (!ids_.empty()) return ids_.Find(id);
      const auto row = static_cast<uint64_t>(id);
      if (id >= 0 && row < info_.num_vectors) return row;
      return Status::NotFound(
          StrCat(info_.path, ": no id ", id, "; ids run from 0 to ", info_.num_vectors - 1));
    });
  }

  std::string_view Key(uint64_t row) const override {
    return keys_.empty() ? std::string_view() : keys_.Key(row);
  }

  int64_t Id(uint64_t row) const override { return ids_.Id(row); }

  void GetVector(uint64_t row, float* out) const override {
    const uint32_t slot = slots_.empty() ? static_cast<uint32_t>(row) : slots_[row];
    // A damaged file may name a slot that is not there.
    data::RowToF32(vectors_.table.rows, std::min<uint64_t>(slot, info_.num_vectors - 1), out);
  }

  std::span<const std::byte> Bytes() const override { return file_->file().bytes(); }

  Status Verify(ThreadPool& pool) const {
    KITH_RETURN_IF_ERROR(file_->VerifyChecksums(pool));
    KITH_RETURN_IF_ERROR(data::CheckFinite(vectors_.table.rows, pool));
    for (uint64_t row = 0; row < slots_.size(); ++row) {
      KITH_RETURN_IF_ERROR(pool.CheckStop());
      if (slots_[row] >= slots_.size() || vectors_.rows[slots_[row]] != row) {
        return file_->Corrupt(kSlotsSection,
                              StrCat("row ", row, " and its slot do not name each other"));
      }
    }
    if (!keys_.empty()) KITH_RETURN_IF_ERROR(keys_.Verify(pool));
    if (!ids_.empty()) KITH_RETURN_IF_ERROR(ids_.Verify(pool));
    if (!codes_.empty()) {
      KITH_RETURN_IF_ERROR(scan::VerifyScanCodes(*file_, vectors_, codes_, pool));
    }
    if (forest_ != nullptr) KITH_RETURN_IF_ERROR(forest_->Verify(pool));
    return graph_ == nullptr ? Status::Ok() : graph_->Verify(pool);
  }

  Status UseHugePages() { return graph_ == nullptr ? Status::Ok() : graph_->UseHugePages(); }

 private:
  IndexFile() = default;

  Status Search(const MatrixView& queries, const SearchParams& params, ThreadPool& pool,
                SearchResult* result) const {
    KITH_RETURN_IF_ERROR(CheckQueries(queries, params.k, pool));
    KITH_RETURN_IF_ERROR(
        search::AllocateNeighbours(queries.rows, params.k, &result->ids, &result->distances));
    std::vector<std::vector<search::Candidate>> nearest;
    result->stats = {};
    KITH_ASSIGN_OR_RETURN(result->plan, Plan(params, queries.rows));
    KITH_RETURN_IF_ERROR(SearchBy(result->plan, queries, params.k, pool, &nearest, &result->stats));
    if (params.recall > 0 && drift_.active() && FindsNearest(params.k, result->plan.recall)) {
      Observe(queries, nearest);
    }
    result->num_queries = queries.rows;
    result->k = params.k;
    for (size_t q = 0; q < queries.rows; ++q) {
      KITH_RETURN_IF_ERROR(pool.CheckStop());
      for (size_t i = 0; i < nearest[q].size(); ++i) {
        result->ids[q * params.k + i] = ids_.Id(nearest[q][i].row);
        result->distances[q * params.k + i] =
            search::UserDistance(vectors_.table.metric, nearest[q][i].distance);
      }
    }
    return Status::Ok();
  }

  Status OpenVectors() {
    const storage::FileHeader& header = file_->header();
    const uint64_t n = header.num_vectors;
    search::VectorTable& table = vectors_.table;
    table.metric = static_cast<Metric>(header.metric);
    const auto dtype = static_cast<DataType>(header.dtype);
    const size_t stride = search::RowStride(dtype, header.dim);
    KITH_RETURN_IF_ERROR(file_->CheckSize(kVectorsSection, n, stride));
    table.rows = {file_->Bytes(kVectorsSection).data(), n, header.dim, stride, dtype};
    table.padded_bytes = stride;
    if (table.metric == Metric::kAngular) {
      KITH_ASSIGN_OR_RETURN(auto norms, file_->Array<float>(kNormsSection, n));
      table.inverse_norms = norms.data();
    }
    if (file_->Find(kRowsSection) != nullptr) {
      KITH_ASSIGN_OR_RETURN(auto rows, file_->Array<uint32_t>(kRowsSection, n));
      KITH_ASSIGN_OR_RETURN(slots_, file_->Array<uint32_t>(kSlotsSection, n));
      vectors_.rows = rows.data();
    }
    if (n == 0) return file_->Corrupt(kVectorsSection, "it is empty");
    return Status::Ok();
  }

  void FillInfo() {
    const storage::FileHeader& header = file_->header();
    info_.path = file_->path();
    info_.in_memory = file_->file().anonymous();
    info_.file_bytes = header.file_size;
    info_.num_vectors = header.num_vectors;
    info_.dim = header.dim;
    info_.metric = vectors_.table.metric;
    info_.dtype = vectors_.table.rows.dtype;
    info_.format_version = header.format_version;
    info_.has_keys = !keys_.empty();
    info_.has_ids = !ids_.empty();
    info_.has_scan_codes = !codes_.empty();
    info_.has_forest = forest_ != nullptr;
    if (forest_ != nullptr) {
      info_.num_trees = forest_->header().num_trees;
      info_.leaf_size = forest_->header().leaf_size;
    }
    if (graph_ != nullptr) FillGraphInfo();
    for (const storage::SectionEntry& entry : file_->sections()) {
      info_.sections.push_back(
          {std::string(storage::SectionName(entry)), entry.offset, entry.size, entry.crc32c});
    }
    const auto meta = file_->Bytes(kMetaSection);
    info_.built_with.assign(reinterpret_cast<const char*>(meta.data()), meta.size());
    if (info_.in_memory) return;
    const std::string seconds = GetFileAttribute(info_.path, kBuildSecondsAttribute);
    double value = 0;
    const auto parsed = std::from_chars(seconds.data(), seconds.data() + seconds.size(), value);
    if (!seconds.empty() && parsed.ec == std::errc() && std::isfinite(value)) {
      info_.build_seconds = value;
    }
  }

  void FillGraphInfo() {
    info_.has_graph = true;
    info_.graph_layout = graph_->layout();
    info_.graph_degree = graph_->header().degree;
    info_.graph_code_bits = graph_->header().code_bits;
    info_.graph_nodes = graph_->header().num_nodes;
    info_.graph_node_bytes = graph_->node_bytes();
    for (const std::string_view name : graph::Sections())
      info_.graph_bytes += file_->Bytes(name).size();
  }

  Status SearchBy(const SearchPlan& plan, const MatrixView& queries, size_t k, ThreadPool& pool,
                  std::vector<std::vector<search::Candidate>>* nearest, SearchStats* stats) const {
    if (plan.index == IndexKind::kGraph) {
      return graph_->Search(queries, k, plan.effort, nullptr, pool, nearest, stats);
    }
    if (plan.index == IndexKind::kForest) {
      // A damaged calibration may name more than an integer holds.
      const double effort = std::min(plan.effort, 0x1p62);
      return forest_->Search(queries, k, static_cast<int64_t>(effort), pool, nearest, stats);
    }
    // A scan reads everything, and wants it read ahead.
    if (IsWalked() && !scanned_.exchange(true)) file_->file().Advise(MappedFile::Access::kUsual);
    return scan::ExactSearch(vectors_, codes_, queries, k, pool, nearest, stats);
  }

  void Observe(const MatrixView& queries,
               const std::vector<std::vector<search::Candidate>>& nearest) const {
    const Metric metric = vectors_.table.metric;
    for (size_t q = 0; q < queries.rows; ++q) {
      if (nearest[q].empty()) continue;
      drift_.Add(calibration::Nearness(metric, queries, q,
                                       search::UserDistance(metric, nearest[q][0].distance)));
    }
  }

  // Whether the file is read here and there rather than through.
  bool IsWalked() const { return forest_ != nullptr || graph_ != nullptr; }

  Status CheckQueries(const MatrixView& queries, size_t k, ThreadPool& pool) const {
    if (k == 0) return Status::InvalidArgument("k is 0; ask for at least one neighbour");
    if (queries.dim != info_.dim) {
      return Status::InvalidArgument(StrCat("queries have dimension ", queries.dim, ", ",
                                            info_.path, " has vectors of dimension ", info_.dim));
    }
    Status finite = data::CheckFinite(queries, pool);
    const bool theirs = finite.code() == StatusCode::kInvalidArgument && !pool.stopped();
    return theirs ? Status(finite.code(), "queries: " + finite.message()) : finite;
  }

  std::shared_ptr<const storage::ContainerReader> file_;
  search::StoredVectors vectors_;
  quant::BoundedCodes codes_;
  std::span<const uint32_t> slots_;
  storage::KeyLookup keys_;
  storage::IdLookup ids_;
  std::unique_ptr<forest::Forest> forest_;
  std::unique_ptr<graph::Graph> graph_;
  mutable std::atomic<bool> scanned_ = false;
  calibration::DriftMeter drift_;
  IndexInfo info_;
};

Result<std::unique_ptr<Index>> WithOptions(std::unique_ptr<IndexFile> index,
                                           const OpenOptions& options) {
  if (options.prefault) index->Prefault();
  if (options.huge_pages) KITH_RETURN_IF_ERROR(index->UseHugePages());
  return std::unique_ptr<Index>(std::move(index));
}

Status NotOurs() {
  return Status::Unsupported("an index of the caller's own class; kith knows those it opened only");
}

Status CheckCalibrate(const IndexInfo& info, const MatrixView& queries,
                      const CalibrateOptions& options) {
  constexpr size_t kLeastQueries = 32;
  const std::string& path = info.path;
  if (!info.has_graph && !info.has_forest) {
    return Status::InvalidArgument(
        StrCat(path, " has exact search only, which finds everything: nothing to measure"));
  }
  if (queries.rows < kLeastQueries) {
    return Status::InvalidArgument(StrCat(queries.rows, " queries tell too little of ", path,
                                          "; give at least ", kLeastQueries,
                                          ", better a thousand"));
  }
  for (const uint32_t k : options.ks) {
    if (k == 0 || k > std::min<uint64_t>(calibration::kMostCalibratedK, info.num_vectors / 4)) {
      return Status::InvalidArgument(StrCat(
          "k is ", k, ", but must be from 1 to ",
          std::min<uint64_t>(calibration::kMostCalibratedK, info.num_vectors / 4),
          ", a fourth of the vectors of ", path, " and at most ", calibration::kMostCalibratedK));
    }
  }
  return Status::Ok();
}

}  // namespace

}  // namespace kith::index

namespace kith {

const char* IndexKindName(IndexKind kind) {
  switch (kind) {
    case IndexKind::kAuto: return "auto";
    case IndexKind::kExact: return "exact";
    case IndexKind::kForest: return "forest";
    case IndexKind::kGraph: return "graph";
  }
  return "unknown";
}

std::optional<IndexKind> ParseIndexKind(std::string_view name) {
  for (const IndexKind kind :
       {IndexKind::kAuto, IndexKind::kExact, IndexKind::kForest, IndexKind::kGraph}) {
    if (name == IndexKindName(kind)) return kind;
  }
  return std::nullopt;
}

const char* GraphLayoutName(GraphLayout layout) {
  switch (layout) {
    case GraphLayout::kAuto: return "auto";
    case GraphLayout::kPacked: return "packed";
    case GraphLayout::kCompact: return "compact";
  }
  return "unknown";
}

std::optional<GraphLayout> ParseGraphLayout(std::string_view name) {
  for (const GraphLayout layout :
       {GraphLayout::kAuto, GraphLayout::kPacked, GraphLayout::kCompact}) {
    if (name == GraphLayoutName(layout)) return layout;
  }
  return std::nullopt;
}

Result<std::unique_ptr<Index>> OpenIndex(const std::string& path, const OpenOptions& options) {
  return AtEdge(path, {}, [&]() -> Result<std::unique_ptr<Index>> {
    KITH_ASSIGN_OR_RETURN(auto index, index::IndexFile::Open(path));
    return index::WithOptions(std::move(index), options);
  });
}

}  // namespace kith

namespace kith::index {

Result<std::unique_ptr<Index>> OpenAnonymous(const AnonymousFile& file,
                                             const OpenOptions& options) {
  KITH_ASSIGN_OR_RETURN(auto mapped, MappedFile::Open(file));
  KITH_ASSIGN_OR_RETURN(auto index, IndexFile::Open(std::move(mapped)));
  return WithOptions(std::move(index), options);
}

}  // namespace kith::index

namespace kith {

Result<std::unique_ptr<Index>> OpenIndexBytes(std::span<const std::byte> bytes,
                                              const OpenOptions& options) {
  return CatchAll([&]() -> Result<std::unique_ptr<Index>> {
    KITH_ASSIGN_OR_RETURN(auto file, AnonymousFile::Create(index::kInMemory));
    KITH_ASSIGN_OR_RETURN(auto out, AtomicFile::Create(file));
    KITH_RETURN_IF_ERROR(out->Write(bytes));
    KITH_RETURN_IF_ERROR(out->Commit());
    return index::OpenAnonymous(*file, options);
  });
}

Status SaveIndex(const Index& index, const std::string& path) {
  return AtEdge(path, {}, [&]() -> Status {
    KITH_ASSIGN_OR_RETURN(auto out, AtomicFile::Create(path));
    KITH_RETURN_IF_ERROR(out->Write(index.Bytes()));
    return out->Commit();
  });
}

Status CalibrateIndex(const std::string& path, const MatrixView& queries,
                      const CalibrateOptions& options) {
  return AtEdge(path, index::kFewerQueries, [&]() -> Status {
    ThreadPool pool(options.threads, options.stop);
    KITH_ASSIGN_OR_RETURN(auto index, index::IndexFile::Open(path));
    KITH_RETURN_IF_ERROR(index::CheckCalibrate(index->info(), queries, options));
    KITH_ASSIGN_OR_RETURN(const Calibration calibration, index->Calibrate(queries, options, pool));
    const std::string seconds = GetFileAttribute(path, index::kBuildSecondsAttribute);
    const std::string& output = options.output.empty() ? path : options.output;
    KITH_RETURN_IF_ERROR(calibration::ReplaceCalibration(index->file(), calibration, output, pool));
    if (!seconds.empty()) SetFileAttribute(output, index::kBuildSecondsAttribute, seconds);
    return Status::Ok();
  });
}

Result<std::unique_ptr<Index>> CalibrateInMemory(const Index& index, const MatrixView& queries,
                                                 const CalibrateOptions& options) {
  return AtEdge({}, index::kFewerQueries, [&]() -> Result<std::unique_ptr<Index>> {
    ThreadPool pool(options.threads, options.stop);
    const auto* file = dynamic_cast<const index::IndexFile*>(&index);
    if (file == nullptr) return index::NotOurs();
    KITH_RETURN_IF_ERROR(index::CheckCalibrate(index.info(), queries, options));
    KITH_ASSIGN_OR_RETURN(const Calibration calibration, file->Calibrate(queries, options, pool));
    KITH_ASSIGN_OR_RETURN(auto output, AnonymousFile::Create(index::kInMemory));
    KITH_RETURN_IF_ERROR(calibration::ReplaceCalibration(file->file(), calibration, output, pool));
    return index::OpenAnonymous(*output, {});
  });
}

Status VerifyIndex(const std::string& path, std::stop_token stop) {
  return AtEdge(path, {}, [&]() -> Status {
    KITH_ASSIGN_OR_RETURN(auto index, index::IndexFile::Open(path));
    return VerifyIndex(*index, std::move(stop));
  });
}

Status VerifyIndex(const Index& index, std::stop_token stop) {
  return CatchAll([&]() -> Status {
    ThreadPool pool(1, std::move(stop));
    const auto* file = dynamic_cast<const index::IndexFile*>(&index);
    return file == nullptr ? index::NotOurs() : file->Verify(pool);
  });
}

}  // namespace kith
