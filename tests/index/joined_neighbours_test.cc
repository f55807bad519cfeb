// The neighbours of vectors that are in no index: found by joins where that suits them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stop_token>
#include <string>
#include <vector>

#include "kith/index.h"
#include "kith/neighbour_graph.h"
#include "matrix.h"

namespace kith {
namespace {

using testing::Matrix;

// Enough that joins are tried (kFewest in src/index/joined_neighbours.cc).
constexpr size_t kRows = 17000;

NeighbourGraph Make(const Matrix& rows, Metric metric, const NeighbourGraphOptions& options) {
  auto graph = MakeNeighbourGraph(rows.view(), metric, options);
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return graph.ok() ? *std::move(graph) : NeighbourGraph();
}

// The share of some rows' edges that are no longer than the longest of exact search, which has as
// many.
double RecallOf(const NeighbourGraph& graph, const NeighbourGraph& truth) {
  size_t found = 0;
  size_t all = 0;
  for (size_t row = 0; row < graph.num_rows; row += 7) {
    const float limit = truth.distances[truth.offsets[row + 1] - 1];
    for (uint64_t i = graph.offsets[row]; i < graph.offsets[row + 1]; ++i) {
      found += graph.distances[i] <= limit ? 1 : 0;
    }
    all += truth.of(row).size();
  }
  return static_cast<double>(found) / static_cast<double>(all);
}

struct Kind {
  const char* name;
  Metric metric;
  DataType dtype;
};

class JoinedNeighboursTest : public ::testing::TestWithParam<Kind> {};

TEST_P(JoinedNeighboursTest, ReachTheRecall) {
  constexpr size_t kK = 10;
  const Kind& kind = GetParam();
  Matrix rows = kind.dtype == DataType::kF32 ? Matrix::Clustered(kRows, 12, 1000, 0.5, 1)
                                             : Matrix::Random(kind.dtype, kRows, 12, 2);
  if (kind.dtype == DataType::kBit) {
    const Matrix floats = Matrix::Clustered(kRows, 64, 1000, 0.5, 1);
    rows = Matrix(kind.dtype, kRows, 64);
    for (size_t r = 0; r < kRows; ++r) {
      for (size_t c = 0; c < 64; ++c) rows.Set(r, c, floats.Get(r, c) > 0 ? 1 : 0);
    }
  }
  for (size_t i = 0; i < 30; ++i) rows.CopyRow(rows, i % 2, 100 + i);  // more copies than k
  const NeighbourGraph truth = Make(rows, kind.metric, {.k = kK, .recall = 1});
  EXPECT_FALSE(truth.joined);
  EXPECT_EQ(truth.index, IndexKind::kExact);
  NeighbourGraphOptions options{.k = kK, .recall = 0.9, .threads = 1};
  const NeighbourGraph graph = Make(rows, kind.metric, options);
  EXPECT_TRUE(graph.joined);
  EXPECT_EQ(graph.index, IndexKind::kAuto);
  EXPECT_GE(graph.recall, options.recall);
  EXPECT_LT(graph.recall, 1);
  EXPECT_GE(RecallOf(graph, truth), options.recall - 0.01);
  EXPECT_NEAR(RecallOf(graph, truth), graph.recall, 0.02);
  ASSERT_EQ(graph.neighbours.size(), kRows * kK);
  for (size_t row = 0; row < kRows; ++row) {
    const auto near = graph.of(row);
    ASSERT_EQ(near.size(), kK);
    ASSERT_EQ(std::count(near.begin(), near.end(), row), 0) << row;
    // Distances are those of exact search, bit for bit, in order.
    for (uint64_t i = graph.offsets[row]; i < graph.offsets[row + 1]; ++i) {
      if (i > graph.offsets[row]) {
        ASSERT_LE(graph.distances[i - 1], graph.distances[i]);
      }
      for (uint64_t j = truth.offsets[row]; j < truth.offsets[row + 1]; ++j) {
        if (truth.neighbours[j] == graph.neighbours[i]) {
          ASSERT_EQ(truth.distances[j], graph.distances[i]) << row;
        }
      }
    }
  }
  // Copies have each other, the smaller rows first.
  for (const size_t row : {0, 1, 100, 129}) {
    EXPECT_TRUE(std::equal(graph.of(row).begin(), graph.of(row).end(), truth.of(row).begin()));
  }
  options.threads = 3;
  const NeighbourGraph again = Make(rows, kind.metric, options);
  EXPECT_EQ(again.neighbours, graph.neighbours);
  EXPECT_EQ(again.distances, graph.distances);
  EXPECT_EQ(again.recall, graph.recall);
}

INSTANTIATE_TEST_SUITE_P(All, JoinedNeighboursTest,
                         ::testing::Values(Kind{"angular", Metric::kAngular, DataType::kF32},
                                           Kind{"euclidean", Metric::kEuclidean, DataType::kF32},
                                           Kind{"bytes", Metric::kEuclidean, DataType::kU8},
                                           Kind{"manhattan", Metric::kManhattan, DataType::kF32},
                                           Kind{"hamming", Metric::kHamming, DataType::kBit}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(JoinedNeighboursOptionsTest, EdgesAndItself) {
  const Matrix rows = Matrix::Clustered(kRows, 12, 1000, 0.5, 1);
  const NeighbourGraph directed = Make(rows, Metric::kEuclidean, {.k = 5});
  const NeighbourGraph with = Make(rows, Metric::kEuclidean, {.k = 5, .with_self = true});
  ASSERT_TRUE(directed.joined);
  for (size_t row = 0; row < kRows; ++row) {
    std::vector<uint32_t> near(with.of(row).begin(), with.of(row).end());
    ASSERT_EQ(near.size(), 6u);
    ASSERT_EQ(std::erase(near, row), 1u);
    ASSERT_TRUE(std::equal(near.begin(), near.end(), directed.of(row).begin()));
  }
  const NeighbourGraph either =
      Make(rows, Metric::kEuclidean, {.k = 5, .edges = EdgesKept::kEither});
  EXPECT_TRUE(either.joined);
  EXPECT_EQ(either.neighbours, Symmetrized(directed, EdgesKept::kEither)->neighbours);
  // Another seed grows other trees.
  const NeighbourGraph other = Make(rows, Metric::kEuclidean, {.k = 5, .seed = 7});
  EXPECT_NE(other.neighbours, directed.neighbours);
}

// Where joins are not what suits the vectors, the graph is what an index of them gives.
TEST(JoinedNeighboursOptionsTest, OtherwiseAnIndexIsBuilt) {
  const Matrix few = Matrix::Clustered(2000, 8, 100, 0.5, 3);
  const NeighbourGraph exact = Make(few, Metric::kEuclidean, {});
  EXPECT_FALSE(exact.joined);
  EXPECT_EQ(exact.index, IndexKind::kExact);
  EXPECT_EQ(exact.recall, 1);
  const NeighbourGraph graph = Make(few, Metric::kEuclidean, {.k = 10, .index = IndexKind::kGraph});
  EXPECT_FALSE(graph.joined);
  EXPECT_EQ(graph.index, IndexKind::kGraph);
  EXPECT_EQ(Make(few, Metric::kEuclidean, {.k = 10, .index = IndexKind::kForest}).index,
            IndexKind::kForest);
  const Matrix many = Matrix::Clustered(kRows, 12, 1000, 0.5, 1);
  EXPECT_FALSE(Make(many, Metric::kDot, {}).joined);
  // Few distinct vectors among many.
  Matrix copies = Matrix::Random(DataType::kI8, kRows, 4, 4);
  for (size_t i = 100; i < kRows; ++i) copies.CopyRow(copies, i % 100, i);
  EXPECT_FALSE(Make(copies, Metric::kEuclidean, {.k = 3}).joined);
  // Nothing that trees tell apart: random vectors of many dimensions.
  const Matrix hard = Matrix::Random(DataType::kI8, kRows, 100, 5);
  const NeighbourGraph found = Make(hard, Metric::kEuclidean, {});
  EXPECT_FALSE(found.joined);
  EXPECT_EQ(found.index, IndexKind::kExact);
  for (const size_t n : {1, 2, 3}) {
    const Matrix rows = Matrix::Random(DataType::kF32, n, 4, 6);
    EXPECT_EQ(Make(rows, Metric::kEuclidean, {}).neighbours.size(), n * (n - 1));
  }
}

TEST(JoinedNeighboursOptionsTest, WhatCannotBeIsSaid) {
  Matrix rows = Matrix::Clustered(kRows, 12, 1000, 0.5, 1);
  const auto message = [&](const NeighbourGraphOptions& options) {
    const auto graph = MakeNeighbourGraph(rows.view(), Metric::kEuclidean, options);
    EXPECT_EQ(graph.status().code(), StatusCode::kInvalidArgument);
    return graph.status().message();
  };
  EXPECT_NE(message({.k = 0}).find("k is 0"), std::string::npos);
  EXPECT_NE(message({.recall = 2}).find("recall is 2"), std::string::npos);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_NE(message({.stop = stop.get_token()}).find("cancelled"), std::string::npos);
  for (const std::string_view last : {"trees", "measure", "joins", "neighbours"}) {
    const Progress progress = [&](std::string_view stage, uint64_t, uint64_t) {
      return stage != last;
    };
    EXPECT_NE(message({.progress = progress}).find("cancelled"), std::string::npos) << last;
  }
  rows.Set(16999, 3, std::numeric_limits<double>::quiet_NaN());
  EXPECT_NE(message({}).find("row 16999"), std::string::npos);
  const Matrix none(DataType::kF32, 0, 4);
  EXPECT_FALSE(MakeNeighbourGraph(none.view(), Metric::kEuclidean, {}).ok());
}

}  // namespace
}  // namespace kith
