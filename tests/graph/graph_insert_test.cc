// Nodes inserted into a graph that is there: edges of the new ones, and back to them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <set>
#include <span>
#include <vector>

#include "graph/connect.h"
#include "graph/link.h"
#include "graph/space.h"
#include "matrix.h"
#include "quant/rotation.h"
#include "test_pool.h"

namespace kith {
namespace {

using testing::Matrix;

constexpr size_t kOld = 700;
constexpr size_t kAll = 1100;  // more than one chunk of new ones
constexpr size_t kDim = 6;

class GraphInsertTest : public ::testing::Test {
 protected:
  void SetUp() override { MakeSpace(Matrix::Random(DataType::kU8, kAll, kDim, 3)); }

  void MakeSpace(const Matrix& rows) {
    rows_ = rows;
    const quant::Geometry geometry(Metric::kEuclidean, kDim, 0);
    const std::vector<float> mean(kDim, 0.0f);
    std::vector<uint32_t> order(rows.rows());
    std::iota(order.begin(), order.end(), 0u);
    auto space = graph::Space::Create(rows_.view(), Metric::kEuclidean, order,
                                      graph::MakeFrame(geometry, mean, graph::SignsOf(geometry, 1)),
                                      false, TestPool(2));
    ASSERT_TRUE(space.ok()) << space.status().message();
    space_ = std::move(*space);
  }

  // The `count` nearest of nodes [0, before), nearest first.
  std::vector<uint32_t> Nearest(uint32_t node, size_t before, size_t count) const {
    std::vector<std::pair<double, uint32_t>> all;
    for (uint32_t other = 0; other < before; ++other) {
      if (other == node) continue;
      double sum = 0;
      for (size_t c = 0; c < kDim; ++c) {
        const double d = rows_.Get(node, c) - rows_.Get(other, c);
        sum += d * d;
      }
      all.emplace_back(sum, other);
    }
    count = std::min(count, all.size());
    std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(count), all.end());
    std::vector<uint32_t> ids;
    for (size_t i = 0; i < count; ++i) ids.push_back(all[i].second);
    return ids;
  }

  graph::CandidatesFn NearestOf(size_t before, size_t count, bool with_noise) const {
    return [=, this](size_t begin, size_t end, int /*thread*/, const auto& take) {
      for (size_t node = begin; node < end; ++node) {
        auto ids = Nearest(static_cast<uint32_t>(node), before, count);
        if (with_noise) {
          std::reverse(ids.begin(), ids.end());
          ids.push_back(static_cast<uint32_t>(node));
          ids.insert(ids.end(), ids.begin(), ids.begin() + static_cast<ptrdiff_t>(count / 2));
        }
        take(static_cast<uint32_t>(node), &ids);
      }
      return Status::Ok();
    };
  }

  // An old node for each new one, never the same.
  static uint32_t Own(uint32_t node) { return (node - kOld) * 9 % kOld; }
  static graph::CandidatesFn OwnCandidates() {
    return [](size_t begin, size_t end, int /*thread*/, const auto& take) {
      for (auto node = static_cast<uint32_t>(begin); node < end; ++node) {
        std::vector<uint32_t> ids = {Own(node)};
        take(node, &ids);
      }
      return Status::Ok();
    };
  }

  graph::LinkTable Old(size_t degree, size_t candidates) const {
    auto table =
        graph::LinkNodes(space_, {}, TestPool(2), kOld, degree, NearestOf(kOld, candidates, false));
    EXPECT_TRUE(table.ok());
    return table.ok() ? std::move(*table) : graph::LinkTable(kOld, degree);
  }

  static std::vector<uint32_t> Links(const graph::LinkTable& table, size_t node) {
    const auto links = table.Of(node);
    return {links.begin(), links.end()};
  }

  static bool Has(const graph::LinkTable& table, size_t node, uint32_t to) {
    const auto links = table.Of(node);
    return std::find(links.begin(), links.end(), to) != links.end();
  }

  static void CheckTable(const graph::LinkTable& table) {
    for (size_t node = 0; node < table.size(); ++node) {
      ASSERT_LE(table.counts[node], table.degree);
      std::set<uint32_t> seen;
      for (const uint32_t to : table.Of(node)) {
        ASSERT_LT(to, table.size()) << "of node " << node;
        ASSERT_NE(to, node);
        ASSERT_TRUE(seen.insert(to).second) << "node " << node << " names " << to << " twice";
      }
      for (size_t i = table.counts[node]; i < table.degree; ++i) {
        ASSERT_EQ(table.links[node * table.degree + i], graph::kNoNode) << "node " << node;
      }
    }
  }

