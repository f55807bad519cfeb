// What trees are grown with: exact sums, hence the same on every target.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/rng.h"
#include "simd/kernels.h"

namespace kith::simd {
namespace {

constexpr size_t kRows = 150;

class TreeKernelsTest : public ::testing::TestWithParam<size_t> {
 protected:
  size_t stride() const { return GetParam(); }
  static const TreeKernels& Of(const Kernels& kernels) {
    return kernels.tree[GetParam() == 64 ? 0 : 1];
  }

  void SetUp() override {
    rows_ = AlignedBuffer<uint8_t>::Create(kRows * stride()).value();
    for (size_t i = 0; i < rows_.size(); ++i) rows_[i] = static_cast<uint8_t>(rng_.Below(256));
    // Extremes, too: all products of one sign.
    std::fill(rows_.data(), rows_.data() + stride(), uint8_t{255});
    for (size_t i = 0; i < 70; ++i) ids_.push_back(static_cast<uint32_t>((i * 37) % kRows));
    ids_[3] = 0;
  }

  SplitPlane RandomPlane() {
    SplitPlane plane{};
    double squares = 0;
    for (size_t c = 0; c < stride(); ++c) {
      plane.direction[c] = static_cast<int8_t>(static_cast<int>(rng_.Below(256)) - 128);
      squares += plane.direction[c] * plane.direction[c];
    }
    plane.norm = static_cast<float>(std::sqrt(squares));
    plane.threshold = Dot(plane.direction, 7);
    return plane;
  }

  int32_t Dot(const int8_t* direction, uint32_t row) const {
    int32_t sum = 0;
    for (size_t c = 0; c < stride(); ++c) sum += direction[c] * rows_[row * stride() + c];
    return sum;
  }

