#include "search/hits.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "search/top_k.h"
#include "search/within.h"

namespace kith::search {
namespace {

std::vector<uint32_t> RowsOf(std::span<const Candidate> found) {
  std::vector<uint32_t> rows;
  for (const Candidate& c : found) rows.push_back(c.row);
  return rows;
}

TEST(HitsTest, QueriesMayFindDifferentNumbers) {
  HitsBuilder builder(3);
  builder.at(2) = {{1, 7}, {2, 8}};
  builder.at(0) = {{0.5f, 3}};
  const Hits hits = builder.Take();
  EXPECT_EQ(hits.num_queries(), 3u);
  EXPECT_EQ(RowsOf(hits.of(0)), (std::vector<uint32_t>{3}));
  EXPECT_TRUE(hits.of(1).empty());
  EXPECT_EQ(RowsOf(hits.of(2)), (std::vector<uint32_t>{7, 8}));
  EXPECT_EQ(hits.of(2)[1].distance, 2);
}

TEST(HitsTest, OneQueryAndNone) {
  HitsBuilder one(1);
  one.at(0) = {{1, 7}};
  const Hits hits = one.Take();
  EXPECT_EQ(hits.num_queries(), 1u);
  EXPECT_EQ(RowsOf(hits.of(0)), (std::vector<uint32_t>{7}));
  EXPECT_EQ(HitsBuilder(0).Take().num_queries(), 0u);
}

TEST(WithinTest, CollectsEverythingUpToTheRadius) {
  Within within(2);
  EXPECT_EQ(within.threshold(), 2);
  within.Offer(2, 5);
  within.Offer(2.0001f, 6);
  within.Offer(-1, 9);
  within.Offer(2, 4);
  within.Offer(std::numeric_limits<float>::quiet_NaN(), 1);
  Within other(2);
  other.Offer(0, 8);
  within.Merge(other);
  EXPECT_EQ(RowsOf(within.Sorted()), (std::vector<uint32_t>{9, 8, 4, 5}));
}

}  // namespace
}  // namespace kith::search
