// Queries made of stored vectors: what they mean, by the table that shell and Python are tested
// with too.
#include "kith/query.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "query_meanings.h"
#include "storage/container_image.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::Matrix;
using testing::QueryMeanings;
using testing::TempDir;

class QueryTest : public ::testing::TestWithParam<Metric> {
 protected:
  QueryTest() : meanings_(testing::ReadQueryMeanings()) {
    Matrix rows(DataType::kF32, meanings_.rows.size(), meanings_.dim());
    StringList keys;
    for (size_t r = 0; r < meanings_.rows.size(); ++r) {
      keys.Add(meanings_.keys[r]);
      ids_.push_back(static_cast<int64_t>(100 + 3 * r));
      for (size_t c = 0; c < meanings_.dim(); ++c) rows.Set(r, c, meanings_.rows[r][c]);
    }
    BuildOptions options;
    options.metric = GetParam();
    options.keys = &keys;
    options.ids = &ids_;
    index_ = BuildAndOpen(dir_.File("x.kith"), rows, options);
  }
  void SetUp() override { ASSERT_NE(index_, nullptr); }

  std::vector<float> Meant(const QueryMeanings::Query& query) const {
    return GetParam() == Metric::kAngular ? query.angular : query.vector;
  }
  QueryBatch Batch(const std::string& text) const {
    const auto terms = ParseQuery(*index_, text);
    EXPECT_TRUE(terms.ok()) << terms.status().message();
    QueryBatch batch(*index_);
    if (terms.ok()) batch.Add(*terms);
    return batch;
  }
  // The keys of the answers, in order.
  std::vector<std::string> Keys(const SearchResult& result, size_t query = 0) const {
    std::vector<std::string> keys;
    for (size_t i = 0; i < result.k; ++i) {
      const int64_t id = result.ids[query * result.k + i];
      if (id != kNoId) keys.emplace_back(index_->Key(*index_->FindId(id)));
    }
    return keys;
  }

  const QueryMeanings meanings_;
  std::vector<int64_t> ids_;
  TempDir dir_;
  std::unique_ptr<Index> index_;
};

TEST_P(QueryTest, MeansWhatTheTableSays) {
  for (const QueryMeanings::Query& query : meanings_.queries) {
    SCOPED_TRACE(query.text);
    const QueryBatch batch = Batch(query.text);
    ASSERT_EQ(batch.size(), 1u);
    std::vector<float> vector(meanings_.dim());
    std::memcpy(vector.data(), batch.vectors().data, vector.size() * sizeof(float));
    std::vector<float> meant = Meant(query);
    if (GetParam() == Metric::kAngular) {
      // Its length does not count.
      const auto length = [](const std::vector<float>& v) {
        return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
      };
      const float scale = length(vector) / length(meant);
      for (float& x : meant) x *= scale;
    }
    for (size_t c = 0; c < meant.size(); ++c) EXPECT_NEAR(vector[c], meant[c], 1e-6);
  }
}

TEST_P(QueryTest, LeavesItsKeysOutOfTheAnswers) {
  const size_t n = meanings_.rows.size();
  for (const QueryMeanings::Query& query : meanings_.queries) {
    SCOPED_TRACE(query.text);
    SearchResult result;
    const Status status = Batch(query.text).Search({.k = n + 2}, &result);
    ASSERT_TRUE(status.ok()) << status.message();
    // All others are there, at the distances of a plain search.
    SearchResult all;
    const std::vector<float> meant = Meant(query);
    ASSERT_TRUE(index_->Search(ViewOf(meant.data(), 1, meant.size()), {.k = n}, &all).ok());
    std::set<int64_t> excluded;
    for (const uint64_t row : query.excluded) excluded.insert(ids_[row]);
    size_t found = 0;
    for (size_t i = 0; i < n; ++i) {
      if (excluded.count(all.ids[i]) > 0) continue;
      EXPECT_NEAR(result.distances[found], all.distances[i],
                  1e-5 + 1e-5 * std::abs(all.distances[i]));
      EXPECT_EQ(excluded.count(result.ids[found]), 0u);
      ++found;
    }
    ASSERT_EQ(found, n - excluded.size());
    ASSERT_EQ(result.k, n);
    for (size_t i = found; i < n; ++i) EXPECT_EQ(result.ids[i], kNoId);
  }
}

TEST_P(QueryTest, SaysWhatIsWrong) {
  for (const QueryMeanings::Error& error : meanings_.errors) {
    SCOPED_TRACE(error.text);
    const auto terms = ParseQuery(*index_, error.text);
    ASSERT_FALSE(terms.ok());
    EXPECT_EQ(terms.status().code(),
              error.kind == "unknown" ? StatusCode::kNotFound : StatusCode::kInvalidArgument);
    for (const std::string& part : error.parts) {
      EXPECT_NE(terms.status().message().find(part), std::string::npos) << terms.status().message();
    }
    EXPECT_EQ(terms.status().message().find('\n'), std::string::npos);
  }
}

