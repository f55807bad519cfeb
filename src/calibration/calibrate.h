// Measuring what recall each effort gives (docs/recall.md).
#ifndef KITH_CALIBRATION_CALIBRATE_H_
#define KITH_CALIBRATION_CALIBRATE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kith/calibration.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/stored_vectors.h"
#include "search/top_k.h"

namespace kith::calibration {

// Rows to hold out of an index of n: spread over all, chosen by the seed, ascending. None if there
// are so few that exact search is all they need.
std::vector<uint32_t> ChooseHeldOut(size_t n, uint64_t seed);

// Measures one way in after the other with the same queries.
class Calibrator {
 public:
  // As Forest::Search and Graph::Search.
  using SearchFn = std::function<Status(const MatrixView& queries, size_t k, double effort,
                                        std::vector<std::vector<search::Candidate>>* nearest,
                                        SearchStats* stats)>;

  // Finds the true neighbours of the queries by exact search, but for the rows that searches will
  // not find; these are ascending. Vectors, queries and the pool must outlive it. Of the options,
  // it takes `ks` and `progress`. Cost: O(queries * n * dim). Errors: OutOfMemory, InvalidArgument
  // (cancelled).
  static Result<Calibrator> Create(const search::StoredVectors& vectors, const MatrixView& queries,
                                   std::span<const uint32_t> hidden, CalibrationSource source,
                                   const CalibrateOptions& options, ThreadPool& pool);

  // Adds the curves of one way in. Efforts: of a graph, fractions of k, then ever wider beams; of a
  // forest, from few candidates on. Ends where nearly everything is found, or where exact search
  // would be cheaper.
  Status Measure(IndexKind index, const SearchFn& search);

  Calibration Take() { return std::move(calibration_); }

 private:
  explicit Calibrator(ThreadPool* pool) : pool_(pool) {}
  Status FindTruth(std::span<const uint32_t> hidden);
  Status FindLimits(const std::vector<size_t>& places, std::span<const uint32_t> hidden);
  void FindQuantiles();
  Status MeasurePoint(const SearchFn& search, size_t at, double effort, size_t num_queries,
                      CalibrationPoint* point, double* variance) const;

  ThreadPool* pool_;
  search::StoredVectors vectors_;
  AlignedBuffer<std::byte> shuffled_;
  MatrixView queries_;  // in random order, so that the first of them are a fair sample
  std::vector<uint32_t> ks_;
  bool own_ks_ = false;  // nobody said which
  // limits_[i][q]: the largest distance that is among the ks_[i] nearest of query q.
  std::vector<std::vector<double>> limits_;
  std::vector<float> nearness_;  // of queries, as drift is told by
  // Of what is missed at equal effort when the hidden rows are inserted: as the fourth root of the
  // number of vectors. Measured: docs/recall.md.
  double growth_ = 1;
  Calibration calibration_;
  Progress progress_;
};

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_CALIBRATE_H_
