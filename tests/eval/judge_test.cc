#include "eval/judge.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "eval/fake_index.h"
#include "kith/eval.h"

namespace kith {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

double Recall(const std::vector<float>& found, const std::vector<float>& truth, size_t queries,
              size_t k) {
  return RecallAtK(found.data(), found.size() / queries, truth.data(), truth.size() / queries,
                   queries, k);
}

TEST(RecallAtK, CountsByDistance) {
  EXPECT_DOUBLE_EQ(Recall({1, 2, 3, 4}, {1, 2, 3, 4}, 1, 4), 1);
  EXPECT_DOUBLE_EQ(Recall({1, 2, 5, 6}, {1, 2, 3, 4}, 1, 4), 0.5);
  EXPECT_DOUBLE_EQ(Recall({5, 6, 7, 8}, {1, 2, 3, 4}, 1, 4), 0);
}

TEST(RecallAtK, AveragesOverQueries) {
  EXPECT_DOUBLE_EQ(Recall({1, 2, /**/ 9, 9}, {1, 2, /**/ 1, 2}, 2, 2), 0.5);
}

TEST(RecallAtK, UsesOnlyTheFirstK) {
  // The threshold is the second true distance, and the third place found is not looked at.
  EXPECT_DOUBLE_EQ(Recall({1, 3, 2}, {1, 2, 3, 4}, 1, 2), 0.5);
}

TEST(RecallAtK, TiesAndRoundingCostNothing) {
  EXPECT_DOUBLE_EQ(Recall({2, 2, 2}, {1, 2, 2}, 1, 3), 1);
  EXPECT_DOUBLE_EQ(Recall({1000, 1000.9f}, {999, 1000}, 1, 2), 1);
  EXPECT_DOUBLE_EQ(Recall({1000, 1001.1f}, {999, 1000}, 1, 2), 0.5);
}

TEST(RecallAtK, ToleranceOfNegativeDistancesIsAboveThem) {
  EXPECT_DOUBLE_EQ(Recall({-12, -9.995f}, {-12, -10}, 1, 2), 1);
  EXPECT_DOUBLE_EQ(Recall({-12, -9.9f}, {-12, -10}, 1, 2), 0.5);
}

TEST(RecallAtK, PlacesWithoutANeighbourAreNotWanted) {
  EXPECT_DOUBLE_EQ(Recall({1, 2, kInf}, {1, 2, kInf}, 1, 3), 1);
  EXPECT_DOUBLE_EQ(Recall({1, kInf, kInf}, {1, 2, kInf}, 1, 3), 0.5);
  EXPECT_DOUBLE_EQ(Recall({1, kInf}, {1, 2}, 1, 2), 0.5);
  EXPECT_DOUBLE_EQ(Recall({1, 2, 2}, {1, 2, kInf}, 1, 3), 1) << "never above 1";
  EXPECT_DOUBLE_EQ(Recall({kInf, kInf, /**/ 1, 9}, {kInf, kInf, /**/ 1, 2}, 2, 2), 0.5);
  EXPECT_DOUBLE_EQ(Recall({kInf}, {kInf}, 1, 1), 1);
}

TEST(PreciseDistance, FollowsTheTableOfTypes) {
  const float a[] = {3, 0, 4, 0};
  const float b[] = {0, 0, 4, 3};
  EXPECT_DOUBLE_EQ(PreciseDistance(Metric::kAngular, a, b, 4), 1 - 16.0 / 25);
  EXPECT_DOUBLE_EQ(PreciseDistance(Metric::kEuclidean, a, b, 4), std::sqrt(18.0));
  EXPECT_DOUBLE_EQ(PreciseDistance(Metric::kDot, a, b, 4), -16);
  EXPECT_DOUBLE_EQ(PreciseDistance(Metric::kManhattan, a, b, 4), 6);
  EXPECT_DOUBLE_EQ(PreciseDistance(Metric::kHamming, a, b, 4), 2);
}

TEST(PreciseDistance, AngularIsDefinedForZeroAndParallelVectors) {
  const float zero[] = {0, 0, 0};
  const float a[] = {0.1f, 0.2f, 0.3f};
  const float twice[] = {0.2f, 0.4f, 0.6f};
  EXPECT_EQ(PreciseDistance(Metric::kAngular, zero, a, 3), 1);
  EXPECT_EQ(PreciseDistance(Metric::kAngular, zero, zero, 3), 1);
  EXPECT_EQ(PreciseDistance(Metric::kAngular, a, twice, 3), 0);
}

// Five points on a line; the query is at 0.
class JudgeTest : public ::testing::Test {
 protected:
  Result<eval::Judge> Make(GroundTruth truth, size_t k) const {
    return eval::Judge::Create(index_, ViewOf(query_, 1, 1), truth, k);
  }

