// Small matrices of any element type, and distances between their rows as plain loops in double
// precision.
#ifndef KITH_TESTS_MATRIX_H_
#define KITH_TESTS_MATRIX_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "base/float16.h"
#include "base/rng.h"
#include "kith/types.h"
#include "simd/reference.h"

namespace kith::testing {

// Rows lie `gap` bytes apart. What is between them, and the unused bits of a row of bits, is
// garbage: nobody may depend on it.
class Matrix {
 public:
  Matrix() = default;
  Matrix(DataType dtype, size_t rows, size_t dim, size_t gap = 0)
      : dtype_(dtype),
        rows_(rows),
        dim_(dim),
        stride_(RowBytes(dtype, dim) + gap),
        bytes_(rows * stride_, std::byte{0xA5}) {
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < dim; ++c) Set(r, c, 0);
    }
  }

  // Values of the type's whole range, a quarter of them from {0, 1, 2} so that some are equal.
  static Matrix Random(DataType dtype, size_t rows, size_t dim, uint64_t seed, size_t gap = 0) {
    Matrix m(dtype, rows, dim, gap);
    Rng rng(seed, static_cast<uint64_t>(dtype));
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < dim; ++c) m.Set(r, c, RandomValue(dtype, &rng));
    }
    return m;
  }

  // Points around `centres` random ones, as most real data is.
  static Matrix Clustered(size_t rows, size_t dim, size_t centres, double spread, uint64_t seed) {
    Matrix m(DataType::kF32, rows, dim);
    Rng rng(seed);
    std::vector<double> middle(centres * dim);
    for (double& v : middle) v = rng.Normal();
    for (size_t r = 0; r < rows; ++r) {
      const size_t centre = rng.Below(static_cast<uint32_t>(centres));
      for (size_t c = 0; c < dim; ++c) {
        m.Set(r, c, middle[centre * dim + c] + spread * rng.Normal());
      }
    }
    return m;
  }

  size_t rows() const { return rows_; }
  size_t dim() const { return dim_; }
  MatrixView view() const { return {bytes_.data(), rows_, dim_, stride_, dtype_}; }
  MatrixView Row(size_t r) const { return {bytes_.data() + r * stride_, 1, dim_, stride_, dtype_}; }

  double Get(size_t r, size_t c) const {
    return simd::ReferenceValue(bytes_.data() + r * stride_, dtype_, c);
  }
  // Rounds to the type; integers must be in its range.
  void Set(size_t r, size_t c, double value) {
    std::byte* row = bytes_.data() + r * stride_;
    const auto f = static_cast<float>(value);
    const uint16_t half = dtype_ == DataType::kF16 ? F32ToF16(f) : F32ToBf16(f);
    switch (dtype_) {
      case DataType::kF32: std::memcpy(row + 4 * c, &f, sizeof(f)); break;
      case DataType::kF16:
      case DataType::kBF16: std::memcpy(row + 2 * c, &half, sizeof(half)); break;
      case DataType::kI8:
      case DataType::kU8: row[c] = static_cast<std::byte>(static_cast<int>(value)); break;
      case DataType::kBit: {
        const auto bit = static_cast<std::byte>(1u << (c % 8));
        row[c / 8] = value != 0 ? row[c / 8] | bit : row[c / 8] & ~bit;
        break;
      }
    }
  }
  void CopyRow(const Matrix& from, size_t from_row, size_t to_row) {
    for (size_t c = 0; c < dim_; ++c) Set(to_row, c, from.Get(from_row, c));
  }
  // The same values in another type. REQUIRES: it holds them.
  Matrix As(DataType dtype, size_t gap = 0) const {
    Matrix m(dtype, rows_, dim_, gap);
    for (size_t r = 0; r < rows_; ++r) m.CopyRow(*this, r, r);
    return m;
  }
  // Row i of the result is row order[i] of this.
  Matrix Permuted(const std::vector<size_t>& order) const {
    Matrix m(dtype_, order.size(), dim_);
    for (size_t i = 0; i < order.size(); ++i) m.CopyRow(*this, order[i], i);
    return m;
  }

 private:
  static double RandomValue(DataType dtype, Rng* rng) {
    const bool small = rng->Below(4) == 0;
    const uint32_t few = rng->Below(3);
    switch (dtype) {
      case DataType::kI8: return small ? few : static_cast<double>(rng->Below(256)) - 128;
      case DataType::kU8: return small ? few : rng->Below(256);
      case DataType::kBit: return rng->Below(2);
      default: return small ? few : 3 * rng->Normal();
    }
  }

  DataType dtype_ = DataType::kF32;
  size_t rows_ = 0;
  size_t dim_ = 0;
  size_t stride_ = 0;
  std::vector<std::byte> bytes_;
};

inline std::vector<size_t> RandomOrder(size_t n, uint64_t seed) {
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  Rng rng(seed);
  rng.Shuffle(&order);
  return order;
}

struct PlainDistance {
  double value = 0;
  double tolerance = 0;  // how far float32 arithmetic may be from it
};

// What users should see, by the table at Metric.
inline PlainDistance Distance(Metric metric, const Matrix& queries, size_t q, const Matrix& rows,
                              size_t r) {
  constexpr double kEpsilon = std::numeric_limits<float>::epsilon() / 2;
  const double slack = static_cast<double>(queries.dim() + 16) * kEpsilon;
  double l2 = 0, dot = 0, dots = 0, l1 = 0, qq = 0, xx = 0;
  int hamming = 0;
  for (size_t c = 0; c < queries.dim(); ++c) {
    const double a = queries.Get(q, c);
    const double b = rows.Get(r, c);
    l2 += (a - b) * (a - b);
    dot += a * b;
    dots += std::abs(a * b);
    l1 += std::abs(a - b);
    qq += a * a;
    xx += b * b;
    hamming += a != b ? 1 : 0;
  }
  switch (metric) {
    case Metric::kEuclidean: return {std::sqrt(l2), std::sqrt(l2) * slack};
    case Metric::kDot: return {-dot, dots * slack};
    case Metric::kManhattan: return {l1, l1 * slack};
    case Metric::kHamming: return {static_cast<double>(hamming), 0};
    case Metric::kAngular: {
      if (qq == 0 || xx == 0) return {1, 0};
      const double norms = std::sqrt(qq) * std::sqrt(xx);
      return {std::clamp(1 - dot / norms, 0.0, 2.0), (dots / norms + 1) * slack};
    }
  }
  return {};
}

}  // namespace kith::testing

#endif  // KITH_TESTS_MATRIX_H_
