#include "scan/box_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "data/convert.h"
#include "search/metric_traits.h"
#include "search/scorer.h"
#include "search/top_k.h"
#include "search/within.h"

namespace kith::scan {
namespace {

constexpr size_t kMostDim = 8;     // beyond, most boxes are near
constexpr size_t kFewRows = 2048;  // are compared sooner than sorted into boxes
constexpr size_t kFewQueries = 256;
constexpr size_t kLeafRows = 32;
constexpr size_t kQueriesTogether = 256;
constexpr size_t kMostDepth = 64;

// Rows in the order of the leaves, and a box around those of every node. The left child of a node
// is the next one.
struct BoxTree {
  struct Node {
    uint32_t begin = 0;  // positions of its rows
    uint32_t end = 0;
    uint32_t right = 0;  // 0: a leaf
  };

  size_t dim = 0;
  bool squares = false;         // distances are sums of squares, not of sizes
  std::vector<uint32_t> order;  // position -> internal row
  std::vector<Node> nodes;
  std::vector<float> boxes;  // [nodes, 2, dim]: least, then most
  AlignedBuffer<std::byte> rows;
  search::VectorTable table;  // views `rows`

  // No distance that a kernel computes from the query to a row of the node is smaller. Kernels
  // round every coordinate's part and every sum; of so few, by less than one part in 100,000.
  float Bound(uint32_t node, const float* query) const {
    const float* least = &boxes[node * 2 * dim];
    const float* most = least + dim;
    double sum = 0;
    for (size_t j = 0; j < dim; ++j) {
      const double q = query[j];
      const double away = std::max({least[j] - q, q - most[j], 0.0});
      sum += squares ? away * away : away;
    }
    constexpr double kRounding = 1e-5;
    constexpr double kUnderflow = 1e-36;  // squares that vanish in float32
    return static_cast<float>(sum * (1 - kRounding) - kUnderflow);
  }
};

class TreeBuilder {
 public:
  TreeBuilder(const MatrixView& rows, BoxTree* tree) : tree_(tree) {
    points_.resize(rows.rows * rows.dim);
    for (size_t i = 0; i < rows.rows; ++i) data::RowToF32(rows, i, &points_[i * rows.dim]);
    // Of a damaged file. Such rows are never answers, and order must be one.
    for (float& x : points_) {
      if (std::isnan(x)) x = 0;
    }
    tree->order.resize(rows.rows);
    std::iota(tree->order.begin(), tree->order.end(), 0u);
  }

  // Makes the node of positions [begin, end) and those below it; returns its number.
  uint32_t Build(uint32_t begin, uint32_t end) {
    const auto number = static_cast<uint32_t>(tree_->nodes.size());
    tree_->nodes.push_back({begin, end, 0});
    const size_t widest = AddBox(begin, end);
    const auto at = tree_->order.begin();
    if (end - begin <= kLeafRows) {
      // Of rows at the same distance the first are kept, so that these had better come first.
      std::sort(at + begin, at + end);
      return number;
    }
    const uint32_t middle = begin + (end - begin) / 2;
    std::nth_element(at + begin, at + middle, at + end, [&](uint32_t a, uint32_t b) {
      const float x = points_[a * tree_->dim + widest];
      const float y = points_[b * tree_->dim + widest];
      return x != y ? x < y : a < b;
    });
    Build(begin, middle);
    const uint32_t right = Build(middle, end);
    tree_->nodes[number].right = right;
    return number;
  }

 private:
  // Appends the box of the rows; returns the dimension in which it is widest.
  size_t AddBox(uint32_t begin, uint32_t end) {
    const size_t dim = tree_->dim;
    const size_t at = tree_->boxes.size();
    tree_->boxes.resize(at + 2 * dim);
    float* least = &tree_->boxes[at];
    float* most = least + dim;
    std::fill_n(least, dim, std::numeric_limits<float>::infinity());
    std::fill_n(most, dim, -std::numeric_limits<float>::infinity());
    for (uint32_t i = begin; i < end; ++i) {
      const float* point = &points_[tree_->order[i] * dim];
      for (size_t j = 0; j < dim; ++j) {
        least[j] = std::min(least[j], point[j]);
        most[j] = std::max(most[j], point[j]);
      }
    }
    size_t widest = 0;
    for (size_t j = 1; j < dim; ++j) {
      if (most[j] - least[j] > most[widest] - least[widest]) widest = j;
    }
    return widest;
  }

