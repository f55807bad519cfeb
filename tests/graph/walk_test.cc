// The walk over a store that it has never heard of, and what a filter is to it.
#include "graph/walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <utility>
#include <vector>

#include "graph/batch.h"
#include "graph/store.h"
#include "kith/filter.h"
#include "matrix.h"
#include "test_pool.h"

namespace kith {
namespace {

using graph::Outline;
using testing::Matrix;

// Nodes are the numbers 0, 1, 2, ... and lead to the eight on either side. Nothing is stored but
// the vectors.
class LineStore {
 public:
  static constexpr bool kMeetsWithDistance = true;
  static constexpr uint32_t kSide = 8;

  struct Query {
    float at = 0;
  };

  LineStore(const Matrix& numbers, const std::vector<uint32_t>& entries,
            const graph::ShellEntries& shell_entries = {}) {
    outline_ = {static_cast<uint32_t>(numbers.rows()), 2 * kSide, entries, Metric::kEuclidean, 0};
    outline_.shell_entries = shell_entries;
    table_.rows = numbers.view();
  }

  const Outline& outline() const { return outline_; }
  const search::VectorTable& table() const { return table_; }
  static bool rounded() { return false; }
  static size_t row_bytes() { return sizeof(float); }

  static Result<Query> NewQuery() { return Query{}; }
  static void Take(const graph::Batch& batch, size_t slot, Query* query) {
    query->at = *reinterpret_cast<const float*>(batch.queries().row(batch.query(slot)));
  }
  static void Distances(const Query& query, const uint32_t* nodes, size_t count, float* out) {
    for (size_t i = 0; i < count; ++i) {
      const float difference = static_cast<float>(nodes[i]) - query.at;
      out[i] = difference * difference;
    }
  }
  void Expand(uint32_t node, Query* query, graph::Frontier* frontier, SearchStats* stats) const {
    for (uint32_t i = 0; i < 2 * kSide; ++i) {
      const uint32_t next = node - kSide + i + (i < kSide ? 0 : 1);  // below 0: a node not there
      if (!frontier->Meet(next)) continue;
      float distance = 0;
      Distances(*query, &next, 1, &distance);
      ++stats->distances;
      frontier->Found(distance, next);
      frontier->Offer(frontier->Key(distance), next);
    }
    frontier->Enter();
  }
  void Prefetch(uint32_t /*node*/) const {}

 private:
  Outline outline_;
  search::VectorTable table_;
};
static_assert(graph::NodeStore<LineStore>);

constexpr size_t kNodes = 1000;

class WalkTest : public ::testing::Test {
 protected:
  WalkTest() : numbers_(DataType::kF32, kNodes, 1), store_(numbers_, entries_) {
    for (size_t i = 0; i < kNodes; ++i) numbers_.Set(i, 0, static_cast<double>(i));
    store_ = LineStore(numbers_, entries_);
  }

  // The k nearest to a number, as the walk finds them, in order.
  std::vector<uint32_t> Nearest(double number, size_t k, double width,
                                const RowFilter* filter = nullptr, size_t excluded = 0) {
    Matrix query(DataType::kF32, 1, 1);
    query.Set(0, 0, number);
    const auto batch = graph::Batch::Create(&store_.table(), query.view(), 0, 1);
    std::vector<graph::Walk<LineStore>> walks(1);
    EXPECT_TRUE(batch.ok() && walks[0].Init(store_).ok());
    graph::Terms terms = graph::MakeTerms(store_.outline(), 0, k, width);
    terms.excluded = excluded;
    std::vector<uint32_t> nodes;
    stats_ = {};
    visited_.clear();
    const auto start = [&](graph::Walk<LineStore>* walk, size_t slot) {
      walk->KeepVisited(&visited_);
      walk->Start(*batch, slot, terms, {filter, 0, nullptr}, shells_, &stats_);
    };
    const auto finish = [&](graph::Walk<LineStore>* walk, size_t /*slot*/) {
      for (const search::Candidate& c : walk->found().Sorted()) {
        nodes.push_back(c.row);
        EXPECT_EQ(walk->DistanceTo(c.row), c.distance);
      }
    };
    EXPECT_TRUE(
        graph::RunWalks(std::span(walks), 1, batch->size(), TestPool(1), start, finish, &stats_)
            .ok());
    return nodes;
  }

