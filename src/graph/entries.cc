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

Result<Entries> ChooseEntries(const MatrixView& rows, Metric metric, const Planted& planted,
                              size_t num_nodes, ThreadPool& pool) {
  const size_t n = num_nodes;
  Entries chosen;
  std::vector<uint32_t>& entries = chosen.nodes;
  const auto spread_over = [&](size_t first, size_t count) {
    const size_t spread = std::min(count, kSpreadEntries);
    for (size_t i = 0; i < spread; ++i) {
      entries.push_back(static_cast<uint32_t>(first + (2 * i + 1) * count / (2 * spread)));
    }
    return static_cast<uint32_t>(spread);
  };
  if (planted.shells.empty()) {
    spread_over(0, n);
  } else {
    size_t first = 0;
    for (size_t shell = 0; first < planted.num_nodes; ++shell) {
      size_t end = first;
      while (end < planted.num_nodes && planted.shells[end] == shell) ++end;
      chosen.of_shells[shell] = spread_over(first, end - first);
      first = end;
    }
  }
  const size_t spread = entries.size();
  if (!search::TraitsOf(metric).products) return chosen;
  std::vector<search::Candidate> longest(n);
  KITH_RETURN_IF_ERROR(pool.Chunks(n, kNodesAtOnce, [&](size_t begin, size_t end, int) {
    std::vector<float> x(rows.dim);
    for (size_t node = begin; node < end; ++node) {
      data::RowToF32(rows, planted.order[node], x.data());
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
  return chosen;
}

}  // namespace kith::graph
