// A graph among the other things of a file, and the options it is built with.
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "graph/build.h"
#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "paths.h"
#include "sanitized.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::Ask;
using testing::BuildAndOpen;
using testing::CheckAnswers;
using testing::GraphBuild;
using testing::GraphNumber;
using testing::GraphRecall;
using testing::LayoutOf;
using testing::Matrix;
using testing::Mixture;
using testing::Part;
using testing::SearchOrFail;
using testing::TempDir;

// Rows are in the order of the graph's nodes; the forest's leaves, keys and ids know them by it.
TEST(GraphFileTest, SharesItsOrderWithForestKeysAndIds) {
  const TempDir dir;
  Matrix rows = Mixture(1500, 70, 10, 8, 1);
  for (size_t r = 1400; r < 1500; ++r) rows.CopyRow(rows, r % 5, r);
  StringList keys;
  std::vector<int64_t> ids;
  for (size_t r = 0; r < rows.rows(); ++r) {
    keys.Add("row " + std::to_string(r));
    ids.push_back(static_cast<int64_t>(100000 - 7 * r));
  }
  BuildOptions options = GraphBuild(Metric::kAngular);
  Ask<ForestOptions>(&options);
  options.keys = &keys;
  options.ids = &ids;
  options.calibrate = false;
  const auto index = BuildAndOpen(dir.File("x.kith"), rows, options);
  ASSERT_NE(index, nullptr);
  const Status verified = VerifyIndex(dir.File("x.kith"));
  EXPECT_TRUE(verified.ok()) << verified.message();
  EXPECT_TRUE(index->info().has(IndexKind::kGraph));
  EXPECT_TRUE(index->info().has(IndexKind::kForest));
  EXPECT_EQ(GraphNumber(index->info(), "nodes"), 1400u);
  std::vector<float> vector(70);
  for (size_t r = 0; r < rows.rows(); ++r) {
    EXPECT_EQ(index->Key(r), keys[r]);
    EXPECT_EQ(index->Id(r), ids[r]);
    EXPECT_EQ(*index->FindKey(keys[r]), r);
    EXPECT_EQ(*index->FindId(ids[r]), r);
    index->GetVector(r, vector.data());
    for (size_t c = 0; c < 70; ++c) ASSERT_EQ(vector[c], rows.Get(r, c)) << "row " << r;
  }
  // Row 3 and its twenty copies, by every way in.
  for (const IndexKind kind : {IndexKind::kExact, IndexKind::kForest, IndexKind::kGraph}) {
    const SearchResult found =
        SearchOrFail(*index, rows.Row(3), {.k = 21, .index = kind, .effort = 20000});
    std::vector<int64_t> expected{ids[3]};
    for (size_t r = 1403; r < 1500; r += 5) expected.push_back(ids[r]);
    EXPECT_EQ(found.ids, expected) << IndexKindName(kind);
  }
}

TEST(GraphFileTest, HasTheShapeAskedFor) {
  const TempDir dir;
  const Matrix all = Mixture(1550, 48, 10, 8, 1);
  const Matrix rows = Part(all, 0, 1500);
  const Matrix queries = Part(all, 1500, 50);
  for (const uint32_t degree : {16, 48}) {
    for (const int bits : {1, 2, 4, 8}) {
      SCOPED_TRACE(::testing::Message() << "degree " << degree << ", bits " << bits);
      BuildOptions options = GraphBuild(Metric::kEuclidean, GraphLayout::kPacked);
      Ask<GraphOptions>(&options).degree = degree;
      Ask<GraphOptions>(&options).code_bits = bits;
      options.calibrate = false;
      const auto index = BuildAndOpen(dir.File("x.kith"), rows, options);
      ASSERT_NE(index, nullptr);
      EXPECT_EQ(GraphNumber(index->info(), "degree"), degree);
      EXPECT_EQ(GraphNumber(index->info(), "code_bits"), static_cast<uint64_t>(bits));
      EXPECT_GT(index->info().path_of(IndexKind::kGraph)->bytes,
                GraphNumber(index->info(), "visit_bytes") * 1500);
      EXPECT_TRUE(VerifyIndex(dir.File("x.kith")).ok());
      EXPECT_GE(GraphRecall(*index, queries.view(), 10, 64), bits == 1 ? 0.93 : 0.98);
    }
  }
  // The width of refining searches matters, too.
  BuildOptions options = GraphBuild(Metric::kEuclidean, GraphLayout::kCompact);
  Ask<GraphOptions>(&options).beam = 100;
  ASSERT_TRUE(BuildIndex(rows.view(), dir.File("100.kith"), options).ok());
  Ask<GraphOptions>(&options).beam = 0;
  ASSERT_TRUE(BuildIndex(rows.view(), dir.File("0.kith"), options).ok());
  EXPECT_FALSE(testing::ReadFile(dir.File("100.kith")) == testing::ReadFile(dir.File("0.kith")));
}

