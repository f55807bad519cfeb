#include "learn/fuzzy_graph.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "base/strings.h"

namespace kith::learn {
namespace {

constexpr size_t kRowsATask = 1024;
// sigma is at least this part of the mean distance, so that a row of copies has one.
constexpr double kLeastSigma = 1e-3;

Status CheckGraph(const NeighbourGraph& graph) {
  const auto fault = [](const std::string& what) {
    return Status::InvalidArgument(StrCat("the graph of neighbours ", what));
  };
  const size_t edges = graph.neighbours.size();
  if (graph.offsets.size() != graph.num_rows + 1 || graph.offsets.front() != 0 ||
      graph.offsets.back() != edges || graph.distances.size() != edges ||
      graph.num_rows > std::numeric_limits<uint32_t>::max()) {
    return fault("has arrays of lengths that contradict each other");
  }
  for (uint64_t row = 0; row < graph.num_rows; ++row) {
    if (graph.offsets[row] > graph.offsets[row + 1]) {
      return fault(StrCat("has offsets that descend at row ", row));
    }
  }
  for (size_t i = 0; i < edges; ++i) {
    if (graph.neighbours[i] >= graph.num_rows || !std::isfinite(graph.distances[i])) {
      return fault(
          StrCat("has a neighbour that is no row, or a distance that is no number, at "
                 "edge ",
                 i));
    }
  }
  return Status::Ok();
}

// What one row thinks of its neighbours. Scratch is kept from row to row.
class RowWeights {
 public:
  // `mean`: of all distances of the graph. Writes a weight for each edge, 0 for one to itself.
  void Of(const NeighbourGraph& graph, uint64_t row, double mean, float* weights) {
    const uint64_t begin = graph.offsets[row];
    const size_t count = graph.offsets[row + 1] - begin;
    away_.clear();
    for (size_t i = 0; i < count; ++i) {
      if (graph.neighbours[begin + i] != row) {
        away_.push_back(static_cast<double>(graph.distances[begin + i]));
      }
    }
    if (away_.empty()) {
      std::fill(weights, weights + count, 0.0F);
      return;
    }
    // Of products, which are negative, only differences mean something.
    const double least = *std::min_element(away_.begin(), away_.end());
    const double shift = least < 0 ? least : 0;
    double rho = std::numeric_limits<double>::infinity();
    double sum = 0;
    for (double& d : away_) {
      d -= shift;
      if (d > 0) rho = std::min(rho, d);
      sum += d;
    }
    if (!std::isfinite(rho) || shift < 0) rho = 0;
    const double own_mean = sum / static_cast<double>(away_.size());
    const double sigma = std::max(Sigma(rho), kLeastSigma * (rho > 0 ? own_mean : mean));
    for (size_t i = 0; i < count; ++i) {
      const double d = static_cast<double>(graph.distances[begin + i]) - shift - rho;
      const bool self = graph.neighbours[begin + i] == row;
      weights[i] = self ? 0.0F : static_cast<float>(d > 0 && sigma > 0 ? std::exp(-d / sigma) : 1);
    }
  }

 private:
  double Sigma(double rho) const {
    const double target = std::log2(static_cast<double>(away_.size() + 1));
    double low = 0;
    double high = std::numeric_limits<double>::infinity();
    double sigma = 1;
    for (int step = 0; step < 64; ++step) {
      double sum = 0;
      for (const double d : away_) sum += d > rho ? std::exp((rho - d) / sigma) : 1;
      if (std::abs(sum - target) < 1e-5) break;
      if (sum > target) {
        high = sigma;
        sigma = (low + high) / 2;
      } else {
        low = sigma;
        sigma = std::isfinite(high) ? (low + high) / 2 : 2 * sigma;
      }
    }
    return sigma;
  }

