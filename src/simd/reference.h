// The kernels' specification: the same operations as plain loops in double precision.
#ifndef KITH_SIMD_REFERENCE_H_
#define KITH_SIMD_REFERENCE_H_

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/float16.h"
#include "kith/types.h"
#include "simd/kernels.h"

namespace kith::simd {

// Coordinate i of a row, as a double.
inline double ReferenceValue(const std::byte* row, DataType dtype, size_t i) {
  switch (dtype) {
    case DataType::kF32: {
      float v;
      std::memcpy(&v, row + 4 * i, 4);
      return v;
    }
    case DataType::kF16:
    case DataType::kBF16: {
      uint16_t v;
      std::memcpy(&v, row + 2 * i, 2);
      return dtype == DataType::kF16 ? F16ToF32(v) : Bf16ToF32(v);
    }
    case DataType::kI8: return static_cast<int8_t>(row[i]);
    case DataType::kU8: return static_cast<uint8_t>(row[i]);
    case DataType::kBit: return (static_cast<uint8_t>(row[i / 8]) >> (i % 8)) & 1;
  }
  return 0;
}

// `magnitude`, if given, receives the sum of the terms' absolute values: rounding errors scale with
// it, not with the result.
inline double ReferenceOp(Op op, const std::byte* query, DataType query_type, const std::byte* row,
                          DataType row_type, size_t dim, double* magnitude = nullptr) {
  double sum = 0;
  double total = 0;
  for (size_t i = 0; i < dim; ++i) {
    const double q = ReferenceValue(query, query_type, i);
    const double x = ReferenceValue(row, row_type, i);
    double term = 0;
    switch (op) {
      case Op::kL2: term = (q - x) * (q - x); break;
      case Op::kDot: term = q * x; break;
      case Op::kL1: term = std::abs(q - x); break;
      case Op::kHamming: term = q != x ? 1 : 0; break;
    }
    sum += term;
    total += std::abs(term);
  }
  if (magnitude != nullptr) *magnitude = total;
  return sum;
}

}  // namespace kith::simd

#endif  // KITH_SIMD_REFERENCE_H_
