// Which way in a search takes, and with what effort.
#include "plan/search_plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "paths.h"
#include "storage/container_image.h"

namespace kith {
namespace {

using testing::ExpectError;

// A file of 1 M vectors of 128 bytes: far more than exact search reads as fast as a graph.
IndexInfo Large(bool graph, bool forest) {
  IndexInfo info;
  info.path = "some.kith";
  info.num_vectors = 1000000;
  info.dim = 128;
  info.dtype = DataType::kU8;
  info.metric = Metric::kEuclidean;
  info.paths = testing::MadeUpPaths(graph, forest);
  return info;
}

IndexInfo Small(bool graph, bool forest) {
  IndexInfo info = Large(graph, forest);
  info.num_vectors = 1000;
  return info;
}

void Calibrate(IndexKind index, uint32_t k,
               const std::vector<std::pair<float, float>>& effort_recall, IndexInfo* info) {
  info->calibration.source = CalibrationSource::kHeldOut;
  CalibrationCurve curve{index, k, {}};
  for (const auto& [effort, recall] : effort_recall) curve.points.push_back({effort, recall});
  info->calibration.curves.push_back(curve);
}

// The graph reaches 0.98; the forest 0.9, at a higher price.
IndexInfo Calibrated() {
  IndexInfo info = Large(true, true);
  Calibrate(IndexKind::kGraph, 10, {{10, 0.8f}, {30, 0.9f}, {80, 0.98f}}, &info);
  Calibrate(IndexKind::kForest, 10, {{200, 0.6f}, {1000, 0.9f}}, &info);
  return info;
}

void ExpectPlan(const IndexInfo& info, const SearchParams& params, size_t num_queries,
                const SearchPlan& expected) {
  const auto plan = plan::PlanSearch(info, params, num_queries);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->index, expected.index) << IndexKindName(plan->index);
  EXPECT_NEAR(plan->effort, expected.effort, 1e-4);
  EXPECT_NEAR(plan->recall, expected.recall, 1e-6);
}

// Exact search, for this reason.
void ExpectExact(const IndexInfo& info, const SearchParams& params, size_t num_queries,
                 WhyExact why, double reached = 0) {
  const auto plan = plan::PlanSearch(info, params, num_queries);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->index, IndexKind::kExact);
  EXPECT_EQ(plan->effort, 0);
  EXPECT_EQ(plan->recall, 1);
  EXPECT_EQ(plan->why, why) << WhyExactName(plan->why);
  EXPECT_NEAR(plan->reached, reached, 1e-6);
}

void ExpectInvalid(const IndexInfo& info, const SearchParams& params, std::string_view part) {
  const auto plan = plan::PlanSearch(info, params, 1);
  ASSERT_FALSE(plan.ok());
  ExpectError(plan.status(), StatusCode::kInvalidArgument, part);
}

// ---- Without a recall.

TEST(PlanEffortTest, AutoTakesTheBestTheFileHolds) {
  ExpectPlan(Large(true, true), {}, 1, {IndexKind::kGraph, -1, 0});
  ExpectPlan(Large(true, false), {}, 1, {IndexKind::kGraph, -1, 0});
  ExpectPlan(Large(false, true), {}, 1, {IndexKind::kForest, -1, 0});
  ExpectPlan(Large(false, false), {}, 1, {IndexKind::kExact, 0, 1});
}

TEST(PlanEffortTest, AutoScansSmallSets) {
  ExpectPlan(Small(true, false), {}, 1, {IndexKind::kExact, 0, 1});
  // Unless an effort is given, or the graph is asked for.
  ExpectPlan(Small(true, false), {.effort = 20}, 1, {IndexKind::kGraph, 20, 0});
  ExpectPlan(Small(true, false), {.index = IndexKind::kGraph}, 1, {IndexKind::kGraph, -1, 0});
}

