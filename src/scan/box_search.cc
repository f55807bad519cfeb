#include "scan/box_search.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "data/convert.h"
#include "scan/box_tree.h"
#include "search/metric_traits.h"
#include "search/nearest_buffer.h"
#include "search/scorer.h"
#include "search/within.h"

namespace kith::scan {
namespace {

constexpr size_t kMostDim = 4;     // beyond, boxes rule out too little (docs/exact.md)
constexpr size_t kFewRows = 2048;  // are compared sooner than sorted into boxes
constexpr size_t kFewQueries = 256;
constexpr size_t kLeafRows = 32;
constexpr size_t kMostTogether = 32;  // queries
constexpr size_t kMostDepth = 64;

// The rows in the order of their tree.
struct SortedRows {
  BoxTree tree;
  bool squares = false;  // distances are sums of squares, not of sizes
  AlignedBuffer<std::byte> rows;
  search::VectorTable table;  // views `rows`
};

Result<SortedRows> SortRows(const search::VectorTable& table, ThreadPool& pool) {
  SortedRows sorted{BoxTree(table.rows, kLeafRows),
                    search::TraitsOf(table.metric).op == simd::Op::kL2,
                    {},
                    table};
  KITH_ASSIGN_OR_RETURN(
      sorted.rows, data::GatherRows(table.rows, sorted.tree.order(), table.rows.stride, pool));
  sorted.table.rows.data = sorted.rows.data();
  return sorted;
}

// Queries share a walk where about as many rows lie among them as each of them wants; where queries
// are few among the rows, each walks alone.
size_t QueriesTogether(size_t queries, size_t rows, size_t wanted) {
  const double near = static_cast<double>(wanted + kLeafRows);
  const double together = static_cast<double>(queries) * near / static_cast<double>(rows);
  return static_cast<size_t>(std::clamp(together, 1.0, static_cast<double>(kMostTogether)));
}

bool Cut(search::NearestBuffer* collector) { return collector->Cut(); }
bool Cut(search::Within*) { return false; }  // its threshold never falls

// The walks of one thread, each of some queries that lie near each other.
template <class Collector>
class Walk {
 public:
  Walk(const SortedRows& rows, const search::StoredVectors& vectors, const RowFilter* filter)
      : rows_(rows), vectors_(vectors), filter_(filter) {}

  // Compares the scorer's queries, which lie in `box`, with all rows that may be near one of them.
  // numbers[i] is what the filter calls query i; collectors are those of slots.
  void Run(const search::Scorer& scorer, const uint32_t* numbers, const float* box,
           std::vector<Collector>* collectors, SearchStats* stats) {
    const BoxTree& tree = rows_.tree;
    float farthest = Farthest(*collectors);
    size_t depth = 0;
    stack_[depth++] = {Least(0, box), 0};
    while (depth > 0) {
      const Waiting next = stack_[--depth];
      if (next.least > farthest) continue;
      ++stats->nodes;
      const BoxTree::Node& node = tree.nodes()[next.node];
      if (node.right == 0) {
        if (Compare(scorer, numbers, node, collectors)) farthest = Farthest(*collectors);
        stats->distances += (node.end - node.begin) * scorer.num_queries();
        continue;
      }
      Waiting near{Least(next.node + 1, box), next.node + 1};
      Waiting far{Least(node.right, box), node.right};
      if (far.least < near.least) std::swap(near, far);
      stack_[depth++] = far;
      stack_[depth++] = near;
    }
  }

 private:
  struct Waiting {
    float least = 0;
    uint32_t node = 0;
  };

  float Least(uint32_t node, const float* box) const {
    return LeastDistance(rows_.tree.Box(node), box, rows_.tree.dim(), rows_.squares);
  }

  static float Farthest(const std::vector<Collector>& collectors) {
    float farthest = collectors[0].threshold();
    for (const Collector& c : collectors) farthest = std::max(farthest, c.threshold());
    return farthest;
  }

