// Whether queries are told from others: neither by chance, nor too late.
#include "calibration/drift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "matrix.h"

namespace kith {
namespace {

constexpr size_t kQuantiles = 33;

std::vector<float> Draw(size_t count, uint64_t seed, double shift = 0, double scale = 1) {
  Rng rng(seed, 5);
  std::vector<float> values(count);
  for (float& v : values) v = static_cast<float>(3 + shift + scale * rng.Normal());
  return values;
}

// As a calibration has them.
std::vector<float> QuantilesOf(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  std::vector<float> quantiles(kQuantiles);
  for (size_t i = 0; i < kQuantiles; ++i) {
    quantiles[i] = values[i * (values.size() - 1) / (kQuantiles - 1)];
  }
  return quantiles;
}

void Add(const std::vector<float>& values, const calibration::DriftMeter* meter) {
  for (const float x : values) meter->Add(x);
}

QueryDrift DriftOf(const std::vector<float>& quantiles, const std::vector<float>& values) {
  calibration::DriftMeter meter;
  meter.Init(quantiles, 1000);
  Add(values, &meter);
  return meter.Read();
}

TEST(DriftTest, QueriesOfTheSameKindAreAlike) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const auto quantiles = QuantilesOf(Draw(1000, 2 * seed));
    for (const size_t count : {32, 50, 100, 1000, 5000}) {
      const QueryDrift drift = DriftOf(quantiles, Draw(count, 2 * seed + 1));
      EXPECT_EQ(drift.queries, count);
      EXPECT_FALSE(drift.unlike) << "seed " << seed << ", " << count << " queries, distance "
                                 << drift.distance;
      EXPECT_LT(drift.distance, 3 / std::sqrt(count) + 0.05);
    }
  }
}

TEST(DriftTest, QueriesFartherAwayAreUnlike) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto quantiles = QuantilesOf(Draw(1000, 2 * seed));
    for (const size_t count : {32, 100, 1000}) {
      const QueryDrift drift = DriftOf(quantiles, Draw(count, 2 * seed + 1, 2));
      EXPECT_TRUE(drift.unlike) << "seed " << seed << ", " << count << " queries";
      EXPECT_GT(drift.distance, 0.5);
    }
  }
}

// Of a normal distribution moved by one deviation: the largest difference of the two is
// 2 * Phi(1/2) - 1.
TEST(DriftTest, TheDistanceIsKolmogorovsAndSmirnovs) {
  const QueryDrift drift = DriftOf(QuantilesOf(Draw(100000, 1)), Draw(100000, 2, 1));
  EXPECT_NEAR(drift.distance, std::erf(0.5 / std::sqrt(2.0)), 0.02);
  EXPECT_TRUE(drift.unlike);
}

TEST(DriftTest, SmallDifferencesDoNotCountHoweverManyTheQueries) {
  // A tenth of a deviation: the distance is 0.04, and sure.
  const QueryDrift drift = DriftOf(QuantilesOf(Draw(100000, 1)), Draw(100000, 2, 0.1));
  EXPECT_NEAR(drift.distance, 0.04, 0.02);
  EXPECT_FALSE(drift.unlike);
}

TEST(DriftTest, NearerQueriesAreNoDrift) {
  const QueryDrift drift = DriftOf(QuantilesOf(Draw(1000, 1)), Draw(1000, 2, -2));
  EXPECT_LT(drift.distance, 0.02);
  EXPECT_FALSE(drift.unlike);
  // Those of vectors that are there.
  EXPECT_EQ(DriftOf(QuantilesOf(Draw(1000, 1)), std::vector<float>(500, 0.0f)).distance, 0);
}

TEST(DriftTest, FewQueriesTellNothing) {
  const auto quantiles = QuantilesOf(Draw(1000, 1));
  const QueryDrift few = DriftOf(quantiles, Draw(31, 2, 10));
  EXPECT_EQ(few.queries, 31u);
  EXPECT_EQ(few.distance, 1);
  EXPECT_FALSE(few.unlike);
  EXPECT_TRUE(DriftOf(quantiles, Draw(32, 2, 10)).unlike);
  const QueryDrift none = DriftOf(quantiles, {});
  EXPECT_EQ(none.queries, 0u);
  EXPECT_EQ(none.distance, 0);
  EXPECT_FALSE(none.unlike);
}

// Of sets that hold all their queries: every distance is 0, and any other is farther.
TEST(DriftTest, EqualQuantilesAreNoTrouble) {
  const std::vector<float> zeros(kQuantiles, 0.0f);
  EXPECT_FALSE(DriftOf(zeros, std::vector<float>(100, 0.0f)).unlike);
  EXPECT_TRUE(DriftOf(zeros, std::vector<float>(100, 0.1f)).unlike);
}

TEST(DriftTest, AnythingIsCounted) {
  const float inf = std::numeric_limits<float>::infinity();
  const auto quantiles = QuantilesOf(Draw(1000, 1));
  std::vector<float> odd = {inf, -inf, std::numeric_limits<float>::quiet_NaN(), 3e38f, -3e38f};
  EXPECT_EQ(DriftOf(quantiles, odd).queries, odd.size());
  // The most quantiles a file may hold, with values on all sides of them.
  std::vector<float> most(calibration::DriftMeter::kMostQuantiles);
  for (size_t i = 0; i < most.size(); ++i) most[i] = static_cast<float>(i);
  odd.insert(odd.end(), most.begin(), most.end());
  odd.push_back(1e9f);
  EXPECT_EQ(DriftOf(most, odd).queries, odd.size());
  EXPECT_EQ(DriftOf({1.0f}, odd).queries, odd.size());
}

