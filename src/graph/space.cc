#include "graph/space.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/convert.h"
#include "search/metric_traits.h"

namespace kith::graph {
namespace {

constexpr size_t kStepSample = 1 << 12;

// The step of rounding is such that this share of the coordinates is beyond the largest byte, and
// becomes that.
constexpr double kClamped = 0.0005;

bool IsInteger(DataType dtype) {
  return dtype == DataType::kU8 || dtype == DataType::kI8 || dtype == DataType::kBit;
}

}  // namespace

Result<Space> Space::Create(const MatrixView& rows, Metric metric, std::span<const uint32_t> order,
                            const Frame& frame, bool as_floats, ThreadPool& pool) {
  Space space;
  const simd::Kernels& kernels = simd::GetKernels();
  const search::MetricTraits& traits = search::TraitsOf(metric);
  const bool own_metric = !traits.euclidean;
  const bool as_given = IsInteger(rows.dtype) && traits.form == search::DistanceForm::kSum;
  const bool mapped = !as_given && !own_metric;
  space.rounded_ = mapped && !as_floats;
  const DataType dtype = as_given ? rows.dtype : space.rounded_ ? DataType::kI8 : DataType::kF32;
  const size_t dim = mapped ? frame.dim() : rows.dim;
  const auto op = static_cast<size_t>(own_metric ? traits.op : simd::Op::kL2);
  const auto type = static_cast<size_t>(dtype);
  space.kernel_ = dtype == DataType::kF32 ? kernels.f32[type][op] : kernels.native[type][op];
  const size_t coordinate = dtype == DataType::kF32 ? sizeof(float) : 1;
  const size_t row_bytes = RowBytes(dtype, dim);
  const size_t stride = RoundUp(row_bytes / coordinate, simd::kQueryPadding) * coordinate;
  space.kernel_dim_ = RoundUp(row_bytes, kCacheLine) / coordinate;
  if (as_given) {
    KITH_ASSIGN_OR_RETURN(space.rows_, data::GatherRows(rows, order, stride, pool));
  } else {
    KITH_ASSIGN_OR_RETURN(space.rows_, AlignedBuffer<std::byte>::Create(order.size() * stride));
  }
  space.table_.rows = {space.rows_.data(), order.size(), dim, stride, dtype};
  space.table_.metric = own_metric ? metric : Metric::kEuclidean;
  space.table_.padded_bytes = space.kernel_dim_ * coordinate;
  if (as_given) return space;
  if (mapped) {
    KITH_RETURN_IF_ERROR(space.Map(rows, order, frame, as_floats, pool));
    return space;
  }
  KITH_RETURN_IF_ERROR(pool.Chunks(order.size(), 1024, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; ++i) {
      data::RowToF32(rows, order[i], reinterpret_cast<float*>(space.rows_.data() + i * stride));
    }
  }));
  return space;
}

Status Space::Map(const MatrixView& rows, std::span<const uint32_t> order, const Frame& frame,
                  bool as_floats, ThreadPool& pool) {
  const size_t dim = frame.dim();
  float inverse = 1;
  if (!as_floats) {
    // One step for all coordinates, which the rotation made alike.
    const size_t sample = std::min(order.size(), kStepSample);
    std::vector<float> x(dim);
    std::vector<float> values;
    values.reserve(sample * dim);
    for (size_t i = 0; i < sample; ++i) {
      frame.Map(rows, order[i * order.size() / sample], x.data());
      for (const float v : x) values.push_back(std::fabs(v));
    }
    const auto beyond = static_cast<ptrdiff_t>(kClamped * static_cast<double>(values.size()));
    const auto largest = values.end() - 1 - beyond;
    std::nth_element(values.begin(), largest, values.end());
    inverse = *largest > 0 ? 127 / *largest : 0.0f;
  }
  return pool.Chunks(order.size(), 1024, [&](size_t begin, size_t end, int) {
    std::vector<float> x(dim);
    for (size_t i = begin; i < end; ++i) {
      std::byte* to = rows_.data() + i * stride();
      frame.Map(rows, order[i], x.data());
      if (as_floats) {
        std::memcpy(to, x.data(), dim * sizeof(float));
        continue;
      }
      for (size_t j = 0; j < dim; ++j) {
        const float v = std::clamp(x[j] * inverse, -127.0f, 127.0f);
        to[j] = static_cast<std::byte>(static_cast<int8_t>(v < 0 ? v - 0.5f : v + 0.5f));
      }
    }
  });
}

}  // namespace kith::graph
