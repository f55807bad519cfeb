#include "trees/rp_tree.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/rng.h"
#include "simd/kernels.h"

namespace kith::trees {
namespace {

// Points from which a split is learnt: half of a node's, within bounds. Fewer make worse planes,
// which shows most at small search_k.
constexpr size_t kLeastSample = 32;
constexpr size_t kMostSample = 64;
constexpr int kRounds = 3;  // of Lloyd's algorithm, at most
constexpr double kMaxImbalance = 0.95;

// Subtrees this small are copied together and grown in cache. Larger sets are first divided by a
// tree grown on a sample of them, through which all their points descend in one pass.
constexpr size_t kBlock = 8192;
constexpr size_t kBucket = 6144;  // points that an end of such a tree should receive
constexpr size_t kMaxTopDepth = 20;
constexpr size_t kMaxTopNodes = 1024;

// Bytes are too coarse for a set if more than this share of it lies within a level of the plane.
constexpr double kMostNear = 0.25;

class Grower {
 public:
  Grower(const quant::ByteSketches& bytes, const float* sketches, const TreeShape& shape,
         uint64_t seed)
      : bytes_(bytes),
        sketches_(sketches),
        shape_(shape),
        stride_(quant::SketchStride(shape.sketch_dim)),
        byte_stride_(quant::ByteStride(shape.sketch_dim)),
        node_bytes_(NodeBytes(shape.sketch_dim)),
        kernels_(simd::GetKernels().tree[byte_stride_ == 64 ? 0 : 1]),
        rng_(seed) {}

  Result<Tree> Run(size_t n, const ThreadPool& pool) {
    KITH_ASSIGN_OR_RETURN(sample_, AlignedBuffer<uint8_t>::Create(kMostSample * byte_stride_));
    KITH_ASSIGN_OR_RETURN(block_,
                          AlignedBuffer<uint8_t>::Create(std::min(n, kBlock) * byte_stride_));
    KITH_ASSIGN_OR_RETURN(direction_,
                          AlignedBuffer<float>::Create(RoundUp(stride_, simd::kQueryPadding)));
    if (n > kBlock) {
      KITH_ASSIGN_OR_RETURN(directions_,
                            AlignedBuffer<int8_t>::Create(kMaxTopNodes * byte_stride_));
      KITH_ASSIGN_OR_RETURN(offsets_, AlignedBuffer<int32_t>::Create(kMaxTopNodes * kOffsets));
    }
    local_.resize(std::min(n, kBlock));
    scratch_.resize(std::min(n, kBlock) + 16);
    points_.resize(n);
    std::iota(points_.begin(), points_.end(), 0u);
    tree_.entries.reserve(n);
    // Leaves are about half full.
    tree_.leaf_ends.reserve(n / shape_.leaf_size * 2);
    tree_.nodes.reserve(n / shape_.leaf_size * 2 * node_bytes_);
    std::vector<Task> tasks = {{0, static_cast<uint32_t>(n), kNoParent, false}};
    while (!tasks.empty()) {
      KITH_RETURN_IF_ERROR(pool.CheckStop());
      const Task task = tasks.back();
      tasks.pop_back();
      if (task.size() <= shape_.leaf_size) {
        AddLeaf(points_.data() + task.begin, task.size(), task);
      } else if (task.size() <= kBlock) {
        GrowBlock(task);
      } else if (!DivideBySample(task, n, &tasks)) {
        const uint32_t node = AddNode(task);
        uint32_t* points = points_.data() + task.begin;
        const auto middle =
            static_cast<uint32_t>(task.begin + DivideByFloats(node, points, task.size(),
                                                              [&](size_t i) { return points[i]; }));
        tasks.push_back({middle, task.end, node, true});
        tasks.push_back({task.begin, middle, node, false});
      }
    }
    return std::move(tree_);
  }

 private:
  static constexpr uint32_t kNoParent = ~0u;

  // A set of points that becomes a subtree.
  struct Task {
    uint32_t begin;
    uint32_t end;
    uint32_t parent;  // whose child this becomes
    bool right;
    uint32_t levels = 0;  // in a block: those of its rows
    uint32_t depth = 0;
    size_t size() const { return end - begin; }
  };

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

