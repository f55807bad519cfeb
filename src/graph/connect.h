// Reachability: every node can be walked to from the entries.
#ifndef KITH_GRAPH_CONNECT_H_
#define KITH_GRAPH_CONNECT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "graph/edges.h"
#include "kith/status.h"

namespace kith::graph {

// Entries for parts that no edge leads to, and all others, are at most so many.
inline constexpr size_t kMaxEntries = 4096;

// Makes every node reachable from the entries, replacing edges that no path needs; parts that no
// edge leads to get an entry of their own, as long as there are fewer than max_entries.
// Cost: O(n * degree). Errors: InvalidArgument (cancelled).
Status ConnectNodes(size_t max_entries, const ThreadPool& pool, Edges* edges);

// Does the same, with kMaxEntries, to edges whose entries are those that were chosen.
Result<Edges> Connected(Edges edges, const ThreadPool& pool);

}  // namespace kith::graph

#endif  // KITH_GRAPH_CONNECT_H_
