// The header of a NumPy .npy file: a Python dictionary after a magic number.
#ifndef KITH_DATA_NPY_HEADER_H_
#define KITH_DATA_NPY_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/byte_stream.h"
#include "kith/status.h"

namespace kith::data {

struct NpyHeader {
  char kind = 0;          // NumPy's letter: f, i, u, b
  size_t item_bytes = 0;  // 1, 2, 4 or 8
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<uint64_t> shape;
  size_t data_offset = 0;
};

// Parses versions 1 to 3 and checks that the file has exactly the items the shape promises.
// Errors: InvalidArgument with the byte; Unsupported (objects, records, strings, complex numbers).
Result<NpyHeader> ParseNpyHeader(const Input& input);

// The bytes before the data of a version 1 file of a C-order array, e.g. of descr "<f4".
std::string MakeNpyHeader(const std::string& descr, std::span<const uint64_t> shape);

}  // namespace kith::data

#endif  // KITH_DATA_NPY_HEADER_H_