  // A node with an empty plane: scale and direction are 0.
  uint32_t AddNode(const Task& task) {
    const auto number = static_cast<uint32_t>(tree_.nodes.size() / node_bytes_);
    tree_.nodes.resize(tree_.nodes.size() + node_bytes_);
    SetChild(task, number);
    return number;
  }

  // Stores a plane of rows with the given levels; between the last dot product on the left and the
  // first on the right.
  void SetPlane(uint32_t number, const simd::SplitPlane& plane, const quant::SketchLevels& levels) {
    int sum = 0;
    for (size_t c = 0; c < shape_.sketch_dim; ++c) sum += plane.direction[c];
    double centre = 0;
    for (size_t c = 0; c < shape_.sketch_dim && !levels.around_zero; ++c) {
      centre += plane.direction[c] * static_cast<double>(levels.centre[c]);
    }
    const double scale = 1 / static_cast<double>(plane.norm);
    TreeNode* node = Node(number);
    node->scale = static_cast<float>(scale);
    node->threshold = static_cast<float>(
        scale * (centre + static_cast<double>(levels.step) * (plane.threshold + 0.5 - 128 * sum)));
    std::memcpy(node + 1, plane.direction, shape_.sketch_dim);
    tree_.fine_nodes += levels.step < bytes_.levels.step / 4 ? 1 : 0;
  }

  void AddLeaf(const uint32_t* points, size_t n, const Task& task) {
    SetChild(task, static_cast<uint32_t>(tree_.leaf_ends.size()) | kLeafBit);
    tree_.entries.insert(tree_.entries.end(), points, points + n);
    tree_.leaf_ends.push_back(static_cast<uint32_t>(tree_.entries.size()));
  }

  void CopyRow(const uint8_t* from, uint8_t* to) const {
    for (size_t line = 0; line < byte_stride_; line += kCacheLine) {
      std::memcpy(to + line, from + line, kCacheLine);
    }
  }

  // ---- Planes.

  // One of `strata` equal parts of n, and a random place in it.
  struct Strata {
    Strata(size_t n, size_t count) : width((uint64_t{n} << 16) / count) {}
    size_t Pick(size_t i, Rng* rng) {
      if (left == 0) {
        bits = rng->Next();
        left = 4;
      }
      const uint64_t offset = ((bits & 0xFFFF) * width) >> 16;
      bits >>= 16;
      --left;
      return static_cast<size_t>((i * width + offset) >> 16);
    }
    uint64_t width;
    uint64_t bits = 0;
    int left = 0;
  };

  // Two-means on a sample of rows ids[0..n); the plane halfway between the means. False if the
  // sample's rows are all the same.
  bool LearnPlane(const uint8_t* rows, const uint32_t* ids, size_t n) {
    const size_t samples = std::clamp(n / 2, std::min(n, kLeastSample), kMostSample);
    Strata strata(n, samples);
    for (size_t i = 0; i < samples; ++i) picks_[i] = ids[strata.Pick(i, &rng_)];
    return LearnFromPicks(rows, samples);
  }

  // As above, from the first of picks_.
  bool LearnFromPicks(const uint8_t* rows, size_t samples) {
    const size_t first = rng_.Below(static_cast<uint32_t>(samples));
    size_t second = (first + 1 + rng_.Below(static_cast<uint32_t>(samples - 1))) % samples;
    const auto row = [&](size_t i) { return rows + size_t{picks_[i]} * byte_stride_; };
    for (size_t tried = 1; std::memcmp(row(first), row(second), byte_stride_) == 0; ++tried) {
      if (tried == samples) return false;
      second = (second + 1) % samples;
    }
    kernels_.two_means(rows, picks_, samples, first, second, kRounds, &plane_);
    return plane_.norm > 0;
  }

  // Levels that hold all of the given points. Their step is 0 if these are all the same.
  template <class PointAt>
  quant::SketchLevels FitLevels(size_t n, PointAt point_at) const {
    const size_t dim = shape_.sketch_dim;
    std::vector<float> low(dim, std::numeric_limits<float>::infinity());
    std::vector<float> high(dim, -std::numeric_limits<float>::infinity());
    for (size_t i = 0; i < n; ++i) {
      const float* z = sketches_ + size_t{point_at(i)} * stride_;
      for (size_t c = 0; c < dim; ++c) {
        low[c] = std::min(low[c], z[c]);
        high[c] = std::max(high[c], z[c]);
      }
    }
    float half_range = 0;
    for (size_t c = 0; c < dim; ++c) {
      half_range = std::max(half_range, (high[c] - low[c]) / 2);
      low[c] += (high[c] - low[c]) / 2;
    }
    return quant::SketchLevels::Around(std::move(low), half_range);
  }

