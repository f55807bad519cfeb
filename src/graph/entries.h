// The nodes that every walk looks at first.
#ifndef KITH_GRAPH_ENTRIES_H_
#define KITH_GRAPH_ENTRIES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::graph {

// Nodes spread evenly over the order, which keeps near ones together, and for dot the longest ones:
// they are near to many queries, but few vectors are near to them and so have edges that lead
// there. `nodes`: node -> row. Errors: those of the pool's loops.
Result<std::vector<uint32_t>> ChooseEntries(const MatrixView& rows, Metric metric,
                                            std::span<const uint32_t> nodes, ThreadPool& pool);

}  // namespace kith::graph

#endif  // KITH_GRAPH_ENTRIES_H_
