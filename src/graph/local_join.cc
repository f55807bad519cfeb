#include "graph/local_join.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "graph/layout.h"
#include "simd/kernels.h"

namespace kith::graph {
namespace {

constexpr size_t kNodesAtOnce = 256;

constexpr uint64_t LowBits(size_t count) {
  return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}

}  // namespace

struct LocalJoin::Scratch {
  // For each node the last one that was compared with it or will be: that nobody is taken twice.
  std::vector<uint32_t> seen_by;
  std::vector<uint32_t> others;
  std::vector<float> distances;
  std::vector<uint32_t> near;
  size_t count = 0;  // of others
  uint64_t compared = 0;

  // Appends one unless it was seen; without a branch, which would be guessed wrongly often.
  void Take(uint32_t node, uint32_t other) {
    others[count] = other;
    count += seen_by[other] != node ? 1 : 0;
    seen_by[other] = node;
  }
};

Result<uint64_t> LocalJoin::Round(const Space& space, const Options& options, ThreadPool& pool,
                                  CandidateLists* lists) {
  KITH_RETURN_IF_ERROR(TakeEdges(*lists, options, pool));
  KITH_RETURN_IF_ERROR(TakeReverse(*lists, pool));
  std::vector<Scratch> scratch(pool.size());
  // From each of its neighbours, and from itself.
  const size_t most = (options_.edges + options_.reverse + 1) * (options_.edges + options_.reverse);
  for (Scratch& s : scratch) {
    s.seen_by.assign(lists->size(), kNoNode);
    s.others.resize(most + 1);  // Take() writes one beyond
    s.distances.resize(most);
    s.near.resize(most);
  }
  std::vector<uint64_t> fresh(lists->size());
  const simd::BelowFn below = simd::GetKernels().below;
  const auto join = [&](size_t begin, size_t end, int thread) {
    Scratch& s = scratch[thread];
    for (auto node = static_cast<uint32_t>(begin); node < end; ++node) {
      s.seen_by[node] = node;
      for (const uint32_t known : lists->Of(node)) {
        if (known == kNoNode) break;
        s.seen_by[known] = node;
      }
      Collect(node, &s);
      space.ToNodes(node, s.others.data(), s.count, s.distances.data());
      s.compared += s.count;
      const float limit = lists->Distances(node).back();
      const size_t near = below(s.distances.data(), s.count, limit, s.near.data());
      for (size_t i = 0; i < near; ++i) {
        lists->Offer(node, s.distances[s.near[i]], s.others[s.near[i]]);
      }
      fresh[node] = near == 0 ? 0 : FreshOf(*lists, node);
    }
  };
  KITH_RETURN_IF_ERROR(pool.Chunks(lists->size(), kNodesAtOnce, join));
  fresh_ = std::move(fresh);
  uint64_t compared = 0;
  for (const Scratch& s : scratch) compared += s.compared;
  return compared;
}

// Keeps the edges as they are, for all nodes are joined by these, whatever the order.
Status LocalJoin::TakeEdges(const CandidateLists& lists, const Options& options, ThreadPool& pool) {
  const Options next{std::min({options.edges, kMostEdges, lists.width()}),
                     std::min(options.reverse, kMostReverse)};
  // All edges of a wider round are compared with each other.
  const bool as_before = fresh_.size() == lists.size() && next.edges == options_.edges &&
                         next.reverse == options_.reverse;
  if (!as_before) fresh_.assign(lists.size(), ~uint64_t{0});
  options_ = next;
  edges_.resize(lists.size() * options_.edges);
  return pool.Chunks(lists.size(), kNodesAtOnce, [&](size_t begin, size_t end, int) {
    for (size_t node = begin; node < end; ++node) {
      std::copy_n(lists.Of(node).data(), options_.edges, edges_.data() + node * options_.edges);
    }
  });
}

// Finds the nearest of those that have a node among their edges and are not among its own.
Status LocalJoin::TakeReverse(const CandidateLists& lists, ThreadPool& pool) {
  const size_t n = lists.size();
  reverse_.assign(n * options_.reverse, kNoNode);
  fresh_reverse_.assign(n, 0);
  num_reverse_.assign(n, 0);
  if (options_.reverse == 0) return Status::Ok();
  // Each part has the edges into some of the nodes, of which it reads all edges: so the order in
  // which a node's are met is the same for any number of threads.
  constexpr size_t kParts = 16;
  const size_t part = n / kParts + 1;
  return pool.Chunks(n, part, [&](size_t begin, size_t end, int) {
    std::vector<float> distances((end - begin) * options_.reverse);
    for (size_t from = 0; from < n; ++from) {
      for (size_t i = 0; i < options_.edges; ++i) {
        const uint32_t to = edges_[from * options_.edges + i];
        if (to - begin >= end - begin) continue;  // kNoNode is beyond all ends, too
        const float distance = lists.Distances(from)[i];
        const uint32_t* own = edges_.data() + to * options_.edges;
        const bool near = distance <= lists.Distances(to)[options_.edges - 1];
        if (near && std::find(own, own + options_.edges, from) != own + options_.edges) continue;
        const bool fresh = (fresh_[from] >> i & 1) != 0;
        float* of = distances.data() + (to - begin) * options_.reverse;
        OfferReverse(to, distance, static_cast<uint32_t>(from), fresh, of);
      }
    }
  });
}

// `distances`: of the node's reverse edges so far.
void LocalJoin::OfferReverse(uint32_t node, float distance, uint32_t from, bool fresh,
                             float* distances) {
  const size_t count = num_reverse_[node];
  const bool full = count == options_.reverse;
  if (full && distance >= distances[count - 1]) return;
  uint32_t* reverse = reverse_.data() + node * options_.reverse;
  size_t place = full ? count - 1 : count;
  for (; place > 0 && distances[place - 1] > distance; --place) {
    distances[place] = distances[place - 1];
    reverse[place] = reverse[place - 1];
  }
  distances[place] = distance;
  reverse[place] = from;
  if (!full) ++num_reverse_[node];
  // Bits from `place` on move up by one.
  const uint64_t bits = fresh_reverse_[node];
  const uint64_t low = LowBits(place);
  fresh_reverse_[node] =
      static_cast<uint32_t>((bits & low) | (fresh ? low + 1 : 0) | ((bits & ~low) << 1));
}

// Appends where the edges of a node lead, both ways: those that are fresh or all.
void LocalJoin::Append(uint32_t node, uint32_t from, bool fresh, Scratch* scratch) const {
  const uint32_t* edges = edges_.data() + from * options_.edges;
  uint64_t bits = (fresh ? ~uint64_t{0} : fresh_[from]) & LowBits(options_.edges);
  for (; bits != 0; bits &= bits - 1) {
    const uint32_t other = edges[std::countr_zero(bits)];
    if (other == kNoNode) break;
    scratch->Take(node, other);
  }
  const uint32_t* reverse = reverse_.data() + from * options_.reverse;
  bits = (fresh ? ~uint64_t{0} : fresh_reverse_[from]) & LowBits(num_reverse_[from]);
  for (; bits != 0; bits &= bits - 1) scratch->Take(node, reverse[std::countr_zero(bits)]);
}

// Writes the nodes that a node is to be compared with.
void LocalJoin::Collect(uint32_t node, Scratch* scratch) const {
  scratch->count = 0;
  for (size_t i = 0; i < options_.edges; ++i) {
    const uint32_t neighbour = edges_[node * options_.edges + i];
    if (neighbour == kNoNode) break;
    Append(node, neighbour, (fresh_[node] >> i & 1) != 0, scratch);
  }
  for (size_t i = 0; i < num_reverse_[node]; ++i) {
    const uint32_t neighbour = reverse_[node * options_.reverse + i];
    scratch->Take(node, neighbour);
    Append(node, neighbour, (fresh_reverse_[node] >> i & 1) != 0, scratch);
  }
}

// Which of a node's edges were not there when the round began.
uint64_t LocalJoin::FreshOf(const CandidateLists& lists, uint32_t node) const {
  const uint32_t* before = edges_.data() + node * options_.edges;
  uint64_t fresh = 0;
  for (size_t i = 0; i < options_.edges; ++i) {
    const uint32_t* const end = before + options_.edges;
    const bool there = std::find(before, end, lists.Of(node)[i]) != end;
    fresh |= static_cast<uint64_t>(!there) << i;
  }
  return fresh;
}

}  // namespace kith::graph
