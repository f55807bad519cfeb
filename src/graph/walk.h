// One query's walk through a graph: best-first search with a beam.
#ifndef KITH_GRAPH_WALK_H_
#define KITH_GRAPH_WALK_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "graph/layout.h"
#include "graph/space.h"
#include "kith/index.h"
#include "kith/status.h"
#include "quant/edge_code.h"
#include "quant/geometry.h"
#include "quant/rotation.h"
#include "search/beam.h"
#include "search/scorer.h"
#include "search/top_k.h"

namespace kith::graph {

// A graph in a file, or being built. A view; contents may lie, sizes are right.
struct View {
  GraphLayout layout = GraphLayout::kPacked;
  uint32_t num_nodes = 0;
  size_t degree = 0;
  search::VectorTable table;          // row i: the vector of node i; not read if own_bytes
  NodeShape shape;                    // packed
  const std::byte* nodes = nullptr;   // packed [num_nodes, shape.bytes]
  bool own_bytes = false;             // packed: nodes carry their vectors rounded
  const uint32_t* links = nullptr;    // compact [num_nodes, degree]
  std::span<const uint32_t> entries;  // at least one
  CodeFrame frame;                    // packed
  float max_norm = 0;                 // dot: the largest |x|

  Metric metric() const { return table.metric; }
};

// What a query and a width make of a walk.
struct WalkTerms {
  size_t k = 0;
  size_t shortlist = 0;  // with own_bytes: nodes to be compared in full
  size_t width = 0;      // of the beam
  // Keys, which order the beam, are scale * internal distance + shift: squared Euclidean distances
  // in the metric's geometry where it has one, so never below zero.
  float scale = 1;
  float shift = 0;
  // The walk ends when the nearest node not visited is farther than this times the k-th nearest
  // found (Al-Jazzazi et al., "Distance adaptive beam search", NeurIPS 2025).
  float stretch = 0;
};

// `width` is that of the beam, in whole numbers; below k, the beam's is k and the walk ends the
// sooner. REQUIRES: query_norm is |q| for dot; k > 0; width > 0.
WalkTerms MakeTerms(const View& view, float query_norm, size_t k, double width);

// Scratch for one query at a time, reusable. Not thread-safe. In the packed layout, a visit
// computes the exact distance of the node and estimates those of all its neighbours from the same
// record (SymphonyQG, Gou et al., SIGMOD 2025); in the compact layout, those of the neighbours are
// computed and the node's is known.
class Walk {
 public:
  // Errors: OutOfMemory.
  Status Init(const View& view);

  // Prepares for a query; nothing to do in the compact layout.
  void Prepare(const MatrixView& queries, size_t query);
  // The same for one already in the coordinates of the codes: what CodeFrame::Map() gives.
  void PrepareRotated(const float* rotated);

  // Begins at the entries. The scorer is one over view.table, unused with own_bytes; it must
  // outlive the walk.
  void Start(const search::Scorer* scorer, size_t slot, const WalkTerms& terms, SearchStats* stats);

  // Visits the next node; false if there is none worth it. What the next two visits will read is on
  // its way to the cache then, so that a caller may do other things meanwhile.
  bool Step(SearchStats* stats);

  // What was found: the k nearest nodes, distances internal and exact; with own_bytes the
  // terms' `shortlist` nearest, by their rounded vectors.
  search::TopK& nearest() { return view_->own_bytes ? shortlist_ : nearest_; }
  // To any node, as those of what was found.
  float DistanceTo(uint32_t node) const {
    float distance = 0;
    Distances(&node, 1, &distance);
    return distance;
  }

  // Keeps the nodes visited, in order, if asked to before Start().
  void KeepVisited(std::vector<uint32_t>* visited) { visited_ = visited; }
  // Walks past this node from the next Start() on, as if it were not there.
  void Pass(uint32_t node) { passed_ = node; }

 private:
  float Key(float distance) const { return terms_.scale * distance + terms_.shift; }
  float Reach() const;
  void Distances(const uint32_t* nodes, size_t count, float* out) const;
  void ExpandPacked(uint32_t node, SearchStats* stats);
  void ExpandCompact(uint32_t node, SearchStats* stats);
  void PrefetchNext();
  void Prefetch(uint32_t node) const;

  const View* view_ = nullptr;
  const search::Scorer* scorer_ = nullptr;
  size_t slot_ = 0;
  WalkTerms terms_;
  size_t row_bytes_ = 0;
  quant::EdgeQuery query_;
  AlignedBuffer<float> rotated_;  // the query
  float squared_norm_ = 0;        // of it
  simd::IdsFn own_dot_ = nullptr;
  AlignedBuffer<float> estimates_;  // [degree or the entries]
  std::vector<uint16_t> passing_;
  std::vector<uint32_t> fresh_;
  search::Beam beam_;
  search::SeenSet seen_;
  search::TopK nearest_;
  search::TopK shortlist_;  // with own_bytes: more than k, for rounding may change their order
  std::vector<uint32_t>* visited_ = nullptr;
  uint32_t passed_ = kNoNode;
};

// Walks in flight on a thread: while one waits for memory the others compute. Measured:
// docs/graph.md.
inline constexpr size_t kWalksAtOnce = 4;

// Runs `count` walks, `in_flight` of them at a time, each a step in turn: while one waits for
// memory, the others compute. start(walk, i) prepares and starts walk i, finish(walk, i) takes what
// it found. Every walk's result is what it would be alone. Errors: InvalidArgument (cancelled).
// REQUIRES: 0 < in_flight <= walks.size().
template <class Start, class Finish>
Status RunWalks(std::span<Walk> walks, size_t in_flight, size_t count, const ThreadPool& pool,
                Start start, Finish finish, SearchStats* stats) {
  struct Running {
    Walk* walk;
    size_t task;
  };
  std::vector<Running> running;
  size_t next = 0;
  for (; next < std::min(in_flight, count); ++next) {
    start(&walks[next], next);
    running.push_back({&walks[next], next});
  }
  while (!running.empty()) {
    KITH_RETURN_IF_ERROR(pool.CheckStop());
    for (size_t i = 0; i < running.size();) {
      Running& r = running[i];
      if (r.walk->Step(stats)) {
        ++i;
        continue;
      }
      finish(r.walk, r.task);
      if (next < count) {
        r.task = next++;
        start(r.walk, r.task);
        ++i;
      } else {
        running.erase(running.begin() + static_cast<ptrdiff_t>(i));
      }
    }
  }
  return Status::Ok();
}

}  // namespace kith::graph

#endif  // KITH_GRAPH_WALK_H_
