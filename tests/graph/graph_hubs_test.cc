// Vectors in the middle of all others, which are nearer to each of them than these are to each
// other: whatever there is of them, a graph finds its own vectors as well as without.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "graph/graph.h"
#include "graph/graph_data.h"
#include "graph/self_search.h"
#include "kith/index.h"
#include "matrix.h"
#include "sanitized.h"
#include "test_pool.h"

namespace kith {
namespace {

using testing::GraphBuild;
using testing::kSanitized;
using testing::Layouts;
using testing::Matrix;

// More than the 1,024 of a shell that none are held out of.
constexpr size_t kRows = kSanitized ? 1100 : 3000;
constexpr size_t kDim = kSanitized ? 192 : 256;

// Gaussians about a centre, and behind them `middle` vectors that lie about it more closely by far.
Matrix WithMiddle(size_t middle, double centre, double spread) {
  Rng rng(11, 1);
  Matrix m(DataType::kF32, kRows + middle, kDim);
  for (size_t r = 0; r < m.rows(); ++r) {
    const double scale = r < kRows ? 1 : spread;
    for (size_t c = 0; c < kDim; ++c) m.Set(r, c, centre + scale * rng.Normal());
  }
  return m;
}

class GraphHubsTest : public ::testing::Test {
 protected:
  double Missed(const Matrix& rows, const BuildOptions& options) {
    return self_.Missed(rows, kRows, options);
  }

