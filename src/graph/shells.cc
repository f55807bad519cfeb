#include "graph/shells.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "graph/link.h"
#include "search/metric_traits.h"

namespace kith::graph {
namespace {

constexpr size_t kNodesAtOnce = 256;

// How near others are to a node is told by the distance of this one of them, for some may be as
// good as copies of the node: of pairs of nearly equal vectors, each has its own partner nearer
// than any middle.
constexpr size_t kJudgedRank = 8;

// The smallest distances of those added, as many as count.
class Nearest {
 public:
  void Add(float distance) {
    if (distance >= distances_.back()) return;
    const auto at = std::upper_bound(distances_.begin(), distances_.end(), distance);
    std::copy_backward(at, distances_.end() - 1, distances_.end());
    *at = distance;
  }
  void Add(const Nearest& other) {
    for (const float distance : other.distances_) Add(distance);
  }
  // Of the judged one; infinite if there are fewer.
  float gap() const { return distances_.back(); }

 private:
  static constexpr float kNone = std::numeric_limits<float>::infinity();
  std::array<float, kJudgedRank> distances_ = {kNone, kNone, kNone, kNone,
                                               kNone, kNone, kNone, kNone};
};

// A node hides others from one that it is nearer to by this factor: they are passed over for it.
float HidingFactor(const Space& space) {
  const LinkOptions options;
  return search::TraitsOf(space.table().metric).squared ? options.alpha * options.alpha
                                                        : options.alpha;
}

// Looks for the core of one shell by the distances of all its nodes to a sample of them.
class CoreFinder {
 public:
  CoreFinder(const Space& space, std::vector<uint32_t> nodes, ThreadPool& pool)
      : space_(space), nodes_(std::move(nodes)), pool_(pool) {
    constexpr size_t kSample = 192;
    const size_t count = std::min(kSample, nodes_.size());
    for (size_t i = 0; i < count; ++i) {
      sample_.push_back(nodes_[(2 * i + 1) * nodes_.size() / (2 * count)]);
    }
  }

  // The nodes of the core; none if there is no such. A node belongs to it if it is nearer to most
  // of those outside than all but a few of these are, by the factor that edges are passed over by.
  Result<std::vector<uint32_t>> Find() {
    KITH_RETURN_IF_ERROR(FindOuter());
    KITH_RETURN_IF_ERROR(MeasureGaps());
    const float factor = HidingFactor(space_);
    std::vector<uint8_t> hides(nodes_.size());
    KITH_RETURN_IF_ERROR(
        EachDistances([&](size_t i, std::vector<float>* distances, int /*thread*/) {
          size_t near = 0;
          for (size_t s = 0; s < sample_.size(); ++s) {
            near += sample_[s] != nodes_[i] && factor * (*distances)[s] <= gaps_[s] ? 1 : 0;
          }
          hides[i] = 2 * near > sample_.size() ? 1 : 0;
        }));
    std::vector<uint32_t> core;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (hides[i] != 0) core.push_back(nodes_[i]);
    }
    return core;
  }

 private:
  // Calls fn(i, distances of node i to the sample, thread) for each node, in parallel.
  template <class Fn>
  Status EachDistances(Fn fn) {
    return pool_.Chunks(nodes_.size(), kNodesAtOnce, [&](size_t begin, size_t end, int thread) {
      std::vector<float> distances(sample_.size());
      for (size_t i = begin; i < end; ++i) {
        space_.ToNodes(nodes_[i], sample_.data(), sample_.size(), distances.data());
        fn(i, &distances, thread);
      }
    });
  }

  // The half of the nodes whose median distance to the others is the larger, and the sample without
  // the rest.
  Status FindOuter() {
    std::vector<float> medians(nodes_.size());
    KITH_RETURN_IF_ERROR(
        EachDistances([&](size_t i, std::vector<float>* distances, int /*thread*/) {
          const auto middle = distances->begin() + static_cast<ptrdiff_t>(distances->size() / 2);
          std::nth_element(distances->begin(), middle, distances->end());
          medians[i] = *middle;
        }));
    std::vector<float> sorted = medians;
    const auto middle = sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    outer_.resize(nodes_.size());
    for (size_t i = 0; i < nodes_.size(); ++i) outer_[i] = medians[i] >= *middle ? 1 : 0;
    std::erase_if(sample_, [&](uint32_t node) {
      return outer_[std::lower_bound(nodes_.begin(), nodes_.end(), node) - nodes_.begin()] == 0;
    });
    return Status::Ok();
  }

