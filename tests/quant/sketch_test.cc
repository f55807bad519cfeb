#include "quant/sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/rng.h"
#include "matrix.h"
#include "test_pool.h"

namespace kith {
namespace {

using testing::Matrix;

quant::Geometry Plain(size_t dim) { return quant::Geometry(Metric::kEuclidean, dim, 0); }

quant::TrainedSketch Train(const Matrix& rows, int threads = 1, uint64_t seed = 5) {
  return quant::TrainSketch(rows.view(), Plain(rows.dim()), seed, TestPool(threads)).value();
}

// Coordinate i has a standard deviation of 1 / (1 + i), and a mean of i / 10.
Matrix DecayingRows(size_t n, size_t dim, uint64_t seed) {
  Matrix rows(DataType::kF32, n, dim);
  Rng rng(seed);
  for (size_t r = 0; r < n; ++r) {
    for (size_t c = 0; c < dim; ++c) {
      const auto i = static_cast<double>(c);
      rows.Set(r, c, rng.Normal() / (1 + i) + i / 10);
    }
  }
  return rows;
}

// The share of the rows' variance around the sketch's mean that lies in the basis' span.
double CapturedVariance(const Matrix& rows, const quant::TrainedSketch& sketch) {
  double total = 0;
  double captured = 0;
  for (size_t r = 0; r < rows.rows(); ++r) {
    for (size_t c = 0; c < rows.dim(); ++c) {
      const double v = rows.Get(r, c) - sketch.mean[c];
      total += v * v;
    }
    for (size_t i = 0; i < sketch.sketch_dim; ++i) {
      double dot = 0;
      for (size_t c = 0; c < rows.dim(); ++c) {
        dot += (rows.Get(r, c) - sketch.mean[c]) * sketch.basis[i * rows.dim() + c];
      }
      captured += dot * dot;
    }
  }
  return captured / total;
}

// Rows of the basis are orthogonal, and unit vectors, or zero where the data has fewer directions.
void CheckBasis(const quant::TrainedSketch& sketch, size_t dim, size_t min_directions) {
  size_t directions = 0;
  for (size_t i = 0; i < sketch.sketch_dim; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double dot = 0;
      for (size_t c = 0; c < dim; ++c) {
        dot += static_cast<double>(sketch.basis[i * dim + c]) * sketch.basis[j * dim + c];
      }
      ASSERT_TRUE(std::isfinite(dot));
      if (i != j) {
        ASSERT_NEAR(dot, 0, 1e-4) << i << " " << j;
      } else if (dot != 0) {
        ASSERT_NEAR(dot, 1, 1e-4) << i;
        ++directions;
      }
    }
  }
  EXPECT_GE(directions, min_directions);
}

TEST(SketchTest, FewDimensionsAreOnlyCentred) {
  for (const size_t dim : {1, 2, 50, 111, 112}) {
    EXPECT_EQ(quant::SketchDim(dim), dim);
    const Matrix rows = Matrix::Random(DataType::kF32, 100, dim, dim);
    const quant::TrainedSketch sketch = Train(rows);
    EXPECT_EQ(sketch.sketch_dim, dim);
    EXPECT_TRUE(sketch.basis.empty());
    const auto sketches = quant::SketchRows(rows.view(), Plain(dim), sketch.Map(), TestPool(2));
    ASSERT_TRUE(sketches.ok());
    for (size_t r = 0; r < 100; ++r) {
      const float* z = sketches->data() + r * quant::SketchStride(dim);
      for (size_t c = 0; c < quant::SketchStride(dim); ++c) {
        const float expected = c < dim ? static_cast<float>(rows.Get(r, c)) - sketch.mean[c] : 0.0f;
        ASSERT_EQ(z[c], expected) << "row " << r << ", column " << c;
      }
    }
  }
  EXPECT_LT(quant::SketchDim(113), 113u);
}

TEST(SketchTest, MeansAreMeans) {
  const quant::TrainedSketch sketch = Train(DecayingRows(3000, 130, 1));
  for (size_t c = 0; c < 130; ++c) {
    EXPECT_NEAR(sketch.mean[c], static_cast<double>(c) / 10, 0.08) << c;
  }
}

TEST(SketchTest, FindsThePrincipalDirections) {
  constexpr size_t kDim = 200;
  // The axes are the principal directions; any other 48 capture less.
  double total = 0;
  double best = 0;
  for (size_t i = 0; i < kDim; ++i) {
    const double variance = 1.0 / static_cast<double>((1 + i) * (1 + i));
    total += variance;
    if (i < quant::SketchDim(kDim)) best += variance;
  }
  const quant::TrainedSketch sketch = Train(DecayingRows(6000, kDim, 1));
  CheckBasis(sketch, kDim, quant::SketchDim(kDim));
  const double captured = CapturedVariance(DecayingRows(500, kDim, 2), sketch);
  EXPECT_GT(captured, 0.99 * best / total);

  // Random directions, for comparison, capture their share of the dimensions.
  quant::TrainedSketch random = sketch;
  Rng rng(3);
  for (float& v : random.basis) {
    v = static_cast<float>(rng.Normal() / std::sqrt(static_cast<double>(kDim)));
  }
  EXPECT_GT(captured, 2 * CapturedVariance(DecayingRows(500, kDim, 2), random));
}

TEST(SketchTest, ProjectsOnTheBasis) {
  const Matrix rows = DecayingRows(300, 150, 1);
  const quant::TrainedSketch sketch = Train(rows);
  const auto sketches = quant::SketchRows(rows.view(), Plain(150), sketch.Map(), TestPool(3));
  ASSERT_TRUE(sketches.ok());
  for (size_t r = 0; r < 300; r += 7) {
    for (size_t i = 0; i < sketch.sketch_dim; ++i) {
      double dot = 0;
      for (size_t c = 0; c < 150; ++c) {
        dot += (rows.Get(r, c) - sketch.mean[c]) * sketch.basis[i * 150 + c];
      }
      ASSERT_NEAR(sketches->data()[r * quant::SketchStride(sketch.sketch_dim) + i], dot, 1e-4);
    }
  }
}

TEST(SketchTest, DegenerateDataGivesFiniteSketches) {
  const size_t dim = 140;
  Matrix zeros(DataType::kF32, 50, dim);
  Matrix constant(DataType::kF32, 50, dim);
  Matrix line(DataType::kF32, 50, dim);
  Matrix one = Matrix::Random(DataType::kF32, 1, dim, 1);
  for (size_t r = 0; r < 50; ++r) {
    for (size_t c = 0; c < dim; ++c) {
      constant.Set(r, c, 0.1);
      line.Set(r, c, static_cast<double>(r) * 0.01);
    }
  }
  for (const Matrix* rows : {&zeros, &constant, &line, &one}) {
    const quant::TrainedSketch sketch = Train(*rows);
    CheckBasis(sketch, dim, rows == &line ? 1 : 0);
    const auto sketches = quant::SketchRows(rows->view(), Plain(dim), sketch.Map(), TestPool(1));
    ASSERT_TRUE(sketches.ok());
    for (size_t i = 0; i < sketches->size(); ++i) ASSERT_TRUE(std::isfinite((*sketches)[i]));
    for (const float m : sketch.mean) ASSERT_TRUE(std::isfinite(m));
  }
}

TEST(SketchTest, ThreadsChangeNothing) {
  const Matrix rows = DecayingRows(5000, 170, 1);
  const quant::TrainedSketch one = Train(rows, 1);
  const auto sketches = quant::SketchRows(rows.view(), Plain(170), one.Map(), TestPool(1));
  ASSERT_TRUE(sketches.ok());
  for (const int threads : {2, 4, 0}) {
    const quant::TrainedSketch more = Train(rows, threads);
    EXPECT_EQ(more.mean, one.mean);
    EXPECT_EQ(more.basis, one.basis);
    const auto again = quant::SketchRows(rows.view(), Plain(170), one.Map(), TestPool(threads));
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(std::memcmp(again->data(), sketches->data(), again->size() * sizeof(float)), 0);
  }
  EXPECT_NE(Train(rows, 1, 6).basis, one.basis);
}

// Bytes are the nearest levels, whatever the scale of the data; the farthest are clamped.
TEST(RoundSketchesTest, AreTheNearestLevels) {
  constexpr size_t kN = 3000;
  for (const size_t dim : {1, 16, 48, 64, 65, 112}) {
    for (const double scale : {1e-12, 1.0, 1e15}) {
      SCOPED_TRACE(::testing::Message() << dim << " dimensions, scale " << scale);
      Rng rng(dim);
      const size_t stride = quant::SketchStride(dim);
      std::vector<float> sketches(kN * stride, 0.0f);
      for (size_t i = 0; i < kN; ++i) {
        for (size_t c = 0; c < dim; ++c) {
          sketches[i * stride + c] = static_cast<float>(scale * rng.Normal());
        }
      }
      sketches[5 * stride] = static_cast<float>(scale * 1000);
      const auto bytes = quant::RoundSketches(sketches.data(), kN, dim, TestPool(1));
      ASSERT_TRUE(bytes.ok());
      const float step = bytes->levels.step;
      EXPECT_GT(step, scale * 2.5 / 127);
      EXPECT_LT(step, scale * 6 / 127) << "an outlier decides";
      size_t clamped = 0;
      for (size_t i = 0; i < kN; ++i) {
        const uint8_t* row = bytes->rows.data() + i * quant::ByteStride(dim);
        for (size_t c = 0; c < dim; ++c) {
          const float z = sketches[i * stride + c];
          if (std::abs(z) > 127 * step) {
            ++clamped;
            ASSERT_EQ(row[c], z > 0 ? 255 : 1);
          } else {
            ASSERT_NEAR((row[c] - 128.0) * step, z, 0.501 * step);
          }
        }
        for (size_t c = dim; c < quant::ByteStride(dim); ++c) ASSERT_EQ(row[c], 128);
      }
      EXPECT_GE(clamped, 1u);
      EXPECT_LE(clamped, kN * dim / 400 + 10);
      const auto threaded = quant::RoundSketches(sketches.data(), kN, dim, TestPool(3));
      ASSERT_TRUE(threaded.ok());
      EXPECT_EQ(std::memcmp(threaded->rows.data(), bytes->rows.data(), bytes->rows.size()), 0);
    }
  }
}

TEST(RoundSketchesTest, NothingToTellApart) {
  // All at the mean; all but one; differences that vanish beside the smallest float.
  for (const float value : {0.0f, 1.0f, 1e-43f}) {
    std::vector<float> sketches(2000 * 16, 0.0f);
    sketches[77 * 16] = value;
    const auto bytes = quant::RoundSketches(sketches.data(), 2000, 16, TestPool(1));
    ASSERT_TRUE(bytes.ok());
    for (size_t i = 0; i < 2000; ++i) {
      ASSERT_EQ(bytes->rows[i * 64], i == 77 && value == 1.0f ? 255 : 128) << i;
    }
    EXPECT_EQ(bytes->levels.step > 0, value == 1.0f);
  }
}

}  // namespace
}  // namespace kith
