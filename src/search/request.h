// What is asked of an access path: one type for all of them.
#ifndef KITH_SEARCH_REQUEST_H_
#define KITH_SEARCH_REQUEST_H_

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>

#include "base/thread_pool.h"
#include "kith/calibration.h"
#include "kith/filter.h"
#include "kith/types.h"
#include "search/effort_ladder.h"

namespace kith::search {

// What is collected for each query.
struct Wanted {
  static Wanted Nearest(size_t k) { return {k, std::numeric_limits<float>::infinity()}; }
  // All whose internal distance is at most `distance`.
  static Wanted Within(float distance) { return {0, distance}; }

  bool within_radius() const { return k == 0; }

  size_t k = 0;      // the k nearest, or 0
  float radius = 0;  // of k nearest: infinity
};

struct Request {
  MatrixView queries;  // finite, of the vectors' dimension
  Wanted wanted;
  ThreadPool* pool = nullptr;            // which also knows whether an end was asked for
  const RowFilter* filter = &AllRows();  // rows as users number them
  // Of the path's own kind (SearchParams::effort), in fractions where it knows them; < 0: its
  // default for this k. Recall is not known here: a plan has made an effort of it.
  double effort = -1;
  // Where not empty: the effort of each query instead, of paths that know such (EffortScale).
  const QueryEfforts* efforts = nullptr;
  // Where not nullptr, and the filter has a set (RowFilter::within): how far queries go for the
  // rows of it, of paths that know such; `effort` is then what most of them are expected to take.
  const EffortLadder* ladder = nullptr;
  // Where not nullptr, and there are efforts: takes how far each query's k-th nearest was when its
  // effort was decided, [queries].
  float* far = nullptr;
  // Where the queries are the stored vectors from this position on, in their internal order: each
  // is known to lie there, and a graph begins its walk at it.
  std::optional<uint64_t> first_position;

  // The neighbours that a search has to look for to have k left when the filter has taken its own:
  // so many more as do not pass. Rows that count as absent cost a search nothing, and those outside
  // of a set are more than could be looked at.
  size_t SearchedK(size_t query, size_t num_rows) const {
    const bool free = filter->absent() || filter->within(query) != nullptr;
    const uint64_t excluded = free ? 0 : filter->NumExcluded(query);
    return static_cast<size_t>(std::min<uint64_t>(num_rows, wanted.k + excluded));
  }
};

}  // namespace kith::search

#endif  // KITH_SEARCH_REQUEST_H_
