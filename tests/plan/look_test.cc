// What a look at some vectors tells, and what plans make of it.
#include "plan/look.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <numbers>
#include <string>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "base/thread_pool.h"
#include "kith/index.h"
#include "kith/plan.h"
#include "paths.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::TempDir;

// Rows of floats.
struct Rows {
  size_t dim = 0;
  std::vector<float> values;

  MatrixView view() const { return ViewOf(values.data(), values.size() / dim, dim); }
};

Rows Gaussians(size_t n, size_t dim, uint64_t seed) {
  Rows rows{dim, {}};
  Rng rng(seed);
  for (size_t i = 0; i < n * dim; ++i) rows.values.push_back(static_cast<float>(rng.Normal()));
  return rows;
}

// Gaussians of `inner` dimensions, turned into `dim`.
Rows Sheet(size_t n, size_t inner, size_t dim, uint64_t seed) {
  const Rows few = Gaussians(n, inner, seed);
  const Rows directions = Gaussians(inner, dim, seed + 1);
  Rows rows{dim, std::vector<float>(n * dim)};
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < inner; ++j) {
      for (size_t c = 0; c < dim; ++c) {
        rows.values[i * dim + c] += few.values[i * inner + j] * directions.values[j * dim + c];
      }
    }
  }
  return rows;
}

// Around `clusters` centres, as far as `spread` of the distances of these.
Rows Clusters(size_t n, size_t clusters, size_t dim, float spread, uint64_t seed) {
  const Rows centres = Gaussians(clusters, dim, seed);
  Rows rows = Gaussians(n, dim, seed + 1);
  for (size_t i = 0; i < n; ++i) {
    for (size_t c = 0; c < dim; ++c) {
      float& x = rows.values[i * dim + c];
      x = centres.values[i % clusters * dim + c] + spread * x;
    }
  }
  return rows;
}

Rows Ring(size_t n) {
  Rows rows{2, {}};
  Rng rng(3);
  for (size_t i = 0; i < n; ++i) {
    const double at = rng.Uniform() * 2 * std::numbers::pi;
    rows.values.push_back(static_cast<float>(std::cos(at)));
    rows.values.push_back(static_cast<float>(std::sin(at)));
  }
  return rows;
}

DataLook Look(const Rows& rows, Metric metric = Metric::kEuclidean, int threads = 2) {
  ThreadPool pool(threads);
  const Result<DataLook> look = plan::LookAt(rows.view(), DataType::kF32, metric, pool);
  EXPECT_TRUE(look.ok()) << look.status().message();
  return look.ok() ? *look : DataLook{};
}

BuildPlan PlanOf(const Rows& rows, const BuildOptions& options) {
  Result<BuildPlan> plan = PlanBuild(rows.view(), options);
  EXPECT_TRUE(plan.ok()) << plan.status().message();
  return plan.ok() ? std::move(plan).value() : BuildPlan{{PlanCandidate{}}, 0};
}

GraphLayout LayoutOf(const PlanCandidate& c) {
  const auto* graph = std::get_if<GraphOptions>(&c.spec);
  return graph == nullptr ? GraphLayout::kAuto : graph->layout;
}

const PlanCandidate& Packed(const BuildPlan& plan) {
  return *std::find_if(plan.candidates.begin(), plan.candidates.end(),
                       [](const PlanCandidate& c) { return LayoutOf(c) == GraphLayout::kPacked; });
}

TEST(LookTest, TellsTheDimensionThatVectorsLieIn) {
  // Known ones; in many dimensions, so few vectors show fewer.
  EXPECT_NEAR(Look(Ring(4000)).intrinsic_dim, 1, 0.15);
  EXPECT_NEAR(Look(Gaussians(4000, 2, 1)).intrinsic_dim, 2, 0.3);
  EXPECT_NEAR(Look(Gaussians(4000, 5, 1)).intrinsic_dim, 5, 0.8);
  EXPECT_NEAR(Look(Gaussians(4000, 16, 1)).intrinsic_dim, 12.5, 1.5);
  EXPECT_GT(Look(Gaussians(4000, 128, 1)).intrinsic_dim, 40);
  // However many coordinates there are.
  EXPECT_NEAR(Look(Sheet(4000, 5, 200, 1)).intrinsic_dim, 5, 0.8);
}

TEST(LookTest, ClustersDoNotHideTheirOwnDimension) {
  // Of 20 neighbours some are in other clusters, which seem far away.
  EXPECT_GT(Look(Clusters(4000, 250, 64, 0.01f, 1)).intrinsic_dim, 10);
}

TEST(LookTest, OfMetricsThatOrderAlikeTheSame) {
  Rows rows = Gaussians(3000, 24, 5);
  for (size_t i = 0; i < rows.values.size(); i += rows.dim) {
    double sum = 0;
    for (size_t c = 0; c < rows.dim; ++c) sum += rows.values[i + c] * double{rows.values[i + c]};
    for (size_t c = 0; c < rows.dim; ++c) {
      rows.values[i + c] = static_cast<float>(rows.values[i + c] / std::sqrt(sum));
    }
  }
  const DataLook euclidean = Look(rows);
  for (const Metric metric : {Metric::kAngular, Metric::kDot}) {
    const DataLook look = Look(rows, metric);
    EXPECT_NEAR(look.intrinsic_dim, euclidean.intrinsic_dim, 0.01 * euclidean.intrinsic_dim);
    EXPECT_NEAR(look.rounding, euclidean.rounding, 0.01 * euclidean.rounding);
  }
}

