// Rows that are there several times.
#ifndef KITH_DATA_COPIES_H_
#define KITH_DATA_COPIES_H_

#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::data {

// first[row] = the smallest row with the same bytes. Cost: O(n * dim + n log n), and O(log n) times
// as much where vectors were made to have the same hash. Errors: OutOfMemory, InvalidArgument
// (cancelled).
Result<std::vector<uint32_t>> FindCopies(const MatrixView& rows, ThreadPool& pool);

}  // namespace kith::data

#endif  // KITH_DATA_COPIES_H_