TEST(GraphFileTest, RefusesWhatThereIsNot) {
  const TempDir dir;
  const Matrix rows = Matrix::Random(DataType::kF32, 50, 6, 1);
  const auto expect_refused = [&](const Matrix& vectors, const BuildOptions& options,
                                  std::string_view reason) {
    const Status status = BuildIndex(vectors.view(), dir.File("x.kith"), options);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find(reason), std::string::npos) << status.message();
    EXPECT_EQ(dir.NumFiles(), 0u);
  };
  BuildOptions options = GraphBuild(Metric::kEuclidean);
  Ask<GraphOptions>(&options).degree = 17;
  expect_refused(rows, options, "multiples of 16");
  Ask<GraphOptions>(&options).degree = 528;
  expect_refused(rows, options, "multiples of 16");
  options = GraphBuild(Metric::kEuclidean);
  Ask<GraphOptions>(&options).code_bits = 3;
  expect_refused(rows, options, "1, 2, 4 and 8");
  expect_refused(rows, GraphBuild(Metric::kManhattan, GraphLayout::kPacked), "no packed graph");
  expect_refused(Matrix::Random(DataType::kBit, 50, 64, 1),
                 GraphBuild(Metric::kEuclidean, GraphLayout::kPacked), "no packed graph");
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Matrix bad = rows;
    bad.Set(31, 2, value);
    expect_refused(bad, GraphBuild(Metric::kAngular), "31");
  }
  const auto index = BuildAndOpen(dir.File("x.kith"), rows, GraphBuild(Metric::kEuclidean));
  ASSERT_NE(index, nullptr);
  SearchResult result;
  Matrix query = Matrix::Random(DataType::kF32, 1, 6, 1);
  EXPECT_EQ(index->Search(query.view(), {.index = IndexKind::kForest}, &result).code(),
            StatusCode::kInvalidArgument);
  query.Set(0, 3, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(index->Search(query.view(), {.index = IndexKind::kGraph}, &result).code(),
            StatusCode::kInvalidArgument);
}

