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

std::vector<uint64_t> RowsOf(const RowSet& set) {
  std::vector<uint64_t> rows;
  set.Each([&](uint64_t row) { rows.push_back(row); });
  return rows;
}

TEST(RowSetTest, HoldsWhatWasAdded) {
  RowSet set = RowSet::Of(std::vector<uint64_t>{70, 3, 70, 64, 130, 131}, 131);
  EXPECT_EQ(RowsOf(set), (std::vector<uint64_t>{3, 64, 70, 130}));  // 131 is no row
  EXPECT_EQ(set.count(), 4u);
  EXPECT_EQ(set.NumExcluded(9), 127u);
  EXPECT_FALSE(set.passes_all());
  EXPECT_TRUE(set.Passes(9, 130));
  EXPECT_FALSE(set.Passes(9, 131));
  EXPECT_EQ(set.within(9), &set);
  set.Remove(64);
  set.Remove(64);
  EXPECT_EQ(RowsOf(set), (std::vector<uint64_t>{3, 70, 130}));
  EXPECT_EQ(set.count(), 3u);
}

TEST(RowSetTest, SetsAreCombined) {
  for (const uint64_t n : {0, 1, 63, 64, 65, 200}) {
    const auto even = [](uint64_t row) { return row % 2 == 0; };
    const RowSet evens = RowSet::Where(n, even);
    const RowSet some = RowSet::Range(10, 70, n);
    RowSet both = evens;
    both &= some;
    EXPECT_EQ(
        RowsOf(both),
        RowsOf(RowSet::Where(n, [&](uint64_t row) { return even(row) && row >= 10 && row < 70; })));
    RowSet either = evens;
    either |= some;
    EXPECT_EQ(RowsOf(either), RowsOf(RowSet::Where(n, [&](uint64_t row) {
                return even(row) || (row >= 10 && row < 70);
              })));
    RowSet odd = evens;
    odd.Invert();
    EXPECT_EQ(RowsOf(odd), RowsOf(RowSet::Where(n, [&](uint64_t row) { return !even(row); })));
    EXPECT_EQ(odd.count() + evens.count(), n);
    EXPECT_EQ(RowSet(n, true).count(), n);
    EXPECT_TRUE(RowSet(n, true).passes_all());
    odd |= evens;
    EXPECT_TRUE(odd.passes_all());
  }
}

TEST(RowSetTest, WordsMayBeTooManyOrTooFew) {
  EXPECT_EQ(RowSet::FromWords({~uint64_t{0}, ~uint64_t{0}}, 5).count(), 5u);
  EXPECT_EQ(RowSet::FromWords({2}, 500).count(), 1u);
  EXPECT_TRUE(RowSet::FromWords({2}, 500).Contains(1));
  EXPECT_EQ(RowSet::FromWords({}, 0).count(), 0u);
}

TEST(RowSetTest, EachQueryMayHaveItsOwn) {
  std::vector<RowSet> sets{RowSet::Range(0, 5, 10), RowSet(10, true)};
  const RowSets filter(std::move(sets), 10);
  EXPECT_TRUE(filter.Passes(0, 4));
  EXPECT_FALSE(filter.Passes(0, 5));
  EXPECT_TRUE(filter.Passes(1, 5));
  EXPECT_FALSE(filter.Passes(2, 5));  // a query that it knows nothing of
  EXPECT_EQ(filter.NumExcluded(2), 10u);
  EXPECT_EQ(filter.within(1)->count(), 10u);
  const QueriesFrom later(filter, 1);
  EXPECT_EQ(later.within(0)->count(), 10u);
}

TEST(RowSetTest, BothHaveToPass) {
  const RowSet few = RowSet::Range(3, 6, 10);
  ExcludedRows seen;
  seen.Add(std::vector<uint64_t>{4, 9});
  const BothPass filter(few, seen);
  EXPECT_TRUE(filter.Passes(0, 3));
  EXPECT_FALSE(filter.Passes(0, 4));
  EXPECT_FALSE(filter.Passes(0, 8));
  EXPECT_EQ(filter.NumExcluded(0), 9u);
  EXPECT_EQ(filter.within(0), &few);
  EXPECT_EQ(AllRows().within(0), nullptr);
}

}  // namespace
}  // namespace kith
