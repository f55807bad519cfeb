// Bounds are bounds: against plain loops in extended precision, and against what the kernels
// compute.
#include "quant/bounded_code.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "base/float16.h"
#include "matrix.h"
#include "scan_data.h"
#include "search/scorer.h"
#include "simd/kernels.h"
#include "test_pool.h"

namespace kith {
namespace {

using testing::Gaussian;
using testing::Matrix;
using testing::ScanData;

// Rows with all that a scan needs.
struct Coded {
  Matrix rows;
  quant::EncodedRows encoded;
  std::vector<float> inverse_norms;
  search::VectorTable table;
  quant::BoundedCodes codes;
  std::vector<std::vector<int8_t>> code;
  std::vector<quant::CodeBound> bounds;

  Coded(const Matrix& m, Metric metric) : rows(m) {
    std::vector<uint32_t> order(rows.rows());
    std::iota(order.begin(), order.end(), 0u);
    auto result = quant::EncodeBounded(rows.view(), order, metric, TestPool(2));
    EXPECT_TRUE(result.ok());
    encoded = std::move(result).value();
    for (size_t r = 0; r < rows.rows(); ++r) {
      std::vector<float> x(rows.dim());
      for (size_t c = 0; c < rows.dim(); ++c) x[c] = static_cast<float>(rows.Get(r, c));
      inverse_norms.push_back(search::InverseNorm(x.data(), rows.dim()));
    }
    table = {rows.view(), metric, inverse_norms.data(), false};
    codes = {metric, rows.dim(), std::span(encoded.blocks.data(), encoded.blocks.size()),
             encoded.mean};
    for (size_t r = 0; r < rows.rows(); ++r) {
      code.emplace_back(rows.dim());
      bounds.push_back(quant::CodeOf(codes, r, code.back().data()));
    }
  }
  size_t size() const { return rows.rows(); }
  double Step(size_t r) const { return Bf16ToF32(bounds[r].step); }
  double Error(size_t r) const { return Bf16ToF32(bounds[r].error); }
};

// The rows that a query does not rule out at a threshold.
std::vector<uint32_t> Passing(const Coded& coded, const quant::BoundedQueries& queries, size_t q,
                              float threshold) {
  const size_t num_blocks = quant::BoundedCodes::NumBlocks(coded.size());
  std::vector<uint16_t> passing(num_blocks);
  const simd::ScreenQuery query = queries.Prepared(q, threshold);
  simd::GetKernels().screen(&query, 1, coded.codes.blocks.data(), num_blocks,
                            quant::BoundedCodes::Groups(coded.codes.dim), passing.data(),
                            num_blocks);
  std::vector<uint32_t> out;
  for (uint32_t r = 0; r < coded.size(); ++r) {
    if ((passing[r / simd::kScreenRows] >> (r % simd::kScreenRows) & 1) != 0) out.push_back(r);
  }
  return out;
}

struct Searched {
  std::vector<float> distances;  // [queries, rows], as the kernels compute them
  quant::BoundedQueries queries;
};

Searched Search(const Coded& coded, const Matrix& queries) {
  auto scorer = search::Scorer::Create(coded.table, queries.view(), 0, queries.rows());
  EXPECT_TRUE(scorer.ok()) << scorer.status().message();
  std::vector<float> distances(queries.rows() * coded.size());
  scorer->ScoreRows(0, queries.rows(), 0, coded.size(), distances.data(), coded.size());
  auto bounded = quant::BoundedQueries::Create(coded.codes, queries.view(), 0, scorer->order());
  EXPECT_TRUE(bounded.ok());
  return {std::move(distances), std::move(bounded).value()};
}

class BoundTest : public ::testing::TestWithParam<std::tuple<Metric, DataType>> {
 protected:
  Metric metric() const { return std::get<0>(GetParam()); }
  // The data in the type to be stored; false where its values are beyond it.
  bool InType(ScanData* data) const {
    const DataType dtype = std::get<1>(GetParam());
    for (size_t r = 0; r < data->rows.rows(); ++r) {
      for (size_t c = 0; c < data->rows.dim(); ++c) {
        if (dtype == DataType::kF16 && std::abs(data->rows.Get(r, c)) > 60000) return false;
      }
    }
    data->rows = data->rows.As(dtype);
    return true;
  }
};

// The heart of it: a row is not ruled out by the distance that it has itself, whatever rounding did
// to it. On every instruction set.
TEST_P(BoundTest, NoRowIsRuledOutByItsOwnDistance) {
  size_t pairs = 0;
  for (const simd::Kernels& kernels : simd::AvailableKernels()) {
    ASSERT_TRUE(simd::ForceTarget(kernels.target).ok());
    for (const size_t dim : {1, 2, 19, 130}) {
      for (ScanData& data : testing::ScanDataSets(40, dim)) {
        if (!InType(&data)) continue;
        SCOPED_TRACE(data.name + ", " + std::to_string(dim) + ", " + kernels.target);
        const Coded coded(data.rows, metric());
        const Searched searched = Search(coded, data.queries);
        for (size_t q = 0; q < data.queries.rows(); ++q) {
          for (uint32_t r = 0; r < coded.size(); ++r) {
            const float distance = searched.distances[q * coded.size() + r];
            ASSERT_FALSE(std::isnan(distance));
            const auto passing = Passing(coded, searched.queries, q, distance);
            ASSERT_TRUE(std::binary_search(passing.begin(), passing.end(), r))
                << "query " << q << ", row " << r << ", distance " << distance;
            ++pairs;
          }
        }
      }
    }
  }
  EXPECT_GT(pairs, 20000u);
  ASSERT_TRUE(simd::ForceTarget("").ok());
}

// Sums of thousands of equal terms, which are rounded the same way every time, while codes are
// exact: only what is allowed for the kernels' own rounding makes the bound true.
TEST_P(BoundTest, LongSumsThatRoundOneWay) {
  constexpr size_t kDim = 1 << 14;
  Matrix rows(std::get<1>(GetParam()), 2, kDim);
  Matrix queries(DataType::kF32, 64, kDim);
  for (size_t c = 0; c < kDim; ++c) {
    for (size_t r = 0; r < rows.rows(); ++r) rows.Set(r, c, r == 0 ? 127 : -127);
    for (size_t q = 0; q < queries.rows(); ++q) {
      queries.Set(q, c, 127 * (1 + static_cast<double>(q * 37 % 64) / 65536));
    }
  }
  const Coded coded(rows, metric());
  const Searched searched = Search(coded, queries);
  for (size_t q = 0; q < queries.rows(); ++q) {
    for (uint32_t r = 0; r < coded.size(); ++r) {
      const auto passing =
          Passing(coded, searched.queries, q, searched.distances[q * coded.size() + r]);
      ASSERT_TRUE(std::binary_search(passing.begin(), passing.end(), r)) << q << ", " << r;
    }
  }
}

// What is stored with a code is true, and no looser than bfloat16 makes it.
TEST_P(BoundTest, StoredErrorsAreTight) {
  for (ScanData& data : testing::ScanDataSets(60, 37)) {
    if (!InType(&data)) continue;
    SCOPED_TRACE(data.name);
    const Coded coded(data.rows, metric());
    for (size_t r = 0; r < coded.size(); ++r) {
      if (std::isinf(coded.Error(r))) continue;
      long double length = 0;
      for (size_t c = 0; c < 37; ++c) {
        length += static_cast<long double>(coded.rows.Get(r, c)) * coded.rows.Get(r, c);
      }
      length = metric() == Metric::kAngular && length > 0 ? std::sqrt(length) : 1;
      long double error = 0;
      long double norm = 0;
      for (size_t c = 0; c < 37; ++c) {
        const long double y = coded.rows.Get(r, c) / length - coded.encoded.mean[c];
        const long double coded_as = static_cast<long double>(coded.Step(r)) * coded.code[r][c];
        error += (y - coded_as) * (y - coded_as);
        norm += coded_as * coded_as;
      }
      error = std::sqrt(error);
      const long double stored = coded.Error(r);
      ASSERT_GE(stored, error) << "row " << r;
      ASSERT_LE(stored, error * 1.01L + 1e-12L + std::numeric_limits<float>::min()) << "row " << r;
      const long double term = coded.bounds[r].norm;
      if (metric() == Metric::kDot) {
        ASSERT_GE(term, std::sqrt(norm)) << "row " << r;
        ASSERT_LE(term, std::sqrt(norm) * 1.00001L + 1e-40L) << "row " << r;
      } else {
        ASSERT_LE(term, norm - stored * stored) << "row " << r;
        ASSERT_GE(term, norm - stored * stored - (norm + stored * stored) * 1e-5L - 1e-40L)
            << "row " << r;
      }
    }
  }
}

// A bound that lets everything pass would be true as well.
TEST_P(BoundTest, MostOtherRowsAreRuledOut) {
  constexpr size_t kRows = 2000;
  ScanData data{"", Gaussian(kRows, 64, 1), Gaussian(8, 64, 2)};
  ASSERT_TRUE(InType(&data));
  const Coded coded(data.rows, metric());
  const Searched searched = Search(coded, data.queries);
  for (size_t q = 0; q < data.queries.rows(); ++q) {
    std::vector<float> sorted(searched.distances.begin() + static_cast<long>(q * kRows),
                              searched.distances.begin() + static_cast<long>((q + 1) * kRows));
    std::sort(sorted.begin(), sorted.end());
    const size_t passing = Passing(coded, searched.queries, q, sorted[9]).size();
    EXPECT_GE(passing, 10u);
    EXPECT_LE(passing, 30u) << "query " << q;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BoundTest,
    ::testing::Combine(::testing::Values(Metric::kAngular, Metric::kEuclidean, Metric::kDot),
                       ::testing::Values(DataType::kF32, DataType::kF16, DataType::kBF16)),
    [](const auto& test) {
      return std::string(MetricName(std::get<0>(test.param))) + "_" +
             DataTypeName(std::get<1>(test.param));
    });

TEST(BoundedCodeTest, RowsOutOfRangeAreNeverRuledOut) {
  Matrix rows = Gaussian(40, 5, 1);
  for (size_t c = 0; c < 5; ++c) {
    rows.Set(3, c, 4e18);
    rows.Set(4, c, 1e-25);
  }
  const Coded euclidean(rows, Metric::kEuclidean);
  EXPECT_TRUE(std::isinf(euclidean.Error(3)));
  EXPECT_FALSE(std::isinf(euclidean.Error(4)));
  const Coded angular(rows, Metric::kAngular);
  EXPECT_FALSE(std::isinf(angular.Error(3)));
  EXPECT_TRUE(std::isinf(angular.Error(4)));
  for (const Coded* coded : {&euclidean, &angular}) {
    const Searched searched = Search(*coded, Gaussian(3, 5, 2));
    const uint32_t always = coded == &euclidean ? 3 : 4;
    for (const float threshold : {0.0f, 1e-30f, 1.0f}) {
      const auto passing = Passing(*coded, searched.queries, 1, threshold);
      EXPECT_TRUE(std::binary_search(passing.begin(), passing.end(), always));
    }
  }
}

TEST(BoundedCodeTest, WithoutAThresholdAllPass) {
  for (const Metric metric : {Metric::kAngular, Metric::kEuclidean, Metric::kDot}) {
    const Coded coded(Gaussian(50, 7, 1), metric);
    const Searched searched = Search(coded, Gaussian(2, 7, 2));
    EXPECT_EQ(Passing(coded, searched.queries, 0, std::numeric_limits<float>::infinity()).size(),
              50u);
  }
}

TEST(BoundedCodeTest, ThreadsChangeNothing) {
  const Matrix rows = Gaussian(5000, 9, 1);
  std::vector<uint32_t> order(rows.rows());
  std::iota(order.rbegin(), order.rend(), 0u);
  const auto one = quant::EncodeBounded(rows.view(), order, Metric::kAngular, TestPool(1));
  const auto three = quant::EncodeBounded(rows.view(), order, Metric::kAngular, TestPool(3));
  ASSERT_TRUE(one.ok() && three.ok());
  EXPECT_EQ(one->mean, three->mean);
  EXPECT_EQ(std::memcmp(one->blocks.data(), three->blocks.data(), one->blocks.size()), 0);
}

TEST(BoundedCodeTest, FaultsAreFound) {
  for (const Metric metric : {Metric::kAngular, Metric::kEuclidean, Metric::kDot}) {
    SCOPED_TRACE(MetricName(metric));
    Coded coded(Gaussian(20, 33, 1), metric);
    const auto fault = [&] { return quant::FaultOfCode(coded.codes, coded.rows.view(), 5); };
    EXPECT_EQ(fault(), "");
    std::byte* block = coded.encoded.blocks.data();
    const size_t groups = quant::BoundedCodes::Groups(33);
    const quant::CodeBound good = coded.bounds[5];
    const auto bad = [&](quant::CodeBound value) {
      std::memcpy(block + groups * 64 + 5 * 8, &value, sizeof(value));
      EXPECT_NE(fault(), "");
      std::memcpy(block + groups * 64 + 5 * 8, &good, sizeof(good));
    };
    const float up = metric == Metric::kDot ? 0.999f : 1.001f;
    bad({good.norm * up, good.step, good.error});
    bad({std::nanf(""), good.step, good.error});
    bad({good.norm, static_cast<uint16_t>(good.step + 8), good.error});
    bad({good.norm, 0x7FC0, good.error});
    bad({good.norm, static_cast<uint16_t>(good.step | 0x8000), good.error});
    bad({good.norm, good.step, static_cast<uint16_t>(good.error - 1)});
    bad({good.norm, good.step, 0x7FC0});
    bad({good.norm, good.step, 0x8000});
    EXPECT_EQ(fault(), "");
    block[5 * 4 + 2] ^= std::byte{8};  // coordinate 2
    EXPECT_NE(fault(), "");
    block[5 * 4 + 2] ^= std::byte{8};
    EXPECT_EQ(fault(), "");
    block[(groups - 1) * 64 + 5 * 4 + 1] = std::byte{1};  // behind coordinate 32
    EXPECT_NE(fault(), "");
    EXPECT_EQ(quant::FaultOfCode(coded.codes, coded.rows.view(), 6), "");
  }
}

// A mean that is not a number must not reach an integer, and rules nothing out.
TEST(BoundedCodeTest, DamagedMeans) {
  for (const float bad :
       {std::nanf(""), std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max()}) {
    for (const Metric metric : {Metric::kAngular, Metric::kEuclidean, Metric::kDot}) {
      Coded coded(Gaussian(30, 6, 1), metric);
      coded.encoded.mean[2] = bad;
      const Searched searched = Search(coded, Gaussian(2, 6, 2));
      EXPECT_EQ(Passing(coded, searched.queries, 1, 0.0f).size(), 30u);
    }
  }
}

}  // namespace
}  // namespace kith