TEST(DriftTest, ManyThreadsCountTogether) {
  calibration::DriftMeter meter;
  meter.Init(QuantilesOf(Draw(1000, 1)), 1000);
  constexpr size_t kThreads = 8;
  constexpr size_t kCalls = 500;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&meter, t] {
      for (size_t i = 0; i < kCalls; ++i) {
        Add(Draw(7, t * kCalls + i), &meter);
        const QueryDrift now = meter.Read();
        EXPECT_GE(now.distance, 0);
        EXPECT_LE(now.distance, 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  calibration::DriftMeter alone;
  alone.Init(QuantilesOf(Draw(1000, 1)), 1000);
  for (size_t i = 0; i < kThreads * kCalls; ++i) Add(Draw(7, i), &alone);
  EXPECT_EQ(meter.Read().queries, kThreads * kCalls * 7);
  EXPECT_EQ(meter.Read().distance, alone.Read().distance);
  EXPECT_FALSE(meter.Read().unlike);
}

// Adds values a few at a time, as searches do. How often it was noticed that they are unlike.
size_t CountNotices(const std::vector<float>& values, size_t at_once,
                    const calibration::DriftMeter& meter) {
  size_t notices = 0;
  for (size_t begin = 0; begin < values.size(); begin += at_once) {
    const size_t count = std::min(at_once, values.size() - begin);
    for (size_t i = 0; i < count; ++i) meter.Add(values[begin + i]);
    notices += meter.Notices(count) ? 1 : 0;
  }
  return notices;
}

TEST(DriftTest, IsNoticedOnce) {
  const auto quantiles = QuantilesOf(Draw(1000, 1));
  for (const size_t at_once : {1, 7, 32, 5000}) {
    SCOPED_TRACE(at_once);
    calibration::DriftMeter meter;
    meter.Init(quantiles, 1000);
    // Few queries tell nothing.
    EXPECT_EQ(CountNotices(Draw(20, 2, 10), std::min<size_t>(at_once, 20), meter), 0u);
    EXPECT_EQ(CountNotices(Draw(5000, 3, 10), at_once, meter), 1u);
    EXPECT_EQ(CountNotices(Draw(5000, 4, 10), at_once, meter), 0u) << "it was said";
  }
}

TEST(DriftTest, IsNotNoticedWhereThereIsNone) {
  calibration::DriftMeter meter;
  meter.Init(QuantilesOf(Draw(1000, 1)), 1000);
  EXPECT_EQ(CountNotices(Draw(5000, 2), 1, meter), 0u);
  // Should they become others, it is noticed when these are as many.
  EXPECT_EQ(CountNotices(Draw(5000, 3, 10), 1, meter), 1u);
}

// Chance may have it, but seldom, however often it is looked at.
TEST(DriftTest, ChanceIsSeldomNoticed) {
  for (const size_t measured : {250, 1000, 2048}) {
    size_t notices = 0;
    for (uint64_t seed = 0; seed < 1000; ++seed) {
      calibration::DriftMeter meter;
      meter.Init(QuantilesOf(Draw(measured, 2 * seed)), measured);
      notices += CountNotices(Draw(1000, 2 * seed + 1), 1, meter);
    }
    EXPECT_LE(notices, 4u) << measured << " queries measured with";
  }
}

TEST(DriftTest, OneOfManyThreadsNoticesIt) {
  calibration::DriftMeter meter;
  meter.Init(QuantilesOf(Draw(1000, 1)), 1000);
  std::atomic<size_t> notices{0};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] { notices += CountNotices(Draw(500, t, 10), 1, meter); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(notices, 1u);
}

TEST(NearnessTest, IsTheDistanceButOfDotWhichIsByTheQuerysLength) {
  testing::Matrix queries(DataType::kF32, 3, 2);
  queries.Set(0, 0, 3);
  queries.Set(0, 1, 4);
  queries.Set(1, 0, 30);
  queries.Set(1, 1, 40);
  for (const Metric metric :
       {Metric::kEuclidean, Metric::kAngular, Metric::kManhattan, Metric::kHamming}) {
    EXPECT_EQ(calibration::Nearness(metric, queries.view(), 1, 0.75f), 0.75f);
  }
  EXPECT_FLOAT_EQ(calibration::Nearness(Metric::kDot, queries.view(), 0, -10), -2);
  EXPECT_FLOAT_EQ(calibration::Nearness(Metric::kDot, queries.view(), 1, -100), -2);
  EXPECT_EQ(calibration::Nearness(Metric::kDot, queries.view(), 2, 0), 0);
  // By the row asked for, in any type.
  EXPECT_FLOAT_EQ(calibration::Nearness(Metric::kDot, queries.As(DataType::kU8, 3).view(), 1, -100),
                  -2);
}

}  // namespace
}  // namespace kith
