#include "graph/refine.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

#include "graph/link.h"

namespace kith::graph {
namespace {

// Nodes that are inserted at a time: so many, or this share of those there are.
constexpr size_t kLeastInserted = 256;
constexpr size_t kShareInserted = 16;

// Searches for nodes in what the draft shows. They end when the beam has none left: what is wanted
// is not the nearest but what is met on the way to them.
Result<std::unique_ptr<NodeSearches>> SearchesForVisited(const Draft& draft,
                                                         const NodeQueries& queries, size_t beam,
                                                         const ThreadPool& pool) {
  constexpr size_t kNearest = 10;
  const Outline& outline = draft.outline();
  Terms terms = MakeTerms(outline, outline.max_norm, std::min<size_t>(kNearest, outline.num_nodes),
                          static_cast<double>(beam != 0 ? beam : kDefaultBeam));
  terms.most.stretch = std::numeric_limits<float>::infinity();
  return draft.Searches(queries, terms, pool);
}

// Gives what searches for nodes [begin, end) visit, with the nodes' links, to `take`.
Status TakeVisited(const LinkTable& table, size_t begin, size_t end, int thread,
                   const std::function<void(uint32_t, std::vector<uint32_t>*)>& take,
                   NodeSearches* searches) {
  return searches->Run(
      begin, end, thread, [&](uint32_t node, EndedWalk* /*walk*/, std::vector<uint32_t>* visited) {
        visited->insert(visited->end(), table.Of(node).begin(), table.Of(node).end());
        take(node, visited);
      });
}

// Links nodes from `first` on to what their searches visit, and these back to them.
Status LinkFrom(size_t first, size_t num_nodes, size_t beam, const Space& space, ThreadPool& pool,
                Draft* draft, Edges* edges) {
  edges->table.Resize(num_nodes);
  KITH_ASSIGN_OR_RETURN(
      const auto searches,
      SearchesForVisited(*draft, {.count = num_nodes, .shells = edges->shells}, beam, pool));
  const auto produce = [&](size_t begin, size_t end, int thread, const auto& take) {
    return TakeVisited(edges->table, begin, end, thread, take, searches.get());
  };
  KITH_RETURN_IF_ERROR(InsertNodes(space, {}, pool, first, produce, &edges->table));
  return draft->Show(*edges, pool);
}

}  // namespace

Result<LinkTable> Refine(const Draft& draft, const Space& space, const Edges& edges,
                         const RefineOptions& options, ThreadPool& pool) {
  const LinkTable& before = edges.table;
  const size_t n = before.size();
  KITH_ASSIGN_OR_RETURN(
      const auto searches,
      SearchesForVisited(draft, {.count = n, .shells = edges.shells}, options.beam, pool));
  std::atomic<uint64_t> done{0};
  const auto produce = [&](size_t begin, size_t end, int thread, const auto& take) -> Status {
    KITH_RETURN_IF_ERROR(TakeVisited(before, begin, end, thread, take, searches.get()));
    const uint64_t count = done += end - begin;
    // Only the caller's thread may call back.
    return thread == 0 ? pool.Report(options.progress, options.stage, count, n) : Status::Ok();
  };
  return LinkNodes(space, {}, pool, n, before.degree, produce);
}

Result<Edges> InsertHeldOut(Edges edges, size_t num_nodes, size_t beam, const Space& space,
                            ThreadPool& pool, Draft* draft) {
  const size_t first = edges.table.size();
  // What the draft shows must stay in its place while the table grows.
  edges.table.Reserve(num_nodes);
  KITH_RETURN_IF_ERROR(draft->Show(edges, pool));
  for (size_t n = first; n < num_nodes;) {
    const size_t next = std::min(num_nodes, n + std::max(kLeastInserted, n / kShareInserted));
    KITH_RETURN_IF_ERROR(LinkFrom(n, next, beam, space, pool, draft, &edges));
    n = next;
  }
  KITH_RETURN_IF_ERROR(LinkFrom(first, num_nodes, beam, space, pool, draft, &edges));
  return edges;
}

}  // namespace kith::graph
