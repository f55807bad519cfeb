#include "data/convert.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "base/float16.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "data/load.h"
#include "kith/dataset.h"

namespace kith::data {
namespace {

bool GetBit(const std::byte* row, size_t i) {
  return (std::to_integer<unsigned>(row[i / 8]) >> (i % 8) & 1u) != 0;
}

// The row as aligned floats: itself where it is that already, else converted into `scratch`.
const float* RowAsF32(const MatrixView& m, size_t row, std::vector<float>* scratch) {
  const std::byte* p = m.row(row);
  if (m.dtype == DataType::kF32 && reinterpret_cast<uintptr_t>(p) % alignof(float) == 0) {
    return reinterpret_cast<const float*>(p);
  }
  scratch->resize(m.dim);
  RowToF32(m, row, scratch->data());
  return scratch->data();
}

// Whether all exponents differ from all ones (the mark of NaN and infinity) in a row of T.
template <class T, T kExponent>
bool RowIsFinite(const std::byte* row, size_t dim) {
  T bad = 0;
  for (size_t i = 0; i < dim; ++i) {
    bad |= static_cast<T>((Load<T>(row, i) & kExponent) == kExponent ? 1 : 0);
  }
  return bad == 0;
}

bool RowIsFinite(const MatrixView& m, size_t row) {
  switch (m.dtype) {
    case DataType::kF32: return RowIsFinite<uint32_t, 0x7F800000u>(m.row(row), m.dim);
    case DataType::kF16: return RowIsFinite<uint16_t, 0x7C00u>(m.row(row), m.dim);
    case DataType::kBF16: return RowIsFinite<uint16_t, 0x7F80u>(m.row(row), m.dim);
    case DataType::kI8:
    case DataType::kU8:
    case DataType::kBit: return true;
  }
  return true;
}

// Whether one value is held exactly. Written without branches or casts that could overflow, so
// that FitsAll vectorises: adding and taking away 1.5 * 2^23 rounds a small float to an integer.
// -0.0 fits as 0 does.
template <DataType kTo>
bool Fits(float v) {
  const float integer = (v + 0x1.8p23f) - 0x1.8p23f;
  if constexpr (kTo == DataType::kBit) return (v == 0.0f) | (v == 1.0f);
  if constexpr (kTo == DataType::kU8) return (v >= 0.0f) & (v <= 255.0f) & (integer == v);
  if constexpr (kTo == DataType::kI8) return (v >= -128.0f) & (v <= 127.0f) & (integer == v);
  if constexpr (kTo == DataType::kF16) {
    const int32_t bits = std::bit_cast<int32_t>(v);
    const float magnitude = std::fabs(v);
    const bool normal = (magnitude >= 0x1p-14f) & (magnitude <= 65504.0f) & ((bits & 0x1FFF) == 0);
    // Below 2^-14, halves are the multiples of 2^-24, to which adding 0.5 rounds.
    const bool subnormal = (magnitude < 0x1p-14f) & (((magnitude + 0.5f) - 0.5f) == magnitude);
    return normal | subnormal;
  }
  if constexpr (kTo == DataType::kBF16) return (std::bit_cast<int32_t>(v) & 0xFFFF) == 0;
  return true;
}

template <DataType kTo>
bool FitsAll(const float* row, size_t dim) {
  int bad = 0;
  for (size_t i = 0; i < dim; ++i) bad |= Fits<kTo>(row[i]) ? 0 : 1;
  return bad == 0;
}

bool RowFits(const float* row, size_t dim, DataType to) {
  switch (to) {
    case DataType::kF32: return true;
    case DataType::kF16: return FitsAll<DataType::kF16>(row, dim);
    case DataType::kBF16: return FitsAll<DataType::kBF16>(row, dim);
    case DataType::kI8: return FitsAll<DataType::kI8>(row, dim);
    case DataType::kU8: return FitsAll<DataType::kU8>(row, dim);
    case DataType::kBit: return FitsAll<DataType::kBit>(row, dim);
  }
  return false;
}

Result<bool> AllRowsFit(const MatrixView& m, DataType to, ThreadPool& pool) {
  constexpr size_t kRowsAChunk = 256;
  std::atomic<bool> fit{true};
  std::vector<std::vector<float>> scratch(pool.size());
  KITH_RETURN_IF_ERROR(pool.Chunks(m.rows, kRowsAChunk, [&](size_t begin, size_t end, int thread) {
    for (size_t i = begin; i < end && fit.load(std::memory_order_relaxed); ++i) {
      const float* row = RowAsF32(m, i, &scratch[thread]);
      if (!RowFits(row, m.dim, to)) fit.store(false, std::memory_order_relaxed);
    }
  }));
  return fit.load();
}

// Writes a row in type `to`. Returns dim, or the column of the first value that does not fit.
template <DataType kTo, class T>
size_t EncodeIntegers(const float* row, size_t dim, std::byte* out) {
  if (!FitsAll<kTo>(row, dim)) {
    return static_cast<size_t>(std::find_if_not(row, row + dim, Fits<kTo>) - row);
  }
  for (size_t i = 0; i < dim; ++i) out[i] = static_cast<std::byte>(static_cast<T>(row[i]));
  return dim;
}

size_t EncodeBits(const float* row, size_t dim, std::byte* out) {
  if (!FitsAll<DataType::kBit>(row, dim)) {
    return static_cast<size_t>(std::find_if_not(row, row + dim, Fits<DataType::kBit>) - row);
  }
  std::memset(out, 0, RowBytes(DataType::kBit, dim));
  for (size_t i = 0; i < dim; ++i) {
    out[i / 8] |= static_cast<std::byte>((row[i] == 1.0f ? 1u : 0u) << (i % 8));
  }
  return dim;
}

template <uint16_t (*kRound)(float), uint16_t kExponent>
size_t EncodeHalves(const float* row, size_t dim, std::byte* out) {
  for (size_t i = 0; i < dim; ++i) {
    const uint16_t half = kRound(row[i]);
    if ((half & kExponent) == kExponent) return i;
    std::memcpy(out + i * sizeof(half), &half, sizeof(half));
  }
  return dim;
}

size_t EncodeRow(const float* row, size_t dim, DataType to, std::byte* out) {
  switch (to) {
    case DataType::kF32: std::memcpy(out, row, dim * sizeof(float)); return dim;
    case DataType::kF16: return EncodeHalves<F32ToF16, 0x7C00u>(row, dim, out);
    case DataType::kBF16: return EncodeHalves<F32ToBf16, 0x7F80u>(row, dim, out);
    case DataType::kI8: return EncodeIntegers<DataType::kI8, int8_t>(row, dim, out);
    case DataType::kU8: return EncodeIntegers<DataType::kU8, uint8_t>(row, dim, out);
    case DataType::kBit: return EncodeBits(row, dim, out);
  }
  return 0;
}

void CopyRow(const MatrixView& from, size_t row, std::byte* out) {
  const size_t bytes = RowBytes(from.dtype, from.dim);
  std::memcpy(out, from.row(row), bytes);
  if (from.dtype == DataType::kBit && from.dim % 8 != 0) {  // padding bits are zero in kith's rows
    out[bytes - 1] &= static_cast<std::byte>((1u << (from.dim % 8)) - 1u);
  }
}

Status DoesNotFit(size_t row, size_t column, float value, DataType to) {
  std::ostringstream digits;
  digits.exceptions(std::ios_base::badbit);
  digits.precision(std::numeric_limits<float>::max_digits10);
  digits << value;
  const bool integer = to == DataType::kI8 || to == DataType::kU8 || to == DataType::kBit;
  return Status::InvalidArgument(StrCat(
      "row ", row, ", column ", column, " holds ", digits.str(), ", which ", DataTypeName(to),
      integer ? " can't hold exactly; use" : " can't hold; use", " a wider type, such as f32"));
}

}  // namespace

void RowToF32(const MatrixView& m, size_t row, float* out) {
  const std::byte* p = m.row(row);
  switch (m.dtype) {
    case DataType::kF32: std::memcpy(out, p, m.dim * sizeof(float)); break;
    case DataType::kF16:
      for (size_t i = 0; i < m.dim; ++i) out[i] = F16ToF32(Load<uint16_t>(p, i));
      break;
    case DataType::kBF16:
      for (size_t i = 0; i < m.dim; ++i) out[i] = Bf16ToF32(Load<uint16_t>(p, i));
      break;
    case DataType::kI8:
      for (size_t i = 0; i < m.dim; ++i) out[i] = static_cast<float>(Load<int8_t>(p, i));
      break;
    case DataType::kU8:
      for (size_t i = 0; i < m.dim; ++i) out[i] = static_cast<float>(Load<uint8_t>(p, i));
      break;
    case DataType::kBit:
      for (size_t i = 0; i < m.dim; ++i) out[i] = GetBit(p, i) ? 1.0f : 0.0f;
      break;
  }
}

Status CheckFiniteRow(const MatrixView& m, size_t row) {
  if (RowIsFinite(m, row)) return Status::Ok();
  std::vector<float> values(m.dim);
  RowToF32(m, row, values.data());
  const auto first =
      std::find_if_not(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
  return Status::InvalidArgument(StrCat("row ", row, ", column ", first - values.begin(), " is ",
                                        std::isnan(*first) ? "NaN" : "infinite",
                                        "; vectors must be finite"));
}

Status CheckFinite(const MatrixView& m, ThreadPool& pool) {
  constexpr size_t kRowsAChunk = 1024;
  if (m.dtype != DataType::kF32 && m.dtype != DataType::kF16 && m.dtype != DataType::kBF16) {
    return Status::Ok();
  }
  return pool.Chunks(m.rows, kRowsAChunk, [&](size_t begin, size_t end, int) -> Status {
    for (size_t row = begin; row < end; ++row) KITH_RETURN_IF_ERROR(CheckFiniteRow(m, row));
    return Status::Ok();
  });
}

Result<DataType> SmallestLossless(const MatrixView& m, ThreadPool& pool) {
  for (DataType to :
       {DataType::kBit, DataType::kU8, DataType::kI8, DataType::kF16, DataType::kBF16}) {
    if (to == m.dtype) return to;
    KITH_ASSIGN_OR_RETURN(const bool fit, AllRowsFit(m, to, pool));
    if (fit) return to;
  }
  return DataType::kF32;
}

Status ConvertRows(const MatrixView& from, DataType to, size_t begin, size_t end, std::byte* out,
                   size_t out_stride) {
  std::vector<float> scratch;
  for (size_t i = begin; i < end; ++i, out += out_stride) {
    if (to == from.dtype) {
      CopyRow(from, i, out);
      continue;
    }
    const float* row = RowAsF32(from, i, &scratch);
    const size_t column = EncodeRow(row, from.dim, to, out);
    if (column != from.dim) return DoesNotFit(i, column, row[column], to);
  }
  return Status::Ok();
}

Result<AlignedBuffer<std::byte>> ConvertAllRows(const MatrixView& from, DataType to,
                                                size_t out_stride, ThreadPool& pool) {
  KITH_ASSIGN_OR_RETURN(auto converted, AlignedBuffer<std::byte>::Create(from.rows * out_stride));
  KITH_RETURN_IF_ERROR(pool.Chunks(from.rows, 1024, [&](size_t begin, size_t end, int) {
    return ConvertRows(from, to, begin, end, converted.data() + begin * out_stride, out_stride);
  }));
  return converted;
}

Result<AlignedBuffer<std::byte>> GatherRows(const MatrixView& rows, std::span<const uint32_t> ids,
                                            size_t stride, ThreadPool& pool) {
  KITH_ASSIGN_OR_RETURN(auto gathered, AlignedBuffer<std::byte>::Create(ids.size() * stride));
  const size_t row_bytes = RowBytes(rows.dtype, rows.dim);
  KITH_RETURN_IF_ERROR(pool.Chunks(ids.size(), 1024, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; ++i) {
      std::memcpy(gathered.data() + i * stride, rows.row(ids[i]), row_bytes);
    }
  }));
  return gathered;
}

}  // namespace kith::data

namespace kith {

Result<DataType> SmallestLossless(const MatrixView& vectors, int threads) {
  return CatchAll([&]() -> Result<DataType> {
    ThreadPool pool(threads);
    return data::SmallestLossless(vectors, pool);
  });
}

}  // namespace kith
