// MakeMap(): neighbours, a start in the first two principal components, and their layout.
#include "kith/map.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/edge.h"
#include "base/rng.h"
#include "base/strings.h"
#include "kith/reduce.h"
#include "learn/fuzzy_graph.h"
#include "learn/layout.h"
#include "learn/row_blocks.h"

namespace kith {
namespace {

constexpr char kFewerNeighbours[] = "ask for fewer neighbours";
constexpr size_t kMostFitted = 10000;  // rows whose principal components are found
constexpr size_t kRowsAtOnce = 8192;   // reduced at a time
constexpr uint32_t kMostEpochs = 100000;
constexpr uint32_t kMostNegatives = 1000;
constexpr float kStartSize = 5;      // the largest coordinate of a start
constexpr float kJitter = 1e-4F;     // sets copies apart
constexpr size_t kFewRows = 200000;  // up to which there are 500 epochs
constexpr uint32_t kEpochsOfFew = 500;
constexpr uint32_t kEpochsOfMany = 200;

Status CheckOptions(const MapOptions& options) {
  if (!(options.spread > 0 && std::isfinite(options.spread))) {
    return Status::InvalidArgument(
        StrCat("spread is ", options.spread, "; it must be above 0, and is 1 by default"));
  }
  if (!(options.min_dist >= 0 && options.min_dist <= options.spread)) {
    return Status::InvalidArgument(StrCat("min_dist is ", options.min_dist,
                                          "; it must be from 0 to the spread, ", options.spread));
  }
  if (options.epochs > kMostEpochs) {
    return Status::InvalidArgument(
        StrCat("epochs is ", options.epochs, "; it must be at most ", kMostEpochs));
  }
  if (options.negatives > kMostNegatives) {
    return Status::InvalidArgument(
        StrCat("negatives is ", options.negatives, "; it must be at most ", kMostNegatives));
  }
  return Status::Ok();
}

// Row i of a sample of `count` of n, evenly spread.
uint64_t Sampled(size_t i, size_t count, uint64_t n) { return i * n / count; }

// The first two principal components of all rows, about [num_vectors, 2].
Result<std::vector<float>> Start(const Index& index, const MapOptions& options, ThreadPool& pool) {
  const IndexInfo& info = index.info();
  const uint64_t n = info.num_vectors;
  std::vector<float> start(2 * n);
  if (n < 3) return start;
  const size_t sampled = std::min<size_t>(n, kMostFitted);
  const bool unit = learn::OnlyDirectionsCount(info.metric);
  KITH_ASSIGN_OR_RETURN(
      auto rows,
      AlignedBuffer<float>::Create(std::max(sampled, std::min<size_t>(n, kRowsAtOnce)) * info.dim));
  KITH_RETURN_IF_ERROR(learn::ReadRows(
      index, sampled, [&](size_t i) { return Sampled(i, sampled, n); }, unit, pool, rows.data()));
  ReduceOptions reduce;
  reduce.dim = std::min<size_t>(2, info.dim);
  reduce.seed = options.seed;
  reduce.threads = options.threads;
  reduce.stop = options.stop;
  KITH_ASSIGN_OR_RETURN(const Reducer reducer,
                        Reducer::Fit(ViewOf(rows.data(), sampled, info.dim), reduce));
  std::vector<float> images(std::min<size_t>(n, kRowsAtOnce) * reduce.dim);
  for (uint64_t begin = 0; begin < n; begin += kRowsAtOnce) {
    KITH_RETURN_IF_ERROR(pool.Report(options.progress, "start", begin, n));
    const size_t count = std::min<uint64_t>(n - begin, kRowsAtOnce);
    KITH_RETURN_IF_ERROR(learn::ReadRows(
        index, count, [&](size_t i) { return begin + i; }, unit, pool, rows.data()));
    KITH_RETURN_IF_ERROR(reducer.Transform(ViewOf(rows.data(), count, info.dim), images.data(),
                                           options.threads, {}, options.stop));
    for (size_t i = 0; i < count; ++i) {
      for (size_t c = 0; c < reduce.dim; ++c) {
        start[2 * (begin + i) + c] = images[i * reduce.dim + c];
      }
    }
  }
  KITH_RETURN_IF_ERROR(pool.Report(options.progress, "start", n, n));
  return start;
}

// Scaled to what layouts begin with, and copies set apart.
std::vector<learn::Point> Scaled(std::span<const float> start, uint64_t seed) {
  float most = 0;
  for (const float x : start) most = std::max(most, std::abs(x));
  const float scale = most > 0 ? kStartSize / most : 1;
  std::vector<learn::Point> points(start.size() / 2);
  for (size_t i = 0; i < points.size(); ++i) {
    Rng rng(seed, i);
    points[i].x = start[2 * i] * scale + kJitter * static_cast<float>(rng.Normal());
    points[i].y = start[2 * i + 1] * scale + kJitter * static_cast<float>(rng.Normal());
  }
  return points;
}

Result<Map> LaidOut(const NeighbourGraph& graph, std::span<const float> start,
                    const MapOptions& options, ThreadPool& pool) {
  if (start.size() != 2 * graph.num_rows) {
    return Status::InvalidArgument(StrCat("the start has ", start.size(), " numbers; ",
                                          Plural(graph.num_rows, "row"), " need twice as many"));
  }
  if (!std::all_of(start.begin(), start.end(), [](float x) { return std::isfinite(x); })) {
    return Status::InvalidArgument("the start has a number that is not finite");
  }
  KITH_ASSIGN_OR_RETURN(const learn::FuzzyGraph fuzzy, learn::MakeFuzzyGraph(graph, pool));
  learn::LayoutOptions layout;
  const auto min_dist = static_cast<double>(options.min_dist);
  layout.curve = learn::FitNearness(min_dist, static_cast<double>(options.spread));
  layout.epochs = options.epochs;
  if (layout.epochs == 0) {
    layout.epochs = graph.num_rows <= kFewRows ? kEpochsOfFew : kEpochsOfMany;
  }
  layout.negatives = options.negatives;
  layout.seed = options.seed;
  std::vector<learn::Point> points = Scaled(start, options.seed);
  KITH_RETURN_IF_ERROR(learn::LayOut(fuzzy, layout, options.progress, pool, points.data()));
  Map map;
  map.points.reserve(2 * points.size());
  for (const learn::Point& p : points) {
    map.points.push_back(p.x);
    map.points.push_back(p.y);
  }
  for (uint64_t row = 0; row < graph.num_rows; ++row) {
    map.k = std::max(map.k, static_cast<uint32_t>(graph.of(row).size()));
  }
  map.epochs = layout.epochs;
  map.min_dist = options.min_dist;
  map.spread = options.spread;
  map.seed = options.seed;
  return map;
}

}  // namespace

Result<Map> MapGraph(const NeighbourGraph& graph, std::span<const float> start,
                     const MapOptions& options) {
  return AtEdge({}, kFewerNeighbours, [&]() -> Result<Map> {
    KITH_RETURN_IF_ERROR(CheckOptions(options));
    ThreadPool pool(options.threads, options.stop);
    return LaidOut(graph, start, options, pool);
  });
}

Result<Map> MakeMap(const Index& index, const MapOptions& options) {
  return AtEdge(index.info().path, kFewerNeighbours, [&]() -> Result<Map> {
    KITH_RETURN_IF_ERROR(CheckOptions(options));
    NeighbourGraphOptions neighbours;
    neighbours.k = options.k;
    neighbours.recall = options.recall;
    neighbours.index = options.index;
    neighbours.threads = options.threads;
    neighbours.progress = options.progress;
    neighbours.stop = options.stop;
    KITH_ASSIGN_OR_RETURN(const NeighbourGraph graph, MakeNeighbourGraph(index, neighbours));
    ThreadPool pool(options.threads, options.stop);
    KITH_ASSIGN_OR_RETURN(const std::vector<float> start, Start(index, options, pool));
    return LaidOut(graph, start, options, pool);
  });
}

}  // namespace kith
