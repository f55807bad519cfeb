// Maps: the layout of neighbours, against what plain loops make of the same.
#include "kith/map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "kith/index.h"
#include "learn/fuzzy_graph.h"
#include "learn/layout.h"
#include "matrix.h"
#include "sanitized.h"
#include "status_checks.h"
#include "test_pool.h"

namespace kith {
namespace {

using testing::ExpectError;
using testing::Matrix;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::unique_ptr<Index> InMemory(const Matrix& rows, Metric metric = Metric::kEuclidean) {
  BuildOptions options;
  options.metric = metric;
  options.calibrate = false;
  auto index = BuildIndexInMemory(rows.view(), options);
  EXPECT_TRUE(index.ok()) << index.status().message();
  return *std::move(index);
}

Map Made(const Index& index, const MapOptions& options = {}) {
  auto map = MakeMap(index, options);
  EXPECT_TRUE(map.ok()) << map.status().message();
  return map.ok() ? *std::move(map) : Map();
}

// A sheet in three dimensions, rolled up and turned into `dim` dimensions, with a little noise.
Matrix RolledSheet(size_t rows, size_t dim) {
  Rng rng(11);
  Matrix turn = Matrix::Clustered(3, dim, 1, 1, 5);
  Matrix sheet(DataType::kF32, rows, dim);
  for (size_t r = 0; r < rows; ++r) {
    const double along = 4 + 9 * rng.Uniform();
    const double at[] = {along * std::cos(along), 20 * rng.Uniform(), along * std::sin(along)};
    for (size_t c = 0; c < dim; ++c) {
      double x = 0.05 * rng.Normal();
      for (size_t i = 0; i < 3; ++i) x += at[i] * turn.Get(i, c);
      sheet.Set(r, c, x);
    }
  }
  return sheet;
}

double AwayOf(const Matrix& rows, Metric metric, size_t i, size_t j) {
  double dot = 0;
  double ii = 0;
  double jj = 0;
  double squares = 0;
  for (size_t c = 0; c < rows.dim(); ++c) {
    const double x = rows.Get(i, c);
    const double y = rows.Get(j, c);
    dot += x * y;
    ii += x * x;
    jj += y * y;
    squares += (x - y) * (x - y);
  }
  if (metric == Metric::kDot) return -dot;
  return metric == Metric::kAngular ? 1 - dot / std::sqrt(ii * jj) : squares;
}

// Trustworthiness and the share of neighbours kept, of all rows.
std::pair<double, double> PlainQuality(const Matrix& rows, Metric metric,
                                       const std::vector<float>& points, size_t k) {
  const size_t n = rows.rows();
  double lost = 0;
  double kept = 0;
  for (size_t i = 0; i < n; ++i) {
    std::vector<size_t> others(n);
    std::iota(others.begin(), others.end(), size_t{0});
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    std::vector<size_t> near = others;
    std::vector<double> on_map(n);
    std::vector<double> away(n);
    for (const size_t j : others) {
      on_map[j] = std::hypot(static_cast<double>(points[2 * i] - points[2 * j]),
                             static_cast<double>(points[2 * i + 1] - points[2 * j + 1]));
      away[j] = AwayOf(rows, metric, i, j);
    }
    std::sort(others.begin(), others.end(), [&](size_t a, size_t b) { return away[a] < away[b]; });
    std::sort(near.begin(), near.end(), [&](size_t a, size_t b) { return on_map[a] < on_map[b]; });
    for (size_t m = 0; m < k; ++m) {
      const auto rank = static_cast<size_t>(std::find(others.begin(), others.end(), near[m]) -
                                            others.begin() + 1);
      kept += rank <= k ? 1 : 0;
      lost += rank <= k ? 0 : static_cast<double>(rank - k);
    }
  }
  const auto nk = static_cast<double>(n * k);
  return {1 - 2 * lost / (nk * static_cast<double>(2 * n - 3 * k - 1)), kept / nk};
}

TEST(NearnessTest, IsTheCurveThatUmapFits) {
  // find_ab_params() of umap-learn 0.5, by SciPy's curve_fit().
  const learn::NearnessCurve usual = learn::FitNearness(0.1, 1);
  EXPECT_NEAR(usual.a, 1.57694, 1e-4);
  EXPECT_NEAR(usual.b, 0.89506, 1e-4);
  // No curve has a corner, but it begins at 1 and falls.
  for (const double min_dist : {0.0, 0.5, 1.0}) {
    const learn::NearnessCurve curve = learn::FitNearness(min_dist, 1);
    EXPECT_TRUE(curve.a > 0 && curve.b > 0 && std::isfinite(curve.a + curve.b)) << min_dist;
  }
}

TEST(FuzzyGraphTest, WeightsAreThoseOfTheirDefinition) {
  const Matrix rows = Matrix::Clustered(300, 6, 5, 0.5, 2);
  const auto index = InMemory(rows);
  const auto graph = MakeNeighbourGraph(*index, {.k = 7, .recall = 1});
  ASSERT_TRUE(graph.ok());
  const auto fuzzy = learn::MakeFuzzyGraph(*graph, TestPool(2));
  ASSERT_TRUE(fuzzy.ok()) << fuzzy.status().message();
  // What each row thinks of its neighbours, by halving.
  std::vector<std::vector<double>> thinks(300, std::vector<double>(300, 0));
  for (size_t i = 0; i < 300; ++i) {
    const auto d = [&](size_t m) { return static_cast<double>(graph->distances[7 * i + m]); };
    const auto weight = [&](size_t m, double sigma) {
      return d(m) > d(0) ? std::exp((d(0) - d(m)) / sigma) : 1;
    };
    double low = 0;
    double high = 1000;
    for (int step = 0; step < 100; ++step) {
      const double sigma = (low + high) / 2;
      double sum = 0;
      for (size_t m = 0; m < 7; ++m) sum += weight(m, sigma);
      (sum > std::log2(8.0) ? high : low) = sigma;
    }
    for (size_t m = 0; m < 7; ++m) thinks[i][graph->neighbours[7 * i + m]] = weight(m, low);
  }
  size_t edges = 0;
  for (size_t i = 0; i < 300; ++i) {
    for (size_t j = 0; j < 300; ++j) {
      const double united = thinks[i][j] + thinks[j][i] - thinks[i][j] * thinks[j][i];
      edges += united > 0 ? 1 : 0;
      const auto begin = fuzzy->neighbours.begin() + static_cast<std::ptrdiff_t>(fuzzy->offsets[i]);
      const auto end =
          fuzzy->neighbours.begin() + static_cast<std::ptrdiff_t>(fuzzy->offsets[i + 1]);
      ASSERT_TRUE(std::is_sorted(begin, end));
      const auto at = std::lower_bound(begin, end, static_cast<uint32_t>(j));
      const bool there = at != end && *at == j;
      ASSERT_EQ(there, united > 0) << i << ' ' << j;
      if (!there) continue;
      ASSERT_NEAR(
          static_cast<double>(fuzzy->weights[static_cast<size_t>(at - fuzzy->neighbours.begin())]),
          united, 1e-4);
    }
  }
  EXPECT_EQ(fuzzy->neighbours.size(), edges);
}

TEST(MapTest, ASheetIsUnrolled) {
  const Matrix rows = RolledSheet(testing::kSanitized ? 300 : 1200, 12);
  const auto index = InMemory(rows);
  const Map map = Made(*index);
  ASSERT_EQ(map.points.size(), 2 * rows.rows());
  EXPECT_EQ(map.k, 15u);
  EXPECT_EQ(map.epochs, 500u);
  const auto quality = MeasureMap(*index, map.points, {.samples = 500});
  ASSERT_TRUE(quality.ok()) << quality.status().message();
  // Without a single epoch it is the principal components, which look at the roll from its side.
  EXPECT_GT(quality->trustworthiness, testing::kSanitized ? 0.97 : 0.99);
  EXPECT_GT(quality->preservation, 0.6);
  const Map one = Made(*index, {.epochs = 1});
  const auto start = MeasureMap(*index, one.points, {.samples = 500});
  ASSERT_TRUE(start.ok());
  EXPECT_LT(start->trustworthiness, 0.98);
}

TEST(MapTest, ClustersStayTogether) {
  const size_t n = 1000;
  Matrix rows = Matrix::Clustered(n, 24, 8, 0.15, 7);
  const Map map = Made(*InMemory(rows, Metric::kAngular));
  // Of each row the nearest point is of its cluster: their vectors are near.
  size_t together = 0;
  for (size_t i = 0; i < n; ++i) {
    size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (size_t j = 0; j < n; ++j) {
      const double d =
          std::hypot(static_cast<double>(map.points[2 * i] - map.points[2 * j]),
                     static_cast<double>(map.points[2 * i + 1] - map.points[2 * j + 1]));
      if (j != i && d < least) best = j;
      if (j != i) least = std::min(least, d);
    }
    together += AwayOf(rows, Metric::kEuclidean, i, best) < 8 ? 1 : 0;
  }
  EXPECT_GE(together, n - 2);
}

// Overlapping clusters along a line: the start shows their order, and the layout has to keep it.
TEST(MapTest, AChainOfClustersKeepsItsOrder) {
  constexpr size_t kLinks = 8;
  const size_t n = testing::kSanitized ? 1200 : 4000;
  Rng rng(21);
  Matrix rows(DataType::kF32, n, 20);
  Matrix way = Matrix::Clustered(kLinks, 20, kLinks, 0, 4);
  for (size_t r = 0; r < n; ++r) {
    // The middles are a random walk: each differs from the one before by a new direction.
    for (size_t c = 0; c < 20; ++c) {
      double x = rng.Normal();
      for (size_t link = 0; link <= r % kLinks; ++link) x += 1.1 * way.Get(link, c);
      rows.Set(r, c, x);
    }
  }
  const Map map = Made(*InMemory(rows));
  std::vector<double> middles(2 * kLinks, 0);
  for (size_t r = 0; r < n; ++r) {
    for (size_t c = 0; c < 2; ++c) {
      middles[2 * (r % kLinks) + c] += static_cast<double>(map.points[2 * r + c]) /
                                       (static_cast<double>(n) / static_cast<double>(kLinks));
    }
  }
  const auto apart = [&](size_t a, size_t b) {
    return std::hypot(middles[2 * a] - middles[2 * b], middles[2 * a + 1] - middles[2 * b + 1]);
  };
  // The nearest clusters of each are the ones beside it.
  size_t beside = 0;
  for (size_t a = 0; a < kLinks; ++a) {
    size_t nearest = a == 0 ? 1 : 0;
    for (size_t b = 0; b < kLinks; ++b) {
      if (b != a && apart(a, b) < apart(a, nearest)) nearest = b;
    }
    beside += nearest + 1 == a || a + 1 == nearest ? 1 : 0;
  }
  EXPECT_GE(beside, kLinks - 1);
}

TEST(MapThreadTest, ThreadsChangeNothing) {
  const Matrix rows = Matrix::Clustered(testing::kSanitized ? 700 : 6000, 10, 40, 0.4, 3);
  const auto index = InMemory(rows);
  MapOptions options{.epochs = 30, .threads = 1};
  const Map one = Made(*index, options);
  EXPECT_EQ(std::count_if(one.points.begin(), one.points.end(),
                          [](float x) { return !std::isfinite(x); }),
            0);
  for (const int threads : {2, 3, 7}) {
    options.threads = threads;
    EXPECT_EQ(Made(*index, options).points, one.points) << threads;
  }
  options.seed = 43;
  EXPECT_NE(Made(*index, options).points, one.points);
}

TEST(MapTest, SmallAndOddSetsHaveMaps) {
  for (const size_t n : {1u, 2u, 3u, 4u, 17u}) {
    const auto index = InMemory(Matrix::Clustered(n, 5, 2, 1, n));
    const Map map = Made(*index);
    ASSERT_EQ(map.points.size(), 2 * n);
    for (const float x : map.points) EXPECT_TRUE(std::isfinite(x)) << n;
  }
  // All the same; one dimension; bits; products, whose distances are negative; manhattan.
  Matrix same(DataType::kF32, 50, 3);
  for (size_t i = 0; i < 50; ++i) same.Set(i, 1, 2);
  const std::pair<Matrix, Metric> odd[] = {
      {same, Metric::kAngular},
      {Matrix::Clustered(60, 1, 3, 1, 1), Metric::kEuclidean},
      {Matrix::Random(DataType::kBit, 200, 40, 1), Metric::kHamming},
      {Matrix::Clustered(200, 8, 3, 1, 1), Metric::kDot},
      {Matrix::Clustered(200, 8, 3, 1, 1), Metric::kManhattan},
  };
  for (const auto& [rows, metric] : odd) {
    const auto index = InMemory(rows, metric);
    const Map map = Made(*index, {.epochs = 50});
    ASSERT_EQ(map.points.size(), 2 * rows.rows());
    for (const float x : map.points) EXPECT_TRUE(std::isfinite(x)) << MetricName(metric);
    EXPECT_TRUE(MeasureMap(*index, map.points, {}).ok()) << MetricName(metric);
  }
}

TEST(MapQualityTest, IsThatOfPlainLoops) {
  const Matrix rows = Matrix::Clustered(220, 6, 5, 0.8, 9);
  for (const Metric metric : {Metric::kEuclidean, Metric::kAngular, Metric::kDot}) {
    const auto index = InMemory(rows, metric);
    const Map map = Made(*index, {.k = 5, .epochs = 40});
    for (const size_t k : {1u, 7u, 50u}) {
      const auto [trust, kept] = PlainQuality(rows, metric, map.points, k);
      const auto quality = MeasureMap(*index, map.points, {.k = k});
      ASSERT_TRUE(quality.ok()) << quality.status().message();
      EXPECT_EQ(quality->samples, 220u);
      EXPECT_NEAR(quality->trustworthiness, trust, 1e-4) << MetricName(metric) << ' ' << k;
      EXPECT_NEAR(quality->preservation, kept, 1e-3) << MetricName(metric) << ' ' << k;
      // Some of the rows tell about the same.
      const auto some = MeasureMap(*index, map.points, {.k = k, .samples = 110});
      EXPECT_NEAR(some->trustworthiness, trust, 0.03);
    }
  }
}

TEST(MapTest, BadInputIsRefused) {
  const auto index = InMemory(Matrix::Clustered(40, 4, 2, 1, 1));
  const auto code = StatusCode::kInvalidArgument;
  const float nan = std::nanf("");
  ExpectError(MakeMap(*index, {.k = 0}).status(), code, "k is 0");
  ExpectError(MakeMap(*index, {.min_dist = 2}).status(), code, "min_dist is 2");
  ExpectError(MakeMap(*index, {.min_dist = nan}).status(), code, "min_dist");
  ExpectError(MakeMap(*index, {.spread = 0}).status(), code, "spread is 0");
  ExpectError(MakeMap(*index, {.spread = kInfinity}).status(), code, "spread");
  ExpectError(MakeMap(*index, {.epochs = 1000000}).status(), code, "epochs");
  ExpectError(MakeMap(*index, {.negatives = 5000}).status(), code, "negatives");
  ExpectError(MakeMap(*index, {.index = IndexKind::kForest}).status(), code, "forest");
  std::vector<float> points(79);
  ExpectError(MeasureMap(*index, points, {}).status(), code, "40 vectors");
  points.resize(80);
  points[9] = nan;
  ExpectError(MeasureMap(*index, points, {}).status(), code, "point 4");
  ExpectError(
      MeasureMap(*InMemory(Matrix::Clustered(3, 4, 2, 1, 1)), std::vector<float>(6), {}).status(),
      code, "at least 4");
  auto graph = *MakeNeighbourGraph(*index, {.k = 3});
  ExpectError(MapGraph(graph, points, {}).status(), code, "not finite");
  points[9] = 0;
  EXPECT_TRUE(MapGraph(graph, points, {}).ok());
  ExpectError(MapGraph(graph, std::vector<float>(3), {}).status(), code, "40 rows");
  graph.neighbours[5] = 40;
  ExpectError(MapGraph(graph, points, {}).status(), code, "edge 5");
  graph.neighbours[5] = 4;
  graph.offsets[7] = graph.offsets[9];
  ExpectError(MapGraph(graph, points, {}).status(), code, "row 7");
  std::stop_source stop;
  stop.request_stop();
  ExpectError(MakeMap(*index, {.stop = stop.get_token()}).status(), code, "cancelled");
}

}  // namespace
}  // namespace kith
