// The estimates from short codes: unbiased, and as exact as they say.
#include "quant/short_code.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <tuple>
#include <vector>

#include "base/rng.h"
#include "matrix.h"
#include "test_pool.h"

namespace kith {
namespace {

using testing::Matrix;

// Rows coded under one rotation.
class Coded {
 public:
  Coded(const Matrix& rows, std::vector<float> mean, int bits, uint64_t seed, int threads = 1)
      : shape_{rows.dim(), bits},
        mean_(std::move(mean)),
        signs_(quant::Rotation::RandomSigns(shape_.rotated_dim(), seed)),
        rotation_(shape_.rotated_dim(), signs_) {
    std::vector<uint32_t> order(rows.rows());
    std::iota(order.begin(), order.end(), 0u);
    codes_ =
        quant::EncodeRows(rows.view(), order, quant::Geometry(Metric::kEuclidean, rows.dim(), 0),
                          mean_, rotation_, shape_, TestPool(threads))
            .value();
  }

  struct Estimates {
    std::vector<float> values;
    std::vector<float> errors;
  };
  // Of the query to every row.
  Estimates Estimate(const std::vector<float>& query) {
    quant::CodeQuery prepared;
    EXPECT_TRUE(prepared.Init(shape_).ok());
    prepared.Prepare(query.data(), mean_, rotation_);
    const size_t n = (codes_.size() - simd::kQueryPadding) / shape_.row_bytes();
    std::vector<uint32_t> ids(n);
    std::iota(ids.begin(), ids.end(), 0u);
    Estimates out{std::vector<float>(n), std::vector<float>(n)};
    for (size_t begin = 0; begin < n; begin += quant::CodeQuery::kMaxBlock) {
      prepared.Estimate(std::span(codes_.data(), codes_.size()), ids.data() + begin,
                        std::min(quant::CodeQuery::kMaxBlock, n - begin), out.values.data() + begin,
                        out.errors.data() + begin);
    }
    return out;
  }

  AlignedBuffer<std::byte>& codes() { return codes_; }
  const quant::CodeShape& shape() const { return shape_; }

 private:
  quant::CodeShape shape_;
  std::vector<float> mean_;
  std::vector<uint8_t> signs_;
  quant::Rotation rotation_;
  AlignedBuffer<std::byte> codes_;
};

std::vector<float> RandomVector(size_t dim, Rng* rng) {
  std::vector<float> x(dim);
  for (float& v : x) v = static_cast<float>(rng->Normal());
  return x;
}

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// A vector of the norm of x, at an angle of the given cosine to it.
std::vector<float> AtAngle(const std::vector<float>& x, double cosine, Rng* rng) {
  std::vector<float> other = RandomVector(x.size(), rng);
  const double along = Dot(other, x) / Dot(x, x);
  for (size_t i = 0; i < x.size(); ++i) other[i] -= static_cast<float>(along * x[i]);
  const double scale = std::sqrt(Dot(x, x) / Dot(other, other)) * std::sqrt(1 - cosine * cosine);
  for (size_t i = 0; i < x.size(); ++i) {
    other[i] = static_cast<float>(cosine * x[i] + scale * other[i]);
  }
  return other;
}

class EstimateTest : public ::testing::TestWithParam<std::tuple<int, int>> {
 protected:
  size_t dim() const { return static_cast<size_t>(std::get<0>(GetParam())); }
  int bits() const { return std::get<1>(GetParam()); }

