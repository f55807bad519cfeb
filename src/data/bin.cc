// fbin, u8bin, i8bin and ibin, the formats of the billion-scale benchmarks (big-ann).
#include <cstring>
#include <vector>

#include "base/file.h"
#include "base/strings.h"
#include "data/elements.h"
#include "data/load.h"
#include "data/readers.h"
#include "data/writers.h"

namespace kith::data {
namespace {

constexpr size_t kHeaderBytes = 2 * sizeof(uint32_t);

struct BinShape {
  uint64_t rows = 0;
  uint64_t dim = 0;
  uint64_t values() const { return rows * dim; }
};

Result<BinShape> ReadShape(const Input& input) {
  if (input.bytes.size() < kHeaderBytes) {
    return AtByte(input.path, 0,
                  StrCat("expected a header of 8 bytes, got ", input.bytes.size(), " bytes"));
  }
  const BinShape shape = {Load<uint32_t>(input.bytes.data(), 0),
                          Load<uint32_t>(input.bytes.data(), 1)};
  if (shape.dim > kMaxDim || shape.dim == 0) {
    return AtByte(input.path, sizeof(uint32_t),
                  StrCat("expected a dimension of 1 to ", kMaxDim, ", got ", shape.dim));
  }
  return shape;
}

}  // namespace

bool LooksLikeBin(std::span<const std::byte> bytes, size_t element_bytes) {
  if (bytes.size() < kHeaderBytes) return false;
  const uint64_t rows = Load<uint32_t>(bytes.data(), 0);
  const uint64_t dim = Load<uint32_t>(bytes.data(), 1);
  return rows > 0 && dim > 0 && dim <= kMaxDim &&
         bytes.size() == kHeaderBytes + rows * dim * element_bytes;
}

Result<Dataset> ReadBin(const Input& input, Element element, const ReadOptions& options) {
  KITH_ASSIGN_OR_RETURN(const BinShape shape, ReadShape(input));
  const size_t row_bytes = shape.dim * ElementBytes(element);
  KITH_RETURN_IF_ERROR(
      CheckSize(input.path, kHeaderBytes + shape.rows * row_bytes, input.bytes.size()));
  const uint64_t rows = RowsToRead(shape.rows, options);
  KITH_RETURN_IF_ERROR(CheckShape(input.path, rows, shape.dim));
  return FromElements(input, kHeaderBytes, rows, shape.dim, row_bytes, element);
}

Result<GroundTruth> ReadBinTruth(const Input& input) {
  KITH_ASSIGN_OR_RETURN(const BinShape shape, ReadShape(input));
  const uint64_t ids_bytes = shape.values() * sizeof(int32_t);
  const bool has_distances = input.bytes.size() > kHeaderBytes + ids_bytes;
  KITH_RETURN_IF_ERROR(CheckSize(input.path, kHeaderBytes + ids_bytes * (has_distances ? 2 : 1),
                                 input.bytes.size()));
  KITH_RETURN_IF_ERROR(CheckShape(input.path, shape.rows, shape.dim));
  GroundTruth truth;
  truth.num_queries = shape.rows;
  truth.k = shape.dim;
  truth.ids.resize(shape.values());
  const std::byte* ids = input.bytes.data() + kHeaderBytes;
  for (size_t i = 0; i < truth.ids.size(); ++i) {
    truth.ids[i] = Load<int32_t>(ids, i);
    KITH_RETURN_IF_ERROR(CheckId(input.path, truth.ids[i], i / truth.k, i % truth.k));
  }
  if (has_distances) {
    truth.distances.resize(shape.values());
    std::memcpy(truth.distances.data(), ids + ids_bytes, ids_bytes);
  }
  return truth;
}

Status WriteBinHeader(size_t rows, size_t dim, AtomicFile* file) {
  const uint32_t header[2] = {static_cast<uint32_t>(rows), static_cast<uint32_t>(dim)};
  return file->Write(std::as_bytes(std::span(header)));
}

Status WriteBinRows(const MatrixView& vectors, Element element, AtomicFile* file) {
  std::vector<std::byte> row(vectors.dim * ElementBytes(element));
  for (size_t i = 0; i < vectors.rows; ++i) {
    KITH_RETURN_IF_ERROR(EncodeElements(vectors, i, element, row.data()));
    KITH_RETURN_IF_ERROR(file->Write(row));
  }
  return Status::Ok();
}

Status WriteBin(const MatrixView& vectors, Element element, AtomicFile* file) {
  KITH_RETURN_IF_ERROR(WriteBinHeader(vectors.rows, vectors.dim, file));
  return WriteBinRows(vectors, element, file);
}

Status WriteBinTruth(const GroundTruth& truth, AtomicFile* file) {
  KITH_RETURN_IF_ERROR(WriteBinHeader(truth.num_queries, truth.k, file));
  const std::vector<int32_t> ids(truth.ids.begin(), truth.ids.end());
  KITH_RETURN_IF_ERROR(file->Write(std::as_bytes(std::span(ids))));
  return file->Write(std::as_bytes(std::span(truth.distances)));
}

}  // namespace kith::data
