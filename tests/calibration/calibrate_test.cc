// Calibration when a file is built and with the user's queries: what is in the file, what is not
// changed by it, and what stops it.
#include "calibration/calibrate.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "calibration/calibration_data.h"
#include "calibration/steps.h"
#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/calibration.h"
#include "kith/index.h"
#include "matrix.h"
#include "paths.h"
#include "paths/registry.h"
#include "scan/path.h"
#include "scan_data.h"
#include "search/access_path.h"
#include "search/stored_vectors.h"
#include "storage/container_image.h"
#include "temp_dir.h"
#include "test_pool.h"

namespace kith {
namespace {

using testing::ExpectError;
using testing::Matrix;
using testing::Mixture;
using testing::Part;
using testing::PlanOrFail;
using testing::ReadFile;
using testing::SearchOrFail;
using testing::TempDir;

constexpr size_t kRows = 2000;
constexpr size_t kQueries = 400;
constexpr size_t kDim = 16;

class CalibrateTest : public ::testing::Test {
 protected:
  // Made once.
  static const Matrix& All() {
    static const Matrix all = Mixture(kRows + kQueries, kDim, 10, 12, 9);
    return all;
  }
  static const Matrix& Rows() {
    static const Matrix rows = Part(All(), 0, kRows);
    return rows;
  }
  static const Matrix& Queries() {
    static const Matrix queries = Part(All(), kRows, kQueries);
    return queries;
  }

  static BuildOptions Options(bool graph = true, bool forest = true) {
    BuildOptions options;
    options.metric = Metric::kEuclidean;
    testing::AskFor(graph, forest, &options);
    if (graph) testing::Ask<GraphOptions>(&options).degree = 16;
    if (forest) testing::Ask<ForestOptions>(&options).num_trees = 5;
    options.threads = 2;
    return options;
  }
  std::unique_ptr<Index> Build(const BuildOptions& options) {
    return testing::BuildAndOpen(Path(), Rows(), options);
  }
  std::string Path() const { return dir_.File("x.kith"); }
  static const CalibrationCurve* Curve(const Index& index, IndexKind kind, uint32_t k) {
    for (const CalibrationCurve& curve : index.info().calibration.curves) {
      if (curve.index == kind && curve.k == k) return &curve;
    }
    return nullptr;
  }