TEST_P(QueryTest, WordsAreKeysAsTheyStandOrBehindASign) {
  const std::vector<std::string> words{"new york", "-new york", "+king", "-1"};
  const auto terms = ParseQueryWords(*index_, words);
  ASSERT_TRUE(terms.ok()) << terms.status().message();
  std::vector<std::pair<uint64_t, double>> found;
  for (const QueryTerm& term : *terms) found.emplace_back(term.row, term.weight);
  EXPECT_EQ(found, (std::vector<std::pair<uint64_t, double>>{{5, 1}, {5, -1}, {0, 1}, {4, 1}}));
  EXPECT_EQ(ParseQueryWords(*index_, std::vector<std::string>{"king queen"}).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(ParseQueryWords(*index_, {}).status().code(), StatusCode::kInvalidArgument);
}

TEST_P(QueryTest, ABatchAnswersEachAsIfAlone) {
  QueryBatch batch(*index_);
  std::vector<std::vector<std::string>> expected;
  for (const QueryMeanings::Query& query : meanings_.queries) {
    batch.Add(*ParseQuery(*index_, query.text));
    SearchResult result;
    ASSERT_TRUE(Batch(query.text).Search({.k = 4}, &result).ok());
    expected.push_back(Keys(result));
  }
  SearchResult result;
  ASSERT_TRUE(batch.Search({.k = 4, .threads = 2}, &result).ok());
  ASSERT_EQ(result.num_queries, meanings_.queries.size());
  for (size_t q = 0; q < expected.size(); ++q) {
    EXPECT_EQ(Keys(result, q), expected[q]) << meanings_.queries[q].text;
    EXPECT_EQ(result.plan_of(q).index, IndexKind::kExact);
  }
}

// A row is no key: others of its key are answers, and of a vector everything is.
TEST_P(QueryTest, RowsAndVectorsLeaveOutLess) {
  QueryBatch batch(*index_);
  batch.AddRow(8);
  std::vector<float> vector(meanings_.dim());
  index_->GetVector(8, vector.data());
  batch.AddVector(vector);
  const size_t n = meanings_.rows.size();
  SearchResult result;
  ASSERT_TRUE(batch.Search({.k = n}, &result).ok());
  const std::vector<std::string> of_row = Keys(result, 0);
  EXPECT_EQ(of_row.size(), n - 1);
  EXPECT_EQ(std::count(of_row.begin(), of_row.end(), "twin"), 2);
  EXPECT_EQ(Keys(result, 1).size(), n);
  if (GetParam() == Metric::kEuclidean) EXPECT_EQ(result.ids[n], ids_[8]);
}

INSTANTIATE_TEST_SUITE_P(All, QueryTest,
                         ::testing::Values(Metric::kAngular, Metric::kEuclidean, Metric::kDot,
                                           Metric::kManhattan),
                         [](const auto& test) { return std::string(MetricName(test.param)); });

TEST(QueryWithoutKeysTest, IsRefused) {
  const TempDir dir;
  const auto index =
      BuildAndOpen(dir.File("x.kith"), Matrix::Random(DataType::kF32, 20, 3, 1), BuildOptions());
  ASSERT_NE(index, nullptr);
  testing::ExpectError(ParseQuery(*index, "king").status(), StatusCode::kInvalidArgument,
                       "has no keys");
  QueryBatch batch(*index);
  batch.Add(std::vector<QueryTerm>{{3, 1}, {4, -1}});
  SearchResult result;
  ASSERT_TRUE(batch.Search({.k = 20}, &result).ok());
  EXPECT_EQ(std::count(result.ids.begin(), result.ids.end(), kNoId), 2);
}

// All of a large file may share a key.
TEST(QueryOfManyRowsTest, KeysOfManyRows) {
  const TempDir dir;
  const Matrix rows = Matrix::Random(DataType::kF32, 3000, 8, 1);
  StringList keys;
  for (size_t r = 0; r < rows.rows(); ++r) keys.Add(std::string(1, static_cast<char>('0' + r % 3)));
  BuildOptions options;
  options.keys = &keys;
  options.paths = {GraphOptions{}};
  const auto index = BuildAndOpen(dir.File("x.kith"), rows, options);
  ASSERT_NE(index, nullptr);
  for (const IndexKind kind : {IndexKind::kAuto, IndexKind::kExact, IndexKind::kGraph}) {
    SCOPED_TRACE(IndexKindName(kind));
    QueryBatch batch(*index);
    batch.Add(*ParseQuery(*index, "1"));
    batch.Add(*ParseQuery(*index, "0 2"));
    SearchResult result;
    ASSERT_TRUE(batch.Search({.k = 50, .index = kind}, &result).ok());
    ASSERT_EQ(result.plans.size(), 2u);
    for (size_t i = 0; i < 100; ++i) {
      ASSERT_NE(result.ids[i], kNoId);
      EXPECT_EQ(result.ids[i] % 3 == 1, i >= 50) << i;
    }
  }
}

}  // namespace
}  // namespace kith
