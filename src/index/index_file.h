// An open .kith file: the one Index that the library makes.
#ifndef KITH_INDEX_INDEX_FILE_H_
#define KITH_INDEX_INDEX_FILE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "calibration/drift.h"
#include "kith/index.h"
#include "kith/reduce.h"
#include "kith/status.h"
#include "plan/filtered_plan.h"
#include "search/access_path.h"
#include "search/hits.h"
#include "search/stored_vectors.h"
#include "storage/container.h"
#include "storage/lookup.h"

namespace kith::index {

inline constexpr char kInMemory[] = "the index in memory";               // in messages, for a path
inline constexpr char kFewerQueries[] = "calibrate with fewer queries";  // where memory is short

class IndexFile final : public Index {
 public:
  // Errors: as OpenIndex().
  static Result<std::unique_ptr<IndexFile>> Open(const std::string& path,
                                                 const OpenOptions& options = {});
  static Result<std::unique_ptr<IndexFile>> Open(const AnonymousFile& file,
                                                 const OpenOptions& options = {});
  static Result<std::unique_ptr<IndexFile>> Open(std::shared_ptr<const MappedFile> mapped,
                                                 const OpenOptions& options = {});

  const IndexInfo& info() const override { return info_; }
  const Reducer* reducer() const override { return reducer_ ? &*reducer_ : nullptr; }
  Status Search(const MatrixView& queries, const SearchParams& params,
                SearchResult* result) const override;
  Result<SearchPlan> Plan(const SearchParams& params, size_t num_queries) const override;
  QueryDrift Drift() const override { return drift_.Read(); }
  Result<uint64_t> FindKey(std::string_view key) const override;
  Result<uint64_t> FindId(int64_t id) const override;
  std::string_view Key(uint64_t row) const override;
  int64_t Id(uint64_t row) const override { return ids_.Id(row); }
  void GetVector(uint64_t row, float* out) const override;
  std::span<const std::byte> Bytes() const override { return file_->file().bytes(); }
  Status Verify(const VerifyOptions& options) const override;
  Result<std::unique_ptr<Index>> Calibrated(const MatrixView& queries,
                                            const CalibrateOptions& options) const override;

  Result<NeighbourGraph> Neighbours(const NeighbourGraphOptions& options) const override;
  Result<std::unique_ptr<Index>> CalibrateFile(const MatrixView& queries,
                                               const CalibrateOptions& options) const override;

 private:
  IndexFile() = default;
  Status OpenVectors();
  Status OpenPaths();
  void FillInfo();
  std::string_view TextOf(std::string_view section) const;  // empty where there is none
  Status OpenReducer();
  // The queries as they are searched: reduced, into `images`, if they are as vectors were before
  // they were reduced.
  Result<MatrixView> OwnQueries(const MatrixView& queries, ThreadPool& pool,
                                AlignedBuffer<float>* images) const;
  Status CheckQueries(const MatrixView& queries, size_t k, ThreadPool& pool) const;
  // Writes the file anew with what these queries measure, and opens that.
  Result<std::unique_ptr<Index>> CalibrateTo(const FileTarget& target, const MatrixView& queries,
                                             const CalibrateOptions& options) const;
  // Paths that take the place of the file's, for queries like every second of these.
  using Adapted = std::map<IndexKind, std::unique_ptr<search::AdaptedPath>>;
  Result<Adapted> Adapt(const MatrixView& queries, const Progress& progress,
                        ThreadPool& pool) const;
  Status CheckCalibrate(const MatrixView& queries, const CalibrateOptions& options,
                        ThreadPool& pool) const;
  Status SearchRun(const MatrixView& queries, size_t begin, size_t end, const SearchParams& params,
                   ThreadPool& pool, SearchResult* result) const;
  // Whether a filter has a set for each query. Errors: InvalidArgument (of another number of rows).
  Result<bool> HasSets(const RowFilter& filter, size_t num_queries) const;
  // What SearchRun() does for, and with what: of queries that leave out `excluded` rows each, or of
  // those of a set.
  Result<plan::FilteredPlan> PlanRun(const SearchParams& params, size_t num_queries,
                                     const RowSet* set, uint64_t excluded) const;
  // Finds exactly what an approximate search of a set found too little of: min(k, rows of the set)
  // are there, unless the filter leaves out some of them, too.
  Status FillUp(const MatrixView& queries, const RowFilter& filter, size_t k, ThreadPool& pool,
                search::Hits* hits, SearchStats* stats) const;
  void Observe(const MatrixView& queries, const search::Hits& hits) const;
  // Nobody finds more neighbours than there are vectors, so nothing is made ready for more.
  SearchParams WithoutAbsent(const SearchParams& params) const;
  // Parts of Verify().
  Status VerifyVectors(const Verification& check) const;
  Status VerifyTexts() const;
  Status VerifyOrder(const Verification& check) const;
  Status VerifyReducer() const;
  Status VerifyMap() const;
  // REQUIRES: the file has such a path.
  const search::AccessPath& PathOf(IndexKind kind) const;

  std::shared_ptr<const storage::ContainerReader> file_;
  search::StoredVectors vectors_;
  std::span<const uint32_t> slots_;  // row -> position; empty: the same
  storage::KeyLookup keys_;
  storage::IdLookup ids_;
  // In the order of the registry, as info_.paths.
  std::vector<std::unique_ptr<search::AccessPath>> paths_;
  bool walked_ = false;  // whether some path reads the file here and there rather than through
  mutable std::atomic<bool> scanned_ = false;
  calibration::DriftMeter drift_;
  std::optional<Reducer> reducer_;
  IndexInfo info_;
  std::string build_seconds_;  // as it is noted beside the file; "" if it is not
};

}  // namespace kith::index

#endif  // KITH_INDEX_INDEX_FILE_H_
