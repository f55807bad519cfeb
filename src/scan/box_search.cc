#include "scan/box_search.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "data/convert.h"
#include "scan/box_tree.h"
#include "scan/neighbourhood.h"
#include "scan/sorted_rows.h"
#include "search/metric_traits.h"
#include "search/nearest_buffer.h"
#include "search/scorer.h"
#include "search/within.h"

namespace kith::scan {
namespace {

constexpr size_t kMostDim = 5;     // beyond, boxes rule out too little (docs/exact.md)
constexpr size_t kFewRows = 2048;  // are compared sooner than sorted into boxes
constexpr size_t kFewQueries = 256;
constexpr size_t kMostTogether = 32;  // queries

// Queries share the leaves near them where about as many rows lie among them as each wants; where
// queries are few among the rows, each looks for itself.
size_t QueriesTogether(const search::Request& request, size_t rows) {
  // What passes a filter for one query may not pass for the next one.
  if (request.wanted.within_radius() || !request.filter->passes_all()) return 1;
  const auto near = static_cast<double>(request.wanted.k + SortedRows::kLeafRows);
  const double together =
      static_cast<double>(request.queries.rows) * near / static_cast<double>(rows);
  return static_cast<size_t>(std::clamp(together, 1.0, static_cast<double>(kMostTogether)));
}

void Cut(search::NearestBuffer* collector) { collector->Cut(); }
void Cut(search::Within*) {}  // its threshold never falls

// Offers the rows near one query, the scorer's slot, whose point is given and which the filter
// calls `number`.
template <class Collector>
void SearchAlone(const SortedRows& rows, const search::Scorer& scorer, size_t slot,
                 const float* point, const RowFilter* filter, size_t number, Collector* to,
                 SearchStats* stats) {
  float box[2 * kMostDim];
  const size_t dim = rows.tree.dim();
  std::copy_n(point, dim, box);
  std::copy_n(point, dim, box + dim);
  rows.WalkLeaves(box, to->threshold(), stats, [&](const BoxTree::Node& leaf) {
    float distances[SortedRows::kLeafRows];
    uint32_t near[SortedRows::kLeafRows];
    const size_t count = leaf.end - leaf.begin;
    scorer.ScoreRows(slot, slot + 1, leaf.begin, leaf.end, distances, SortedRows::kLeafRows);
    stats->distances += count;
    const size_t found = scorer.FindNear(slot, leaf.begin, count, to->threshold(), distances, near);
    for (size_t i = 0; i < found; ++i) {
      const uint32_t row = rows.RowAt(leaf.begin + near[i]);
      if (filter == nullptr || filter->Passes(number, row)) to->Offer(distances[near[i]], row);
    }
    Cut(to);
    return to->threshold();
  });
}

// What a thread needs for a group of queries, and keeps for the next.
struct Scratch {
  Neighbourhood neighbourhood;
  std::vector<float> points;  // [slots, dim]
  std::vector<std::vector<search::Candidate>> found;
  SearchStats stats;
};

template <class Collector>
class BatchSearch {
 public:
  BatchSearch(const SortedRows& rows, const BoxTree& queries, const search::Request& request,
              const Collector& empty)
      : rows_(rows),
        queries_(queries),
        filter_(request.filter->passes_all() ? nullptr : request.filter),
        empty_(empty) {}