  TempDir dir_;
};

// ---- Built with it.

TEST_F(CalibrateTest, AFileHoldsACurveForEachWayInAndK) {
  const auto index = Build(Options());
  ASSERT_NE(index, nullptr);
  const Calibration& c = index->info().calibration;
  EXPECT_EQ(c.source, CalibrationSource::kHeldOut);
  EXPECT_EQ(c.num_queries, kRows / 8 * calibration::NumFolds(kRows));
  EXPECT_EQ(c.curves.size(), 7u);
  for (const IndexKind kind : {IndexKind::kGraph, IndexKind::kForest}) {
    for (const uint32_t k : {1, 10, 30, 100}) {
      SCOPED_TRACE(::testing::Message() << IndexKindName(kind) << ", k " << k);
      const CalibrationCurve* curve = Curve(*index, kind, k);
      if (kind == IndexKind::kForest && k == 30) {  // between 10 and 100, its effort is a line
        EXPECT_EQ(curve, nullptr);
        continue;
      }
      ASSERT_NE(curve, nullptr);
      EXPECT_GT(curve->points.back().recall, 0.99f);
      for (const CalibrationPoint& p : curve->points) {
        EXPECT_LE(p.recall_worst, p.recall + 0.05f);
        EXPECT_GT(p.nodes, 0);
        EXPECT_GT(p.distances, 0);
        EXPECT_LE(p.effort, static_cast<float>(kRows));
      }
    }
  }
  EXPECT_TRUE(std::is_sorted(c.nearest.begin(), c.nearest.end()));
  EXPECT_GT(c.nearest.front(), 0);
}

TEST_F(CalibrateTest, BytesDoNotDependOnThreadsButOnTheSeed) {
  std::vector<std::string> files;
  for (const int threads : {1, 3}) {
    BuildOptions options = Options();
    options.threads = threads;
    ASSERT_NE(Build(options), nullptr);
    files.push_back(ReadFile(Path()));
  }
  EXPECT_TRUE(files[0] == files[1]);
  const Calibration first = (*OpenIndex(Path()))->info().calibration;
  BuildOptions options = Options();
  options.seed = 43;
  const auto other = Build(options);
  ASSERT_NE(other, nullptr);
  EXPECT_NE(other->info().calibration.nearest, first.nearest);
}

TEST_F(CalibrateTest, WithoutItTheFileHasNoneAndPlansSaySo) {
  BuildOptions options = Options(true, false);
  options.calibrate = false;
  const auto index = Build(options);
  ASSERT_NE(index, nullptr);
  EXPECT_TRUE(index->info().calibration.empty());
  for (const auto& section : index->info().sections) EXPECT_NE(section.name, "calibration");
  const auto plan = index->Plan({.index = IndexKind::kGraph, .recall = 0.9}, 1);
  ASSERT_FALSE(plan.ok());
  ExpectError(plan.status(), StatusCode::kInvalidArgument, "was not measured");
  SearchResult result;
  EXPECT_FALSE(
      index->Search(Queries().view(), {.index = IndexKind::kGraph, .recall = 0.9}, &result).ok());
}

TEST_F(CalibrateTest, FilesForExactSearchHaveNone) {
  const auto index = Build(Options(false, false));
  ASSERT_NE(index, nullptr);
  EXPECT_TRUE(index->info().calibration.empty());
  EXPECT_EQ(PlanOrFail(*index, {.recall = 0.9}).index, IndexKind::kExact);
}

// A plan is what a search does.
TEST_F(CalibrateTest, SearchesFollowTheirPlan) {
  const auto index = Build(Options());
  ASSERT_NE(index, nullptr);
  for (const IndexKind kind : {IndexKind::kGraph, IndexKind::kForest, IndexKind::kExact}) {
    for (const double recall : {0.7, 0.9, 0.97}) {
      const SearchParams params{.k = 10, .index = kind, .recall = recall};
      const SearchPlan plan = PlanOrFail(*index, params, kQueries);
      const SearchResult found = SearchOrFail(*index, Queries().view(), params);
      EXPECT_EQ(found.plan.index, plan.index);
      EXPECT_EQ(found.plan.effort, plan.effort);
      EXPECT_EQ(found.plan.recall, plan.recall);
      EXPECT_EQ(plan.index, kind);
      EXPECT_GE(plan.recall, recall - 1e-6);
      if (kind != IndexKind::kForest) continue;
      const SearchResult same =
          SearchOrFail(*index, Queries().view(),
                       {.k = 10, .index = kind, .effort = static_cast<int64_t>(plan.effort)});
      testing::ExpectSameAnswers(found, same);
    }
  }
}

// ---- Drift of an open file.

TEST_F(CalibrateTest, DriftCountsSearchesWithARecallOnly) {
  const auto index = Build(Options(true, false));
  ASSERT_NE(index, nullptr);
  SearchOrFail(*index, Queries().view(), {.index = IndexKind::kGraph, .effort = 50});
  SearchOrFail(*index, Queries().view(), {});
  EXPECT_EQ(index->Drift().queries, 0u);
  SearchOrFail(*index, Queries().view(), {.index = IndexKind::kGraph, .recall = 0.95});
  EXPECT_EQ(index->Drift().queries, kQueries);
  EXPECT_FALSE(index->Drift().unlike) << index->Drift().distance;
  // Vectors that are there are nearer than any query.
  SearchOrFail(*index, Rows().view(), {.index = IndexKind::kGraph, .recall = 0.95});
  EXPECT_EQ(index->Drift().queries, kQueries + kRows);
  EXPECT_FALSE(index->Drift().unlike) << index->Drift().distance;
}

TEST_F(CalibrateTest, DriftTellsOfQueriesFromElsewhere) {
  const auto index = Build(Options(true, false));
  ASSERT_NE(index, nullptr);
  const Matrix far = Mixture(100, kDim, 10, 12, 77);  // other clusters
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      SearchOrFail(*index, Part(far, 25 * t, 25).view(),
                   {.index = IndexKind::kGraph, .recall = 0.9});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(index->Drift().queries, 100u);
  EXPECT_TRUE(index->Drift().unlike) << index->Drift().distance;
  // An open file counts for itself.
  const auto again = OpenIndex(Path());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->Drift().queries, 0u);
}

TEST_F(CalibrateTest, DriftOfDotDoesNotDependOnTheQueriesLength) {
  BuildOptions options = Options(true, false);
  options.metric = Metric::kDot;
  const auto index = Build(options);
  ASSERT_NE(index, nullptr);
  for (const double scale : {0.01, 1.0, 100.0}) {
    const auto opened = OpenIndex(Path());
    ASSERT_TRUE(opened.ok());
    SearchOrFail(**opened, testing::Scaled(Queries(), scale).view(),
                 {.index = IndexKind::kGraph, .recall = 0.8});
    EXPECT_FALSE((*opened)->Drift().unlike) << scale << ": " << (*opened)->Drift().distance;
  }
}

TEST_F(CalibrateTest, OneSearchOfAnOpenFileSaysThatQueriesAreUnlike) {
  ASSERT_NE(Build(Options()), nullptr);
  const Matrix far = Mixture(100, kDim, 10, 12, 77);
  const auto told = [&](const Index& index, const SearchParams& params) {
    size_t count = 0;
    for (size_t q = 0; q < far.rows(); ++q) {
      count += SearchOrFail(index, Part(far, q, 1).view(), params).drifted ? 1 : 0;
    }
    return count;
  };
  for (const IndexKind kind : {IndexKind::kGraph, IndexKind::kForest}) {
    SCOPED_TRACE(IndexKindName(kind));
    const auto index = OpenIndex(Path());
    ASSERT_TRUE(index.ok());
    // Neither where no recall is asked for or all is found, nor where nobody wants to know.
    EXPECT_EQ(told(**index, {.index = kind}), 0u);
    EXPECT_EQ(told(**index, {.index = kind, .recall = 0.9, .watched = false}), 0u);
    EXPECT_EQ((*index)->Drift().queries, 0u);
    EXPECT_EQ(told(**index, {.index = IndexKind::kExact, .recall = 0.9}), 0u);
    EXPECT_EQ(told(**index, {.index = kind, .recall = 0.9}), 1u);
    EXPECT_TRUE((*index)->Drift().unlike);
    EXPECT_EQ(told(**index, {.index = kind, .recall = 0.9}), 0u) << "once";
  }
  const auto alike = OpenIndex(Path());
  ASSERT_TRUE(alike.ok());
  for (size_t q = 0; q < kQueries; q += 20) {
    EXPECT_FALSE(SearchOrFail(**alike, Part(Queries(), q, 20).view(),
                              {.index = IndexKind::kGraph, .recall = 0.9})
                     .drifted);
  }
}

// ---- How far it goes.

TEST_F(CalibrateTest, CurvesSayWhyTheyEnd) {
  const auto index = Build(Options());
  ASSERT_NE(index, nullptr);
  for (const CalibrationCurve& curve : index->info().calibration.curves) {
    EXPECT_NE(curve.end, CalibrationEnd::kUnknown);
    // Neither can so few queries for one neighbour each show that nearly everything is found, nor
    // is it worth the while to find nearly all of a twentieth of all vectors.
    if (curve.k == 1 || curve.k == 100) continue;
    EXPECT_EQ(curve.end, CalibrationEnd::kFound) << IndexKindName(curve.index) << " " << curve.k;
  }
}

// Gaussians of so many dimensions that neighbours say nothing of each other.
TEST_F(CalibrateTest, GoesOnUntilExactSearchIsCheaper) {
  constexpr size_t kHardRows = 3000;
  constexpr size_t kHardDim = 200;
  const Matrix rows = testing::Gaussian(kHardRows, kHardDim, 5);
  BuildOptions options = Options(true, false);
  options.metric = Metric::kDot;
  const auto index = testing::BuildAndOpen(Path(), rows, options);
  ASSERT_NE(index, nullptr);
  const double exact_ns = scan::QueryNs(kHardRows, kHardRows * kHardDim * sizeof(float), 1);
  const search::EffortScale& efforts = *paths::TypeOf(IndexKind::kGraph)->efforts();
  size_t cheaper = 0;
  for (const CalibrationCurve& curve : index->info().calibration.curves) {
    SCOPED_TRACE(curve.k);
    const double cost = efforts.QueryNs(curve.points.back().effort);
    if (curve.end == CalibrationEnd::kFound) continue;
    EXPECT_EQ(curve.end, CalibrationEnd::kExactCheaper);
    EXPECT_GE(cost, exact_ns - efforts.QueryNs(1));
    ++cheaper;
    // Beyond, exact search is taken, and costs no more than exact search.
    const SearchParams params{.k = curve.k, .recall = 0.9999};
    const SearchPlan plan = PlanOrFail(*index, params);
    EXPECT_EQ(plan.index, IndexKind::kExact);
    EXPECT_EQ(plan.why, WhyExact::kOutOfReach);
    EXPECT_EQ(plan.reached, double{curve.points.back().recall});
    const SearchResult found = SearchOrFail(*index, Part(rows, 0, 3).view(), params);
    const SearchResult exact =
        SearchOrFail(*index, Part(rows, 0, 3).view(), {.k = curve.k, .index = IndexKind::kExact});
    testing::ExpectSameAnswers(found, exact);
    EXPECT_EQ(found.stats.distances, exact.stats.distances);
    EXPECT_EQ(found.stats.nodes, 0u);
  }
  EXPECT_GT(cheaper, 0u) << "an easy set tells nothing";
}

// ---- With queries of the user.

TEST_F(CalibrateTest, ReplacesWhatWasMeasuredAndNothingElse) {
  BuildOptions options = Options();
  StringList keys;
  std::vector<int64_t> ids;
  for (size_t r = 0; r < kRows; ++r) {
    keys.Add("key " + std::to_string(r));
    ids.push_back(static_cast<int64_t>(5 * r + 1));
  }
  options.keys = &keys;
  options.ids = &ids;
  const auto before = Build(options);
  ASSERT_NE(before, nullptr);
  const std::string bytes = ReadFile(Path());
  const Calibration old = before->info().calibration;
  const Status status =
      CalibrateIndex(Path(), Queries().view(), {.ks = {5, 20, 5}, .output = "", .threads = 2});
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_TRUE(VerifyIndex(Path()).ok());
  EXPECT_EQ(dir_.NumFiles(), 1u);
  const auto after = OpenIndex(Path());
  ASSERT_TRUE(after.ok()) << after.status().message();
  const Calibration& now = (*after)->info().calibration;
  EXPECT_EQ(now.source, CalibrationSource::kQueries);
  EXPECT_EQ(now.num_queries, kQueries);
  EXPECT_EQ(now.curves.size(), 4u);
  for (const IndexKind kind : {IndexKind::kGraph, IndexKind::kForest}) {
    for (const uint32_t k : {5, 20}) EXPECT_NE(Curve(**after, kind, k), nullptr);
  }
  // The file opened before is as it was.
  EXPECT_EQ(before->info().calibration.curves.size(), old.curves.size());
  for (const IndexKind kind : {IndexKind::kGraph, IndexKind::kForest, IndexKind::kExact}) {
    const SearchParams params{.k = 7, .index = kind};
    testing::ExpectSameAnswers(SearchOrFail(*before, Queries().view(), params),
                               SearchOrFail(**after, Queries().view(), params));
  }
  for (const size_t r : {size_t{0}, kRows / 3, kRows - 1}) {
    EXPECT_EQ((*after)->Key(r), keys[r]);
    EXPECT_EQ((*after)->Id(r), ids[r]);
  }
  // All other sections are the same, byte for byte.
  const std::string new_bytes = ReadFile(Path());
  for (const auto& section : before->info().sections) {
    if (section.name == "calibration" || section.name == "query_efforts") continue;
    const auto& all = (*after)->info().sections;
    const auto at =
        std::find_if(all.begin(), all.end(), [&](const auto& s) { return s.name == section.name; });
    ASSERT_NE(at, all.end()) << section.name;
    EXPECT_TRUE(std::string_view(bytes).substr(section.offset, section.size) ==
                std::string_view(new_bytes).substr(at->offset, at->size))
        << section.name;
  }
  EXPECT_EQ((*after)->info().build_seconds, before->info().build_seconds);
}

TEST_F(CalibrateTest, WritesElsewhereIfAskedTo) {
  ASSERT_NE(Build(Options(true, false)), nullptr);
  const std::string bytes = ReadFile(Path());
  for (const int threads : {1, 3}) {
    const Status status = CalibrateIndex(
        Path(), Queries().view(),
        {.output = dir_.File(threads == 1 ? "one.kith" : "three.kith"), .threads = threads});
    ASSERT_TRUE(status.ok()) << status.message();
  }
  EXPECT_TRUE(ReadFile(Path()) == bytes);
  EXPECT_TRUE(ReadFile(dir_.File("one.kith")) == ReadFile(dir_.File("three.kith")));
  const auto index = OpenIndex(dir_.File("one.kith"));
  ASSERT_TRUE(index.ok());
  EXPECT_EQ((*index)->info().calibration.curves.size(), 4u);
}

TEST_F(CalibrateTest, MeasuresFilesThatWereBuiltWithout) {
  BuildOptions options = Options(true, false);
  options.calibrate = false;
  ASSERT_NE(Build(options), nullptr);
  ASSERT_TRUE(CalibrateIndex(Path(), Queries().view()).ok());
  const auto index = OpenIndex(Path());
  ASSERT_TRUE(index.ok());
  EXPECT_EQ(PlanOrFail(**index, {.index = IndexKind::kGraph, .recall = 0.97}).index,
            IndexKind::kGraph);
}

TEST_F(CalibrateTest, AnOutputThatCannotBeWrittenLeavesEverythingAsItWas) {
  ASSERT_NE(Build(Options(true, false)), nullptr);
  const std::string bytes = ReadFile(Path());
  const Status status =
      CalibrateIndex(Path(), Queries().view(), {.ks = {10}, .output = dir_.File("nowhere/y.kith")});
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("nowhere"), std::string::npos) << status.message();
  EXPECT_TRUE(ReadFile(Path()) == bytes);
  EXPECT_EQ(dir_.NumFiles(), 1u);
}

