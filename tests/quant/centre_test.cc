// A mean is kept where floats can afford to subtract it.
#include "quant/centre.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

namespace kith::quant {
namespace {

constexpr size_t kRows = 1000;

// The mean of a column after what it costs was looked at.
float Kept(const std::vector<float>& column) {
  double sum = 0;
  for (const float x : column) sum += x;
  std::vector<float> mean{static_cast<float>(sum / static_cast<double>(column.size()))};
  DropCoarseCentre(
      column.size(), [&](size_t i) { return &column[i]; }, &mean);
  return mean[0];
}

TEST(CentreTest, TheMeanOfValuesOfAllScalesIsDropped) {
  std::vector<float> column;
  for (size_t i = 0; i < kRows; ++i) {
    column.push_back(static_cast<float>(std::exp(25.0 * static_cast<double>(i) / kRows)));
  }
  EXPECT_EQ(Kept(column), 0);
}

TEST(CentreTest, TheMeanOfOrdinaryValuesIsKept) {
  std::vector<float> column;
  for (size_t i = 0; i < kRows; ++i) column.push_back(static_cast<float>(i % 256));
  EXPECT_GT(Kept(column), 100);
  for (float& x : column) x += 1e6f;
  EXPECT_GT(Kept(column), 1e6f);
  // Zeros lose nothing.
  for (size_t i = 0; i < kRows; i += 2) column[i] = 0;
  EXPECT_GT(Kept(column), 4e5f);
}

TEST(CentreTest, OneInAHundredMayLoseDigits) {
  std::vector<float> column(kRows, 1);
  for (size_t i = 0; i < kRows / 100; ++i) column[i] = 1e-6f;
  EXPECT_GT(Kept(column), 0.9f);
  column[kRows / 2] = 1e-6f;
  EXPECT_EQ(Kept(column), 0);
}

}  // namespace
}  // namespace kith::quant
