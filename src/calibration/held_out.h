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
#include "calibration/controls.h"
#include "kith/filter.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/access_path.h"

namespace kith::calibration {

class HeldOut {
 public:
  // `rows` are as they will be stored, `norms` their inverse norms; all must outlive it.
  HeldOut(const MatrixView& rows, const std::vector<float>& norms, const BuildOptions& options,
          ThreadPool& pool);

  bool wanted() const { return !held_out_.empty(); }

  // What the next path is to be built without: at first those chosen, then those that the first
  // path did without, which holds rows that have copies.
  std::span<const uint32_t> rows() const {
    return calibrator_.has_value() ? std::span<const uint32_t>(hidden_) : held_out_;
  }

  // Measures a path that has been built without rows(), and inserts half of them to see what that
  // changes. All paths lie in the order of the first.
  Status Measure(const search::PathType& type, search::PathBuilder* builder);

  // REQUIRES: Measure() was called.
  Calibration Take() { return calibrator_->Take(); }
  bool measured() const { return calibrator_.has_value(); }

 private:
  Status Prepare(const search::PathBuilder& first);
  search::StoredVectors View() const;

  const MatrixView& rows_;
  const std::vector<float>& norms_;
  const BuildOptions& options_;
  ThreadPool& pool_;
  std::vector<uint32_t> held_out_;
  std::vector<uint32_t> hidden_;  // those that searches do not find, ascending
  std::optional<HiddenRows> filter_;
  // The rows in internal order, for searches before there is a file.
  AlignedBuffer<std::byte> ordered_;
  std::vector<float> ordered_norms_;
  std::vector<uint32_t> order_;
  AlignedBuffer<std::byte> queries_;
  std::optional<Calibrator> calibrator_;
  std::unique_ptr<Controls> controls_;
};

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_HELD_OUT_H_
