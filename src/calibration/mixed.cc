#include "calibration/mixed.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/math.h"
#include "data/convert.h"
#include "search/metric_traits.h"

namespace kith::calibration {
namespace {

// Whether distances are sums over coordinates, which may each be another vector's; what lies
// between two values may be none (bits).
bool IsOfCoordinates(Metric metric) { return !search::TraitsOf(metric).euclidean; }

}  // namespace

DataType MixedType(Metric metric, DataType dtype) {
  return IsOfCoordinates(metric) ? dtype : DataType::kF32;
}

Result<AlignedBuffer<std::byte>> MixPairs(Metric metric, const MatrixView& queries, size_t count) {
  const DataType dtype = MixedType(metric, queries.dtype);
  const size_t stride = RowBytes(dtype, queries.dim);
  KITH_ASSIGN_OR_RETURN(auto mixed, AlignedBuffer<std::byte>::Create(count * stride));
  const size_t piece = std::max<size_t>(1, RowBytes(dtype, 1));
  std::vector<float> one(queries.dim);
  std::vector<float> other(queries.dim);
  for (size_t q = 0; q < count; ++q) {
    const size_t partner = queries.rows - 1 - q;
    std::byte* const out = mixed.data() + q * stride;
    if (IsOfCoordinates(metric)) {
      for (size_t i = 0; i < stride; ++i) {
        out[i] = queries.row(i / piece % 2 == 0 ? q : partner)[i];
      }
      continue;
    }
    data::RowToF32(queries, q, one.data());
    data::RowToF32(queries, partner, other.data());
    double scale = 0.5;
    double part = 1;
    if (search::TraitsOf(metric).unit_length()) {
      const double a = std::sqrt(SquaredNorm(one.data(), queries.dim));
      const double b = std::sqrt(SquaredNorm(other.data(), queries.dim));
      scale = a > 0 ? 0.5 / a : 0.5;
      part = a > 0 && b > 0 ? a / b : 1;
    }
    auto* const values = reinterpret_cast<float*>(out);
    for (size_t i = 0; i < queries.dim; ++i) {
      values[i] = static_cast<float>(scale * (one[i] + part * other[i]));
    }
  }
  return mixed;
}

}  // namespace kith::calibration
