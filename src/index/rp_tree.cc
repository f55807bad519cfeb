#include "index/rp_tree.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/rng.h"
#include "quant/sketch.h"
#include "simd/kernels.h"

namespace kith {
namespace {

// Points from which a split is learnt: half of a node's, within bounds. Fewer make worse planes,
// which shows most at small search_k.
constexpr size_t kLeastSample = 32;
constexpr size_t kMostSample = 64;
constexpr int kRounds = 4;             // of Lloyd's algorithm, at most
constexpr size_t kGatherBelow = 4096;  // subtrees this small are copied to stay in cache
constexpr double kMaxImbalance = 0.95;

class Grower {
 public:
  Grower(const TreeShape& shape, uint64_t seed)
      : shape_(shape),
        stride_(SketchStride(shape.sketch_dim)),
        node_bytes_(NodeBytes(shape.sketch_dim)),
        kernels_(simd::GetKernels().f32[static_cast<size_t>(DataType::kF32)]),
        rng_(seed) {}

  Result<Tree> Run(const float* sketches, size_t n) {
    KITH_ASSIGN_OR_RETURN(sample_, AlignedBuffer<float>::Create(kMostSample * stride_));
    const size_t query = RoundUp(stride_, simd::kQueryPadding);
    KITH_ASSIGN_OR_RETURN(direction_, AlignedBuffer<float>::Create(query));
    KITH_ASSIGN_OR_RETURN(gathered_,
                          AlignedBuffer<float>::Create(std::min(n, kGatherBelow) * stride_));
    margins_.resize(std::max(n, kMostSample));
    std::vector<uint32_t> points(n);
    std::iota(points.begin(), points.end(), 0u);
    tree_.entries.reserve(n);
    Grow(sketches, points.data(), n, kNoParent, nullptr);
    return std::move(tree_);
  }

 private:
  static constexpr uint32_t kNoParent = ~0u;

  struct Task {
    uint32_t begin;
    uint32_t end;
    uint32_t parent;  // whose child this becomes
    bool right;
  };

  // Grows the subtree of points[0..n), numbers of rows of `sketches`. `names`, if given, are the
  // points' numbers in the whole tree.
  void Grow(const float* sketches, uint32_t* points, size_t n, uint32_t parent,
            const uint32_t* names, bool parent_right = false) {
    std::vector<Task> tasks = {{0, static_cast<uint32_t>(n), parent, parent_right}};
    while (!tasks.empty()) {
      const Task task = tasks.back();
      tasks.pop_back();
      const size_t size = task.end - task.begin;
      if (size <= shape_.leaf_size) {
        AddLeaf(points + task.begin, size, names, task);
      } else if (names == nullptr && size <= kGatherBelow) {
        GrowGathered(sketches, points + task.begin, size, task);
      } else {
        const uint32_t node = AddNode(task);
        const auto middle =
            static_cast<uint32_t>(task.begin + Split(sketches, points + task.begin, size, node));
        tasks.push_back({middle, task.end, node, true});
        tasks.push_back({task.begin, middle, node, false});
      }
    }
  }

  void GrowGathered(const float* sketches, const uint32_t* points, size_t n, const Task& task) {
    for (size_t i = 0; i < n; ++i) {
      std::memcpy(gathered_.data() + i * stride_, sketches + size_t{points[i]} * stride_,
                  stride_ * sizeof(float));
    }
    local_.resize(n);
    std::iota(local_.begin(), local_.end(), 0u);
    Grow(gathered_.data(), local_.data(), n, task.parent, points, task.right);
  }

  void SetChild(const Task& task, uint32_t child) {
    if (task.parent == kNoParent) {
      tree_.root = child;
      return;
    }
    TreeNode* node = Node(task.parent);
    node->children[task.right ? 1 : 0] = child;
  }

  TreeNode* Node(uint32_t i) {
    return reinterpret_cast<TreeNode*>(tree_.nodes.data() + i * node_bytes_);
  }

  uint32_t AddNode(const Task& task) {
    const auto number = static_cast<uint32_t>(tree_.nodes.size() / node_bytes_);
    tree_.nodes.resize(tree_.nodes.size() + node_bytes_);
    SetChild(task, number);
    return number;
  }

  void AddLeaf(const uint32_t* points, size_t n, const uint32_t* names, const Task& task) {
    SetChild(task, static_cast<uint32_t>(tree_.leaf_ends.size()) | kLeafBit);
    for (size_t i = 0; i < n; ++i) {
      tree_.entries.push_back(names == nullptr ? points[i] : names[points[i]]);
    }
    tree_.leaf_ends.push_back(static_cast<uint32_t>(tree_.entries.size()));
  }

  // Chooses the node's plane and moves the points left of it to the front. Returns their number.
  size_t Split(const float* sketches, uint32_t* points, size_t n, uint32_t node_number) {
    TreeNode* node = Node(node_number);
    auto* stored = reinterpret_cast<int8_t*>(node + 1);
    if (!LearnPlane(sketches, points, n, node, stored)) return SplitEvenly(n, node, stored);

    kernels_[static_cast<size_t>(simd::Op::kDot)].ids(
        reinterpret_cast<const std::byte*>(direction_.data()),
        reinterpret_cast<const std::byte*>(sketches), stride_ * sizeof(float), points, n, stride_,
        margins_.data());
    for (size_t i = 0; i < n; ++i) margins_[i] *= node->scale;
    size_t left = Partition(points, n, node->threshold);
    if (static_cast<double>(std::max(left, n - left)) > kMaxImbalance * static_cast<double>(n)) {
      // Far from balanced: the median of what the plane's normal sees, if it sees any difference.
      std::vector<float> sorted(margins_.begin(), margins_.begin() + static_cast<ptrdiff_t>(n));
      std::nth_element(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(n / 2),
                       sorted.end());
      node->threshold = sorted[n / 2];
      left = Partition(points, n, node->threshold);
      if (left == 0 || left == n) return SplitEvenly(n, node, stored);
    }
    return left;
  }

