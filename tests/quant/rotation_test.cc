#include "quant/rotation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.h"

namespace kith {
namespace {

constexpr size_t kDims[] = {1,   2,   3,   4,   5,    6,    7,    8,    10,  15,
                            16,  17,  31,  33,  64,   65,   100,  127,  128, 129,
                            254, 300, 560, 784, 1000, 1024, 4096, 16384};

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

std::vector<float> RandomVector(size_t dim, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> x(dim);
  for (float& v : x) v = static_cast<float>(rng.Normal());
  return x;
}

std::vector<float> Rotated(std::vector<float> x, uint64_t seed) {
  const auto signs = quant::Rotation::RandomSigns(x.size(), seed);
  EXPECT_EQ(signs.size(), quant::Rotation::SignBytes(x.size()));
  quant::Rotation(x.size(), signs).Apply(x.data());
  return x;
}

TEST(RotationTest, KeepsNormsAndInnerProducts) {
  for (const size_t dim : kDims) {
    const size_t padded = quant::Rotation::PaddedDim(dim);
    EXPECT_TRUE(padded >= dim && padded <= dim + 1 && padded % 2 == 0) << dim;
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const auto x = RandomVector(padded, seed + 10);
      const auto y = RandomVector(padded, seed + 20);
      const auto rx = Rotated(x, seed);
      const auto ry = Rotated(y, seed);
      const double tolerance = 1e-5 * std::sqrt(Dot(x, x) * Dot(y, y));
      EXPECT_NEAR(Dot(rx, rx), Dot(x, x), tolerance) << "dim " << dim;
      EXPECT_NEAR(Dot(rx, ry), Dot(x, y), tolerance) << "dim " << dim;
    }
  }
}

// All energy in one coordinate, or in all alike: what codes can't take as it is.
TEST(RotationTest, SpreadsEnergy) {
  for (const size_t dim : {128, 200, 300, 784, 1000}) {
    double worst = 0;
    for (size_t kind = 0; kind <= dim; kind += dim / 8) {
      std::vector<float> x(dim, kind == dim ? 1.0f : 0.0f);
      if (kind < dim) x[kind] = 1;
      const double norm = std::sqrt(Dot(x, x));
      for (uint64_t seed = 0; seed < 20; ++seed) {
        for (const float v : Rotated(x, seed)) worst = std::max(worst, std::abs(v) / norm);
      }
    }
    // Independent normal coordinates would reach about 5 standard deviations; few rounds of a fast
    // transform leave somewhat more, no rotation at all sqrt(dim).
    EXPECT_LT(worst * std::sqrt(static_cast<double>(dim)), 11) << "dim " << dim;
  }
}

TEST(RotationTest, SeedsDiffer) {
  const auto x = RandomVector(100, 1);
  EXPECT_EQ(Rotated(x, 1), Rotated(x, 1));
  EXPECT_NE(Rotated(x, 1), Rotated(x, 2));
  // Independent rotations: the images of one vector are nearly orthogonal.
  EXPECT_LT(std::abs(Dot(Rotated(x, 1), Rotated(x, 2))), 0.5 * Dot(x, x));
}

}  // namespace
}  // namespace kith
