// Rows that are left out of answers, by every way in: one mechanism, whoever leaves them out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/filter.h"
#include "kith/index.h"
#include "matrix.h"
#include "sanitized.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::ExpectSameAnswers;
using testing::Matrix;
using testing::Part;
using testing::SearchOrFail;
using testing::TempDir;

constexpr size_t kQueries = 40;
constexpr size_t kK = 10;

size_t NumRows() { return testing::kSanitized ? 900 : 3000; }

struct Way {
  std::string name;
  PathSpec spec;
  int64_t most;  // an effort that finds nearly everything
};

std::vector<Way> Ways() {
  return {{"exact", ExactOptions{false}, -1},
          {"codes", ExactOptions{true}, -1},
          {"forest", ForestOptions{.num_trees = 10}, int64_t{1} << 40},
          {"packed", GraphOptions{.layout = GraphLayout::kPacked}, 400},
          {"compact", GraphOptions{.layout = GraphLayout::kCompact}, 400}};
}

class ExclusionTest : public ::testing::TestWithParam<Way> {
 protected:
  static const Matrix& All() {
    static const Matrix all = testing::Mixture(NumRows() + kQueries, 24, 12, 8, 5);
    return all;
  }
  static Matrix Rows() { return Part(All(), 0, NumRows()); }
  static Matrix Queries() { return Part(All(), NumRows(), kQueries); }

  IndexKind kind() const { return KindOf(GetParam().spec); }
  bool is_exact() const { return kind() == IndexKind::kExact; }

  // The rows given, with ids that tell which they are.
  std::unique_ptr<Index> Build(const Matrix& rows, const std::vector<int64_t>& ids) {
    BuildOptions options;
    options.metric = Metric::kEuclidean;
    options.dtype = DataType::kF32;
    options.paths = {GetParam().spec};
    options.ids = &ids;
    options.threads = 2;
    return BuildAndOpen(dir_.File(std::to_string(++num_files_) + ".kith"), rows, options);
  }
  std::unique_ptr<Index> Build(const Matrix& rows) {
    std::vector<int64_t> ids(rows.rows());
    std::iota(ids.begin(), ids.end(), 0);
    return Build(rows, ids);
  }
  SearchParams Params(const RowFilter& filter, size_t k = kK) const {
    return {.k = k, .index = kind(), .effort = GetParam().most, .threads = 2, .filter = &filter};
  }
  SearchResult Search(const Index& index, const Matrix& queries, const RowFilter& filter,
                      size_t k = kK) const {
    return SearchOrFail(index, queries.view(), Params(filter, k));
  }
  // Exact search's answer to the same.
  SearchResult Truth(const Index& index, const Matrix& queries, const RowFilter& filter,
                     size_t k = kK) const {
    SearchParams params = Params(filter, k);
    params.index = IndexKind::kExact;
    params.effort = -1;
    return SearchOrFail(index, queries.view(), params);
  }
  // That no excluded row is an answer, and that all others are found as far as they can be.
  void Check(const SearchResult& found, const SearchResult& truth, const RowFilter& filter) const {
    for (size_t q = 0; q < found.num_queries; ++q) {
      std::set<int64_t> seen;
      for (size_t i = q * found.k; i < (q + 1) * found.k; ++i) {
        ASSERT_EQ(found.ids[i] == kNoId, truth.ids[i] == kNoId) << "place " << i;
        if (found.ids[i] == kNoId) {
          ASSERT_EQ(found.distances[i], std::numeric_limits<float>::infinity());
          continue;
        }
        ASSERT_TRUE(filter.Passes(q, static_cast<uint64_t>(found.ids[i]))) << found.ids[i];
        ASSERT_TRUE(seen.insert(found.ids[i]).second) << "twice";
        if (i > q * found.k) {
          ASSERT_LE(found.distances[i - 1], found.distances[i]);
        }
      }
    }
    EXPECT_GE(testing::Recall(truth, found), 0.99);
    if (is_exact()) ExpectSameAnswers(truth, found);
  }

  TempDir dir_;
  int num_files_ = 0;
};

