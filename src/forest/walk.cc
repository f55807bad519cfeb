#include "forest/walk.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "simd/kernels.h"

namespace kith::forest {
Status RoutingQuery::Init(const Header& header) {
  sketch_dim_ = header.sketch_dim;
  fine_ = header.fine_planes != 0;
  KITH_ASSIGN_OR_RETURN(sketch_, AlignedBuffer<float>::Create(
                                     RoundUp(trees::NodeDims(sketch_dim_), simd::kQueryPadding)));
  KITH_ASSIGN_OR_RETURN(bytes_, AlignedBuffer<int8_t>::Create(
                                    RoundUp(trees::NodeBytes(sketch_dim_), simd::kQueryPadding)));
  return Status::Ok();
}

void RoutingQuery::Prepare() {
  if (fine_) return;
  const float* sketch = sketch_.data();
  float largest = 0;
  for (size_t i = 0; i < sketch_dim_; ++i) largest = std::max(largest, std::abs(sketch[i]));
  // A damaged file may make the sketch anything.
  const float scale = largest > 0 && std::isfinite(127 / largest) ? 127 / largest : 0;
  step_ = scale > 0 ? 1 / scale : 0;
  int8_t* out = bytes_.data() + sizeof(trees::TreeNode);
  for (size_t i = 0; i < sketch_dim_; ++i) {
    const float x = sketch[i] * scale;
    out[i] = std::isfinite(x) ? static_cast<int8_t>(x + (x < 0 ? -0.5f : 0.5f)) : int8_t{0};
  }
}

void RoutingQuery::Dot(const Trees& trees, const uint32_t* ids, size_t num_ids, float* out) const {
  constexpr auto kI8 = static_cast<size_t>(DataType::kI8);
  constexpr auto kDot = static_cast<size_t>(simd::Op::kDot);
  const simd::Kernels& kernels = simd::GetKernels();
  const size_t bytes = trees.node_bytes();
  if (fine_) {
    kernels.f32[kI8][kDot].ids(reinterpret_cast<const std::byte*>(sketch_.data()),
                               trees.nodes() + sizeof(trees::TreeNode), bytes, ids, num_ids,
                               bytes - sizeof(trees::TreeNode), out);
  } else {
    kernels.native[kI8][kDot].ids(reinterpret_cast<const std::byte*>(bytes_.data()), trees.nodes(),
                                  bytes, ids, num_ids, bytes, out);
  }
}

void Walk::Begin(const Trees& trees) {
  if (++epoch_ == 0) {
    std::fill(stamps_.begin(), stamps_.end(), uint8_t{0});
    epoch_ = 1;
  }
  queue_.Clear();
  candidates_.clear();
  // A sound forest has each node once; a damaged one must not make the search endless.
  nodes_left_ = trees.num_nodes();
  entries_ = 0;
  met_ = 0;
  active_.clear();
  for (const uint32_t root : trees.roots()) {
    if (trees.Exists(Trees::kNoParent, root)) {
      active_.push_back({-std::numeric_limits<float>::infinity(), root});
    }
  }
}

// Takes the first `count` branches of active_, all inner nodes with their margins, to the child on
// the query's side, and puts the other one into the queue. Returns how many are inner nodes again.
// Written without branches on the margins' signs, which no processor foresees.
size_t Walk::Step(const Trees& trees, float step, size_t count) {
  trees::Branch* far = queue_.Reserve(count);
  size_t num_far = 0;
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    const trees::Branch branch = active_[i];
    const trees::TreeNode& node = trees.Node(branch.child);
    const float margin = node.scale * (step * margins_[i]) - node.threshold;
    const size_t side = margin < 0 ? 0 : 1;
    const float distance = std::abs(margin);
    const uint32_t near_child = node.children[side];
    const uint32_t far_child = node.children[1 - side];
    far[num_far] = {std::max(branch.cost, distance), far_child};
    num_far += trees.Exists(branch.child, far_child) ? 1 : 0;
    if (!trees.Exists(branch.child, near_child)) continue;
    trees.Prefetch(near_child);
    const trees::Branch next{std::max(branch.cost, -distance), near_child};
    if ((near_child & trees::kLeafBit) != 0) {
      reached_.push_back(next);
    } else {
      active_[kept++] = next;
    }
  }
  queue_.Commit(num_far);
  return kept;
}

