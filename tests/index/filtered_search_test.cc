// Searches of sets of rows, by every way in, beside exact search of the same rows by themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/filter.h"
#include "kith/index.h"
#include "kith/query.h"
#include "matrix.h"
#include "sanitized.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::Matrix;
using testing::Part;
using testing::SearchOrFail;
using testing::TempDir;

constexpr size_t kQueries = 60;
constexpr size_t kK = 10;

size_t NumRows() { return testing::kSanitized ? 1200 : 6000; }

struct Way {
  std::string name;
  PathSpec spec;
};

std::vector<Way> Ways() {
  return {{"exact", ExactOptions{false}},
          {"codes", ExactOptions{true}},
          {"forest", ForestOptions{.num_trees = 10}},
          {"packed", GraphOptions{.layout = GraphLayout::kPacked}},
          {"compact", GraphOptions{.layout = GraphLayout::kCompact}}};
}

// Filters from none to all, some of which have to do with the query.
struct Named {
  std::string name;
  std::unique_ptr<RowFilter> filter;
};

class FilteredSearchTest : public ::testing::TestWithParam<Way> {
 protected:
  static const Matrix& All() {
    static const Matrix all = testing::Mixture(NumRows() + kQueries, 24, 12, 8, 5);
    return all;
  }
  static Matrix Rows() { return Part(All(), 0, NumRows()); }
  static Matrix Queries() { return Part(All(), NumRows(), kQueries); }
  IndexKind kind() const { return KindOf(GetParam().spec); }
  bool is_exact() const { return kind() == IndexKind::kExact; }

  static std::unique_ptr<Index> Build(const TempDir& dir, Metric metric) {
    BuildOptions options;
    options.metric = metric;
    options.dtype = DataType::kF32;
    options.paths = {GetParam().spec};
    options.threads = 2;
    return BuildAndOpen(dir.File("rows.kith"), Rows(), options);
  }
  // Built once for each way in.
  static const Index* Euclidean() {
    static std::map<std::string, std::unique_ptr<Index>> built;
    std::unique_ptr<Index>& index = built[GetParam().name];
    const TempDir dir;
    if (index == nullptr) index = Build(dir, Metric::kEuclidean);
    return index.get();
  }
  SearchParams Params(const RowFilter& filter, double recall, size_t k = kK) const {
    return {.k = k, .index = kind(), .recall = recall, .threads = 2, .filter = &filter};
  }
  // What exact search finds that looks at all rows and asks the filter of each.
  static SearchResult Oracle(const Index& index, const Matrix& queries, const RowFilter& filter,
                             size_t k = kK) {
    class Asked final : public RowFilter {
     public:
      explicit Asked(const RowFilter& of) : of_(of) {}
      bool Passes(size_t query, uint64_t row) const noexcept override {
        return of_.Passes(query, row);
      }
      uint64_t NumExcluded(size_t query) const noexcept override { return of_.NumExcluded(query); }

     private:
      const RowFilter& of_;
    };
    const Asked asked(filter);
    return SearchOrFail(index, queries.view(),
                        {.k = k, .index = IndexKind::kExact, .threads = 2, .filter = &asked});
  }
  // That the answers pass, are of different rows, and are as many as there can be.
  static void Check(const SearchResult& found, const SearchResult& truth, const RowFilter& filter) {
    ASSERT_EQ(found.k, truth.k);
    for (size_t q = 0; q < found.num_queries; ++q) {
      std::set<int64_t> seen;
      for (size_t i = q * found.k; i < (q + 1) * found.k; ++i) {
        ASSERT_EQ(found.ids[i] == kNoId, truth.ids[i] == kNoId) << "query " << q;
        if (found.ids[i] == kNoId) continue;
        ASSERT_TRUE(filter.Passes(q, static_cast<uint64_t>(found.ids[i]))) << found.ids[i];
        ASSERT_TRUE(seen.insert(found.ids[i]).second) << "twice";
      }
    }
  }

