// Measuring what recall each effort gives (docs/recall.md).
#ifndef KITH_CALIBRATION_CALIBRATE_H_
#define KITH_CALIBRATION_CALIBRATE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "calibration/controls.h"
#include "calibration/measure.h"
#include "calibration/need.h"
#include "kith/calibration.h"
#include "kith/filter.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/access_path.h"
#include "search/stored_vectors.h"

namespace kith::calibration {

// Rows to hold out of an index of n: spread over all, chosen by the seed, ascending. None if there
// are so few that exact search is all they need.
std::vector<uint32_t> ChooseHeldOut(size_t n, uint64_t seed);

// Measures one path after the other with the same queries.
class Calibrator {
 public:
  // Finds the true neighbours of the queries by exact search among the rows that pass `filter`,
  // which says the same for all queries. Vectors, queries, filter and pool must outlive it. `ks`:
  // what CalibrateOptions has. Cost: O(queries * n * dim). Errors: OutOfMemory, InvalidArgument
  // (cancelled).
  static Result<Calibrator> Create(const search::StoredVectors& vectors, const MatrixView& queries,
                                   const RowFilter& filter, CalibrationSource source,
                                   const std::vector<uint32_t>& ks, ThreadPool& pool,
                                   const Progress& progress);

  // Adds the curves of a path that is not exact. Efforts: parts of the least, if the path has such,
  // then ever larger ones. Ends where nearly everything is found, or where an exact search of one
  // query is expected to be cheaper.
  Status Measure(const search::PathType& type, const search::AccessPath& path);

  // From here on what Measure() does is done with controls, too, which must outlive it.
  void UseControls(const Controls* controls) { controls_ = controls; }
  // Corrects the curves of a path by what controls find in it now that half of the hidden rows are
  // in it. REQUIRES: there are controls. Errors: those of the searches.
  Status Compare(const search::PathType& type, const search::AccessPath& path);

  // The curves, less what chance may be where queries are few, made monotone. Called once.
  Calibration Take();
  std::span<const uint32_t> ks() const { return ks_; }

 private:
  Calibrator() = default;
  void ChooseKs(const std::vector<uint32_t>& ks, size_t num_rows);
  Status FindTruth();
  Status FindLimits(const std::vector<size_t>& places);
  void FindQuantiles();
  Status MeasureK(const search::PathType& type, const search::AccessPath& path, size_t at);
  // One effort, measured with the first so many queries, and what each of them found.
  struct Measured {
    CalibrationPoint point;
    double variance = 0;
    std::vector<uint32_t> hits;
  };
  Result<Measured> MeasurePoint(const search::AccessPath& path, size_t at, double effort,
                                size_t num_queries) const;
  // Queries and the largest distances among the k nearest of each.
  struct Judged {
    MatrixView queries;
    std::span<const double> limits;
  };
  // The queries that records are made of, of ks_[at].
  Judged OfRecord(size_t at) const;
  // Queries unlike those given: mixtures of two of them.
  Status MixQueries();
  Result<ShortWalk> WalkShortly(const search::AccessPath& path, size_t at, const Judged& judged,
                                double effort) const;
  // Adds what queries find with an effort, of the first of which it is known, after searches for
  // those of the others that have not found everything yet.
  Status AddToRecord(const search::AccessPath& path, const Judged& judged, double effort,
                     std::span<const uint32_t> known, QueryRecord* record) const;
  // What the queries of a record need.
  Status Learn(const search::EffortScale& efforts, const search::AccessPath& path, size_t at,
               const QueryRecord& record, CalibrationCurve* curve);

  search::StoredVectors vectors_;
  const RowFilter* filter_ = nullptr;
  ThreadPool* pool_ = nullptr;
  AlignedBuffer<std::byte> shuffled_;
  MatrixView queries_;  // in random order, so that the first of them are a fair sample
  std::vector<uint32_t> ks_;
  bool own_ks_ = false;  // nobody said which
  // limits_[i][q]: the largest distance that is among the ks_[i] nearest of query q.
  std::vector<std::vector<double>> limits_;
  std::vector<float> nearness_;  // of queries, as drift is told by
  AlignedBuffer<std::byte> mixed_bytes_;
  MatrixView mixed_;  // none until some path has use for them
  std::vector<std::vector<double>> mixed_limits_;
  // Of the curve with the same number: which of the ks, and what controls missed before at its
  // points from `first` on.
  struct Compared {
    size_t at;
    size_t first;
    std::vector<std::vector<uint32_t>> missed;
    std::vector<float> margins;  // of all its points: what Take() leaves for chance
  };
  const Controls* controls_ = nullptr;
  std::vector<Compared> compared_;
  Calibration calibration_;
  Progress progress_;
};

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_CALIBRATE_H_
