// Searches that serve the unlucky queries, and those unlike the vectors, as they were asked to.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "calibration/calibration_data.h"
#include "calibration/need.h"
#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/calibration.h"
#include "kith/index.h"
#include "matrix.h"
#include "paths.h"
#include "status_checks.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::ExpectError;
using testing::Matrix;
using testing::MeanRecall;
using testing::Part;
using testing::PlanOrFail;
using testing::SearchOrFail;
using testing::TempDir;

constexpr size_t kRows = 8000;
constexpr size_t kQueries = 1500;
constexpr size_t kDim = 48;
constexpr size_t kK = 10;

// Each is some of a few directions and more or less noise in all, so that their neighbourhoods have
// from 4 to 48 dimensions, and some queries are much harder than others.
Matrix Uneven(size_t rows, uint64_t seed) {
  constexpr size_t kLatent = 4;
  Rng rng(seed);
  std::vector<double> map(kLatent * kDim);
  for (double& v : map) v = rng.Normal();
  Matrix m(DataType::kF32, rows, kDim);
  for (size_t r = 0; r < rows; ++r) {
    std::vector<double> point(kLatent);
    for (double& x : point) x = rng.Normal();
    const double u = rng.Normal();
    const double noise = 0.3 + 0.7 * u * u;
    for (size_t c = 0; c < kDim; ++c) {
      double sum = noise * rng.Normal();
      for (size_t l = 0; l < kLatent; ++l) sum += point[l] * map[l * kDim + c];
      m.Set(r, c, sum);
    }
  }
  return m;
}

// Each query's recall.
std::vector<double> Recalls(const SearchResult& exact, const SearchResult& found) {
  std::vector<double> recalls(exact.num_queries);
  for (size_t q = 0; q < exact.num_queries; ++q) {
    const double kth = exact.distances[q * exact.k + exact.k - 1];
    for (size_t i = 0; i < exact.k; ++i) {
      const bool near = found.distances[q * exact.k + i] <= kth + 1e-3 * std::abs(kth);
      recalls[q] += near ? 1.0 / static_cast<double>(exact.k) : 0;
    }
  }
  return recalls;
}

double ShareReaching(const SearchResult& exact, const SearchResult& found, double recall) {
  const std::vector<double> recalls = Recalls(exact, found);
  const auto reach = [&](double r) { return r >= recall - 1e-6; };
  return static_cast<double>(std::count_if(recalls.begin(), recalls.end(), reach)) /
         static_cast<double>(recalls.size());
}

class WorstTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir;
    const Matrix all = Uneven(kRows + kQueries, 11);
    queries_ = new Matrix(Part(all, kRows, kQueries));
    BuildOptions options = testing::GraphBuild(Metric::kEuclidean, GraphLayout::kCompact);
    testing::Ask<GraphOptions>(&options).degree = 16;
    options.paths.push_back(ForestOptions{});
    options.threads = 2;
    index_ = testing::BuildAndOpen(dir_->File("x.kith"), Part(all, 0, kRows), options).release();
    ASSERT_NE(index_, nullptr);
    exact_ = new SearchResult(Exact(*queries_));
  }
  static void TearDownTestSuite() {
    delete exact_;
    delete index_;
    delete queries_;
    delete dir_;
  }
  static SearchResult Exact(const Matrix& queries) {
    return SearchOrFail(*index_, queries.view(),
                        {.k = kK, .index = IndexKind::kExact, .threads = 2});
  }
  static SearchResult Find(SearchParams params, const Matrix& queries = *queries_) {
    params.k = kK;
    params.threads = 2;
    return SearchOrFail(*index_, queries.view(), params);
  }
  static const Index& index() { return *index_; }
  static const Matrix& queries() { return *queries_; }
  static const SearchResult& exact() { return *exact_; }
  static std::string Path() { return dir_->File("x.kith"); }

 private:
  static TempDir* dir_;
  static Index* index_;
  static Matrix* queries_;
  static SearchResult* exact_;
};
TempDir* WorstTest::dir_ = nullptr;
Index* WorstTest::index_ = nullptr;
Matrix* WorstTest::queries_ = nullptr;
SearchResult* WorstTest::exact_ = nullptr;

