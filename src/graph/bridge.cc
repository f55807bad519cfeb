#include "graph/bridge.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace kith::graph {
namespace {

constexpr size_t kNodesAtOnce = 256;
constexpr size_t kNearest = 10;

// Every 16th node is searched for at a time, so there are as many samples.
constexpr size_t kSamples = 16;
// The beam of these searches: narrow, for searches by users may be.
constexpr size_t kBeam = 16;
// One node of so many may be missed. Real sets miss 0.0002 to 0.003, because of the narrow beam,
// and 0.01 to 0.02 for dot; sets of clusters that lie apart 0.01 to 0.2.
constexpr size_t kMissed = 200;
constexpr size_t kMissedOfDot = 40;
// The share of a node's edges that may be bridges.
constexpr size_t kShareOfDegree = 4;

// Puts an edge in front, where ConnectNodes() does not replace it, in the place of the last: these
// are in the order of use.
void PutFirst(uint32_t from, uint32_t to, LinkTable* table) {
  uint32_t& count = table->counts[from];
  if (count < table->degree) ++count;
  const auto first = table->links.begin() + static_cast<ptrdiff_t>(from * table->degree);
  std::move_backward(first, first + count - 1, first + count);
  *first = to;
}

bool Leads(const LinkTable& table, uint32_t from, uint32_t to) {
  const auto links = table.Of(from);
  return std::find(links.begin(), links.end(), to) != links.end();
}

// A node that a search for it missed.
struct Lost {
  uint32_t node;
  std::vector<search::Candidate> ends;  // the nearest that it found, in order
};

}  // namespace

Result<std::vector<std::vector<Walk>>> WalksForThreads(const View& view, const ThreadPool& pool) {
  std::vector<std::vector<Walk>> walks(pool.size());
  for (auto& of_thread : walks) {
    of_thread.resize(kWalksAtOnce);
    for (Walk& walk : of_thread) KITH_RETURN_IF_ERROR(walk.Init(view));
  }
  return walks;
}

Status SearchForNodes(const View& view, const NodeQueries& queries, size_t begin, size_t end,
                      const WalkTerms& terms, const ThreadPool& pool, std::span<Walk> walks,
                      const FoundFn& finish) {
  // A node's vector is its query; walks over rounded vectors have it already, and no scorer.
  std::optional<search::Scorer> scorer;
  if (!view.own_bytes) {
    MatrixView rows = view.table.rows;
    rows.data = rows.row(queries.first);
    rows.rows = queries.count;
    rows.stride *= queries.step;
    KITH_ASSIGN_OR_RETURN(scorer, search::Scorer::Create(view.table, rows, begin, end));
  }
  const auto node_of = [&](size_t slot) {
    const size_t query = begin + (scorer.has_value() ? scorer->order()[slot] : slot);
    return queries.first + query * queries.step;
  };
  std::vector<std::vector<uint32_t>> visited(walks.size());
  SearchStats stats;
  const auto start = [&](Walk* walk, size_t slot) {
    if (view.layout == GraphLayout::kPacked) {
      walk->PrepareRotated(reinterpret_cast<const float*>(queries.rotated.row(node_of(slot))));
    }
    walk->KeepVisited(&visited[walk - walks.data()]);
    walk->Start(scorer.has_value() ? &*scorer : nullptr, slot, terms, &stats);
  };
  const auto end_one = [&](Walk* walk, size_t slot) {
    finish(walk, static_cast<uint32_t>(node_of(slot)), &visited[walk - walks.data()]);
  };
  return RunWalks(walks, walks.size(), end - begin, pool, start, end_one, &stats);
}

namespace {

// In the order of nodes.
Result<std::vector<Lost>> FindLost(const View& view, const NodeQueries& queries, ThreadPool& pool) {
  KITH_ASSIGN_OR_RETURN(auto walks, WalksForThreads(view, pool));
  const WalkTerms terms = MakeTerms(view, view.max_norm, std::min<size_t>(kNearest, view.num_nodes),
                                    static_cast<double>(kBeam));
  std::vector<std::vector<Lost>> of_thread(pool.size());
  const auto search = [&](size_t begin, size_t end, int thread) {
    const auto finish = [&](Walk* walk, uint32_t node, std::vector<uint32_t>* visited) {
      if (std::find(visited->begin(), visited->end(), node) != visited->end()) return;
      // As many others may be as near: of dot, longer ones.
      if (!(walk->DistanceTo(node) < walk->nearest().threshold())) return;
      of_thread[thread].push_back({node, walk->nearest().Sorted()});
    };
    return SearchForNodes(view, queries, begin, end, terms, pool, walks[thread], finish);
  };
  KITH_RETURN_IF_ERROR(pool.Chunks(queries.count, kNodesAtOnce, search));
  std::vector<Lost> lost;
  for (auto& part : of_thread) std::move(part.begin(), part.end(), std::back_inserter(lost));
  std::sort(lost.begin(), lost.end(), [](const Lost& a, const Lost& b) { return a.node < b.node; });
  return lost;
}

// Leads to it from the nearest that has room and does not yet. Counts in `leaving` the bridges of
// each node. Returns whether there was one.
bool AddBridge(const Lost& lost, std::vector<uint16_t>* leaving, LinkTable* table) {
  for (const search::Candidate& end : lost.ends) {
    if ((*leaving)[end.row] >= table->degree / kShareOfDegree) continue;
    if (Leads(*table, end.row, lost.node)) continue;
    PutFirst(end.row, lost.node, table);
    ++(*leaving)[end.row];
    return true;
  }
  return false;
}

}  // namespace

Result<size_t> BuildBridges(const View& view, const MatrixView& rotated, ThreadPool& pool,
                            const std::function<Status()>& pack, LinkTable* table) {
  const size_t n = view.num_nodes;
  const size_t missed = view.metric() == Metric::kDot ? kMissedOfDot : kMissed;
  std::vector<uint16_t> leaving(n);
  size_t made = 0;
  for (size_t sample = 0; sample < kSamples; ++sample) {
    // Five steps on each time: those of two samples in turn are not neighbours.
    const size_t first = sample * 5 % kSamples;
    if (first >= n) continue;
    const NodeQueries queries{first, kSamples, (n - first + kSamples - 1) / kSamples, rotated};
    KITH_ASSIGN_OR_RETURN(const std::vector<Lost> lost, FindLost(view, queries, pool));
    for (const Lost& l : lost) made += AddBridge(l, &leaving, table) ? 1 : 0;
    if (!lost.empty()) KITH_RETURN_IF_ERROR(pack());
    if (lost.size() * missed <= queries.count) break;
  }
  return made;
}

}  // namespace kith::graph
