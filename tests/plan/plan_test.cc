// What PlanBuild() chooses, and that BuildIndex() builds it.
#include "kith/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "kith/index.h"
#include "matrix.h"
#include "paths.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::Ask;
using testing::Matrix;
using testing::PathNumber;
using testing::TempDir;

struct Vectors {
  uint64_t rows;
  size_t dim;
  DataType dtype;
  Metric metric;
};

std::vector<Vectors> AllSorts() {
  std::vector<Vectors> all;
  for (const uint64_t rows : {uint64_t{1}, uint64_t{2000}, uint64_t{60'000}, uint64_t{1'000'000},
                              uint64_t{4'000'000'000}}) {
    for (const size_t dim : {1, 64, 128, 784, 65536}) {
      for (int dtype = 0; dtype < kNumDataTypes; ++dtype) {
        for (int metric = 0; metric < kNumMetrics; ++metric) {
          all.push_back({rows, dim, static_cast<DataType>(dtype), static_cast<Metric>(metric)});
        }
      }
    }
  }
  return all;
}

std::string Name(const Vectors& v) {
  return std::to_string(v.rows) + " x " + std::to_string(v.dim) + " " + DataTypeName(v.dtype) +
         " " + MetricName(v.metric);
}

Result<BuildPlan> Plan(const Vectors& v, BuildOptions options) {
  options.metric = v.metric;
  return PlanBuild(v.rows, v.dim, v.dtype, options);
}

BuildPlan PlanOk(const Vectors& v, const BuildOptions& options) {
  Result<BuildPlan> plan = Plan(v, options);
  EXPECT_TRUE(plan.ok()) << Name(v) << ": " << plan.status().message();
  return plan.ok() ? std::move(plan).value() : BuildPlan{{PlanCandidate{}}, 0};
}

const PlanCandidate& Built(const BuildPlan& plan) { return plan.candidates[plan.built]; }

// kAuto if it is no graph.
GraphLayout LayoutOf(const PlanCandidate& candidate) {
  const auto* graph = std::get_if<GraphOptions>(&candidate.spec);
  return graph == nullptr ? GraphLayout::kAuto : graph->layout;
}

// 0 if it is no forest.
uint32_t TreesOf(const PlanCandidate& candidate) {
  const auto* forest = std::get_if<ForestOptions>(&candidate.spec);
  return forest == nullptr ? 0 : forest->num_trees;
}

const PlanCandidate* Find(const BuildPlan& plan, IndexKind kind,
                          GraphLayout layout = GraphLayout::kAuto) {
  for (const PlanCandidate& c : plan.candidates) {
    if (c.kind == kind && LayoutOf(c) == layout) return &c;
  }
  return nullptr;
}

constexpr Vectors kPhotos{400'000, 128, DataType::kU8, Metric::kEuclidean};

TEST(PlanTest, EveryFigureOfEverySortIsSane) {
  for (const Vectors& v : AllSorts()) {
    for (const uint64_t queries : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
      BuildOptions options;
      options.expected_queries = queries;
      const BuildPlan plan = PlanOk(v, options);
      int built = 0;
      for (const PlanCandidate& c : plan.candidates) {
        for (const double x : {c.build_seconds, c.elapsed_seconds, c.query_us, c.total_seconds}) {
          EXPECT_TRUE(std::isfinite(x) && x > 0) << Name(v);
        }
        // Every byte of the vectors is in the file; 2^58 is more than any file.
        EXPECT_GE(c.file_bytes, v.rows * RowBytes(v.dtype, v.dim)) << Name(v);
        EXPECT_LT(c.file_bytes, uint64_t{1} << 58) << Name(v);
        EXPECT_LT(c.build_memory, uint64_t{1} << 58) << Name(v);
        EXPECT_GE(c.total_seconds, c.build_seconds) << Name(v);
        built += c.is_built() ? 1 : 0;
      }
      EXPECT_EQ(built, 1) << Name(v);
      EXPECT_TRUE(Built(plan).is_built()) << Name(v);
    }
  }
}

TEST(PlanTest, WithoutLimitsThereIsAGraphFromHalfAMebibyteOn) {
  for (const Vectors& v : AllSorts()) {
    if (v.rows > 1'000'000) continue;
    const PlanCandidate chosen = Built(PlanOk(v, {}));
    const bool large = v.rows * RowBytes(v.dtype, v.dim) >= (512 << 10);
    ASSERT_EQ(chosen.kind, large ? IndexKind::kGraph : IndexKind::kExact) << Name(v);
  }
  EXPECT_EQ(LayoutOf(Built(PlanOk(kPhotos, {}))), GraphLayout::kPacked);
  EXPECT_EQ(LayoutOf(Built(PlanOk({4096, 128, DataType::kU8, Metric::kManhattan}, {}))),
            GraphLayout::kCompact);
  EXPECT_EQ(Built(PlanOk({4095, 128, DataType::kU8, Metric::kEuclidean}, {})).kind,
            IndexKind::kExact);
}

TEST(PlanTest, MoreQueriesMeanFasterSearchesAndMoreTrees) {
  for (const Vectors& v : AllSorts()) {
    double query_us = std::numeric_limits<double>::infinity();
    uint32_t trees = 0;
    for (uint64_t queries = 1; queries < uint64_t{1} << 60; queries *= 8) {
      BuildOptions options;
      options.expected_queries = queries;
      const PlanCandidate chosen = Built(PlanOk(v, options));
      // From 10,000 on, measuring recall counts, too, which costs more than some indexes are worth.
      if (queries >= 10'000 && queries / 8 < 10'000) {
        query_us = std::numeric_limits<double>::infinity();
        trees = 0;
      }
      EXPECT_LE(chosen.query_us, query_us) << Name(v) << ", " << queries << " queries";
      if (chosen.kind == IndexKind::kForest) {
        EXPECT_GE(TreesOf(chosen), trees) << Name(v);
        trees = TreesOf(chosen);
      }
      query_us = chosen.query_us;
    }
  }
}

TEST(PlanTest, ManyQueriesGoFromExactSearchOverAForestToAGraph) {
  std::vector<IndexKind> kinds;
  for (uint64_t queries = 1; queries < uint64_t{1} << 40; queries *= 2) {
    BuildOptions options;
    options.expected_queries = queries;
    const IndexKind kind = Built(PlanOk(kPhotos, options)).kind;
    if (kinds.empty() || kinds.back() != kind) kinds.push_back(kind);
  }
  EXPECT_EQ(kinds,
            (std::vector<IndexKind>{IndexKind::kExact, IndexKind::kForest, IndexKind::kGraph}));
}

TEST(PlanTest, FasterFromIsWhereTheTotalsCross) {
  BuildOptions options;
  options.expected_queries = 10'000;
  const BuildPlan plan = PlanOk(kPhotos, options);
  const PlanCandidate* graph = Find(plan, IndexKind::kGraph, GraphLayout::kPacked);
  ASSERT_NE(graph, nullptr);
  EXPECT_EQ(graph->verdict, PlanVerdict::kMoreInAll);
  const double n = graph->faster_from;
  ASSERT_TRUE(std::isfinite(n));
  const auto total = [](const PlanCandidate& c, double queries) {
    return c.build_seconds + queries * c.query_us * 1e-6;
  };
  EXPECT_LE(total(*graph, n), total(Built(plan), n));
  EXPECT_GT(total(*graph, n - 2), total(Built(plan), n - 2));
  EXPECT_TRUE(std::isinf(Find(plan, IndexKind::kExact)->faster_from));
}

TEST(PlanTest, LessMemoryNeverTakesMore) {
  for (const Vectors& v : AllSorts()) {
    for (const uint64_t queries : {0, 10'000}) {
      BuildOptions options;
      options.expected_queries = queries;
      for (uint64_t memory = uint64_t{1} << 62; memory > 0; memory /= 4) {
        options.memory = memory;
        const Result<BuildPlan> plan = Plan(v, options);
        if (!plan.ok()) {
          EXPECT_NE(plan.status().message().find("bytes of memory even for exact search"),
                    std::string::npos);
          continue;
        }
        EXPECT_LE(Built(*plan).build_memory, memory) << Name(v);
        for (const PlanCandidate& c : plan->candidates) {
          EXPECT_EQ(c.verdict == PlanVerdict::kOverMemory,
                    c.build_memory > memory && c.verdict != PlanVerdict::kSmallSet)
              << Name(v);
        }
      }
    }
  }
}

TEST(PlanTest, MemoryTakesThePackedGraphFirst) {
  BuildOptions options;
  const BuildPlan open = PlanOk(kPhotos, options);
  options.memory = Find(open, IndexKind::kGraph, GraphLayout::kPacked)->build_memory;
  EXPECT_EQ(LayoutOf(Built(PlanOk(kPhotos, options))), GraphLayout::kPacked);
  --options.memory;
  EXPECT_EQ(LayoutOf(Built(PlanOk(kPhotos, options))), GraphLayout::kCompact);
  options.memory = Find(open, IndexKind::kGraph, GraphLayout::kCompact)->build_memory - 1;
  EXPECT_EQ(Built(PlanOk(kPhotos, options)).kind, IndexKind::kForest);
  options.memory = Find(open, IndexKind::kExact)->build_memory;
  EXPECT_EQ(Built(PlanOk(kPhotos, options)).kind, IndexKind::kExact);
  --options.memory;
  const Result<BuildPlan> none = Plan(kPhotos, options);
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.status().message().find(std::to_string(options.memory + 1)), std::string::npos);
}

TEST(PlanTest, BuildTimeIsKeptOnTheThreadsThereAre) {
  BuildOptions options;
  options.threads = 1;
  const double packed =
      Find(PlanOk(kPhotos, options), IndexKind::kGraph, GraphLayout::kPacked)->build_seconds;
  for (double seconds = 10 * packed; seconds > 0.1; seconds /= 1.5) {
    options.build_seconds = seconds;
    const PlanCandidate one = Built(PlanOk(kPhotos, options));
    EXPECT_LE(one.elapsed_seconds, seconds);
    EXPECT_EQ(one.kind == IndexKind::kGraph, packed <= seconds);
  }
  options.build_seconds = 0.75 * packed;
  EXPECT_EQ(Built(PlanOk(kPhotos, options)).kind, IndexKind::kForest);
  EXPECT_EQ(Find(PlanOk(kPhotos, options), IndexKind::kGraph, GraphLayout::kPacked)->verdict,
            PlanVerdict::kOverTime);
  options.threads = 2;
  EXPECT_EQ(Built(PlanOk(kPhotos, options)).kind, IndexKind::kGraph);
  options.build_seconds = 1e-6;
  const Result<BuildPlan> none = Plan(kPhotos, options);
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.status().message().find("even for exact search only"), std::string::npos);
}

TEST(PlanTest, WithoutABuildTimeThreadsDoNotMatter) {
  for (const uint64_t queries : {0, 1, 300, 10'000, 400'000, 500'000}) {
    BuildOptions options;
    options.expected_queries = queries;
    options.threads = 1;
    const BuildPlan one = PlanOk(kPhotos, options);
    options.threads = 64;
    const BuildPlan many = PlanOk(kPhotos, options);
    EXPECT_EQ(one.built, many.built);
    EXPECT_EQ(TreesOf(Built(one)), TreesOf(Built(many)));
    EXPECT_EQ(Built(one).elapsed_seconds, Built(many).elapsed_seconds);
  }
}

TEST(PlanTest, WhatIsAskedForIsTakenWhateverItCosts) {
  BuildOptions options;
  options.expected_queries = 1;
  options.paths.push_back(GraphOptions{});
  BuildPlan plan = PlanOk(kPhotos, options);
  EXPECT_EQ(LayoutOf(Built(plan)), GraphLayout::kPacked);
  EXPECT_EQ(Built(plan).verdict, PlanVerdict::kAsked);
  EXPECT_EQ(Find(plan, IndexKind::kExact)->verdict, PlanVerdict::kNotAsked);
  options.memory = 1;  // BuildIndex() refuses this
  EXPECT_EQ(LayoutOf(Built(PlanOk(kPhotos, options))), GraphLayout::kCompact);
  options.memory = 0;
  Ask<GraphOptions>(&options).layout = GraphLayout::kCompact;
  EXPECT_EQ(LayoutOf(Built(PlanOk(kPhotos, options))), GraphLayout::kCompact);

  options.paths.push_back(ForestOptions{.num_trees = 5});
  plan = PlanOk(kPhotos, options);
  EXPECT_EQ(Find(plan, IndexKind::kForest)->verdict, PlanVerdict::kAsked);
  EXPECT_EQ(TreesOf(*Find(plan, IndexKind::kForest)), 5u);
  EXPECT_EQ(Built(plan).kind, IndexKind::kGraph);

  BuildOptions exact;
  exact.paths.push_back(ExactOptions{});
  EXPECT_EQ(Built(PlanOk(kPhotos, exact)).kind, IndexKind::kExact);
}

TEST(PlanTest, WhatCannotBeIsNoCandidate) {
  const BuildPlan bits = PlanOk({60'000, 784, DataType::kBit, Metric::kHamming}, {});
  EXPECT_EQ(Find(bits, IndexKind::kGraph, GraphLayout::kPacked), nullptr);
  EXPECT_NE(Find(bits, IndexKind::kGraph, GraphLayout::kCompact), nullptr);
  const Vectors huge{4'000'000'000, 128, DataType::kU8, Metric::kEuclidean};
  const BuildPlan plan = PlanOk(huge, {});
  EXPECT_EQ(plan.candidates.size(), 1u) << "graphs and trees number fewer than 2^31 things";
  // Fewer trees than usual are possible before none are.
  const BuildPlan fewer = PlanOk({700'000'000, 128, DataType::kU8, Metric::kEuclidean}, {});
  ASSERT_NE(Find(fewer, IndexKind::kForest), nullptr);
  EXPECT_LT(TreesOf(*Find(fewer, IndexKind::kForest)), 32u);
}

TEST(PlanTest, RefusesWhatNoFileHolds) {
  for (const Vectors& v : {Vectors{0, 8, DataType::kF32, Metric::kDot},
                           Vectors{kMaxRows + 1, 8, DataType::kF32, Metric::kDot},
                           Vectors{1, 0, DataType::kF32, Metric::kDot},
                           Vectors{1, kMaxDim + 1, DataType::kF32, Metric::kDot}}) {
    EXPECT_FALSE(Plan(v, {}).ok()) << Name(v);
  }
  BuildOptions options;
  for (const double seconds : {-1.0, std::nan("")}) {
    options.build_seconds = seconds;
    EXPECT_FALSE(Plan(kPhotos, options).ok()) << seconds;
  }
}

TEST(PlanTest, TheFileIsWhatThePlanSays) {
  const TempDir dir;
  const std::string path = dir.File("x.kith");
  const Matrix hard = Matrix::Random(DataType::kU8, 8500, 64, 1);  // more than half a mebibyte
  const Matrix easy = Matrix::Random(DataType::kU8, 60'000, 9, 1);
  struct Case {
    uint64_t queries;
    uint64_t memory;
    IndexKind kind;
    GraphLayout layout;
  };
  for (const Case& at : {Case{1, 0, IndexKind::kExact, GraphLayout::kAuto},
                         Case{9'000, 0, IndexKind::kForest, GraphLayout::kAuto},
                         Case{0, 30 << 20, IndexKind::kGraph, GraphLayout::kCompact},
                         Case{0, 0, IndexKind::kGraph, GraphLayout::kPacked}}) {
    BuildOptions options;
    options.metric = Metric::kEuclidean;
    options.expected_queries = at.queries;
    options.memory = at.memory;
    options.calibrate = false;
    const MatrixView view = (at.kind == IndexKind::kForest ? easy : hard).view();
    const Result<BuildPlan> plan = PlanBuild(view, options);
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    const PlanCandidate chosen = Built(*plan);
    EXPECT_EQ(chosen.kind, at.kind);
    EXPECT_EQ(LayoutOf(chosen), at.layout);
    ASSERT_TRUE(BuildIndex(view, path, options).ok());
    const Result<std::unique_ptr<Index>> index = OpenIndex(path);
    ASSERT_TRUE(index.ok());
    const IndexInfo& info = (*index)->info();
    EXPECT_EQ(info.has(IndexKind::kGraph), at.kind == IndexKind::kGraph);
    EXPECT_EQ(info.has(IndexKind::kForest), at.kind == IndexKind::kForest);
    EXPECT_EQ(PathNumber(info, IndexKind::kForest, "trees"), TreesOf(chosen));
    EXPECT_EQ(testing::LayoutOf(info), at.layout);
    // Sizes are no guesses but for trees, whose shape is the data's.
    const auto size = static_cast<double>(chosen.file_bytes);
    EXPECT_NEAR(static_cast<double>(info.file_bytes), size, 0.1 * size);
  }
}

}  // namespace
}  // namespace kith
