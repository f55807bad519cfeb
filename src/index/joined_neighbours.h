// The neighbours of all vectors, where there is no index yet and none is wanted.
#ifndef KITH_INDEX_JOINED_NEIGHBOURS_H_
#define KITH_INDEX_JOINED_NEIGHBOURS_H_

#include <optional>

#include "base/thread_pool.h"
#include "kith/neighbour_graph.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::index {

// Finds them in the leaves of trees and by local joins, until the recall wanted is reached:
// measured with some rows, whose neighbours are found exactly, less its standard error. Nothing if
// that is not what suits these vectors: if they are few, of a metric whose neighbours do not have
// each other as neighbours (products), or if the recall is not reached for a part of what exact
// search takes. Errors: as MakeNeighbourGraph().
Result<std::optional<NeighbourGraph>> JoinedNeighbours(const MatrixView& vectors, Metric metric,
                                                       const NeighbourGraphOptions& options,
                                                       ThreadPool& pool, bool* hard);

}  // namespace kith::index

#endif  // KITH_INDEX_JOINED_NEIGHBOURS_H_
