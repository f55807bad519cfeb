#include "index/neighbour_edges.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/rng.h"
#include "base/strings.h"
#include "search/metric_traits.h"

namespace kith::index {
namespace {

constexpr size_t kMostMeasured = 1024;  // rows whose neighbours are found exactly, too
constexpr double kTolerance = 1e-6;     // of distances, relative: ties that are rounded apart

}  // namespace

Status CheckWanted(const NeighbourGraphOptions& options) {
  if (options.k == 0) return Status::InvalidArgument("k is 0; ask for at least one neighbour");
  if (!(options.recall > 0 && options.recall <= 1)) {
    return Status::InvalidArgument(
        StrCat("recall is ", options.recall, "; it must be above 0 and at most 1"));
  }
  return Status::Ok();
}

std::vector<uint32_t> SomePositions(size_t n) {
  if (n <= kMostMeasured) {
    std::vector<uint32_t> all(n);
    std::iota(all.begin(), all.end(), 0u);
    return all;
  }
  Rng rng(n);
  std::vector<uint32_t> some;
  for (size_t i = 0; i < kMostMeasured; ++i) {
    // One of each stretch, so that none is there twice.
    const size_t begin = i * n / kMostMeasured;
    const size_t end = (i + 1) * n / kMostMeasured;
    some.push_back(static_cast<uint32_t>(begin + rng.Below(static_cast<uint32_t>(end - begin))));
  }
  return some;
}

void ShareFound::Add(std::span<const search::Candidate> found, float limit) {
  const float within = limit + static_cast<float>(kTolerance) * std::abs(limit);
  const auto near = std::count_if(found.begin(), found.end(),
                                  [&](const search::Candidate& c) { return c.distance <= within; });
  const double share = static_cast<double>(near) / static_cast<double>(k_);
  ++count_;
  sum_ += share;
  squares_ += share * share;
}

double ShareFound::mean() const { return sum_ / static_cast<double>(count_); }

double ShareFound::error() const {
  const auto n = static_cast<double>(count_);
  return std::sqrt(std::max(0.0, squares_ / n - mean() * mean()) / n);
}

void Edges::Put(uint32_t row, std::span<const search::Candidate> neighbours) {
  std::copy(neighbours.begin(), neighbours.end(), found_.data() + row * width_);
  counts_[row] = static_cast<uint32_t>(neighbours.size());
}

void Edges::WriteTo(Metric metric, NeighbourGraph* graph) const {
  graph->num_rows = counts_.size();
  graph->offsets.assign(1, 0);
  graph->offsets.reserve(counts_.size() + 1);
  for (const uint32_t count : counts_) graph->offsets.push_back(graph->offsets.back() + count);
  graph->neighbours.reserve(graph->offsets.back());
  graph->distances.reserve(graph->offsets.back());
  for (size_t row = 0; row < counts_.size(); ++row) {
    for (size_t i = row * width_; i < row * width_ + counts_[row]; ++i) {
      graph->neighbours.push_back(found_[i].row);
      graph->distances.push_back(search::UserDistance(metric, found_[i].distance));
    }
  }
}

}  // namespace kith::index
