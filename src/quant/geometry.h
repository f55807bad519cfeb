// Every metric as Euclidean geometry: the space in which trees split and codes are made.
//
//   euclidean, manhattan, hamming  the vector itself
//   angular                        the vector divided by its norm
//   dot                            the vector with one more coordinate, sqrt(M^2 - |x|^2), M the
//                                  largest norm; 0 for queries. Nearest by L2 is then largest by
//                                  dot product (Bachrach et al., RecSys 2014).
#ifndef KITH_QUANT_GEOMETRY_H_
#define KITH_QUANT_GEOMETRY_H_

#include <cmath>
#include <cstddef>

#include "base/math.h"
#include "base/thread_pool.h"
#include "data/convert.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::quant {

class Geometry {
 public:
  Geometry() = default;
  // max_norm matters for dot only.
  Geometry(Metric metric, size_t dim, float max_norm)
      : metric_(metric), dim_(dim), max_norm_(max_norm) {}

  size_t dim() const { return metric_ == Metric::kDot ? dim_ + 1 : dim_; }
  float max_norm() const { return max_norm_; }

  // Writes dim() floats. Rows of the data and queries differ for dot only.
  void Row(const MatrixView& m, size_t row, float* out) const { Map(m, row, false, out); }
  void Query(const MatrixView& m, size_t row, float* out) const { Map(m, row, true, out); }

 private:
  void Map(const MatrixView& m, size_t row, bool query, float* out) const {
    data::RowToF32(m, row, out);
    if (metric_ != Metric::kAngular && metric_ != Metric::kDot) return;
    const double sum = SquaredNorm(out, dim_);
    if (metric_ == Metric::kDot) {
      const double rest = static_cast<double>(max_norm_) * max_norm_ - sum;
      out[dim_] = query || rest <= 0 ? 0.0f : static_cast<float>(std::sqrt(rest));
    } else if (sum > 0) {
      const double scale = 1 / std::sqrt(sum);
      for (size_t i = 0; i < dim_; ++i) out[i] = static_cast<float>(out[i] * scale);
    }
  }

  Metric metric_ = Metric::kEuclidean;
  size_t dim_ = 0;
  float max_norm_ = 0;
};

// The largest |x|. Cost: a pass over the data. The result does not depend on the threads. Errors:
// those of the pool's loops.
Result<float> LargestNorm(const MatrixView& rows, ThreadPool& pool);

}  // namespace kith::quant

#endif  // KITH_QUANT_GEOMETRY_H_