  std::vector<uint32_t> entries_{500, 10, 990};
  graph::ShellRange shells_{0, 1};
  Matrix numbers_;
  LineStore store_;
  SearchStats stats_;
  std::vector<uint32_t> visited_;
};

TEST_F(WalkTest, FindsTheNearestInAnyStore) {
  for (const double number : {0.0, 3.2, 499.9, 777.4, 999.0}) {
    SCOPED_TRACE(number);
    const std::vector<uint32_t> nodes = Nearest(number, 5, 20);
    ASSERT_EQ(nodes.size(), 5u);
    double last = 0;
    for (const uint32_t node : nodes) {
      EXPECT_LE(std::fabs(node - number), 5.0);
      EXPECT_GE(std::fabs(node - number), last);
      last = std::fabs(node - number);
    }
    EXPECT_EQ(stats_.nodes, visited_.size());
    EXPECT_EQ(std::set<uint32_t>(visited_.begin(), visited_.end()).size(), visited_.size());
    EXPECT_EQ(nodes[0], static_cast<uint32_t>(std::lround(number)));
  }
}

// Lets the numbers pass that are outside a range.
class OutsideOf final : public RowFilter {
 public:
  OutsideOf(uint64_t first, uint64_t last, uint64_t known, bool absent)
      : first_(first), last_(last), known_(known), absent_(absent) {}

  bool Passes(size_t /*query*/, uint64_t row) const noexcept override {
    return row < first_ || row > last_;
  }
  uint64_t NumExcluded(size_t /*query*/) const noexcept override { return known_; }
  bool absent() const noexcept override { return absent_; }

 private:
  uint64_t first_;
  uint64_t last_;
  uint64_t known_;
  bool absent_;
};

// A walk that is told how many do not pass is that of a search for so many more.
TEST_F(WalkTest, CountsThoseThatDoNotPassIfItKnowsOfThem) {
  const OutsideOf filter(703, 705, 3, false);
  const std::vector<uint32_t> more = Nearest(704.2, 8, 30);
  const SearchStats stats = stats_;
  const std::vector<uint32_t> visited = visited_;
  EXPECT_EQ(Nearest(704.2, 8, 30, &filter, 3), more);
  EXPECT_EQ(visited_, visited);
  EXPECT_EQ(stats_.distances, stats.distances);
}

// Of filters that cannot tell how many, only what passes is taken, and the walk goes on until there
// is enough of it.
TEST_F(WalkTest, GoesOnUntilEnoughPass) {
  const OutsideOf filter(680, 720, 0, false);
  const std::vector<uint32_t> nodes = Nearest(700.2, 4, 64, &filter);
  EXPECT_EQ(nodes, (std::vector<uint32_t>{721, 679, 722, 678}));
}

// Rows that are absent are not even led over.
TEST_F(WalkTest, PassesAbsentNodesBy) {
  const OutsideOf gap(702, 705, 4, true);
  EXPECT_EQ(Nearest(704.2, 3, 64, &gap), (std::vector<uint32_t>{706, 707, 701}));
  for (const uint32_t node : visited_) EXPECT_TRUE(gap.Passes(0, node)) << node;
  // A gap that no link spans cannot be crossed.
  const OutsideOf wide(530, 560, 31, true);
  entries_ = {500, 10, 20};
  store_ = LineStore(numbers_, entries_);
  EXPECT_EQ(Nearest(700, 3, 64, &wide), (std::vector<uint32_t>{529, 528, 527}));
  // Entries may be absent themselves.
  const OutsideOf entry(500, 500, 1, true);
  EXPECT_EQ(Nearest(500.1, 2, 64, &entry), (std::vector<uint32_t>{501, 499}));
}

// Here the numbers 10 to 999 lead everywhere, and a width of 1 visits no more than it must: what a
// walk finds tells in which shells it has been.
TEST_F(WalkTest, GoesThroughTheShellsInTurn) {
  entries_ = {990, 500, 10};
  store_ = LineStore(numbers_, entries_, {1, 1, 1, 0});
  EXPECT_EQ(store_.outline().NumShells(), 3u);
  EXPECT_EQ(store_.outline().EntriesOf(1).front(), 500u);
  // No walk of width 1 from 990 gets to 500 or 10: nine more steps away than one visit sees.
  shells_ = {0, 1};
  Nearest(995, 1, 1);
  const std::vector<uint32_t> first = visited_;
  shells_ = {0, 3};
  Nearest(995, 1, 1);
  ASSERT_GE(visited_.size(), first.size());
  EXPECT_TRUE(std::equal(first.begin(), first.end(), visited_.begin()));
  // What is found in one shell ends the walk of the next as soon as that begins far away.
  EXPECT_EQ(visited_.size(), first.size());
  // The nearest of all shells is found, wherever it is.
  for (const double number : {12.0, 503.0, 985.0}) {
    const std::vector<uint32_t> nodes = Nearest(number, 1, 1);
    ASSERT_EQ(nodes.size(), 1u);
    EXPECT_EQ(nodes[0], static_cast<uint32_t>(number));
  }
  // One shell alone: its own entry, no other.
  shells_ = {2, 3};
  Nearest(10, 1, 1);
  ASSERT_FALSE(visited_.empty());
  EXPECT_EQ(visited_.front(), 10u);
}

}  // namespace
}  // namespace kith
