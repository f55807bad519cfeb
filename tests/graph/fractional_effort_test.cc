// Efforts between two beam widths: a share of the queries gets the wider one. And below k: walks
// end the sooner.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "calibration/calibration_data.h"
#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::Matrix;
using testing::Mixture;
using testing::Part;
using testing::PlanOrFail;
using testing::Rounded;
using testing::SearchOrFail;
using testing::TempDir;

constexpr size_t kRows = 3000;
constexpr size_t kQueries = 600;
constexpr size_t kDim = 24;
constexpr size_t kK = 10;

// A recall is a way to say any effort: of this curve, that of r is 100 r.
Calibration Straight() {
  Calibration c;
  c.source = CalibrationSource::kQueries;
  CalibrationCurve curve{IndexKind::kGraph, kK, {}};
  for (const float recall : {0.01f, 1.0f}) curve.points.push_back({100 * recall, recall});
  c.curves = {curve};
  return c;
}

class FractionalEffortTest : public ::testing::TestWithParam<GraphLayout> {
 protected:
  void SetUp() override {
    const Matrix all = Rounded(Mixture(kRows + kQueries, kDim, 20, 16, 5), DataType::kU8);
    queries_ = Part(all, kRows, kQueries);
    BuildOptions options = testing::GraphBuild(Metric::kEuclidean, GetParam());
    options.calibrate = false;
    ASSERT_TRUE(BuildIndex(Part(all, 0, kRows).view(), dir_.File("x.kith"), options).ok());
    testing::SetCalibration(dir_.File("x.kith"), dir_.File("y.kith"), Straight());
    auto index = OpenIndex(dir_.File("y.kith"));
    ASSERT_TRUE(index.ok()) << index.status().message();
    index_ = std::move(*index);
    exact_ = SearchOrFail(*index_, queries_.view(), {.k = kK, .index = IndexKind::kExact});
  }

  static SearchParams WithEffort(double effort) {
    return {.k = kK, .index = IndexKind::kGraph, .recall = effort / 100};
  }
  SearchResult Search(double effort) const { return Search(queries_.view(), effort); }
  SearchResult Search(const MatrixView& queries, double effort) const {
    const SearchResult found = SearchOrFail(*index_, queries, WithEffort(effort));
    EXPECT_NEAR(found.plan.effort, effort, 1e-3);
    return found;
  }
  static bool SameAnswer(const SearchResult& a, size_t qa, const SearchResult& b, size_t qb) {
    const auto same = [&](const auto& x, const auto& y) {
      return std::equal(x.begin() + static_cast<ptrdiff_t>(qa * kK),
                        x.begin() + static_cast<ptrdiff_t>((qa + 1) * kK),
                        y.begin() + static_cast<ptrdiff_t>(qb * kK));
    };
    return same(a.ids, b.ids) && same(a.distances, b.distances);
  }

  TempDir dir_;
  Matrix queries_;
  std::unique_ptr<Index> index_;
  SearchResult exact_;
};

TEST_P(FractionalEffortTest, WholeOnesAreBeamWidths) {
  for (const int64_t ef : {10, 11, 25, 70}) {
    const SearchResult plain =
        SearchOrFail(*index_, queries_.view(), {.k = kK, .index = IndexKind::kGraph, .effort = ef});
    // A hair above it is the same: of a thousand queries, none.
    const SearchResult found = Search(static_cast<double>(ef) + 1e-5);
    testing::ExpectSameAnswers(found, plain);
    EXPECT_EQ(found.stats.nodes, plain.stats.nodes);
  }
}

