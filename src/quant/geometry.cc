#include "quant/geometry.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kith::quant {

Result<float> LargestNorm(const MatrixView& rows, ThreadPool& pool) {
  std::vector<float> largest(pool.size(), 0);
  KITH_RETURN_IF_ERROR(pool.Chunks(rows.rows, 1024, [&](size_t begin, size_t end, int thread) {
    std::vector<float> x(rows.dim);
    for (size_t i = begin; i < end; ++i) {
      data::RowToF32(rows, i, x.data());
      largest[thread] =
          std::max(largest[thread], static_cast<float>(std::sqrt(SquaredNorm(x.data(), rows.dim))));
    }
  }));
  return *std::max_element(largest.begin(), largest.end());
}

}  // namespace kith::quant
