// The estimates from edge codes: unbiased, as exact as theory says, and safe.
#include "quant/edge_code.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>
#include <vector>

#include "base/float16.h"
#include "base/rng.h"
#include "quant/rotation.h"

namespace kith {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

using Vector = std::vector<float>;

Vector RandomVector(size_t dim, double scale, Rng* rng) {
  Vector x(dim);
  for (float& v : x) v = static_cast<float>(scale * rng->Normal());
  return x;
}

double Dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

double SquaredDistance(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return sum;
}

double Exact(quant::EdgeMeasure measure, const Vector& a, const Vector& b) {
  return measure == quant::EdgeMeasure::kL2 ? SquaredDistance(a, b) : -Dot(a, b);
}

// A vertex's codes under one rotation.
class Vertex {
 public:
  Vertex(const Vector& v, const std::vector<Vector>& neighbours, int bits, size_t degree,
         quant::EdgeMeasure measure, uint64_t seed)
      : v_(v),
        measure_(measure),
        shape_{quant::Rotation::PaddedDim(v.size()), bits, degree},
        signs_(quant::Rotation::RandomSigns(shape_.dim, seed)),
        rotation_(shape_.dim, signs_),
        codes_(shape_.code_bytes(), std::byte{0xFF}),
        weights_(degree),
        offsets_(degree) {
    std::vector<Vector> rotated;
    rotated.reserve(neighbours.size());
    for (const Vector& y : neighbours) rotated.push_back(Rotated(y));
    std::vector<const float*> rows;
    rows.reserve(rotated.size());
    for (const Vector& y : rotated) rows.push_back(y.data());
    quant::EdgeEncoder(shape_, measure)
        .Encode(Rotated(v).data(), rows.data(), rows.size(), codes_.data(), weights_.data(),
                offsets_.data());
  }

  struct Estimates {
    AlignedBuffer<float> values;
    std::vector<uint16_t> passing;
  };
  Estimates Estimate(const Vector& query, float limit) const {
    return Estimate(query, limit, static_cast<float>(Exact(measure_, query, v_)));
  }
  Estimates Estimate(const Vector& query, float limit, float base) const {
    quant::EdgeQuery prepared;
    EXPECT_TRUE(prepared.Init(shape_, measure_).ok());
    prepared.Prepare(Rotated(query).data());
    Estimates out{AlignedBuffer<float>::Create(shape_.degree).value(),
                  std::vector<uint16_t>(shape_.blocks())};
    prepared.Estimate(codes_.data(), weights_.data(), offsets_.data(), base, limit,
                      out.values.data(), out.passing.data());
    return out;
  }

 private:
  Vector Rotated(const Vector& x) const {
    Vector out = x;
    out.resize(shape_.dim);
    rotation_.Apply(out.data());
    return out;
  }

  Vector v_;
  quant::EdgeMeasure measure_;
  quant::EdgeShape shape_;
  std::vector<uint8_t> signs_;
  quant::Rotation rotation_;
  std::vector<std::byte> codes_;
  std::vector<uint16_t> weights_;
  std::vector<uint16_t> offsets_;
};

TEST(EdgeShapeTest, Sizes) {
  const quant::EdgeShape one{784, 1, 32};
  EXPECT_EQ(one.steps(), 25u);
  EXPECT_EQ(one.block_bytes(), 1600u);
  EXPECT_EQ(one.code_bytes(), 3200u);
  EXPECT_EQ(one.query_bytes(), 800u);
  const quant::EdgeShape four{100, 4, 48};
  EXPECT_EQ(four.steps(), 13u);
  EXPECT_EQ(four.blocks(), 3u);
  EXPECT_EQ(four.query_bytes(), 104u);
  EXPECT_EQ((quant::EdgeShape{2, 8, 16}.steps()), 1u);
}

class EdgeErrorTest : public ::testing::TestWithParam<std::tuple<int, int, quant::EdgeMeasure>> {
 protected:
  size_t dim() const { return static_cast<size_t>(std::get<0>(GetParam())); }
  int bits() const { return std::get<1>(GetParam()); }
  quant::EdgeMeasure measure() const { return std::get<2>(GetParam()); }
};

// Over rotations, of a query to one neighbour at a time: errors relative to |r| |q - v| (to |r| |q|
// for the dot product), which both measures know once (kDot) or twice (kL2).
TEST_P(EdgeErrorTest, IsThatOfTheory) {
  constexpr int kTrials = 400;
  constexpr double kTangent[] = {0, 0.756, 0.365, 0, 0.106, 0, 0, 0, 0.0091};
  Rng rng(dim(), static_cast<uint64_t>(bits()));
  double mean = 0;
  double squares = 0;
  double theory = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const Vector v = RandomVector(dim(), 1, &rng);
    Vector r = RandomVector(dim(), 0.5, &rng);
    // Every other residual has its energy in a few coordinates.
    if (trial % 2 == 0) {
      for (size_t i = 3; i < dim(); ++i) r[i] *= 0.01f;
    }
    Vector y = v;
    Vector q = RandomVector(dim(), 1, &rng);
    for (size_t i = 0; i < dim(); ++i) {
      y[i] += r[i];
      q[i] += v[i] + r[i];
    }
    const Vertex vertex(v, {y}, bits(), 16, measure(), static_cast<uint64_t>(trial));
    const double estimate = vertex.Estimate(q, kInfinity).values[0];
    Vector against = q;
    if (measure() == quant::EdgeMeasure::kL2) {
      for (size_t i = 0; i < dim(); ++i) against[i] -= v[i];
    }
    const double norms = std::sqrt(Dot(r, r) * Dot(against, against));
    const double cosine = Dot(r, against) / norms;
    const double error = (estimate - Exact(measure(), q, y)) /
                         (norms * (measure() == quant::EdgeMeasure::kL2 ? 2 : 1));
    mean += error / kTrials;
    squares += error * error / kTrials;
    theory += (1 - cosine * cosine) / static_cast<double>(dim() - 1) / kTrials;
  }
  const double deviation = std::sqrt(squares);
  EXPECT_LT(std::abs(mean), 3 * deviation / std::sqrt(kTrials));
  EXPECT_NEAR(deviation / (kTangent[bits()] * std::sqrt(theory)), 1, 0.12);
}

