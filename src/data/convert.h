// Rows from one element type to another: exactly, or not at all.
#ifndef KITH_DATA_CONVERT_H_
#define KITH_DATA_CONVERT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::data {

// Writes row `row` of `m` to out[0..dim) as float32; exact for every DataType.
void RowToF32(const MatrixView& m, size_t row, float* out);

// Errors: InvalidArgument naming the row and column of the first NaN or infinity.
// Cost: one pass at memory speed; O(1) for the integer types.
Status CheckFinite(const MatrixView& m, ThreadPool& pool);
// The same of one row.
Status CheckFiniteRow(const MatrixView& m, size_t row);

// The smallest type that holds every value of `m` exactly, the first of bit (all 0 or 1), u8, i8,
// f16, bf16, f32 where several are as small; -0.0 counts as 0. Ends early: data that needs f32
// costs a few rows. The answer does not depend on the threads. Errors: those of the pool's loops.
Result<DataType> SmallestLossless(const MatrixView& m, ThreadPool& pool);

// Converts rows [begin, end) of `from`; row i goes to out + (i - begin) * out_stride, which takes
// RowBytes(to, from.dim) bytes; bytes between that and out_stride are left as they are.
// To u8, i8 and bit only values held exactly are accepted; to f16 and bf16 values are rounded to
// nearest even, which is what asking for them means, but never to infinity.
// REQUIRES: begin <= end <= from.rows; out_stride >= RowBytes(to, from.dim). Thread-safe.
// Errors: InvalidArgument naming the row, column and value.
Status ConvertRows(const MatrixView& from, DataType to, size_t begin, size_t end, std::byte* out,
                   size_t out_stride);

// The same of all rows, on the pool's threads: [from.rows, out_stride], zero between them.
Result<AlignedBuffer<std::byte>> ConvertAllRows(const MatrixView& from, DataType to,
                                                size_t out_stride, ThreadPool& pool);

// Copies rows ids[0], ids[1], ...: [ids.size(), stride], zero between them. Errors: OutOfMemory.
Result<AlignedBuffer<std::byte>> GatherRows(const MatrixView& rows, std::span<const uint32_t> ids,
                                            size_t stride, ThreadPool& pool);

}  // namespace kith::data

#endif  // KITH_DATA_CONVERT_H_
