#include "graph/space.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/rng.h"
#include "base/sort.h"
#include "data/convert.h"
#include "quant/geometry.h"

namespace kith::graph {
namespace {

constexpr size_t kMeanSample = 1 << 16;
constexpr size_t kStepSample = 1 << 12;

// Beyond this share of the coordinates, bytes are clamped.
constexpr double kClamped = 0.0005;

bool IsInteger(DataType dtype) {
  return dtype == DataType::kU8 || dtype == DataType::kI8 || dtype == DataType::kBit;
}

// A hash of a row's bytes; equal rows are compared in full.
uint64_t HashRow(const std::byte* row, size_t bytes) {
  uint64_t hash = bytes;
  for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, row + i, std::min(sizeof(word), bytes - i));
    hash = Mix64(hash ^ word);
  }
  return hash;
}

}  // namespace

void CodeFrame::Map(const MatrixView& m, size_t row, float* out) const {
  geometry.Row(m, row, out);
  for (size_t i = 0; i < mean.size(); ++i) out[i] -= mean[i];
  std::fill(out + geometry.dim(), out + dim(), 0.0f);
  rotation->Apply(out);
}

std::vector<float> FrameMean(const MatrixView& rows, const quant::Geometry& geometry) {
  const size_t sample = std::min(rows.rows, kMeanSample);
  std::vector<double> sums(geometry.dim());
  std::vector<float> mean(geometry.dim());
  for (size_t i = 0; i < sample; ++i) {
    geometry.Row(rows, i * rows.rows / sample, mean.data());
    for (size_t j = 0; j < mean.size(); ++j) sums[j] += mean[j];
  }
  for (size_t j = 0; j < mean.size(); ++j) {
    mean[j] = static_cast<float>(sums[j] / static_cast<double>(sample));
  }
  return mean;
}

Result<std::vector<uint32_t>> FindCopies(const MatrixView& rows, ThreadPool& pool) {
  struct Hashed {
    uint64_t hash;
    uint32_t row;
    bool operator<(const Hashed& o) const {
      return hash < o.hash || (hash == o.hash && row < o.row);
    }
  };
  const size_t row_bytes = RowBytes(rows.dtype, rows.dim);
  std::vector<Hashed> hashed(rows.rows);
  KITH_RETURN_IF_ERROR(pool.Chunks(rows.rows, 4096, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; ++i) {
      hashed[i] = {HashRow(rows.row(i), row_bytes), static_cast<uint32_t>(i)};
    }
  }));
  KITH_RETURN_IF_ERROR(SortInPieces(std::span(hashed), pool));
  std::vector<uint32_t> first(rows.rows);
  std::vector<uint32_t> met;  // distinct rows of one hash, nearly always one
  for (size_t i = 0; i < hashed.size(); ++i) {
    if (i % 4096 == 0) KITH_RETURN_IF_ERROR(pool.CheckStop());
    if (i == 0 || hashed[i].hash != hashed[i - 1].hash) met.clear();
    const uint32_t row = hashed[i].row;
    const auto same = std::find_if(met.begin(), met.end(), [&](uint32_t other) {
      return std::memcmp(rows.row(other), rows.row(row), row_bytes) == 0;
    });
    first[row] = same == met.end() ? row : *same;
    if (same == met.end()) met.push_back(row);
  }
  return first;
}

Result<Space> Space::Create(const MatrixView& rows, Metric metric, std::span<const uint32_t> order,
                            const CodeFrame& frame, bool as_floats, ThreadPool& pool) {
  Space space;
  const simd::Kernels& kernels = simd::GetKernels();
  const bool own_metric = metric == Metric::kManhattan || metric == Metric::kHamming;
  const bool as_given = IsInteger(rows.dtype) && (own_metric || metric == Metric::kEuclidean);
  const bool mapped = !as_given && !own_metric;
  space.rounded_ = mapped && !as_floats;
  const DataType dtype = as_given ? rows.dtype : space.rounded_ ? DataType::kI8 : DataType::kF32;
  const size_t dim = mapped ? frame.dim() : rows.dim;
  const auto op = static_cast<size_t>(metric == Metric::kManhattan ? simd::Op::kL1
                                      : metric == Metric::kHamming ? simd::Op::kHamming
                                                                   : simd::Op::kL2);
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

Status Space::Map(const MatrixView& rows, std::span<const uint32_t> order, const CodeFrame& frame,
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
