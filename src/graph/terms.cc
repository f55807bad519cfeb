#include "graph/terms.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "search/metric_traits.h"

namespace kith::graph {
namespace {

// How far beyond the k-th nearest a walk still looks, for each doubling of the beam's width over
// 0.8 k: measured on three sets, docs/graph.md.
constexpr float kReachPerDoubling = 0.025f;

// Rounding changes the order of near nodes, and the fewer they are, the more of them a single one
// out of place is: a shortlist has half as many again as are wanted, and so many more.
constexpr size_t kMoreShortlisted = 8;

}  // namespace

Extent ExtentOf(const Outline& outline, size_t k, double width) {
  Extent extent;
  extent.width = std::max(k, static_cast<size_t>(width));
  const float part = static_cast<float>(std::min(1.0, width / static_cast<double>(k)));
  const float doublings =
      std::log2(1.25f * static_cast<float>(extent.width) / static_cast<float>(k));
  const float reach = part * (1 + kReachPerDoubling * outline.reach * doublings);
  extent.stretch = search::TraitsOf(outline.metric).squared ? reach * reach : reach;
  if (extent.width >= outline.num_nodes) extent.stretch = std::numeric_limits<float>::infinity();
  return extent;
}

Terms MakeTerms(const Outline& outline, float query_norm, size_t k, double width) {
  Terms terms;
  terms.k = k;
  terms.most = ExtentOf(outline, k, width);
  terms.shortlist = std::min(k + k / 2 + kMoreShortlisted, terms.most.width);
  terms.scale = search::TraitsOf(outline.metric).geometry_scale;
  // Products are made distances between vectors of the same length, which one more coordinate
  // gives the stored ones and scaling gives the query.
  if (search::TraitsOf(outline.metric).products) terms.shift = query_norm * outline.max_norm;
  return terms;
}

}  // namespace kith::graph
