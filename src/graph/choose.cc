#include "graph/choose.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "base/math.h"
#include "scan/exact.h"
#include "search/stored_vectors.h"

namespace kith::graph {
namespace {

// Most nodes searched for: enough to tell 0.05 of recall from chance, and few enough that comparing
// them with all others is cheap beside a build.
constexpr size_t kSample = 96;
constexpr size_t kNearest = 10;
constexpr size_t kWidth = 64;
constexpr size_t kQueriesAtOnce = 16;

// What searches begin with.
struct Queries {
  const std::vector<uint32_t>& nodes;
  MatrixView rotated;  // their vectors
};

// The rows of a matrix that are the nodes', packed in `buffer`. Errors: OutOfMemory.
Result<MatrixView> RowsOf(const MatrixView& m, const std::vector<uint32_t>& nodes, ThreadPool& pool,
                          AlignedBuffer<std::byte>* buffer) {
  const size_t stride = RowBytes(m.dtype, m.dim);
  KITH_ASSIGN_OR_RETURN(*buffer, data::GatherRows(m, nodes, stride, pool));
  return MatrixView{buffer->data(), nodes.size(), m.dim, stride, m.dtype};
}

Status SearchSome(const View& view, const Queries& queries, size_t begin, size_t end,
                  ThreadPool& pool, std::vector<std::vector<search::Candidate>>* found) {
  std::vector<Walk> walks(1);
  KITH_RETURN_IF_ERROR(walks[0].Init(view));
  // Rounded vectors need no scorer, and there are no others in the nodes.
  std::optional<search::Scorer> scorer;
  if (!view.own_bytes) {
    AlignedBuffer<std::byte> buffer;
    KITH_ASSIGN_OR_RETURN(const MatrixView own,
                          RowsOf(view.table.rows, queries.nodes, pool, &buffer));
    KITH_ASSIGN_OR_RETURN(scorer, search::Scorer::Create(view.table, own, begin, end));
  }
  SearchStats stats;
  const auto query_of = [&](size_t slot) {
    return begin + (scorer.has_value() ? scorer->order()[slot] : slot);
  };
  const auto start = [&](Walk* walk, size_t slot) {
    const size_t query = query_of(slot);
    const auto* x = reinterpret_cast<const float*>(queries.rotated.row(query));
    if (view.layout == GraphLayout::kPacked) walk->PrepareRotated(x);
    walk->Pass(queries.nodes[query]);
    const auto norm = static_cast<float>(std::sqrt(SquaredNorm(x, queries.rotated.dim)));
    walk->Start(scorer.has_value() ? &*scorer : nullptr, slot,
                MakeTerms(view, norm, kNearest, kWidth), &stats);
  };
  const auto finish = [&](Walk* walk, size_t slot) {
    (*found)[query_of(slot)] = walk->nearest().Sorted();
  };
  return RunWalks(walks, walks.size(), end - begin, pool, start, finish, &stats);
}

// The share of true neighbours that searches find.
Result<double> Recall(const View& view, const Queries& queries,
                      const std::vector<std::vector<uint32_t>>& truth, ThreadPool& pool) {
  std::vector<std::vector<search::Candidate>> found(truth.size());
  KITH_RETURN_IF_ERROR(
      pool.Chunks(found.size(), kQueriesAtOnce, [&](size_t begin, size_t end, int) {
        return SearchSome(view, queries, begin, end, pool, &found);
      }));
  size_t hits = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    for (const search::Candidate& c : found[i]) {
      hits += std::find(truth[i].begin(), truth[i].end(), c.row) != truth[i].end() ? 1 : 0;
    }
  }
  return static_cast<double>(hits) / static_cast<double>(found.size() * kNearest);
}

}  // namespace

Result<LayoutRecall> MeasureLayouts(const View& packed, const MatrixView& rotated,
                                    const uint32_t* links, ThreadPool& pool) {
  // So few are all found.
  if (packed.num_nodes <= kWidth) return LayoutRecall{1, 1};
  std::vector<uint32_t> nodes(std::min<size_t>(packed.num_nodes, kSample));
  for (size_t i = 0; i < nodes.size(); ++i) {
    nodes[i] = static_cast<uint32_t>((2 * i + 1) * packed.num_nodes / (2 * nodes.size()));
  }
  AlignedBuffer<std::byte> buffer;
  KITH_ASSIGN_OR_RETURN(const MatrixView sample, RowsOf(rotated, nodes, pool, &buffer));
  search::StoredVectors vectors;
  vectors.table.rows = rotated;
  vectors.table.metric = packed.metric() == Metric::kDot ? Metric::kDot : Metric::kEuclidean;
  std::vector<std::vector<search::Candidate>> nearest;
  SearchStats stats;
  KITH_RETURN_IF_ERROR(
      scan::ExactSearch(vectors, {}, sample, kNearest + 1, pool, &nearest, &stats));
  std::vector<std::vector<uint32_t>> truth(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const search::Candidate& c : nearest[i]) {
      if (c.row != nodes[i] && truth[i].size() < kNearest) truth[i].push_back(c.row);
    }
  }
  View compact = packed;
  compact.layout = GraphLayout::kCompact;
  compact.table = vectors.table;
  compact.own_bytes = false;
  compact.links = links;
  const Queries queries{nodes, sample};
  LayoutRecall recall;
  KITH_ASSIGN_OR_RETURN(recall.packed, Recall(packed, queries, truth, pool));
  KITH_ASSIGN_OR_RETURN(recall.compact, Recall(compact, queries, truth, pool));
  return recall;
}

}  // namespace kith::graph