// Beams of 10 and of 11 differ little: the shares are seen in the nodes that were visited.
TEST_P(FractionalEffortTest, EachQueryGetsOneOfTheTwoWidths) {
  for (const int64_t ef : {10, 15, 40}) {
    SCOPED_TRACE(ef);
    const auto low = static_cast<double>(ef);
    const SearchResult narrow = Search(low + 1e-5);
    const SearchResult wide = Search(low + 1);
    ASSERT_GT(wide.stats.nodes, narrow.stats.nodes);
    for (const double part : {0.1, 0.5, 0.9}) {
      SCOPED_TRACE(part);
      const SearchResult between = Search(low + part);
      size_t different = 0;
      for (size_t q = 0; q < kQueries; ++q) {
        const bool as_narrow = SameAnswer(between, q, narrow, q);
        ASSERT_TRUE(as_narrow || SameAnswer(between, q, wide, q)) << "query " << q;
        different += as_narrow ? 0 : 1;
      }
      const double share = (static_cast<double>(between.stats.nodes) - narrow.stats.nodes) /
                           (static_cast<double>(wide.stats.nodes) - narrow.stats.nodes);
      EXPECT_NEAR(share, part, 0.12);
      const double recall = testing::MeanRecall(exact_, between);
      EXPECT_GE(recall, testing::MeanRecall(exact_, narrow) - 0.002);
      EXPECT_LE(recall, testing::MeanRecall(exact_, wide) + 0.002);
      // Nobody gets both: fewer answers than the share can differ from the narrow ones.
      EXPECT_LE(different, static_cast<size_t>((part + 0.1) * kQueries));
    }
  }
}

// A query with the wider beam at one share has it at every larger share.
TEST_P(FractionalEffortTest, LargerSharesHoldTheSmallerOnes) {
  const SearchResult wide = Search(15);
  std::vector<bool> had(kQueries);
  for (const double effort : {14.25, 14.5, 14.75}) {
    const SearchResult found = Search(effort);
    for (size_t q = 0; q < kQueries; ++q) {
      const bool now = SameAnswer(found, q, wide, q);
      ASSERT_TRUE(now || !had[q]) << "query " << q << ", effort " << effort;
      had[q] = now;
    }
  }
}

TEST_P(FractionalEffortTest, AnswersDoNotDependOnTheBatchThreadsOrType) {
  for (const double effort : {7.3, 10.5, 20.5}) {
    SCOPED_TRACE(effort);
    const SearchResult all = Search(effort);
    SearchParams threaded = WithEffort(effort);
    threaded.threads = 3;
    testing::ExpectSameAnswers(SearchOrFail(*index_, queries_.view(), threaded), all);
    for (const DataType dtype : {DataType::kF32, DataType::kF16}) {
      const SearchResult same = Search(queries_.As(dtype, 3).view(), effort);
      EXPECT_EQ(same.ids, all.ids) << DataTypeName(dtype);
      EXPECT_EQ(same.stats.nodes, all.stats.nodes) << DataTypeName(dtype);
    }
    for (size_t q = 0; q < 60; ++q) {
      ASSERT_TRUE(SameAnswer(Search(queries_.Row(q), effort), 0, all, q)) << "query " << q;
    }
    const std::vector<size_t> order = testing::RandomOrder(kQueries, 4);
    const SearchResult mixed = Search(queries_.Permuted(order).view(), effort);
    for (size_t i = 0; i < kQueries; ++i) ASSERT_TRUE(SameAnswer(mixed, i, all, order[i]));
  }
}

TEST_P(FractionalEffortTest, BelowKWalksAreShorterAndStillFindK) {
  uint64_t last = 0;
  double recall = 0;
  for (const double effort : {2.0, 5.0, 7.0, 8.5, 9.5, 10.0}) {
    SCOPED_TRACE(effort);
    const SearchResult found = Search(effort);
    EXPECT_GE(found.stats.nodes, last);
    const double now = testing::MeanRecall(exact_, found);
    EXPECT_GE(now, recall - 0.003);
    last = found.stats.nodes;
    recall = now;
    for (size_t i = 0; i < found.ids.size(); ++i) ASSERT_NE(found.ids[i], kNoId);
  }
  EXPECT_LT(Search(5).stats.nodes, Search(10).stats.nodes);
}

INSTANTIATE_TEST_SUITE_P(All, FractionalEffortTest,
                         ::testing::Values(GraphLayout::kPacked, GraphLayout::kCompact),
                         [](const auto& test) { return GraphLayoutName(test.param); });

}  // namespace
}  // namespace kith