TEST(LookTest, IsTheSameForAnyThreadsAndLooksAtSomeOnly) {
  const Rows rows = Gaussians(50'000, 4, 2);
  const DataLook one = Look(rows, Metric::kEuclidean, 1);
  const DataLook many = Look(rows, Metric::kEuclidean, 8);
  EXPECT_EQ(one.rows, 32'768u);
  EXPECT_EQ(one.intrinsic_dim, many.intrinsic_dim);
  EXPECT_EQ(one.rounding, many.rounding);
}

TEST(LookTest, CopiesAndFewVectorsTellNothing) {
  const Rows same{8, std::vector<float>(8 * 1000, 1.5f)};
  const DataLook look = Look(same);
  EXPECT_EQ(look.rows, 1000u);
  EXPECT_EQ(look.intrinsic_dim, DataLook{}.intrinsic_dim);
  EXPECT_EQ(look.rounding, 0);
  EXPECT_EQ(Look(Gaussians(255, 8, 1)).rows, 0u);
}

TEST(LookTest, FaultsAreNamedByTheirPlace) {
  Rows rows = Gaussians(1000, 4, 1);
  rows.values[4 * 777 + 2] = std::numeric_limits<float>::quiet_NaN();
  ThreadPool pool;
  const Status status =
      plan::LookAt(rows.view(), DataType::kF32, Metric::kEuclidean, pool).status();
  EXPECT_NE(status.message().find("777"), std::string::npos) << status.message();
  rows.values[4 * 777 + 2] = 0.5f;
  BuildOptions options;
  options.dtype = DataType::kU8;
  EXPECT_FALSE(PlanBuild(rows.view(), options).ok());
}

TEST(LookTest, HarderVectorsTakeLonger) {
  BuildOptions options;
  options.metric = Metric::kEuclidean;
  double query_us = 0;
  double build_seconds = 0;
  double calibration_seconds = 0;
  for (const size_t inner : {4, 16, 48}) {
    const BuildPlan plan = PlanOf(Sheet(6000, inner, 48, 1), options);
    const PlanCandidate& packed = Packed(plan);
    EXPECT_GT(packed.query_us, query_us) << inner;
    EXPECT_GE(packed.build_seconds, build_seconds) << inner;
    EXPECT_GT(packed.calibration_seconds, calibration_seconds) << inner;
    EXPECT_LT(packed.calibration_seconds, packed.build_seconds) << inner;
    query_us = packed.query_us;
    build_seconds = packed.build_seconds;
    calibration_seconds = packed.calibration_seconds;
  }
}

TEST(LookTest, CalibrationIsCountedWhereItIsDone) {
  const Rows rows = Gaussians(6000, 32, 1);
  BuildOptions options;
  options.metric = Metric::kEuclidean;
  const PlanCandidate with = Packed(PlanOf(rows, options));
  options.calibrate = false;
  const PlanCandidate without = Packed(PlanOf(rows, options));
  EXPECT_EQ(without.calibration_seconds, 0);
  EXPECT_NEAR(with.build_seconds, without.build_seconds + with.calibration_seconds, 1e-9);
  // Few queries would hardly pay for it.
  options.calibrate = {};
  options.expected_queries = 9999;
  EXPECT_EQ(Packed(PlanOf(rows, options)).calibration_seconds, 0);
  options.expected_queries = 10'000;
  EXPECT_EQ(Packed(PlanOf(rows, options)).calibration_seconds, with.calibration_seconds);
}

TEST(LookTest, WhereNothingIsNearerThanTheRestThereIsNoGraph) {
  BuildOptions options;
  options.metric = Metric::kEuclidean;
  const BuildPlan plan = PlanOf(Gaussians(1000, 4096, 1), options);
  EXPECT_EQ(plan.candidates[plan.built].kind, IndexKind::kExact);
  EXPECT_EQ(Packed(plan).verdict, PlanVerdict::kSlowerSearch);
}

TEST(LookTest, TheLayoutAnnouncedIsTheOneBuilt) {
  struct Case {
    const char* name;
    Rows rows;
    GraphLayout layout;
  };
  const std::vector<Case> cases = {
      {"Gaussians", Gaussians(6000, 32, 1), GraphLayout::kPacked},
      {"hard ones", Gaussians(4000, 128, 1), GraphLayout::kPacked},
      {"a sheet", Sheet(4000, 5, 100, 1), GraphLayout::kPacked},
      {"a ring", Ring(5000), GraphLayout::kCompact},
      {"tight clusters", Clusters(6000, 200, 64, 0.005f, 1), GraphLayout::kCompact},
  };
  const TempDir dir;
  for (const Case& at : cases) {
    BuildOptions options;
    options.metric = Metric::kEuclidean;
    options.calibrate = false;
    options.paths.push_back(GraphOptions{});
    const BuildPlan plan = PlanOf(at.rows, options);
    EXPECT_EQ(LayoutOf(plan.candidates[plan.built]), at.layout) << at.name;
    EXPECT_EQ(Packed(plan).verdict == PlanVerdict::kTooCoarse, at.layout == GraphLayout::kCompact)
        << at.name;
    const std::string path = dir.File("x.kith");
    ASSERT_TRUE(BuildIndex(at.rows.view(), path, options).ok());
    const Result<std::unique_ptr<Index>> index = OpenIndex(path);
    ASSERT_TRUE(index.ok());
    EXPECT_EQ(testing::LayoutOf((*index)->info()), at.layout) << at.name;
  }
}

}  // namespace
}  // namespace kith