  testing::SelfSearch self_;
};

TEST_F(GraphHubsTest, AnyNumberOfVectorsInTheMiddleHidesNoOthers) {
  for (const Metric metric : {Metric::kEuclidean, Metric::kAngular, Metric::kManhattan}) {
    const double centre = metric == Metric::kAngular ? 3 : 0;
    for (const GraphLayout layout : Layouts(metric, DataType::kF32)) {
      BuildOptions options = GraphBuild(metric, layout);
      options.calibrate = false;
      options.dtype = DataType::kF32;
      const double alone = Missed(WithMiddle(0, centre, 1), options);
      EXPECT_LE(alone, 0.005);
      for (const size_t middle : {1, 3, 10, 100, 700}) {
        SCOPED_TRACE(::testing::Message() << MetricName(metric) << ", " << GraphLayoutName(layout)
                                          << ", " << middle << " in the middle");
        EXPECT_LE(Missed(WithMiddle(middle, centre, 1e-3), options), alone + 0.005);
        EXPECT_GE(self_.told(), 0.99);
      }
    }
  }
}

// Angular distance calls a vector of zeros as far from all others as any can be from another that
// has nothing to do with it, and so it is a hub as well.
TEST_F(GraphHubsTest, EmptyVectorsUnderAngularHideNoOthers) {
  Matrix rows = WithMiddle(3, 0, 0);
  for (const GraphLayout layout : {GraphLayout::kPacked, GraphLayout::kCompact}) {
    BuildOptions options = GraphBuild(Metric::kAngular, layout);
    options.calibrate = false;
    EXPECT_LE(Missed(rows, options), 0.005) << GraphLayoutName(layout);
  }
}

// What is held out to measure recall is not in the graph when its shells are chosen, but inserted
// later.
TEST_F(GraphHubsTest, AVectorInTheMiddleThatIsHeldOutHidesNoOthers) {
  Matrix rows = WithMiddle(0, 0, 1);
  std::vector<uint32_t> held_out;
  for (uint32_t row = 5; row < kRows; row += 8) held_out.push_back(row);
  for (size_t c = 0; c < kDim; ++c) rows.Set(held_out[held_out.size() / 2], c, 0);
  const auto builder = graph::Type().NewBuilder({.rows = rows.view(),
                                                 .metric = Metric::kEuclidean,
                                                 .seed = 42,
                                                 .pool = &TestPool(),
                                                 .held_out = held_out},
                                                GraphOptions());
  ASSERT_TRUE(builder.ok()) << builder.status().message();
  ASSERT_TRUE((*builder)->Build().ok());
  EXPECT_GT((*builder)->hidden().size(), held_out.size() / 2);
  ASSERT_TRUE((*builder)->Finish().ok());
  EXPECT_TRUE((*builder)->hidden().empty());
  const std::vector<uint32_t>& order = (*builder)->order();
  const Matrix ordered = rows.Permuted({order.begin(), order.end()});
  const search::StoredVectors vectors{
      {ordered.view(), Metric::kEuclidean, nullptr, ordered.view().stride}, order.data()};
  const auto path = (*builder)->OpenPartial(vectors);
  search::Hits hits;
  SearchStats stats;
  ASSERT_TRUE(path->Search({.queries = rows.view(),
                            .wanted = search::Wanted::Nearest(1),
                            .pool = &TestPool(),
                            .filter = &AllRows(),
                            .effort = *graph::Type().efforts()->Default(1)},
                           &hits, &stats)
                  .ok());
  size_t missed = 0;
  for (size_t row = 0; row < kRows; ++row) missed += hits.of(row)[0].row != row;
  EXPECT_LE(static_cast<double>(missed), 0.005 * kRows);
}

// A shell inside a shell inside a shell.
TEST_F(GraphHubsTest, ShellsAreNested) {
  Matrix rows = WithMiddle(300, 0, 1e-3);
  for (size_t r = kRows; r < kRows + 150; ++r) {
    for (size_t c = 0; c < kDim; ++c) rows.Set(r, c, 300 * rows.Get(r, c));
  }
  BuildOptions options = GraphBuild(Metric::kEuclidean);
  options.calibrate = false;
  EXPECT_LE(Missed(rows, options), 0.005);
}

// Lengths that differ by any factor: the shorter a vector is, the more it is in the middle.
TEST_F(GraphHubsTest, VectorsOfUnevenLengthsFindThemselves) {
  Matrix rows = WithMiddle(0, 0, 1);
  Rng rng(5, 1);
  for (size_t r = 0; r < kRows; ++r) {
    const double length = std::exp(0.5 * rng.Normal());
    for (size_t c = 0; c < kDim; ++c) rows.Set(r, c, length * rows.Get(r, c));
  }
  BuildOptions options = GraphBuild(Metric::kEuclidean);
  options.calibrate = false;
  EXPECT_LE(Missed(rows, options), 0.01);
}

// Neighbours that lie nearer to each other than the rounding of a query tells: codes of edges do
// not suit them, which only a search for the nearest alone shows.
TEST_F(GraphHubsTest, ARingAndPairsFindThemselves) {
  Matrix ring(DataType::kF32, kRows, 2);
  for (size_t r = 0; r < kRows; ++r) {
    const double angle = 2 * 3.14159265358979 * static_cast<double>(r) / kRows;
    ring.Set(r, 0, std::cos(angle));
    ring.Set(r, 1, std::sin(angle));
  }
  BuildOptions options = GraphBuild(Metric::kEuclidean);
  options.calibrate = false;
  EXPECT_LE(Missed(ring, options), 0.005);
  // The middle is one of a pair, or alone. Nobody's nearest is the middle, but everybody's second.
  for (const bool paired : {false, true}) {
    SCOPED_TRACE(paired);
    Matrix pairs = WithMiddle(paired ? 0 : 1, 0, 0);
    for (size_t c = 0; paired && c < kDim; ++c) pairs.Set(0, c, 0);
    Rng rng(3, 1);
    for (size_t r = 0; r + 1 < kRows; r += 2) {
      for (size_t c = 0; c < kDim; ++c) pairs.Set(r + 1, c, pairs.Get(r, c) + 1e-3 * rng.Normal());
    }
    EXPECT_LE(Missed(pairs, options), 0.005);
  }
}

// Vectors a million diameters away, alone or in many.
TEST_F(GraphHubsTest, OutliersFindThemselvesAndHideNobody) {
  for (const double factor : {1e3, 1e6}) {
    for (const size_t far : {size_t{1}, size_t{50}, kRows / 5}) {
      SCOPED_TRACE(::testing::Message() << far << " outliers, " << factor << " times as far");
      Matrix rows = WithMiddle(0, 0, 1);
      for (size_t r = 0; r < far; ++r) {
        for (size_t c = 0; c < kDim; ++c) rows.Set(r * 5, c, factor * rows.Get(r * 5, c));
      }
      BuildOptions options = GraphBuild(Metric::kEuclidean);
      options.calibrate = false;
      // Of squares of a million times the distances, floats hardly tell these apart.
      EXPECT_LE(Missed(rows, options), factor > 1e5 ? 0.02 : 0.005);
    }
  }
}

}  // namespace
}  // namespace kith
