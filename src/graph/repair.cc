#include "graph/repair.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "data/convert.h"
#include "graph/bridge.h"
#include "graph/connect.h"
#include "graph/graph.h"
#include "graph/terms.h"
#include "search/hits.h"
#include "search/metric_traits.h"
#include "search/request.h"
#include "search/stored_vectors.h"

namespace kith::graph {
namespace {

constexpr size_t kNodesAtOnce = 256;

// Searches for nodes, each for itself alone, and calls missed(node, walk, visited, thread) for each
// that is not found although it is nearer than what is.
template <class Fn>
Status EachMissed(const Draft& draft, const NodeQueries& queries, ThreadPool& pool, Fn missed) {
  const Outline& outline = draft.outline();
  const Terms terms =
      MakeTerms(outline, outline.max_norm, 1, static_cast<double>(Graph::DefaultWidth(1)));
  KITH_ASSIGN_OR_RETURN(const auto searches, draft.Searches(queries, terms, pool));
  return pool.Chunks(queries.count, kNodesAtOnce, [&](size_t begin, size_t end, int thread) {
    return searches->Run(
        begin, end, thread, [&](uint32_t node, EndedWalk* walk, std::vector<uint32_t>* visited) {
          const bool met = std::find(visited->begin(), visited->end(), node) != visited->end();
          if (met || !(walk->DistanceTo(node) < walk->found().threshold())) return;
          missed(node, walk, visited, thread);
        });
  });
}

}  // namespace

Result<NodeVectors> NodeVectors::Gather(const MatrixView& rows, Metric metric,
                                        std::span<const uint32_t> nodes, ThreadPool& pool) {
  NodeVectors vectors;
  const size_t stride = search::RowStride(rows.dtype, rows.dim);
  KITH_ASSIGN_OR_RETURN(vectors.rows_, data::GatherRows(rows, nodes, stride, pool));
  search::VectorTable& table = vectors.table_;
  table.rows = {vectors.rows_.data(), nodes.size(), rows.dim, stride, rows.dtype};
  table.metric = metric;
  table.padded_bytes = stride;
  if (search::TraitsOf(metric).unit_length()) {
    KITH_ASSIGN_OR_RETURN(vectors.inverse_norms_, search::InverseNorms(table.rows, pool));
    table.inverse_norms = vectors.inverse_norms_.data();
  }
  return vectors;
}

Result<double> MissedShare(const Draft& draft, const NodeVectors& vectors, ThreadPool& pool) {
  constexpr size_t kMostSearches = 2048;
  search::VectorTable table = vectors.table();
  const size_t n = draft.outline().num_nodes;
  const size_t step = (n + kMostSearches - 1) / kMostSearches;
  table.rows.rows = n;
  MatrixView queries = table.rows;
  queries.rows = (n + step - 1) / step;
  queries.stride *= step;
  const std::unique_ptr<Graph> graph =
      draft.Open({}, {{table, nullptr}, {}, static_cast<uint32_t>(n)});
  search::Hits hits;
  SearchStats stats;
  KITH_RETURN_IF_ERROR(graph->Search(
      {.queries = queries, .wanted = search::Wanted::Nearest(1), .pool = &pool}, &hits, &stats));
  std::vector<size_t> of_thread(pool.size());
  const auto count = [&](size_t begin, size_t end, int thread) -> Status {
    KITH_ASSIGN_OR_RETURN(const search::Scorer scorer,
                          search::Scorer::Create(table, queries, begin, end));
    for (size_t slot = 0; slot < scorer.num_queries(); ++slot) {
      const size_t query = begin + scorer.order()[slot];
      const auto node = static_cast<uint32_t>(query * step);
      const std::span<const search::Candidate> found = hits.of(query);
      float own = 0;
      scorer.ScoreIds(slot, &node, 1, &own);
      const bool missed = found.empty() || !(found[0].row == node || found[0].distance <= own);
      of_thread[thread] += missed ? 1 : 0;
    }
    return Status::Ok();
  };
  KITH_RETURN_IF_ERROR(pool.Chunks(queries.rows, kNodesAtOnce, count));
  const size_t missed = std::accumulate(of_thread.begin(), of_thread.end(), size_t{0});
  return static_cast<double>(missed) / static_cast<double>(queries.rows);
}

Status ChooseReach(const NodeVectors& vectors, ThreadPool& pool, Draft* draft) {
  constexpr float kReaches[] = {2, 4, 8};
  // A farther reach costs every search, so it must let a third fewer be missed.
  constexpr double kClearly = 2.0 / 3;
  float chosen = 1;
  KITH_ASSIGN_OR_RETURN(double least, MissedShare(*draft, vectors, pool));
  for (const float reach : kReaches) {
    if (least <= kOrdinaryMissed) break;
    draft->SetReach(reach);
    KITH_ASSIGN_OR_RETURN(const double missed, MissedShare(*draft, vectors, pool));
    if (missed > kClearly * least) continue;
    least = missed;
    chosen = reach;
  }
  draft->SetReach(chosen);
  return Status::Ok();
}

Result<Edges> FindMissed(Edges edges, const NodeVectors& vectors, ThreadPool& pool, Draft* draft) {
  constexpr int kRounds = 4;
  // All that a walk visits, as a rule: where it ends among many that are nearly the same, these few
  // cannot lead to all that they hide.
  constexpr size_t kEnds = 64;
  constexpr double kWorthMore = 0.9;
  double before = 1;
  std::vector<uint16_t> leaving(edges.table.size());
  for (int round = 0; round < kRounds; ++round) {
    KITH_ASSIGN_OR_RETURN(const double share, MissedShare(*draft, vectors, pool));
    if (share <= kOrdinaryMissed || share > kWorthMore * before) break;
    before = share;
    std::vector<std::vector<Lost>> of_thread(pool.size());
    const auto missed = [&](uint32_t node, EndedWalk* walk, std::vector<uint32_t>* visited,
                            int thread) {
      Lost lost{node, {}};
      for (const uint32_t v : *visited) lost.ends.push_back({walk->DistanceTo(v), v});
      const size_t kept = std::min(kEnds, lost.ends.size());
      std::partial_sort(lost.ends.begin(), lost.ends.begin() + static_cast<ptrdiff_t>(kept),
                        lost.ends.end());
      lost.ends.resize(kept);
      of_thread[thread].push_back(std::move(lost));
    };
    const NodeQueries all{.count = edges.table.size(), .shells = edges.shells, .own_norms = true};
    KITH_RETURN_IF_ERROR(EachMissed(*draft, all, pool, missed));
    AddBridges(std::move(of_thread), &leaving, &edges.table);
    KITH_ASSIGN_OR_RETURN(edges, Connected(std::move(edges), pool));
    KITH_RETURN_IF_ERROR(draft->Show(edges, pool));
  }
  return edges;
}

}  // namespace kith::graph
