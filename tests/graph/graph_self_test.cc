// Vectors find themselves whatever the scale of their distances, and the file says how many do: by
// searches of its own vectors as they are, not as the build rounds them.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "graph/graph_data.h"
#include "graph/self_search.h"
#include "kith/index.h"
#include "matrix.h"
#include "sanitized.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::GraphBuild;
using testing::kSanitized;
using testing::Layouts;
using testing::Matrix;

constexpr size_t kRows = kSanitized ? 1000 : 3000;
// The file's figure is of a sample of two thousand.
constexpr double kChance = 0.015;

Matrix Gaussians(size_t dim, uint64_t seed) {
  Rng rng(seed, 1);
  Matrix m(DataType::kF32, kRows, dim);
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t c = 0; c < dim; ++c) m.Set(r, c, rng.Normal());
  }
  return m;
}

// Gaussians but for one coordinate, which goes from 1 to e^25.
Matrix Exponential(size_t dim) {
  Matrix m = Gaussians(dim, 7);
  for (size_t r = 0; r < kRows; ++r) {
    m.Set(r, 0, std::exp(25 * static_cast<double>(r) / (kRows - 1)));
  }
  return m;
}

// Directions of Gaussians at distances from the origin of e to the power of Gaussians.
Matrix AnyRadius(size_t dim, double power) {
  Matrix m = Gaussians(dim, 8);
  Rng rng(9, 1);
  for (size_t r = 0; r < kRows; ++r) {
    const double radius = std::exp(power * rng.Normal());
    for (size_t c = 0; c < dim; ++c) m.Set(r, c, radius * m.Get(r, c));
  }
  return m;
}

class GraphSelfTest : public ::testing::Test {
 protected:
  // In the layout that suits and in the compact one nearly all find themselves; in the packed one,
  // whose codes may not tell them apart, the file says how many do.
  void Check(const Matrix& rows, Metric metric) {
    for (const GraphLayout layout : Layouts(metric, DataType::kF32)) {
      SCOPED_TRACE(::testing::Message() << MetricName(metric) << ", " << GraphLayoutName(layout));
      BuildOptions options = GraphBuild(metric, layout);
      options.calibrate = false;
      const double missed = self_.Missed(rows, kRows, options);
      EXPECT_NEAR(1 - self_.told(), missed, kChance);
      if (layout != GraphLayout::kPacked) {
        EXPECT_LE(missed, 0.005);
      }
    }
    BuildOptions options = GraphBuild(metric, GraphLayout::kAuto);
    options.calibrate = true;
    EXPECT_LE(self_.Missed(rows, kRows, options), 0.005);
    EXPECT_GE(self_.told(), 0.99);
  }

  testing::SelfSearch self_;
};

TEST_F(GraphSelfTest, OneCoordinateOfAllScales) {
  Check(Exponential(32), Metric::kEuclidean);
  Check(Exponential(2), Metric::kEuclidean);
  Check(Exponential(32), Metric::kManhattan);
}

TEST_F(GraphSelfTest, RadiiOfAllScales) {
  Check(AnyRadius(32, 6), Metric::kEuclidean);
  Check(AnyRadius(256, 6), Metric::kEuclidean);
}

// The codes of a packed graph are about a centre, which a few far away would take along.
TEST_F(GraphSelfTest, OutliersInAPackedGraph) {
  for (const double factor : {1e4, 1e6}) {
    Matrix rows = Gaussians(256, 10);
    for (size_t r = 0; r < kRows; r += kRows / 50) {
      for (size_t c = 0; c < rows.dim(); ++c) rows.Set(r, c, factor * rows.Get(r, c));
    }
    BuildOptions options = GraphBuild(Metric::kEuclidean, GraphLayout::kPacked);
    options.calibrate = false;
    const double missed = self_.Missed(rows, kRows, options);
    EXPECT_LE(missed, 0.01) << factor;
    EXPECT_NEAR(1 - self_.told(), missed, kChance) << factor;
  }
}

// One node in thirty lies in the middle of one of three clouds, too near to the others there for
// bytes to tell them apart.
TEST_F(GraphSelfTest, SeveralCloudsWithVectorsInTheirMiddles) {
  constexpr size_t kDim = 256;
  constexpr size_t kMiddle = 30;
  Matrix rows = Gaussians(kDim, 11);
  Rng rng(12, 1);
  for (size_t cloud = 0; cloud < 3; ++cloud) {
    std::vector<double> centre(kDim);
    for (double& v : centre) v = 20 * rng.Normal();
    for (size_t r = cloud; r < kRows; r += 3) {
      const double scale = r < 3 * kMiddle ? 1e-3 : 1;
      for (size_t c = 0; c < kDim; ++c) rows.Set(r, c, centre[c] + scale * rows.Get(r, c));
    }
  }
  BuildOptions options = GraphBuild(Metric::kEuclidean, GraphLayout::kAuto);
  options.calibrate = false;
  const double missed = self_.Missed(rows, kRows, options);
  EXPECT_LE(missed, 0.01);
  EXPECT_NEAR(1 - self_.told(), missed, kChance);
}

// Of products, what counts is that nothing nearer is missed.
TEST_F(GraphSelfTest, SparseBitsAsProducts) {
  Matrix rows(DataType::kF32, kRows, 256);
  Rng rng(13, 1);
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t c = 0; c < rows.dim(); ++c) rows.Set(r, c, rng.Below(50) == 0 ? 1 : 0);
  }
  testing::TempDir dir;
  BuildOptions options = GraphBuild(Metric::kDot, GraphLayout::kCompact);
  options.calibrate = false;
  const auto index = testing::BuildAndOpen(dir.File("x.kith"), rows, options);
  ASSERT_NE(index, nullptr);
  const SearchResult found =
      testing::SearchOrFail(*index, rows.view(), {.k = 1, .index = IndexKind::kGraph});
  const SearchResult all =
      testing::SearchOrFail(*index, rows.view(), {.k = 1, .index = IndexKind::kExact});
  size_t missed = 0;
  for (size_t r = 0; r < kRows; ++r) missed += found.distances[r] > all.distances[r] ? 1 : 0;
  EXPECT_LE(missed, kRows / 100);
  const double told = index->info().path_of(IndexKind::kGraph)->share("self_recall");
  EXPECT_GE(told, 0.99);
}

}  // namespace
}  // namespace kith
