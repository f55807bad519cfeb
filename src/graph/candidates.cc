#include "graph/candidates.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/prefetch.h"
#include "graph/layout.h"
#include "simd/kernels.h"

namespace kith::graph {
namespace {

// Rounding to bytes moves squared distances by about dim / 6 squared steps. Where neighbours are
// nearer than this many times that, their order would be chance.
constexpr float kFinest = 12;

// Which neighbour of a node that is judged by, and of how many nodes.
constexpr size_t kJudgedRank = 8;
constexpr size_t kJudgedNodes = 2000;

// Trees are grown until one finds no more than this share of the nearest of nodes anew. After five,
// of MNIST 0.08 are new, of text embeddings 0.18; these go on finding more than others
// (docs/graph.md), and their graphs are the better for it.
constexpr double kFewNew = 0.015;
constexpr size_t kFirstTrees = 5;
constexpr size_t kMostTrees = kFirstTrees + 12 * kTreesAtOnce;
constexpr size_t kNearest = 10;

constexpr float kFar = std::numeric_limits<float>::infinity();
constexpr size_t kGroup = 8;  // of the entries of a list, compared at once

// The nearest that lists have of some nodes, evenly spread.
std::vector<uint32_t> NearestOfSome(const CandidateLists& lists) {
  const size_t n = lists.size();
  const size_t judged = std::min(n, kJudgedNodes);
  std::vector<uint32_t> nearest;
  for (size_t i = 0; i < judged; ++i) {
    const auto of_node = lists.Of(i * n / judged).first(kNearest);
    nearest.insert(nearest.end(), of_node.begin(), of_node.end());
  }
  return nearest;
}

// The share of them that was not there before.
double NewShare(const std::vector<uint32_t>& before, const std::vector<uint32_t>& now) {
  size_t fresh = 0;
  for (size_t begin = 0; begin < now.size(); begin += kNearest) {
    const auto first = before.begin() + static_cast<ptrdiff_t>(begin);
    const auto last = first + kNearest;
    for (size_t i = begin; i < begin + kNearest; ++i) {
      fresh += std::find(first, last, now[i]) == last ? 1 : 0;
    }
  }
  return static_cast<double>(fresh) / static_cast<double>(now.size());
}

Status JoinTrees(const Space& space, const Grove& grove, const Progress& progress, ThreadPool& pool,
                 CandidateLists* lists) {
  double fresh = 1;
  for (size_t grown = 0; fresh > kFewNew && grown < kMostTrees;) {
    const size_t count = grown == 0 ? kFirstTrees : kTreesAtOnce;
    KITH_ASSIGN_OR_RETURN(const std::vector<trees::Tree> trees, grove.Grow(grown, count, pool));
    std::vector<uint32_t> before;
    for (size_t t = 0; t < count; ++t) {
      if (t + 1 == count) before = NearestOfSome(*lists);
      KITH_RETURN_IF_ERROR(lists->JoinLeaves(space, trees[t], kLeafSize, pool));
      KITH_RETURN_IF_ERROR(pool.Report(progress, "candidates", grown + t + 1, grown + count));
    }
    fresh = NewShare(before, NearestOfSome(*lists));
    grown += count;
  }
  return Status::Ok();
}

}  // namespace

struct CandidateLists::Scratch {
  AlignedBuffer<std::byte> gathered;
  std::vector<float> distances;
  std::vector<float> selected;
  std::vector<uint32_t> near;
};

Result<CandidateLists> CandidateLists::Create(size_t num_nodes, size_t width, ThreadPool& pool) {
  constexpr size_t kNodesAtOnce = 4096;
  CandidateLists lists;
  lists.width_ = RoundUp(width, kGroup);
  const size_t places = num_nodes * lists.width_;
  KITH_ASSIGN_OR_RETURN(lists.nodes_, AlignedBuffer<uint32_t>::Create(places));
  KITH_ASSIGN_OR_RETURN(lists.distances_, AlignedBuffer<float>::Create(places));
  KITH_RETURN_IF_ERROR(pool.Chunks(num_nodes, kNodesAtOnce, [&](size_t begin, size_t end, int) {
    const auto fill = [&](auto* of, auto value) {
      std::fill(of + begin * lists.width_, of + end * lists.width_, value);
    };
    fill(lists.nodes_.data(), kNoNode);
    fill(lists.distances_.data(), kFar);
  }));
  return lists;
}

Result<CandidateLists> CandidateLists::Widened(size_t width, ThreadPool& pool) const {
  KITH_ASSIGN_OR_RETURN(CandidateLists wide, Create(size(), std::max(width, width_), pool));
  for (size_t node = 0; node < size(); ++node) {
    std::copy_n(Of(node).data(), width_, wide.nodes_.data() + node * wide.width_);
    std::copy_n(Distances(node).data(), width_, wide.distances_.data() + node * wide.width_);
  }
  return wide;
}

// Loops over whole lists, without an end where the place is found: they have no branches, and are
// made of vector instructions.
bool CandidateLists::Has(size_t node, uint32_t other) const {
  const uint32_t* nodes = nodes_.data() + node * width_;
  uint32_t found = 0;
  for (size_t i = 0; i < width_; i += kGroup) {
    for (size_t j = i; j < i + kGroup; ++j) found |= nodes[j] == other ? 1u : 0u;
  }
  return found != 0;
}

void CandidateLists::Offer(size_t node, float distance, uint32_t other) {
  uint32_t* nodes = nodes_.data() + node * width_;
  float* distances = distances_.data() + node * width_;
  const size_t last = width_ - 1;
  const bool enters =
      distance < distances[last] || (distance == distances[last] && other < nodes[last]);
  if (!enters) return;
  uint32_t place = 0;
  for (size_t i = 0; i < width_; i += kGroup) {
    for (size_t j = i; j < i + kGroup; ++j) {
      const uint32_t nearer = distances[j] < distance ? 1u : 0u;
      const uint32_t tied = distances[j] == distance ? 1u : 0u;
      place += nearer | (tied & (nodes[j] < other ? 1u : 0u));
    }
  }
  std::memmove(nodes + place + 1, nodes + place, (last - place) * sizeof(uint32_t));
  std::memmove(distances + place + 1, distances + place, (last - place) * sizeof(float));
  nodes[place] = other;
  distances[place] = distance;
}

Status CandidateLists::JoinLeaves(const Space& space, const trees::Tree& tree, size_t leaf_size,
                                  ThreadPool& pool) {
  const size_t most = std::min(leaf_size, size());
  std::vector<Scratch> scratch(pool.size());
  for (Scratch& s : scratch) {
    KITH_ASSIGN_OR_RETURN(s.gathered, AlignedBuffer<std::byte>::Create(most * space.stride()));
    s.distances.resize(most * most);
    s.near.resize(most);
  }
  places_.resize(size());
  constexpr size_t kEntriesAtOnce = 1 << 16;
  KITH_RETURN_IF_ERROR(
      pool.Chunks(tree.entries.size(), kEntriesAtOnce, [&](size_t begin, size_t end, int) {
        for (size_t i = begin; i < end; ++i) places_[tree.entries[i]] = static_cast<uint32_t>(i);
      }));
  // A tree has every node in one leaf, so that leaves write to lists of their own.
  return pool.For(tree.leaf_ends.size(), [&](size_t leaf, int thread) {
    const size_t begin = leaf == 0 ? 0 : tree.leaf_ends[leaf - 1];
    JoinLeaf(space, std::span(tree.entries).subspan(begin, tree.leaf_ends[leaf] - begin), begin,
             &scratch[thread]);
  });
}

// Of the distances to the nodes of a leaf, makes those infinite to nodes that are in the list: most
// that are near have been met in the leaves of other trees.
void CandidateLists::PassOverKnown(size_t node, size_t first_place, size_t count,
                                   float* distances) const {
  for (const uint32_t known : Of(node)) {
    if (known == kNoNode) break;
    const size_t place = places_[known] - first_place;  // beyond `count` if it is in another leaf
    if (place < count) distances[place] = kFar;
  }
}

void CandidateLists::JoinLeaf(const Space& space, std::span<const uint32_t> leaf,
                              size_t first_place, Scratch* scratch) {
  const simd::BelowFn below = simd::GetKernels().below;
  const size_t count = leaf.size();
  constexpr size_t kAhead = 8;
  for (size_t i = 0; i < count; ++i) {
    if (i + kAhead < count) PrefetchLines(space.row(leaf[i + kAhead]), space.stride());
    std::memcpy(scratch->gathered.data() + i * space.stride(), space.row(leaf[i]), space.stride());
    PrefetchLines(std::as_bytes(Of(leaf[i])).data(), width_ * sizeof(uint32_t));
    PrefetchLines(std::as_bytes(Distances(leaf[i])).data(), width_ * sizeof(float));
  }
  space.AllPairs(scratch->gathered.data(), count, scratch->distances.data());
  for (size_t i = 0; i < count; ++i) {
    const uint32_t node = leaf[i];
    float* distances = scratch->distances.data() + i * count;
    distances[i] = kFar;
    PassOverKnown(node, first_place, count, distances);
    float limit = Distances(node).back();
    if (limit == kFar && count > width_) {
      // Nothing keeps any of them out; not so many are taken in one by one.
      scratch->selected.assign(distances, distances + count);
      const auto last = scratch->selected.begin() + static_cast<ptrdiff_t>(width_) - 1;
      std::nth_element(scratch->selected.begin(), last, scratch->selected.end());
      limit = *last;
    }
    const size_t near = below(distances, count, limit, scratch->near.data());
    for (size_t m = 0; m < near; ++m) {
      const size_t j = scratch->near[m];
      if (distances[j] < kFar) Offer(node, distances[j], leaf[j]);
    }
  }
}

double CandidateLists::FinerThanBytes(size_t dim) const {
  const size_t n = size();
  const size_t judged = std::min(n, kJudgedNodes);
  const float least = kFinest * static_cast<float>(dim) / 6;
  size_t too_near = 0;
  for (size_t i = 0; i < judged; ++i) {
    too_near += Distances(i * n / judged)[kJudgedRank - 1] < least ? 1 : 0;
  }
  return static_cast<double>(too_near) / static_cast<double>(std::max<size_t>(1, judged));
}

Result<Candidates> FindCandidates(const MatrixView& rows, Metric metric,
                                  std::span<const uint32_t> nodes, const Frame& frame,
                                  const Grove& grove, bool in_floats, const Progress& progress,
                                  ThreadPool& pool) {
  for (const bool as_floats : {false, true}) {
    if (in_floats && !as_floats) continue;
    Candidates found;
    KITH_ASSIGN_OR_RETURN(found.space, Space::Create(rows, metric, nodes, frame, as_floats, pool));
    KITH_ASSIGN_OR_RETURN(found.lists, CandidateLists::Create(grove.numbers().size(),
                                                              CandidateLists::kForEdges, pool));
    KITH_RETURN_IF_ERROR(JoinTrees(found.space, grove, progress, pool, &found.lists));
    if (found.space.rounded()) {
      found.too_fine = found.lists.FinerThanBytes(found.space.table().rows.dim);
    }
    if (found.too_fine <= kMostTooFine) return found;
  }
  return Status::Internal("floats are not rounded");
}

}  // namespace kith::graph
