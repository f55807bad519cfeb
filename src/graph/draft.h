// A graph while it is built, as searches in it see it.
#ifndef KITH_GRAPH_DRAFT_H_
#define KITH_GRAPH_DRAFT_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/math.h"
#include "base/thread_pool.h"
#include "data/convert.h"
#include "graph/edges.h"
#include "graph/graph.h"
#include "graph/layout.h"
#include "graph/rows.h"
#include "graph/terms.h"
#include "graph/walk.h"
#include "kith/status.h"
#include "search/metric_traits.h"
#include "storage/container.h"

namespace kith::graph {

// Nodes first, first + step, ... are searched for, each in its own shell.
struct NodeQueries {
  size_t first = 0;
  size_t step = 1;
  size_t count = 0;
  std::span<const uint8_t> shells = {};  // of all nodes; empty if there is one
  // Dot: each search goes as far as one with the node's vector does, and not as one with the
  // longest of all would.
  bool own_norms = false;

  size_t NodeOf(size_t query) const { return first + query * step; }
};

// Is given the node that was searched for, the walk that has ended and the nodes it visited.
using FoundFn = std::function<void(uint32_t node, EndedWalk* walk, std::vector<uint32_t>* visited)>;

// Searches for nodes, which find the node itself among others. For one stage of a build, between
// which what is searched may change. A thread may run one search at a time.
class NodeSearches {
 public:
  virtual ~NodeSearches() = default;
  NodeSearches(const NodeSearches&) = delete;
  NodeSearches& operator=(const NodeSearches&) = delete;

  // Searches for queries [begin, end) and calls `found` for each. Errors: OutOfMemory,
  // InvalidArgument (cancelled).
  virtual Status Run(size_t begin, size_t end, int thread, const FoundFn& found) = 0;

 protected:
  NodeSearches() = default;
};

// What a layout keeps beside the edges: one class each, and the only place of a build that knows
// how nodes lie. Nodes are numbered as they will be, and those not linked yet may be searched for.
class Draft {
 public:
  virtual ~Draft() = default;
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  // Makes searches see these edges, which must stay where they are until others are shown.
  // Errors: those of the pool's loops.
  virtual Status Show(const Edges& edges, ThreadPool& pool) = 0;
  // What searches see.
  virtual const Outline& outline() const = 0;

  // Makes searches compare the nodes' vectors as they are stored, which must stay where they are,
  // where they compared them rounded, as users' searches do not; nullptr: as before. What walks of
  // packed graphs compare is what those of users do.
  virtual void Compare(const search::VectorTable* /*stored*/) {}

  // Makes searches look so much farther: Outline::reach.
  virtual void SetReach(float reach) = 0;

  // Searches in what was shown. Errors: OutOfMemory.
  virtual Result<std::unique_ptr<NodeSearches>> Searches(const NodeQueries& queries,
                                                         const Terms& terms,
                                                         const ThreadPool& pool) const = 0;

  // Frees what Show() and Searches() need: neither is called any more.
  virtual void Seal() {}

  // What the file's header says of the layout; the rest is left as it is.
  virtual void Describe(Header* header) const = 0;
  // What was shown as a graph in memory; the draft must outlive it and stay as it is.
  virtual std::unique_ptr<Graph> Open(const Header& header, const RowsOfNodes& rows) const = 0;
  // Writes the sections that the layout has of its own. Errors: those of the writer.
  virtual Status Write(storage::ContainerWriter* writer) const = 0;

 protected:
  Draft() = default;
};

// Searches over any store; `rotated` are the nodes' vectors as Frame::Map() gives them, or nothing
// where the store needs no such. A node's vector is its query: of a store of rounded vectors, the
// rotated one, which is compared with nothing else.
template <NodeStore Store>
class NodeSearchesOf final : public NodeSearches {
 public:
  // The store must outlive it and stay as it is. Errors: OutOfMemory.
  static Result<std::unique_ptr<NodeSearches>> Create(const Store& store, const MatrixView& rotated,
                                                      const NodeQueries& queries,
                                                      const Terms& terms, const ThreadPool& pool) {
    std::unique_ptr<NodeSearchesOf> searches(
        new NodeSearchesOf(store, rotated, queries, terms, pool));
    searches->of_thread_.resize(pool.size());
    for (Scratch& scratch : searches->of_thread_) {
      scratch.walks.resize(kWalksAtOnce);
      scratch.visited.resize(kWalksAtOnce);
      for (Walk<Store>& walk : scratch.walks) KITH_RETURN_IF_ERROR(walk.Init(store));
    }
    return std::unique_ptr<NodeSearches>(std::move(searches));
  }

  Status Run(size_t begin, size_t end, int thread, const FoundFn& found) override {
    Scratch& scratch = of_thread_[thread];
    const search::VectorTable* table = store_.rounded() ? nullptr : &store_.table();
    KITH_ASSIGN_OR_RETURN(const Batch batch, Batch::Create(table, Some(store_.table().rows), begin,
                                                           end, Some(rotated_)));
    SearchStats stats;
    const auto start = [&](Walk<Store>* walk, size_t slot) {
      walk->KeepVisited(&scratch.visited[walk - scratch.walks.data()]);
      const size_t node = queries_.NodeOf(batch.query(slot));
      const size_t shell = queries_.shells.empty() ? 0 : queries_.shells[node];
      walk->Start(batch, slot, TermsOf(batch, slot), {}, {shell, shell + 1}, &stats);
    };
    const auto finish = [&](Walk<Store>* walk, size_t slot) {
      const size_t node = queries_.NodeOf(batch.query(slot));
      found(static_cast<uint32_t>(node), walk, &scratch.visited[walk - scratch.walks.data()]);
    };
    return RunWalks(std::span(scratch.walks), kWalksAtOnce, batch.size(), pool_, start, finish,
                    &stats);
  }

 private:
  struct Scratch {
    std::vector<Walk<Store>> walks;
    std::vector<std::vector<uint32_t>> visited;  // by each walk
  };

  NodeSearchesOf(const Store& store, const MatrixView& rotated, const NodeQueries& queries,
                 const Terms& terms, const ThreadPool& pool)
      : store_(store), rotated_(rotated), queries_(queries), terms_(terms), pool_(pool) {}

  Terms TermsOf(const Batch& batch, size_t slot) const {
    const Outline& outline = store_.outline();
    if (!queries_.own_norms || !search::TraitsOf(outline.metric).products) return terms_;
    std::vector<float> decoded;
    const float* x = batch.rotated(slot);  // as long as the vector itself
    size_t dim = rotated_.dim;
    if (x == nullptr) {
      dim = batch.queries().dim;
      decoded.resize(dim);
      data::RowToF32(batch.queries(), batch.query(slot), decoded.data());
      x = decoded.data();
    }
    Terms terms = terms_;
    terms.shift = static_cast<float>(std::sqrt(SquaredNorm(x, dim))) * outline.max_norm;
    return terms;
  }

  // The rows that are queries.
  MatrixView Some(MatrixView rows) const {
    if (rows.data == nullptr) return rows;
    rows.data = rows.row(queries_.first);
    rows.rows = queries_.count;
    rows.stride *= queries_.step;
    return rows;
  }

  const Store& store_;
  MatrixView rotated_;
  NodeQueries queries_;
  Terms terms_;
  const ThreadPool& pool_;
  std::vector<Scratch> of_thread_;
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_DRAFT_H_