  // ---- In a block.

  // Grows the subtree of up to kBlock points.
  void GrowBlock(const Task& whole) {
    const uint32_t* names = points_.data() + whole.begin;
    GatherBlock(names, whole.size());
    std::vector<Task> tasks = {
        {0, static_cast<uint32_t>(whole.size()), whole.parent, whole.right, 0, 0}};
    while (!tasks.empty()) {
      Task task = tasks.back();
      tasks.pop_back();
      uint32_t* ids = local_.data() + task.begin;
      const size_t size = task.size();
      if (size <= shape_.leaf_size) {
        for (size_t i = 0; i < size; ++i) ids[i] = names[ids[i]];
        AddLeaf(ids, size, task);
        continue;
      }
      const uint32_t node = AddNode(task);
      size_t left = DivideBlock(ids, size);
      if (left == 0 && RoundAgain(names, &task)) left = DivideBlock(ids, size);
      if (left != 0) {
        SetPlane(node, plane_, levels_[task.levels]);
      } else {
        left = DivideByFloats(node, ids, size, [&](size_t i) { return names[ids[i]]; });
      }
      const auto middle = static_cast<uint32_t>(task.begin + left);
      tasks.push_back({middle, task.end, node, true, task.levels, 0});
      tasks.push_back({task.begin, middle, node, false, task.levels, 0});
    }
  }

  void GatherBlock(const uint32_t* names, size_t n) {
    constexpr size_t kAhead = 32;
    for (size_t i = 0; i < n; ++i) {
      if (i + kAhead < n) {
        const uint8_t* next = bytes_.rows.data() + size_t{names[i + kAhead]} * byte_stride_;
        for (size_t line = 0; line < byte_stride_; line += kCacheLine) {
          __builtin_prefetch(next + line);
        }
      }
      CopyRow(bytes_.rows.data() + size_t{names[i]} * byte_stride_,
              block_.data() + i * byte_stride_);
    }
    std::iota(local_.begin(), local_.begin() + static_cast<ptrdiff_t>(n), 0u);
    levels_.assign(1, bytes_.levels);
  }

  // Rounds the task's rows with levels of their own if these are much finer.
  bool RoundAgain(const uint32_t* names, Task* task) {
    const uint32_t* ids = local_.data() + task->begin;
    quant::SketchLevels levels = FitLevels(task->size(), [&](size_t i) { return names[ids[i]]; });
    if (levels.step == 0 || levels.step > 0.25f * levels_[task->levels].step) return false;
    for (size_t i = 0; i < task->size(); ++i) {
      levels.Round(sketches_ + size_t{names[ids[i]]} * stride_,
                   block_.data() + size_t{ids[i]} * byte_stride_);
    }
    task->levels = static_cast<uint32_t>(levels_.size());
    levels_.push_back(std::move(levels));
    return true;
  }

  // Learns a plane and moves the points left of it to the front. Far from balanced: the median of
  // what the plane's normal sees takes its place. Returns the number of points on the left, 0 if
  // the rows are too coarse to tell the points apart.
  size_t DivideBlock(uint32_t* ids, size_t n) {
    if (!LearnPlane(block_.data(), ids, n)) return 0;
    size_t near = 0;
    size_t left = kernels_.divide(plane_, block_.data(), ids, n, scratch_.data(), &near);
    if (!IsBalanced(left, n)) {
      dots_.resize(n);
      kernels_.project(plane_, block_.data(), ids, n, dots_.data());
      const auto middle = dots_.begin() + static_cast<ptrdiff_t>(n / 2);
      std::nth_element(dots_.begin(), middle, dots_.end());
      plane_.threshold = *middle - 1;
      left = kernels_.divide(plane_, block_.data(), ids, n, scratch_.data(), &near);
    }
    return static_cast<double>(near) > kMostNear * static_cast<double>(n) || left == n ? 0 : left;
  }

  static bool IsBalanced(size_t left, size_t n) {
    return static_cast<double>(std::max(left, n - left)) <= kMaxImbalance * static_cast<double>(n);
  }

  // ---- Sets larger than a block.