TEST_F(CalibrateTest, ErrorsSayWhatToDo) {
  ASSERT_NE(Build(Options(true, false)), nullptr);
  const std::string bytes = ReadFile(Path());
  const auto expect = [&](const Status& status, std::string_view part) {
    ExpectError(status, StatusCode::kInvalidArgument, part);
  };
  expect(CalibrateIndex(Path(), Part(Queries(), 0, 31).view()), "at least 32");
  expect(CalibrateIndex(Path(), Mixture(100, kDim + 1, 3, 3, 1).view()), "dimension 17");
  for (const uint32_t k : {0u, 501u, 10001u, 0xFFFFFFFFu}) {
    expect(CalibrateIndex(Path(), Queries().view(), {.ks = {10, k}}), "k is " + std::to_string(k));
  }
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Matrix queries = Queries();
    queries.Set(40, 3, bad);
    expect(CalibrateIndex(Path(), queries.view()), "queries: ");
  }
  EXPECT_EQ(CalibrateIndex(dir_.File("none.kith"), Queries().view()).code(), StatusCode::kNotFound);
  EXPECT_TRUE(ReadFile(Path()) == bytes);
  // Of the least and the most that is allowed.
  const Status status =
      CalibrateIndex(Path(), Part(Queries(), 0, 32).view(), {.ks = {1, kRows / 4}});
  EXPECT_TRUE(status.ok()) << status.message();
  ASSERT_NE(Build(Options(false, false)), nullptr);
  expect(CalibrateIndex(Path(), Queries().view()), "exact search only");
  EXPECT_EQ(dir_.NumFiles(), 1u);
}

