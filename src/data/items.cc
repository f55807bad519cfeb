#include "data/items.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/strings.h"
#include "data/elements.h"
#include "data/growing_buffer.h"
#include "data/load.h"

namespace kith::data {
namespace {

template <class T>
T LoadItem(const ItemMatrix& m, size_t row, size_t column) {
  const size_t i = m.item(row, column);
  return m.big_endian ? LoadBigEndian<T>(m.data, i) : Load<T>(m.data, i);
}

// Copies items to rows of their own type, in this machine's byte order.
template <class T>
Result<Dataset> CopyItems(const ItemMatrix& m, DataType dtype) {
  auto buffer = std::make_shared<GrowingBuffer>(m.path);
  KITH_ASSIGN_OR_RETURN(std::byte * bytes, buffer->Extend(m.rows * m.dim * sizeof(T)));
  Dataset set;
  set.vectors = {bytes, m.rows, m.dim, m.dim * sizeof(T), dtype};
  for (size_t row = 0; row < m.rows; ++row) {
    for (size_t column = 0; column < m.dim; ++column, bytes += sizeof(T)) {
      const T value = LoadItem<T>(m, row, column);
      std::memcpy(bytes, &value, sizeof(T));
    }
  }
  set.owner = std::move(buffer);
  return set;
}

template <class T>
Result<Dataset> NativeItems(const ItemMatrix& m, DataType dtype) {
  if (!m.column_item.empty() || (m.big_endian && sizeof(T) > 1)) {
    return CopyItems<T>(m, dtype);
  }
  Dataset set;
  set.vectors = {m.data, m.rows, m.dim, m.dim * sizeof(T), dtype};
  set.owner = m.owner;
  return set;
}

Result<Dataset> DoublesToFloats(const ItemMatrix& m) {
  auto buffer = std::make_shared<GrowingBuffer>(m.path);
  KITH_ASSIGN_OR_RETURN(std::byte * bytes, buffer->Extend(m.rows * m.dim * sizeof(float)));
  float* out = reinterpret_cast<float*>(bytes);
  for (size_t row = 0; row < m.rows; ++row) {
    for (size_t column = 0; column < m.dim; ++column) {
      const double value = LoadItem<double>(m, row, column);
      *out = static_cast<float>(value);
      if (std::isinf(*out++) && !std::isinf(value)) {
        return Status::InvalidArgument(StrCat(m.path, ": row ", row, ", column ", column,
                                              ": expected a number within float32's range, got ",
                                              value, "; scale the vectors"));
      }
    }
  }
  Dataset set;
  set.vectors = {bytes, m.rows, m.dim, m.dim * sizeof(float), DataType::kF32};
  set.owner = std::move(buffer);
  return set;
}

Result<Dataset> BoolsToBits(const ItemMatrix& m) {
  const size_t stride = RowBytes(DataType::kBit, m.dim);
  auto buffer = std::make_shared<GrowingBuffer>(m.path);
  KITH_ASSIGN_OR_RETURN(std::byte * bytes, buffer->Extend(m.rows * stride));
  std::memset(bytes, 0, m.rows * stride);
  for (size_t row = 0; row < m.rows; ++row) {
    for (size_t column = 0; column < m.dim; ++column) {
      const auto value = std::to_integer<unsigned>(m.data[m.item(row, column)]);
      if (value > 1) {
        return Status::InvalidArgument(StrCat(m.path, ": row ", row, ", column ", column,
                                              ": expected a bool, 0 or 1, got ", value));
      }
      bytes[row * stride + column / 8] |= static_cast<std::byte>(value << (column % 8));
    }
  }
  Dataset set;
  set.vectors = {bytes, m.rows, m.dim, stride, DataType::kBit};
  set.owner = std::move(buffer);
  return set;
}

// Calls use(T{}) with the integer type of the items.
template <class Use>
auto WithIntegerType(const ItemMatrix& m, const Use& use) {
  const bool is_signed = m.kind == 'i';
  switch (m.item_bytes) {
    case 1: return is_signed ? use(int8_t{}) : use(uint8_t{});
    case 2: return is_signed ? use(int16_t{}) : use(uint16_t{});
    case 4: return is_signed ? use(int32_t{}) : use(uint32_t{});
    default: return is_signed ? use(int64_t{}) : use(uint64_t{});
  }
}

}  // namespace

Result<Dataset> DatasetOf(const ItemMatrix& m) {
  if (m.kind == 'b') return BoolsToBits(m);
  if (m.kind == 'f') {
    if (m.item_bytes == 8) return DoublesToFloats(m);
    if (m.item_bytes == 4) return NativeItems<uint32_t>(m, DataType::kF32);
    return NativeItems<uint16_t>(m, DataType::kF16);
  }
  if (m.item_bytes == 1) {
    return NativeItems<uint8_t>(m, m.kind == 'i' ? DataType::kI8 : DataType::kU8);
  }
  return WithIntegerType(m, [&](auto zero) {
    return FromIntegers(m.path, m.rows, m.dim, [&](size_t row, size_t column) {
      return LoadItem<decltype(zero)>(m, row, column);
    });
  });
}

Result<std::vector<int64_t>> IdsOf(const ItemMatrix& m) {
  std::vector<int64_t> ids(m.rows * m.dim);
  const Status status = WithIntegerType(m, [&](auto zero) {
    for (size_t i = 0; i < ids.size(); ++i) {
      const auto id = LoadItem<decltype(zero)>(m, i / m.dim, i % m.dim);
      // Unsigned ones would turn negative, and the last of them would stand for none.
      if (std::cmp_greater(id, std::numeric_limits<int64_t>::max())) {
        return Status::InvalidArgument(StrCat(m.path, ": row ", i / m.dim, ", column ", i % m.dim,
                                              ": the id ", id, " is beyond the largest, 2^63 - 1"));
      }
      // NOLINTNEXTLINE(bugprone-signed-char-misuse): an int8_t is a number here, not a character
      ids[i] = static_cast<int64_t>(id);
      KITH_RETURN_IF_ERROR(CheckId(m.path, ids[i], i / m.dim, i % m.dim));
    }
    return Status::Ok();
  });
  KITH_RETURN_IF_ERROR(status);
  return ids;
}

}  // namespace kith::data
