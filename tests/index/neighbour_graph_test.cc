// The neighbours of all vectors: those that searches find, one by one.
#include "kith/neighbour_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kith/index.h"
#include "matrix.h"

namespace kith {
namespace {

using testing::Matrix;

std::unique_ptr<Index> InMemory(const Matrix& rows, Metric metric, const PathSpec& spec) {
  BuildOptions options;
  options.metric = metric;
  options.paths = {spec};
  options.calibrate = false;
  auto index = BuildIndexInMemory(rows.view(), options);
  EXPECT_TRUE(index.ok()) << index.status().message();
  return *std::move(index);
}

NeighbourGraph Make(const Index& index, const NeighbourGraphOptions& options) {
  auto graph = MakeNeighbourGraph(index, options);
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return graph.ok() ? *std::move(graph) : NeighbourGraph();
}

using Edge = std::pair<float, uint32_t>;

// What an exact search of every row finds, itself left out.
std::vector<std::vector<Edge>> Truth(const Index& index, const Matrix& rows, size_t k) {
  SearchResult found;
  EXPECT_TRUE(index.Search(rows.view(), {.k = k + 1, .index = IndexKind::kExact}, &found).ok());
  std::vector<std::vector<Edge>> truth(rows.rows());
  for (size_t row = 0; row < rows.rows(); ++row) {
    for (size_t i = row * found.k; i < (row + 1) * found.k; ++i) {
      if (static_cast<size_t>(found.ids[i]) == row || truth[row].size() == k) continue;
      truth[row].emplace_back(found.distances[i], static_cast<uint32_t>(found.ids[i]));
    }
  }
  return truth;
}

std::vector<Edge> EdgesOf(const NeighbourGraph& graph, size_t row) {
  std::vector<Edge> edges;
  for (uint64_t i = graph.offsets[row]; i < graph.offsets[row + 1]; ++i) {
    edges.emplace_back(graph.distances[i], graph.neighbours[i]);
  }
  return edges;
}

double RecallOf(const NeighbourGraph& graph, const std::vector<std::vector<Edge>>& truth) {
  size_t found = 0;
  size_t all = 0;
  for (size_t row = 0; row < truth.size(); ++row) {
    for (const Edge& edge : EdgesOf(graph, row)) found += edge.first <= truth[row].back().first;
    all += truth[row].size();
  }
  return static_cast<double>(found) / static_cast<double>(all);
}

class NeighbourGraphTest : public ::testing::TestWithParam<Metric> {};

TEST_P(NeighbourGraphTest, ExactIsWhatSearchesFind) {
  const DataType dtype = GetParam() == Metric::kHamming ? DataType::kBit : DataType::kI8;
  Matrix rows = Matrix::Random(dtype, 300, 16, 1);
  for (size_t i = 0; i < 40; ++i) rows.CopyRow(rows, 7, 20 + i);  // more copies than neighbours
  const auto index = InMemory(rows, GetParam(), ExactOptions{});
  for (const size_t k : {1, 15, 299, 1000}) {
    const auto truth = Truth(*index, rows, std::min<size_t>(k, 299));
    const NeighbourGraph graph = Make(*index, {.k = k, .threads = 2});
    EXPECT_EQ(graph.index, IndexKind::kExact);
    EXPECT_EQ(graph.recall, 1);
    ASSERT_EQ(graph.offsets.size(), 301u);
    for (size_t row = 0; row < 300; ++row) EXPECT_EQ(EdgesOf(graph, row), truth[row]) << row;
    // With itself: one more, in its place by distance.
    const NeighbourGraph with = Make(*index, {.k = k, .with_self = true});
    for (size_t row = 0; row < 300; ++row) {
      std::vector<Edge> edges = EdgesOf(with, row);
      EXPECT_TRUE(std::is_sorted(edges.begin(), edges.end()));
      const auto self = std::find_if(edges.begin(), edges.end(),
                                     [&](const Edge& edge) { return edge.second == row; });
      ASSERT_NE(self, edges.end()) << row;
      edges.erase(self);
      EXPECT_EQ(edges, truth[row]) << row;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, NeighbourGraphTest,
                         ::testing::Values(Metric::kAngular, Metric::kEuclidean, Metric::kDot,
                                           Metric::kManhattan, Metric::kHamming),
                         [](const auto& each) { return std::string(MetricName(each.param)); });

struct Way {
  const char* name;
  IndexKind kind;
  PathSpec spec;
};

class NeighbourGraphRecallTest : public ::testing::TestWithParam<Way> {};

TEST_P(NeighbourGraphRecallTest, IsWhatWasAskedFor) {
  constexpr size_t kK = 10;
  for (const Metric metric : {Metric::kEuclidean, Metric::kDot}) {
    Matrix rows = Matrix::Clustered(3000, 24, 300, 0.5, 3);
    for (size_t i = 0; i < 30; ++i) rows.CopyRow(rows, i % 3, 100 + i);  // with copies
    const auto index = InMemory(rows, metric, GetParam().spec);
    const auto truth = Truth(*index, rows, kK);
    NeighbourGraphOptions options{.k = kK, .index = GetParam().kind, .threads = 1};
    uint64_t least = 0;
    for (const double recall : {0.8, 0.95, 0.99}) {
      options.recall = recall;
      const NeighbourGraph graph = Make(*index, options);
      EXPECT_EQ(graph.index, GetParam().kind);
      EXPECT_GE(graph.recall, recall);
      const double found = RecallOf(graph, truth);
      EXPECT_GE(found, recall - 0.01);
      EXPECT_NEAR(found, graph.recall, 0.015);  // measured with a third of the rows
      const uint64_t work = graph.stats.distances + graph.stats.codes;
      EXPECT_GE(work, least) << recall;
      least = work;
      options.threads = 3;
      const NeighbourGraph again = Make(*index, options);
      EXPECT_EQ(again.neighbours, graph.neighbours);
      EXPECT_EQ(again.distances, graph.distances);
      for (size_t row = 0; row < rows.rows(); ++row) {
        const auto of = graph.of(row);
        ASSERT_LE(of.size(), kK);
        EXPECT_EQ(std::count(of.begin(), of.end(), row), 0) << row;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, NeighbourGraphRecallTest,
                         ::testing::Values(Way{"packed", IndexKind::kGraph,
                                               GraphOptions{.layout = GraphLayout::kPacked}},
                                           Way{"compact", IndexKind::kGraph,
                                               GraphOptions{.layout = GraphLayout::kCompact}},
                                           Way{"forest", IndexKind::kForest,
                                               ForestOptions{.num_trees = 8}}),
                         [](const auto& each) { return std::string(each.param.name); });

// Walks begin where their vector lies: fewer visits than searches make for the same neighbours.
TEST(NeighbourGraphCostTest, NoVectorIsLookedFor) {
  const Matrix rows = Matrix::Clustered(5000, 32, 500, 0.5, 4);
  const auto index =
      InMemory(rows, Metric::kEuclidean, GraphOptions{.layout = GraphLayout::kCompact});
  const NeighbourGraph graph = Make(*index, {.k = 10, .index = IndexKind::kGraph});
  const auto truth = Truth(*index, rows, 10);
  // The least effort of searches that finds as much.
  for (int64_t effort = 4;; ++effort) {
    SearchResult found;
    ASSERT_TRUE(
        index->Search(rows.view(), {.k = 11, .index = IndexKind::kGraph, .effort = effort}, &found)
            .ok());
    size_t near = 0;
    for (size_t row = 0; row < rows.rows(); ++row) {
      for (size_t i = row * 11; i < row * 11 + 11; ++i) {
        near += found.ids[i] != static_cast<int64_t>(row) && found.ids[i] != kNoId &&
                found.distances[i] <= truth[row].back().first;
      }
    }
    if (static_cast<double>(near) < 0.95 * 10 * static_cast<double>(rows.rows())) continue;
    EXPECT_LT(graph.stats.nodes, found.stats.nodes);
    EXPECT_LT(graph.stats.distances, found.stats.distances);
    break;
  }
}

TEST(NeighbourGraphEdgesTest, EitherAndMutual) {
  const Matrix rows = Matrix::Clustered(400, 8, 20, 0.5, 5);
  const auto index = InMemory(rows, Metric::kAngular, ExactOptions{});
  const NeighbourGraph directed = Make(*index, {.k = 6});
  std::set<std::pair<size_t, size_t>> there;
  for (size_t row = 0; row < 400; ++row) {
    for (const uint32_t to : directed.of(row)) there.insert({row, to});
  }
  for (const EdgesKept kept : {EdgesKept::kEither, EdgesKept::kMutual}) {
    for (const bool with_self : {false, true}) {
      const NeighbourGraph graph =
          Make(*index, {.k = 6, .edges = kept, .with_self = with_self, .threads = 3});
      for (size_t row = 0; row < 400; ++row) {
        const auto edges = EdgesOf(graph, row);
        EXPECT_TRUE(std::is_sorted(edges.begin(), edges.end()));
        std::set<size_t> expected;
        for (size_t to = 0; to < 400; ++to) {
          const bool one = there.count({row, to}) > 0;
          const bool other = there.count({to, row}) > 0;
          if (kept == EdgesKept::kEither ? one || other : one && other) expected.insert(to);
        }
        if (with_self) expected.insert(row);
        std::set<size_t> got;
        for (const Edge& edge : edges) got.insert(edge.second);
        EXPECT_EQ(got, expected) << row;
        EXPECT_EQ(got.size(), edges.size());
      }
    }
  }
}

TEST(NeighbourGraphEdgesTest, FewVectors) {
  for (const size_t n : {1, 2, 3}) {
    const Matrix rows = Matrix::Random(DataType::kF32, n, 4, 6);
    const auto index = InMemory(rows, Metric::kEuclidean, ExactOptions{});
    for (const bool with_self : {false, true}) {
      const NeighbourGraph graph = Make(*index, {.with_self = with_self});
      EXPECT_EQ(graph.neighbours.size(), n * (n - 1 + (with_self ? 1 : 0)));
    }
    EXPECT_EQ(Make(*index, {.edges = EdgesKept::kMutual}).neighbours.size(), n * (n - 1));
  }
}

TEST(NeighbourGraphEdgesTest, WhatCannotBeIsSaid) {
  const Matrix rows = Matrix::Random(DataType::kF32, 600, 8, 7);
  const auto exact = InMemory(rows, Metric::kEuclidean, ExactOptions{});
  const auto message = [&](const NeighbourGraphOptions& options) {
    const auto graph = MakeNeighbourGraph(*exact, options);
    EXPECT_EQ(graph.status().code(), StatusCode::kInvalidArgument);
    return graph.status().message();
  };
  EXPECT_NE(message({.k = 0}).find("k is 0"), std::string::npos);
  for (const double recall : {0.0, -1.0, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_NE(message({.recall = recall}).find("recall is"), std::string::npos);
  }
  EXPECT_NE(message({.index = IndexKind::kGraph}).find("has no graph"), std::string::npos);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_NE(message({.stop = stop.get_token()}).find("cancelled"), std::string::npos);
  EXPECT_NE(message({.progress = [](std::string_view, uint64_t, uint64_t) { return false; }})
                .find("cancelled"),
            std::string::npos);
  EXPECT_EQ(WriteNeighbourGraph("/nowhere/at/all.npz", Make(*exact, {.k = 2})).code(),
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace kith
