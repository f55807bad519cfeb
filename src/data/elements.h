// Whole numbers as vectors, and rows as the element types of the vecs and bin families.
#ifndef KITH_DATA_ELEMENTS_H_
#define KITH_DATA_ELEMENTS_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "base/strings.h"
#include "data/growing_buffer.h"
#include "data/readers.h"
#include "kith/dataset.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::data {

// Whether a float holds the number exactly: its significant bits are at most 24.
template <class T>
constexpr bool IsExactInFloat(T value) {
  // NOLINTNEXTLINE(bugprone-signed-char-misuse): an int8_t is a number here, not a character
  uint64_t magnitude = static_cast<uint64_t>(value);
  if (std::is_signed_v<T> && value < 0) magnitude = ~magnitude + 1;
  return magnitude == 0 || 64 - std::countl_zero(magnitude) - std::countr_zero(magnitude) <= 24;
}

// Replaces float32 vectors by the same in the smallest type that holds them exactly.
// Errors: OutOfMemory.
Status Narrow(const std::string& path, Dataset* set);

// A matrix of whole numbers, at(row, column), in the smallest type that holds all of them exactly.
// Errors: InvalidArgument naming row and column of a number no float32 holds; OutOfMemory.
template <class At>
Result<Dataset> FromIntegers(const std::string& path, size_t rows, size_t dim, const At& at) {
  auto buffer = std::make_shared<GrowingBuffer>(path);
  KITH_ASSIGN_OR_RETURN(std::byte * bytes, buffer->Extend(rows * dim * sizeof(float)));
  float* out = reinterpret_cast<float*>(bytes);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t column = 0; column < dim; ++column) {
      const auto value = at(row, column);
      if (!IsExactInFloat(value)) {
        return Status::InvalidArgument(StrCat(path, ": row ", row, ", column ", column,
                                              ": expected a number that float32 ",
                                              "holds exactly, got ", value));
      }
      *out++ = static_cast<float>(value);
    }
  }
  Dataset set;
  set.vectors = {bytes, rows, dim, dim * sizeof(float), DataType::kF32};
  set.owner = std::move(buffer);
  KITH_RETURN_IF_ERROR(Narrow(path, &set));
  return set;
}

// The data set of a matrix whose elements are `element`: a view of it, or for kI32 FromIntegers().
// `stride` in bytes.
Result<Dataset> FromElements(const Input& input, size_t offset, size_t rows, size_t dim,
                             size_t stride, Element element);

// Writes a row as `element` to out[0 .. dim * ElementBytes(element)).
// Errors: InvalidArgument naming row and column of a value it can't hold exactly.
Status EncodeElements(const MatrixView& m, size_t row, Element element, std::byte* out);

// An id of a truth file is not negative, or -1 for "no neighbour". Errors: InvalidArgument.
Status CheckId(const std::string& path, int64_t id, size_t query, size_t rank);

}  // namespace kith::data

#endif  // KITH_DATA_ELEMENTS_H_
