// What a walk is a template over: how nodes lie in memory, and what a visit of one computes.
//
// A store is one file that gives what NodeStore asks for; walks never learn what it is. One that
// gives what FileStore asks for, too (graph_of.h), becomes a graph that is opened, searched and
// verified by its line in stores.cc. To be built, it needs a draft (draft.h) that Builder makes.
#ifndef KITH_GRAPH_STORE_H_
#define KITH_GRAPH_STORE_H_

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "graph/batch.h"
#include "graph/frontier.h"
#include "graph/terms.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/scorer.h"

namespace kith::graph {

// A store is only asked for nodes that are there. What it reads of them may be anything, since the
// file may be damaged: Frontier::Meet() leaves out links that name no node.
template <class Store>
concept NodeStore = requires(const Store& store, typename Store::Query* query, uint32_t node,
                             const uint32_t* nodes, size_t count, float* distances,
                             const Batch& batch, Frontier* frontier, SearchStats* stats) {
  { store.outline() } -> std::same_as<const Outline&>;
  // The vectors that queries are compared with, node i at row i.
  { store.table() } -> std::same_as<const search::VectorTable&>;
  // Whether distances are to rounded vectors, so that what is found has to be compared with the
  // table in the end.
  { store.rounded() } -> std::same_as<bool>;

  // A query as visits need it: scratch for one walk, made once. Errors: OutOfMemory.
  { store.NewQuery() } -> std::same_as<Result<typename Store::Query>>;
  // Makes it the query of a slot.
  {store.Take(batch, count, query)};

  // Internal distances of the query to nodes.
  {store.Distances(*query, nodes, count, distances)};
  // Bytes read for each of these.
  { store.row_bytes() } -> std::same_as<size_t>;
  // Whether a node's distance is known when it is met; else its visit computes it.
  { Store::kMeetsWithDistance } -> std::convertible_to<bool>;

  // Visits a node: tells the frontier the distances that come to be known and offers it the
  // neighbours that may be worth a visit.
  {store.Expand(node, query, frontier, stats)};
  // Asks for what Expand() will read.
  {store.Prefetch(node)};
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_STORE_H_
