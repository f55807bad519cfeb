// One query's walk through a graph: best-first search with a beam, over any store.
#ifndef KITH_GRAPH_WALK_H_
#define KITH_GRAPH_WALK_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "graph/batch.h"
#include "graph/frontier.h"
#include "graph/layout.h"
#include "graph/store.h"
#include "graph/terms.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/top_k.h"

namespace kith::graph {

// What a walk tells when it has ended, whatever it walked over.
class EndedWalk {
 public:
  // The nearest nodes, as far as the walk knows distances.
  search::TopK& found() { return frontier_.found(); }
  // The distance to any node, of the kind that those in found() are of.
  virtual float DistanceTo(uint32_t node) const = 0;
  // Whether a walk that collects a set found that comparing with all of it takes less, or that it
  // does not come to all that is wanted; what it found is then no answer.
  bool gave_up() const { return gave_up_; }

 protected:
  EndedWalk() = default;
  EndedWalk(EndedWalk&&) noexcept = default;
  EndedWalk& operator=(EndedWalk&&) noexcept = default;
  ~EndedWalk() = default;

  Frontier frontier_;
  bool gave_up_ = false;
};

// Shells that a walk goes through in turn.
struct ShellRange {
  size_t begin;
  size_t end;
};

// Scratch for one query at a time, reusable. Not thread-safe.
template <NodeStore Store>
class Walk final : public EndedWalk {
 public:
  // The store must stay where it is; its degree and number of entries must not change.
  // Errors: OutOfMemory.
  Status Init(const Store& store) {
    store_ = &store;
    KITH_ASSIGN_OR_RETURN(query_, store.NewQuery());
    KITH_ASSIGN_OR_RETURN(entry_distances_,
                          AlignedBuffer<float>::Create(store.outline().entries.size()));
    return Status::Ok();
  }

  // Begins at the entries of the first of some shells, with the query of a slot. The batch must
  // outlive the walk.
  void Start(const Batch& batch, size_t slot, const Terms& terms, const NodeFilter& filter,
             ShellRange shells, SearchStats* stats);

  // Begins at a node instead, which the query is near: of stored vectors, their own.
  void StartAt(uint32_t node, const Batch& batch, size_t slot, const Terms& terms,
               const NodeFilter& filter, ShellRange shells, SearchStats* stats);

  // Visits the next node, or goes to the next shell; false if there is none worth it. What the next
  // two visits will read is on its way to the cache then, so that a caller may do other things
  // meanwhile.
  bool Step(SearchStats* stats) {
    search::Beam& beam = frontier_.beam();
    const size_t at = beam.Next();
    if (frontier_.AtEnd(at)) {
      if (!decided_) {
        Decide();
        return true;
      }
      if (GoesFarther(stats)) return true;
      if (gave_up_) return false;
      if (++shells_.begin >= shells_.end) {
        gave_up_ = frontier_.collects() && !frontier_.HasAllWanted();
        return false;
      }
      frontier_.EmptyBeam();
      EnterShell(stats);
      return true;
    }
    const uint32_t node = beam.node(at);
    beam.MarkVisited(at);
    ++stats->nodes;
    ++num_visits_;
    if (visited_ != nullptr) visited_->push_back(node);
    store_->Expand(node, &query_, &frontier_, stats);
    PrefetchNext();
    return true;
  }

  float DistanceTo(uint32_t node) const override {
    float distance = 0;
    store_->Distances(query_, &node, 1, &distance);
    return distance;
  }

  // Keeps the nodes visited, in order, if asked to before Start().
  void KeepVisited(std::vector<uint32_t>* visited) { visited_ = visited; }

 private:
  // How far to go, now that it is known how far the k-th nearest is that is easily found.
  void Decide() {
    decided_ = true;
    const Need& need = frontier_.terms().need;
    const float far = frontier_.Far();
    if (need.far != nullptr) *need.far = far;
    const double effort =
        std::min(need.efforts->At(far), static_cast<double>(frontier_.terms().most.width));
    const double part = effort - std::floor(effort);
    const double width = std::floor(effort) + (need.coin < part ? 1 : 0);
    const Extent own = ExtentOf(store_->outline(), frontier_.terms().k, width);
    frontier_.GoTo(
        {std::max(own.width, need.first.width), std::max(own.stretch, need.first.stretch)});
  }

  // Of a walk that collects a set and has come as far as it was to go: whether it has to go farther
  // for what it has found, and then lets it. It goes on by half of what it went so far, since what
  // it needs is known the better the farther it is.
  bool GoesFarther(SearchStats* stats) {
    if (!frontier_.collects()) return false;
    const Collecting& of = frontier_.terms().collecting;
    const auto width = static_cast<double>(frontier_.width());
    const double rank = frontier_.RankOfKth();
    const double needed = of.ladder->At(rank);
    if (needed <= width) return false;
    const size_t capacity = frontier_.terms().most.width;
    search::Beam& beam = frontier_.beam();
    if (beam.Next() == beam.size() && beam.size() < capacity) return false;  // nothing is left
    // An eighth of what all of the set would cost tells enough.
    const auto visits = static_cast<double>(num_visits_);
    if (visits >= of.most_visits || (needed > of.most_visits && 8 * visits >= of.most_visits)) {
      gave_up_ = true;
      return false;
    }
    const double next =
        std::min({needed, std::max(1.5 * width, width + 16), std::max(of.most_visits, width + 1)});
    if (next > static_cast<double>(capacity)) {
      StartAnew(std::min(2 * needed, 4 * next), stats);
      return true;
    }
    const auto near =
        std::max<size_t>(frontier_.terms().k, static_cast<size_t>(std::min(rank, next)));
    const Extent own = ExtentOf(store_->outline(), near, std::ceil(next));
    frontier_.GoTo({own.width, std::min(own.stretch, frontier_.terms().most.stretch)});
    return true;
  }

