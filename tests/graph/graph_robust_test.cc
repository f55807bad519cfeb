// Data that breaks graphs: copies, clusters, outliers, few vectors, many dimensions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "paths.h"
#include "sanitized.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::CheckAnswers;
using testing::GraphBuild;
using testing::kSanitized;
using testing::Matrix;
using testing::Mixture;
using testing::Part;
using testing::Recall;
using testing::Scaled;
using testing::SearchOrFail;
using testing::TempDir;

constexpr int64_t kAll = int64_t{1} << 40;

class GraphRobustTest : public ::testing::TestWithParam<std::tuple<Metric, GraphLayout>> {
 protected:
  Metric metric() const { return std::get<0>(GetParam()); }
  GraphLayout layout() const { return std::get<1>(GetParam()); }

  // Whatever the data: the graph builds and verifies, all of it can be found, answers are right,
  // and a beam of 100 finds the share wanted.
  void CheckData(const Matrix& rows, const Matrix& queries, double recall, bool calibrate = false) {
    const std::string path = dir_.File("x.kith");
    // Coordinates that are equal or not, and hardly ever equal: nothing leads anywhere.
    if (metric() == Metric::kHamming) recall = 0;
    BuildOptions options = GraphBuild(metric(), layout());
    // Measuring recall takes longer than the build; copies of few are enough of it there.
    if (kSanitized && !calibrate) options.calibrate = false;
    options.dtype = DataType::kF32;  // zeros would become bits, which have no packed layout
    index_ = BuildAndOpen(path, rows, options);
    ASSERT_NE(index_, nullptr);
    const Status verified = VerifyIndex(path);
    EXPECT_TRUE(verified.ok()) << verified.message();
    for (const size_t k : {size_t{1}, std::min<size_t>(10, rows.rows()), rows.rows() + 3}) {
      const SearchResult exact =
          SearchOrFail(*index_, queries.view(), {.k = k, .index = IndexKind::kExact});
      const SearchResult all = SearchOrFail(*index_, queries.view(),
                                            {.k = k, .index = IndexKind::kGraph, .effort = kAll});
      // Not always the same ids: of those equally far, others may be the last.
      EXPECT_EQ(all.distances, exact.distances);
      for (const int64_t effort : {-1, 0, 100}) {
        const SearchResult found = SearchOrFail(
            *index_, queries.view(), {.k = k, .index = IndexKind::kGraph, .effort = effort});
        CheckAnswers(*index_, queries.view(), found);
        if (HasFatalFailure()) FAIL() << "k " << k << ", effort " << effort;
        if (effort != 100) continue;
        EXPECT_GE(Recall(exact, found), recall) << "k " << k;
      }
    }
    const Matrix own = Part(rows, 0, std::min<size_t>(rows.rows(), 150));
    const SearchResult exact =
        SearchOrFail(*index_, own.view(), {.k = 1, .index = IndexKind::kExact});
    const SearchResult found =
        SearchOrFail(*index_, own.view(), {.k = 1, .index = IndexKind::kGraph, .effort = 300});
    EXPECT_GE(Recall(exact, found), recall) << "vectors that find themselves";
  }
  TempDir dir_;
  std::unique_ptr<Index> index_;
};

TEST_P(GraphRobustTest, FewVectors) {
  for (const size_t n : {1, 2, 15, 16, 17, 33, 65}) {
    for (const size_t dim : {1, 3, 25}) {
      SCOPED_TRACE(::testing::Message() << n << " of " << dim);
      CheckData(Matrix::Random(DataType::kF32, n, dim, n),
                Matrix::Random(DataType::kF32, 5, dim, 1), 1);
    }
  }
}

TEST_P(GraphRobustTest, FewDimensions) {
  for (const size_t dim : {1, 2, 3}) {
    SCOPED_TRACE(dim);
    CheckData(Matrix::Random(DataType::kF32, kSanitized ? 400 : 1000, dim, 1),
              Matrix::Random(DataType::kF32, 20, dim, 2),
              // A code of few coordinates tells little.
              layout() == GraphLayout::kPacked ? 0.55 : 0.95);
  }
}

TEST_P(GraphRobustTest, ManyDimensions) {
  for (const size_t dim : {1536, 4096}) {
    SCOPED_TRACE(dim);
    constexpr size_t kN = kSanitized ? 90 : 200;
    const Matrix all = Mixture(kN + 10, dim, 10, 10, 1);
    CheckData(Part(all, 0, kN), Part(all, kN, 10), 0.97);
  }
}

TEST_P(GraphRobustTest, AllTheSame) {
  for (const double value : {0.0, 0.37}) {
    Matrix rows(DataType::kF32, 500, 9);
    for (size_t r = 0; r < rows.rows(); ++r) rows.Set(r, 4, value);
    CheckData(rows, Matrix::Random(DataType::kF32, 4, 9, 1), 1);
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(testing::GraphNumber(index_->info(), "nodes"), 1u);
  }
}

// More neighbours are asked for than there are distinct vectors.
TEST_P(GraphRobustTest, CopiesOfFew) {
  const Matrix few = Matrix::Random(DataType::kF32, 7, 12, 1);
  const Matrix fifty = Matrix::Random(DataType::kF32, 50, 12, 2);
  Matrix rows(DataType::kF32, 1000, 12);
  for (size_t r = 0; r < rows.rows(); ++r) rows.CopyRow(few, r * r % 7, r);
  CheckData(rows, Matrix::Random(DataType::kF32, 4, 12, 1), 1, true);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_LE(testing::GraphNumber(index_->info(), "nodes"), 7u);
  for (size_t r = 0; r < rows.rows(); ++r) rows.CopyRow(fifty, r * 31 % 50, r);
  CheckData(rows, fifty, 1, true);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_EQ(testing::GraphNumber(index_->info(), "nodes"), 50u);
}

