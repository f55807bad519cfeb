// What the fuzz targets of the readers share.
#ifndef KITH_FUZZ_READ_FUZZING_H_
#define KITH_FUZZ_READ_FUZZING_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/convert.h"
#include "data/read_input.h"
#include "kith/dataset.h"

namespace kith {

// The input as a file of that name in memory.
inline data::Input FuzzInput(const std::string& name, const uint8_t* data, size_t size) {
  return {name, std::as_bytes(std::span(data, size)), nullptr};
}

// Reads the input as `format` ("" to find it out) and everything that comes out of it; aborts where
// a data set contradicts itself.
inline void ReadAndTouch(const std::string& format, const uint8_t* data, size_t size) {
  ReadOptions options;
  options.format = format;
  const data::Input input = FuzzInput("input", data, size);
  const Result<Dataset> set = data::ReadInput(input, options);
  if (!set.ok()) {
    if (set.status().message().find("input") == std::string::npos) std::abort();
    return;
  }
  const MatrixView& m = set->vectors;
  if (m.rows == 0 || m.dim == 0 || m.dim > kMaxDim || m.stride < RowBytes(m.dtype, m.dim)) {
    std::abort();
  }
  if (!set->keys.empty() && set->keys.size() != m.rows) std::abort();
  std::vector<float> row(m.dim);
  for (size_t i = 0; i < m.rows; ++i) data::RowToF32(m, i, row.data());
  ThreadPool pool;
  (void)data::SmallestLossless(m, pool);
  // Its first row can be read alone.
  options.max_rows = 1;
  const Result<Dataset> first = data::ReadInput(input, options);
  if (!first.ok() || first->vectors.rows != 1 || first->vectors.dim != m.dim) std::abort();
}

}  // namespace kith

#endif  // KITH_FUZZ_READ_FUZZING_H_