TEST_F(WorstTest, NearlyAllQueriesReachWhatIsAskedFor) {
  const SearchResult mean = Find({.index = IndexKind::kGraph, .recall = 0.9});
  EXPECT_LT(ShareReaching(exact(), mean, 0.8), 0.9);
  for (const IndexKind kind : {IndexKind::kGraph, IndexKind::kForest}) {
    SCOPED_TRACE(IndexKindName(kind));
    const SearchResult found = Find({.index = kind, .worst = 0.8});
    EXPECT_EQ(found.plan.index, kind);
    EXPECT_GE(found.plan.worst, 0.8);
    EXPECT_EQ(found.plan.efforts.empty(), kind == IndexKind::kForest);
    EXPECT_GE(ShareReaching(exact(), found, 0.8), 0.93);
    EXPECT_GE(MeanRecall(exact(), found), found.plan.recall - 0.03);
  }
}

TEST_F(WorstTest, CostsLessThanOneEffortForAll) {
  const SearchResult found = Find({.index = IndexKind::kGraph, .worst = 0.8});
  const double reached = ShareReaching(exact(), found, 0.8);
  int64_t effort = kK;
  SearchResult same;
  do {
    effort += 4;
    same = Find({.index = IndexKind::kGraph, .effort = effort});
  } while (ShareReaching(exact(), same, 0.8) < reached && effort < 1000);
  EXPECT_LT(static_cast<double>(found.stats.nodes), 0.85 * static_cast<double>(same.stats.nodes))
      << "one effort for all: " << effort;
}

TEST_F(WorstTest, TheLargerEffortCounts) {
  const SearchParams both{.k = kK, .index = IndexKind::kGraph, .recall = 0.99, .worst = 0.5};
  SearchParams worst = both;
  worst.recall = 0;
  SearchParams recall = both;
  recall.worst = 0.01;
  EXPECT_LT(PlanOrFail(index(), worst).effort, PlanOrFail(index(), both).effort);
  EXPECT_EQ(PlanOrFail(index(), recall).effort, PlanOrFail(index(), both).effort);
  EXPECT_NEAR(PlanOrFail(index(), both).recall, 0.99, 1e-6);
}

TEST_F(WorstTest, MoreTakesMoreEffort) {
  double last = 0;
  for (double worst = 0.1; worst <= 1; worst += 0.1) {
    const auto plan = index().Plan({.k = kK, .index = IndexKind::kGraph, .worst = worst}, 1);
    if (!plan.ok()) {
      ExpectError(plan.status(), StatusCode::kInvalidArgument, "for 95 % of the queries");
      EXPECT_GT(worst, 0.8);
      break;
    }
    EXPECT_GE(plan->effort, last);
    EXPECT_GE(plan->worst, worst - 1e-6);
    last = plan->effort;
  }
}

// Of one neighbour, 0.8 is all of it.
TEST_F(WorstTest, IsInWholeNeighbours) {
  const auto effort = [&](double worst) {
    return PlanOrFail(index(), {.k = 1, .index = IndexKind::kGraph, .worst = worst}).effort;
  };
  EXPECT_EQ(effort(0.8), effort(0.1));
}

TEST_F(WorstTest, WhatIsAskedForIsChecked) {
  for (const double worst : {-0.1, 1.1, std::nan("")}) {
    ExpectError(index().Plan({.worst = worst}, 1).status(), StatusCode::kInvalidArgument,
                "worst is");
  }
  ExpectError(index().Plan({.effort = 10, .worst = 0.8}, 1).status(), StatusCode::kInvalidArgument,
              "both a recall and an effort");
}

// The same alone and among others, whatever the threads.
TEST_F(WorstTest, AQueryGetsTheSameAloneAndAmongOthers) {
  for (const SearchParams& params :
       {SearchParams{.k = kK, .index = IndexKind::kGraph, .worst = 0.8},
        SearchParams{.k = kK, .index = IndexKind::kGraph, .recall = 0.9, .widen = true}}) {
    const Matrix some = Part(queries(), 0, 100);
    const SearchResult together = Find(params, some);
    SearchResult alone;
    std::vector<float> distances;
    uint64_t nodes = 0;
    for (size_t q = 0; q < some.rows(); ++q) {
      alone = SearchOrFail(index(), Part(some, q, 1).view(), params);
      distances.insert(distances.end(), alone.distances.begin(), alone.distances.end());
      nodes += alone.stats.nodes;
    }
    EXPECT_EQ(distances, together.distances);
    EXPECT_EQ(nodes, together.stats.nodes);
  }
}

// ---- Queries unlike those that were measured with.

// The first of some rows, with noise.
Matrix Disturbed(const Matrix& rows, size_t count, double noise) {
  Matrix disturbed(DataType::kF32, count, rows.dim());
  Rng rng(77);
  for (size_t q = 0; q < count; ++q) {
    for (size_t c = 0; c < rows.dim(); ++c) {
      disturbed.Set(q, c, rows.Get(q, c) + noise * rng.Normal());
    }
  }
  return disturbed;
}

