// A query's walk through the trees of a forest: which vectors to compare it with.
#ifndef KITH_FOREST_WALK_H_
#define KITH_FOREST_WALK_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "forest/trees.h"
#include "kith/filter.h"
#include "kith/index.h"
#include "search/stored_vectors.h"
#include "trees/branch_queue.h"

namespace kith::forest {

// What will be read of each candidate next, for prefetching: the first cache lines from data +
// position * stride.
struct CandidateRows {
  const std::byte* data = nullptr;
  size_t stride = 0;
  size_t lines = 0;

  static CandidateRows Of(const std::byte* data, size_t stride, size_t bytes) {
    const size_t straddle = stride % kCacheLine == 0 ? 0 : kCacheLine - 1;
    return {data, stride, std::min<size_t>((bytes + straddle + kCacheLine - 1) / kCacheLine, 4)};
  }
};

// Which positions may be candidates of a query: what a filter of rows says of positions.
struct Admission {
  const RowFilter* filter = nullptr;  // nullptr: all
  const search::StoredVectors* vectors = nullptr;
  size_t query = 0;

  uint64_t NumExcluded() const { return filter == nullptr ? 0 : filter->NumExcluded(query); }
  bool Passes(uint32_t position) const { return filter->Passes(query, vectors->RowAt(position)); }
};

// A query as planes see it: its sketch rounded to bytes, so that planes are compared in integers,
// unless the forest has planes for which that is too coarse.
class RoutingQuery {
 public:
  // Errors: OutOfMemory.
  Status Init(const Header& header);

  // To be filled with the query's sketch before Prepare().
  float* sketch() { return sketch_.data(); }
  void Prepare();

  // out[i] * step() = the dot product of the sketch with the direction of node ids[i].
  void Dot(const Trees& trees, const uint32_t* ids, size_t num_ids, float* out) const;
  float step() const { return step_; }

 private:
  size_t sketch_dim_ = 0;
  bool fine_ = false;
  AlignedBuffer<float> sketch_;
  // Laid out as a node, with zeros in the place of its head: nodes are then read as they lie, in
  // whole cache lines.
  AlignedBuffer<int8_t> bytes_;
  float step_ = 1;
};

// Reusable scratch; one search at a time. Memory: a byte for each vector, and the candidates.
class Walk {
 public:
  explicit Walk(size_t num_vectors) : stamps_(num_vectors) {}

  // Collects the positions in the leaves nearest to the query, each position once: first every
  // tree's own leaf, then the leaves behind the planes nearest to the query, over all trees (the
  // priority search of Annoy). Ends with the leaf in which search_k positions are complete. Those
  // that are not admitted are no candidates, as if no leaf held them; only SearchStats.entries
  // counts them, as entries that were read. Ends early where the pool does, and where the trees
  // show that they hold positions more than once (TellsTruth).
  void Run(const Trees& trees, const RoutingQuery& query, const Admission& admission,
           size_t search_k, const CandidateRows& rows, const ThreadPool& pool, SearchStats* stats);

  std::vector<uint32_t>& candidates() { return candidates_; }

 private:
  void Begin(const Trees& trees);
  void Descend(const Trees& trees, const RoutingQuery& query, size_t enough, SearchStats* stats);
  size_t Step(const Trees& trees, float step, size_t count);
  size_t Defer(size_t count, size_t enough);
  void Collect(const Trees& trees, uint32_t leaf, const Admission& admission,
               const CandidateRows& rows);
  // Whether the leaves read so far can be those of a sound forest, in which each tree has each
  // position once and each leaf is read once. A damaged one may lead to the same leaf from
  // everywhere: reading it each time would take as long as the file's author likes.
  bool TellsTruth(const Trees& trees) const {
    return entries_ <= trees.MostEntries() && entries_ <= trees.roots().size() * met_;
  }

  // stamps_[p] == epoch_: position p was met by this search
  std::vector<uint8_t> stamps_;
  uint8_t epoch_ = 0;
  trees::BranchQueue queue_;
  std::vector<trees::Branch> active_;  // being descended
  std::vector<uint32_t> active_ids_;   // their nodes
  std::vector<float> margins_;
  std::vector<trees::Branch> reached_;  // leaves
  std::vector<uint32_t> candidates_;
  size_t nodes_left_ = 0;  // that may still be visited
  uint64_t entries_ = 0;   // of the leaves read
  uint64_t met_ = 0;       // positions met, admitted or not
};

}  // namespace kith::forest

#endif  // KITH_FOREST_WALK_H_
