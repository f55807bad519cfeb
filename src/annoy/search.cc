#include "annoy/search.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <new>

#include "simd/kernels.h"

namespace kith::annoy {
namespace {

simd::DistanceKernel KernelOf(simd::Op op) {
  return simd::GetKernels().f32[static_cast<int>(DataType::kF32)][static_cast<int>(op)];
}

// What compares vectors of the layout, and the dimension it is told.
simd::DistanceKernel VectorKernel(const Layout& layout) {
  switch (layout.metric) {
    case Metric::kAngular:
    case Metric::kDot: return KernelOf(simd::Op::kDot);
    case Metric::kEuclidean: return KernelOf(simd::Op::kL2);
    case Metric::kManhattan: return KernelOf(simd::Op::kL1);
    case Metric::kHamming: break;
  }
  return simd::GetKernels()
      .native[static_cast<int>(DataType::kBit)][static_cast<int>(simd::Op::kHamming)];
}

size_t KernelDim(const Layout& layout) { return layout.bits() ? layout.vector_bytes : layout.dim; }

// Floats as numbers of the same order. Both zeros are one.
uint32_t Ordered(float x) {
  const auto bits = std::bit_cast<uint32_t>(x + 0.0f);
  return bits ^ ((bits >> 31) != 0 ? ~uint32_t{0} : uint32_t{1} << 31);
}

float FromOrdered(uint32_t x) {
  return std::bit_cast<float>(x ^ ((x >> 31) != 0 ? uint32_t{1} << 31 : ~uint32_t{0}));
}

// A heap's element: the larger comes first, and of equal ones the larger number, as in Annoy.
uint64_t Entry(uint32_t priority, size_t number) {
  return uint64_t{priority} << 32 | static_cast<uint32_t>(number);
}

// The squared length that the norm of an angular node says, or has to be found out in old files.
float SquaredNorm(const Layout& layout, const std::byte* item, simd::DistanceKernel dot,
                  Scratch* scratch) {
  const float norm = ReadFloat(item + layout.norm);
  if (norm != 0) return norm;
  // The second half of the query's buffer is room for a vector whose length is wanted.
  std::byte* copy = scratch->query.data() + scratch->query.size() / 2;
  std::memcpy(copy, item + layout.vector, layout.vector_bytes);
  float sum = 0;
  dot.tile(copy, 0, 1, copy, 0, 1, layout.dim, &sum, 1);
  return sum;
}

// Annoy's distances inside, of which the smaller is the closer.
float Angular(float product, float norm_q, float norm_x) {
  const float squared = norm_q * norm_x;
  if (!(squared > 0)) return 2.0f;
  return static_cast<float>(2.0 - 2.0 * product / std::sqrt(squared));
}

float UserDistance(Metric metric, float inside) {
  switch (metric) {
    case Metric::kAngular:
    case Metric::kEuclidean: return std::sqrt(std::max(inside, 0.0f));
    case Metric::kDot: return -inside;
    default: return inside;
  }
}

class Walk {
 public:
  Walk(const Nodes& nodes, uint64_t search_k, Scratch* scratch)
      : nodes_(nodes),
        layout_(nodes.layout),
        dot_(KernelOf(simd::Op::kDot)),
        query_(scratch->query.data()),
        search_k_(search_k),
        branches_(scratch->branches),
        met_(scratch->met),
        candidates_(scratch->candidates),
        scores_(scratch->scores) {
    branches_.clear();
    candidates_.clear();
    met_.resize((nodes.num_items + 63) / 64);
  }

  // Until the pool ends it, at most.
  void Run(const ThreadPool& pool) {
    if (search_k_ == 0) return;
    Begin();
    // Only splits lead further, and each is met once from its root, which may be counted with its
    // copy: more of them go round in a circle.
    const uint64_t most_splits = 2 * static_cast<uint64_t>(nodes_.num_nodes);
    while (entries_ < search_k_ && !branches_.empty() && splits_ < most_splits && !pool.stopped()) {
      std::pop_heap(branches_.begin(), branches_.end());
      const uint64_t branch = branches_.back();
      branches_.pop_back();
      Visit(static_cast<uint32_t>(branch), static_cast<uint32_t>(branch >> 32));
    }
  }

  void ForgetMet() {
    for (const uint32_t id : candidates_) met_[id / 64] = 0;
  }

