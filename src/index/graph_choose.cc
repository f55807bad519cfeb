#include "index/graph_choose.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "base/math.h"
#include "base/parallel.h"
#include "data/convert.h"
#include "index/exact.h"

namespace kith {
namespace {

// Most nodes searched for: enough to tell 0.05 of recall from chance, and few enough that comparing
// them with all others is cheap beside a build.
constexpr size_t kSample = 96;
constexpr size_t kNearest = 10;
constexpr size_t kWidth = 64;
constexpr size_t kQueriesAtOnce = 16;

// The sampled nodes, as queries.
struct Sample {
  std::vector<uint32_t> nodes;
  std::vector<std::byte> bytes;
  MatrixView queries;
};

Sample Draw(const GraphView& view) {
  const MatrixView& rows = view.table.rows;
  Sample sample;
  const size_t count = std::min<size_t>(view.num_nodes, kSample);
  const size_t row_bytes = RowBytes(rows.dtype, rows.dim);
  sample.bytes.resize(count * row_bytes);
  for (size_t i = 0; i < count; ++i) {
    const auto node = static_cast<uint32_t>((2 * i + 1) * view.num_nodes / (2 * count));
    sample.nodes.push_back(node);
    std::memcpy(sample.bytes.data() + i * row_bytes, rows.row(node), row_bytes);
  }
  sample.queries = {sample.bytes.data(), count, rows.dim, row_bytes, rows.dtype};
  return sample;
}

Status SearchSome(const GraphView& view, const Sample& sample, size_t begin, size_t end,
                  std::vector<std::vector<Candidate>>* found) {
  std::vector<GraphWalk> walks(1);
  KITH_RETURN_IF_ERROR(walks[0].Init(view));
  KITH_ASSIGN_OR_RETURN(const Scorer scorer,
                        Scorer::Create(view.table, sample.queries, begin, end));
  SearchStats stats;
  std::vector<float> x(view.table.rows.dim);
  const auto start = [&](GraphWalk* walk, size_t slot) {
    const size_t query = begin + scorer.order()[slot];
    RowToF32(sample.queries, query, x.data());
    const auto norm = static_cast<float>(std::sqrt(SquaredNorm(x.data(), x.size())));
    walk->Prepare(sample.queries, query);
    walk->Pass(sample.nodes[query]);
    walk->Start(scorer, slot, MakeTerms(view, norm, kNearest, kWidth), &stats);
  };
  const auto finish = [&](GraphWalk* walk, size_t slot) {
    const auto nearest = walk->nearest().Sorted();
    (*found)[begin + scorer.order()[slot]].assign(nearest.begin(), nearest.end());
  };
  RunWalks(walks, walks.size(), scorer.num_queries(), start, finish, &stats);
  return Status::Ok();
}

// The share of true neighbours, by distance, that searches find.
Result<double> Recall(const GraphView& view, const Sample& sample,
                      const std::vector<float>& farthest, int threads) {
  std::vector<std::vector<Candidate>> found(sample.nodes.size());
  std::vector<Status> statuses(threads);
  ParallelChunks(found.size(), kQueriesAtOnce, threads, [&](size_t begin, size_t end, int thread) {
    Status status = SearchSome(view, sample, begin, end, &found);
    if (!status.ok()) statuses[thread] = std::move(status);
  });
  for (const Status& status : statuses) KITH_RETURN_IF_ERROR(status);
  size_t hits = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    for (const Candidate& c : found[i]) hits += c.distance <= farthest[i] ? 1 : 0;
  }
  return static_cast<double>(hits) / static_cast<double>(found.size() * kNearest);
}

}  // namespace

Result<LayoutRecall> MeasureLayouts(const GraphView& packed, const uint32_t* links, int threads) {
  // So few are all found.
  if (packed.num_nodes <= kWidth) return LayoutRecall{1, 1};
  threads = ResolveThreads(threads);
  const Sample sample = Draw(packed);
  StoredVectors vectors;
  vectors.table = packed.table;
  std::vector<std::vector<Candidate>> nearest;
  SearchStats stats;
  KITH_RETURN_IF_ERROR(
      ExactSearch(vectors, sample.queries, kNearest + 1, threads, &nearest, &stats));
  // The distance of the last neighbour, the node itself not counted.
  std::vector<float> farthest;
  for (size_t i = 0; i < nearest.size(); ++i) {
    size_t others = 0;
    for (const Candidate& c : nearest[i]) {
      if (c.row == sample.nodes[i] || others == kNearest) continue;
      if (++others == kNearest) farthest.push_back(c.distance);
    }
  }
  GraphView compact = packed;
  compact.layout = GraphLayout::kCompact;
  compact.links = links;
  LayoutRecall recall;
  KITH_ASSIGN_OR_RETURN(recall.packed, Recall(packed, sample, farthest, threads));
  KITH_ASSIGN_OR_RETURN(recall.compact, Recall(compact, sample, farthest, threads));
  return recall;
}

}  // namespace kith