INSTANTIATE_TEST_SUITE_P(
    All, EdgeErrorTest,
    ::testing::Combine(::testing::Values(64, 100, 128, 784), ::testing::Values(1, 2, 4),
                       ::testing::Values(quant::EdgeMeasure::kL2, quant::EdgeMeasure::kDot)),
    [](const auto& info) {
      return std::to_string(std::get<0>(info.param)) + "d_" +
             std::to_string(std::get<1>(info.param)) + "bits_" +
             (std::get<2>(info.param) == quant::EdgeMeasure::kL2 ? "L2" : "Dot");
    });

// Unit vectors' coordinates, without signs; Gaussian far out, too, as eight bits' levels depend on
// it (Box & Muller, 1958).
std::vector<std::vector<double>> Directions(size_t dim, size_t count) {
  Rng rng(7);
  std::vector<std::vector<double>> out(count, std::vector<double>(dim));
  for (auto& x : out) {
    double sum = 0;
    for (double& value : x) {
      const double radius = std::sqrt(-2 * std::log(1 - rng.Uniform()));
      value = std::abs(radius * std::cos(6.283185307179586 * rng.Uniform()));
      sum += value * value;
    }
    for (double& value : x) value /= std::sqrt(sum);
  }
  return out;
}

// The multiplier is as good as the best of many.
TEST(EdgeRoundingTest, IsTheBest) {
  for (const size_t dim : {8, 64, 100, 512}) {
    const auto directions = Directions(dim, 80000 / dim);
    for (const int bits : {2, 4, 8}) {
      const int half = 1 << (bits - 1);
      // The mean tangent of the angle to the code.
      const auto tangent = [&](double rounding) {
        double sum = 0;
        for (const auto& x : directions) {
          double gx = 0;
          double gg = 0;
          for (const double value : x) {
            const double g = std::min(std::floor(value * rounding), half - 1.0) + 0.5;
            gx += g * value;
            gg += g * g;
          }
          sum += std::sqrt(std::max(gg / (gx * gx) - 1, 0.0));
        }
        return sum / static_cast<double>(directions.size());
      };
      const double rounding = quant::EdgeRounding(dim, bits);
      double best = 1;
      for (double factor = 0.7; factor < 1.4; factor *= 1.03) {
        best = std::min(best, tangent(factor * rounding));
      }
      EXPECT_LT(tangent(rounding), 1.05 * best) << bits << " bits, " << dim;
    }
  }
}

class EdgeCodeTest : public ::testing::TestWithParam<std::tuple<int, quant::EdgeMeasure>> {
 protected:
  int bits() const { return std::get<0>(GetParam()); }
  quant::EdgeMeasure measure() const { return std::get<1>(GetParam()); }
};

