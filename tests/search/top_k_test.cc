#include "search/top_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "search/nearest_buffer.h"

namespace kith {
namespace {

bool Same(const std::vector<search::Candidate>& a, const std::vector<search::Candidate>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.distance == y.distance && x.row == y.row;
  });
}

// Few distances, so that most are ties.
std::vector<search::Candidate> RandomCandidates(size_t n, Rng* rng) {
  std::vector<search::Candidate> all(n);
  for (uint32_t i = 0; i < n; ++i) all[i] = {static_cast<float>(rng->Below(20)) - 10, i};
  rng->Shuffle(&all);
  return all;
}

TEST(TopKTest, EqualsSorting) {
  Rng rng(1);
  for (const size_t n : {0, 1, 2, 10, 300}) {
    for (const size_t k : {0, 1, 2, 9, 10, 11, 299, 1000}) {
      std::vector<search::Candidate> all = RandomCandidates(n, &rng);
      search::TopK top(k);
      for (const search::Candidate& c : all) top.Offer(c.distance, c.row);
      std::sort(all.begin(), all.end());
      all.resize(std::min(n, k));
      EXPECT_TRUE(Same(top.Sorted(), all)) << "n " << n << ", k " << k;
    }
  }
}

TEST(TopKTest, TiesGoToTheSmallerRow) {
  search::TopK top(2);
  for (const uint32_t row : {9, 3, 7, 1, 8}) top.Offer(1.5f, row);
  EXPECT_TRUE(Same(top.Sorted(), {{1.5f, 1}, {1.5f, 3}}));
}

TEST(TopKTest, NanIsNeverTaken) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  search::TopK top(3);
  top.Offer(nan, 0);
  top.Offer(infinity, 1);
  top.Offer(nan, 2);
  top.Offer(-infinity, 3);
  EXPECT_TRUE(Same(top.Sorted(), {{-infinity, 3}, {infinity, 1}}));
  top.Reset(1);
  top.Offer(2, 4);
  top.Offer(nan, 5);
  EXPECT_TRUE(Same(top.Sorted(), {{2, 4}}));
}

// Callers skip what is above the threshold; that must lose nothing.
TEST(TopKTest, TheThresholdLosesNothing) {
  Rng rng(2);
  for (const size_t k : {1, 5, 50}) {
    const std::vector<search::Candidate> all = RandomCandidates(400, &rng);
    search::TopK offered(k);
    search::TopK skipped(k);
    for (const search::Candidate& c : all) {
      offered.Offer(c.distance, c.row);
      if (c.distance <= skipped.threshold()) skipped.Offer(c.distance, c.row);
    }
    EXPECT_TRUE(Same(offered.Sorted(), skipped.Sorted())) << "k " << k;
  }
  EXPECT_EQ(search::TopK(3).threshold(), std::numeric_limits<float>::infinity());
}

TEST(TopKTest, MergedPartsEqualTheWhole) {
  Rng rng(3);
  for (const size_t k : {0, 1, 7, 100, 500}) {
    const std::vector<search::Candidate> all = RandomCandidates(300, &rng);
    search::TopK whole(k);
    search::TopK parts[3] = {search::TopK(k), search::TopK(k), search::TopK(k)};
    for (size_t i = 0; i < all.size(); ++i) {
      whole.Offer(all[i].distance, all[i].row);
      parts[i * i % 3].Offer(all[i].distance, all[i].row);
    }
    parts[2].Merge(parts[0]);
    parts[2].Merge(parts[1]);
    EXPECT_TRUE(Same(parts[2].Sorted(), whole.Sorted())) << "k " << k;
  }
}

// Cut now and then, or only in the end, or begun with a threshold.
TEST(NearestBufferTest, HoldsWhatTopKHolds) {
  Rng rng(4);
  for (const size_t k : {1, 2, 10, 100, 500}) {
    for (const size_t together : {1, 7, 1000}) {
      std::vector<search::Candidate> all = RandomCandidates(300, &rng);
      for (search::Candidate& c : all) c.distance = std::abs(c.distance);
      all[7].distance = -0.0f;
      search::TopK top(k);
      for (const search::Candidate& c : all) top.Offer(c.distance, c.row);
      search::NearestBuffer some(k);
      search::NearestBuffer bounded(k, k < 300 ? top.threshold() : 9);
      for (size_t i = 0; i < all.size(); ++i) {
        some.Offer(all[i].distance, all[i].row);
        bounded.Offer(all[i].distance, all[i].row);
        if (i % together == 0) some.Cut();
      }
      some.Offer(std::numeric_limits<float>::quiet_NaN(), 301);
      const auto expected = top.Sorted();
      EXPECT_TRUE(Same(some.Sorted(), expected)) << "k " << k;
      if (k < 300) {
        EXPECT_TRUE(Same(bounded.Sorted(), expected)) << "k " << k;
      }
    }
  }
}

TEST(TopKTest, ResetForgets) {
  search::TopK top(2);
  top.Offer(1, 1);
  top.Offer(2, 2);
  top.Reset(1);
  EXPECT_TRUE(top.Sorted().empty());
  top.Offer(5, 5);
  top.Offer(4, 4);
  EXPECT_TRUE(Same(top.Sorted(), {{4, 4}}));
}

}  // namespace
}  // namespace kith