  // Offers the leaf's rows to all; returns whether a threshold fell.
  bool Compare(const search::Scorer& scorer, const uint32_t* numbers, const BoxTree::Node& node,
               std::vector<Collector>* collectors) {
    const size_t num_float = scorer.num_float();
    const size_t count = scorer.num_queries();
    // A tile never mixes float and integer queries.
    if (num_float > 0) {
      scorer.ScoreRows(0, num_float, node.begin, node.end, distances_, kLeafRows);
    }
    if (num_float < count) {
      scorer.ScoreRows(num_float, count, node.begin, node.end, distances_ + num_float * kLeafRows,
                       kLeafRows);
    }
    const uint32_t* const order = rows_.tree.order().data() + node.begin;
    bool fell = false;
    for (size_t slot = 0; slot < count; ++slot) {
      Collector& to = (*collectors)[slot];
      float* const distances = distances_ + slot * kLeafRows;
      const size_t found = scorer.FindNear(slot, node.begin, node.end - node.begin, to.threshold(),
                                           distances, near_);
      for (size_t i = 0; i < found; ++i) {
        const uint32_t row = vectors_.RowAt(order[near_[i]]);
        if (filter_ == nullptr || filter_->Passes(numbers[scorer.order()[slot]], row)) {
          to.Offer(distances[near_[i]], row);
        }
      }
      if (found > 0) fell |= Cut(&to);
    }
    return fell;
  }

  const SortedRows& rows_;
  const search::StoredVectors& vectors_;
  const RowFilter* filter_;
  Waiting stack_[2 * kMostDepth];
  float distances_[kMostTogether * kLeafRows];
  uint32_t near_[kLeafRows];
};

template <class Collector>
Status SearchAll(const search::StoredVectors& vectors, const search::Request& request,
                 const Collector& empty, search::Hits* hits, SearchStats* stats) {
  ThreadPool& pool = *request.pool;
  KITH_ASSIGN_OR_RETURN(const SortedRows rows, SortRows(vectors.table, pool));
  const MatrixView& queries = request.queries;
  const BoxTree tree(queries, QueriesTogether(queries.rows, rows.table.rows.rows, request.wanted.k));
  KITH_ASSIGN_OR_RETURN(const AlignedBuffer<std::byte> values,
                        data::GatherRows(queries, tree.order(), queries.stride, pool));
  MatrixView sorted = queries;
  sorted.data = values.data();

  search::HitsBuilder found(queries.rows);
  std::vector<SearchStats> counted(static_cast<size_t>(pool.size()));
  const RowFilter* filter = request.filter->passes_all() ? nullptr : request.filter;
  constexpr size_t kNodesATask = 64;
  KITH_RETURN_IF_ERROR(pool.Chunks(
      tree.nodes().size(), kNodesATask, [&](size_t begin, size_t end, int thread) -> Status {
        Walk<Collector> walk(rows, vectors, filter);
        std::vector<Collector> collectors;
        for (size_t number = begin; number < end; ++number) {
          const BoxTree::Node& node = tree.nodes()[number];
          if (node.right != 0) continue;
          const auto scorer = search::Scorer::Create(rows.table, sorted, node.begin, node.end);
          if (!scorer.ok()) {
            // A query that cannot be compared is named by its number before they were sorted.
            KITH_RETURN_IF_ERROR(
                search::Scorer::Create(rows.table, queries, 0, queries.rows).status());
            return scorer.status();
          }
          collectors.assign(node.end - node.begin, empty);
          const uint32_t* const numbers = tree.order().data() + node.begin;
          walk.Run(*scorer, numbers, tree.Box(static_cast<uint32_t>(number)), &collectors,
                   &counted[static_cast<size_t>(thread)]);
          for (size_t slot = 0; slot < collectors.size(); ++slot) {
            found.at(numbers[scorer->order()[slot]]) = collectors[slot].Sorted();
          }
        }
        return Status::Ok();
      }));
  for (const SearchStats& part : counted) *stats += part;
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
