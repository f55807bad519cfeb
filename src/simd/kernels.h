// Distance kernels as plain function pointers, one table for each instruction set.
//
// A caller resolves (operation, types) to a pointer once, when it opens or builds an index, and
// calls it for a block of rows, never for a pair. Every target with fused multiply-add (AVX2,
// AVX-512, NEON) gives bit-identical results: floats are summed in 16 fixed lanes whatever the
// vector width, integer sums are exact.
#ifndef KITH_SIMD_KERNELS_H_
#define KITH_SIMD_KERNELS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kith/status.h"
#include "kith/types.h"

namespace kith::simd {

// What a kernel computes over the coordinates of a query q and a row x.
enum class Op {
  kL2 = 0,       // sum (q_i - x_i)^2
  kDot = 1,      // sum q_i * x_i
  kL1 = 2,       // sum |q_i - x_i|
  kHamming = 3,  // number of i with q_i != x_i
};
inline constexpr int kNumOps = 4;

// Elements (bytes for kBit) to which the buffer of a query is padded with zeros. Rows need no
// padding.
inline constexpr size_t kQueryPadding = 64;

// out[i * out_stride + j] = op(query i, row j) for every pair of the block.
//   queries  64-byte aligned, query_stride (bytes) a multiple of 64, zero from `dim` up to the next
//            multiple of kQueryPadding
//   rows     any alignment, row_stride in bytes; nothing past a row's last coordinate is read
//   dim      coordinates; for kBit the bytes of a row
// One query reads the rows as they come; many, a copy of some rows at a time on the stack (72 KB).
// More queries in one call share that work; the results are the same bit for bit.
using TileFn = void (*)(const std::byte* queries, size_t query_stride, size_t num_queries,
                        const std::byte* rows, size_t row_stride, size_t num_rows, size_t dim,
                        float* out, size_t out_stride);

// out[i] = op(query, row ids[i]); prefetches ahead. REQUIRES: every id is a row.
using IdsFn = void (*)(const std::byte* query, const std::byte* rows, size_t row_stride,
                       const uint32_t* ids, size_t num_ids, size_t dim, float* out);

struct DistanceKernel {
  TileFn tile = nullptr;
  IdsFn ids = nullptr;
};

// The dot product of one signed 8-bit query with short codes, see quant/short_code.h: code byte j
// holds 8 / bits coordinates, coordinate f * code_bytes + j in its bits [f * bits, (f + 1) * bits).
//   query  int8 [8 / bits, query_stride], 64-byte aligned, field f at f * query_stride and zero
//   from
//          code_bytes on; query_stride a multiple of 64
//   rows   readable up to kQueryPadding bytes past the last row
//   out[i] = sum over coordinates of query * code (unsigned) of row ids[i], exact
using CodeDotFn = void (*)(const int8_t* query, size_t query_stride, const std::byte* rows,
                           size_t row_stride, const uint32_t* ids, size_t num_ids,
                           size_t code_bytes, int32_t* out);

// values[i] = -values[i]
using NegateFn = void (*)(float* values, size_t n);

// dots[i] = 1 - dots[i] * (scale * inverse_norms[i]), brought into [0, 2]; NaN stays.
using CosineFn = void (*)(const float* inverse_norms, float scale, float* dots, size_t n);

// Writes each i with values[i] <= limit, ascending, and returns how many there are. out [n].
using BelowFn = size_t (*)(const float* values, size_t n, float limit, uint32_t* out);

// The same of what CosineFn would make of the dots.
using CosineBelowFn = size_t (*)(const float* inverse_norms, float scale, const float* dots,
                                 size_t n, float limit, uint32_t* out);

struct Kernels {
  const char* target = "";
  DistanceKernel f32[kNumDataTypes][kNumOps];     // float32 queries; not for kBit rows
  DistanceKernel native[kNumDataTypes][kNumOps];  // queries of the rows' type; kI8, kU8, kBit only
  CodeDotFn code_dot[3] = {};                     // for 1, 2 and 4 bits
  NegateFn negate = nullptr;
  CosineFn cosine = nullptr;
  BelowFn below = nullptr;
  BelowFn negative_below = nullptr;  // of -values
  CosineBelowFn cosine_below = nullptr;
};

// The best target's kernels, or those of KITH_SIMD / ForceTarget. Thread-safe.
const Kernels& GetKernels();

// Unsupported if the environment variable KITH_SIMD names a target this CPU or build lacks. Checked
// once when a file is opened or built, so that GetKernels() never falls back quietly.
Status CheckTarget();

// Every target that this build has and this CPU runs, best first.
const std::vector<Kernels>& AvailableKernels();

// Makes GetKernels() return one target's ("" for the best). Errors: Unsupported. Not thread-safe.
Status ForceTarget(std::string_view name);

}  // namespace kith::simd

#endif  // KITH_SIMD_KERNELS_H_
