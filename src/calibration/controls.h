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
// to search, by how much depends on the data, and edges are not quite what they would be. So half
// of these rows are inserted first. The other half, the controls, were searched for before, and are
// searched for again: what they miss more now is what the first half changed, and the second will
// change as much.
class Controls {
 public:
  // Finds the true neighbours of the controls, before and after. There are none where so few rows
  // are held out that it makes no difference. `hidden` are all rows held out, `half` those of them
  // that are inserted later, both ascending. `vectors` and the pool must outlive it. Cost: exact
  // searches for half of the rows, twice. Errors: OutOfMemory, InvalidArgument (cancelled).
  static Result<std::unique_ptr<Controls>> Create(const search::StoredVectors& vectors,
                                                  std::span<const uint32_t> hidden,
                                                  std::span<const uint32_t> half,
                                                  std::span<const uint32_t> ks, ThreadPool& pool);

  bool empty() const { return limits_before_.empty(); }
  // By what factor the number of vectors grows from before to after, and from before to the end.
  double growth() const { return growth_; }
  double whole_growth() const { return whole_growth_; }

  // How many of the ks[at] true neighbours of each control a path misses; `after` says whether the
  // first half of the rows is in it by now. Errors: those of the search.
  Result<std::vector<uint32_t>> Missed(const search::AccessPath& path, size_t at, double effort,
                                       bool after) const;

 private:
  Controls() = default;
  Result<std::vector<std::vector<double>>> Limits(const RowFilter& filter);

  search::StoredVectors vectors_;
  ThreadPool* pool_ = nullptr;
  std::vector<uint32_t> ks_;
  AlignedBuffer<std::byte> gathered_;
  MatrixView queries_;
  std::unique_ptr<RowFilter> before_;
  std::unique_ptr<RowFilter> after_;
  std::vector<std::vector<double>> limits_before_;
  std::vector<std::vector<double>> limits_after_;
  double growth_ = 1;
  double whole_growth_ = 1;
};

// What controls missed at one effort, in all, before and after.
struct Change {
  double before = 0;
  double after = 0;
  double deviation = 0;  // the standard deviation of their difference
};
Change ChangeOf(std::span<const uint32_t> before, std::span<const uint32_t> after);

// Makes the recalls of a curve those of the path that has all rows, from what changed at its points
// from `first` on: where there are more vectors, the same recall takes more effort, by a power of
// their number that is one for the whole curve. So what is missed at an effort grows the more, the
// faster it falls there with the effort. Efforts of single queries, by which the curve is not told,
// grow by that power.
void CorrectForInsertion(std::span<const Change> changes, size_t first, const Controls& controls,
                         CalibrationCurve* curve);

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_CONTROLS_H_
