#include "base/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace kith {
namespace {

// SplitMix64 from seed 1234567: the published sequence is Mix64 of the seed plus multiples of the
// increment.
TEST(RngTest, Mix64IsSplitMix64) {
  constexpr uint64_t kIncrement = 0x9E3779B97F4A7C15u;
  EXPECT_EQ(Mix64(0), 0xE220A8397B1DCDAFu);
  EXPECT_EQ(Mix64(1234567), 6457827717110365317u);
  EXPECT_EQ(Mix64(1234567 + kIncrement), 3203168211198807973u);
}

TEST(RngTest, SeedAndStreamDecideTheSequence) {
  Rng a(7, 1), b(7, 1), other_seed(8, 1), other_stream(7, 2);
  int same_seed = 0;
  int same_stream = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t x = a.Next();
    ASSERT_EQ(x, b.Next());
    same_seed += x == other_seed.Next();
    same_stream += x == other_stream.Next();
  }
  EXPECT_EQ(same_seed, 0);
  EXPECT_EQ(same_stream, 0);
}

TEST(RngTest, BelowIsUniform) {
  constexpr uint32_t kSides = 10;
  constexpr int kThrows = 100'000;
  Rng rng(1);
  std::vector<int> counts(kSides);
  for (int i = 0; i < kThrows; ++i) {
    const uint32_t side = rng.Below(kSides);
    ASSERT_LT(side, kSides);
    ++counts[side];
  }
  double chi2 = 0;
  for (const int count : counts) chi2 += std::pow(count - kThrows / 10.0, 2) / (kThrows / 10.0);
  EXPECT_LT(chi2, 33.7);  // 9 degrees of freedom, p = 1e-4
  EXPECT_EQ(rng.Below(1), 0u);
}

TEST(RngTest, UniformAndNormalHaveTheirMoments) {
  constexpr int kDraws = 200'000;
  Rng rng(2);
  double uniform = 0, normal = 0, normal2 = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = rng.Uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    uniform += u;
    const double x = rng.Normal();
    normal += x;
    normal2 += x * x;
  }
  EXPECT_NEAR(uniform / kDraws, 0.5, 0.005);
  EXPECT_NEAR(normal / kDraws, 0, 0.015);
  EXPECT_NEAR(normal2 / kDraws, 1, 0.02);
}

}  // namespace
}  // namespace kith
