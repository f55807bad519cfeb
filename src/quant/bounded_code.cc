#include "quant/bounded_code.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/float16.h"
#include "base/strings.h"
#include "data/convert.h"

namespace kith::quant {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kInfinityF = std::numeric_limits<float>::infinity();
// Half a unit in the last place of 1 in float32: the relative error of one operation.
constexpr double kUnit = 0x1p-24;
// What covers the few roundings of the screen kernel (docs/exact.md): 32 units.
constexpr double kMargin = 0x1p-19;
// What covers some thousand roundings in double precision.
constexpr double kFine = 0x1p-36;
// What covers every underflow in the screen kernel.
constexpr double kTiny = 0x1p-140;
// Squared norms up to here: nothing in the screen kernel overflows.
constexpr double kLargest = 0x1p120;
// Points shorter than this are coded as zero, and angular rows shorter than this are not coded.
constexpr double kSmallest = 0x1p-60;
// Stored codes are unsigned, for the sake of instructions that multiply those with signed ones.
constexpr int kCodeOffset = 128;

float RoundUpToFloat(double x) {
  if (std::abs(x) > std::numeric_limits<float>::max()) {
    return x > 0 ? kInfinityF : -std::numeric_limits<float>::max();
  }
  const auto f = static_cast<float>(x);
  return static_cast<double>(f) < x ? std::nextafter(f, kInfinityF) : f;
}

float RoundDownToFloat(double x) { return -RoundUpToFloat(-x); }

// The smallest bfloat16 not below x, of normal size. REQUIRES: x >= 0.
uint16_t RoundUpToBf16(double x) {
  const float f = std::max(RoundUpToFloat(x), std::numeric_limits<float>::min());
  if (f == kInfinityF) return 0x7F80;
  return static_cast<uint16_t>((std::bit_cast<uint32_t>(f) + 0xFFFFu) >> 16);
}

double SquaredNorm(const double* x, size_t dim) {
  double sums[4] = {};
  size_t i = 0;
  for (; i + 4 <= dim; i += 4) {
    for (size_t j = 0; j < 4; ++j) sums[j] += x[i + j] * x[i + j];
  }
  for (; i < dim; ++i) sums[0] += x[i] * x[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// Maps vectors to points, in double precision.
class Mapper {
 public:
  Mapper(Metric metric, std::span<const float> mean)
      : angular_(metric == Metric::kAngular), mean_(mean), values_(mean.size()) {}

  // Writes dim doubles and returns the length before centring.
  double Map(const MatrixView& m, size_t row, double* point) {
    data::RowToF32(m, row, values_.data());
    const size_t dim = values_.size();
    std::copy(values_.begin(), values_.end(), point);
    const double norm = std::sqrt(SquaredNorm(point, dim));
    if (angular_ && norm > 0) {
      const double inverse = 1 / norm;
      for (size_t i = 0; i < dim; ++i) point[i] *= inverse;
    }
    for (size_t i = 0; i < dim; ++i) point[i] -= mean_[i];
    return norm;
  }

 private:
  bool angular_;
  std::span<const float> mean_;
  std::vector<float> values_;
};

// At least |point - step * code|, where the true point may differ from `point` by what Mapper
// rounded.
double ErrorOf(Metric metric, const double* point, const int8_t* code, double step, size_t dim) {
  double sums[4] = {};
  double norms[4] = {};
  for (size_t i = 0; i < dim; ++i) {
    const double rest = point[i] - step * code[i];
    sums[i % 4] += rest * rest;
    norms[i % 4] += point[i] * point[i];
  }
  const double error = std::sqrt((sums[0] + sums[1]) + (sums[2] + sums[3]));
  const double norm = std::sqrt((norms[0] + norms[1]) + (norms[2] + norms[3]));
  const double rounding = static_cast<double>(dim + 16) * 0x1p-52;
  const double before_centring = metric == Metric::kAngular ? 1 : 0;
  return (error * (1 + rounding) + (norm + before_centring) * rounding) * (1 + kMargin);
}

double SquaredCode(const int8_t* code, double step, size_t dim) {
  int64_t sum = 0;
  for (size_t i = 0; i < dim; ++i) sum += int32_t{code[i]} * code[i];
  return step * step * static_cast<double>(sum);
}

// The nearest codes. REQUIRES: |point[i]| <= 127 * step.
void RoundToCode(const double* point, double step, size_t dim, int8_t* code) {
  const double scale = 1 / step;
  for (size_t i = 0; i < dim; ++i) {
    const double x = point[i] * scale;
    const int value = static_cast<int>(x + (x < 0 ? -0.5 : 0.5));
    code[i] = static_cast<int8_t>(std::clamp(value, -127, 127));
  }
}

double LargestCoordinate(const double* point, size_t dim) {
  double largest = 0;
  for (size_t i = 0; i < dim; ++i) largest = std::max(largest, std::abs(point[i]));
  return largest;
}

// CodeBound::norm of a code with |step c|^2 = squared.
float NormTerm(Metric metric, double squared, double error) {
  return metric == Metric::kDot ? RoundUpToFloat(std::sqrt(squared) * (1 + kMargin))
                                : RoundDownToFloat(squared * (1 - kMargin) - error * error);
}

// Where the parts of a row's code are among the blocks.
struct CodePlace {
  size_t code;
  size_t bound;

  CodePlace(size_t dim, size_t row) {
    const size_t lane = row % simd::kScreenRows;
    code = row / simd::kScreenRows * BoundedCodes::BlockBytes(dim);
    bound = code + simd::kScreenRows * 4 * BoundedCodes::Groups(dim) + lane * sizeof(CodeBound);
    code += lane * 4;
  }
  size_t Coordinate(size_t j) const { return code + j / 4 * simd::kScreenRows * 4 + j % 4; }
};

constexpr CodeBound kUnbounded{-kInfinityF, 0, 0x7F80};

// Whether a bound holds for a row of this length (a zero vector is a point like any other), whose
// code has |step c|^2 = squared.
bool InRange(Metric metric, double length, double squared, double error) {
  return (metric != Metric::kAngular || length == 0 || length >= kSmallest) &&
         squared <= kLargest && error * error <= kLargest;
}

CodeBound EncodePoint(Metric metric, const double* point, double length, size_t dim, int8_t* code) {
  const double largest = LargestCoordinate(point, dim);
  CodeBound bound{0, 0, 0};
  if (largest > kSmallest && largest < std::sqrt(kLargest)) {
    bound.step = RoundUpToBf16(largest / 127);
    RoundToCode(point, Bf16ToF32(bound.step), dim, code);
  }
  const double step = Bf16ToF32(bound.step);
  const double squared = SquaredCode(code, step, dim);
  bound.error = RoundUpToBf16(ErrorOf(metric, point, code, step, dim));
  if (!InRange(metric, length, squared, Bf16ToF32(bound.error))) return kUnbounded;
  bound.norm = NormTerm(metric, squared, Bf16ToF32(bound.error));
  return bound;
}

// The mean of a sample: any point would do, and this one keeps codes short.
std::vector<float> SampleMean(const MatrixView& rows, Metric metric) {
  constexpr size_t kSample = 16384;
  const size_t step = (rows.rows + kSample - 1) / kSample;
  const std::vector<float> zero(rows.dim);
  Mapper mapper(metric, zero);
  std::vector<double> point(rows.dim);
  std::vector<double> sums(rows.dim);
  size_t count = 0;
  for (size_t row = 0; row < rows.rows; row += step, ++count) {
    mapper.Map(rows, row, point.data());
    for (size_t i = 0; i < rows.dim; ++i) sums[i] += point[i];
  }
  std::vector<float> mean(rows.dim);
  for (size_t i = 0; i < rows.dim; ++i) {
    mean[i] = static_cast<float>(sums[i] / static_cast<double>(count));
  }
  return mean;
}

double NormOf(std::span<const float> x) {
  const std::vector<double> wide(x.begin(), x.end());
  return std::sqrt(SquaredNorm(wide.data(), wide.size()));
}

}  // namespace

bool HasBoundedCodes(Metric metric, DataType dtype) {
  const bool metric_fits =
      metric == Metric::kAngular || metric == Metric::kEuclidean || metric == Metric::kDot;
  return metric_fits &&
         (dtype == DataType::kF32 || dtype == DataType::kF16 || dtype == DataType::kBF16);
}

bool BoundedCodesPay(Metric metric, DataType dtype, size_t rows, size_t dim) {
  const size_t row_bytes = PaddedStride(RowBytes(dtype, dim));
  return HasBoundedCodes(metric, dtype) && rows * row_bytes >= (1u << 20) &&
         3 * BoundedCodes::BlockBytes(dim) <= 2 * simd::kScreenRows * row_bytes;
}

Result<EncodedRows> EncodeBounded(const MatrixView& rows, std::span<const uint32_t> order,
                                  Metric metric, ThreadPool& pool) {
  EncodedRows out;
  const size_t dim = rows.dim;
  const size_t block_bytes = BoundedCodes::BlockBytes(dim);
  const size_t num_blocks = BoundedCodes::NumBlocks(order.size());
  KITH_ASSIGN_OR_RETURN(out.blocks, AlignedBuffer<std::byte>::Create(num_blocks * block_bytes));
  out.mean = SampleMean(rows, metric);
  constexpr size_t kBlocksAtOnce = 64;
  KITH_RETURN_IF_ERROR(pool.Chunks(num_blocks, kBlocksAtOnce, [&](size_t begin, size_t end, int) {
    Mapper mapper(metric, out.mean);
    std::vector<double> point(dim);
    std::vector<int8_t> code(dim);
    const size_t last = std::min(order.size(), end * simd::kScreenRows);
    for (size_t i = begin * simd::kScreenRows; i < last; ++i) {
      const double length = mapper.Map(rows, order[i], point.data());
      std::fill(code.begin(), code.end(), int8_t{0});
      const CodeBound bound = EncodePoint(metric, point.data(), length, dim, code.data());
      const CodePlace place(dim, i);
      for (size_t j = 0; j < dim; ++j) {
        out.blocks[place.Coordinate(j)] = static_cast<std::byte>(code[j] + kCodeOffset);
      }
      std::memcpy(out.blocks.data() + place.bound, &bound, sizeof(bound));
    }
  }));
  return out;
}

CodeBound CodeOf(const BoundedCodes& codes, size_t row, int8_t* code) {
  const CodePlace place(codes.dim, row);
  for (size_t j = 0; j < codes.dim; ++j) {
    code[j] =
        static_cast<int8_t>(static_cast<int>(codes.blocks[place.Coordinate(j)]) - kCodeOffset);
  }
  CodeBound bound{};
  std::memcpy(&bound, codes.blocks.data() + place.bound, sizeof(bound));
  return bound;
}

std::string FaultOfCode(const BoundedCodes& codes, const MatrixView& rows, size_t row) {
  const size_t dim = codes.dim;
  const CodePlace place(dim, row);
  const bool padding = row >= rows.rows;
  for (size_t j = padding ? 0 : dim; j < BoundedCodes::Groups(dim) * 4; ++j) {
    if (codes.blocks[place.Coordinate(j)] != std::byte{0}) return "its padding is not zero";
  }
  std::vector<int8_t> code(dim);
  const CodeBound bound = CodeOf(codes, row, code.data());
  const double step = Bf16ToF32(bound.step);
  const double error = Bf16ToF32(bound.error);
  if (padding) return bound.norm == 0 && step == 0 && error == 0 ? "" : "its padding is not zero";
  if (!(step >= 0 && step < kInfinity && error >= 0) || std::isnan(bound.norm)) {
    return "its bound is not a number";
  }
  if (error == kInfinity) return {};
  Mapper mapper(codes.metric, codes.mean);
  std::vector<double> point(dim);
  const double length = mapper.Map(rows, row, point.data());
  const double squared = SquaredCode(code.data(), step, dim);
  if (!InRange(codes.metric, length, squared, error)) return "it is out of range";
  if (!(ErrorOf(codes.metric, point.data(), code.data(), step, dim) <= error)) {
    return "it is farther from its vector than its bound says";
  }
  const float norm = NormTerm(codes.metric, squared, error);
  if (codes.metric == Metric::kDot ? bound.norm < norm : bound.norm > norm) {
    return "its norm is not that of its bound";
  }
  return {};
}

Result<BoundedQueries> BoundedQueries::Create(const BoundedCodes& codes, const MatrixView& queries,
                                              size_t first, std::span<const uint32_t> order) {
  BoundedQueries out;
  out.codes_ = codes;
  out.query_stride_ = RoundUp(codes.dim, kCacheLine);
  KITH_ASSIGN_OR_RETURN(out.queries_,
                        AlignedBuffer<int8_t>::Create(order.size() * out.query_stride_));
  out.mean_norm_ = NormOf(codes.mean) * (1 + kFine);
  out.factors_.resize(order.size());
  const size_t dim = codes.dim;
  // Dot products are of the query itself: <x, q> = <mean, q> + <y, q>.
  const std::vector<float> zero(dim);
  const bool dot = codes.metric == Metric::kDot;
  Mapper mapper(codes.metric, dot ? std::span<const float>(zero) : codes.mean);
  std::vector<double> point(dim);
  // The mean of a damaged file may be anything.
  const bool sound = out.mean_norm_ * out.mean_norm_ <= kLargest;
  for (size_t i = 0; sound && i < order.size(); ++i) {
    Factors& q = out.factors_[i];
    q.norm = mapper.Map(queries, first + order[i], point.data()) * (1 + kFine);
    int8_t* code = out.queries_.data() + i * out.query_stride_;
    const double largest = LargestCoordinate(point.data(), dim);
    if (largest > kSmallest && largest < std::sqrt(kLargest)) {
      q.step = RoundUpToFloat(largest / 127);
      RoundToCode(point.data(), q.step, dim, code);
    }
    q.error = ErrorOf(codes.metric, point.data(), code, q.step, dim);
    q.squared_code = SquaredCode(code, q.step, dim);
    for (size_t j = 0; j < dim; ++j) {
      q.offset += code[j] * kCodeOffset;
      q.along_mean += point[j] * codes.mean[j];
    }
    q.bounded = q.squared_code <= kLargest && q.error * q.error <= kLargest;
  }
  return out;
}

simd::ScreenQuery BoundedQueries::Prepared(size_t query, float threshold) const noexcept {
  const Factors& q = factors_[query];
  return {queries_.data() + query * query_stride_, q.offset, Terms(q, threshold)};
}

simd::ScreenTerms BoundedQueries::Terms(const Factors& q, float threshold) const noexcept {
  const simd::ScreenTerms all{0, 0, 0, kInfinityF};
  if (!q.bounded) return all;
  const simd::ScreenTerms terms =
      codes_.metric == Metric::kDot ? DotTerms(q, threshold) : DistanceTerms(q, threshold);
  const bool finite = std::abs(terms.norm_weight) < kInfinityF &&
                      std::abs(terms.error_weight) < kInfinityF && terms.limit < kInfinityF;
  return finite ? terms : all;
}

// |y - z| >= |step c - step g| - error - error_q, so that a row within `radius` has
//   |step c - step g|^2 <= (radius + error_q + error)^2.
simd::ScreenTerms BoundedQueries::DistanceTerms(const Factors& q, float threshold) const noexcept {
  const auto dim = static_cast<double>(codes_.dim);
  // The squared distance that the kernels' float32 sums may have rounded to the threshold.
  double squared_radius = 0;
  if (codes_.metric == Metric::kAngular) {
    squared_radius = 2 * (threshold + (dim / 16 + 32) * kUnit);
  } else {
    squared_radius = (threshold + (dim + 64) * 0x1p-148) / (1 - (dim / 16 + 16) * kUnit);
  }
  const double radius = (std::sqrt(squared_radius) + q.error) * (1 + kFine);
  if (!(radius * radius <= kLargest)) return {0, 0, 0, kInfinityF};
  return {1, -RoundUpToFloat(2 * radius), static_cast<float>(-2 * q.step),
          RoundUpToFloat(radius * radius - q.squared_code * (1 - kMargin) + kTiny)};
}

// -<x, q> >= -(<mean, q> + <step c, step g> + |step c| error_q + error |q|).
simd::ScreenTerms BoundedQueries::DotTerms(const Factors& q, float threshold) const noexcept {
  const auto dim = static_cast<double>(codes_.dim);
  // What the kernels' float32 sums may be off, relative to |x| |q|, |x| <= |mean| + |c| + error.
  const double rounding = (dim / 16 + 16) * kUnit * q.norm;
  const double limit = threshold + q.along_mean + rounding * mean_norm_ + (dim + 64) * 0x1p-148 +
                       std::abs(double{threshold}) * kFine + kTiny;
  return {-RoundUpToFloat((q.error + rounding) * (1 + kMargin) + kMargin * (q.norm + q.error)),
          -RoundUpToFloat((q.norm + rounding) * (1 + kMargin)), static_cast<float>(-q.step),
          RoundUpToFloat(limit)};
}

}  // namespace kith::quant