  struct Errors {
    double mean = 0;  // of the estimated cosine
    double deviation = 0;
    double documented = 0;  // what Estimate() says of them
  };
  // Over many rotations, of a pair of unit vectors at the given angle around a mean that is not 0.
  Errors Measure(double cosine) {
    constexpr int kTrials = 600;
    Rng rng(dim(), static_cast<uint64_t>(bits()));
    Errors errors;
    double squares = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      const auto mean = RandomVector(dim(), &rng);
      auto x = RandomVector(dim(), &rng);
      // Every other vector has all its energy in a few coordinates.
      if (trial % 2 == 0) {
        for (size_t i = 3; i < dim(); ++i) x[i] *= 0.01f;
      }
      const auto q = AtAngle(x, cosine, &rng);
      Matrix row(DataType::kF32, 1, dim());
      std::vector<float> query(dim());
      for (size_t i = 0; i < dim(); ++i) {
        row.Set(0, i, static_cast<double>(mean[i]) + x[i]);
        query[i] = mean[i] + q[i];
      }
      Coded coded(row, mean, bits(), static_cast<uint64_t>(trial));
      const auto estimate = coded.Estimate(query);
      const double norms = std::sqrt(Dot(x, x) * Dot(q, q));
      const double truth = Dot(x, x) + Dot(q, q) - 2 * Dot(x, q);
      const double error = (estimate.values[0] - truth) / (2 * norms);
      errors.mean += error / kTrials;
      squares += error * error / kTrials;
      errors.documented += estimate.errors[0] / (2 * norms) / kTrials;
    }
    errors.deviation = std::sqrt(squares);
    return errors;
  }
};

// At a cosine of 0.8, weights wrong by 3 % move the mean by 0.024.
TEST_P(EstimateTest, IsUnbiased) {
  const Errors errors = Measure(0.8);
  EXPECT_NEAR(errors.mean, 0, 0.008);
}

// The documented error is that of orthogonal vectors, the largest there is.
TEST_P(EstimateTest, HasTheErrorItSays) {
  const Errors orthogonal = Measure(0);
  EXPECT_NEAR(orthogonal.deviation / orthogonal.documented, 1, 0.12);
  const Errors close = Measure(0.8);
  EXPECT_LT(close.deviation, close.documented);
}

INSTANTIATE_TEST_SUITE_P(All, EstimateTest,
                         ::testing::Combine(::testing::Values(64, 100, 131, 300, 784),
                                            ::testing::Values(1, 2, 4)),
                         [](const auto& info) {
                           return std::to_string(std::get<0>(info.param)) + "d_" +
                                  std::to_string(std::get<1>(info.param)) + "bits";
                         });

class ShortCodeTest : public ::testing::TestWithParam<int> {};

// The mean itself is at a known distance from everything.
TEST_P(ShortCodeTest, TheMeanIsExact) {
  const size_t dim = 50;
  Matrix rows = Matrix::Random(DataType::kF32, 3, dim, 1);
  std::vector<float> mean(dim);
  for (size_t i = 0; i < dim; ++i) mean[i] = static_cast<float>(rows.Get(1, i));
  Coded coded(rows, mean, GetParam(), 7);
  std::vector<float> query(dim, 0.5f);
  double truth = 0;
  for (size_t i = 0; i < dim; ++i) truth += std::pow(0.5 - rows.Get(1, i), 2);
  const auto estimates = coded.Estimate(query);
  EXPECT_NEAR(estimates.values[1], truth, 1e-4 * truth);
  EXPECT_EQ(estimates.errors[1], 0);
  EXPECT_GT(estimates.errors[0], 0);
  // And a query at the mean is at the norm of every row.
  const auto from_mean = coded.Estimate(mean);
  EXPECT_EQ(from_mean.values[1], 0);
  EXPECT_EQ(from_mean.errors[0], 0);
}

TEST_P(ShortCodeTest, SmallDimensionsAndZeros) {
  for (const size_t dim : {1, 2, 3, 5}) {
    Matrix rows(DataType::kF32, 3, dim);
    rows.Set(2, 0, 4);
    Coded coded(rows, std::vector<float>(dim, 0.0f), GetParam(), 7);
    for (const float value : {0.0f, 1.0f}) {
      const auto estimates = coded.Estimate(std::vector<float>(dim, value));
      for (size_t i = 0; i < 3; ++i) {
        EXPECT_GE(estimates.values[i], 0) << "dim " << dim;
        EXPECT_TRUE(std::isfinite(estimates.values[i]) && std::isfinite(estimates.errors[i]));
      }
      EXPECT_FLOAT_EQ(estimates.values[0], value * static_cast<float>(dim));
    }
  }
}

TEST_P(ShortCodeTest, DamagedCodesAreFarAway) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const quant::CodeFactors damaged[] = {{nan, 1},       {1, nan}, {infinity, 1},  {1, infinity},
                                        {-infinity, 1}, {-1, 1},  {1e38f, 1e38f}, {nan, nan}};
  const Matrix rows = Matrix::Random(DataType::kF32, std::size(damaged), 40, 1);
  Coded coded(rows, std::vector<float>(40, 0.0f), GetParam(), 7);
  for (size_t i = 0; i < std::size(damaged); ++i) {
    std::memcpy(coded.codes().data() + i * coded.shape().row_bytes() + coded.shape().code_bytes(),
                &damaged[i], sizeof(damaged[i]));
  }
  const auto estimates = coded.Estimate(std::vector<float>(40, 0.25f));
  for (size_t i = 0; i < std::size(damaged); ++i) {
    EXPECT_FALSE(std::isnan(estimates.values[i])) << i;
    EXPECT_FALSE(std::isnan(estimates.errors[i])) << i;
    EXPECT_GE(estimates.values[i], 0) << i;
  }
  EXPECT_EQ(estimates.values[0], infinity);
}

TEST_P(ShortCodeTest, ThreadsChangeNothing) {
  const Matrix rows = Matrix::Random(DataType::kF32, 2000, 60, 1);
  const std::vector<float> mean(60, 0.1f);
  Coded one(rows, mean, GetParam(), 3, 1);
  for (const int threads : {2, 4, 0}) {
    Coded more(rows, mean, GetParam(), 3, threads);
    ASSERT_EQ(more.codes().size(), one.codes().size());
    EXPECT_EQ(std::memcmp(more.codes().data(), one.codes().data(), one.codes().size()), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Bits, ShortCodeTest, ::testing::Values(1, 2, 4),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace kith