// ---- Stopping.

// Calls `work` with a progress that stops it where a stage begins that it was not stopped in
// before, until it is done. Efforts are no stages of their own: there are hundreds of them.
void StopEverywhere(const std::function<Status(const Progress&)>& work,
                    std::vector<std::string>* stages, const std::function<void()>& check) {
  for (;;) {
    bool stopped = false;
    const Status status = work([&](std::string_view stage, uint64_t done, uint64_t total) {
      EXPECT_LE(done, total);
      EXPECT_FALSE(stopped) << "it went on";
      const std::string kind(stage.substr(0, stage.find(" effort")));
      stopped = std::find(stages->begin(), stages->end(), kind) == stages->end();
      if (stopped) stages->push_back(kind);
      return !stopped;
    });
    if (!stopped) {
      EXPECT_TRUE(status.ok()) << status.message();
      return;
    }
    ExpectError(status, StatusCode::kInvalidArgument, "cancelled");
    check();
    ASSERT_LT(stages->size(), 1000u);
  }
}

bool Mentions(const std::vector<std::string>& stages, std::string_view part) {
  return std::any_of(stages.begin(), stages.end(), [&](const std::string& stage) {
    return stage.find(part) != std::string::npos;
  });
}

TEST_F(CalibrateTest, ABuildCanBeStoppedInEveryStage) {
  const Matrix rows = Part(Rows(), 0, 600);
  std::vector<std::string> stages;
  StopEverywhere(
      [&](const Progress& progress) {
        BuildOptions options = Options();
        options.threads = 1;
        options.progress = progress;
        return BuildIndex(rows.view(), Path(), options);
      },
      &stages, [&] { EXPECT_EQ(dir_.NumFiles(), 0u); });
  for (const char* part : {"true neighbours", "recall of the graph, k = 1,",
                           "recall of the graph, k = 100,", "recall of the forest, k = 10,"}) {
    EXPECT_TRUE(Mentions(stages, part)) << part;
  }
  EXPECT_TRUE(VerifyIndex(Path()).ok());
}