  // How near to each of the sample others of the outer half are.
  Status MeasureGaps() {
    std::vector<std::vector<Nearest>> of_thread(pool_.size(), std::vector<Nearest>(sample_.size()));
    KITH_RETURN_IF_ERROR(EachDistances([&](size_t i, std::vector<float>* distances, int thread) {
      if (outer_[i] == 0) return;
      for (size_t s = 0; s < sample_.size(); ++s) {
        if (sample_[s] != nodes_[i]) of_thread[thread][s].Add((*distances)[s]);
      }
    }));
    for (size_t s = 0; s < sample_.size(); ++s) {
      for (size_t t = 1; t < of_thread.size(); ++t) of_thread[0][s].Add(of_thread[t][s]);
      gaps_.push_back(of_thread[0][s].gap());
    }
    return Status::Ok();
  }

  const Space& space_;
  const std::vector<uint32_t> nodes_;  // ascending
  ThreadPool& pool_;
  std::vector<uint32_t> sample_;
  std::vector<uint8_t> outer_;  // by place in nodes_
  std::vector<float> gaps_;     // by place in sample_
};

}  // namespace

Result<bool> HeldOutHide(const Space& space, const LinkTable& table, size_t num_nodes,
                         ThreadPool& pool) {
  constexpr size_t kMostSampled = 64;
  const size_t n = table.size();
  const size_t count = std::min(n, kMostSampled);
  std::vector<uint32_t> sample;
  std::vector<float> gaps;
  std::vector<float> distances(table.degree);
  for (size_t i = 0; i < count; ++i) {
    sample.push_back(static_cast<uint32_t>((2 * i + 1) * n / (2 * count)));
    const auto links = table.Of(sample.back());
    space.ToNodes(sample.back(), links.data(), links.size(), distances.data());
    Nearest nearest;
    for (size_t j = 0; j < links.size(); ++j) nearest.Add(distances[j]);
    gaps.push_back(nearest.gap());
  }
  const float factor = HidingFactor(space);
  std::vector<uint8_t> hides(pool.size());
  KITH_RETURN_IF_ERROR(
      pool.Chunks(num_nodes - n, kNodesAtOnce, [&](size_t begin, size_t end, int thread) {
        std::vector<float> to_sample(count);
        for (size_t i = begin; i < end; ++i) {
          space.ToNodes(static_cast<uint32_t>(n + i), sample.data(), count, to_sample.data());
          size_t near = 0;
          for (size_t s = 0; s < count; ++s) near += factor * to_sample[s] <= gaps[s] ? 1 : 0;
          if (2 * near > count) hides[thread] = 1;
        }
      }));
  return std::find(hides.begin(), hides.end(), 1) != hides.end();
}

Result<ShellsOfNodes> PartCores(const Space& space, ShellsOfNodes shells, ThreadPool& pool) {
  constexpr size_t kLeastNodes = 256;  // of a shell that may be parted
  size_t count = size_t{1} + *std::max_element(shells.begin(), shells.end());
  for (size_t shell = 0; shell < count && count < kMaxShells; ++shell) {
    std::vector<uint32_t> nodes;
    for (uint32_t node = 0; node < shells.size(); ++node) {
      if (shells[node] == shell) nodes.push_back(node);
    }
    if (nodes.size() < kLeastNodes) continue;
    KITH_ASSIGN_OR_RETURN(const std::vector<uint32_t> core,
                          CoreFinder(space, std::move(nodes), pool).Find());
    if (core.empty()) continue;
    for (uint8_t& s : shells) s += s > shell ? 1 : 0;
    for (const uint32_t node : core) ++shells[node];
    ++count;
    ++shell;  // the core may have one of its own, which the next round finds
  }
  return shells;
}

}  // namespace kith::graph
