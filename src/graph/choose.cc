#include "graph/choose.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/math.h"
#include "data/convert.h"
#include "graph/compact_store.h"
#include "graph/stores.h"
#include "scan/exact.h"
#include "search/metric_traits.h"
#include "search/stored_vectors.h"

namespace kith::graph {
namespace {

// Most nodes searched for: enough to tell 0.05 of recall from chance, and few enough that comparing
// them with all others is cheap beside a build.
constexpr size_t kSample = 96;
constexpr size_t kNearest = 10;
constexpr size_t kWidth = 64;
constexpr size_t kQueriesAtOnce = 16;

// Some nodes that are searched for.
struct Sample {
  std::vector<uint32_t> nodes;
  AlignedBuffer<std::byte> buffer;
  MatrixView rotated;                        // their vectors
  std::vector<std::vector<uint32_t>> truth;  // the nodes nearest to each but itself
};

// Leaves out, of the nodes, the one that is searched for.
class OtherNodes final : public RowFilter {
 public:
  explicit OtherNodes(const std::vector<uint32_t>& nodes) : nodes_(nodes) {}

  bool Passes(size_t query, uint64_t node) const noexcept override { return node != nodes_[query]; }
  uint64_t NumExcluded(size_t /*query*/) const noexcept override { return 1; }
  bool absent() const noexcept override { return true; }

 private:
  const std::vector<uint32_t>& nodes_;
};

// The rows of a matrix that are the nodes', packed in `buffer`. Errors: those of the pool's loops.
Result<MatrixView> RowsOf(const MatrixView& m, const std::vector<uint32_t>& nodes, ThreadPool& pool,
                          AlignedBuffer<std::byte>* buffer) {
  const size_t stride = RowBytes(m.dtype, m.dim);
  KITH_ASSIGN_OR_RETURN(*buffer, data::GatherRows(m, nodes, stride, pool));
  return MatrixView{buffer->data(), nodes.size(), m.dim, stride, m.dtype};
}

Result<Sample> TakeSample(const search::VectorTable& vectors, ThreadPool& pool) {
  Sample sample;
  const size_t n = vectors.rows.rows;
  sample.nodes.resize(std::min(n, kSample));
  for (size_t i = 0; i < sample.nodes.size(); ++i) {
    sample.nodes[i] = static_cast<uint32_t>((2 * i + 1) * n / (2 * sample.nodes.size()));
  }
  KITH_ASSIGN_OR_RETURN(sample.rotated, RowsOf(vectors.rows, sample.nodes, pool, &sample.buffer));
  const OtherNodes others(sample.nodes);
  search::Hits nearest;
  SearchStats stats;
  KITH_RETURN_IF_ERROR(scan::ExactSearch({vectors, nullptr}, {},
                                         {.queries = sample.rotated,
                                          .wanted = search::Wanted::Nearest(kNearest),
                                          .pool = &pool,
                                          .filter = &others},
                                         &nearest, &stats));
  for (size_t i = 0; i < sample.nodes.size(); ++i) {
    std::vector<uint32_t>& truth = sample.truth.emplace_back();
    for (const search::Candidate& c : nearest.of(i)) truth.push_back(c.row);
  }
  return sample;
}

// The share of true neighbours that searches in a store find.
template <NodeStore Store>
Result<double> Recall(const Store& store, const Sample& sample, ThreadPool& pool) {
  // Walks over rounded vectors compare the rotated queries, and need no others.
  AlignedBuffer<std::byte> buffer;
  MatrixView queries;
  if (!store.rounded()) {
    KITH_ASSIGN_OR_RETURN(queries, RowsOf(store.table().rows, sample.nodes, pool, &buffer));
  }
  const OtherNodes others(sample.nodes);
  const size_t count = sample.nodes.size();
  std::vector<size_t> hits(count);
  const auto search = [&](size_t begin, size_t end, int /*thread*/) -> Status {
    std::vector<Walk<Store>> walks(1);
    KITH_RETURN_IF_ERROR(walks[0].Init(store));
    KITH_ASSIGN_OR_RETURN(const Batch batch,
                          Batch::Create(store.rounded() ? nullptr : &store.table(), queries, begin,
                                        end, sample.rotated));
    SearchStats stats;
    const auto start = [&](Walk<Store>* walk, size_t slot) {
      const auto norm =
          static_cast<float>(std::sqrt(SquaredNorm(batch.rotated(slot), sample.rotated.dim)));
      walk->Start(batch, slot, MakeTerms(store.outline(), norm, kNearest, kWidth),
                  {&others, batch.query(slot), nullptr}, &stats);
    };
    const auto finish = [&](Walk<Store>* walk, size_t slot) {
      const std::vector<uint32_t>& truth = sample.truth[batch.query(slot)];
      for (const search::Candidate& c : walk->found().Sorted()) {
        const bool hit = std::find(truth.begin(), truth.end(), c.row) != truth.end();
        hits[batch.query(slot)] += hit ? 1 : 0;
      }
    };
    return RunWalks(std::span(walks), 1, batch.size(), pool, start, finish, &stats);
  };
  KITH_RETURN_IF_ERROR(pool.Chunks(count, kQueriesAtOnce, search));
  size_t sum = 0;
  for (const size_t h : hits) sum += h;
  return static_cast<double>(sum) / static_cast<double>(count * kNearest);
}

}  // namespace

Result<LayoutRecall> MeasureLayouts(const PackedStore& packed, const MatrixView& rotated,
                                    const uint32_t* links, ThreadPool& pool) {
  const Outline& outline = packed.outline();
  // Walks find all of so few nodes, whatever the layout.
  if (outline.num_nodes <= kWidth) return LayoutRecall{1, 1};
  search::VectorTable vectors;
  vectors.rows = rotated;
  vectors.rows.rows = outline.num_nodes;
  vectors.metric = search::TraitsOf(outline.metric).products ? outline.metric : Metric::kEuclidean;
  KITH_ASSIGN_OR_RETURN(const Sample sample, TakeSample(vectors, pool));
  Outline same = outline;
  same.metric = vectors.metric;
  const CompactStore compact(same, links, vectors);
  LayoutRecall recall;
  KITH_ASSIGN_OR_RETURN(recall.packed, Recall(packed, sample, pool));
  KITH_ASSIGN_OR_RETURN(recall.compact, Recall(compact, sample, pool));
  return recall;
}

}  // namespace kith::graph