  // Walks again with a beam of more room, since nodes that did not fit are forgotten.
  void StartAnew(double room, SearchStats* stats) {
    Terms terms = frontier_.terms();
    terms.most.width =
        static_cast<size_t>(std::min<double>(std::ceil(room), store_->outline().num_nodes));
    terms.collecting.first_width = std::min(frontier_.width(), terms.most.width);
    frontier_.Reset(terms, store_->outline().num_nodes, store_->rounded(), filter_);
    shells_ = all_shells_;
    EnterShell(stats);
  }

  // Meets an entry, whose distance is known.
  bool MeetEntry(uint32_t node, float distance) {
    if (!frontier_.Meet(node)) return false;
    if (Store::kMeetsWithDistance) frontier_.Found(distance, node);
    frontier_.Offer(frontier_.Key(distance), node);
    return true;
  }

  void PrefetchNext() {
    search::Beam& beam = frontier_.beam();
    const size_t next = beam.Next();
    if (next == beam.size()) return;
    store_->Prefetch(beam.node(next));
    const size_t after = beam.NextAfter(next);
    if (after < beam.size()) store_->Prefetch(beam.node(after));
  }

  // What begins every walk.
  void Take(const Batch& batch, size_t slot, const Terms& terms, const NodeFilter& filter,
            ShellRange shells);

  // Meets the entries of the first of the shells that are left.
  void EnterShell(SearchStats* stats);

  const Store* store_ = nullptr;
  ShellRange shells_{0, 0};
  ShellRange all_shells_{0, 0};
  NodeFilter filter_;
  size_t num_visits_ = 0;
  bool decided_ = true;  // how far to go
  typename Store::Query query_;
  AlignedBuffer<float> entry_distances_;  // [entries]
  std::vector<uint32_t>* visited_ = nullptr;
};

template <NodeStore Store>
void Walk<Store>::Take(const Batch& batch, size_t slot, const Terms& terms,
                       const NodeFilter& filter, ShellRange shells) {
  store_->Take(batch, slot, &query_);
  frontier_.Reset(terms, store_->outline().num_nodes, store_->rounded(), filter);
  if (visited_ != nullptr) visited_->clear();
  shells_ = all_shells_ = shells;
  filter_ = filter;
  num_visits_ = 0;
  gave_up_ = false;
  decided_ = terms.need.efforts == nullptr;
}

template <NodeStore Store>
void Walk<Store>::Start(const Batch& batch, size_t slot, const Terms& terms,
                        const NodeFilter& filter, ShellRange shells, SearchStats* stats) {
  Take(batch, slot, terms, filter, shells);
  EnterShell(stats);
}

template <NodeStore Store>
void Walk<Store>::StartAt(uint32_t node, const Batch& batch, size_t slot, const Terms& terms,
                          const NodeFilter& filter, ShellRange shells, SearchStats* stats) {
  Take(batch, slot, terms, filter, shells);
  const float distance = DistanceTo(node);
  ++stats->distances;
  stats->bytes += store_->row_bytes();
  if (!(distance < std::numeric_limits<float>::infinity())) return EnterShell(stats);  // damaged
  MeetEntry(node, distance);
  frontier_.Enter();
  PrefetchNext();
}

template <NodeStore Store>
void Walk<Store>::EnterShell(SearchStats* stats) {
  const std::span<const uint32_t> entries = store_->outline().EntriesOf(shells_.begin);
  float* distances = entry_distances_.data();
  store_->Distances(query_, entries.data(), entries.size(), distances);
  stats->distances += entries.size();
  stats->bytes += entries.size() * store_->row_bytes();
  // The two nearest of the entries that are spread: the second costs one visit at worst, and may
  // save a search begun on the wrong side.
  constexpr size_t kStarts = 2;
  const size_t spread = std::min(entries.size(), kSpreadEntries);
  for (size_t start = 0; start < std::min(kStarts, spread); ++start) {
    const size_t best =
        static_cast<size_t>(std::min_element(distances, distances + spread) - distances);
    const float distance = distances[best];
    distances[best] = std::numeric_limits<float>::infinity();
    if (!(distance < std::numeric_limits<float>::infinity())) break;  // NaN of a damaged file
    MeetEntry(entries[best], distance);
  }
  frontier_.Enter();
  // The first and those beyond the spread ones lead to every node between them.
  for (size_t i = 0; i < entries.size(); i = i == 0 ? spread : i + 1) {
    if (!(frontier_.Key(distances[i]) < frontier_.limit())) continue;
    // Each enters alone, since there may be thousands.
    if (MeetEntry(entries[i], distances[i])) frontier_.Enter();
  }
  PrefetchNext();
}

// Walks in flight on a thread: while one waits for memory the others compute. Measured:
// docs/graph.md.
inline constexpr size_t kWalksAtOnce = 4;

// Runs `count` walks, `in_flight` of them at a time, each a step in turn. start(walk, i) starts
// walk i, finish(walk, i) takes what it found. Every walk's result is what it would be alone.
// Errors: InvalidArgument (cancelled).
// REQUIRES: 0 < in_flight <= walks.size().
template <NodeStore Store, class Start, class Finish>
Status RunWalks(std::span<Walk<Store>> walks, size_t in_flight, size_t count,
                const ThreadPool& pool, Start start, Finish finish, SearchStats* stats) {
  struct Running {
    Walk<Store>* walk;
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
