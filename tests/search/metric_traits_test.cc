#include "search/metric_traits.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "data/convert.h"
#include "kith/eval.h"
#include "matrix.h"
#include "quant/geometry.h"
#include "search/scorer.h"

namespace kith::search {
namespace {

using testing::Matrix;

class MetricTraitsTest : public ::testing::TestWithParam<Metric> {};

// What the table says of internal distances holds of those that searches compute.
TEST_P(MetricTraitsTest, SaysWhatScorersDo) {
  const Metric metric = GetParam();
  const MetricTraits& traits = TraitsOf(metric);
  const Matrix rows = Matrix::Random(DataType::kF32, 20, 12, 5);
  const MatrixView view = rows.view();
  std::vector<float> norms(view.rows);
  std::vector<std::vector<float>> x(view.rows, std::vector<float>(view.dim));
  float longest = 0;
  for (size_t i = 0; i < view.rows; ++i) {
    data::RowToF32(view, i, x[i].data());
    norms[i] = InverseNorm(x[i].data(), view.dim);
    longest = std::max(longest, 1 / norms[i]);
  }
  VectorTable table{view, metric, traits.unit_length() ? norms.data() : nullptr, 0};
  const auto scorer = Scorer::Create(table, view, 0, view.rows);
  ASSERT_TRUE(scorer.ok());
  const quant::Geometry geometry(metric, view.dim, longest);
  std::vector<float> q(geometry.dim());
  std::vector<float> y(geometry.dim());
  for (size_t slot = 0; slot < view.rows; ++slot) {
    const uint32_t query = scorer->order()[slot];
    for (uint32_t row = 0; row < view.rows; ++row) {
      float distance = 0;
      scorer->ScoreIds(slot, &row, 1, &distance);
      const double expected = PreciseDistance(metric, x[query].data(), x[row].data(), view.dim);
      EXPECT_NEAR(UserDistance(metric, distance), expected, 1e-4 * (1 + std::abs(expected)));
      if (!traits.euclidean) continue;
      // In the geometry: |q - y|^2 = scale * distance + shift, the shift being |q|^2 + M^2 of
      // products.
      geometry.Query(view, query, q.data());
      geometry.Row(view, row, y.data());
      double squared = 0;
      for (size_t i = 0; i < q.size(); ++i) squared += (q[i] - y[i]) * double{q[i] - y[i]};
      const double length = 1.0 / norms[query];
      const double shift = traits.products ? length * length + double{longest} * longest : 0.0;
      const double scale = traits.products ? 2 : traits.geometry_scale;
      EXPECT_NEAR(scale * distance + shift, squared, 1e-3 * (1 + squared));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, MetricTraitsTest,
                         ::testing::Values(Metric::kAngular, Metric::kEuclidean, Metric::kDot,
                                           Metric::kManhattan, Metric::kHamming),
                         [](const auto& info) { return std::string(MetricName(info.param)); });

}  // namespace
}  // namespace kith::search