  // Points that look alike: half to each side, and a plane at distance 0 from every query.
  size_t SplitEvenly(size_t n, TreeNode* node, int8_t* stored) {
    node->threshold = 0;
    node->scale = 0;
    std::memset(stored, 0, NodeDims(shape_.sketch_dim));
    return n / 2;
  }

  size_t Partition(uint32_t* points, size_t n, float threshold) {
    size_t i = 0;
    size_t j = n;
    while (true) {
      while (i < j && margins_[i] < threshold) ++i;
      while (i < j && !(margins_[j - 1] < threshold)) --j;
      if (i >= j) return i;
      std::swap(margins_[i], margins_[j - 1]);
      std::swap(points[i], points[j - 1]);
    }
  }

  // Two-means on a sample; the plane halfway between the centroids, its normal rounded to 8 bits.
  // False if the sample's points are all the same.
  bool LearnPlane(const float* sketches, const uint32_t* points, size_t n, TreeNode* node,
                  int8_t* stored) {
    const size_t samples = std::clamp(n / 2, std::min(n, kLeastSample), kMostSample);
    for (size_t i = 0; i < samples; ++i) {
      const uint32_t pick = points[samples == n ? i : rng_.Below(static_cast<uint32_t>(n))];
      std::memcpy(sample_.data() + i * stride_, sketches + size_t{pick} * stride_,
                  stride_ * sizeof(float));
    }
    if (!TwoMeans(samples)) return false;
    float largest = 0;
    for (size_t c = 0; c < shape_.sketch_dim; ++c) {
      largest = std::max(largest, std::abs(direction_[c]));
    }
    if (!(largest > 0) || !std::isfinite(127 / largest)) return false;
    float norm = 0;
    float middle = 0;
    for (size_t c = 0; c < shape_.sketch_dim; ++c) {
      stored[c] = static_cast<int8_t>(std::lrint(direction_[c] * (127 / largest)));
      direction_[c] = stored[c];
      norm += direction_[c] * direction_[c];
      middle += direction_[c] * 0.5f * (centroids_[0][c] + centroids_[1][c]);
    }
    node->scale = 1 / std::sqrt(norm);
    node->threshold = middle * node->scale;
    return true;
  }

  // Lloyd's algorithm with two centroids on the first rows of sample_. Leaves the centroids'
  // difference in direction_. False if all rows are the same.
  bool TwoMeans(size_t samples) {
    const float* first = sample_.data();
    size_t other = 1;
    const auto same = [&](size_t i) {
      return std::memcmp(first + i * stride_, first, stride_ * sizeof(float)) == 0;
    };
    while (other < samples && same(other)) ++other;
    if (other >= samples) return false;
    centroids_[0].assign(first, first + stride_);
    centroids_[1].assign(first + other * stride_, first + (other + 1) * stride_);
    size_t in_second = 0;
    for (int round = 0; round < kRounds; ++round) {
      float middle = 0;
      for (size_t c = 0; c < stride_; ++c) {
        direction_[c] = centroids_[1][c] - centroids_[0][c];
        middle += direction_[c] * 0.5f * (centroids_[0][c] + centroids_[1][c]);
      }
      kernels_[static_cast<size_t>(simd::Op::kDot)].tile(
          reinterpret_cast<const std::byte*>(direction_.data()), 0, 1,
          reinterpret_cast<const std::byte*>(first), stride_ * sizeof(float), samples, stride_,
          margins_.data(), 0);
      const size_t count = static_cast<size_t>(
          std::count_if(margins_.begin(), margins_.begin() + static_cast<ptrdiff_t>(samples),
                        [&](float m) { return m > middle; }));
      if (count == in_second || count == 0 || count == samples) break;
      in_second = count;
      UpdateCentroids(samples, count, middle);
    }
    return true;
  }

  // The means of the sample's rows on either side of the plane.
  void UpdateCentroids(size_t samples, size_t in_second, float middle) {
    for (auto& centroid : centroids_) std::fill(centroid.begin(), centroid.end(), 0.0f);
    const float weights[2] = {1.0f / static_cast<float>(samples - in_second),
                              1.0f / static_cast<float>(in_second)};
    for (size_t i = 0; i < samples; ++i) {
      float* sum = centroids_[margins_[i] > middle ? 1 : 0].data();
      const float* x = sample_.data() + i * stride_;
      for (size_t c = 0; c < stride_; ++c) sum[c] += x[c];
    }
    for (size_t c = 0; c < stride_; ++c) {
      centroids_[0][c] *= weights[0];
      centroids_[1][c] *= weights[1];
    }
  }

  const TreeShape shape_;
  const size_t stride_;
  const size_t node_bytes_;
  const simd::DistanceKernel* kernels_;
  Rng rng_;
  Tree tree_;
  AlignedBuffer<float> sample_;
  std::vector<float> centroids_[2];
  AlignedBuffer<float> direction_;
  AlignedBuffer<float> gathered_;
  std::vector<uint32_t> local_;
  std::vector<float> margins_;
};

}  // namespace

Result<Tree> GrowTree(const float* sketches, size_t n, const TreeShape& shape, uint64_t seed) {
  return Grower(shape, seed).Run(sketches, n);
}

}  // namespace kith