TEST_F(CalibrateTest, CalibratingCanBeStoppedInEveryStage) {
  BuildOptions options = Options();
  options.calibrate = false;
  ASSERT_NE(testing::BuildAndOpen(Path(), Part(Rows(), 0, 600), options), nullptr);
  const std::string bytes = ReadFile(Path());
  std::vector<std::string> stages;
  StopEverywhere(
      [&](const Progress& progress) {
        return CalibrateIndex(Path(), Queries().view(),
                              {.ks = {1, 10}, .threads = 1, .progress = progress});
      },
      &stages,
      [&] {
        EXPECT_TRUE(ReadFile(Path()) == bytes);
        EXPECT_EQ(dir_.NumFiles(), 1u);
      });
  for (const char* part :
       {"true neighbours", "recall of the graph, k = 10,", "recall of the forest, k = 10,"}) {
    EXPECT_TRUE(Mentions(stages, part)) << part;
  }
  EXPECT_FALSE(ReadFile(Path()) == bytes);
}

// ---- Efforts that floats can't tell apart.

class HugeEfforts final : public search::EffortScale {
 public:
  static constexpr double kMost = 0x1p24 + 1;  // the nearest float is less

  HugeEfforts() = default;
  std::optional<double> Default(size_t) const override { return std::nullopt; }
  double QueryNs(double effort) const override { return effort; }
  Range Measured(size_t, const MatrixView&) const override { return {kMost - 2, kMost}; }
  std::span<const uint32_t> MeasuredKs() const override { return {}; }
  std::vector<int64_t> Grid(const IndexInfo&, size_t) const override { return {}; }
};