  BoxTree* tree_;
  std::vector<float> points_;  // [rows, dim]
};

Result<BoxTree> MakeTree(const search::VectorTable& table, ThreadPool& pool) {
  BoxTree tree;
  tree.dim = table.rows.dim;
  tree.squares = search::TraitsOf(table.metric).op == simd::Op::kL2;
  TreeBuilder(table.rows, &tree).Build(0, static_cast<uint32_t>(table.rows.rows));
  KITH_ASSIGN_OR_RETURN(tree.rows,
                        data::GatherRows(table.rows, tree.order, table.rows.stride, pool));
  tree.table = table;
  tree.table.rows.data = tree.rows.data();
  return tree;
}

// The walk of one query through the tree.
template <class Collector>
class Walk {
 public:
  Walk(const BoxTree& tree, const search::StoredVectors& vectors, const RowFilter* filter,
       SearchStats* stats)
      : tree_(tree), vectors_(vectors), filter_(filter), stats_(stats) {}

  void Run(const search::Scorer& scorer, size_t slot, size_t query, const float* values,
           Collector* to) {
    size_t depth = 0;
    stack_[depth++] = {tree_.Bound(0, values), 0};
    while (depth > 0) {
      const Waiting next = stack_[--depth];
      if (next.bound > to->threshold()) continue;
      ++stats_->nodes;
      const BoxTree::Node& node = tree_.nodes[next.node];
      if (node.right == 0) {
        Compare(scorer, slot, query, node, to);
        continue;
      }
      Waiting near{tree_.Bound(next.node + 1, values), next.node + 1};
      Waiting far{tree_.Bound(node.right, values), node.right};
      if (far.bound < near.bound) std::swap(near, far);
      stack_[depth++] = far;
      stack_[depth++] = near;
    }
  }

 private:
  struct Waiting {
    float bound = 0;
    uint32_t node = 0;
  };

  void Compare(const search::Scorer& scorer, size_t slot, size_t query, const BoxTree::Node& node,
               Collector* to) {
    float distances[kLeafRows];
    scorer.ScoreRows(slot, slot + 1, node.begin, node.end, distances, kLeafRows);
    stats_->distances += node.end - node.begin;
    for (uint32_t i = node.begin; i < node.end; ++i) {
      const float distance = distances[i - node.begin];
      if (distance > to->threshold()) continue;
      const uint32_t row = vectors_.RowAt(tree_.order[i]);
      if (filter_ == nullptr || filter_->Passes(query, row)) to->Offer(distance, row);
    }
  }

  const BoxTree& tree_;
  const search::StoredVectors& vectors_;
  const RowFilter* filter_;
  SearchStats* stats_;
  Waiting stack_[2 * kMostDepth];
};

template <class Collector>
Status SearchAll(const search::StoredVectors& vectors, const search::Request& request,
                 const Collector& empty, search::Hits* hits, SearchStats* stats) {
  KITH_ASSIGN_OR_RETURN(const BoxTree tree, MakeTree(vectors.table, *request.pool));
  search::HitsBuilder found(request.queries.rows);
  ThreadPool& pool = *request.pool;
  std::vector<SearchStats> counted(static_cast<size_t>(pool.size()));
  const RowFilter* filter = request.filter->passes_all() ? nullptr : request.filter;
  KITH_RETURN_IF_ERROR(pool.Chunks(
      request.queries.rows, kQueriesTogether, [&](size_t begin, size_t end, int thread) -> Status {
        KITH_ASSIGN_OR_RETURN(const search::Scorer scorer,
                              search::Scorer::Create(tree.table, request.queries, begin, end));
        Walk<Collector> walk(tree, vectors, filter, &counted[static_cast<size_t>(thread)]);
        float values[kMostDim];
        for (size_t slot = 0; slot < scorer.num_queries(); ++slot) {
          const size_t query = begin + scorer.order()[slot];
          data::RowToF32(request.queries, query, values);
          Collector collector = empty;
          walk.Run(scorer, slot, query, values, &collector);
          found.at(query) = collector.Sorted();
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
  return SearchAll(vectors, request, search::TopK(request.wanted.k), hits, stats);
}

}  // namespace kith::scan