 private:
  // The roots come first whatever their children, so that their planes, which lie together, can be
  // compared in one go.
  void Begin() {
    const size_t first = nodes_.first_root();
    const uint32_t most = layout_.bits() ? std::numeric_limits<uint32_t>::max()
                                         : Ordered(std::numeric_limits<float>::infinity());
    if (layout_.bits() || nodes_.num_items <= layout_.max_leaf || first < nodes_.num_items) {
      for (size_t i = first; i < nodes_.num_nodes; ++i) branches_.push_back(Entry(most, i));
    } else {
      scores_.resize(nodes_.num_roots);
      dot_.tile(query_, 0, 1, nodes_.node(first) + layout_.vector, layout_.node_size,
                nodes_.num_roots, layout_.dim, scores_.data(), nodes_.num_roots);
      for (size_t i = 0; i < nodes_.num_roots; ++i) {
        AddChildren(nodes_.node(first + i), most, scores_[i]);
      }
      splits_ = nodes_.num_roots;
    }
    std::make_heap(branches_.begin(), branches_.end());
  }

  void Visit(size_t number, uint32_t priority) {
    const std::byte* node = nodes_.node(number);
    const int32_t descendants = ReadInt(node);
    if (descendants == 1 && number < nodes_.num_items) {
      Meet(number);
      ++entries_;
    } else if (descendants <= static_cast<int64_t>(layout_.max_leaf)) {
      for (int32_t i = 0; i < descendants; ++i) {
        Meet(static_cast<uint32_t>(ReadInt(node + layout_.children + static_cast<size_t>(i) * 4)));
      }
      entries_ += static_cast<uint64_t>(std::max(descendants, 0));
    } else {
      ++splits_;
      float product = 0;
      if (!layout_.bits()) {
        dot_.tile(query_, 0, 1, node + layout_.vector, 0, 1, layout_.dim, &product, 1);
      }
      const size_t before = branches_.size();
      AddChildren(node, priority, product);
      for (size_t i = before; i < branches_.size(); ++i) {
        std::push_heap(branches_.begin(), branches_.begin() + static_cast<ptrdiff_t>(i) + 1);
      }
    }
  }

  // Appends what a split leads to, not yet in the heap's order.
  void AddChildren(const std::byte* node, uint32_t priority, float product) {
    const auto left = static_cast<uint32_t>(ReadInt(node + layout_.children));
    const auto right = static_cast<uint32_t>(ReadInt(node + layout_.children + 4));
    uint32_t left_priority;
    uint32_t right_priority;
    if (layout_.bits()) {
      const bool bit = SplitBit(layout_, query_, ReadWord(node + layout_.vector));
      left_priority = priority - (bit ? 1 : 0);
      right_priority = priority - (bit ? 0 : 1);
    } else {
      if (layout_.offset != kNoField) product = ReadFloat(node + layout_.offset) + product;
      if (layout_.factor != kNoField && layout_.dialect == Dialect::kReleased) {
        const float factor = ReadFloat(node + layout_.factor);
        product += factor * factor;
      }
      const float nearest = FromOrdered(priority);
      left_priority = Ordered(-product < nearest ? -product : nearest);
      right_priority = Ordered(product < nearest ? product : nearest);
    }
    Prefetch(left_priority > right_priority ? left : right);
    if (right < nodes_.num_nodes) branches_.push_back(Entry(right_priority, right));
    if (left < nodes_.num_nodes) branches_.push_back(Entry(left_priority, left));
  }

  void Prefetch(size_t number) const {
    if (number >= nodes_.num_nodes) return;
    PrefetchBytes(nodes_.node(number));
  }

  void PrefetchBytes(const std::byte* node) const {
    const size_t bytes = std::min<size_t>(layout_.node_size, 512);
    for (size_t at = 0; at < bytes; at += kCacheLine) __builtin_prefetch(node + at);
  }

  void Meet(size_t id) {
    if (id >= nodes_.num_items) return;
    uint64_t& word = met_[id / 64];
    const uint64_t bit = uint64_t{1} << (id % 64);
    if ((word & bit) != 0) return;
    word |= bit;
    candidates_.push_back(static_cast<uint32_t>(id));
    PrefetchBytes(nodes_.items + id * layout_.node_size);
  }

