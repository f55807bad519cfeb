#include "graph/bridge.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "graph/connect.h"
#include "search/metric_traits.h"
#include "search/top_k.h"

namespace kith::graph {
namespace {

// Puts an edge in front, where ConnectNodes() does not replace it, in the place of the last: these
// are in the order of use.
void PutFirst(uint32_t from, uint32_t to, LinkTable* table) {
  uint32_t& count = table->counts[from];
  if (count < table->degree) ++count;
  const auto first = table->links.begin() + static_cast<ptrdiff_t>(from * table->degree);
  std::move_backward(first, first + count - 1, first + count);
  *first = to;
}

std::vector<Lost> InOrder(std::vector<std::vector<Lost>> of_thread) {
  std::vector<Lost> lost;
  for (auto& part : of_thread) std::move(part.begin(), part.end(), std::back_inserter(lost));
  std::sort(lost.begin(), lost.end(), [](const Lost& a, const Lost& b) { return a.node < b.node; });
  return lost;
}

// The nodes that searches miss, ascending.
Result<std::vector<Lost>> FindLost(const Draft& draft, const NodeQueries& queries,
                                   ThreadPool& pool) {
  constexpr size_t kNodesAtOnce = 256;
  constexpr size_t kNearest = 10;
  constexpr double kBeam = 16;  // narrow, for searches by users may be
  const Outline& outline = draft.outline();
  const Terms terms =
      MakeTerms(outline, outline.max_norm, std::min<size_t>(kNearest, outline.num_nodes), kBeam);
  KITH_ASSIGN_OR_RETURN(const auto searches, draft.Searches(queries, terms, pool));
  std::vector<std::vector<Lost>> of_thread(pool.size());
  const auto search = [&](size_t begin, size_t end, int thread) {
    const auto found = [&](uint32_t node, EndedWalk* walk, std::vector<uint32_t>* visited) {
      if (std::find(visited->begin(), visited->end(), node) != visited->end()) return;
      // It is not missed if as many others are at least as near, as longer vectors are for dot.
      if (!(walk->DistanceTo(node) < walk->found().threshold())) return;
      // Stores that know distances of neighbours find some that they do not visit.
      std::vector<search::Candidate> ends = walk->found().Sorted();
      const bool found_itself = std::any_of(
          ends.begin(), ends.end(), [&](const search::Candidate& c) { return c.row == node; });
      if (!found_itself) of_thread[thread].push_back({node, std::move(ends)});
    };
    return searches->Run(begin, end, thread, found);
  };
  KITH_RETURN_IF_ERROR(pool.Chunks(queries.count, kNodesAtOnce, search));
  return InOrder(std::move(of_thread));
}

// Leads to it from the nearest that has room and does not yet. Counts in `leaving` the bridges of
// each node. Returns whether there was one.
bool AddBridge(const Lost& lost, std::vector<uint16_t>* leaving, LinkTable* table) {
  return std::any_of(lost.ends.begin(), lost.ends.end(), [&](const search::Candidate& end) {
    return LeadBridge(end.row, lost.node, leaving, table);
  });
}

}  // namespace

bool Leads(const LinkTable& table, uint32_t from, uint32_t to) {
  const auto links = table.Of(from);
  return std::find(links.begin(), links.end(), to) != links.end();
}

bool LeadBridge(uint32_t from, uint32_t to, std::vector<uint16_t>* leaving, LinkTable* table) {
  constexpr size_t kShareOfDegree = 4;  // of a node's edges, how large a part may be bridges
  if ((*leaving)[from] >= table->degree / kShareOfDegree || Leads(*table, from, to)) return false;
  PutFirst(from, to, table);
  ++(*leaving)[from];
  return true;
}

bool AddBridges(std::vector<std::vector<Lost>> of_thread, std::vector<uint16_t>* leaving,
                LinkTable* table) {
  bool changed = false;
  for (const Lost& l : InOrder(std::move(of_thread))) changed |= AddBridge(l, leaving, table);
  return changed;
}

Result<Edges> BuildBridges(Edges edges, ThreadPool& pool, Draft* draft) {
  const size_t n = edges.table.size();
  const size_t one_missed_of = search::TraitsOf(draft->outline().metric).one_missed_of;
  std::vector<uint16_t> leaving(n);
  bool changed = false;
  // Every 16th node is searched for at a time, so there are as many samples.
  constexpr size_t kSamples = 16;
  for (size_t sample = 0; sample < kSamples; ++sample) {
    // Five steps on each time: those of two samples in turn are not neighbours.
    const size_t first = sample * 5 % kSamples;
    if (first >= n) continue;
    const NodeQueries queries{first, kSamples, (n - first + kSamples - 1) / kSamples, edges.shells};
    KITH_ASSIGN_OR_RETURN(const std::vector<Lost> lost, FindLost(*draft, queries, pool));
    for (const Lost& l : lost) changed |= AddBridge(l, &leaving, &edges.table);
    if (!lost.empty()) KITH_RETURN_IF_ERROR(draft->Show(edges, pool));
    if (lost.size() * one_missed_of <= queries.count) break;
  }
  if (!changed) return edges;
  KITH_ASSIGN_OR_RETURN(edges, Connected(std::move(edges), pool));
  KITH_RETURN_IF_ERROR(draft->Show(edges, pool));
  return edges;
}

}  // namespace kith::graph
