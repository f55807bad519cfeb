#include "kith/filter.h"

#include <gtest/gtest.h>

#include <vector>

namespace kith {
namespace {

TEST(FilterTest, AllRowsPass) {
  EXPECT_TRUE(AllRows().passes_all());
  EXPECT_TRUE(AllRows().Passes(7, 123456));
  EXPECT_EQ(AllRows().NumExcluded(7), 0u);
  EXPECT_FALSE(AllRows().absent());
}

TEST(FilterTest, ExcludedRowsAreThoseOfTheQuery) {
  ExcludedRows filter;
  EXPECT_TRUE(filter.passes_all());
  filter.Add(std::vector<uint64_t>{9, 3, 9});
  filter.Add({});
  filter.Add(std::vector<uint64_t>{0});
  EXPECT_FALSE(filter.passes_all());
  EXPECT_EQ(filter.num_queries(), 3u);
  EXPECT_EQ(filter.NumExcluded(0), 2u);
  EXPECT_EQ(filter.NumExcluded(1), 0u);
  EXPECT_EQ(filter.NumExcluded(2), 1u);
  EXPECT_FALSE(filter.Passes(0, 3));
  EXPECT_FALSE(filter.Passes(0, 9));
  EXPECT_TRUE(filter.Passes(0, 0));
  EXPECT_TRUE(filter.Passes(1, 3));
  EXPECT_FALSE(filter.Passes(2, 0));
  // Of queries that it knows nothing of, every row passes.
  EXPECT_TRUE(filter.Passes(3, 0));
  EXPECT_EQ(filter.NumExcluded(3), 0u);
}

TEST(FilterTest, HiddenRowsAreHiddenFromAll) {
  const HiddenRows filter(std::vector<uint32_t>{64, 0, 64, 200}, 130, true);
  EXPECT_EQ(filter.NumExcluded(5), 2u);  // 200 is no row
  EXPECT_TRUE(filter.absent());
  for (const size_t query : {0, 1, 99}) {
    EXPECT_FALSE(filter.Passes(query, 0));
    EXPECT_FALSE(filter.Passes(query, 64));
    EXPECT_TRUE(filter.Passes(query, 63));
    EXPECT_TRUE(filter.Passes(query, 129));
  }
  EXPECT_TRUE(HiddenRows({}, 10, false).passes_all());
}

TEST(FilterTest, QueriesFromNumbersThemAnew) {
  ExcludedRows filter;
  filter.Add(std::vector<uint64_t>{1});
  filter.Add(std::vector<uint64_t>{2, 3});
  const QueriesFrom later(filter, 1);
  EXPECT_EQ(later.NumExcluded(0), 2u);
  EXPECT_TRUE(later.Passes(0, 1));
  EXPECT_FALSE(later.Passes(0, 2));
  EXPECT_EQ(later.absent(), filter.absent());
}

}  // namespace
}  // namespace kith
