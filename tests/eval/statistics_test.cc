#include "eval/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace kith {
namespace {

// One query for each number of neighbours found, of k.
std::vector<eval::QueryRecall> Found(const std::vector<size_t>& found, size_t k) {
  std::vector<eval::QueryRecall> queries;
  queries.reserve(found.size());
  for (const size_t f : found) queries.push_back({f, k});
  return queries;
}

std::vector<eval::QueryRecall> Repeat(size_t n, eval::QueryRecall query) { return {n, query}; }

TEST(MeanRecall, IsAllFoundOverAllWanted) {
  EXPECT_DOUBLE_EQ(eval::MeanRecall(Found({10, 5, 0}, 10)), 0.5);
  EXPECT_DOUBLE_EQ(eval::MeanRecall({{1, 1}, {0, 3}}), 0.25);
  EXPECT_DOUBLE_EQ(eval::MeanRecall({{1, 2}, {0, 0}}), 0.5);
  EXPECT_DOUBLE_EQ(eval::MeanRecall({}), 1);
}

TEST(RecallInterval, HoldsTheMeanAndNarrowsWithQueries) {
  double last = 1;
  for (const size_t n : {1, 10, 100, 1000, 10000}) {
    std::vector<eval::QueryRecall> queries;
    for (size_t i = 0; i < n; ++i) queries.push_back({6 + i % 4, 10});
    const Interval interval = eval::RecallInterval(queries);
    const double mean = eval::MeanRecall(queries);
    EXPECT_GE(interval.low, 0);
    EXPECT_LT(interval.low, mean);
    EXPECT_GT(interval.high, mean);
    EXPECT_LE(interval.high, 1);
    EXPECT_LT(interval.high - interval.low, last);
    last = interval.high - interval.low;
  }
  // Of many queries, it is the normal one: the standard deviation of 0.6 ... 0.9 is 0.1118.
  EXPECT_NEAR(last, 2 * 1.96 * 0.1118 / 100, 2e-5);
}

TEST(RecallInterval, NoMissIsNoProof) {
  for (const size_t n : {10, 100, 1000, 10000}) {
    const Interval interval = eval::RecallInterval(Repeat(n, {10, 10}));
    EXPECT_EQ(interval.high, 1);
    // About 2.6 / n: less than the 3 / n of queries that are found or lost whole.
    EXPECT_GT(interval.low, 1 - 2.7 / static_cast<double>(n));
    EXPECT_LT(interval.low, 1 - 2.5 / static_cast<double>(n + 3));
  }
  // A first miss does not narrow it.
  std::vector<eval::QueryRecall> one_miss = Repeat(1000, {10, 10});
  one_miss[0].found = 9;
  EXPECT_LE(eval::RecallInterval(one_miss).low,
            eval::RecallInterval(Repeat(1000, {10, 10})).low + 2e-4);
  EXPECT_GT(eval::RecallInterval(one_miss).high, eval::MeanRecall(one_miss));
  EXPECT_LT(eval::RecallInterval(one_miss).high, 1);
}

TEST(RecallInterval, IsTheSameFromBothEnds) {
  const Interval high = eval::RecallInterval(Found({10, 10, 9, 10, 7, 10, 10, 10}, 10));
  const Interval low = eval::RecallInterval(Found({0, 0, 1, 0, 3, 0, 0, 0}, 10));
  EXPECT_NEAR(high.low, 1 - low.high, 1e-12);
  EXPECT_NEAR(high.high, 1 - low.low, 1e-12);
}

TEST(RecallInterval, QueriesLostWholeSayLessThanScatteredMisses) {
  std::vector<eval::QueryRecall> whole = Repeat(1000, {10, 10});
  std::vector<eval::QueryRecall> scattered = whole;
  for (size_t i = 0; i < 10; ++i) whole[i].found = 0;
  for (size_t i = 0; i < 100; ++i) scattered[i].found = 9;
  const Interval a = eval::RecallInterval(whole);
  const Interval b = eval::RecallInterval(scattered);
  EXPECT_DOUBLE_EQ(eval::MeanRecall(whole), eval::MeanRecall(scattered));
  EXPECT_GT(a.high - a.low, 2 * (b.high - b.low));
}

TEST(RecallInterval, OfNothingIsEverything) {
  for (const auto& queries : {std::vector<eval::QueryRecall>{}, Repeat(3, {0, 0})}) {
    const Interval interval = eval::RecallInterval(queries);
    EXPECT_EQ(interval.low, 0);
    EXPECT_EQ(interval.high, 1);
  }
  // Queries without neighbours change nothing.
  std::vector<eval::QueryRecall> queries = Found({3, 2, 3, 3}, 3);
  const Interval without = eval::RecallInterval(queries);
  queries.push_back({0, 0});
  EXPECT_DOUBLE_EQ(eval::RecallInterval(queries).low, without.low);
  EXPECT_DOUBLE_EQ(eval::RecallInterval(queries).high, without.high);
}

// How often the interval holds the true recall of queries drawn by `draw`, in `trials` samples.
double Coverage(size_t n, double truth, int trials,
                const std::function<eval::QueryRecall(Rng&)>& draw) {
  int covered = 0;
  for (int trial = 0; trial < trials; ++trial) {
    Rng rng(7, static_cast<uint64_t>(trial));
    std::vector<eval::QueryRecall> queries(n);
    for (eval::QueryRecall& query : queries) query = draw(rng);
    const Interval interval = eval::RecallInterval(queries);
    covered += interval.low <= truth && truth <= interval.high ? 1 : 0;
  }
  return covered / static_cast<double>(trials);
}

TEST(RecallInterval, CoversTheTruthAsOftenAsItSays) {
  constexpr size_t kNeighbours = 10;
  constexpr int kTrials = 1000;
  constexpr double kLeast = 0.93;  // of 0.95, by 1000 samples
  // A share of the queries is hard, the others lose next to nothing; neighbours go one by one.
  const auto mixture = [](double hard, double hard_loss, double easy_loss) {
    return [=](Rng& rng) {
      const double loss = rng.Below(1000000) < hard * 1e6 ? hard_loss : easy_loss;
      size_t found = 0;
      for (size_t j = 0; j < kNeighbours; ++j) found += rng.Below(1000000) >= loss * 1e6 ? 1 : 0;
      return eval::QueryRecall{found, kNeighbours};
    };
  };
  struct Case {
    double hard = 0;
    double hard_loss = 0;
    double easy_loss = 0;
    double least = kLeast;
  };
  for (const Case& c :
       {Case{0, 0, 0.3}, Case{0, 0, 0.05}, Case{0.2, 0.5, 0.02}, Case{0.1, 0.3, 0.002},
        Case{0.02, 0.4, 0.0005}, Case{0, 0, 0.001}, Case{0, 0, 0.0001},
        // The worst there is: few queries of which everything is lost.
        Case{0.005, 1, 0.0005, 0.88}}) {
    const double truth = 1 - (c.hard * c.hard_loss + (1 - c.hard) * c.easy_loss);
    for (const size_t n : {100, 1000}) {
      EXPECT_GE(Coverage(n, truth, kTrials, mixture(c.hard, c.hard_loss, c.easy_loss)), c.least)
          << n << " queries, recall " << truth << ", hard " << c.hard;
    }
  }
  // Not by being all of [0, 1].
  EXPECT_LT(Coverage(1000, 0.70 + 0.02, kTrials, mixture(0, 0, 0.3)), 0.1);
}

TEST(RecallP5, IsReachedBy95PercentOfTheQueries) {
  std::vector<size_t> found(100, 10);
  EXPECT_DOUBLE_EQ(eval::RecallP5(Found(found, 10)), 1);
  for (size_t i = 0; i < 5; ++i) found[20 * i] = i;
  EXPECT_DOUBLE_EQ(eval::RecallP5(Found(found, 10)), 1) << "95 have all";
  found[7] = 6;
  EXPECT_DOUBLE_EQ(eval::RecallP5(Found(found, 10)), 0.6);
  EXPECT_DOUBLE_EQ(eval::RecallP5(Found({10, 3, 10}, 10)), 0.3);
  EXPECT_DOUBLE_EQ(eval::RecallP5({{0, 0}, {2, 4}}), 0.5)
      << "a query without neighbours does not count";
  EXPECT_DOUBLE_EQ(eval::RecallP5({{0, 0}}), 1);
}

TEST(WorstDecileRecall, IsTheMeanOfTheLowestTenth) {
  std::vector<size_t> found(30, 10);
  found[3] = 1;
  found[17] = 4;
  EXPECT_DOUBLE_EQ(eval::WorstDecileRecall(Found(found, 10)), 0.5);
  EXPECT_DOUBLE_EQ(eval::WorstDecileRecall(Found({8, 9}, 10)), 0.8);
  EXPECT_DOUBLE_EQ(eval::WorstDecileRecall(Found(std::vector<size_t>(11, 5), 10)), 0.5);
  EXPECT_DOUBLE_EQ(eval::WorstDecileRecall({}), 1);
}

TEST(Percentile, IsTheSmallestThatEnoughDoNotExceed) {
  const std::vector<double> values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_EQ(eval::Percentile(values, 0), 1);
  EXPECT_EQ(eval::Percentile(values, 0.5), 5);
  EXPECT_EQ(eval::Percentile(values, 0.51), 6);
  EXPECT_EQ(eval::Percentile(values, 1), 10);
}

TEST(Median, IsTheMiddle) {
  EXPECT_EQ(eval::Median({3}), 3);
  EXPECT_EQ(eval::Median({5, 1, 3}), 3);
  EXPECT_EQ(eval::Median({4, 1, 3, 2}), 2.5);
}

TEST(MedianInterval, FollowsTheBinomialTable) {
  const auto bounds = [](size_t n) {
    std::vector<double> values;  // 1 ... n out of order
    for (size_t i = n; i > 0; --i) values.push_back(static_cast<double>(i));
    std::swap(values[1], values[n - 1]);
    return eval::MedianInterval(values);
  };
  // n and the rank of the lower bound: tables of order statistics for the median at 95 %.
  const size_t table[][2] = {{6, 1}, {8, 1}, {9, 2}, {11, 2}, {12, 3}, {15, 4}, {25, 8}, {50, 18}};
  for (const auto& [n, rank] : table) {
    const Interval interval = bounds(n);
    EXPECT_EQ(interval.low, rank) << n;
    EXPECT_EQ(interval.high, n + 1 - rank) << n;
  }
}

TEST(MedianInterval, FewValuesCannotTell) {
  for (const auto& values : {std::vector<double>{}, {1.0}, {1, 2, 3, 4, 5}}) {
    const Interval interval = eval::MedianInterval(values);
    EXPECT_EQ(interval.low, 0);
    EXPECT_EQ(interval.high, std::numeric_limits<double>::infinity());
  }
}

}  // namespace
}  // namespace kith