// What is excluded is what would have been found: every other of the nearest, and some others.
std::vector<uint64_t> SomeOf(const SearchResult& nearest, size_t query, size_t count) {
  std::vector<uint64_t> rows;
  for (size_t i = 0; i < count; ++i) {
    rows.push_back(static_cast<uint64_t>(nearest.ids[query * nearest.k + 2 * i % nearest.k]));
    rows.push_back((query * 131 + i * 17) % NumRows());
  }
  return rows;
}

TEST_P(ExclusionTest, IsAsIfTheRowsWereNotThere) {
  const Matrix rows = Rows();
  const Matrix queries = Queries();
  const auto index = Build(rows);
  ASSERT_NE(index, nullptr);
  const SearchResult nearest = Truth(*index, queries, AllRows(), 2 * kK);
  for (const size_t query : {size_t{0}, size_t{7}}) {
    const std::vector<uint64_t> excluded = SomeOf(nearest, query, 2 * kK);
    ExcludedRows filter;
    for (size_t q = 0; q < kQueries; ++q) filter.Add(excluded);
    std::vector<size_t> left;
    std::vector<int64_t> ids;
    for (size_t r = 0; r < rows.rows(); ++r) {
      if (!filter.Passes(0, r)) continue;
      left.push_back(r);
      ids.push_back(static_cast<int64_t>(r));
    }
    const auto without = Build(rows.Permuted(left), ids);
    ASSERT_NE(without, nullptr);
    const SearchResult truth = Truth(*without, queries, AllRows());
    ExpectSameAnswers(Truth(*index, queries, filter), truth);
    Check(Search(*index, queries, filter), truth, filter);

    const std::vector<uint32_t> hidden(excluded.begin(), excluded.end());
    for (const bool absent : {false, true}) {
      const HiddenRows same(hidden, rows.rows(), absent);
      Check(Search(*index, queries, same), truth, same);
    }
  }
}

TEST_P(ExclusionTest, EachQueryHasItsOwn) {
  const auto index = Build(Rows());
  ASSERT_NE(index, nullptr);
  const Matrix queries = Queries();
  const SearchResult nearest = Truth(*index, queries, AllRows(), 2 * kK);
  ExcludedRows filter;
  for (size_t q = 0; q < kQueries; ++q) {
    // Some leave out nothing, the last are not even mentioned.
    if (q < kQueries - 2) filter.Add(q % 3 == 0 ? std::vector<uint64_t>() : SomeOf(nearest, q, q));
  }
  const SearchResult found = Search(*index, queries, filter);
  Check(found, Truth(*index, queries, filter), filter);
  for (size_t q = 0; q < kQueries; ++q) {
    SCOPED_TRACE(q);
    const QueriesFrom own(filter, q);
    const SearchResult alone = SearchOrFail(*index, queries.Row(q), Params(own));
    for (size_t i = 0; i < kK; ++i) {
      EXPECT_EQ(alone.ids[i], found.ids[q * kK + i]);
      EXPECT_EQ(alone.distances[i], found.distances[q * kK + i]);
    }
  }
}

// With the effort that k neighbours take, too, none is missing: so many more are looked for.
TEST_P(ExclusionTest, GivesAsManyWithTheUsualEffort) {
  const auto index = Build(Rows());
  ASSERT_NE(index, nullptr);
  const Matrix queries = Queries();
  const SearchResult nearest = Truth(*index, queries, AllRows(), 60);
  ExcludedRows filter;
  for (size_t q = 0; q < kQueries; ++q) {
    std::vector<uint64_t> excluded;
    for (size_t i = 0; i < 60; ++i) {
      excluded.push_back(static_cast<uint64_t>(nearest.ids[q * 60 + i]));
    }
    filter.Add(excluded);
  }
  SearchParams params = Params(filter);
  params.effort = -1;
  const SearchResult found = SearchOrFail(*index, queries.view(), params);
  EXPECT_EQ(std::count(found.ids.begin(), found.ids.end(), kNoId), 0);
  for (size_t i = 0; i < found.ids.size(); ++i) {
    EXPECT_TRUE(filter.Passes(i / kK, static_cast<uint64_t>(found.ids[i])));
  }
  EXPECT_GE(testing::Recall(Truth(*index, queries, filter), found), 0.8);
}