// Two fifths of the way from one query to another: between clusters.
Matrix Between(const Matrix& rows, size_t count) {
  Matrix mixed(DataType::kF32, count, rows.dim());
  for (size_t q = 0; q < count; ++q) {
    for (size_t c = 0; c < rows.dim(); ++c) {
      mixed.Set(q, c, 0.6 * rows.Get(q, c) + 0.4 * rows.Get(rows.rows() - 1 - q, c));
    }
  }
  return mixed;
}

TEST(WideningTest, MeetsTheRecallOfQueriesUnlikeTheVectors) {
  const Matrix all = testing::Mixture(kRows + 2 * kQueries, 32, 12, 20, 4);
  const Matrix usual = Part(all, kRows, kQueries);
  const Matrix unlike = Between(Part(all, kRows, 2 * kQueries), kQueries);
  const TempDir dir;
  BuildOptions options = testing::GraphBuild(Metric::kEuclidean, GraphLayout::kPacked);
  testing::Ask<GraphOptions>(&options).degree = 16;
  const auto index = testing::BuildAndOpen(dir.File("x.kith"), Part(all, 0, kRows), options);
  ASSERT_NE(index, nullptr);
  const SearchParams exact{.k = kK, .index = IndexKind::kExact};
  const SearchResult truth = SearchOrFail(*index, usual.view(), exact);
  const SearchResult truth_unlike = SearchOrFail(*index, unlike.view(), exact);
  for (const double recall : {0.9, 0.95}) {
    SCOPED_TRACE(recall);
    const SearchParams narrow{.k = kK, .index = IndexKind::kGraph, .recall = recall};
    SearchParams wide = narrow;
    wide.widen = true;
    const double misled = MeanRecall(truth_unlike, SearchOrFail(*index, unlike.view(), narrow));
    const SearchResult widened = SearchOrFail(*index, unlike.view(), wide);
    const SearchResult of_usual = SearchOrFail(*index, usual.view(), wide);
    if (std::getenv("KITH_PRINT_RECALL") != nullptr) {
      std::printf("%.2f asked: %.4f, widened %.4f, usual %.4f, planned %.4f\n", recall, misled,
                  MeanRecall(truth_unlike, widened), MeanRecall(truth, of_usual),
                  widened.plan.recall);
    }
    EXPECT_LT(misled, recall - 0.03);
    EXPECT_GE(MeanRecall(truth_unlike, widened), recall - 0.02);
    EXPECT_LE(MeanRecall(truth_unlike, widened), recall + 0.045);
    EXPECT_GE(MeanRecall(truth, of_usual), recall - 0.02);
    EXPECT_NEAR(MeanRecall(truth, of_usual), of_usual.plan.recall, 0.02);
  }
}

TEST_F(WorstTest, WhoWidensIsNotWarned) {
  const Matrix far = Disturbed(queries(), 200, 1.5);
  for (const bool widen : {true, false}) {
    const auto opened = OpenIndex(Path());
    ASSERT_TRUE(opened.ok());
    const SearchResult found = SearchOrFail(
        **opened, far.view(), {.k = kK, .index = IndexKind::kGraph, .recall = 0.9, .widen = widen});
    EXPECT_TRUE((*opened)->Drift().unlike);
    EXPECT_EQ(found.drifted, !widen);
  }
}

// ---- Files of an older kith.

TEST_F(WorstTest, FilesWithoutNeedsAreSearchedAsBefore) {
  Calibration old = index().info().calibration;
  for (CalibrationCurve& curve : old.curves) {
    curve.need = {};
    curve.wide = {};
  }
  const TempDir dir;
  testing::SetCalibration(Path(), dir.File("old.kith"), old);
  const auto opened = OpenIndex(dir.File("old.kith"));
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  for (const auto& section : (*opened)->info().sections) EXPECT_NE(section.name, "query_efforts");
  EXPECT_TRUE(VerifyIndex(**opened).ok());
  const SearchParams mean{.k = kK, .index = IndexKind::kGraph, .recall = 0.9};
  const SearchResult before = SearchOrFail(**opened, queries().view(), mean);
  testing::ExpectSameAnswers(before, Find(mean));
  SearchParams wide = mean;
  wide.widen = true;
  testing::ExpectSameAnswers(before, SearchOrFail(**opened, queries().view(), wide));
  const SearchParams worst{.k = kK, .index = IndexKind::kGraph, .worst = 0.8};
  const Status refused = (*opened)->Plan(worst, 1).status();
  ExpectError(refused, StatusCode::kInvalidArgument, "95 % of the queries");
  EXPECT_EQ(refused.remedy(), Remedy::kMeasureRecall);
  const SearchPlan plan = PlanOrFail(**opened, {.k = kK, .worst = 0.8});
  EXPECT_EQ(plan.index, IndexKind::kExact);
}