class HugeType final : public search::PathType {
 public:
  HugeType() = default;
  IndexKind kind() const override { return IndexKind::kForest; }
  const char* name() const override { return "huge"; }
  std::span<const std::string_view> sections() const override { return {}; }
  Result<std::unique_ptr<search::AccessPath>> Open(std::shared_ptr<const storage::ContainerReader>,
                                                   const search::StoredVectors&) const override {
    return Status::Internal("not opened");
  }
  Result<std::unique_ptr<search::PathBuilder>> NewBuilder(const search::BuildInput&,
                                                          const PathSpec&) const override {
    return Status::Internal("not built");
  }
  std::vector<std::vector<search::BuildWay>> Ways(const search::CostShape&, const PathSpec&,
                                                  bool) const override {
    return {};
  }
  PathSpec DefaultSpec() const override { return ForestOptions(); }
  const search::EffortScale* efforts() const override { return &efforts_; }

 private:
  HugeEfforts efforts_;
};

// Finds nothing, whatever the effort, and not for ever.
class FindsNothing final : public search::AccessPath {
 public:
  FindsNothing() = default;
  PathInfo Describe() const override { return {}; }
  Status Search(const search::Request& request, search::Hits* hits, SearchStats*) const override {
    if (++searches_ > 1000) return Status::Internal("there is no end of efforts");
    hits->offsets.assign(request.queries.rows + 1, 0);
    return Status::Ok();
  }
  Status Verify(const Verification&) const override { return Status::Ok(); }

 private:
  mutable int searches_ = 0;
};

TEST_F(CalibrateTest, EffortsBeyondWhatFloatsTellApartComeToAnEnd) {
  const search::StoredVectors vectors{
      {Rows().view(), Metric::kEuclidean, nullptr, Rows().view().stride}, nullptr};
  const calibration::Site site{vectors, &AllRows()};
  const MatrixView queries = Queries().view();
  auto calibrator = calibration::Calibrator::Create(
      {&site, 1}, {&queries, 1}, CalibrationSource::kQueries, {1}, TestPool(), {});
  ASSERT_TRUE(calibrator.ok()) << calibrator.status().message();
  const FindsNothing nothing;
  const search::AccessPath* const path = &nothing;
  const Status measured = calibrator->Measure(HugeType(), {&path, 1}, nullptr);
  ASSERT_TRUE(measured.ok()) << measured.message();
  const Calibration calibration = calibrator->Take();
  ASSERT_EQ(calibration.curves.size(), 1u);
  const std::vector<CalibrationPoint>& points = calibration.curves[0].points;
  // As files want them.
  for (size_t i = 1; i < points.size(); ++i) EXPECT_GT(points[i].effort, points[i - 1].effort);
  EXPECT_GE(points.back().effort, static_cast<float>(HugeEfforts::kMost));
}

}  // namespace
}  // namespace kith