  Matrix rows_;
  graph::Space space_;
};

TEST_F(GraphInsertTest, KeepsTheTableSound) {
  for (const size_t degree : {4, 16, 48}) {
    for (const size_t candidates : {1, 5, 60}) {
      SCOPED_TRACE(::testing::Message() << "degree " << degree << ", candidates " << candidates);
      graph::LinkTable table = Old(degree, 30);
      table.Resize(kAll);
      ASSERT_TRUE(graph::InsertNodes(space_, {}, TestPool(2), kOld,
                                     NearestOf(kOld, candidates, true), &table)
                      .ok());
      CheckTable(table);
      if (HasFatalFailure()) return;
      for (uint32_t node = kOld; node < kAll; ++node) {
        const auto links = table.Of(node);
        ASSERT_EQ(links.size(), std::min(degree, candidates));
        const auto nearest = Nearest(node, kOld, candidates);
        // To old nodes among the candidates only, the nearest first.
        for (const uint32_t to : links) {
          ASSERT_NE(std::find(nearest.begin(), nearest.end(), to), nearest.end());
        }
        float distances[2] = {};
        const uint32_t pair[2] = {links[0], nearest[0]};
        space_.ToNodes(node, pair, 2, distances);
        ASSERT_EQ(distances[0], distances[1]);
      }
    }
  }
}

TEST_F(GraphInsertTest, OldNodesWithRoomGetTheReverseOfEveryEdge) {
  constexpr size_t kDegree = 256;
  const graph::LinkTable before = Old(kDegree, 8);
  graph::LinkTable table = before;
  table.Resize(kAll);
  // Each has one candidate of its own, so that the edge is kept.
  ASSERT_TRUE(graph::InsertNodes(space_, {}, TestPool(2), kOld, OwnCandidates(), &table).ok());
  CheckTable(table);
  std::vector<std::vector<uint32_t>> expected(kOld);
  for (uint32_t node = kOld; node < kAll; ++node) {
    ASSERT_EQ(Links(table, node), std::vector<uint32_t>{Own(node)});
    expected[Own(node)].push_back(node);
  }
  size_t changed = 0;
  for (size_t node = 0; node < kOld; ++node) {
    auto links = Links(before, node);
    links.insert(links.end(), expected[node].begin(), expected[node].end());
    ASSERT_LE(links.size(), kDegree);
    ASSERT_EQ(Links(table, node), links) << "node " << node;
    changed += expected[node].empty() ? 0 : 1;
  }
  EXPECT_GT(changed, 100u);
}

TEST_F(GraphInsertTest, FullNodesChooseAgainAndOthersAreLeftAlone) {
  constexpr size_t kDegree = 8;
  const graph::LinkTable before = Old(kDegree, 60);
  graph::LinkTable table = before;
  table.Resize(kAll);
  ASSERT_TRUE(graph::InsertNodes(space_, {}, TestPool(2), kOld, OwnCandidates(), &table).ok());
  CheckTable(table);
  std::vector<std::vector<uint32_t>> sources(kOld);
  for (uint32_t node = kOld; node < kAll; ++node) sources[Own(node)].push_back(node);
  size_t taken = 0;
  size_t left = 0;
  for (size_t node = 0; node < kOld; ++node) {
    ASSERT_EQ(before.counts[node], kDegree);
    if (sources[node].empty()) {
      ASSERT_EQ(Links(table, node), Links(before, node)) << "node " << node;
      continue;
    }
    ASSERT_EQ(table.counts[node], kDegree);
    // Of what it had and what came, the nearest is always kept, and first.
    auto choice = Links(before, node);
    choice.insert(choice.end(), sources[node].begin(), sources[node].end());
    std::vector<float> distances(choice.size());
    space_.ToNodes(static_cast<uint32_t>(node), choice.data(), choice.size(), distances.data());
    float first = 0;
    const uint32_t link = table.Of(node)[0];
    space_.ToNodes(static_cast<uint32_t>(node), &link, 1, &first);
    ASSERT_EQ(first, *std::min_element(distances.begin(), distances.end()));
    for (const uint32_t to : table.Of(node)) {
      ASSERT_NE(std::find(choice.begin(), choice.end(), to), choice.end());
    }
    // A new one that is nearer than all others is among them; one farther than all is not.
    const uint32_t source = sources[node][0];
    const float distance = distances.back();
    const float farthest = *std::max_element(distances.begin(), distances.end() - 1);
    if (distance == *std::min_element(distances.begin(), distances.end())) {
      ASSERT_TRUE(Has(table, node, source));
      ++taken;
    }
    if (distance > farthest && !Has(table, node, source)) ++left;
  }
  EXPECT_GT(taken, 0u);
  EXPECT_GT(left, 0u);
}

// Those that are inserted together meet when they are linked once more.
TEST_F(GraphInsertTest, NewNodesFindEachOtherTheSecondTime) {
  Matrix rows = Matrix::Random(DataType::kU8, kAll, kDim, 3);
  // Pairs of new ones one step apart, far nearer than any old one.
  for (size_t r = kOld; r < kAll; r += 2) {
    rows.CopyRow(rows, r, r + 1);
    rows.Set(r + 1, 0, rows.Get(r, 0) < 200 ? rows.Get(r, 0) + 1 : rows.Get(r, 0) - 1);
  }
  MakeSpace(rows);
  graph::LinkTable table = Old(16, 30);
  table.Resize(kAll);
  ASSERT_TRUE(
      graph::InsertNodes(space_, {}, TestPool(2), kOld, NearestOf(kOld, 30, false), &table).ok());
  const graph::LinkTable once = table;
  const auto nearest = NearestOf(kAll, 30, true);
  // As a graph is built: what a node has is among its candidates.
  const auto with_own = [&](size_t begin, size_t end, int thread, const auto& take) {
    return nearest(begin, end, thread, [&](uint32_t node, std::vector<uint32_t>* ids) {
      ids->insert(ids->end(), once.Of(node).begin(), once.Of(node).end());
      take(node, ids);
    });
  };
  ASSERT_TRUE(graph::InsertNodes(space_, {}, TestPool(2), kOld, with_own, &table).ok());
  CheckTable(table);
  for (uint32_t node = kOld; node < kAll; node += 2) {
    EXPECT_FALSE(Has(once, node, node + 1)) << node;
    EXPECT_TRUE(Has(table, node, node + 1)) << node;
    EXPECT_TRUE(Has(table, node + 1, node)) << node;
  }
}

TEST_F(GraphInsertTest, DoesNotDependOnThreads) {
  const graph::LinkTable old = Old(12, 30);
  std::vector<graph::LinkTable> tables;
  for (const int threads : {1, 2, 3}) {
    graph::LinkTable table = old;
    table.Resize(kAll);
    ASSERT_TRUE(
        graph::InsertNodes(space_, {}, TestPool(threads), kOld, NearestOf(kOld, 40, true), &table)
            .ok());
    tables.push_back(table);
  }
  for (const graph::LinkTable& table : tables) {
    EXPECT_EQ(table.links, tables[0].links);
    EXPECT_EQ(table.counts, tables[0].counts);
  }
}

TEST_F(GraphInsertTest, NothingToInsertChangesNothing) {
  const graph::LinkTable old = Old(12, 30);
  graph::LinkTable table = old;
  ASSERT_TRUE(
      graph::InsertNodes(space_, {}, TestPool(2), kOld, NearestOf(kOld, 40, false), &table).ok());
  EXPECT_EQ(table.links, old.links);
  EXPECT_EQ(table.counts, old.counts);
}

// Nodes without candidates stay without edges; ConnectNodes() has to find them.
TEST_F(GraphInsertTest, NodesWithoutCandidatesAreConnectedLater) {
  graph::Edges edges{Old(8, 30), {{0}}};
  graph::LinkTable& table = edges.table;
  ASSERT_TRUE(graph::ConnectNodes(4096, TestPool(), &edges).ok());
  table.Resize(kAll);
  const auto nothing = [](size_t begin, size_t end, int /*thread*/, const auto& take) {
    for (size_t node = begin; node < end; ++node) {
      std::vector<uint32_t> none;
      take(static_cast<uint32_t>(node), &none);
    }
    return Status::Ok();
  };
  ASSERT_TRUE(graph::InsertNodes(space_, {}, TestPool(2), kOld, nothing, &table).ok());
  CheckTable(table);
  for (size_t node = kOld; node < kAll; ++node) ASSERT_EQ(table.counts[node], 0u);
  const std::vector<uint32_t>& entries = edges.entries.nodes;
  ASSERT_TRUE(graph::ConnectNodes(entries.size() + 3, TestPool(), &edges).ok());
  std::vector<bool> reached(kAll);
  std::vector<uint32_t> open = entries;
  for (const uint32_t entry : entries) reached[entry] = true;
  while (!open.empty()) {
    const uint32_t node = open.back();
    open.pop_back();
    for (const uint32_t to : table.Of(node)) {
      if (!reached[to]) open.push_back(to);
      reached[to] = true;
    }
  }
  EXPECT_EQ(std::count(reached.begin(), reached.end(), true), static_cast<ptrdiff_t>(kAll));
}

// All in one place: whatever is kept, the table is sound.
TEST_F(GraphInsertTest, EqualVectorsAreNoTrouble) {
  MakeSpace(Matrix(DataType::kU8, kAll, kDim));
  graph::LinkTable table = Old(8, 30);
  table.Resize(kAll);
  ASSERT_TRUE(
      graph::InsertNodes(space_, {}, TestPool(2), kOld, NearestOf(kOld, 30, true), &table).ok());
  CheckTable(table);
  for (size_t node = kOld; node < kAll; ++node) ASSERT_EQ(table.counts[node], 8u);
}

}  // namespace
}  // namespace kith