// A duplicate of the vertex is as far as the vertex; missing neighbours are nowhere.
TEST_P(EdgeCodeTest, DuplicatesAndMissingNeighbours) {
  Rng rng(1);
  const Vector v = RandomVector(50, 1, &rng);
  const Vector far = RandomVector(50, 1, &rng);
  for (const size_t count : {0, 1, 2, 17, 32}) {
    std::vector<Vector> neighbours(count, v);
    if (count > 1) neighbours[1] = far;
    const Vertex vertex(v, neighbours, bits(), 32, measure(), 3);
    for (const float limit : {8.0f, kInfinity}) {
      const auto estimates = vertex.Estimate(far, limit, 7.625f);
      for (size_t i = 0; i < 32; ++i) {
        const bool passes = (estimates.passing[i / 16] >> (i % 16) & 1) != 0;
        if (i >= count) {
          EXPECT_EQ(estimates.values[i], kInfinity);
          EXPECT_FALSE(passes);
        } else if (i != 1) {
          EXPECT_EQ(estimates.values[i], 7.625f);
          EXPECT_TRUE(passes);
        }
      }
    }
  }
}

// The query at a neighbour: what is stored in 8 bits of precision, and the query's own rounding,
// leave little of the distance.
TEST_P(EdgeCodeTest, TheNeighbourItself) {
  Rng rng(2);
  for (int trial = 0; trial < 50; ++trial) {
    const Vector v = RandomVector(128, 1, &rng);
    Vector y = RandomVector(128, 0.5, &rng);
    const double rho2 = Dot(y, y);
    for (size_t i = 0; i < 128; ++i) y[i] += v[i];
    const Vertex vertex(v, {y}, bits(), 16, measure(), static_cast<uint64_t>(trial));
    const double error = vertex.Estimate(y, kInfinity).values[0] - Exact(measure(), y, y);
    if (measure() == quant::EdgeMeasure::kL2) {
      EXPECT_NEAR(error, 0, 0.03 * rho2);
    } else {
      EXPECT_LT(std::abs(error), 4 * std::sqrt(rho2 * Dot(y, y)) * 0.756 / std::sqrt(127));
    }
  }
}

TEST_P(EdgeCodeTest, SmallDimensions) {
  Rng rng(3);
  for (size_t dim = 1; dim <= 7; ++dim) {
    std::vector<Vector> neighbours;
    neighbours.reserve(16);
    const Vector v = RandomVector(dim, 1, &rng);
    for (int i = 0; i < 16; ++i) neighbours.push_back(RandomVector(dim, 1, &rng));
    const Vertex vertex(v, neighbours, bits(), 16, measure(), dim);
    const Vector q = RandomVector(dim, 1, &rng);
    const auto estimates = vertex.Estimate(q, kInfinity);
    EXPECT_EQ(estimates.passing[0], 0xFFFF) << dim;
    for (size_t i = 0; i < 16; ++i) {
      EXPECT_TRUE(std::isfinite(estimates.values[i])) << dim;
      // The angle between a residual and its code is below 45 degrees in a plane.
      const double r = std::sqrt(SquaredDistance(v, neighbours[i]));
      const double scale = measure() == quant::EdgeMeasure::kL2
                               ? 2 * std::sqrt(SquaredDistance(q, v))
                               : std::sqrt(Dot(q, q));
      EXPECT_NEAR(estimates.values[i], Exact(measure(), q, neighbours[i]), 3 * r * scale + 0.1)
          << dim;
    }
  }
}

// Queries of zeros, of what has no 8-bit form, and codes of anything: no crash, and NaN never
// passes.
TEST_P(EdgeCodeTest, DamagedValues) {
  Rng rng(4);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Vector v = RandomVector(40, 1, &rng);
  std::vector<Vector> neighbours(16, RandomVector(40, 1, &rng));
  neighbours[2][5] = nan;
  neighbours[3][5] = kInfinity;
  neighbours[4].assign(40, 3e38f);
  neighbours[5] = v;
  neighbours[5][0] = std::nextafter(v[0], 10.0f);
  Vertex vertex(v, neighbours, bits(), 16, measure(), 5);
  for (const float value : {0.0f, 1.0f, 1e-45f, 3e38f, kInfinity, nan}) {
    const auto estimates = vertex.Estimate(Vector(40, value), kInfinity, 1.0f);
    for (size_t i = 0; i < 16; ++i) {
      const bool passes = (estimates.passing[0] >> i & 1) != 0;
      EXPECT_EQ(passes, estimates.values[i] < kInfinity) << value << ", " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, EdgeCodeTest,
                         ::testing::Combine(::testing::Values(1, 2, 4, 8),
                                            ::testing::Values(quant::EdgeMeasure::kL2,
                                                              quant::EdgeMeasure::kDot)),
                         [](const auto& info) {
                           return std::to_string(std::get<0>(info.param)) + "bits_" +
                                  (std::get<1>(info.param) == quant::EdgeMeasure::kL2 ? "L2"
                                                                                      : "Dot");
                         });

}  // namespace
}  // namespace kith
