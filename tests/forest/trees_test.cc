// Leaf blocks and the queue of branches: what a walk through a forest is made of.
#include "forest/trees.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "kith/index.h"
#include "matrix.h"
#include "storage/container.h"
#include "temp_dir.h"
#include "test_pool.h"
#include "trees/branch_queue.h"

namespace kith {
namespace {

using testing::TempDir;

// Trees of single leaves, written to a file and opened again.
class LeavesTest : public ::testing::Test {
 protected:
  void Write(const std::vector<uint32_t>& roots, const std::vector<std::byte>& leaves,
             uint64_t num_vectors) {
    auto writer = storage::ContainerWriter::Create(dir_.File("x"), num_vectors, 1,
                                                   Metric::kEuclidean, DataType::kF32);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->AddSection("roots", std::as_bytes(std::span(roots))).ok());
    ASSERT_TRUE((*writer)->AddSection("nodes", {}).ok());
    ASSERT_TRUE((*writer)->AddSection("leaves", leaves).ok());
    ASSERT_TRUE((*writer)->Finish().ok());
    const std::string_view known[] = {"roots", "nodes", "leaves"};
    auto reader = storage::ContainerReader::Open(dir_.File("x"), known);
    ASSERT_TRUE(reader.ok()) << reader.status().message();
    reader_ = *reader;
    header_.num_trees = static_cast<uint32_t>(roots.size());
    header_.sketch_dim = 1;
    header_.num_leaves = header_.num_trees;
    header_.num_entries = num_vectors * roots.size();
    auto trees = forest::Trees::Open(*reader_, header_, num_vectors);
    ASSERT_TRUE(trees.ok()) << trees.status().message();
    trees_ = *trees;
  }

  std::vector<uint32_t> Read(uint32_t leaf) const {
    std::vector<uint32_t> positions;
    trees_.ForEach(leaf, [&](uint32_t position) { positions.push_back(position); });
    return positions;
  }

