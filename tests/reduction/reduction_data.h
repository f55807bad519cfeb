// Vectors for the tests of reductions.
#ifndef KITH_TESTS_REDUCTION_REDUCTION_DATA_H_
#define KITH_TESTS_REDUCTION_REDUCTION_DATA_H_

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kith/reduce.h"
#include "kith/types.h"

namespace kith {

struct Rows {
  size_t rows = 0;
  size_t dim = 0;
  std::vector<float> values;
  MatrixView view() const { return ViewOf(values.data(), rows, dim); }
};

// Normal numbers, mixed so that no axis is a direction of the largest variance; the deviation along
// hidden direction j falls as 1 / (1 + j), and all are far from the origin.
inline Rows SpectrumRows(size_t rows, size_t dim, uint64_t seed) {
  Rng rng(seed);
  std::vector<double> mix(dim * dim);
  for (double& x : mix) x = rng.Normal() / std::sqrt(static_cast<double>(dim));
  Rows out{rows, dim, std::vector<float>(rows * dim)};
  std::vector<double> hidden(dim);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < dim; ++j) hidden[j] = rng.Normal() / static_cast<double>(1 + j);
    for (size_t c = 0; c < dim; ++c) {
      double sum = 10 + static_cast<double>(c);
      for (size_t j = 0; j < dim; ++j) sum += hidden[j] * mix[j * dim + c];
      out.values[i * dim + c] = static_cast<float>(sum);
    }
  }
  return out;
}

inline Reducer Fitted(const Rows& rows, const ReduceOptions& options) {
  auto reducer = Reducer::Fit(rows.view(), options);
  EXPECT_TRUE(reducer.ok()) << reducer.status().message();
  return std::move(reducer).value();
}

inline std::vector<float> Reduced(const Reducer& reducer, const Rows& rows, int threads = 2) {
  std::vector<float> out(rows.rows * reducer.dim());
  const Status status = reducer.Transform(rows.view(), out.data(), threads);
  EXPECT_TRUE(status.ok()) << status.message();
  return out;
}

inline void ExpectRefused(const Status& status, const std::vector<std::string>& words) {
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.message();
  for (const std::string& word : words) {
    EXPECT_NE(status.message().find(word), std::string::npos) << status.message();
  }
}

}  // namespace kith

#endif  // KITH_TESTS_REDUCTION_REDUCTION_DATA_H_