  // Sets of many sizes: of rows that have nothing to do with the queries, of the nearest to a
  // query, of the farthest from all of them, one for each query, and with rows left out of it.
  static std::vector<Named> Filters(const Index& index) {
    const uint64_t n = NumRows();
    std::vector<Named> filters;
    const auto add = [&](const std::string& name, auto filter) {
      filters.push_back({name, std::make_unique<decltype(filter)>(std::move(filter))});
    };
    Rng rng(8);
    for (const double share : {0.5, 0.1, 0.01, 0.001}) {
      add("random " + std::to_string(share),
          RowSet::Where(n, [&](uint64_t) { return rng.Uniform() < share; }));
    }
    add("all but one", RowSet::Range(1, n, n));
    add("none", RowSet(n));
    add("one", RowSet::Range(n / 2, n / 2 + 1, n));
    add("as many as wanted", RowSet::Range(100, 100 + kK, n));
    const Matrix queries = Queries();
    SearchParams params{.k = static_cast<size_t>(n), .index = IndexKind::kExact};
    const SearchResult order = SearchOrFail(index, queries.Row(0), params);
    const auto part = [&](size_t begin, size_t end) {
      RowSet set(n);
      for (size_t i = begin; i < end; ++i) set.Add(static_cast<uint64_t>(order.ids[i]));
      return set;
    };
    add("near", part(0, n / 20));
    add("far", part(n - n / 10, n));
    add("the farthest", part(n - n / 100, n));
    std::vector<RowSet> own;
    for (size_t q = 0; q < kQueries; ++q) {
      own.push_back(RowSet::Where(n, [&](uint64_t row) { return row % (q + 1) == q / 2; }));
    }
    add("one for each query", RowSets(std::move(own), n));
    return filters;
  }
};

TEST_P(FilteredSearchTest, FindsWhatPasses) {
  const Matrix queries = Queries();
  const Index* index = Euclidean();
  ASSERT_NE(index, nullptr);
  const double wanted = is_exact() ? 1 : 0.95;
  // What the recall asked for means to these queries, where all rows pass.
  const double without =
      testing::Recall(Oracle(*index, queries, AllRows()),
                      SearchOrFail(*index, queries.view(), Params(AllRows(), wanted)));
  EXPECT_GE(without, is_exact() ? 1 : 0.9);
  ExcludedRows seen;
  for (size_t q = 0; q < kQueries; ++q) seen.Add(std::vector<uint64_t>{q, 3 * q + 1, 100 + q / 2});
  for (const Named& named : Filters(*index)) {
    SCOPED_TRACE(named.name);
    const BothPass unseen(*named.filter, seen);
    for (const RowFilter* filter : {static_cast<const RowFilter*>(named.filter.get()),
                                    static_cast<const RowFilter*>(&unseen)}) {
      const SearchResult truth = Oracle(*index, queries, *filter);
      const SearchResult found = SearchOrFail(*index, queries.view(), Params(*filter, wanted));
      Check(found, truth, *filter);
      EXPECT_GE(testing::Recall(truth, found), is_exact() ? 1 : without - 0.02);
      if (is_exact()) testing::ExpectSameAnswers(truth, found);
      const SearchResult usual = SearchOrFail(
          *index, queries.view(), {.k = kK, .index = kind(), .threads = 1, .filter = filter});
      Check(usual, truth, *filter);
    }
  }
}

TEST_P(FilteredSearchTest, ThreadsChangeNothing) {
  const Matrix queries = Queries();
  const Index* index = Euclidean();
  ASSERT_NE(index, nullptr);
  for (const Named& named : Filters(*index)) {
    SCOPED_TRACE(named.name);
    SearchParams params = Params(*named.filter, 0.9);
    const SearchResult two = SearchOrFail(*index, queries.view(), params);
    params.threads = 1;
    testing::ExpectSameAnswers(two, SearchOrFail(*index, queries.view(), params));
  }
}

