// The near nodes of every node, as trees find them: what a graph's first edges are chosen from.
#ifndef KITH_GRAPH_CANDIDATES_H_
#define KITH_GRAPH_CANDIDATES_H_

#include <cstddef>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "graph/space.h"
#include "kith/status.h"
#include "search/top_k.h"
#include "trees/rp_tree.h"

namespace kith::graph {

class CandidateLists {
 public:
  // Kept of each node.
  static constexpr size_t kSize = 40;

  CandidateLists() = default;
  // Errors: OutOfMemory, InvalidArgument (cancelled).
  static Result<CandidateLists> Create(size_t num_nodes, ThreadPool& pool);

  size_t size() const { return lists_.size() / kSize; }
  // The nearest found so far, in order; those of row kNoNode are not there.
  std::span<const search::Candidate> Of(size_t node) const {
    return {lists_.data() + node * kSize, kSize};
  }

  // Compares all pairs within each leaf of a tree whose entries are nodes. The result does not
  // depend on the threads. Cost: n * leaf_size distances. Errors: those of the pool's loops.
  Status Join(const Space& space, const trees::Tree& tree, size_t leaf_size, ThreadPool& pool);

  // The share of nodes whose neighbours are nearer than rounding to bytes can tell, so that their
  // order would be chance.
  double FinerThanBytes(size_t dim) const;

 private:
  struct Scratch;
  void JoinLeaf(const Space& space, std::span<const uint32_t> nodes, Scratch* scratch);

  AlignedBuffer<search::Candidate> lists_;  // [n, kSize]
};

struct Candidates {
  Space space;  // that they were compared in
  CandidateLists lists;
  double too_fine = 0;  // the share of nodes whose neighbours it does not tell apart
};

// Compares all pairs within the leaves of the trees, whose entries are nodes: in rows rounded to
// bytes where that tells nearly all apart, and else, or if asked to, in floats. `nodes`: node ->
// row; those that no tree has are in the space only. Errors: those of the pool's loops;
// InvalidArgument (cancelled).
Result<Candidates> FindCandidates(const MatrixView& rows, Metric metric,
                                  std::span<const uint32_t> nodes, const Frame& frame,
                                  const std::vector<trees::Tree>& trees, bool in_floats,
                                  const Progress& progress, ThreadPool& pool);

}  // namespace kith::graph

#endif  // KITH_GRAPH_CANDIDATES_H_
