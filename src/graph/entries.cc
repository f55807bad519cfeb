#include "graph/entries.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/math.h"
#include "data/convert.h"
#include "graph/layout.h"
#include "search/metric_traits.h"
#include "search/top_k.h"

namespace kith::graph {
namespace {

// How many of the longest vectors are entries.
constexpr size_t kLongest = 64;

constexpr size_t kNodesAtOnce = 256;

}  // namespace

Result<std::vector<uint32_t>> ChooseEntries(const MatrixView& rows, Metric metric,
                                            std::span<const uint32_t> nodes, ThreadPool& pool) {
  const size_t n = nodes.size();
  const size_t spread = std::min(n, kSpreadEntries);
  std::vector<uint32_t> entries;
  for (size_t i = 0; i < spread; ++i) {
    entries.push_back(static_cast<uint32_t>((2 * i + 1) * n / (2 * spread)));
  }
  if (!search::TraitsOf(metric).products) return entries;
  std::vector<search::Candidate> longest(n);
  KITH_RETURN_IF_ERROR(pool.Chunks(n, kNodesAtOnce, [&](size_t begin, size_t end, int) {
    std::vector<float> x(rows.dim);
    for (size_t node = begin; node < end; ++node) {
      data::RowToF32(rows, nodes[node], x.data());
      longest[node] = {static_cast<float>(-std::sqrt(SquaredNorm(x.data(), rows.dim))),
                       static_cast<uint32_t>(node)};
    }
  }));
  const auto end = longest.begin() + static_cast<ptrdiff_t>(std::min(n, kLongest));
  std::partial_sort(longest.begin(), end, longest.end());
  for (auto at = longest.begin(); at != end; ++at) {
    const auto known = entries.begin() + static_cast<ptrdiff_t>(spread);
    if (!std::binary_search(entries.begin(), known, at->row)) entries.push_back(at->row);
  }
  return entries;
}

}  // namespace kith::graph
