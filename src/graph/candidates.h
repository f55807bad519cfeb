// The near nodes of every node, as trees find them: what a graph's first edges are chosen from.
#ifndef KITH_GRAPH_CANDIDATES_H_
#define KITH_GRAPH_CANDIDATES_H_

#include <cstddef>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "graph/plant.h"
#include "graph/space.h"
#include "kith/status.h"
#include "trees/rp_tree.h"

namespace kith::graph {

// The nearest nodes known of each node, nearest first, ties by the smaller number; as many of each
// as fit its list. What a list holds in the end is the nearest of what was offered, in whatever
// order.
class CandidateLists {
 public:
  // Kept of each node of which a graph's edges are chosen.
  static constexpr size_t kForEdges = 40;

  CandidateLists() = default;
  // `width`: kept of each node, at least 1; is made a multiple of 8. Errors: OutOfMemory,
  // InvalidArgument (cancelled).
  static Result<CandidateLists> Create(size_t num_nodes, size_t width, ThreadPool& pool);

  size_t size() const { return width_ == 0 ? 0 : nodes_.size() / width_; }
  size_t width() const { return width_; }
  // The nearest found so far; kNoNode, at an infinite distance, where there are no more.
  std::span<const uint32_t> Of(size_t node) const {
    return {nodes_.data() + node * width_, width_};
  }
  std::span<const float> Distances(size_t node) const {
    return {distances_.data() + node * width_, width_};
  }
  bool Has(size_t node, uint32_t other) const;
  // Offers one that the list does not have.
  void Offer(size_t node, float distance, uint32_t other);

  // Compares all pairs within each leaf of a tree whose entries are all nodes. The result does not
  // depend on the threads. Cost: n * leaf_size distances. Errors: those of the pool's loops.
  Status JoinLeaves(const Space& space, const trees::Tree& tree, size_t leaf_size,
                    ThreadPool& pool);

  // The same lists with room for more. Errors: as Create().
  Result<CandidateLists> Widened(size_t width, ThreadPool& pool) const;

  // The share of nodes whose neighbours are nearer than rounding to bytes can tell, so that their
  // order would be chance.
  double FinerThanBytes(size_t dim) const;

 private:
  struct Scratch;
  void JoinLeaf(const Space& space, std::span<const uint32_t> leaf, size_t first_place,
                Scratch* scratch);
  void PassOverKnown(size_t node, size_t first_place, size_t count, float* distances) const;

  size_t width_ = 0;
  AlignedBuffer<uint32_t> nodes_;   // [n, width]
  AlignedBuffer<float> distances_;  // [n, width]
  std::vector<uint32_t> places_;    // [n], where a node is among the entries of the tree at hand
};

// Where more nodes than this share have neighbours nearer than rounding to bytes can tell, rows are
// compared as floats.
inline constexpr double kMostTooFine = 0.05;

struct Candidates {
  Space space;  // that they were compared in
  CandidateLists lists;
  double too_fine = 0;  // the share of nodes whose neighbours it does not tell apart
};

// Compares all pairs within the leaves of trees, as many trees as tell much that is new: in rows
// rounded to bytes where that tells nearly all apart, and else, or if asked to, in floats. `nodes`:
// node -> row; those that are not of the grove are in the space only. Errors: those of the pool's
// loops; InvalidArgument (cancelled).
Result<Candidates> FindCandidates(const MatrixView& rows, Metric metric,
                                  std::span<const uint32_t> nodes, const Frame& frame,
                                  const Grove& grove, bool in_floats, const Progress& progress,
                                  ThreadPool& pool);

}  // namespace kith::graph

#endif  // KITH_GRAPH_CANDIDATES_H_