  const Nodes& nodes_;
  const Layout& layout_;
  const simd::DistanceKernel dot_;
  const std::byte* query_;
  const uint64_t search_k_;
  uint64_t entries_ = 0;
  uint64_t splits_ = 0;
  std::vector<uint64_t>& branches_;
  std::vector<uint64_t>& met_;
  std::vector<uint32_t>& candidates_;
  std::vector<float>& scores_;
};

// Compares the candidates in full and keeps the n nearest.
void Rank(const Nodes& nodes, uint64_t n, Scratch* scratch) {
  const Layout& layout = nodes.layout;
  const std::vector<uint32_t>& ids = scratch->candidates;
  const simd::DistanceKernel kernel = VectorKernel(layout);
  scratch->scores.resize(ids.size());
  if (!ids.empty()) {
    kernel.ids(scratch->query.data(), nodes.items + layout.vector, layout.node_size, ids.data(),
               ids.size(), KernelDim(layout), scratch->scores.data());
  }
  std::vector<uint64_t>& order = scratch->order;
  order.clear();
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::byte* item = nodes.node(ids[i]);
    if (ReadInt(item) != 1) continue;  // a hole
    float distance = scratch->scores[i];
    if (layout.metric == Metric::kAngular) {
      distance = Angular(distance, scratch->query_norm, SquaredNorm(layout, item, kernel, scratch));
    } else if (layout.metric == Metric::kDot) {
      distance = -distance;
    }
    if (!std::isnan(distance)) order.push_back(Entry(Ordered(distance), ids[i]));
  }
  const auto kept = static_cast<ptrdiff_t>(std::min<uint64_t>(n, order.size()));
  if (static_cast<size_t>(kept) < order.size()) {
    std::nth_element(order.begin(), order.begin() + kept, order.end());
  }
  std::sort(order.begin(), order.begin() + kept);
  scratch->neighbors.clear();
  for (ptrdiff_t i = 0; i < kept; ++i) {
    const uint64_t entry = order[static_cast<size_t>(i)];
    scratch->neighbors.push_back(
        {UserDistance(layout.metric, FromOrdered(static_cast<uint32_t>(entry >> 32))),
         static_cast<int32_t>(static_cast<uint32_t>(entry))});
  }
}

}  // namespace

Status SetQuery(const Layout& layout, const std::byte* vector, Scratch* scratch) {
  const size_t padded = RoundUp(layout.vector_bytes, 4 * simd::kQueryPadding);
  if (scratch->query.size() != 2 * padded) {
    KITH_ASSIGN_OR_RETURN(scratch->query, AlignedBuffer<std::byte>::Create(2 * padded));
  }
  std::byte* query = scratch->query.data();
  std::memcpy(query, vector, layout.vector_bytes);
  std::memset(query + layout.vector_bytes, 0, padded - layout.vector_bytes);
  scratch->query_norm = 0;
  if (layout.metric == Metric::kAngular) {
    KernelOf(simd::Op::kDot).tile(query, 0, 1, query, 0, 1, layout.dim, &scratch->query_norm, 1);
  }
  return Status::Ok();
}

Status Search(const Nodes& nodes, uint64_t n, uint64_t search_k, const ThreadPool& pool,
              Scratch* scratch) {
  try {
    Walk walk(nodes, search_k, scratch);
    walk.Run(pool);
    if (!pool.stopped()) Rank(nodes, n, scratch);
    walk.ForgetMet();
  } catch (const std::bad_alloc&) {
    *scratch = {};
    return Status::OutOfMemory("not enough memory for a search; lower search_k");
  }
  return pool.CheckStop();
}

Result<float> ItemDistance(const Layout& layout, const std::byte* item_i, const std::byte* item_j,
                           Scratch* scratch) {
  KITH_RETURN_IF_ERROR(SetQuery(layout, item_i + layout.vector, scratch));
  const simd::DistanceKernel kernel = VectorKernel(layout);
  float distance = 0;
  kernel.tile(scratch->query.data(), 0, 1, item_j + layout.vector, 0, 1, KernelDim(layout),
              &distance, 1);
  if (layout.metric == Metric::kAngular) {
    distance = Angular(distance, SquaredNorm(layout, item_i, kernel, scratch),
                       SquaredNorm(layout, item_j, kernel, scratch));
  } else if (layout.metric == Metric::kDot) {
    distance = -distance;
  }
  return UserDistance(layout.metric, distance);
}

}  // namespace kith::annoy