// The same directions in several lengths: angular has them all at the same place, and a beam of 100
// holds 20 places.
TEST_P(GraphRobustTest, ScaledCopies) {
  const Matrix all = Mixture(320, 24, 10, 8, 1);
  Matrix rows(DataType::kF32, 1500, 24);
  for (size_t r = 0; r < rows.rows(); ++r) {
    for (size_t c = 0; c < 24; ++c) rows.Set(r, c, std::exp2(r / 300) * all.Get(r % 300, c));
  }
  CheckData(rows, Part(all, 300, 20), 0.8);
}

TEST_P(GraphRobustTest, ZeroVectorsAmongOthers) {
  Matrix all = Mixture(1020, 24, 10, 8, 1);
  for (size_t r = 0; r < 1000; r += 3) {
    for (size_t c = 0; c < 24; ++c) all.Set(r, c, 0);
  }
  // One of them is a copy with other bytes: minus zero.
  all.Set(3, 5, -0.0);
  CheckData(Part(all, 0, 1000), Part(all, 1000, 20), 0.9);
}

TEST_P(GraphRobustTest, ConstantCoordinates) {
  Matrix all = Mixture(1020, 40, 10, 40, 1);
  for (size_t r = 0; r < all.rows(); ++r) {
    for (size_t c = 10; c < 40; ++c) all.Set(r, c, c % 2 == 0 ? 1.25 : 0);
  }
  CheckData(Part(all, 0, 1000), Part(all, 1000, 20), 0.95);
}

TEST_P(GraphRobustTest, LengthsOfManyMagnitudes) {
  Rng rng(5);
  Matrix all = Mixture(1020, 30, 10, 10, 1);
  for (size_t r = 0; r < 1000; ++r) {
    const double scale = std::exp(1.15 * rng.Normal());
    for (size_t c = 0; c < 30; ++c) all.Set(r, c, scale * all.Get(r, c));
  }
  CheckData(Part(all, 0, 1000), Part(all, 1000, 20), 0.97);
}

// Few vectors a thousand times as long: nearest to half of all queries under dot.
TEST_P(GraphRobustTest, Outliers) {
  Matrix all = Mixture(1020, 30, 10, 10, 1);
  for (const size_t r : {7, 400, 401, 999}) {
    for (size_t c = 0; c < 30; ++c) all.Set(r, c, 1000 * all.Get(r, c));
  }
  CheckData(Part(all, 0, 1000), Part(all, 1000, 20), 0.85);
  // To some of them only one edge leads, and that not from where one would look.
  CheckData(Part(all, 0, 1000), all.Permuted({7, 400, 401, 999}), 0.5);
}

// Squares of such values are near the ends of float32, sums of them beyond. Where a metric takes
// squares or products, vectors all of which are shorter are refused.
TEST_P(GraphRobustTest, HugeAndTinyValues) {
  const Matrix all = Mixture(420, 30, 10, 10, 1);
  for (const double scale : {1e17, 1e-10, 1e-18, 1e-30}) {
    const Metric metric = std::get<0>(GetParam());
    if (scale < 1e-12 && (metric == Metric::kEuclidean || metric == Metric::kDot)) continue;
    SCOPED_TRACE(scale);
    CheckData(Scaled(Part(all, 0, 400), scale), Scaled(Part(all, 400, 20), scale), 0.97);
  }
}

// Far away, at the origin, and all coordinates equal: k neighbours, whichever.
TEST_P(GraphRobustTest, QueriesUnlikeTheVectors) {
  const Matrix rows = Mixture(1000, 30, 10, 10, 1);
  Matrix queries(DataType::kF32, 6, 30);
  for (size_t c = 0; c < 30; ++c) {
    queries.Set(1, c, 1e6);
    queries.Set(2, c, c == 3 ? -1e15 : 0);
    queries.Set(3, c, 1);
    queries.Set(4, c, std::get<0>(GetParam()) == Metric::kDot ? 1e-23 : 1e-38);
    queries.Set(5, c, c % 2 == 0 ? 1e17 : -1e17);
  }
  CheckData(rows, queries, 0.3);
}

INSTANTIATE_TEST_SUITE_P(All, GraphRobustTest,
                         ::testing::Values(std::tuple(Metric::kAngular, GraphLayout::kPacked),
                                           std::tuple(Metric::kAngular, GraphLayout::kCompact),
                                           std::tuple(Metric::kEuclidean, GraphLayout::kPacked),
                                           std::tuple(Metric::kEuclidean, GraphLayout::kCompact),
                                           std::tuple(Metric::kDot, GraphLayout::kPacked),
                                           std::tuple(Metric::kDot, GraphLayout::kCompact),
                                           std::tuple(Metric::kManhattan, GraphLayout::kCompact),
                                           std::tuple(Metric::kHamming, GraphLayout::kCompact)),
                         [](const auto& test) {
                           return std::string(MetricName(std::get<0>(test.param))) + "_" +
                                  GraphLayoutName(std::get<1>(test.param));
                         });

}  // namespace
}  // namespace kith
