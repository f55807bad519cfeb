// idx, the format of MNIST: big-endian, any number of axes, read as rows of the first.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/strings.h"
#include "data/convert.h"
#include "data/load.h"
#include "data/readers.h"
#include "data/writers.h"

namespace kith::data {
namespace {

constexpr size_t kMagicBytes = 4;  // two zeros, the element type, the number of axes
constexpr uint8_t kUnsignedByte = 0x08;

struct IdxShape {
  size_t header_bytes = 0;
  uint64_t rows = 0;
  uint64_t row_values = 1;
};

// Reads the header and compares its promise with the bytes there are; `rank` is filled first.
Result<IdxShape> ReadShape(const Input& input, size_t* rank) {
  const std::span<const std::byte> bytes = input.bytes;
  if (bytes.size() < kMagicBytes || bytes[0] != std::byte{0} || bytes[1] != std::byte{0}) {
    return AtByte(input.path, 0, "expected the magic number of idx, 00 00 08 and the axes");
  }
  if (const auto type = std::to_integer<uint8_t>(bytes[2]); type != kUnsignedByte) {
    return Status::Unsupported(StrCat(input.path, ": byte 2: expected elements of type 8 ",
                                      "(unsigned byte), got type ", int{type},
                                      "; kith reads no other idx files"));
  }
  *rank = std::to_integer<size_t>(bytes[3]);
  IdxShape shape;
  shape.header_bytes = kMagicBytes + *rank * sizeof(uint32_t);
  if (*rank == 0 || bytes.size() < shape.header_bytes) {
    return AtByte(input.path, kMagicBytes,
                  StrCat("expected the lengths of at least 1 axis, got a header of ", *rank,
                         " axes and ", bytes.size(), " bytes"));
  }
  shape.rows = LoadBigEndian<uint32_t>(bytes.data() + kMagicBytes, 0);
  for (size_t axis = 1; axis < *rank; ++axis) {
    // Capped after each step, the product stays below 2^17 * 2^32.
    shape.row_values *= LoadBigEndian<uint32_t>(bytes.data() + kMagicBytes, axis);
    shape.row_values = std::min<uint64_t>(shape.row_values, kMaxDim + 1);
  }
  if (shape.row_values == 0 || shape.row_values > kMaxDim) {
    return AtByte(input.path, kMagicBytes + sizeof(uint32_t),
                  StrCat("expected rows of 1 to ", kMaxDim, " values, got ",
                         shape.row_values == 0 ? "none" : "more"));
  }
  KITH_RETURN_IF_ERROR(
      CheckSize(input.path, shape.header_bytes + shape.rows * shape.row_values, bytes.size()));
  return shape;
}

}  // namespace

Result<Dataset> ReadIdx(const Input& input, const ReadOptions& options) {
  size_t rank = 0;
  KITH_ASSIGN_OR_RETURN(const IdxShape shape, ReadShape(input, &rank));
  if (rank < 2) {
    return AtByte(input.path, 3,
                  StrCat("expected at least 2 axes, got ", rank,
                         "; these are labels, give the file of the images"));
  }
  const uint64_t rows = RowsToRead(shape.rows, options);
  KITH_RETURN_IF_ERROR(CheckShape(input.path, rows, shape.row_values));
  Dataset set;
  set.vectors = {input.bytes.data() + shape.header_bytes, rows, shape.row_values, shape.row_values,
                 DataType::kU8};
  set.metric = Metric::kEuclidean;
  set.owner = input.owner;
  return set;
}

Result<StringList> ReadIdxLabels(const Input& input) {
  size_t rank = 0;
  KITH_ASSIGN_OR_RETURN(const IdxShape shape, ReadShape(input, &rank));
  if (rank != 1) {
    return AtByte(input.path, 3, StrCat("expected labels, 1 axis, got ", rank, " axes"));
  }
  StringList labels;
  for (uint64_t i = 0; i < shape.rows; ++i) {
    labels.Add(std::to_string(std::to_integer<int>(input.bytes[shape.header_bytes + i])));
  }
  return labels;
}

Status WriteIdx(const MatrixView& vectors, AtomicFile* file) {
  const auto big_endian = [](size_t value, std::byte* out) {
    for (int shift = 24; shift >= 0; shift -= 8) *out++ = static_cast<std::byte>(value >> shift);
  };
  std::byte header[kMagicBytes + 2 * sizeof(uint32_t)] = {};
  header[2] = std::byte{kUnsignedByte};
  header[3] = std::byte{2};
  big_endian(vectors.rows, header + 4);
  big_endian(vectors.dim, header + 8);
  KITH_RETURN_IF_ERROR(file->Write(header));
  std::vector<std::byte> row(vectors.dim);
  for (size_t i = 0; i < vectors.rows; ++i) {
    KITH_RETURN_IF_ERROR(ConvertRows(vectors, DataType::kU8, i, i + 1, row.data(), row.size()));
    KITH_RETURN_IF_ERROR(file->Write(row));
  }
  return Status::Ok();
}

}  // namespace kith::data