  // Finds the neighbours of the queries of one leaf. The scorer has them in the leaf's order.
  void Search(const search::Scorer& scorer, const MatrixView& values, uint32_t leaf,
              Scratch* scratch, search::HitsBuilder* found) const {
    const size_t dim = rows_.tree.dim();
    const size_t count = scorer.num_queries();
    const BoxTree::Node& node = queries_.nodes()[leaf];
    const uint32_t* const numbers = queries_.order().data() + node.begin;
    scratch->points.resize(count * dim);
    scratch->found.resize(count);
    for (size_t slot = 0; slot < count; ++slot) {
      data::RowToF32(values, node.begin + scorer.order()[slot], &scratch->points[slot * dim]);
    }
    for (size_t slot = 0; slot < count; ++slot) {
      const size_t number = numbers[scorer.order()[slot]];
      Collector nearest = empty_;
      SearchAlone(rows_, scorer, slot, &scratch->points[slot * dim], filter_, number, &nearest,
                  &scratch->stats);
      scratch->found[slot] = nearest.Sorted();
      const bool all =
          slot == 0 && count > 1 &&
          scratch->neighbourhood.Search(scorer, scratch->points.data(), queries_.Box(leaf),
                                        scratch->found[0], &scratch->found, &scratch->stats);
      if (all) break;
    }
    for (size_t slot = 0; slot < count; ++slot) {
      found->at(numbers[scorer.order()[slot]]) = std::move(scratch->found[slot]);
    }
  }

 private:
  const SortedRows& rows_;
  const BoxTree& queries_;
  const RowFilter* filter_;
  const Collector& empty_;
};

template <class Collector>
Status SearchAll(const search::StoredVectors& vectors, const search::Request& request,
                 const Collector& empty, search::Hits* hits, SearchStats* stats) {
  ThreadPool& pool = *request.pool;
  const MatrixView& queries = request.queries;
  KITH_ASSIGN_OR_RETURN(const SortedRows rows, SortedRows::Create(vectors, pool));
  const BoxTree tree(queries, QueriesTogether(request, rows.table.rows.rows));
  KITH_ASSIGN_OR_RETURN(const AlignedBuffer<std::byte> values,
                        data::GatherRows(queries, tree.order(), queries.stride, pool));
  MatrixView sorted = queries;
  sorted.data = values.data();

  search::HitsBuilder found(queries.rows);
  std::vector<Scratch> scratch(static_cast<size_t>(pool.size()),
                               {Neighbourhood(rows, request.wanted.k), {}, {}, {}});
  const BatchSearch<Collector> search(rows, tree, request, empty);
  const auto search_leaves = [&](size_t begin, size_t end, int thread) -> Status {
    for (size_t number = begin; number < end; ++number) {
      const BoxTree::Node& node = tree.nodes()[number];
      if (node.right != 0) continue;
      const auto scorer = search::Scorer::Create(rows.table, sorted, node.begin, node.end);
      if (!scorer.ok()) {
        // A query that cannot be compared is named by its number before they were sorted.
        const auto all = search::Scorer::Create(rows.table, queries, 0, queries.rows);
        return all.ok() ? scorer.status() : all.status();
      }
      search.Search(*scorer, sorted, static_cast<uint32_t>(number),
                    &scratch[static_cast<size_t>(thread)], &found);
    }
    return Status::Ok();
  };
  constexpr size_t kNodesATask = 64;
  KITH_RETURN_IF_ERROR(pool.Chunks(tree.nodes().size(), kNodesATask, search_leaves));
  for (const Scratch& part : scratch) *stats += part.stats;
  *hits = found.Take();
  return Status::Ok();
}

}  // namespace

bool BoxesPay(const search::StoredVectors& vectors, const search::Request& request) {
  const search::MetricTraits& traits = search::TraitsOf(vectors.table.metric);
  const bool sums = traits.form == search::DistanceForm::kSum &&
                    (traits.op == simd::Op::kL2 || traits.op == simd::Op::kL1);
  const MatrixView& rows = vectors.table.rows;
  // Of most of the rows, no box rules out any.
  const bool few_wanted = request.wanted.k <= rows.rows / 16;
  return sums && few_wanted && rows.dim <= kMostDim && rows.rows >= kFewRows &&
         request.queries.rows >= kFewQueries;
}

Status BoxSearch(const search::StoredVectors& vectors, const search::Request& request,
                 search::Hits* hits, SearchStats* stats) {
  if (request.wanted.within_radius()) {
    return SearchAll(vectors, request, search::Within(request.wanted.radius), hits, stats);
  }
  return SearchAll(vectors, request, search::NearestBuffer(request.wanted.k), hits, stats);
}

}  // namespace kith::scan