TEST_P(ExclusionTest, ARecallIsThatOfWhatIsLeft) {
  const auto index = Build(Rows());
  ASSERT_NE(index, nullptr);
  const Matrix queries = Queries();
  ExcludedRows filter;
  const SearchResult nearest = Truth(*index, queries, AllRows(), 2 * kK);
  for (size_t q = 0; q < kQueries; ++q) filter.Add(SomeOf(nearest, q, q % 4));
  SearchParams params = Params(filter);
  params.effort = -1;
  params.recall = 0.9;
  const SearchResult found = SearchOrFail(*index, queries.view(), params);
  EXPECT_GE(testing::Recall(Truth(*index, queries, filter), found), 0.8);
  for (size_t q = 0; q < kQueries; ++q) {
    const SearchPlan& plan = found.plan_of(q);
    EXPECT_EQ(plan.index, kind());
    EXPECT_GE(plan.recall, 0.9) << "as asked for, not as searched for";
    if (is_exact()) EXPECT_EQ(plan.recall, 1);
  }
  EXPECT_EQ(found.plan.recall, found.plan_of(0).recall);
}

TEST_P(ExclusionTest, CopiesOfARowStay) {
  Matrix rows = Rows();
  const std::vector<size_t> copies{5, 400, 401, 800};
  for (const size_t r : copies) rows.CopyRow(rows, 5, r);
  const auto index = Build(rows);
  ASSERT_NE(index, nullptr);
  Matrix queries(DataType::kF32, copies.size(), rows.dim());
  ExcludedRows filter;
  for (size_t q = 0; q < copies.size(); ++q) {
    queries.CopyRow(rows, 5, q);
    filter.Add(std::vector<uint64_t>{copies[q]});
  }
  const SearchResult found = Search(*index, queries, filter);
  Check(found, Truth(*index, queries, filter), filter);
  for (size_t q = 0; q < copies.size(); ++q) {
    std::vector<int64_t> others;
    for (const size_t r : copies) {
      if (r != copies[q]) others.push_back(static_cast<int64_t>(r));
    }
    for (size_t i = 0; i < others.size(); ++i) {
      EXPECT_EQ(found.ids[q * kK + i], others[i]);
      EXPECT_EQ(found.distances[q * kK + i], 0);
    }
    EXPECT_GT(found.distances[q * kK + others.size()], 0);
  }
}

TEST_P(ExclusionTest, MoreThanThereIs) {
  const Matrix rows = Part(All(), 0, 200);
  const Matrix queries = Queries();
  const auto index = Build(rows);
  ASSERT_NE(index, nullptr);
  // So many that k of the others are not there; all but one; all, some of them twice; rows that no
  // file has.
  std::vector<uint64_t> all(rows.rows());
  std::iota(all.begin(), all.end(), 0);
  std::vector<uint64_t> twice = all;
  twice.insert(twice.end(), all.begin(), all.end());
  twice.push_back(rows.rows() + 7);
  const std::vector<std::vector<uint64_t>> cases{
      {all.begin(), all.begin() + 195}, {all.begin() + 1, all.end()}, twice, {all[3], all[9]}};
  ExcludedRows filter;
  for (size_t q = 0; q < kQueries; ++q) filter.Add(cases[q % cases.size()]);
  for (const size_t k : {kK, rows.rows(), rows.rows() + 5}) {
    SCOPED_TRACE(k);
    const SearchResult found = Search(*index, queries, filter, k);
    for (size_t q = 0; q < kQueries; ++q) {
      const size_t left = std::vector<size_t>{5, 1, 0, 198}[q % cases.size()];
      const size_t places = found.k;  // all rows at most
      const auto begin = found.ids.begin() + static_cast<ptrdiff_t>(q * places);
      EXPECT_EQ(
          static_cast<size_t>(std::count(begin, begin + static_cast<ptrdiff_t>(places), kNoId)),
          places - std::min(places, left))
          << "query " << q;
    }
    Check(found, Truth(*index, queries, filter, k), filter);
  }
  const std::vector<uint32_t> hidden(all.begin(), all.end());
  for (const bool absent : {false, true}) {
    const SearchResult none = Search(*index, queries, HiddenRows(hidden, rows.rows(), absent));
    EXPECT_EQ(static_cast<size_t>(std::count(none.ids.begin(), none.ids.end(), kNoId)),
              none.ids.size());
  }
}

INSTANTIATE_TEST_SUITE_P(All, ExclusionTest, ::testing::ValuesIn(Ways()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace kith
