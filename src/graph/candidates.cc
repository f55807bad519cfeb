#include "graph/candidates.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "graph/layout.h"
#include "graph/plant.h"
#include "simd/kernels.h"

namespace kith::graph {
namespace {

// Rounding to bytes moves squared distances by about dim / 6 squared steps. Where neighbours are
// nearer than this many times that, their order would be chance.
constexpr float kFinest = 12;

// Which neighbour of a node that is judged by, and of how many nodes.
constexpr size_t kJudgedRank = 8;
constexpr size_t kJudgedNodes = 2000;

}  // namespace

struct CandidateLists::Scratch {
  AlignedBuffer<std::byte> gathered;
  std::vector<float> distances;
  std::vector<uint32_t> near;
};

Result<CandidateLists> CandidateLists::Create(size_t num_nodes, ThreadPool& pool) {
  constexpr size_t kNodesAtOnce = 4096;
  CandidateLists lists;
  KITH_ASSIGN_OR_RETURN(lists.lists_, AlignedBuffer<search::Candidate>::Create(num_nodes * kSize));
  const search::Candidate none{std::numeric_limits<float>::infinity(), kNoNode};
  KITH_RETURN_IF_ERROR(pool.Chunks(num_nodes, kNodesAtOnce, [&](size_t begin, size_t end, int) {
    std::fill(lists.lists_.data() + begin * kSize, lists.lists_.data() + end * kSize, none);
  }));
  return lists;
}

Status CandidateLists::Join(const Space& space, const trees::Tree& tree, size_t leaf_size,
                            ThreadPool& pool) {
  const size_t most = std::min(leaf_size, space.size());
  std::vector<Scratch> scratch(pool.size());
  for (Scratch& s : scratch) {
    KITH_ASSIGN_OR_RETURN(s.gathered, AlignedBuffer<std::byte>::Create(most * space.stride()));
    s.distances.resize(most * most);
    s.near.resize(most);
  }
  // A tree has every node in one leaf, so that leaves write to lists of their own.
  return pool.For(tree.leaf_ends.size(), [&](size_t leaf, int thread) {
    const size_t begin = leaf == 0 ? 0 : tree.leaf_ends[leaf - 1];
    JoinLeaf(space, std::span(tree.entries).subspan(begin, tree.leaf_ends[leaf] - begin),
             &scratch[thread]);
  });
}

void CandidateLists::JoinLeaf(const Space& space, std::span<const uint32_t> nodes,
                              Scratch* scratch) {
  const simd::BelowFn below = simd::GetKernels().below;
  const size_t count = nodes.size();
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(scratch->gathered.data() + i * space.stride(), space.row(nodes[i]), space.stride());
  }
  space.AllPairs(scratch->gathered.data(), count, scratch->distances.data());
  for (size_t i = 0; i < count; ++i) {
    search::Candidate* list = lists_.data() + nodes[i] * kSize;
    search::Candidate* const end = list + kSize;
    const float* distances = scratch->distances.data() + i * count;
    const size_t near = below(distances, count, end[-1].distance, scratch->near.data());
    for (size_t m = 0; m < near; ++m) {
      const size_t j = scratch->near[m];
      const search::Candidate c{distances[j], nodes[j]};
      if (j == i || !(c < end[-1])) continue;
      search::Candidate* at = std::lower_bound(list, end, c);
      if (at->row == c.row) continue;  // of another tree
      std::move_backward(at, end - 1, end);
      *at = c;
    }
  }
}

double CandidateLists::FinerThanBytes(size_t dim) const {
  const size_t n = lists_.size() / kSize;
  const size_t judged = std::min(n, kJudgedNodes);
  const float least = kFinest * static_cast<float>(dim) / 6;
  size_t too_near = 0;
  for (size_t i = 0; i < judged; ++i) {
    too_near += Of(i * n / judged)[kJudgedRank - 1].distance < least ? 1 : 0;
  }
  return static_cast<double>(too_near) / static_cast<double>(std::max<size_t>(1, judged));
}

Result<Candidates> FindCandidates(const MatrixView& rows, Metric metric,
                                  std::span<const uint32_t> nodes, const Frame& frame,
                                  const std::vector<trees::Tree>& trees, bool in_floats,
                                  const Progress& progress, ThreadPool& pool) {
  constexpr double kMostTooFine = 0.05;
  const size_t num_linked = trees[0].entries.size();
  for (const bool as_floats : {false, true}) {
    if (in_floats && !as_floats) continue;
    Candidates found;
    KITH_ASSIGN_OR_RETURN(found.space, Space::Create(rows, metric, nodes, frame, as_floats, pool));
    KITH_ASSIGN_OR_RETURN(found.lists, CandidateLists::Create(num_linked, pool));
    for (size_t t = 0; t < trees.size(); ++t) {
      KITH_RETURN_IF_ERROR(found.lists.Join(found.space, trees[t], kLeafSize, pool));
      KITH_RETURN_IF_ERROR(pool.Report(progress, "candidates", t + 1, trees.size()));
    }
    if (found.space.rounded()) {
      found.too_fine = found.lists.FinerThanBytes(found.space.table().rows.dim);
    }
    if (found.too_fine <= kMostTooFine) return found;
  }
  return Status::Internal("floats are not rounded");
}

}  // namespace kith::graph