TEST_P(FilteredSearchTest, EveryMetricFindsWhatPasses) {
  const Matrix queries = Queries();
  const RowSet set = RowSet::Where(NumRows(), [](uint64_t row) { return row % 7 == 3; });
  for (const Metric metric : {Metric::kAngular, Metric::kDot, Metric::kManhattan}) {
    SCOPED_TRACE(MetricName(metric));
    const bool coded = GetParam().name == "codes" || GetParam().name == "packed";
    if (metric == Metric::kManhattan && coded) continue;  // there are no such codes
    const TempDir dir;
    const auto index = Build(dir, metric);
    ASSERT_NE(index, nullptr);
    const SearchResult truth = Oracle(*index, queries, set);
    const SearchResult found =
        SearchOrFail(*index, queries.view(), Params(set, is_exact() ? 1 : 0.95));
    Check(found, truth, set);
    EXPECT_GE(testing::Recall(truth, found), is_exact() ? 1 : 0.92);
  }
}

// A set that is the query's neighbourhood costs no more than a search without a filter.
class FilteredGraphTest : public FilteredSearchTest {};

TEST_P(FilteredGraphTest, NearSetsCostLittle) {
  const Matrix queries = Queries();
  const Index* index = Euclidean();
  ASSERT_NE(index, nullptr);
  const SearchResult near =
      SearchOrFail(*index, queries.Row(0), {.k = NumRows() / 4, .index = IndexKind::kExact});
  RowSet set(NumRows());
  for (const int64_t id : near.ids) set.Add(static_cast<uint64_t>(id));
  const auto nodes = [&](const RowFilter& filter) {
    return SearchOrFail(*index, queries.Row(0), Params(filter, 0.95)).stats.nodes;
  };
  EXPECT_LE(nodes(set), 1.2 * static_cast<double>(nodes(AllRows())) + 8);
}

TEST_P(FilteredSearchTest, ASetOfOtherRowsIsRefused) {
  const Index* index = Euclidean();
  ASSERT_NE(index, nullptr);
  const RowSet set(NumRows() + 1, true);
  const RowSet smaller = RowSet::Range(0, 5, NumRows() - 1);
  SearchResult result;
  for (const RowSet* other : {&set, &smaller}) {
    const Status status = index->Search(Queries().view(), Params(*other, 0), &result);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find(std::to_string(other->num_rows()) + " rows"), std::string::npos)
        << status.message();
  }
}

// The key of a query is left out beside what the filter leaves out.
TEST_P(FilteredSearchTest, QueriesOfRowsHonourFilters) {
  const Index* index = Euclidean();
  ASSERT_NE(index, nullptr);
  const RowSet set = RowSet::Where(NumRows(), [](uint64_t row) { return row % 5 == 0; });
  QueryBatch batch(*index);
  for (const uint64_t row : {uint64_t{5}, uint64_t{6}, uint64_t{700}}) {
    batch.Add(std::vector<QueryTerm>{{row, 1}});
  }
  SearchResult result;
  const Status status = batch.Search(Params(set, 0), &result);
  ASSERT_TRUE(status.ok()) << status.message();
  for (size_t i = 0; i < result.ids.size(); ++i) {
    ASSERT_NE(result.ids[i], kNoId);
    EXPECT_EQ(result.ids[i] % 5, 0);
    EXPECT_NE(result.ids[i], i < kK ? 5 : i < 2 * kK ? 6 : 700);
  }
}

std::string NameOf(const ::testing::TestParamInfo<Way>& way) { return way.param.name; }

INSTANTIATE_TEST_SUITE_P(Ways, FilteredSearchTest, ::testing::ValuesIn(Ways()), NameOf);
INSTANTIATE_TEST_SUITE_P(Ways, FilteredGraphTest, ::testing::Values(Ways()[3], Ways()[4]), NameOf);

}  // namespace
}  // namespace kith
