// Stored vectors as float32, some of them at a time.
#ifndef KITH_LEARN_ROW_BLOCKS_H_
#define KITH_LEARN_ROW_BLOCKS_H_

#include <cstddef>
#include <cstdint>

#include "base/thread_pool.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/metric_traits.h"
#include "search/scorer.h"

namespace kith::learn {

inline bool OnlyDirectionsCount(Metric metric) { return search::TraitsOf(metric).unit_length(); }

// Writes row row_of(i) of an index to out + i * dim for each i below `count`; `unit`: scaled to
// length 1. Errors: InvalidArgument (cancelled).
template <class RowOf>
Status ReadRows(const Index& index, size_t count, RowOf&& row_of, bool unit, ThreadPool& pool,
                float* out) {
  constexpr size_t kRowsATask = 256;
  const size_t dim = index.info().dim;
  return pool.Chunks(count, kRowsATask, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; ++i) {
      float* row = out + i * dim;
      index.GetVector(row_of(i), row);
      if (!unit) continue;
      const float scale = search::InverseNorm(row, dim);
      for (size_t c = 0; c < dim; ++c) row[c] *= scale;
    }
  });
}

}  // namespace kith::learn

#endif  // KITH_LEARN_ROW_BLOCKS_H_