// One that misses many of its own vectors would find others no better.
TEST(PlanEffortTest, AutoTakesNoGraphThatMissesItsOwnVectors) {
  IndexInfo info = Large(true, false);
  const auto set_found = [](IndexInfo* of, double found) {
    of->paths[1].properties = {{"self_recall", 0, "", found}};
  };
  set_found(&info, 0.96);
  ExpectPlan(info, {}, 1, {IndexKind::kGraph, -1, 0});
  set_found(&info, 0.94);
  ExpectExact(info, {}, 1, WhyExact::kMissesOwn, 0);
  // Unless it is asked for, with an effort or by name.
  ExpectPlan(info, {.effort = 20}, 1, {IndexKind::kGraph, 20, 0});
  ExpectPlan(info, {.index = IndexKind::kGraph}, 1, {IndexKind::kGraph, -1, 0});
  IndexInfo both = Large(true, true);
  set_found(&both, 0.94);
  ExpectPlan(both, {}, 1, {IndexKind::kForest, -1, 0});
  EXPECT_STREQ(WhyExactName(WhyExact::kMissesOwn), "misses its own");
}

TEST(PlanEffortTest, AutoScansSoonerForManyQueriesAndNeighbours) {
  IndexInfo info = Large(true, false);
  info.num_vectors = 10000;
  ExpectPlan(info, {}, 1, {IndexKind::kGraph, -1, 0});
  ExpectPlan(info, {}, 10000, {IndexKind::kExact, 0, 1});
  ExpectPlan(info, {.k = 5000}, 1, {IndexKind::kExact, 0, 1});
}

TEST(PlanEffortTest, TheWayAskedForIsTaken) {
  const IndexInfo info = Large(true, true);
  ExpectPlan(info, {.index = IndexKind::kForest, .effort = 0}, 1, {IndexKind::kForest, 0, 0});
  ExpectPlan(info, {.index = IndexKind::kForest, .effort = 500}, 1, {IndexKind::kForest, 500, 0});
  ExpectPlan(info, {.index = IndexKind::kExact}, 1, {IndexKind::kExact, 0, 1});
  ExpectPlan(info, {.index = IndexKind::kExact, .effort = 7}, 1, {IndexKind::kExact, 0, 1});
}

TEST(PlanEffortTest, ABeamHoldsTheNeighbours) {
  ExpectPlan(Large(true, false), {.k = 50, .effort = 3}, 1, {IndexKind::kGraph, 50, 0});
  ExpectPlan(Large(true, false), {.k = 50, .effort = 51}, 1, {IndexKind::kGraph, 51, 0});
  ExpectPlan(Large(false, true), {.k = 50, .effort = 3}, 1, {IndexKind::kForest, 3, 0});
}

TEST(PlanEffortTest, AWayThatIsNotThereIsAnError) {
  ExpectInvalid(Large(true, false), {.index = IndexKind::kForest}, "some.kith has no forest");
  ExpectInvalid(Large(false, true), {.index = IndexKind::kGraph}, "some.kith has no graph");
  ExpectInvalid(Large(false, true), {.index = IndexKind::kGraph, .recall = 0.9}, "build it with");
}

// ---- With one.

TEST(PlanRecallTest, MustBeAShare) {
  for (const double recall : {-0.1, 1.0001, 95.0, std::numeric_limits<double>::quiet_NaN(),
                              std::numeric_limits<double>::infinity()}) {
    SCOPED_TRACE(recall);
    ExpectInvalid(Calibrated(), {.recall = recall}, "above 0 and at most 1");
    ExpectInvalid(Large(false, false), {.recall = recall}, "above 0 and at most 1");
  }
}

TEST(PlanRecallTest, ExcludesAnEffort) {
  ExpectInvalid(Calibrated(), {.effort = 100, .recall = 0.9}, "both a recall and an effort");
  ExpectInvalid(Calibrated(), {.effort = 0, .recall = 0.9}, "both a recall and an effort");
}

TEST(PlanRecallTest, AutoTakesTheCheapestWay) {
  // The graph: 5 us + 65 ns * 30, the forest: 20 us + 12 ns * 1000.
  ExpectPlan(Calibrated(), {.recall = 0.9f}, 1, {IndexKind::kGraph, 30, 0.9});
  ExpectPlan(Calibrated(), {.recall = 0.94f}, 1, {IndexKind::kGraph, 55, 0.94});
  // A graph that is bad at it.
  IndexInfo info = Large(true, true);
  Calibrate(IndexKind::kGraph, 10, {{400, 0.5f}, {2000, 0.9f}}, &info);
  Calibrate(IndexKind::kForest, 10, {{200, 0.6f}, {1000, 0.9f}}, &info);
  ExpectPlan(info, {.recall = 0.9f}, 1, {IndexKind::kForest, 1000, 0.9});
  // Only one of them reaches it.
  info = Large(true, true);
  Calibrate(IndexKind::kGraph, 10, {{10, 0.5f}, {20, 0.8f}}, &info);
  Calibrate(IndexKind::kForest, 10, {{200, 0.6f}, {1000, 0.9f}}, &info);
  ExpectPlan(info, {.recall = 0.9f}, 1, {IndexKind::kForest, 1000, 0.9});
}

