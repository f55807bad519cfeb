// Better edges by searches in the graph that there is.
#ifndef KITH_GRAPH_REFINE_H_
#define KITH_GRAPH_REFINE_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "graph/draft.h"
#include "graph/edges.h"
#include "graph/space.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::graph {

// The width of the searches that refine, where nobody says.
inline constexpr size_t kDefaultBeam = 48;

struct RefineOptions {
  size_t beam = 0;         // of the searches; 0: kDefaultBeam
  std::string_view stage;  // for `progress`
  Progress progress;
};

// Searches for every node in what the draft shows, the edges `before`, and chooses edges anew among
// what each search visited and the node's own: the nodes on the way to a node are those that should
// lead to it. The result does not depend on the threads.
// Errors: those of the pool's loops, InvalidArgument (cancelled).
Result<LinkTable> Refine(const Draft& draft, const Space& space, const Edges& before,
                         const RefineOptions& options, ThreadPool& pool);

// Links the nodes that were held out, those from the table's size to num_nodes, some at a time, as
// if they came one day later; then all of them once more, when they can meet each other. Edges of
// the others change to lead there. The draft shows what is returned; some node may not be reached
// any more. The result does not depend on the threads. Errors: those of the pool's loops.
Result<Edges> InsertHeldOut(Edges edges, size_t num_nodes, size_t beam, const Space& space,
                            ThreadPool& pool, Draft* draft);

}  // namespace kith::graph

#endif  // KITH_GRAPH_REFINE_H_