  static SearchResult Found(std::vector<int64_t> ids, std::vector<float> distances) {
    SearchResult result;
    result.num_queries = 1;
    result.k = ids.size();
    result.ids = std::move(ids);
    result.distances = std::move(distances);
    return result;
  }

  static double RecallOf(const eval::Judge& judge, const SearchResult& found) {
    return eval::MeanRecall(judge.Recalls(found).value());
  }

  FakeIndex index_{Metric::kEuclidean, 1, {1, 2, 3, 4, 5}};
  const float query_[1] = {0};
};

TEST_F(JudgeTest, FollowsTheTruthsIdsNotItsDistances) {
  const GroundTruth squared{1, 3, {0, 1, 2}, {1, 4, 9}};
  const Result<eval::Judge> judge = Make(squared, 3);
  ASSERT_TRUE(judge.ok()) << judge.status().message();
  EXPECT_DOUBLE_EQ(RecallOf(*judge, Found({0, 1, 2}, {1, 2, 3})), 1);
  EXPECT_NEAR(RecallOf(*judge, Found({0, 1, 4}, {1, 2, 5})), 2.0 / 3, 1e-12);
}

TEST_F(JudgeTest, TruthOutOfOrderIsSorted) {
  const Result<eval::Judge> judge = Make({1, 2, {1, 0}, {}}, 2);
  ASSERT_TRUE(judge.ok());
  EXPECT_DOUBLE_EQ(RecallOf(*judge, Found({0, 1}, {1, 2})), 1);
}

TEST_F(JudgeTest, ARepeatedIdCountsOnce) {
  const Result<eval::Judge> judge = Make({1, 2, {0, 1}, {}}, 2);
  ASSERT_TRUE(judge.ok());
  EXPECT_DOUBLE_EQ(RecallOf(*judge, Found({0, 0}, {1, 1})), 0.5);
}

TEST_F(JudgeTest, FloatErrorsAreLookedAtTwice) {
  const Result<eval::Judge> judge = Make({1, 2, {0, 1}, {}}, 2);
  ASSERT_TRUE(judge.ok());
  EXPECT_DOUBLE_EQ(RecallOf(*judge, Found({0, 1}, {1.1f, 2.1f})), 1);
  EXPECT_DOUBLE_EQ(RecallOf(*judge, Found({0, 2}, {1.1f, 3.1f})), 0.5);
}

TEST_F(JudgeTest, MissingTrueNeighboursAreNotWanted) {
  const Result<eval::Judge> judge = Make({1, 3, {0, kNoId, kNoId}, {}}, 3);
  ASSERT_TRUE(judge.ok());
  EXPECT_DOUBLE_EQ(RecallOf(*judge, Found({0, kNoId, kNoId}, {1, kInf, kInf})), 1);
}

TEST_F(JudgeTest, RefusesATruthThatDoesNotFit) {
  const auto message = [](const Result<eval::Judge>& judge) { return judge.status().message(); };
  EXPECT_NE(message(Make({0, 2, {}, {}}, 2)).find("0 queries"), std::string::npos);
  EXPECT_NE(message(Make({1, 2, {0, 1}, {}}, 3)).find("choose k <= 2"), std::string::npos);
  EXPECT_NE(message(Make({1, 2, {0}, {}}, 2)).find("fewer ids"), std::string::npos);
  EXPECT_NE(message(Make({1, 2, {0, 5}, {}}, 2)).find("names id 5"), std::string::npos);
  EXPECT_NE(message(Make({1, 2, {0, -7}, {}}, 2)).find("names id -7"), std::string::npos);
}

}  // namespace
}  // namespace kith
