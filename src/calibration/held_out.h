// Calibrating paths while they are built, with vectors that are held out of them.
#ifndef KITH_CALIBRATION_HELD_OUT_H_
#define KITH_CALIBRATION_HELD_OUT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "calibration/calibrate.h"
#include "kith/filter.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/access_path.h"

namespace kith::calibration {

// The fold-th choice of rows to hold out of an index of n: spread over all, chosen by the seed,
// ascending; no row is in two folds. None if there are so few rows that exact search is all they
// need. REQUIRES: fold < NumFolds(n), if that is not 0.
std::vector<uint32_t> ChooseHeldOut(size_t n, uint64_t seed, size_t fold);

// Holds rows out of the paths of an index, and measures recall with them: of small sets, in which
// too few can be held out at once, with other rows, too, held out of paths that are built for that
// alone; and how recall changes with the number of rows, in a path of fewer.
class HeldOut {
 public:
  // `rows` are as they will be stored, `norms` their inverse norms; all must outlive it.
  HeldOut(const MatrixView& rows, const std::vector<float>& norms, const BuildOptions& options,
          ThreadPool& pool);
  ~HeldOut();

  bool wanted() const { return !samples_.empty(); }

  // What the next path of the index is to be built without: at first those chosen, then those that
  // the first path did without, which holds rows that have copies. None of a small set, of which
  // paths are built apart to be measured.
  std::span<const uint32_t> rows() const;

  // Measures a path that `builder` has built of `input`, which is without rows(). All paths lie in
  // the order of the first. Errors: those of building and searching.
  Status Measure(const search::PathType& type, const PathSpec& spec,
                 const search::BuildInput& input, const search::PathBuilder& builder);

  // REQUIRES: Measure() was called.
  Calibration Take() { return calibrator_->Take(); }
  bool measured() const { return calibrator_.has_value(); }

 private:
  struct Sample;
  Status Choose();
  Status Gather(Sample* sample) const;
  Status Order(const search::PathBuilder& first, Sample* sample) const;
  Status Prepare();

  const MatrixView& rows_;
  const std::vector<float>& norms_;
  const BuildOptions& options_;
  ThreadPool& pool_;
  // Those of rows held out, of which the first may be that of the index itself, then, maybe, the
  // one of fewer rows.
  std::vector<std::unique_ptr<Sample>> samples_;
  size_t num_folds_ = 0;
  bool apart_ = false;
  std::optional<Calibrator> calibrator_;
};

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_HELD_OUT_H_
