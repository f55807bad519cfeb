#include "quant/geometry.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/parallel.h"

namespace kith::quant {

float LargestNorm(const MatrixView& rows, int threads) {
  std::vector<float> largest(ResolveThreads(threads), 0);
  ParallelChunks(rows.rows, 1024, threads, [&](size_t begin, size_t end, int thread) {
    std::vector<float> x(rows.dim);
    for (size_t i = begin; i < end; ++i) {
      data::RowToF32(rows, i, x.data());
      largest[thread] =
          std::max(largest[thread], static_cast<float>(std::sqrt(SquaredNorm(x.data(), rows.dim))));
    }
  });
  return *std::max_element(largest.begin(), largest.end());
}

}  // namespace kith::quant
