// One tree: every point once, in a leaf that descending by the stored planes leads to, whatever the
// scales in the data.
#include "trees/rp_tree.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "simd/kernels.h"
#include "test_pool.h"
#include "trees/tree_insert.h"

namespace kith {
namespace {

// Sketches of n points, value(point, coordinate).
struct Points {
  Points(size_t count, size_t sketch_dim, const std::function<double(size_t, size_t)>& value)
      : n(count), dim(sketch_dim), stride(quant::SketchStride(sketch_dim)) {
    sketches = AlignedBuffer<float>::Create(n * stride).value();
    for (size_t i = 0; i < n; ++i) {
      for (size_t c = 0; c < dim; ++c) sketches[i * stride + c] = static_cast<float>(value(i, c));
    }
  }
  const float* row(size_t i) const { return sketches.data() + i * stride; }
  trees::Tree Grow(uint32_t leaf_size, uint64_t seed = 1) const {
    const auto bytes = quant::RoundSketches(sketches.data(), n, dim, TestPool());
    return trees::GrowTree(*bytes, sketches.data(), n, {dim, leaf_size}, seed, TestPool()).value();
  }

  size_t n;
  size_t dim;
  size_t stride;
  AlignedBuffer<float> sketches;
};

struct Shape {
  double found = 0;      // share of the points that a descent by stored planes leads to
  double leaf_mean = 0;  // points in a leaf
  double depth = 0;      // of a point, mean
};

// Checks the structure, and measures it.
Shape Check(const trees::Tree& tree, const Points& points, uint32_t leaf_size) {
  const size_t node_bytes = trees::NodeBytes(points.dim);
  const size_t num_nodes = tree.nodes.size() / node_bytes;
  EXPECT_EQ(tree.nodes.size() % node_bytes, 0u);
  EXPECT_EQ(tree.leaf_ends.size(), num_nodes + 1);
  EXPECT_EQ(tree.entries.size(), points.n);
  EXPECT_EQ(tree.leaf_ends.back(), points.n);
  std::vector<uint32_t> leaf_of(points.n, ~0u);
  uint32_t begin = 0;
  for (uint32_t leaf = 0; leaf < tree.leaf_ends.size(); ++leaf) {
    EXPECT_GT(tree.leaf_ends[leaf], begin) << "an empty leaf";
    EXPECT_LE(tree.leaf_ends[leaf] - begin, leaf_size);
    for (; begin < tree.leaf_ends[leaf]; ++begin) {
      const uint32_t point = tree.entries[begin];
      if (point >= points.n) {
        ADD_FAILURE() << "point " << point;
        return {};
      }
      EXPECT_EQ(leaf_of[point], ~0u) << "point " << point << " twice";
      leaf_of[point] = leaf;
    }
  }
  Shape shape;
  shape.leaf_mean = static_cast<double>(points.n) / static_cast<double>(tree.leaf_ends.size());
  for (size_t i = 0; i < points.n; ++i) {
    uint32_t child = tree.root;
    while ((child & trees::kLeafBit) == 0) {
      trees::TreeNode node{};
      std::memcpy(&node, tree.nodes.data() + child * node_bytes, sizeof(node));
      const auto* direction = reinterpret_cast<const int8_t*>(
          tree.nodes.data() + child * node_bytes + sizeof(trees::TreeNode));
      double dot = 0;
      for (size_t c = 0; c < points.dim; ++c) {
        dot += direction[c] * static_cast<double>(points.row(i)[c]);
      }
      const uint32_t next =
          node.scale * dot - node.threshold < 0 ? node.children[0] : node.children[1];
      if ((next & trees::kLeafBit) == 0 && (next <= child || next >= num_nodes)) {
        ADD_FAILURE() << "node " << child << " has the child " << next;
        return {};
      }
      child = next;
      shape.depth += 1 / static_cast<double>(points.n);
    }
    if ((child & ~trees::kLeafBit) == leaf_of[i]) shape.found += 1 / static_cast<double>(points.n);
  }
  return shape;
}

TEST(RpTreeTest, SmallAndLargeSets) {
  Rng rng(1);
  for (const size_t n : {1, 2, 7, 100, 8192, 8193, 20000, 60000}) {
    SCOPED_TRACE(n);
    const Points points(n, 20, [&](size_t, size_t) { return rng.Normal(); });
    const Shape shape = Check(points.Grow(30), points, 30);
    EXPECT_GT(shape.found, 0.93);
    if (n < 100) continue;
    EXPECT_GT(shape.leaf_mean, 12);
    EXPECT_LT(shape.depth, 1.35 * std::log2(static_cast<double>(n) / shape.leaf_mean) + 1);
  }
}

// Points that come later end where the planes lead them, behind those of the leaf.
TEST(RpTreeTest, TakesFurtherPoints) {
  Rng rng(4);
  for (const size_t n : {1, 5, 3000}) {
    for (const size_t added : {1, 40, 3000}) {
      SCOPED_TRACE(::testing::Message() << n << " and " << added);
      const Points all(n + added, 20, [&](size_t, size_t) { return rng.Normal(); });
      const Points first(n, 20, [&](size_t i, size_t c) { return all.row(i)[c]; });
      const trees::Tree before = first.Grow(30);
      trees::Tree tree = before;
      trees::InsertPoints(all.row(n), added, all.dim, &tree);
      const Shape shape = Check(tree, all, 3030);
      const double found = Check(before, first, 30).found;
      EXPECT_NEAR(shape.found * static_cast<double>(n + added),
                  found * static_cast<double>(n) + static_cast<double>(added), 1e-6);
      EXPECT_EQ(tree.root, before.root);
      EXPECT_TRUE(tree.nodes == before.nodes);
      for (size_t leaf = 0; leaf < before.leaf_ends.size(); ++leaf) {
        const size_t from = leaf == 0 ? 0 : before.leaf_ends[leaf - 1];
        const size_t to = leaf == 0 ? 0 : tree.leaf_ends[leaf - 1];
        const size_t old = before.leaf_ends[leaf] - from;
        for (size_t i = 0; i < tree.leaf_ends[leaf] - to; ++i) {
          const uint32_t entry = tree.entries[to + i];
          if (i < old) {
            EXPECT_EQ(entry, before.entries[from + i]);
          } else {
            EXPECT_GE(entry, n);
          }
        }
      }
    }
  }
}

TEST(RpTreeTest, EveryDimension) {
  Rng rng(2);
  for (const size_t dim : {1, 2, 15, 16, 17, 47, 48, 49, 63, 64, 65, 100, 111, 112}) {
    SCOPED_TRACE(dim);
    const Points points(3000, dim, [&](size_t, size_t) { return rng.Normal(); });
    EXPECT_GT(Check(points.Grow(30), points, 30).found, 0.9);
  }
}

TEST(RpTreeTest, LeavesOfAnySize) {
  Rng rng(3);
  const Points points(30000, 8, [&](size_t, size_t) { return rng.Normal(); });
  for (const uint32_t leaf_size : {1, 2, 5, 1000, 9000, 29999, 30000}) {
    SCOPED_TRACE(leaf_size);
    EXPECT_GT(Check(points.Grow(leaf_size), points, leaf_size).found, 0.8);
  }
}

// Where one scale for all bytes tells nothing apart: clusters of diameter 1 that lie 10^4 or 10^6
// apart, in small sets and in large ones; and norms over six orders of magnitude.
TEST(RpTreeTest, ClustersFarApart) {
  for (const double apart : {1e4, 1e6}) {
    for (const size_t clusters : {2, 300}) {
      for (const size_t n : {5000, 40000}) {
        SCOPED_TRACE(::testing::Message() << n << " in " << clusters << ", " << apart);
        Rng rng(4);
        const Points points(n, 20, [&](size_t i, size_t c) {
          return rng.Normal() + apart * Rng(i % clusters, c).Normal();
        });
        const Shape shape = Check(points.Grow(30), points, 30);
        // At 10^6 the floats of sketches and thresholds are themselves a sixteenth apart.
        EXPECT_GT(shape.found, apart > 1e5 ? 0.8 : 0.95);
        EXPECT_GT(shape.leaf_mean, 10);
      }
    }
  }
}

TEST(RpTreeTest, NormsOfManyScales) {
  Rng rng(5);
  const Points points(40000, 20, [&](size_t i, size_t) {
    return rng.Normal() * std::pow(10.0, -static_cast<double>(i % 7));
  });
  const Shape shape = Check(points.Grow(30), points, 30);
  EXPECT_GT(shape.found, 0.9);
  EXPECT_LT(shape.depth, 20);
}

// The same points many times: divided by turns, to leaves that no plane leads to.
TEST(RpTreeTest, Duplicates) {
  for (const size_t different : {1, 2, 50}) {
    for (const size_t n : {4000, 30000}) {
      SCOPED_TRACE(::testing::Message() << n << " of " << different);
      const Points points(n, 20,
                          [&](size_t i, size_t c) { return Rng(i % different, c).Normal(); });
      const Shape shape = Check(points.Grow(30), points, 30);
      EXPECT_LT(shape.depth, 3 + 1.5 * std::log2(static_cast<double>(n) / 15));
    }
  }
}

TEST(RpTreeTest, DependsOnTheSeedButNotOnTheTarget) {
  Rng rng(6);
  const Points points(
      20000, 40, [&](size_t i, size_t c) { return rng.Normal() + 1e5 * Rng(i % 3, c).Normal(); });
  const trees::Tree tree = points.Grow(30, 1);
  EXPECT_NE(points.Grow(30, 2).entries, tree.entries);
  for (const simd::Kernels& kernels : simd::AvailableKernels()) {
    // Without fused multiply-add, floats round otherwise.
    const std::string target = kernels.target;
    if (target == "SCALAR" || target == "EMU128") continue;
    ASSERT_TRUE(simd::ForceTarget(kernels.target).ok());
    const trees::Tree again = points.Grow(30, 1);
    EXPECT_EQ(again.entries, tree.entries) << kernels.target;
    EXPECT_EQ(again.nodes, tree.nodes) << kernels.target;
  }
  ASSERT_TRUE(simd::ForceTarget("").ok());
}

}  // namespace
}  // namespace kith