TEST(PlanRecallTest, TheWayAskedForIsTaken) {
  ExpectPlan(Calibrated(), {.index = IndexKind::kForest, .recall = 0.75}, 1,
             {IndexKind::kForest, 600, 0.75});
  ExpectPlan(Calibrated(), {.index = IndexKind::kGraph, .recall = 0.85}, 1,
             {IndexKind::kGraph, 20, 0.85});
  ExpectPlan(Calibrated(), {.index = IndexKind::kExact, .recall = 0.85}, 1,
             {IndexKind::kExact, 0, 1});
  // Even in small sets, where a scan would do.
  IndexInfo small = Calibrated();
  small.num_vectors = 1000;
  ExpectPlan(small, {.index = IndexKind::kGraph, .recall = 0.85}, 1, {IndexKind::kGraph, 20, 0.85});
}

TEST(PlanRecallTest, MayBeMoreThanAskedFor) {
  ExpectPlan(Calibrated(), {.recall = 0.3}, 1, {IndexKind::kGraph, 10, 0.8});
}

TEST(PlanRecallTest, AllOfThemTakeExactSearch) {
  ExpectPlan(Calibrated(), {.recall = 1}, 1, {IndexKind::kExact, 0, 1});
  // Without a calibration, too.
  ExpectPlan(Large(true, true), {.recall = 1}, 1, {IndexKind::kExact, 0, 1});
  // But not against the user's word.
  ExpectInvalid(Calibrated(), {.index = IndexKind::kGraph, .recall = 1}, "recall 1 is beyond");
}

TEST(PlanRecallTest, OfExactSearchIsOne) {
  ExpectPlan(Large(false, false), {.recall = 0.5}, 1, {IndexKind::kExact, 0, 1});
  ExpectPlan(Large(true, false), {.index = IndexKind::kExact, .recall = 0.5}, 1,
             {IndexKind::kExact, 0, 1});
}

TEST(PlanRecallTest, AutoScansWhereThatIsAsFast) {
  IndexInfo info = Calibrated();
  info.num_vectors = 1000;  // 3 us + 128 kB
  ExpectPlan(info, {.recall = 0.9f}, 1, {IndexKind::kExact, 0, 1});
  // Too small to have been measured.
  ExpectPlan(Small(true, false), {.recall = 0.9}, 1, {IndexKind::kExact, 0, 1});
  // A forest costs more than a graph before its first leaf.
  info = Large(false, true);
  info.num_vectors = 3000;
  Calibrate(IndexKind::kForest, 10, {{100, 0.9f}}, &info);
  ExpectPlan(info, {.recall = 0.9f}, 1, {IndexKind::kExact, 0, 1});
  // Many queries at once are scanned faster.
  info = Calibrated();
  info.num_vectors = 10000;
  ExpectPlan(info, {.recall = 0.98f}, 1, {IndexKind::kGraph, 80, 0.98});
  ExpectPlan(info, {.recall = 0.98f}, 10000, {IndexKind::kExact, 0, 1});
}

TEST(PlanRecallTest, OfAWayAskedForNothingMeasuredIsAnErrorThatNamesTheRemedies) {
  const SearchParams graph{.index = IndexKind::kGraph, .recall = 0.9};
  const SearchParams forest{.index = IndexKind::kForest, .recall = 0.9};
  for (const std::string_view part : {"some.kith", "its graph", "was not measured",
                                      "CalibrateIndex", "IndexKind::kExact", "effort"}) {
    ExpectInvalid(Large(true, false), graph, part);
  }
  ExpectInvalid(Large(false, true), forest, "its forest");
  EXPECT_EQ(plan::PlanSearch(Large(true, false), graph, 1).status().remedy(),
            Remedy::kMeasureRecall);
  // One of two.
  IndexInfo info = Large(true, true);
  Calibrate(IndexKind::kGraph, 10, {{10, 0.95f}}, &info);
  ExpectInvalid(info, forest, "its forest gives was not");
  ExpectPlan(info, {.recall = 0.9}, 1, {IndexKind::kGraph, 10, 0.95f});
}