  std::vector<double> away_;
};

// The edges that lead to each row, by the row they come from.
struct Reverse {
  std::vector<uint64_t> offsets;
  std::vector<uint32_t> from;
  std::vector<float> weights;
};

Reverse ReverseOf(const NeighbourGraph& graph, const std::vector<float>& weights) {
  Reverse reverse;
  reverse.offsets.assign(graph.num_rows + 1, 0);
  for (const uint32_t to : graph.neighbours) ++reverse.offsets[to + 1];
  std::partial_sum(reverse.offsets.begin(), reverse.offsets.end(), reverse.offsets.begin());
  std::vector<uint64_t> next(reverse.offsets.begin(), reverse.offsets.end() - 1);
  reverse.from.resize(weights.size());
  reverse.weights.resize(weights.size());
  for (uint64_t row = 0; row < graph.num_rows; ++row) {
    for (uint64_t i = graph.offsets[row]; i < graph.offsets[row + 1]; ++i) {
      const uint64_t place = next[graph.neighbours[i]]++;
      reverse.from[place] = static_cast<uint32_t>(row);
      reverse.weights[place] = weights[i];
    }
  }
  return reverse;
}

struct Edge {
  uint32_t to;
  float weight;
};

// The union of both directions: a + b - a b, where an edge that is not there weighs nothing.
void Unite(const NeighbourGraph& graph, const std::vector<float>& weights, const Reverse& reverse,
           uint64_t row, std::vector<Edge>* out) {
  out->clear();
  for (uint64_t i = graph.offsets[row]; i < graph.offsets[row + 1]; ++i) {
    if (weights[i] > 0) out->push_back({graph.neighbours[i], weights[i]});
  }
  for (uint64_t i = reverse.offsets[row]; i < reverse.offsets[row + 1]; ++i) {
    if (reverse.weights[i] > 0) out->push_back({reverse.from[i], reverse.weights[i]});
  }
  std::stable_sort(out->begin(), out->end(), [](Edge a, Edge b) { return a.to < b.to; });
  size_t count = 0;
  for (const Edge& edge : *out) {
    if (count > 0 && (*out)[count - 1].to == edge.to) {
      float& other = (*out)[count - 1].weight;
      other = other + edge.weight - other * edge.weight;
    } else {
      (*out)[count++] = edge;
    }
  }
  out->resize(count);
}

}  // namespace

Result<FuzzyGraph> MakeFuzzyGraph(const NeighbourGraph& graph, ThreadPool& pool) {
  KITH_RETURN_IF_ERROR(CheckGraph(graph));
  const double sum = std::accumulate(graph.distances.begin(), graph.distances.end(), 0.0);
  const double mean =
      graph.distances.empty() ? 0 : std::abs(sum) / static_cast<double>(graph.distances.size());
  std::vector<float> weights(graph.neighbours.size());
  KITH_RETURN_IF_ERROR(pool.Chunks(graph.num_rows, kRowsATask, [&](size_t begin, size_t end, int) {
    RowWeights one;
    for (size_t row = begin; row < end; ++row) {
      one.Of(graph, row, mean, weights.data() + graph.offsets[row]);
    }
  }));
  const Reverse reverse = ReverseOf(graph, weights);
  // Twice the same work, once to count, so that no row needs memory of its own.
  FuzzyGraph fuzzy;
  fuzzy.offsets.assign(graph.num_rows + 1, 0);
  KITH_RETURN_IF_ERROR(pool.Chunks(graph.num_rows, kRowsATask, [&](size_t begin, size_t end, int) {
    std::vector<Edge> edges;
    for (size_t row = begin; row < end; ++row) {
      Unite(graph, weights, reverse, row, &edges);
      fuzzy.offsets[row + 1] = edges.size();
    }
  }));
  std::partial_sum(fuzzy.offsets.begin(), fuzzy.offsets.end(), fuzzy.offsets.begin());
  fuzzy.neighbours.resize(fuzzy.offsets.back());
  fuzzy.weights.resize(fuzzy.offsets.back());
  KITH_RETURN_IF_ERROR(pool.Chunks(graph.num_rows, kRowsATask, [&](size_t begin, size_t end, int) {
    std::vector<Edge> edges;
    for (size_t row = begin; row < end; ++row) {
      Unite(graph, weights, reverse, row, &edges);
      for (size_t i = 0; i < edges.size(); ++i) {
        fuzzy.neighbours[fuzzy.offsets[row] + i] = edges[i].to;
        fuzzy.weights[fuzzy.offsets[row] + i] = edges[i].weight;
      }
    }
  }));
  return fuzzy;
}

}  // namespace kith::learn
