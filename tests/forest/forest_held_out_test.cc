// Rows held out of a forest: hidden, they leave the forest of the others; shown, they are in it
// like any other.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "data/convert.h"
#include "forest/forest.h"
#include "matrix.h"
#include "search/scorer.h"
#include "storage/container.h"
#include "temp_dir.h"
#include "test_pool.h"

namespace kith {
namespace {

using testing::Matrix;
using testing::TempDir;

constexpr int64_t kAll = int64_t{1} << 40;  // an effort that inspects every entry

forest::GrowOptions Options(Metric metric, uint32_t trees, uint32_t leaf_size,
                            std::span<const uint32_t> held_out = {}) {
  forest::GrowOptions options;
  options.metric = metric;
  options.forest = {.num_trees = trees, .leaf_size = leaf_size};
  options.seed = 7;
  options.held_out = held_out;
  return options;
}

// A forest and the vectors it needs, in memory.
struct Planted {
  forest::Grown grown;
  Matrix vectors;  // in the forest's order
  std::vector<float> norms;
  search::StoredVectors stored;
  std::unique_ptr<forest::Forest> forest;

  std::vector<uint32_t> PositionsOf(const std::vector<uint32_t>& rows) const {
    std::vector<uint32_t> positions;
    for (uint32_t p = 0; p < grown.order.size(); ++p) {
      if (std::binary_search(rows.begin(), rows.end(), grown.order[p])) positions.push_back(p);
    }
    return positions;
  }
};

std::unique_ptr<Planted> Plant(const Matrix& rows, const forest::GrowOptions& options) {
  auto grown = forest::Grow(rows.view(), options, TestPool(2));
  EXPECT_TRUE(grown.ok()) << grown.status().message();
  if (!grown.ok()) return nullptr;
  auto planted = std::make_unique<Planted>();
  planted->grown = std::move(*grown);
  const std::vector<uint32_t>& order = planted->grown.order;
  planted->vectors = rows.Permuted({order.begin(), order.end()});
  std::vector<float> x(rows.dim());
  for (size_t p = 0; p < order.size(); ++p) {
    data::RowToF32(planted->vectors.view(), p, x.data());
    planted->norms.push_back(search::InverseNorm(x.data(), rows.dim()));
  }
  planted->stored.table = {planted->vectors.view(), options.metric, planted->norms.data()};
  planted->stored.rows = order.data();
  planted->forest = forest::Forest::Create(planted->grown, planted->stored);
  return planted;
}

struct Answers {
  std::vector<std::vector<search::Candidate>> nearest;
  SearchStats stats;
};

// `hidden`: rows that are answered as if they were not stored.
Answers Ask(const forest::Forest& forest, const Matrix& queries, size_t k, int64_t search_k,
            const std::vector<uint32_t>& hidden = {}) {
  const HiddenRows filter(hidden, uint64_t{1} << 20, true);
  search::Hits hits;
  Answers answers;
  const Status status = forest.Search({.queries = queries.view(),
                                       .wanted = search::Wanted::Nearest(k),
                                       .pool = &TestPool(),
                                       .filter = &filter,
                                       .effort = static_cast<double>(search_k)},
                                      &hits, &answers.stats);
  EXPECT_TRUE(status.ok()) << status.message();
  for (size_t q = 0; q < hits.num_queries(); ++q) {
    answers.nearest.emplace_back(hits.of(q).begin(), hits.of(q).end());
  }
  return answers;
}

// `names` are the second forest's rows in the first.
void ExpectSame(const Answers& a, const Answers& b, const std::vector<size_t>& names) {
  ASSERT_EQ(a.nearest.size(), b.nearest.size());
  for (size_t q = 0; q < a.nearest.size(); ++q) {
    ASSERT_EQ(a.nearest[q].size(), b.nearest[q].size()) << "query " << q;
    for (size_t i = 0; i < a.nearest[q].size(); ++i) {
      ASSERT_EQ(a.nearest[q][i].row, names[b.nearest[q][i].row]) << "query " << q;
      ASSERT_EQ(a.nearest[q][i].distance, b.nearest[q][i].distance) << "query " << q;
    }
  }
  EXPECT_EQ(a.stats.distances, b.stats.distances);
  EXPECT_EQ(a.stats.codes, b.stats.codes);
  EXPECT_EQ(a.stats.nodes, b.stats.nodes);
}

std::vector<size_t> Others(size_t n, const std::vector<uint32_t>& held_out) {
  std::vector<size_t> others;
  for (size_t row = 0; row < n; ++row) {
    if (!std::binary_search(held_out.begin(), held_out.end(), row)) others.push_back(row);
  }
  return others;
}

std::vector<uint32_t> Every(uint32_t step, size_t n) {
  std::vector<uint32_t> rows;
  for (uint32_t row = step / 2; row < n; row += step) rows.push_back(row);
  return rows;
}

// The forest as a file holds every vector once in each tree, and gives the same answers.
void CheckInFile(const Planted& planted, const Matrix& queries) {
  const TempDir dir;
  const MatrixView& rows = planted.stored.table.rows;
  auto writer = storage::ContainerWriter::Create(dir.File("x"), rows.rows, rows.dim,
                                                 planted.stored.table.metric, rows.dtype);
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(forest::Write(planted.grown, writer->get()).ok());
  ASSERT_TRUE((*writer)->Finish().ok());
  const auto file = storage::ContainerReader::Open(dir.File("x"), forest::Sections());
  ASSERT_TRUE(file.ok()) << file.status().message();
  const auto forest = forest::Forest::Open(*file, planted.stored);
  ASSERT_TRUE(forest.ok()) << forest.status().message();
  const Status verified = (*forest)->Verify({&TestPool()});
  EXPECT_TRUE(verified.ok()) << verified.message();
  const std::vector<size_t> all = Others(rows.rows, {});
  for (const int64_t search_k : {int64_t{60}, kAll}) {
    ExpectSame(Ask(*planted.forest, queries, 10, search_k), Ask(**forest, queries, 10, search_k),
               all);
  }
}

// Hidden, the held-out rows leave the forest that is grown on the others alone.
void CheckHidden(const Matrix& rows, const Matrix& queries, const std::vector<uint32_t>& held_out,
                 Metric metric, uint32_t leaf_size) {
  const std::vector<size_t> others = Others(rows.rows(), held_out);
  const auto all = Plant(rows, Options(metric, 5, leaf_size, held_out));
  const auto without = Plant(rows.Permuted(others), Options(metric, 5, leaf_size));
  ASSERT_TRUE(all != nullptr && without != nullptr);
  for (const size_t k : {size_t{1}, size_t{10}, others.size(), rows.rows() + 3}) {
    for (const int64_t search_k : {int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{40}, int64_t{333},
                                   static_cast<int64_t>(others.size()), kAll}) {
      SCOPED_TRACE(::testing::Message() << "k " << k << ", search_k " << search_k);
      ExpectSame(Ask(*all->forest, queries, k, search_k, held_out),
                 Ask(*without->forest, queries, k, search_k), others);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
  CheckInFile(*all, queries);
}

class HeldOutTest : public ::testing::TestWithParam<std::tuple<Metric, DataType>> {
 protected:
  Metric metric() const { return std::get<0>(GetParam()); }
  DataType dtype() const { return std::get<1>(GetParam()); }
};

TEST_P(HeldOutTest, HiddenIsAsNeverThere) {
  // A sketch of all dimensions, and one of fewer; without codes, and (f32) with them.
  for (const size_t dim : {6, 150}) {
    SCOPED_TRACE(dim);
    constexpr size_t kN = 1500;
    Matrix rows = Matrix::Random(dtype(), kN, dim, dim);
    // The largest norm, which the geometry of dot products is made from, stays where it is.
    for (size_t c = 0; c < dim; ++c) rows.Set(0, c, dtype() == DataType::kU8 ? 255 : 20);
    const std::vector<uint32_t> held_out = Every(11, kN);
    CheckHidden(rows, rows.Permuted({5, 16, 27, 38, 49, 1001, 1003}), held_out, metric(), 20);
    if (HasFatalFailure()) return;
  }
}

TEST_P(HeldOutTest, AreFoundByTheirOwnVectors) {
  constexpr size_t kN = 4000;
  constexpr uint32_t kLeaf = 25;
  const Matrix rows = Matrix::Random(dtype(), kN, 16, 3);
  const std::vector<uint32_t> held_out = Every(9, kN);
  const auto planted = Plant(rows, Options(metric(), 6, kLeaf, held_out));
  ASSERT_NE(planted, nullptr);
  const Matrix queries = rows.Permuted({held_out.begin(), held_out.end()});
  const Answers shown = Ask(*planted->forest, queries, 1, 4 * kLeaf);
  const Answers hidden = Ask(*planted->forest, queries, 1, 4 * kLeaf, held_out);
  size_t found = 0;
  for (size_t q = 0; q < queries.rows(); ++q) {
    // A long vector, not itself, may have the largest dot product.
    const bool own = shown.nearest[q][0].row == held_out[q];
    found += own || shown.nearest[q][0].distance < hidden.nearest[q][0].distance ? 1 : 0;
    EXPECT_NE(hidden.nearest[q][0].row, held_out[q]);
    EXPECT_FALSE(std::binary_search(held_out.begin(), held_out.end(), hidden.nearest[q][0].row));
  }
  if (metric() != Metric::kDot) EXPECT_EQ(found, queries.rows());
}

TEST_P(HeldOutTest, AnyNumberOfThreads) {
  const Matrix rows = Matrix::Random(dtype(), 3000, 130, 1);
  const std::vector<uint32_t> held_out = Every(10, rows.rows());
  const forest::GrowOptions options = Options(metric(), 6, 0, held_out);
  const auto one = forest::Grow(rows.view(), options, TestPool(1));
  const auto four = forest::Grow(rows.view(), options, TestPool(4));
  ASSERT_TRUE(one.ok() && four.ok());
  EXPECT_EQ(one->order, four->order);
  const TempDir dir;
  for (const auto& [name, forest] : {std::pair("one", &*one), std::pair("four", &*four)}) {
    auto writer = storage::ContainerWriter::Create(dir.File(name), rows.rows(), rows.dim(),
                                                   metric(), dtype());
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(forest::Write(*forest, writer->get()).ok());
    ASSERT_TRUE((*writer)->Finish().ok());
  }
  EXPECT_TRUE(testing::ReadFile(dir.File("one")) == testing::ReadFile(dir.File("four")));
}

INSTANTIATE_TEST_SUITE_P(All, HeldOutTest,
                         ::testing::Combine(::testing::Values(Metric::kAngular, Metric::kEuclidean,
                                                              Metric::kDot, Metric::kManhattan),
                                            ::testing::Values(DataType::kF32, DataType::kU8)),
                         [](const auto& info) {
                           return std::string(MetricName(std::get<0>(info.param))) + "_" +
                                  DataTypeName(std::get<1>(info.param));
                         });

TEST(HeldOutDataTest, FewRows) {
  for (const size_t n : {2, 3, 8, 9, 40}) {
    SCOPED_TRACE(n);
    const Matrix rows = Matrix::Random(DataType::kF32, n, 4, n);
    for (const uint32_t step : {2, 3, 7}) {
      CheckHidden(rows, rows, Every(step, n), Metric::kEuclidean, 8);
    }
    std::vector<uint32_t> but_one = Every(1, n);
    but_one.pop_back();
    CheckHidden(rows, rows, but_one, Metric::kEuclidean, 8);
  }
}

TEST(HeldOutDataTest, AllTheSame) {
  for (const double value : {0.0, 0.37}) {
    Matrix rows(DataType::kF32, 2000, 5);
    for (size_t r = 0; r < rows.rows(); ++r) rows.Set(r, 2, value);
    const std::vector<uint32_t> held_out = Every(7, rows.rows());
    CheckHidden(rows, Matrix::Random(DataType::kF32, 4, 5, 1), held_out, Metric::kEuclidean, 10);
    // Where planes say nothing, no leaf gets them all.
    const auto planted = Plant(rows, Options(Metric::kEuclidean, 1, 10, held_out));
    ASSERT_NE(planted, nullptr);
    const Answers first = Ask(*planted->forest, rows.Permuted({0}), 1, 1);
    EXPECT_LT(first.stats.entries, 40u);
  }
}

// Copies of a held-out row, more than a leaf holds, are found in its place while it is hidden.
TEST(HeldOutDataTest, CopiesStandIn) {
  constexpr size_t kN = 1200;
  Matrix rows = Matrix::Random(DataType::kF32, kN, 6, 1);
  for (size_t r = 0; r < kN; ++r) {
    if (r % 3 != 0) rows.CopyRow(rows, r % 3 == 1 ? r - 1 : 0, r);
  }
  const std::vector<uint32_t> held_out = Every(6, kN);  // 3, 9, ...: each has a copy, the row after
  const Matrix queries = rows.Permuted({held_out.begin(), held_out.end()});
  CheckHidden(rows, queries, held_out, Metric::kEuclidean, 12);
  const auto planted = Plant(rows, Options(Metric::kEuclidean, 5, 12, held_out));
  ASSERT_NE(planted, nullptr);
  const Answers shown = Ask(*planted->forest, queries, 1, 100);
  const Answers hidden = Ask(*planted->forest, queries, 1, 100, held_out);
  for (size_t q = 0; q < held_out.size(); ++q) {
    EXPECT_EQ(shown.nearest[q][0].row, held_out[q]);
    EXPECT_EQ(hidden.nearest[q][0].row, held_out[q] + 1);
    EXPECT_EQ(hidden.nearest[q][0].distance, 0);
  }
}

TEST(HeldOutDataTest, KeepAnOrderThatIsGiven) {
  const Matrix rows = Matrix::Random(DataType::kF32, 900, 6, 1);
  const std::vector<uint32_t> held_out = Every(10, rows.rows());
  std::vector<uint32_t> order;
  for (const size_t row : testing::RandomOrder(rows.rows(), 5)) {
    order.push_back(static_cast<uint32_t>(row));
  }
  forest::GrowOptions options = Options(Metric::kEuclidean, 4, 15, held_out);
  const auto own = Plant(rows, options);
  options.order = &order;
  const auto given = Plant(rows, options);
  ASSERT_TRUE(own != nullptr && given != nullptr);
  EXPECT_EQ(given->grown.order, order);
  CheckInFile(*given, rows.Permuted({1, 2, 3}));
  const std::vector<size_t> all = Others(rows.rows(), {});
  ExpectSame(Ask(*own->forest, rows, 5, 60), Ask(*given->forest, rows, 5, 60), all);
}

// The largest vector, which dot products are extended by, is held out: it still has a place.
TEST(HeldOutDataTest, TheLargestNormIsThatOfAllRows) {
  Matrix rows = Matrix::Random(DataType::kF32, 800, 8, 1);
  for (size_t c = 0; c < rows.dim(); ++c) rows.Set(5, c, 40);
  const std::vector<uint32_t> held_out = Every(10, rows.rows());  // 5, 15, ...
  const auto planted = Plant(rows, Options(Metric::kDot, 4, 15, held_out));
  ASSERT_NE(planted, nullptr);
  EXPECT_EQ(planted->grown.header.max_norm, 40 * std::sqrt(8.0f));
  EXPECT_EQ(Ask(*planted->forest, rows.Permuted({5}), 1, kAll).nearest[0][0].row, 5u);
  CheckInFile(*planted, rows);
}

// However many rows share a leaf, its count of 16 bits holds them.
TEST(HeldOutDataTest, LargestLeaves) {
  const Matrix rows = Matrix::Random(DataType::kU8, forest::kMaxLeafSize + 500, 1, 1);
  const std::vector<uint32_t> held_out = Every(100, rows.rows());
  ASSERT_LE(rows.rows() - held_out.size(), forest::kMaxLeafSize);  // one leaf would do for these
  const auto planted = Plant(rows, Options(Metric::kEuclidean, 2, forest::kMaxLeafSize, held_out));
  ASSERT_NE(planted, nullptr);
  CheckInFile(*planted, rows.Permuted({1, 2, 3}));
  const std::vector<uint32_t> too_many = Every(1, forest::kMaxLeafSize);
  const auto grown =
      forest::Grow(rows.view(), Options(Metric::kEuclidean, 2, 10, too_many), TestPool());
  EXPECT_EQ(grown.status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace kith