  // Divides the points of a task into about as many as make blocks of them. False if bytes are too
  // coarse to tell them apart.
  bool DivideBySample(const Task& task, size_t all, std::vector<Task>* tasks) {
    uint32_t* points = points_.data() + task.begin;
    const size_t n = task.size();
    const size_t samples = std::min(kBlock, n / 4);
    names_.resize(samples);
    Strata strata(n, samples);
    for (size_t i = 0; i < samples; ++i) names_[i] = points[strata.Pick(i, &rng_)];
    GatherBlock(names_.data(), samples);
    const size_t first_new = tasks->size();
    if (!GrowTop(task, samples, tasks)) return false;

    ends_.resize(n);
    const simd::RouteTree tree{directions_.data(), offsets_.data(), left_.data()};
    kernels_.route(tree, bytes_.rows.data(), n == all ? nullptr : points, n, ends_.data());
    // Counting sort by the end reached; ends are numbered from left to right.
    std::vector<uint32_t> starts(tasks->size() - first_new + 1, 0);
    for (size_t i = 0; i < n; ++i) ++starts[ends_[i]];
    uint32_t start = 0;
    for (uint32_t& s : starts) {
      const uint32_t count = s;
      s = start;
      start += count;
    }
    sorted_.resize(n);
    for (size_t i = 0; i < n; ++i) sorted_[starts[ends_[i]]++] = points[i];
    std::copy(sorted_.begin(), sorted_.end(), points);
    for (size_t i = first_new; i < tasks->size(); ++i) {
      (*tasks)[i].begin = task.begin + (i == first_new ? 0 : starts[i - first_new - 1]);
      (*tasks)[i].end = task.begin + starts[i - first_new];
    }
    // The leftmost next.
    std::reverse(tasks->begin() + static_cast<ptrdiff_t>(first_new), tasks->end());
    return true;
  }

  // Grows the top of a subtree on the sample in the block, down to ends that receive about kBucket
  // of the task's points. Appends a task for each end, from left to right. False if not even one
  // plane was found.
  bool GrowTop(const Task& whole, size_t samples, std::vector<Task>* tasks) {
    const double points_a_sample = static_cast<double>(whole.size()) / static_cast<double>(samples);
    const auto bucket = static_cast<double>(std::max<size_t>(kBucket, shape_.leaf_size));
    const size_t first_new = tasks->size();
    left_.assign(1, 0);
    std::vector<TopTask> stack = {
        {{0, static_cast<uint32_t>(samples), whole.parent, whole.right}, 0}};
    while (!stack.empty()) {
      const TopTask top = stack.back();
      stack.pop_back();
      const Task& task = top.task;
      uint32_t* ids = local_.data() + task.begin;
      const bool root = top.route == 0;
      const bool wanted = static_cast<double>(task.size()) * points_a_sample > bucket &&
                          task.size() >= kMostSample && task.depth < kMaxTopDepth &&
                          left_.size() + 2 <= kMaxTopNodes;
      size_t left = 0;
      if (root || wanted) left = DivideBlock(ids, task.size());
      if (left == 0) {
        if (root) return false;
        left_[top.route] = -1 - static_cast<int32_t>(tasks->size() - first_new);
        tasks->push_back({0, 0, task.parent, task.right});
        continue;
      }
      const uint32_t node = AddNode(task);
      SetPlane(node, plane_, bytes_.levels);
      const auto child = static_cast<uint32_t>(left_.size());
      left_[top.route] = static_cast<int32_t>(child);
      left_.resize(child + 2);
      offsets_[size_t{top.route} * kOffsets] = -plane_.threshold;
      std::memcpy(directions_.data() + top.route * byte_stride_, plane_.direction, byte_stride_);
      const auto middle = static_cast<uint32_t>(task.begin + left);
      stack.push_back({{middle, task.end, node, true, 0, task.depth + 1}, child + 1});
      stack.push_back({{task.begin, middle, node, false, 0, task.depth + 1}, child});
    }
    return true;
  }

