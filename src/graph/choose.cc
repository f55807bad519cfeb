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

// For a glance, every third of them.
constexpr size_t kGlanceEvery = 3;
constexpr size_t kNearest = 10;
constexpr size_t kWidth = 64;
// Visits of a packed node take less than half the time of a compact one's: in the same time, the
// beam is twice as wide.
constexpr size_t kPackedWidth = 2 * kWidth;

// Leaves out the node that is searched for and those of other shells: which layout suits the data
// shows among vectors that are alike, and a few in the middle may be the nearest to all others.
class OtherNodes final : public RowFilter {
 public:
  OtherNodes(const std::vector<uint32_t>& nodes, std::span<const uint8_t> shells)
      : nodes_(nodes), shells_(shells) {}

  bool Passes(size_t query, uint64_t node) const noexcept override {
    const uint32_t own = nodes_[query];
    return node != own && (shells_.empty() || shells_[node] == shells_[own]);
  }
  uint64_t NumExcluded(size_t /*query*/) const noexcept override { return 1; }
  bool absent() const noexcept override { return true; }

 private:
  const std::vector<uint32_t>& nodes_;
  const std::span<const uint8_t> shells_;
};

// The rows of a matrix that are the nodes', packed in `buffer`. Errors: those of the pool's loops.
Result<MatrixView> RowsOf(const MatrixView& m, const std::vector<uint32_t>& nodes, ThreadPool& pool,
                          AlignedBuffer<std::byte>* buffer) {
  const size_t stride = RowBytes(m.dtype, m.dim);
  KITH_ASSIGN_OR_RETURN(*buffer, data::GatherRows(m, nodes, stride, pool));
  return MatrixView{buffer->data(), nodes.size(), m.dim, stride, m.dtype};
}

}  // namespace

Result<LayoutMeter> LayoutMeter::Create(Metric metric, const MatrixView& rotated,
                                        std::span<const uint8_t> shells, ThreadPool& pool) {
  LayoutMeter meter;
  meter.shells_ = shells;
  const size_t n = rotated.rows;
  meter.vectors_.rows = rotated;
  meter.vectors_.metric = search::TraitsOf(metric).products ? metric : Metric::kEuclidean;
  // Evenly spread over the order of nodes, and so are the first third of them.
  // Enough to tell 0.05 of recall from chance, and few enough that comparing them with all others
  // is cheap beside a build.
  constexpr size_t kSample = 96;
  const size_t count = std::min(n, kSample);
  for (size_t first = 0; first < kGlanceEvery; ++first) {
    for (size_t i = first; i < count; i += kGlanceEvery) {
      meter.nodes_.push_back(static_cast<uint32_t>((2 * i + 1) * n / (2 * count)));
    }
  }
  KITH_ASSIGN_OR_RETURN(meter.rotated_, RowsOf(rotated, meter.nodes_, pool, &meter.buffer_));
  const OtherNodes others(meter.nodes_, shells);
  search::Hits nearest;
  SearchStats stats;
  KITH_RETURN_IF_ERROR(scan::ExactSearch({meter.vectors_, nullptr}, {},
                                         {.queries = meter.rotated_,
                                          .wanted = search::Wanted::Nearest(kNearest),
                                          .pool = &pool,
                                          .filter = &others},
                                         &nearest, &stats));
  for (size_t i = 0; i < meter.nodes_.size(); ++i) {
    std::vector<uint32_t>& truth = meter.truth_.emplace_back();
    for (const search::Candidate& c : nearest.of(i)) truth.push_back(c.row);
  }
  return meter;
}

// The share of true neighbours that searches in a store with a beam find, of the first so many
// nodes.
template <NodeStore Store>
Result<double> LayoutMeter::RecallOf(const Store& store, size_t count, size_t width,
                                     ThreadPool& pool) const {
  // Walks over rounded vectors compare the rotated queries, and need no others.
  AlignedBuffer<std::byte> buffer;
  MatrixView queries;
  if (!store.rounded()) {
    KITH_ASSIGN_OR_RETURN(queries, RowsOf(store.table().rows, nodes_, pool, &buffer));
  }
  const OtherNodes others(nodes_, shells_);
  std::vector<size_t> hits(count);
  const auto search = [&](size_t begin, size_t end, int /*thread*/) -> Status {
    std::vector<Walk<Store>> walks(1);
    KITH_RETURN_IF_ERROR(walks[0].Init(store));
    KITH_ASSIGN_OR_RETURN(
        const Batch batch,
        Batch::Create(store.rounded() ? nullptr : &store.table(), queries, begin, end, rotated_));
    SearchStats stats;
    const auto start = [&](Walk<Store>* walk, size_t slot) {
      const auto norm =
          static_cast<float>(std::sqrt(SquaredNorm(batch.rotated(slot), rotated_.dim)));
      walk->Start(batch, slot, MakeTerms(store.outline(), norm, kNearest, width),
                  {&others, batch.query(slot), nullptr}, {0, store.outline().NumShells()}, &stats);
    };
    const auto finish = [&](Walk<Store>* walk, size_t slot) {
      const std::vector<uint32_t>& truth = truth_[batch.query(slot)];
      for (const search::Candidate& c : walk->found().Sorted()) {
        const bool hit = std::find(truth.begin(), truth.end(), c.row) != truth.end();
        hits[batch.query(slot)] += hit ? 1 : 0;
      }
    };
    return RunWalks(std::span(walks), 1, batch.size(), pool, start, finish, &stats);
  };
  constexpr size_t kQueriesAtOnce = 16;
  KITH_RETURN_IF_ERROR(pool.Chunks(count, kQueriesAtOnce, search));
  size_t sum = 0;
  for (const size_t h : hits) sum += h;
  return static_cast<double>(sum) / static_cast<double>(count * kNearest);
}

Result<LayoutRecall> LayoutMeter::MeasureSome(const PackedStore& packed, const uint32_t* links,
                                              size_t count, ThreadPool& pool) const {
  // Walks find all of so few nodes, whatever the layout.
  if (vectors_.rows.rows <= kPackedWidth) return LayoutRecall{1, 1};
  Outline outline = packed.outline();
  outline.metric = vectors_.metric;
  const CompactStore compact(outline, links, vectors_);
  LayoutRecall recall;
  KITH_ASSIGN_OR_RETURN(recall.packed, RecallOf(packed, count, kPackedWidth, pool));
  KITH_ASSIGN_OR_RETURN(recall.compact, RecallOf(compact, count, kWidth, pool));
  return recall;
}

Result<LayoutRecall> LayoutMeter::Measure(const PackedStore& packed, const uint32_t* links,
                                          ThreadPool& pool) const {
  return MeasureSome(packed, links, nodes_.size(), pool);
}

Result<LayoutRecall> LayoutMeter::Glance(const PackedStore& packed, const uint32_t* links,
                                         ThreadPool& pool) const {
  return MeasureSome(packed, links, (nodes_.size() + kGlanceEvery - 1) / kGlanceEvery, pool);
}

}  // namespace kith::graph
