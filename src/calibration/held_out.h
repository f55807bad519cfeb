// Calibrating an index while it is built, with vectors that are held out of it.
#ifndef KITH_CALIBRATION_HELD_OUT_H_
#define KITH_CALIBRATION_HELD_OUT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "calibration/calibrate.h"
#include "forest/forest.h"
#include "graph/build.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/stored_vectors.h"

namespace kith::calibration {

class BuildCalibration {
 public:
  // `rows` are as they will be stored, `norms` their inverse norms; both, the options and the pool
  // must outlive it.
  BuildCalibration(const MatrixView& rows, const std::vector<float>& norms,
                   const BuildOptions& options, ThreadPool& pool);

  bool wanted() const { return !held_out_.empty(); }
  // What a graph is to be built without, first.
  const std::vector<uint32_t>& held_out() const { return held_out_; }
  // And a forest, after the graph if there is one: held-out rows that have copies stay in a graph.
  const std::vector<uint32_t>& hidden() const {
    return calibrator_.has_value() ? hidden_ : held_out_;
  }

  // Of a graph built without held_out().
  Status OfGraph(const graph::Builder& built);
  // Of a forest grown without hidden(), in the order of the graph if there is one.
  Status OfForest(const forest::Grown& grown);

  Calibration Take() { return calibrator_->Take(); }

 private:
  Status Prepare(const std::vector<uint32_t>& order);
  search::StoredVectors View() const;

  const MatrixView& rows_;
  const std::vector<float>& norms_;
  const BuildOptions& options_;
  ThreadPool& pool_;
  std::vector<uint32_t> held_out_;
  std::vector<uint32_t> hidden_;  // those that searches do not find, ascending
  // The rows in internal order, for searches before there is a file.
  AlignedBuffer<std::byte> ordered_;
  std::vector<float> ordered_norms_;
  std::vector<uint32_t> order_;
  AlignedBuffer<std::byte> queries_;
  std::optional<Calibrator> calibrator_;
};

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_HELD_OUT_H_