  // One plane for points that bytes do not tell apart: rounds a sample with levels of its own, but
  // projects all points as floats, as queries will be. `ids` are what is moved, point_at(i) is the
  // point of ids[i]. Returns the number of points on the left.
  template <class PointAt>
  size_t DivideByFloats(uint32_t number, uint32_t* ids, size_t n, PointAt point_at) {
    const size_t samples = std::min(n, kMostSample);
    sorted_.resize(n);
    Strata strata(n, samples);
    for (size_t i = 0; i < samples; ++i) sorted_[i] = point_at(strata.Pick(i, &rng_));
    const quant::SketchLevels levels = FitLevels(samples, [&](size_t i) { return sorted_[i]; });
    if (levels.step == 0) return n / 2;  // no plane separates them
    for (size_t i = 0; i < samples; ++i) {
      levels.Round(sketches_ + size_t{sorted_[i]} * stride_, sample_.data() + i * byte_stride_);
    }
    std::iota(picks_, picks_ + samples, 0u);
    if (!LearnFromPicks(sample_.data(), samples)) return n / 2;
    SetPlane(number, plane_, levels);
    for (size_t c = 0; c < shape_.sketch_dim; ++c) direction_[c] = plane_.direction[c];
    for (size_t i = 0; i < n; ++i) sorted_[i] = point_at(i);
    margins_.resize(n);
    simd::GetKernels()
        .f32[static_cast<size_t>(DataType::kF32)][static_cast<size_t>(simd::Op::kDot)]
        .ids(reinterpret_cast<const std::byte*>(direction_.data()),
             reinterpret_cast<const std::byte*>(sketches_), stride_ * sizeof(float), sorted_.data(),
             n, stride_, margins_.data());
    TreeNode* node = Node(number);
    for (float& margin : margins_) margin *= node->scale;
    const size_t left = Partition(ids, n, node->threshold);
    if (IsBalanced(left, n)) return left;
    std::vector<float> ordered = margins_;
    const auto middle = ordered.begin() + static_cast<ptrdiff_t>(n / 2);
    std::nth_element(ordered.begin(), middle, ordered.end());
    node->threshold = *middle;
    const size_t median = Partition(ids, n, *middle);
    if (median != 0 && median != n) return median;
    node->threshold = 0;
    node->scale = 0;
    std::memset(static_cast<void*>(node + 1), 0, NodeDims(shape_.sketch_dim));
    return n / 2;
  }

  // Moves ids and margins below the threshold to the front. Returns their number.
  size_t Partition(uint32_t* ids, size_t n, float threshold) {
    size_t i = 0;
    size_t j = n;
    while (true) {
      while (i < j && margins_[i] < threshold) ++i;
      while (i < j && !(margins_[j - 1] < threshold)) --j;
      if (i >= j) return i;
      std::swap(margins_[i], margins_[j - 1]);
      std::swap(ids[i], ids[j - 1]);
    }
  }

  struct TopTask {
    Task task;
    uint32_t route;  // its node in the tree to descend
  };

  const quant::ByteSketches& bytes_;
  const float* sketches_;
  const TreeShape shape_;
  const size_t stride_;
  const size_t byte_stride_;
  const size_t node_bytes_;
  const simd::TreeKernels& kernels_;
  Rng rng_;
  Tree tree_;
  std::vector<uint32_t> points_;  // all, by the leaves to come

  // The plane learnt last, and what it was learnt from.
  simd::SplitPlane plane_{};
  uint32_t picks_[kMostSample] = {};

  // The block: rows of up to kBlock points, the order of these rows, and what their bytes mean.
  AlignedBuffer<uint8_t> block_;
  std::vector<uint32_t> local_;
  std::vector<quant::SketchLevels> levels_;
  std::vector<uint32_t> scratch_;
  std::vector<int32_t> dots_;

  // The top that was grown on a sample.
  std::vector<uint32_t> names_;
  static constexpr size_t kOffsets = 16;  // numbers for each node
  AlignedBuffer<int8_t> directions_;
  AlignedBuffer<int32_t> offsets_;
  std::vector<int32_t> left_;
  std::vector<uint32_t> ends_;
  std::vector<uint32_t> sorted_;

  // For sets that bytes do not tell apart.
  AlignedBuffer<uint8_t> sample_;
  AlignedBuffer<float> direction_;
  std::vector<float> margins_;
};

}  // namespace

Result<Tree> GrowTree(const quant::ByteSketches& bytes, const float* sketches, size_t n,
                      const TreeShape& shape, uint64_t seed, const ThreadPool& pool) {
  return Grower(bytes, sketches, shape, seed).Run(n, pool);
}

}  // namespace kith::trees
