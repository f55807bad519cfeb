// Reductions against singular values in double precision, and what they do at the edges.
#include "kith/reduce.h"

#include <gtest/gtest.h>

#include <Eigen/SVD>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "reduction/model.h"
#include "reduction/reduction_data.h"

namespace kith {
namespace {

struct Reference {
  Eigen::MatrixXd components;  // [min(n, d), d]
  Eigen::VectorXd variances;
  Eigen::RowVectorXd mean;
};

// Principal components by the singular values of the centred matrix, which never sees a covariance.
Reference ReferencePca(const Rows& rows, bool centred) {
  const auto n = static_cast<Eigen::Index>(rows.rows);
  const auto d = static_cast<Eigen::Index>(rows.dim);
  Eigen::MatrixXd x =
      Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
          rows.values.data(), n, d)
          .cast<double>();
  Reference reference;
  reference.mean = x.colwise().mean() * (centred ? 1.0 : 0.0);
  x.rowwise() -= reference.mean;
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(x, Eigen::ComputeThinU | Eigen::ComputeThinV);
  reference.components = svd.matrixV().transpose();
  const auto divisor = static_cast<double>(centred ? n - 1 : n);
  reference.variances = svd.singularValues().array().square() / divisor;
  for (Eigen::Index j = 0; j < reference.components.rows(); ++j) {
    Eigen::Index largest = 0;
    reference.components.row(j).cwiseAbs().maxCoeff(&largest);
    if (reference.components(j, largest) < 0) reference.components.row(j) *= -1;
  }
  return reference;
}

void ExpectSamePca(const Reducer& reducer, const Reference& reference, double tolerance) {
  const std::vector<float> components = reducer.Components();
  const size_t d = reducer.source_dim();
  for (size_t c = 0; c < d; ++c) {
    const double mean = reference.mean[static_cast<Eigen::Index>(c)];
    EXPECT_NEAR(reducer.mean()[c], mean, 1e-6 * (1 + std::fabs(mean)));
  }
  for (size_t j = 0; j < reducer.dim(); ++j) {
    const auto row = static_cast<Eigen::Index>(j);
    EXPECT_NEAR(reducer.variances()[j], reference.variances[row],
                tolerance * reference.variances[0]);
    for (size_t c = 0; c < d; ++c) {
      EXPECT_NEAR(components[j * d + c], reference.components(row, static_cast<Eigen::Index>(c)),
                  tolerance)
          << "component " << j << ", dimension " << c;
    }
  }
}

TEST(ReduceTest, PcaIsThatOfSingularValues) {
  // More and fewer rows than dimensions, and dimensions that fill no vector registers.
  for (const auto& [n, d, k] : std::vector<std::array<size_t, 3>>{
           {500, 20, 20}, {1000, 37, 12}, {300, 1, 1}, {12, 30, 11}, {2, 5, 1}}) {
    SCOPED_TRACE(n);
    const Rows rows = SpectrumRows(n, d, n + d);
    ReduceOptions options;
    options.dim = k;
    ExpectSamePca(Fitted(rows, options), ReferencePca(rows, true), 2e-6);
  }
}

TEST(ReduceTest, BandsAndStripesOfTheCovarianceFitTogether) {
  // Wider than a band, with more rows than a stripe takes at once.
  const Rows rows = SpectrumRows(700, 300, 5);
  ReduceOptions options;
  options.dim = 6;
  ExpectSamePca(Fitted(rows, options), ReferencePca(rows, true), 2e-6);
}

TEST(ReduceTest, AnglesAndProductsKeepTheirOrigin) {
  const Rows rows = SpectrumRows(400, 10, 3);
  ReduceOptions options;
  options.dim = 4;
  options.metric = Metric::kDot;
  const Reducer dot = Fitted(rows, options);
  EXPECT_FALSE(dot.centred());
  ExpectSamePca(dot, ReferencePca(rows, false), 2e-6);
  Rows unit = rows;
  for (size_t i = 0; i < rows.rows; ++i) {
    float* row = unit.values.data() + i * rows.dim;
    double sum = 0;
    for (size_t c = 0; c < rows.dim; ++c) sum += static_cast<double>(row[c]) * row[c];
    for (size_t c = 0; c < rows.dim; ++c) row[c] = static_cast<float>(row[c] / std::sqrt(sum));
  }
  options.metric = Metric::kAngular;
  ExpectSamePca(Fitted(rows, options), ReferencePca(unit, false), 1e-5);
}

TEST(ReduceTest, ImagesAreProductsWithComponents) {
  const Rows rows = SpectrumRows(300, 21, 8);
  ReduceOptions options;
  options.dim = 7;
  for (const bool whiten : {false, true}) {
    options.whiten = whiten;
    const Reducer reducer = Fitted(rows, options);
    const std::vector<float> images = Reduced(reducer, rows);
    const std::vector<float> components = reducer.Components();
    for (size_t j = 0; j < 7; ++j) {
      double squares = 0;
      for (size_t i = 0; i < rows.rows; ++i) {
        double sum = 0;
        for (size_t c = 0; c < 21; ++c) {
          sum += (static_cast<double>(rows.values[i * 21 + c]) - reducer.mean()[c]) *
                 components[j * 21 + c];
        }
        if (whiten) sum /= std::sqrt(reducer.variances()[j]);
        EXPECT_NEAR(images[i * 7 + j], sum, 2e-5 * (1 + std::fabs(sum)));
        squares += sum * sum;
      }
      EXPECT_NEAR(squares / 299, whiten ? 1 : reducer.variances()[j],
                  1e-4 * (whiten ? 1 : reducer.variances()[0]));
    }
  }
}

TEST(ReduceTest, BytesDoNotDependOnThreads) {
  const Rows rows = SpectrumRows(2000, 40, 4);
  for (const ReduceMethod method : {ReduceMethod::kPca, ReduceMethod::kGaussian,
                                    ReduceMethod::kSparse, ReduceMethod::kTruncate}) {
    ReduceOptions options;
    options.method = method;
    options.dim = 9;
    options.threads = 1;
    const Reducer one = Fitted(rows, options);
    options.threads = 5;
    const Reducer five = Fitted(rows, options);
    ASSERT_EQ(one.model().bytes().size(), five.model().bytes().size());
    EXPECT_TRUE(std::equal(one.model().bytes().begin(), one.model().bytes().end(),
                           five.model().bytes().begin()))
        << ReduceMethodName(method);
    EXPECT_EQ(Reduced(one, rows, 1), Reduced(one, rows, 3));
  }
}

TEST(ReduceTest, KeepsTheLeastDimensionsWithAShareOfTheVariance) {
  const Rows rows = SpectrumRows(800, 25, 6);
  const Reducer all = Fitted(rows, {});
  ASSERT_EQ(all.dim(), 25u);
  EXPECT_NEAR(all.KeptVariance(25), 1, 1e-9);
  for (const double share : {0.3, 0.5, 0.9, 0.99, 1.0}) {
    ReduceOptions options;
    options.keep_variance = share;
    const Reducer some = Fitted(rows, options);
    EXPECT_GE(some.KeptVariance(some.dim()), share - 1e-9);
    EXPECT_LT(all.KeptVariance(some.dim() - 1), share);
  }
  ReduceOptions truncate;
  truncate.method = ReduceMethod::kTruncate;
  truncate.keep_variance = 0.5;
  const Reducer first = Fitted(rows, truncate);
  const std::vector<float> images = Reduced(first, rows);
  for (size_t i = 0; i < rows.rows; ++i) {
    for (size_t j = 0; j < first.dim(); ++j) {
      EXPECT_EQ(images[i * first.dim() + j], rows.values[i * 25 + j]);
    }
  }
}

TEST(ReduceTest, RandomProjectionsKeepSquaredDistancesOnAverage) {
  const Rows rows = SpectrumRows(60, 200, 7);
  for (const ReduceMethod method : {ReduceMethod::kGaussian, ReduceMethod::kSparse}) {
    ReduceOptions options;
    options.method = method;
    options.dim = 150;
    for (const Reducer& reducer : {Fitted(rows, options), *Fitted(rows, options).Prefix(100)}) {
      const std::vector<float> images = Reduced(reducer, rows);
      double ratio = 0;
      size_t pairs = 0;
      for (size_t a = 0; a < rows.rows; ++a) {
        for (size_t b = 0; b < a; ++b, ++pairs) {
          double before = 0;
          double after = 0;
          for (size_t c = 0; c < 200; ++c) {
            before += std::pow(rows.values[a * 200 + c] - rows.values[b * 200 + c], 2);
          }
          for (size_t c = 0; c < reducer.dim(); ++c) {
            after += std::pow(images[a * reducer.dim() + c] - images[b * reducer.dim() + c], 2);
          }
          ratio += after / before;
        }
      }
      // The deviation of a mean over 100 directions, times three.
      EXPECT_NEAR(ratio / static_cast<double>(pairs), 1, 3 * std::sqrt(2.0 / 100));
      EXPECT_EQ(reducer.KeptVariance(10), -1);
    }
  }
}

TEST(ReduceTest, PrefixIsTheSameReductionOfFewerDimensions) {
  const Rows rows = SpectrumRows(200, 12, 2);
  ReduceOptions options;
  options.dim = 8;
  const Reducer eight = Fitted(rows, options);
  options.dim = 3;
  const std::vector<float> three = Reduced(Fitted(rows, options), rows);
  EXPECT_EQ(Reduced(*eight.Prefix(3), rows), three);
  ExpectRefused(eight.Prefix(9).status(), {"8 dimensions", "9"});
  ExpectRefused(eight.Prefix(0).status(), {"0"});
}

TEST(ReduceTest, DegenerateVectors) {
  ReduceOptions options;
  options.dim = 1;
  // One vector, vectors that are all the same, columns without variance.
  const Rows one{1, 3, {1, 2, 3}};
  EXPECT_EQ(Reduced(Fitted(one, options), one), std::vector<float>{0});
  const Rows same{4, 2, {5, 7, 5, 7, 5, 7, 5, 7}};
  const Reducer flat = Fitted(same, options);
  EXPECT_EQ(Reduced(flat, same), std::vector<float>(4));
  EXPECT_EQ(flat.KeptVariance(1), 1);
  Rows column = SpectrumRows(50, 4, 1);
  for (size_t i = 0; i < 50; ++i) column.values[i * 4 + 2] = 3;
  options.dim = 4;
  options.whiten = true;
  const Reducer whitened = Fitted(column, options);
  EXPECT_NEAR(whitened.variances()[3], 0, 1e-12);
  const std::vector<float> images = Reduced(whitened, column);
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(images[i * 4 + 3], 0);  // not rounding, blown up
  // Vectors of other types, and zeros where angles count.
  const std::vector<uint8_t> bytes{1, 2, 3, 4, 250, 1};
  const MatrixView view{reinterpret_cast<const std::byte*>(bytes.data()), 3, 2, 2, DataType::kU8};
  options = {};
  options.dim = 2;
  EXPECT_TRUE(Reducer::Fit(view, options).ok());
  options.metric = Metric::kAngular;
  const Rows zeros{2, 2, {0, 0, 0, 0}};
  EXPECT_EQ(Reduced(Fitted(zeros, options), zeros), std::vector<float>(4));
}

TEST(ReduceTest, RefusesWhatCannotBe) {
  Rows rows = SpectrumRows(20, 6, 1);
  const auto fit = [&](const ReduceOptions& options) {
    return Reducer::Fit(rows.view(), options).status();
  };
  ReduceOptions options;
  options.dim = 7;
  ExpectRefused(fit(options), {"6 dimensions", "7"});
  options.keep_variance = 0.5;
  ExpectRefused(fit(options), {"exclude each other"});
  options.dim = 0;
  for (const double share : {-0.5, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    options.keep_variance = share;
    ExpectRefused(fit(options), {"above 0, at most 1"});
  }
  options.keep_variance = 0.5;
  options.method = ReduceMethod::kGaussian;
  ExpectRefused(fit(options), {"pca"});
  options = {};
  options.whiten = true;
  options.method = ReduceMethod::kTruncate;
  ExpectRefused(fit(options), {"whiten"});
  options = {};
  options.metric = Metric::kManhattan;
  ExpectRefused(fit(options), {"manhattan", "euclidean"});
  options = {};
  options.dim = 3;
  ExpectRefused(Reducer::Fit(ViewOf(rows.values.data(), 2, 6), options).status(), {"2 vectors"});
  ExpectRefused(Reducer::Fit(ViewOf(rows.values.data(), 0, 6), options).status(), {"empty"});
  const Reducer reducer = Fitted(rows, options);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    rows.values[13 * 6 + 4] = bad;
    ExpectRefused(fit(options), {"row 13, column 4"});
    std::vector<float> out(20 * 3);
    ExpectRefused(reducer.Transform(rows.view(), out.data()), {"row 13, column 4"});
    ReduceOptions truncate;
    truncate.method = ReduceMethod::kTruncate;
    truncate.dim = 2;
    ExpectRefused(fit(truncate), {"row 13, column 4"});
    ExpectRefused(reducer.TransformRows(rows.view(), 12, 15, out.data()), {"row 13, column 4"});
  }
  // Along the first component, but longer than a float tells.
  const std::vector<float> components = reducer.Components();
  for (size_t c = 0; c < 6; ++c) {
    rows.values[13 * 6 + c] = std::copysign(3.4e38f, components[c]);
  }
  std::vector<float> out(20 * 3);
  ExpectRefused(reducer.Transform(rows.view(), out.data()), {"row 13", "too large"});
  ExpectRefused(reducer.Transform(ViewOf(rows.values.data(), 20, 5), out.data()),
                {"5 dimensions", "6"});
}

TEST(ReduceTest, CanBeStopped) {
  const Rows rows = SpectrumRows(100, 6, 1);
  ReduceOptions options;
  options.progress = [](std::string_view, uint64_t, uint64_t) { return false; };
  ExpectRefused(Reducer::Fit(rows.view(), options).status(), {"cancelled"});
}

}  // namespace
}  // namespace kith