TEST(GraphMemoryTest, FallsFromPackedToCompactToAnError) {
  const TempDir dir;
  const Matrix rows = Mixture(800, 200, 10, 8, 1);
  const auto needed = [&](GraphLayout layout) {
    return graph::BuildMemory(800, 200, DataType::kF32, Metric::kAngular, {.layout = layout});
  };
  const uint64_t packed = needed(GraphLayout::kPacked);
  const uint64_t compact = needed(GraphLayout::kCompact);
  ASSERT_GT(packed, compact + 800 * 1000);
  const auto layout_with = [&](uint64_t memory) {
    BuildOptions options = GraphBuild(Metric::kAngular);
    options.memory = memory;
    options.calibrate = false;
    const auto index = BuildAndOpen(dir.File("x.kith"), rows, options);
    return index == nullptr ? GraphLayout::kAuto : LayoutOf(index->info());
  };
  EXPECT_EQ(layout_with(0), GraphLayout::kPacked);
  EXPECT_EQ(layout_with(packed), GraphLayout::kPacked);
  EXPECT_EQ(layout_with(packed - 1), GraphLayout::kCompact);
  EXPECT_EQ(layout_with(compact), GraphLayout::kCompact);
  for (const auto& [layout, memory] :
       {std::pair(GraphLayout::kAuto, compact - 1), std::pair(GraphLayout::kPacked, packed - 1)}) {
    BuildOptions options = GraphBuild(Metric::kAngular, layout);
    options.memory = memory;
    const Status status = BuildIndex(rows.view(), dir.File("none.kith"), options);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find(std::to_string(memory)), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(std::to_string(memory + 1)), std::string::npos)
        << status.message();
    EXPECT_EQ(dir.NumFiles(), 1u);
  }
}

// The callback hears of every stage, counts never fall, and it may end the build in each.
TEST(GraphProgressTest, CancelsInEveryStage) {
  const TempDir dir;
  const Matrix rows = Mixture(1000, 20, 10, 8, 1);
  for (const int threads : {1, 2}) {
    std::vector<std::string> stages;
    uint64_t last = 0;
    BuildOptions options = GraphBuild(Metric::kEuclidean);
    options.calibrate = false;  // its stages: calibrate_test
    options.threads = threads;
    options.progress = [&](std::string_view stage, uint64_t done, uint64_t total) {
      EXPECT_LE(done, total);
      if (stages.empty() || stages.back() != stage) {
        stages.emplace_back(stage);
        last = 0;
      }
      EXPECT_GE(done, last);
      last = done;
      return true;
    };
    ASSERT_TRUE(BuildIndex(rows.view(), dir.File("x.kith"), options).ok());
    if (threads == 1) {
      EXPECT_EQ(stages, (std::vector<std::string>{"candidates", "refine", "writing"}));
    }
  }
  std::filesystem::remove(dir.File("x.kith"));
  for (const std::string_view cancelled : {"candidates", "refine", "writing"}) {
    BuildOptions options = GraphBuild(Metric::kEuclidean);
    options.calibrate = false;
    options.threads = 1;
    size_t heard_after = 0;
    options.progress = [&](std::string_view stage, uint64_t, uint64_t) {
      if (stage == cancelled) ++heard_after;
      return stage != cancelled;
    };
    const Status status = BuildIndex(rows.view(), dir.File("x.kith"), options);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << cancelled;
    EXPECT_NE(status.message().find("cancelled"), std::string::npos) << status.message();
    EXPECT_EQ(heard_after, 1u) << cancelled;
    EXPECT_EQ(dir.NumFiles(), 0u) << cancelled;
  }
}

// Where the codes' rounding of the query drowns the differences within a cluster, the build notices
// and does without codes; where they do, it keeps them.
TEST(GraphChoiceTest, IsMeasured) {
  const TempDir dir;
  const auto check = [&](const Matrix& all, BuildOptions options, GraphLayout layout) {
    if (testing::kSanitized) options.calibrate = false;
    const size_t n = all.rows() - 50;
    const auto index = BuildAndOpen(dir.File("x.kith"), Part(all, 0, n), options);
    ASSERT_NE(index, nullptr);
    EXPECT_EQ(LayoutOf(index->info()), layout);
    EXPECT_EQ(GraphNumber(index->info(), "code_bits") > 0, layout == GraphLayout::kPacked);
    EXPECT_TRUE(VerifyIndex(dir.File("x.kith")).ok());
    const Matrix queries = Part(all, n, 50);
    if (Ask<GraphOptions>(&options).layout != GraphLayout::kAuto) return;
    EXPECT_GE(GraphRecall(*index, queries.view(), 10, 64), 0.97);
    CheckAnswers(*index, queries.view(),
                 SearchOrFail(*index, queries.view(), {.index = IndexKind::kGraph}));
  };
  // Clusters up to ten thousand diameters apart.
  for (const double spread : {1e-2, 1e-3, 1e-4}) {
    SCOPED_TRACE(spread);
    Matrix tight = Matrix::Clustered(3050, 24, 30, spread, 3);
    for (size_t r = 0; r < 3000; r += 100) tight.CopyRow(tight, r + 7, r);
    check(tight, GraphBuild(Metric::kEuclidean), GraphLayout::kCompact);
    check(tight, GraphBuild(Metric::kEuclidean, GraphLayout::kPacked), GraphLayout::kPacked);
  }
  for (const Metric metric : {Metric::kAngular, Metric::kEuclidean, Metric::kDot}) {
    check(Mixture(3050, 40, 20, 10, 1), GraphBuild(metric), GraphLayout::kPacked);
  }
  check(Mixture(3050, 40, 20, 10, 1), GraphBuild(Metric::kManhattan), GraphLayout::kCompact);
}