TEST(PlanRecallTest, OfAWayAskedForMoreThanItReachesIsAnErrorThatSaysHowMuch) {
  const SearchParams graph{.index = IndexKind::kGraph, .recall = 0.99};
  for (const std::string_view part : {"some.kith", "recall 0.99 ", "the graph of", "k = 10",
                                      "about 0.98;", "ask for less", "IndexKind::kExact"}) {
    ExpectInvalid(Calibrated(), graph, part);
  }
  ExpectInvalid(Calibrated(), {.index = IndexKind::kForest, .recall = 0.95}, "about 0.9;");
  const Status status = plan::PlanSearch(Calibrated(), graph, 1).status();
  EXPECT_EQ(status.remedy(), Remedy::kSearchExactly);
  // Each front end has its own words for the remedy.
  const std::string said = status.MessageWith("say --exact");
  EXPECT_NE(said.find("about 0.98; say --exact"), std::string::npos) << said;
  EXPECT_EQ(said.find("IndexKind"), std::string::npos) << said;
}

// What a recall of 1 is, every recall can be: exact search.
TEST(PlanRecallTest, AutoTakesExactSearchWhereNothingElseIsKnownToReachARecall) {
  ExpectExact(Calibrated(), {.recall = 0.99}, 1, WhyExact::kOutOfReach, 0.98f);
  ExpectExact(Calibrated(), {.recall = 0.99}, 10000, WhyExact::kOutOfReach, 0.98f);
  ExpectExact(Calibrated(), {.k = 20, .recall = 0.99}, 1, WhyExact::kOutOfReach, 0.98f);
  ExpectExact(Large(true, true), {.recall = 0.2}, 1, WhyExact::kUnmeasured);
  ExpectExact(Large(true, false), {.recall = 0.9}, 1, WhyExact::kUnmeasured);
  // Of few vectors nobody needs to know.
  ExpectExact(Small(true, false), {.recall = 0.9}, 1, WhyExact::kCheaper);
  // Where the file has nothing else, or exact search is asked for, there is no reason to give.
  ExpectExact(Large(false, false), {.recall = 0.9}, 1, WhyExact::kNone);
  ExpectExact(Calibrated(), {.index = IndexKind::kExact, .recall = 0.9}, 1, WhyExact::kNone);
}

TEST(PlanRecallTest, ExactSearchSaysWhy) {
  ExpectExact(Calibrated(), {.recall = 1}, 1, WhyExact::kEverything);
  IndexInfo small = Calibrated();
  small.num_vectors = 1000;
  ExpectExact(small, {.recall = 0.9}, 1, WhyExact::kCheaper);
  ExpectExact(Small(true, false), {}, 1, WhyExact::kCheaper);
  EXPECT_STREQ(WhyExactName(WhyExact::kOutOfReach), "out of reach");
  EXPECT_EQ(plan::PlanSearch(Calibrated(), {.recall = 0.9}, 1)->why, WhyExact::kNone);
}

// Queries that leave out rows are planned for more neighbours, and are no error either.
TEST(PlanRecallTest, AutoTakesExactSearchForQueriesThatLeaveOutRows) {
  const auto plan = plan::PlanExcluding(Calibrated(), {.recall = 0.975}, 1, 5);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->index, IndexKind::kExact);
  EXPECT_EQ(plan->why, WhyExact::kOutOfReach);
  EXPECT_EQ(plan->recall, 1);
  const auto forced =
      plan::PlanExcluding(Calibrated(), {.index = IndexKind::kGraph, .recall = 0.99}, 1, 1);
  ExpectError(forced.status(), StatusCode::kInvalidArgument, "recall 0.99 is beyond");
}

TEST(PlanRecallTest, UsesTheCurvesOfItsK) {
  IndexInfo info = Calibrated();
  Calibrate(IndexKind::kGraph, 100, {{100, 0.9f}, {300, 0.99f}}, &info);
  ExpectPlan(info, {.k = 100, .recall = 0.9f}, 1, {IndexKind::kGraph, 100, 0.9});
  ExpectPlan(info, {.k = 55, .recall = 0.9f}, 1, {IndexKind::kGraph, 65, 0.9});
  ExpectPlan(info, {.k = 200, .recall = 0.99f}, 1, {IndexKind::kGraph, 600, 0.99});
}

}  // namespace
}  // namespace kith