// ---- What is learnt, of made records.

// Of 512 queries, the near half needs an effort of 10 and the far half one of 40; one of forty
// never finds anything.
calibration::QueryRecord Record(calibration::ShortWalk* walk) {
  constexpr size_t kCount = 512;
  calibration::QueryRecord record{4, {5, 10, 20, 40, 80}, {}};
  for (const float effort : record.efforts) {
    std::vector<uint32_t> hits(kCount);
    for (size_t q = 0; q < kCount; ++q) {
      const bool enough = effort >= (q % 2 == 0 ? 10 : 40);
      hits[q] = q % 40 == 7 ? 0 : enough ? 4 : 1;
    }
    record.hits.push_back(std::move(hits));
  }
  walk->effort = 5;
  for (size_t q = 0; q < kCount; ++q) {
    walk->far.push_back(static_cast<float>(q % 2) + 0.001f * static_cast<float>(q));
  }
  return record;
}

TEST(LearnNeedTest, HardQueriesGetMore) {
  calibration::ShortWalk walk;
  const calibration::QueryRecord record = Record(&walk);
  const NeedCurve curve = calibration::LearnNeed(record, walk);
  EXPECT_EQ(curve.first, 5);
  ASSERT_EQ(curve.factors.size(), 8u);
  EXPECT_GT(curve.factors.back(), 2 * curve.factors.front());
  EXPECT_TRUE(std::is_sorted(curve.far.begin(), curve.far.end()));
  double sum = 0;
  for (const float factor : curve.factors) sum += factor;
  EXPECT_NEAR(sum / 8, 1, 1e-5);
  // One of forty is not enough to miss.
  EXPECT_EQ(curve.points.back().recall_p5, 1);
}

TEST(LearnNeedTest, OfOnePathWithoutShortWalksAllGetTheSame) {
  calibration::ShortWalk walk;
  const calibration::QueryRecord record = Record(&walk);
  const NeedCurve curve = calibration::LearnNeed(record, {});
  EXPECT_TRUE(curve.factors.empty());
  EXPECT_EQ(curve.first, 0);
  ASSERT_EQ(curve.points.size(), record.efforts.size());
  EXPECT_LT(curve.points[2].recall_p5, 0.5f);  // the far half has one of four
  EXPECT_EQ(curve.points[3].recall_p5, 1);
  EXPECT_TRUE(calibration::LearnWide(record, {}, {}, {}).empty());
}

TEST(LearnNeedTest, FewQueriesTellNoGroupsApart) {
  calibration::ShortWalk walk;
  calibration::QueryRecord record = Record(&walk);
  for (auto& hits : record.hits) hits.resize(100);
  walk.far.resize(100);
  EXPECT_TRUE(calibration::LearnNeed(record, walk).factors.empty());
}

TEST(LearnWideTest, TellsTheRecallOfEachGroup) {
  calibration::ShortWalk walk;
  const WideCurve curve = calibration::LearnWide(Record(&walk), walk, {}, {});
  ASSERT_EQ(curve.far.size(), 8u);
  ASSERT_EQ(curve.recalls.size(), 8 * 5u);
  EXPECT_GT(curve.recalls[1], 0.9f);          // near, with 10
  EXPECT_LT(curve.recalls[7 * 5 + 2], 0.3f);  // far, with 20
  EXPECT_GT(curve.recalls[7 * 5 + 3], 0.9f);  // far, with 40
}

TEST(QueryEffortsTest, AreALineBetweenDistances) {
  const QueryEfforts efforts{4, {1, 2, 2, 4}, {10, 20, 30, 50}};
  EXPECT_EQ(efforts.At(0), 10);
  EXPECT_EQ(efforts.At(1.5), 15);
  EXPECT_EQ(efforts.At(3), 40);
  EXPECT_EQ(efforts.At(9), 50);
  EXPECT_EQ(efforts.At(INFINITY), 50);
  EXPECT_EQ(efforts.most(), 50);
}

}  // namespace
}  // namespace kith
