// Pairs within a distance and their groups, beside every pair compared by a plain loop.
#include "kith/duplicates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "expect_error.h"
#include "kith/index.h"

namespace kith {
namespace {

using PairSet = std::set<std::pair<uint64_t, uint64_t>>;

// Random points, of which every tenth is followed by copies that were moved a little.
std::vector<float> WithCopies(size_t rows, size_t dim, double moved, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(rows * dim);
  for (float& value : values) value = static_cast<float>(rng.Normal());
  for (size_t r = 0; r < rows; ++r) {
    if (r % 10 != 1 && r % 10 != 2) continue;  // rows 0, 1, 2; 10, 11, 12; ... are alike
    for (size_t c = 0; c < dim; ++c) {
      const double noise = moved * rng.Normal();
      values[r * dim + c] = values[(r - r % 10) * dim + c] + static_cast<float>(noise);
    }
  }
  return values;
}

PairSet PairsByHand(const std::vector<float>& values, size_t dim, double within) {
  PairSet pairs;
  const size_t rows = values.size() / dim;
  for (size_t a = 0; a < rows; ++a) {
    for (size_t b = a + 1; b < rows; ++b) {
      double sum = 0;
      for (size_t c = 0; c < dim; ++c) {
        const double d = double{values[a * dim + c]} - double{values[b * dim + c]};
        sum += d * d;
      }
      if (std::sqrt(sum) <= within) pairs.emplace(a, b);
    }
  }
  return pairs;
}

PairSet SetOf(const Duplicates& found) {
  PairSet pairs;
  for (const DuplicatePair& pair : found.pairs) pairs.emplace(pair.a, pair.b);
  EXPECT_EQ(pairs.size(), found.pairs.size()) << "a pair is there twice";
  return pairs;
}

std::unique_ptr<Index> Build(const std::vector<float>& values, size_t dim, bool exact,
                             Metric metric = Metric::kEuclidean) {
  BuildOptions options;
  options.metric = metric;
  options.calibrate = false;
  options.paths = {ExactOptions{}};
  if (!exact) options.paths = {GraphOptions{}};
  auto index = BuildIndexInMemory(ViewOf(values.data(), values.size() / dim, dim), options);
  EXPECT_TRUE(index.ok()) << index.status().message();
  return std::move(index).value();
}

TEST(DuplicatesTest, ExactSearchFindsEveryPairAndNoOther) {
  constexpr size_t kDim = 12;
  const std::vector<float> values = WithCopies(600, kDim, 0.05, 1);
  const auto index = Build(values, kDim, true);
  const auto found = FindDuplicates(*index, {.within = 0.4});
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(found->index, IndexKind::kExact);
  const PairSet expected = PairsByHand(values, kDim, 0.4);
  EXPECT_GT(expected.size(), 150u);
  EXPECT_EQ(SetOf(*found), expected);
  float last = 0;
  for (const DuplicatePair& pair : found->pairs) {
    EXPECT_LT(pair.a, pair.b);
    EXPECT_LE(last, pair.distance);
    last = pair.distance;
  }
  ASSERT_EQ(found->groups.size(), 60u);
  for (size_t g = 0; g < 60; ++g) {
    EXPECT_EQ(found->groups[g], (std::vector<uint64_t>{10 * g, 10 * g + 1, 10 * g + 2}));
  }
}

TEST(DuplicatesTest, AGraphFindsNearlyAllOfThem) {
  constexpr size_t kDim = 16;
  const std::vector<float> values = WithCopies(4000, kDim, 0.05, 2);
  const auto index = Build(values, kDim, false);
  const auto found =
      FindDuplicates(*index, {.within = 0.5, .recall = 0.95, .index = IndexKind::kGraph});
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(found->index, IndexKind::kGraph);
  const PairSet expected = PairsByHand(values, kDim, 0.5);
  const PairSet pairs = SetOf(*found);
  EXPECT_GE(static_cast<double>(pairs.size()), 0.99 * static_cast<double>(expected.size()));
  for (const auto& pair : pairs) EXPECT_TRUE(expected.contains(pair));
}

TEST(DuplicatesTest, MoreCopiesThanAreLookedAtFirst) {
  constexpr size_t kDim = 4;
  std::vector<float> values = WithCopies(300, kDim, 0, 3);
  for (size_t r = 100; r < 250; ++r) {  // 150 of one vector
    for (size_t c = 0; c < kDim; ++c) values[r * kDim + c] = 9;
  }
  const PairSet expected = PairsByHand(values, kDim, 0);
  for (const bool exact : {true, false}) {
    const auto index = Build(values, kDim, exact);
    const auto found = FindDuplicates(*index, {.within = 0});
    ASSERT_TRUE(found.ok()) << found.status().message();
    EXPECT_EQ(SetOf(*found), expected);
    EXPECT_EQ(found->groups.size(), 16u);  // of 3 each, but for the large one
  }
}

TEST(DuplicatesTest, ChainsAreOneGroup) {
  std::vector<float> values;
  for (size_t i = 0; i < 50; ++i) values.push_back(static_cast<float>(i));
  values.push_back(1000);
  const auto index = Build(values, 1, true);
  const auto found = FindDuplicates(*index, {.within = 1});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->pairs.size(), 49u);
  ASSERT_EQ(found->groups.size(), 1u);
  EXPECT_EQ(found->groups[0].size(), 50u);
  // And all of them, where everything is near.
  const auto all = FindDuplicates(*index, {.within = 1e6});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->pairs.size(), 51u * 50u / 2u);
}

TEST(DuplicatesTest, AreTheSameOnAnyNumberOfThreads) {
  const std::vector<float> values = WithCopies(2000, 8, 0.1, 4);
  const auto index = Build(values, 8, true);
  const auto one = FindDuplicates(*index, {.within = 2.5, .threads = 1});
  const auto three = FindDuplicates(*index, {.within = 2.5, .threads = 3});
  ASSERT_TRUE(one.ok() && three.ok());
  ASSERT_EQ(one->pairs.size(), three->pairs.size());
  EXPECT_GT(one->pairs.size(), 20000u);  // many have more than are looked at first
  for (size_t i = 0; i < one->pairs.size(); ++i) {
    EXPECT_EQ(one->pairs[i].a, three->pairs[i].a);
    EXPECT_EQ(one->pairs[i].b, three->pairs[i].b);
    EXPECT_EQ(one->pairs[i].distance, three->pairs[i].distance);
  }
  EXPECT_EQ(one->groups, three->groups);
}

TEST(DuplicatesTest, OfOneVectorAndOfFaultyOptions) {
  const std::vector<float> values(4, 1.0f);
  const auto one = Build(values, 4, true);
  const auto none = FindDuplicates(*one, {.within = 1});
  ASSERT_TRUE(none.ok()) << none.status().message();
  EXPECT_TRUE(none->pairs.empty());
  EXPECT_TRUE(none->groups.empty());
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const auto expect = [&](const DuplicateOptions& options, const char* words) {
    const auto found = FindDuplicates(*one, options);
    testing::ExpectError(found.status(), StatusCode::kInvalidArgument, {words});
  };
  expect({.within = kNan}, "finite number");
  expect({.within = 1, .recall = 0}, "recall");
  expect({.within = 1, .index = IndexKind::kGraph}, "graph");
}

}  // namespace
}  // namespace kith
