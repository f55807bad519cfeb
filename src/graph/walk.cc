#include "graph/walk.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/math.h"

namespace kith::graph {
namespace {

// How far beyond the k-th nearest a walk still looks, for each doubling of the beam's width over
// 0.8 k: measured on three sets, docs/graph.md.
constexpr float kReachPerDoubling = 0.025f;

// Of rounded vectors, so many more than 3/2 k are compared in full in the end.
constexpr size_t kMoreShortlisted = 8;

// Lines of a node fetched ahead; the hardware goes on from there.
constexpr size_t kPrefetchedLines = 72;

}  // namespace

WalkTerms MakeTerms(const View& view, float query_norm, size_t k, double width) {
  WalkTerms terms;
  terms.k = k;
  terms.width = std::max(k, static_cast<size_t>(width));
  terms.shortlist = std::min(k + k / 2 + kMoreShortlisted, terms.width);
  switch (view.metric()) {
    case Metric::kAngular: terms.scale = 2; break;  // |q - x|^2 = 2 (1 - cos) between unit vectors
    case Metric::kDot:
      // Between vectors brought to the same length by one more coordinate, with q scaled to it.
      terms.shift = query_norm * view.max_norm;
      break;
    default: break;
  }
  const float part = static_cast<float>(std::min(1.0, width / static_cast<double>(k)));
  const float reach =
      part * (1 + kReachPerDoubling *
                      std::log2(1.25f * static_cast<float>(terms.width) / static_cast<float>(k)));
  terms.stretch = view.metric() == Metric::kManhattan ? reach : reach * reach;
  if (terms.width >= view.num_nodes) terms.stretch = std::numeric_limits<float>::infinity();
  return terms;
}

Status Walk::Init(const View& view) {
  view_ = &view;
  row_bytes_ = view.layout == GraphLayout::kPacked
                   ? view.shape.row_bytes
                   : RowBytes(view.table.rows.dtype, view.table.rows.dim);
  const size_t most = std::max(view.degree, view.entries.size());
  KITH_ASSIGN_OR_RETURN(estimates_, AlignedBuffer<float>::Create(most));
  fresh_.resize(view.degree);
  if (view.layout == GraphLayout::kCompact) return Status::Ok();
  passing_.resize(view.shape.edges.blocks());
  KITH_ASSIGN_OR_RETURN(
      rotated_, AlignedBuffer<float>::Create(RoundUp(view.shape.codes, simd::kQueryPadding)));
  own_dot_ = simd::GetKernels()
                 .f32[static_cast<size_t>(DataType::kI8)][static_cast<size_t>(simd::Op::kDot)]
                 .ids;
  return query_.Init(view.shape.edges, MeasureOf(view.metric()));
}

void Walk::Prepare(const MatrixView& queries, size_t query) {
  if (view_->layout == GraphLayout::kCompact) return;
  view_->frame.Map(queries, query, rotated_.data());
  PrepareRotated(rotated_.data());
}

void Walk::PrepareRotated(const float* rotated) {
  query_.Prepare(rotated);
  if (!view_->own_bytes) return;
  const size_t dim = view_->shape.edges.dim;
  if (rotated != rotated_.data()) std::copy_n(rotated, dim, rotated_.data());
  squared_norm_ = static_cast<float>(SquaredNorm(rotated, dim));
}

// Internal distances to nodes, to the vectors as they carry them.
void Walk::Distances(const uint32_t* nodes, size_t count, float* out) const {
  if (!view_->own_bytes) return scorer_->ScoreIds(slot_, nodes, count, out);
  const NodeShape& shape = view_->shape;
  own_dot_(reinterpret_cast<const std::byte*>(rotated_.data()), view_->nodes, shape.bytes, nodes,
           count, shape.codes, out);
  for (size_t i = 0; i < count; ++i) {
    OwnFactors own{};
    std::memcpy(&own, view_->nodes + size_t{nodes[i]} * shape.bytes + shape.factors, sizeof(own));
    const float dot = own.step * out[i];
    out[i] = view_->metric() == Metric::kDot
                 ? -dot
                 : std::max(0.0f, squared_norm_ + own.squared_norm - 2 * dot) / terms_.scale;
  }
}

void Walk::Prefetch(uint32_t node) const {
  const bool packed = view_->layout == GraphLayout::kPacked;
  const std::byte* p =
      packed ? view_->nodes + size_t{node} * view_->shape.bytes
             : reinterpret_cast<const std::byte*>(view_->links + size_t{node} * view_->degree);
  const size_t bytes = packed ? view_->shape.bytes : view_->degree * sizeof(uint32_t);
  const std::byte* const end = p + std::min(bytes, kPrefetchedLines * kCacheLine);
  for (; p < end; p += kCacheLine) __builtin_prefetch(p);
  if (packed && view_->table.inverse_norms != nullptr) {
    __builtin_prefetch(view_->table.inverse_norms + node);
  }
}

void Walk::PrefetchNext() {
  const size_t next = beam_.Next();
  if (next == beam_.size()) return;
  Prefetch(beam_.node(next));
  const size_t after = beam_.NextAfter(next);
  if (after < beam_.size()) Prefetch(beam_.node(after));
}

// The key from which on nothing is worth a visit.
float Walk::Reach() const {
  const float kth = nearest_.threshold();
  if (std::max(kth, terms_.stretch) == std::numeric_limits<float>::infinity()) {
    return std::numeric_limits<float>::infinity();
  }
  return terms_.stretch * Key(kth);
}

void Walk::Start(const search::Scorer* scorer, size_t slot, const WalkTerms& terms,
                 SearchStats* stats) {
  scorer_ = scorer;
  slot_ = slot;
  terms_ = terms;
  beam_.Reset(terms.width);
  seen_.Reset();
  if (passed_ != kNoNode) seen_.Insert(passed_);
  nearest_.Reset(terms.k);
  shortlist_.Reset(terms.shortlist);
  if (visited_ != nullptr) visited_->clear();
  // The two nearest entries: the second costs one visit at worst, and may save a search begun on
  // the wrong side.
  constexpr size_t kStarts = 2;
  const std::span<const uint32_t> entries = view_->entries;
  float* distances = estimates_.data();
  Distances(entries.data(), entries.size(), distances);
  stats->distances += entries.size();
  stats->bytes += entries.size() * row_bytes_;
  const size_t spread = std::min(entries.size(), kSpreadEntries);
  for (size_t start = 0; start < std::min(kStarts, spread); ++start) {
    const size_t best =
        static_cast<size_t>(std::min_element(distances, distances + spread) - distances);
    const float distance = distances[best];
    distances[best] = std::numeric_limits<float>::infinity();
    if (!(distance < std::numeric_limits<float>::infinity())) break;  // NaN of a damaged file
    if (!seen_.Insert(entries[best])) continue;
    if (view_->layout == GraphLayout::kCompact) nearest_.Offer(distance, entries[best]);
    beam_.Offer(Key(distance), entries[best]);
  }
  beam_.Enter();
  // The first and those beyond the spread ones lead to every node between them.
  for (size_t i = 0; i < entries.size(); i = i == 0 ? spread : i + 1) {
    const float key = Key(distances[i]);
    if (!(key < beam_.limit()) || !seen_.Insert(entries[i])) continue;
    if (view_->layout == GraphLayout::kCompact) nearest_.Offer(distances[i], entries[i]);
    beam_.Offer(key, entries[i]);
    beam_.Enter();  // each alone: there may be thousands
  }
  PrefetchNext();
}

bool Walk::Step(SearchStats* stats) {
  const size_t at = beam_.Next();
  if (at == beam_.size() || beam_.estimate(at) > Reach()) return false;
  const uint32_t node = beam_.node(at);
  beam_.MarkVisited(at);
  ++stats->nodes;
  if (visited_ != nullptr) visited_->push_back(node);
  if (view_->layout == GraphLayout::kPacked) {
    ExpandPacked(node, stats);
  } else {
    ExpandCompact(node, stats);
  }
  PrefetchNext();
  return true;
}

void Walk::ExpandPacked(uint32_t node, SearchStats* stats) {
  const NodeShape& shape = view_->shape;
  const std::byte* record = view_->nodes + size_t{node} * shape.bytes;
  float distance;
  Distances(&node, 1, &distance);
  nearest_.Offer(distance, node);
  if (view_->own_bytes) shortlist_.Offer(distance, node);
  float* estimates = estimates_.data();
  query_.Estimate(record + shape.codes, reinterpret_cast<const uint16_t*>(record + shape.weights),
                  reinterpret_cast<const uint16_t*>(record + shape.offsets), Key(distance),
                  std::min(beam_.limit(), Reach()), estimates, passing_.data());
  ++stats->distances;
  stats->codes += view_->degree;
  stats->bytes += shape.bytes;
  const auto* links = reinterpret_cast<const uint32_t*>(record + shape.links);
  for (size_t block = 0; block < passing_.size(); ++block) {
    for (uint32_t lanes = passing_[block]; lanes != 0; lanes &= lanes - 1) {
      const size_t i = block * simd::kEdgeLanes + static_cast<size_t>(__builtin_ctz(lanes));
      const uint32_t neighbour = links[i];
      // A damaged file may name nodes that are not there.
      if (neighbour >= view_->num_nodes || !seen_.Insert(neighbour)) continue;
      beam_.Offer(estimates[i], neighbour);
    }
  }
  beam_.Enter();
}

void Walk::ExpandCompact(uint32_t node, SearchStats* stats) {
  const uint32_t* links = view_->links + size_t{node} * view_->degree;
  size_t count = 0;
  for (size_t i = 0; i < view_->degree; ++i) {
    if (links[i] < view_->num_nodes && seen_.Insert(links[i])) fresh_[count++] = links[i];
  }
  float* distances = estimates_.data();
  Distances(fresh_.data(), count, distances);
  stats->distances += count;
  stats->bytes += view_->degree * sizeof(uint32_t) + count * row_bytes_;
  const float limit = beam_.limit();
  for (size_t i = 0; i < count; ++i) {
    nearest_.Offer(distances[i], fresh_[i]);
    const float key = Key(distances[i]);
    if (key <= Reach() && key < limit) beam_.Offer(key, fresh_[i]);
  }
  beam_.Enter();
}

}  // namespace kith::graph