  Rng rng_{7};
  AlignedBuffer<uint8_t> rows_;
  std::vector<uint32_t> ids_;
};

TEST_P(TreeKernelsTest, ProjectsExactly) {
  for (int kind = 0; kind < 5; ++kind) {
    SplitPlane plane = RandomPlane();
    if (kind == 3) std::memset(plane.direction, 127, sizeof(plane.direction));
    if (kind == 4) std::memset(plane.direction, -128, sizeof(plane.direction));
    for (const Kernels& kernels : AvailableKernels()) {
      for (const size_t n : {ids_.size(), size_t{0}, size_t{1}, size_t{15}, size_t{16}}) {
        std::vector<int32_t> out(n + 1, -1);
        Of(kernels).project(plane, rows_.data(), ids_.data(), n, out.data());
        for (size_t i = 0; i < n; ++i) {
          ASSERT_EQ(out[i], Dot(plane.direction, ids_[i])) << kernels.target << ", at " << i;
        }
        ASSERT_EQ(out[n], -1) << kernels.target;
      }
    }
  }
}

TEST_P(TreeKernelsTest, DividesInOrder) {
  for (int kind = 0; kind < 20; ++kind) {
    SplitPlane plane = RandomPlane();
    if (kind == 1) plane.threshold = -1000000000;
    if (kind == 2) plane.threshold = 1000000000;
    for (const size_t n : {ids_.size(), size_t{64}, size_t{17}, size_t{1}, size_t{0}}) {
      std::vector<uint32_t> left;
      std::vector<uint32_t> right;
      size_t near = 0;
      for (size_t i = 0; i < n; ++i) {
        const int32_t dot = Dot(plane.direction, ids_[i]);
        (dot > plane.threshold ? right : left).push_back(ids_[i]);
        near += std::abs(dot - plane.threshold) < static_cast<int32_t>(plane.norm) ? 1 : 0;
      }
      std::vector<uint32_t> expected = left;
      expected.insert(expected.end(), right.begin(), right.end());
      for (const Kernels& kernels : AvailableKernels()) {
        std::vector<uint32_t> ids(ids_.begin(), ids_.begin() + static_cast<ptrdiff_t>(n));
        std::vector<uint32_t> scratch(n + 16);
        size_t found_near = ~size_t{0};
        EXPECT_EQ(
            Of(kernels).divide(plane, rows_.data(), ids.data(), n, scratch.data(), &found_near),
            left.size())
            << kernels.target;
        EXPECT_EQ(ids, expected) << kernels.target << ", " << n << " rows";
        EXPECT_EQ(found_near, near) << kernels.target;
      }
    }
  }
}

// Two groups of rows, of one level apart and of many: the plane is between them, and it is the same
// on every target.
TEST_P(TreeKernelsTest, TwoMeansFindsTwoGroups) {
  for (const int distance : {1, 3, 100}) {
    for (const size_t count : {2, 3, 31, 32, 50, 64}) {
      auto sample = AlignedBuffer<uint8_t>::Create(64 * stride()).value();
      const auto in_second = [](size_t i) { return i % 3 == 1; };
      for (size_t i = 0; i < 64; ++i) {
        for (size_t c = 0; c < stride(); ++c) {
          sample[i * stride() + c] = static_cast<uint8_t>(
              100 + rng_.Below(static_cast<uint32_t>(1 + distance / 20)) +
              (in_second(i) && c % 5 == 2 ? static_cast<uint32_t>(distance) : 0));
        }
      }
      // Begun from rows 0 and 1, one of either group.
      std::vector<uint32_t> order(count);
      for (size_t i = 0; i < count; ++i) order[i] = static_cast<uint32_t>(count - 1 - i);
      SplitPlane first{};
      for (const Kernels& kernels : AvailableKernels()) {
        SCOPED_TRACE(::testing::Message() << kernels.target << ", " << count << " rows");
        SplitPlane plane{};
        Of(kernels).two_means(sample.data(), order.data(), count, count - 1, count - 2, 4, &plane);
        double squares = 0;
        for (const int8_t v : plane.direction) squares += v * v;
        EXPECT_NEAR(plane.norm, std::sqrt(squares), 1e-3 * plane.norm);
        for (size_t i = 0; i < count; ++i) {
          int32_t dot = 0;
          for (size_t c = 0; c < stride(); ++c) {
            dot += plane.direction[c] * sample[i * stride() + c];
          }
          EXPECT_EQ(dot > plane.threshold, in_second(i)) << "row " << i;
        }
        if (&kernels == &AvailableKernels().front()) first = plane;
        EXPECT_EQ(std::memcmp(plane.direction, first.direction, sizeof(plane.direction)), 0);
        EXPECT_EQ(plane.threshold, first.threshold);
        EXPECT_EQ(plane.norm, first.norm);
      }
    }
  }
}

// Without structure, too, the targets agree on all rounds; equal rows have no plane.
TEST_P(TreeKernelsTest, TwoMeansIsTheSameOnEveryTarget) {
  for (const int rounds : {0, 1, 2, 5}) {
    SplitPlane first{};
    for (const Kernels& kernels : AvailableKernels()) {
      SplitPlane plane{};
      Of(kernels).two_means(rows_.data(), ids_.data(), 64, 1, 2, rounds, &plane);
      if (&kernels == &AvailableKernels().front()) first = plane;
      EXPECT_GT(plane.norm, 0);
      EXPECT_EQ(std::memcmp(plane.direction, first.direction, sizeof(plane.direction)), 0)
          << kernels.target << ", " << rounds << " rounds";
      EXPECT_EQ(plane.threshold, first.threshold) << kernels.target;
    }
  }
  auto same = AlignedBuffer<uint8_t>::Create(64 * stride()).value();
  std::vector<uint32_t> order(64);
  std::iota(order.begin(), order.end(), 0u);
  for (const Kernels& kernels : AvailableKernels()) {
    SplitPlane plane{};
    Of(kernels).two_means(same.data(), order.data(), 64, 1, 2, 3, &plane);
    EXPECT_EQ(plane.norm, 0) << kernels.target;
  }
}

TEST_P(TreeKernelsTest, RoutesEveryRowToItsEnd) {
  // A tree of nodes 0 .. 8: 0 -> 1, 2; 2 -> 3, 4; 3 -> 5, 6; 6 -> 7, 8; the others are ends.
  constexpr size_t kNodes = 9;
  const std::vector<int32_t> left = {1, -1, 3, 5, -5, -2, 7, -3, -4};
  auto directions = AlignedBuffer<int8_t>::Create(kNodes * stride()).value();
  auto offsets = AlignedBuffer<int32_t>::Create(kNodes * 16).value();
  for (const size_t node : {0, 2, 3, 6}) {
    const SplitPlane plane = RandomPlane();
    std::memcpy(directions.data() + node * stride(), plane.direction, stride());
    offsets[node * 16] = -plane.threshold;
  }
  const auto end_of = [&](uint32_t row) {
    size_t node = 0;
    while (left[node] >= 0) {
      const bool right = Dot(directions.data() + node * stride(), row) + offsets[node * 16] > 0;
      node = static_cast<size_t>(left[node]) + (right ? 1 : 0);
    }
    return static_cast<uint32_t>(-1 - left[node]);
  };
  const RouteTree tree{directions.data(), offsets.data(), left.data()};
  for (const Kernels& kernels : AvailableKernels()) {
    for (const size_t n : {size_t{1}, size_t{16}, size_t{17}, size_t{33}, ids_.size()}) {
      std::vector<uint32_t> out(n + 1, 77);
      Of(kernels).route(tree, rows_.data(), ids_.data(), n, out.data());
      for (size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], end_of(ids_[i])) << kernels.target;
      Of(kernels).route(tree, rows_.data(), nullptr, n, out.data());
      for (uint32_t i = 0; i < n; ++i) ASSERT_EQ(out[i], end_of(i)) << kernels.target;
      EXPECT_EQ(out[n], 77u) << kernels.target;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(RowBytes, TreeKernelsTest, ::testing::Values(64, 128),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace kith::simd
