// What inserting the rows held out changes.
#ifndef KITH_CALIBRATION_CONTROLS_H_
#define KITH_CALIBRATION_CONTROLS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "calibration/measure.h"
#include "kith/calibration.h"
#include "kith/filter.h"
#include "kith/status.h"
#include "search/access_path.h"
#include "search/stored_vectors.h"

namespace kith::calibration {

// Recall is measured with rows that are held out, which are inserted then: more vectors are harder
// to search, by how much depends on the data, and edges change. So some rows that are there all the
// time are searched for, too, each as if it alone were not stored, before the insertion and after
// it. What that finds is no measure of recall, for a node's edges know of it; but what becomes of
// it is what becomes of recall (a difference in differences).
class Controls {
 public:
  // Chooses the rows and finds their true neighbours, before and after. None are chosen where so
  // few rows are held out that it makes no difference. `hidden` are those held out, ascending.
  // `vectors` and the pool must outlive it. Cost: up to a thousand exact searches. Errors:
  // OutOfMemory, InvalidArgument (cancelled).
  static Result<std::unique_ptr<Controls>> Create(const search::StoredVectors& vectors,
                                                  std::span<const uint32_t> hidden,
                                                  std::span<const uint32_t> ks, ThreadPool& pool);

  bool empty() const { return rows_.empty(); }

  // The share of the neighbours of the rows that a path misses, for ks[at]; `after` says whether
  // the rows held out are in it by now. Errors: those of the search.
  Result<double> Missed(const search::AccessPath& path, size_t at, double effort, bool after) const;

 private:
  class Others;

  Controls() = default;
  Result<std::vector<std::vector<double>>> Limits(const RowFilter& filter);

  search::StoredVectors vectors_;
  ThreadPool* pool_ = nullptr;
  std::vector<uint32_t> ks_;
  std::vector<uint32_t> rows_;
  AlignedBuffer<std::byte> gathered_;
  MatrixView queries_;
  std::unique_ptr<RowFilter> before_;
  std::unique_ptr<RowFilter> after_;
  std::vector<std::vector<double>> limits_before_;
  std::vector<std::vector<double>> limits_after_;
};

// Corrects what was found missed, of the points of a curve from the first that controls were
// measured at on: by the ratio of what these miss after and before, each taken with those beside
// it. Points before the first are corrected as that one is. REQUIRES: before and after are of the
// last points of the curve.
void CorrectForInsertion(std::span<const double> before, std::span<const double> after,
                         CalibrationCurve* curve);

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_CONTROLS_H_
