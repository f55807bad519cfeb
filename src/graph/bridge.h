// Edges across gaps between clusters.
#ifndef KITH_GRAPH_BRIDGE_H_
#define KITH_GRAPH_BRIDGE_H_

#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "graph/draft.h"
#include "graph/edges.h"
#include "kith/status.h"
#include "search/top_k.h"

namespace kith::graph {

// A node that a search for it missed.
struct Lost {
  uint32_t node;
  std::vector<search::Candidate> ends;  // the nearest that it met, in order
};

// Whether an edge leads from one node to another.
bool Leads(const LinkTable& table, uint32_t from, uint32_t to);

// Leads an edge from one node to another, in the place of its least useful one, if it has room for
// one more such and does not lead there yet. `leaving` counts those of each node. Returns whether
// it did.
bool LeadBridge(uint32_t from, uint32_t to, std::vector<uint16_t>* leaving, LinkTable* table);

// Leads an edge to each lost node from the first of its ends that has room for one more such, in
// the place of its least useful edge, in the order of the nodes. `leaving` counts those of each
// node. Returns whether there was one. The draft shows nothing of it, and some node may not be
// reached any more.
bool AddBridges(std::vector<std::vector<Lost>> of_thread, std::vector<uint16_t>* leaving,
                LinkTable* table);

// Where clusters are apart, trees give candidates of the same cluster only, and the few edges that
// lead out of one leave from anywhere: a walk that begins in another cluster ends at its rim.
//
// Searches for a sample of nodes with a narrow beam. To each that belongs among the nearest found
// and is not, an edge leads from where its walk ended, in the place of the least useful. Other
// samples follow where more were missed than real sets miss (docs/graph.md). Every node is reached
// from the entries in the end. The draft must show the edges given, and shows those returned. The
// result does not depend on the threads.
// Cost: a sample is a sixteenth of the nodes; at most 16. Errors: those of the pool's loops.
Result<Edges> BuildBridges(Edges edges, ThreadPool& pool, Draft* draft);

}  // namespace kith::graph

#endif  // KITH_GRAPH_BRIDGE_H_
