// Edges for queries of another kind than the vectors, in the graph of a file (docs/recall.md).
#ifndef KITH_GRAPH_ADAPT_H_
#define KITH_GRAPH_ADAPT_H_

#include <memory>

#include "kith/status.h"
#include "search/access_path.h"

namespace kith::graph {

// PathType::Adapt() of a graph: searches for the queries given, for mixtures of these with the
// vectors near them and for every node, and leads edges to those neighbours that a narrow beam
// misses. nullptr: the graph would not find clearly more, or its nodes are in several shells, of
// which files do not tell which node is in which. Cost: some searches with a beam of 300 for every
// node; as much memory as building a graph takes but for candidates. Errors: Corruption, those of
// the pool's loops.
Result<std::unique_ptr<search::AdaptedPath>> AdaptGraph(const search::AdaptInput& input);

}  // namespace kith::graph

#endif  // KITH_GRAPH_ADAPT_H_
