// The nodes that every walk looks at first.
#ifndef KITH_GRAPH_ENTRIES_H_
#define KITH_GRAPH_ENTRIES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "graph/edges.h"
#include "graph/plant.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::graph {

// Nodes spread evenly over the order, which keeps near ones together, and for dot the longest ones:
// they are near to many queries, but few vectors are near to them and so have edges that lead
// there. Of the first `num_nodes` nodes; of every shell alike, of which the nodes linked at first
// lie side by side. Errors: those of the pool's loops.
Result<Entries> ChooseEntries(const MatrixView& rows, Metric metric, const Planted& planted,
                              size_t num_nodes, ThreadPool& pool);

}  // namespace kith::graph

#endif  // KITH_GRAPH_ENTRIES_H_
