// Finishing and selecting blocks of distances: the same on every target, whatever the length.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "simd/guarded_buffer.h"
#include "simd/kernels.h"

namespace kith::simd {
namespace {

using ::kith::testing::GuardedBuffer;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Floats that end where memory ends.
class Floats {
 public:
  explicit Floats(const std::vector<float>& values) : buffer_(values.size() * sizeof(float)) {
    if (!values.empty()) std::memcpy(data(), values.data(), values.size() * sizeof(float));
  }
  float* data() { return reinterpret_cast<float*>(buffer_.data()); }

 private:
  GuardedBuffer buffer_;
};

std::vector<float> Random(size_t n, uint64_t seed) {
  Rng rng(seed, n);
  std::vector<float> values(n);
  for (float& v : values) {
    v = static_cast<float>(rng.Normal());
    const uint32_t special = rng.Below(40);
    if (special == 0) v = kNan;
    if (special == 1) v = kInfinity;
    if (special == 2) v = 0.25f;
  }
  return values;
}

class SelectTest : public ::testing::TestWithParam<size_t> {};

TEST_P(SelectTest, Below) {
  const std::vector<float> values = Random(GetParam(), 1);
  for (const float limit : {0.25f, -1.5f, -kInfinity, kInfinity, kNan}) {
    std::vector<uint32_t> expected;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] <= limit) expected.push_back(static_cast<uint32_t>(i));
    }
    Floats floats(values);
    for (const Kernels& kernels : AvailableKernels()) {
      constexpr uint32_t kUntouched = 0xABCDEF01;
      std::vector<uint32_t> got(values.size() + 1, kUntouched);
      got.resize(kernels.below(floats.data(), values.size(), limit, got.data()));
      EXPECT_EQ(got, expected) << kernels.target << ", limit " << limit;

      Floats negated(values);
      kernels.negate(negated.data(), values.size());
      got.assign(values.size() + 1, kUntouched);
      got.resize(kernels.negative_below(negated.data(), values.size(), limit, got.data()));
      EXPECT_EQ(got, expected) << kernels.target << ", limit " << limit;
    }
  }
}

TEST_P(SelectTest, NegateAndCosine) {
  const std::vector<float> dots = Random(GetParam(), 2);
  std::vector<float> norms = Random(GetParam(), 3);
  for (float& norm : norms) norm = std::abs(norm);
  const float scale = 0.7f;
  Floats norm_floats(norms);
  for (const Kernels& kernels : AvailableKernels()) {
    Floats negated(dots);
    kernels.negate(negated.data(), dots.size());
    Floats cosines(dots);
    kernels.cosine(norm_floats.data(), scale, cosines.data(), dots.size());
    for (size_t i = 0; i < dots.size(); ++i) {
      const float expected = std::clamp(1.0f - dots[i] * (scale * norms[i]), 0.0f, 2.0f);
      if (expected == expected) {
        EXPECT_EQ(cosines.data()[i], expected) << kernels.target << " at " << i;
      } else {
        EXPECT_NE(cosines.data()[i], cosines.data()[i]) << kernels.target << " at " << i;
      }
      if (dots[i] == dots[i]) EXPECT_EQ(negated.data()[i], -dots[i]) << kernels.target;
    }
  }
}

TEST_P(SelectTest, CosineBelowIsCosineThenBelow) {
  std::vector<float> dots = Random(GetParam(), 4);
  std::vector<float> norms = Random(GetParam(), 5);
  for (float& norm : norms) norm = std::abs(norm);
  Floats dot_floats(dots);
  Floats norm_floats(norms);
  for (const Kernels& kernels : AvailableKernels()) {
    for (const float limit : {-1.0f, 0.0f, 0.4f, 1.9f, 2.0f, kInfinity, kNan}) {
      Floats distances(dots);
      kernels.cosine(norm_floats.data(), 0.7f, distances.data(), dots.size());
      std::vector<uint32_t> expected(dots.size());
      expected.resize(kernels.below(distances.data(), dots.size(), limit, expected.data()));
      std::vector<uint32_t> got(dots.size());
      got.resize(kernels.cosine_below(norm_floats.data(), 0.7f, dot_floats.data(), dots.size(),
                                      limit, got.data()));
      EXPECT_EQ(got, expected) << kernels.target << ", limit " << limit;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lengths, SelectTest,
                         ::testing::Values(0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 130,
                                           256, 1000));

}  // namespace
}  // namespace kith::simd