  TempDir dir_;
  std::shared_ptr<const storage::ContainerReader> reader_;
  forest::Header header_{};
  forest::Trees trees_;
};

TEST_F(LeavesTest, HoldAnyAscendingPositions) {
  constexpr uint32_t kN = 0xFFFFFFF0u;
  const std::vector<std::vector<uint32_t>> lists = {
      {0},          {kN - 1},
      {0, 1, 2, 3}, {5, 5 + 0xFFFE, 5 + 0xFFFE + 0xFFFF, 5 + 0xFFFE + 0xFFFF + 0x10000},
      {0, kN - 1},  {7, 1000, 2'000'000'000, 2'000'000'001},
  };
  std::vector<std::byte> leaves;
  std::vector<uint32_t> children;
  for (const auto& list : lists) {
    const auto child = forest::AppendLeaf(list, &leaves);
    ASSERT_TRUE(child.ok());
    children.push_back(*child);
  }
  Write(children, leaves, kN);
  for (size_t i = 0; i < lists.size(); ++i) {
    EXPECT_TRUE(trees_.Exists(forest::Trees::kNoParent, children[i]));
    EXPECT_EQ(trees_.LeafSize(children[i]), lists[i].size());
    EXPECT_EQ(Read(children[i]), lists[i]);
  }
  EXPECT_FALSE(trees_.Exists(forest::Trees::kNoParent, trees::kLeafBit | 0x7FFFFFFFu));
}

// Whatever a block says, no position beyond the vectors is visited, and nothing beyond the section
// is read (the address sanitizer would tell).
TEST_F(LeavesTest, StayInBoundsWhenDamaged) {
  std::vector<std::byte> leaves;
  std::vector<uint32_t> positions;
  for (uint32_t i = 0; i < 300; ++i) positions.push_back(i * 3);
  const auto child = forest::AppendLeaf(positions, &leaves);
  ASSERT_TRUE(child.ok());
  Rng rng(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::byte> damaged = leaves;
    for (int i = 0; i < 5; ++i) {
      const uint32_t at = round % 2 == 0 ? rng.Below(8) : rng.Below(damaged.size());
      damaged[at] = static_cast<std::byte>(i < 2 ? 0xFF : rng.Below(256));
    }
    damaged.resize((1 + rng.Below(damaged.size() / forest::kLeafUnit)) * forest::kLeafUnit);
    Write({*child}, damaged, 900);
    for (const uint32_t position : Read(*child)) EXPECT_LT(position, 900u);
    EXPECT_EQ(trees_.Verify(*reader_, header_, {&TestPool()}).code(), StatusCode::kCorruption);
  }
}

TEST_F(LeavesTest, AreVerified) {
  std::vector<std::byte> leaves;
  const auto whole = forest::AppendLeaf(std::vector<uint32_t>{0, 1, 2}, &leaves);
  const auto again = forest::AppendLeaf(std::vector<uint32_t>{0, 1, 2}, &leaves);
  const auto part = forest::AppendLeaf(std::vector<uint32_t>{0, 2}, &leaves);
  ASSERT_TRUE(whole.ok() && again.ok() && part.ok());
  Write({*whole, *again}, leaves, 3);
  EXPECT_TRUE(trees_.Verify(*reader_, header_, {&TestPool()}).ok());
  // No leaf is in two places.
  Write({*whole, *whole}, leaves, 3);
  EXPECT_EQ(trees_.Verify(*reader_, header_, {&TestPool()}).code(), StatusCode::kCorruption);
  Write({*whole, *part}, leaves, 3);
  EXPECT_EQ(trees_.Verify(*reader_, header_, {&TestPool()}).code(), StatusCode::kCorruption);
}

TEST(BranchQueueTest, GivesTheCheapestFirst) {
  Rng rng(3);
  trees::BranchQueue queue;
  for (int round = 0; round < 50; ++round) {
    queue.Clear();
    size_t in = 0;
    size_t out = 0;
    float before = -std::numeric_limits<float>::infinity();
    const auto push = [&](float least, size_t count) {
      trees::Branch* room = queue.Reserve(count + 3);
      for (size_t i = 0; i < count; ++i) {
        const float cost = std::ldexp(static_cast<float>(rng.Uniform()) - 0.4f,
                                      static_cast<int>(rng.Below(20)) - 10);
        room[i] = {std::max(cost, least), static_cast<uint32_t>(in++)};
      }
      queue.Commit(count);
    };
    // The first ones set the scale: what comes later and costs more than any of them is not sorted.
    queue.Reserve(1)[0] = {1024, static_cast<uint32_t>(in++)};
    queue.Commit(1);
    push(before, 1 + rng.Below(500));
    trees::Branch branches[8];
    while (const size_t count = queue.Pop(1 + rng.Below(8), branches)) {
      for (size_t i = 0; i < count; ++i) {
        // Within a bucket any order is right: an error of 1/16 covers a bucket on either side. What
        // is smaller than the largest cost by 2^16 counts as the same.
        EXPECT_GE(branches[i].cost, before - std::abs(before) / 16 - 0.04f);
        before = std::max(before, branches[i].cost);
        ++out;
      }
      if (in < 1000) push(before, rng.Below(6));
    }
    EXPECT_EQ(in, out);
  }
}

TEST(BranchQueueTest, TakesExtremeCosts) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  trees::BranchQueue queue;
  trees::Branch* room = queue.Reserve(5);
  room[0] = {kInfinity, 0};
  room[1] = {1.0f, 1};
  room[2] = {-kInfinity, 2};
  room[3] = {0.0f, 3};
  room[4] = {-1e-40f, 4};
  queue.Commit(5);
  trees::Branch out[8];
  ASSERT_EQ(queue.Pop(8, out), 5u);
  EXPECT_EQ(out[0].child, 2u);
  EXPECT_EQ(out[4].child, 0u);
  EXPECT_EQ(queue.Pop(8, out), 0u);
  queue.Clear();
  EXPECT_EQ(queue.Pop(8, out), 0u);
}

}  // namespace
}  // namespace kith
