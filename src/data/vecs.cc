// fvecs, bvecs and ivecs, the formats of the TEXMEX collections (SIFT1M, GIST1M, SIFT1B).
#include <algorithm>
#include <cstring>
#include <vector>

#include "base/file.h"
#include "base/strings.h"
#include "data/elements.h"
#include "data/load.h"
#include "data/readers.h"
#include "data/text.h"
#include "data/writers.h"

namespace kith::data {
namespace {

constexpr size_t kCountBytes = sizeof(int32_t);

// The shape of a file of which each row repeats the dimension.
struct VecsShape {
  size_t rows = 0;
  size_t dim = 0;
  size_t stride = 0;
};

Result<VecsShape> CheckVecs(const Input& input, size_t element_bytes, const ReadOptions& options) {
  const std::span<const std::byte> bytes = input.bytes;
  if (bytes.size() < kCountBytes) {
    return AtByte(input.path, 0,
                  StrCat("expected a dimension of 4 bytes, got ", bytes.size(), " bytes"));
  }
  const int32_t dim = Load<int32_t>(bytes.data());
  if (dim <= 0 || static_cast<size_t>(dim) > kMaxDim) {
    return AtByte(input.path, 0, StrCat("expected a dimension of 1 to ", kMaxDim, ", got ", dim));
  }
  VecsShape shape;
  shape.dim = static_cast<size_t>(dim);
  shape.stride = kCountBytes + shape.dim * element_bytes;
  shape.rows = RowsToRead(bytes.size() / shape.stride, options);
  ProgressMeter meter(options.progress, input.path, bytes.size());
  for (size_t row = 0; row < shape.rows; ++row) {
    const size_t offset = row * shape.stride;
    const int32_t got = Load<int32_t>(bytes.data() + offset);
    if (got != dim) {
      return AtByte(input.path, offset,
                    StrCat("expected dimension ", dim, " of row ", row, " as before, got ", got));
    }
    KITH_RETURN_IF_ERROR(meter.Update(offset));
  }
  if (const size_t rest = bytes.size() % shape.stride; rest != 0) {
    return AtByte(input.path, bytes.size() - rest,
                  StrCat("expected a row of ", shape.stride, " bytes, got ", rest,
                         "; the file is truncated or of another format"));
  }
  KITH_RETURN_IF_ERROR(CheckShape(input.path, shape.rows, shape.dim));
  KITH_RETURN_IF_ERROR(meter.Finish());
  return shape;
}

}  // namespace

bool LooksLikeVecs(std::span<const std::byte> bytes, size_t element_bytes, size_t min_rows) {
  if (bytes.size() < kCountBytes) return false;
  const int32_t dim = Load<int32_t>(bytes.data());
  if (dim <= 0 || static_cast<size_t>(dim) > kMaxDim) return false;
  const size_t stride = kCountBytes + static_cast<size_t>(dim) * element_bytes;
  const size_t rows = bytes.size() / stride;
  if (bytes.size() % stride != 0 || rows < min_rows) return false;
  constexpr size_t kRowsToCheck = 16;
  for (size_t row = 1; row < std::min(rows, kRowsToCheck); ++row) {
    if (Load<int32_t>(bytes.data() + row * stride) != dim) return false;
  }
  return true;
}

Result<Dataset> ReadVecs(const Input& input, Element element, const ReadOptions& options) {
  KITH_ASSIGN_OR_RETURN(const VecsShape shape, CheckVecs(input, ElementBytes(element), options));
  return FromElements(input, kCountBytes, shape.rows, shape.dim, shape.stride, element);
}

Result<GroundTruth> ReadVecsTruth(const Input& input) {
  KITH_ASSIGN_OR_RETURN(const VecsShape shape, CheckVecs(input, sizeof(int32_t), {}));
  GroundTruth truth;
  truth.num_queries = shape.rows;
  truth.k = shape.dim;
  truth.ids.resize(shape.rows * shape.dim);
  for (size_t q = 0; q < shape.rows; ++q) {
    const std::byte* row = input.bytes.data() + q * shape.stride + kCountBytes;
    for (size_t j = 0; j < shape.dim; ++j) {
      const int32_t id = Load<int32_t>(row, j);
      KITH_RETURN_IF_ERROR(CheckId(input.path, id, q, j));
      truth.ids[q * shape.dim + j] = id;
    }
  }
  return truth;
}

Status WriteVecs(const MatrixView& vectors, Element element, AtomicFile* file) {
  const auto dim = static_cast<int32_t>(vectors.dim);
  std::vector<std::byte> row(kCountBytes + vectors.dim * ElementBytes(element));
  std::memcpy(row.data(), &dim, sizeof(dim));
  for (size_t i = 0; i < vectors.rows; ++i) {
    KITH_RETURN_IF_ERROR(EncodeElements(vectors, i, element, row.data() + kCountBytes));
    KITH_RETURN_IF_ERROR(file->Write(row));
  }
  return Status::Ok();
}

Status WriteVecsTruth(const GroundTruth& truth, AtomicFile* file) {
  std::vector<int32_t> row(1 + truth.k);
  row[0] = static_cast<int32_t>(truth.k);
  for (size_t q = 0; q < truth.num_queries; ++q) {
    for (size_t j = 0; j < truth.k; ++j)
      row[1 + j] = static_cast<int32_t>(truth.ids[q * truth.k + j]);
    KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(row))));
  }
  return Status::Ok();
}

}  // namespace kith::data
