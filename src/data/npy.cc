// NumPy arrays.
#include <array>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/strings.h"
#include "data/convert.h"
#include "data/items.h"
#include "data/npy_header.h"
#include "data/readers.h"
#include "data/writers.h"

namespace kith::data {
namespace {

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

// The first axis counts rows, the others are flattened in C order; an array of one axis is one row.
Result<ItemMatrix> AsMatrix(const Input& input, const NpyHeader& header, uint64_t max_rows) {
  if (header.shape.empty()) {
    return Status::InvalidArgument(StrCat(input.path, ": expected a matrix, got a single number"));
  }
  ItemMatrix matrix;
  matrix.path = input.path;
  matrix.kind = header.kind;
  matrix.item_bytes = header.item_bytes;
  matrix.big_endian = header.big_endian;
  matrix.owner = input.owner;
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

}  // namespace

Result<Dataset> ReadNpy(const Input& input, const ReadOptions& options) {
  KITH_ASSIGN_OR_RETURN(const NpyHeader header, ParseNpyHeader(input));
  KITH_ASSIGN_OR_RETURN(const ItemMatrix matrix, AsMatrix(input, header, options.max_rows));
  return DatasetOf(matrix);
}

Result<GroundTruth> ReadNpyTruth(const Input& input) {
  KITH_ASSIGN_OR_RETURN(const NpyHeader header, ParseNpyHeader(input));
  if (header.kind != 'i' && header.kind != 'u') {
    return Status::InvalidArgument(
        StrCat(input.path, ": expected ids of an integer type, got type ", header.kind,
               header.item_bytes, "; convert with astype('int64')"));
  }
  KITH_ASSIGN_OR_RETURN(const ItemMatrix matrix, AsMatrix(input, header, 0));
  GroundTruth truth;
  truth.num_queries = matrix.rows;
  truth.k = matrix.dim;
  KITH_ASSIGN_OR_RETURN(truth.ids, IdsOf(matrix));
  return truth;
}

Status WriteNpyHeader(DataType dtype, size_t rows, size_t dim, AtomicFile* file) {
  const char* descr = "<f4";  // bf16 too
  if (dtype == DataType::kBit) descr = "|b1";
  if (dtype == DataType::kF16) descr = "<f2";
  if (dtype == DataType::kI8) descr = "|i1";
  if (dtype == DataType::kU8) descr = "|u1";
  const std::string header = MakeNpyHeader(descr, std::array<uint64_t, 2>{rows, dim});
  return file->Write(std::as_bytes(std::span(header)));
}

Status WriteNpyRows(const MatrixView& vectors, AtomicFile* file) {
  const DataType dtype = vectors.dtype == DataType::kBF16  ? DataType::kF32
                         : vectors.dtype == DataType::kBit ? DataType::kU8
                                                           : vectors.dtype;
  std::vector<std::byte> row(RowBytes(dtype, vectors.dim));
  for (size_t i = 0; i < vectors.rows; ++i) {
    KITH_RETURN_IF_ERROR(ConvertRows(vectors, dtype, i, i + 1, row.data(), row.size()));
    KITH_RETURN_IF_ERROR(file->Write(row));
  }
  return Status::Ok();
}

Status WriteNpy(const MatrixView& vectors, AtomicFile* file) {
  KITH_RETURN_IF_ERROR(WriteNpyHeader(vectors.dtype, vectors.rows, vectors.dim, file));
  return WriteNpyRows(vectors, file);
}

Status WriteNpyTruth(const GroundTruth& truth, AtomicFile* file) {
  const std::string header =
      MakeNpyHeader("<i8", std::array<uint64_t, 2>{truth.num_queries, truth.k});
  KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(header))));
  return file->Write(std::as_bytes(std::span(truth.ids)));
}

}  // namespace kith::data
