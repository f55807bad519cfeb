// NumPy arrays: viewed in place where their items are a type of kith's, converted otherwise.
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/strings.h"
#include "data/convert.h"
#include "data/elements.h"
#include "data/growing_buffer.h"
#include "data/load.h"
#include "data/npy_header.h"
#include "data/readers.h"
#include "data/writers.h"

namespace kith::data {
namespace {

// The items of an array as a matrix: the first axis counts rows, the others are flattened in C
// order; an array of one axis is one row. Item (row, column) is number
// row * row_step + column_item[column] of the file.
struct NpyMatrix {
  const std::byte* data = nullptr;
  size_t rows = 0;
  size_t dim = 0;
  size_t row_step = 0;
  std::vector<size_t> column_item;  // dim numbers; empty where it is the column itself (C order)

  size_t item(size_t row, size_t column) const {
    return row * row_step + (column_item.empty() ? column : column_item[column]);
  }
};

// In Fortran order the first index runs fastest, so that rows are scattered.
std::vector<size_t> FortranColumns(const std::vector<uint64_t>& shape, size_t dim) {
  std::vector<size_t> items(dim);
  for (size_t column = 0; column < dim; ++column) {
    std::vector<uint64_t> index(shape.size(), 0);
    size_t rest = column;
    for (size_t axis = shape.size(); axis-- > 1;) {
      index[axis] = rest % shape[axis];
      rest /= shape[axis];
    }
    size_t step = shape[0];
    for (size_t axis = 1; axis < shape.size(); ++axis) {
      items[column] += index[axis] * step;
      step *= shape[axis];
    }
  }
  return items;
}

Result<NpyMatrix> AsMatrix(const Input& input, const NpyHeader& header, uint64_t max_rows) {
  if (header.shape.empty()) {
    return Status::InvalidArgument(StrCat(input.path, ": expected a matrix, got a single number"));
  }
  NpyMatrix matrix;
  matrix.data = input.bytes.data() + header.data_offset;
  const bool one_axis = header.shape.size() == 1;
  uint64_t rows = one_axis ? 1 : header.shape[0];
  uint64_t dim = one_axis ? header.shape[0] : 1;
  for (size_t axis = 1; axis < header.shape.size() && dim <= kMaxDim; ++axis) {
    // ParseNpyHeader has bounded the product of all axes, but a later one of length 0 hides these.
    if (__builtin_mul_overflow(dim, header.shape[axis], &dim)) dim = kMaxDim + 1;
  }
  if (max_rows != 0 && max_rows < rows) rows = max_rows;
  KITH_RETURN_IF_ERROR(CheckShape(input.path, rows, dim));
  matrix.rows = rows;
  matrix.dim = dim;
  matrix.row_step = dim;
  if (header.fortran_order && !one_axis) {
    matrix.row_step = 1;
    matrix.column_item = FortranColumns(header.shape, dim);
  }
  return matrix;
}

template <class T>
T LoadItem(const std::byte* data, size_t i, bool big_endian) {
  return big_endian ? LoadBigEndian<T>(data, i) : Load<T>(data, i);
}

// Copies items to rows of their own type, in this machine's byte order.
template <class T>
Result<Dataset> CopyItems(const Input& input, const NpyMatrix& m, bool big_endian, DataType dtype) {
  auto buffer = std::make_shared<GrowingBuffer>(input.path);
  KITH_ASSIGN_OR_RETURN(std::byte * bytes, buffer->Extend(m.rows * m.dim * sizeof(T)));
  Dataset set;
  set.vectors = {bytes, m.rows, m.dim, m.dim * sizeof(T), dtype};
  for (size_t row = 0; row < m.rows; ++row) {
    for (size_t column = 0; column < m.dim; ++column, bytes += sizeof(T)) {
      const T value = LoadItem<T>(m.data, m.item(row, column), big_endian);
      std::memcpy(bytes, &value, sizeof(T));
    }
  }
  set.owner = std::move(buffer);
  return set;
}

template <class T>
Result<Dataset> NativeItems(const Input& input, const NpyHeader& header, const NpyMatrix& m,
                            DataType dtype) {
  if (!m.column_item.empty() || (header.big_endian && sizeof(T) > 1)) {
    return CopyItems<T>(input, m, header.big_endian, dtype);
  }
  Dataset set;
  set.vectors = {m.data, m.rows, m.dim, m.dim * sizeof(T), dtype};
  set.owner = input.owner;
  return set;
}

Result<Dataset> DoublesToFloats(const Input& input, const NpyMatrix& m, bool big_endian) {
  auto buffer = std::make_shared<GrowingBuffer>(input.path);
  KITH_ASSIGN_OR_RETURN(std::byte * bytes, buffer->Extend(m.rows * m.dim * sizeof(float)));
  float* out = reinterpret_cast<float*>(bytes);
  for (size_t row = 0; row < m.rows; ++row) {
    for (size_t column = 0; column < m.dim; ++column) {
      const double value = LoadItem<double>(m.data, m.item(row, column), big_endian);
      *out = static_cast<float>(value);
      if (std::isinf(*out++) && !std::isinf(value)) {
        return Status::InvalidArgument(StrCat(input.path, ": row ", row, ", column ", column,
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

Result<Dataset> BoolsToBits(const Input& input, const NpyMatrix& m) {
  const size_t stride = RowBytes(DataType::kBit, m.dim);
  auto buffer = std::make_shared<GrowingBuffer>(input.path);
  KITH_ASSIGN_OR_RETURN(std::byte * bytes, buffer->Extend(m.rows * stride));
  std::memset(bytes, 0, m.rows * stride);
  for (size_t row = 0; row < m.rows; ++row) {
    for (size_t column = 0; column < m.dim; ++column) {
      const size_t item = m.item(row, column);
      const auto value = std::to_integer<unsigned>(m.data[item]);
      if (value > 1) {
        return AtByte(input.path, static_cast<size_t>(m.data - input.bytes.data()) + item,
                      StrCat("expected a bool, 0 or 1, got ", value));
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
auto WithIntegerType(const NpyHeader& header, const Use& use) {
  const bool is_signed = header.kind == 'i';
  switch (header.item_bytes) {
    case 1: return is_signed ? use(int8_t{}) : use(uint8_t{});
    case 2: return is_signed ? use(int16_t{}) : use(uint16_t{});
    case 4: return is_signed ? use(int32_t{}) : use(uint32_t{});
    default: return is_signed ? use(int64_t{}) : use(uint64_t{});
  }
}

Result<Dataset> ReadItems(const Input& input, const NpyHeader& header, const NpyMatrix& m) {
  if (header.kind == 'b') return BoolsToBits(input, m);
  if (header.kind == 'f') {
    if (header.item_bytes == 8) return DoublesToFloats(input, m, header.big_endian);
    if (header.item_bytes == 4) return NativeItems<uint32_t>(input, header, m, DataType::kF32);
    return NativeItems<uint16_t>(input, header, m, DataType::kF16);
  }
  if (header.item_bytes == 1) {
    return NativeItems<uint8_t>(input, header, m,
                                header.kind == 'i' ? DataType::kI8 : DataType::kU8);
  }
  return WithIntegerType(header, [&](auto zero) {
    return FromIntegers(input.path, m.rows, m.dim, [&](size_t row, size_t column) {
      return LoadItem<decltype(zero)>(m.data, m.item(row, column), header.big_endian);
    });
  });
}

}  // namespace

Result<Dataset> ReadNpy(const Input& input, const ReadOptions& options) {
  KITH_ASSIGN_OR_RETURN(const NpyHeader header, ParseNpyHeader(input));
  KITH_ASSIGN_OR_RETURN(const NpyMatrix matrix, AsMatrix(input, header, options.max_rows));
  return ReadItems(input, header, matrix);
}

Result<GroundTruth> ReadNpyTruth(const Input& input) {
  KITH_ASSIGN_OR_RETURN(const NpyHeader header, ParseNpyHeader(input));
  if (header.kind != 'i' && header.kind != 'u') {
    return Status::InvalidArgument(
        StrCat(input.path, ": expected ids of an integer type, got type ", header.kind,
               header.item_bytes, "; convert with astype('int64')"));
  }
  KITH_ASSIGN_OR_RETURN(const NpyMatrix matrix, AsMatrix(input, header, 0));
  GroundTruth truth;
  truth.num_queries = matrix.rows;
  truth.k = matrix.dim;
  truth.ids.resize(matrix.rows * matrix.dim);
  const Status status = WithIntegerType(header, [&](auto zero) {
    for (size_t i = 0; i < truth.ids.size(); ++i) {
      const size_t q = i / truth.k;
      const size_t j = i % truth.k;
      const auto id = LoadItem<decltype(zero)>(matrix.data, matrix.item(q, j), header.big_endian);
      // Beyond 2^63 an unsigned id turns negative, which CheckId refuses.
      // NOLINTNEXTLINE(bugprone-signed-char-misuse): an int8_t is a number here, not a character
      truth.ids[i] = static_cast<int64_t>(id);
      KITH_RETURN_IF_ERROR(CheckId(input.path, truth.ids[i], q, j));
    }
    return Status::Ok();
  });
  KITH_RETURN_IF_ERROR(status);
  return truth;
}

Status WriteNpy(const MatrixView& vectors, AtomicFile* file) {
  const bool bits = vectors.dtype == DataType::kBit;
  const DataType dtype = vectors.dtype == DataType::kBF16 ? DataType::kF32
                         : bits                           ? DataType::kU8
                                                          : vectors.dtype;
  const char* descr = bits                      ? "|b1"
                      : dtype == DataType::kF32 ? "<f4"
                      : dtype == DataType::kF16 ? "<f2"
                      : dtype == DataType::kI8  ? "|i1"
                                                : "|u1";
  const std::string header = MakeNpyHeader(descr, vectors.rows, vectors.dim);
  KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(header))));
  std::vector<std::byte> row(RowBytes(dtype, vectors.dim));
  for (size_t i = 0; i < vectors.rows; ++i) {
    KITH_RETURN_IF_ERROR(ConvertRows(vectors, dtype, i, i + 1, row.data(), row.size()));
    KITH_RETURN_IF_ERROR(file->Write(row));
  }
  return Status::Ok();
}

Status WriteNpyTruth(const GroundTruth& truth, AtomicFile* file) {
  const std::string header = MakeNpyHeader("<i8", truth.num_queries, truth.k);
  KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(header))));
  return file->Write(std::as_bytes(std::span(truth.ids)));
}

}  // namespace kith::data
