// Neighbours of neighbours are likely to be neighbours: what makes good lists of near nodes of fair
// ones (NN-descent: Dong, Moses & Li, WWW 2011).
#ifndef KITH_GRAPH_LOCAL_JOIN_H_
#define KITH_GRAPH_LOCAL_JOIN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "graph/candidates.h"
#include "graph/space.h"
#include "kith/status.h"

namespace kith::graph {

// Rounds of joins over the same lists. A round takes each node, goes over two edges from it, an
// edge leading both ways, and compares the node with all it comes to, unless both edges were there
// in the round before.
class LocalJoin {
 public:
  // The most neighbours of a node that are edges.
  static constexpr size_t kMostEdges = 64;
  static constexpr size_t kMostReverse = 32;

  struct Options {
    size_t edges = 0;    // from each node to the nearest in its list; at most kMostEdges
    size_t reverse = 0;  // and to the nearest of those that have it so in theirs; kMostReverse
  };

  // Joins once. Only options that grow from round to round lose nothing; lists may have become
  // wider. Returns how many pairs were compared. The result does not depend on the threads. Cost:
  // about num_nodes * (edges + reverse)^2 look-ups, a third to a tenth as many distances. Errors:
  // those of the pool's loops.
  Result<uint64_t> Round(const Space& space, const Options& options, ThreadPool& pool,
                         CandidateLists* lists);

 private:
  struct Scratch;
  Status TakeEdges(const CandidateLists& lists, const Options& options, ThreadPool& pool);
  Status TakeReverse(const CandidateLists& lists, ThreadPool& pool);
  void OfferReverse(uint32_t node, float distance, uint32_t from, bool fresh, float* distances);
  void Collect(uint32_t node, Scratch* scratch) const;
  void Append(uint32_t node, uint32_t from, bool fresh, Scratch* scratch) const;
  uint64_t FreshOf(const CandidateLists& lists, uint32_t node) const;

  Options options_;              // of the round at hand
  std::vector<uint32_t> edges_;  // [n, edges], as they were before it
  // Bit i: edge i, or reverse edge i, was not there in the round before.
  std::vector<uint64_t> fresh_;          // [n]
  std::vector<uint32_t> reverse_;        // [n, reverse]
  std::vector<uint32_t> fresh_reverse_;  // [n]
  std::vector<uint8_t> num_reverse_;     // [n]
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_LOCAL_JOIN_H_
