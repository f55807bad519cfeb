// Measuring what recall each effort gives (docs/recall.md).
#ifndef KITH_CALIBRATION_CALIBRATE_H_
#define KITH_CALIBRATION_CALIBRATE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "calibration/need.h"
#include "calibration/query_set.h"
#include "kith/calibration.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/access_path.h"
#include "search/stored_vectors.h"

namespace kith::calibration {

// Measures one path after the other with the same queries.
class Calibrator {
 public:
  // Finds the true neighbours of the queries of each site; sites, queries and pool must outlive it.
  // `ks`: what CalibrateOptions has. Cost: O(queries * n * dim). Errors: OutOfMemory,
  // InvalidArgument (cancelled).
  static Result<Calibrator> Create(std::span<const Site> sites, std::span<const MatrixView> queries,
                                   CalibrationSource source, const std::vector<uint32_t>& ks,
                                   ThreadPool& pool, const Progress& progress);

  // Recall is to be that of so many times more vectors than the first site has: what changes is
  // told by what `queries` find at `fewer`, if they are any. Errors: as Create().
  Status Extrapolate(double growth, const Site& fewer, const MatrixView& queries);

  // Adds the curves of a kind of path that is not exact, of which there is one for each site, and,
  // if there is a site of fewer vectors, for that. Efforts: parts of the least, if the path has
  // such, then ever larger ones. Ends where nearly everything is found, or where an exact search of
  // one query is expected to be cheaper.
  using Paths = QuerySet::Paths;
  Status Measure(const search::PathType& type, Paths paths, const search::AccessPath* fewer);

  // The curves, less what chance may be where queries are few, made monotone. Called once.
  Calibration Take();

 private:
  Calibrator() = default;
  void ChooseKs(const std::vector<uint32_t>& ks, size_t num_rows);
  void FindQuantiles();
  Status MeasureK(const search::PathType& type, Paths paths, const search::AccessPath* fewer,
                  size_t at);
  // One effort, measured with the first so many queries, and what each of them found.
  struct Measured {
    CalibrationPoint point;
    double variance = 0;
    std::vector<uint32_t> hits;

    double Error() const;  // the standard error of the recall
  };
  Result<Measured> MeasurePoint(const QuerySet& queries, Paths paths, const Asked& asked,
                                size_t num_queries) const;
  Result<ShortWalk> WalkShortly(const QuerySet& queries, Paths paths, size_t at, double effort,
                                size_t count) const;
  // Adds what the first `count` queries find with an effort, of the first of which it is known,
  // after searches for those of the others that have not found everything yet.
  static Status AddToRecord(const QuerySet& queries, Paths paths, const Asked& asked, size_t count,
                            std::span<const uint32_t> known, QueryRecord* record);
  // What the queries of a record need.
  Status Learn(const search::EffortScale& efforts, Paths paths, size_t at,
               const QueryRecord& record, CalibrationCurve* curve);
  // By what power efforts grow, of a curve whose points have such standard errors.
  Result<double> PowerOf(const CalibrationCurve& curve, std::span<const double> errors, double most,
                         const search::AccessPath& fewer, size_t at) const;

  Site first_;
  ThreadPool* pool_ = nullptr;
  QuerySet queries_;
  QuerySet mixed_;  // none until some path has use for them
  std::vector<uint32_t> ks_;
  bool own_ks_ = false;  // nobody said which
  double growth_ = 1;
  // Queries of a site of so many times fewer vectors; none: there is no such site.
  QuerySet fewer_;
  double fewer_growth_ = 1;
  size_t num_fewer_ = 0;
  std::vector<std::vector<float>> margins_;  // of each curve: what Take() leaves for chance
  Calibration calibration_;
  Progress progress_;
};

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_CALIBRATE_H_