// Leaves the costliest of the first `count` branches of active_ to the queue if there are more than
// will be needed. Half at a time: early costs say little. Returns how many remain.
size_t Walk::Defer(size_t count, size_t enough) {
  const size_t kept = std::max(enough, count - count / 2);
  if (kept >= count) return count;
  const auto begin = active_.begin();
  std::nth_element(begin, begin + static_cast<ptrdiff_t>(kept),
                   begin + static_cast<ptrdiff_t>(count));
  std::copy_n(begin + static_cast<ptrdiff_t>(kept), count - kept, queue_.Reserve(count - kept));
  queue_.Commit(count - kept);
  return kept;
}

// Descends from active_ to leaves, all branches side by side, level by level, so that the nodes'
// cache misses overlap. Branches not taken go to the queue; so do those that will not be needed if
// `enough` leaves are.
void Walk::Descend(const Trees& trees, const RoutingQuery& query, size_t enough,
                   SearchStats* stats) {
  reached_.clear();
  active_ids_.resize(active_.size());
  margins_.resize(active_.size());
  size_t count = 0;
  for (const trees::Branch& branch : active_) {
    if ((branch.child & trees::kLeafBit) != 0) {
      reached_.push_back(branch);
    } else {
      active_[count++] = branch;
    }
  }
  // Levels that all trees are descended before any of them is put off.
  constexpr int kFirstLevels = 3;
  for (int level = 0; count > 0 && count <= nodes_left_; ++level) {
    if (level >= kFirstLevels && level % 3 == 0) count = Defer(count, enough);
    nodes_left_ -= count;
    stats->nodes += count;
    for (size_t i = 0; i < count; ++i) active_ids_[i] = active_[i].child;
    query.Dot(trees, active_ids_.data(), count, margins_.data());
    count = Step(trees, query.step(), count);
  }
}

// Adds a leaf's positions to the candidates, each once.
void Walk::Collect(const Trees& trees, uint32_t leaf, const Admission& admission,
                   const CandidateRows& rows) {
  const size_t old = candidates_.size();
  const uint32_t size = trees.LeafSize(leaf);
  entries_ += size;
  candidates_.resize(old + size);
  uint32_t* out = candidates_.data() + old;
  uint8_t* const stamps = stamps_.data();
  const uint8_t epoch = epoch_;
  const auto collect = [&](auto is_admitted) {
    trees.ForEach(leaf, [&](uint32_t position) {
      *out = position;
      out += stamps[position] != epoch && is_admitted(position) ? 1 : 0;
      stamps[position] = epoch;
      const std::byte* row = rows.data + position * rows.stride;
      for (size_t line = 0; line < rows.lines; ++line) __builtin_prefetch(row + line * kCacheLine);
    });
  };
  if (admission.filter == nullptr) {
    collect([](uint32_t) { return true; });
    met_ += static_cast<uint64_t>(out - candidates_.data()) - old;
  } else {
    collect([&](uint32_t position) {
      ++met_;
      return admission.Passes(position);
    });
  }
  candidates_.resize(static_cast<size_t>(out - candidates_.data()));
}

void Walk::Run(const Trees& trees, const RoutingQuery& query, const Admission& admission,
               size_t search_k, const CandidateRows& rows, const ThreadPool& pool,
               SearchStats* stats) {
  // Branches taken from the queue together: their nodes' and leaves' cache misses overlap, and the
  // order of visits hardly changes. Fewer where few leaves are still needed.
  constexpr size_t kLeastBranches = 8;
  constexpr size_t kMostBranches = 64;
  Begin(trees);
  // Some more leaves than search_k seems to need: costs still change on the way down.
  const size_t leaf_size = std::max<size_t>(trees.MeanLeafSize(admission.NumExcluded()), 1);
  const size_t leaves = search_k / leaf_size + 1;
  Descend(trees, query, leaves + leaves / 4 + 4, stats);
  std::sort(reached_.begin(), reached_.end());
  while (true) {
    for (const trees::Branch& branch : reached_) {
      if (candidates_.size() >= search_k || pool.stopped() || !TellsTruth(trees)) break;
      stats->entries += trees.LeafSize(branch.child);
      Collect(trees, branch.child, admission, rows);
    }
    if (candidates_.size() >= search_k || pool.stopped() || !TellsTruth(trees)) break;
    const size_t needed = (search_k - candidates_.size()) / leaf_size;
    const size_t at_once = std::clamp(needed / 2, kLeastBranches, kMostBranches);
    active_.resize(at_once);
    active_.resize(queue_.Pop(at_once, active_.data()));
    if (active_.empty()) break;
    for (const trees::Branch& branch : active_) trees.Prefetch(branch.child);
    Descend(trees, query, at_once, stats);
  }
}

}  // namespace kith::forest
