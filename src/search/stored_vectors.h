// Stored vectors as every way into them sees them.
#ifndef KITH_SEARCH_STORED_VECTORS_H_
#define KITH_SEARCH_STORED_VECTORS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"
#include "search/scorer.h"

namespace kith::search {

// Bytes from one stored row to the next.
constexpr size_t RowStride(DataType dtype, size_t dim) {
  return PaddedStride(RowBytes(dtype, dim));
}

// Stored vectors in their internal order, and the row numbers users know them by.
struct StoredVectors {
  VectorTable table;
  const uint32_t* rows = nullptr;   // [n] internal position -> row; nullptr: the same
  const uint32_t* slots = nullptr;  // [n] row -> position; nullptr: the same, or nobody has it

  // A damaged file may name rows that are not there.
  uint32_t RowAt(uint32_t position) const {
    return rows == nullptr ? position
                           : std::min(rows[position], static_cast<uint32_t>(table.rows.rows - 1));
  }
};

// 1 / |row| of every row: of metrics that need them, what a VectorTable views.
// Errors: InvalidArgument (a row whose squared norm overflows float32, with its number; cancelled),
// OutOfMemory. Cost: a pass over the rows.
Result<std::vector<float>> InverseNorms(const MatrixView& rows, ThreadPool& pool);

// Makes room for k neighbours of each query, all absent: kNoId and +inf.
// Errors: InvalidArgument (more places than any machine holds), OutOfMemory.
Status AllocateNeighbours(size_t num_queries, size_t k, std::vector<int64_t>* ids,
                          std::vector<float>* distances);

}  // namespace kith::search

#endif  // KITH_SEARCH_STORED_VECTORS_H_