// Whoever asks for what the build would choose gets the same file.
TEST(GraphChoiceTest, IsAsIfAskedFor) {
  const TempDir dir;
  const auto bytes = [&](const Matrix& rows, const BuildOptions& options, GraphLayout layout) {
    const auto index = BuildAndOpen(dir.File("x.kith"), rows, options);
    if (index != nullptr) {
      EXPECT_EQ(LayoutOf(index->info()), layout);
    }
    return testing::ReadFile(dir.File("x.kith"));
  };
  const auto check = [&](const Matrix& rows, Metric metric, GraphLayout layout) {
    for (const bool calibrate : {false, true}) {
      if (testing::kSanitized && calibrate) continue;
      SCOPED_TRACE(::testing::Message() << MetricName(metric) << ", " << GraphLayoutName(layout)
                                        << (calibrate ? ", calibrated" : ""));
      BuildOptions chosen = GraphBuild(metric);
      chosen.calibrate = calibrate;
      BuildOptions asked = GraphBuild(metric, layout);
      asked.calibrate = calibrate;
      EXPECT_TRUE(bytes(rows, chosen, layout) == bytes(rows, asked, layout));
    }
  };
  // Told by a look at some of the vectors; and where only two of five are too near each other for
  // codes, when the edges have been refined.
  using Stages = std::set<std::string>;
  const Stages looked{"refine"};
  const Stages refined{"refine", "refine without codes"};
  const Matrix wide = Matrix::Clustered(1500, 24, 30, 0.5, 3);
  for (const bool all_near : {true, false}) {
    SCOPED_TRACE(all_near);
    Matrix apart = Matrix::Clustered(1500, 24, 30, 1e-3, 3);
    for (size_t r = 0; r < apart.rows() && !all_near; ++r) {
      if (r % 10 >= 4) apart.CopyRow(wide, r, r);
    }
    Stages stages;
    BuildOptions options = GraphBuild(Metric::kEuclidean);
    options.calibrate = false;
    options.progress = [&](std::string_view stage, uint64_t, uint64_t) {
      if (stage.starts_with("refine")) stages.emplace(stage);
      return true;
    };
    bytes(apart, options, GraphLayout::kCompact);
    EXPECT_EQ(stages, all_near ? looked : refined);
    check(apart, Metric::kEuclidean, GraphLayout::kCompact);
  }
  check(Matrix::Clustered(1500, 24, 30, 1e-3, 3), Metric::kAngular, GraphLayout::kCompact);
  check(Matrix::Clustered(1000, 400, 30, 1e-3, 3), Metric::kDot, GraphLayout::kCompact);
  const Matrix together = Mixture(1200, 40, 20, 10, 1);
  for (const Metric metric : {Metric::kAngular, Metric::kEuclidean, Metric::kDot}) {
    check(together, metric, GraphLayout::kPacked);
  }
}

}  // namespace
}  // namespace kith
