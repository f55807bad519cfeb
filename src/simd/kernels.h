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

// A plane through byte sketches, rows of 64 or 128 unsigned bytes at 64-byte aligned places: those
// with <direction, row> > threshold lie right of it.
struct SplitPlane {
  alignas(64) int8_t direction[128];
  int32_t threshold;
  float norm;  // of the direction: a step of one level along it changes the product so much
};

// A small tree to descend, rooted in node 0. A node's children are neighbours.
struct RouteTree {
  const int8_t* directions;  // [nodes, row bytes], 64-byte aligned
  const int32_t* offsets;    // [nodes, 16]: a plane's threshold, negated, and zeros
  const int32_t* left;       // [nodes]: the left child; -1 - e for a node that is end e
};

// What growing trees is made of. Integer sums are exact, so that all targets grow the same trees.
struct TreeKernels {
  // out[i] = <direction, row ids[i]>
  void (*project)(const SplitPlane& plane, const uint8_t* rows, const uint32_t* ids, size_t n,
                  int32_t* out);
  // Moves the ids of rows left of the plane to the front, keeping the order on either side. Returns
  // their number. *near: the number of rows less than a level from the plane. `scratch` has room
  // for n + 16.
  size_t (*divide)(const SplitPlane& plane, const uint8_t* rows, uint32_t* ids, size_t n,
                   uint32_t* scratch, size_t* near);
  // Two-means on `count` rows, those of ids, begun from the rows of ids[first] and ids[second]; at
  // most `rounds` rounds. Leaves the plane halfway between the means; its norm is 0 if they
  // coincide. REQUIRES: 2 <= count <= 64.
  void (*two_means)(const uint8_t* rows, const uint32_t* ids, size_t count, size_t first,
                    size_t second, int rounds, SplitPlane* plane);
  // out[i] = the end that row ids[i] (row i if ids is null) reaches from node 0.
  void (*route)(const RouteTree& tree, const uint8_t* rows, const uint32_t* ids, size_t n,
                uint32_t* out);
};

// One round of a rotation (quant/rotation.h): x[i] *= factors[i] for i < dim; the unscaled
// Walsh-Hadamard transform of x[start .. start + window), window a power of two; unless that is all
// of x, (a, b) <- (a + b, a - b) for coordinates i and i + dim / 2. Any alignment.
using RotateRoundFn = void (*)(float* x, size_t dim, const float* factors, size_t start,
                               size_t window);

// out = a b for matrices of floats: a [rows, inner], b [inner, cols], out [rows, cols]; strides in
// floats. REQUIRES: cols a multiple of 16; b and out 64-byte aligned, their strides multiples
// of 16.
using MultiplyFn = void (*)(const float* a, size_t a_stride, size_t rows, const float* b,
                            size_t b_stride, size_t inner, size_t cols, float* out,
                            size_t out_stride);

// sums[i][j] += sum over rows of x[row][i] * x[row][j], for i from `begin` to `end` and j from i
// on; what lies left of these in the same eight columns is changed too. Strides in doubles.
// REQUIRES: cols, begin and end multiples of 8; x and sums 64-byte aligned, their strides multiples
// of 8.
using OuterFn = void (*)(const double* x, size_t stride, size_t rows, size_t cols, size_t begin,
                         size_t end, double* sums, size_t sums_stride);

// A row's 8-bit code bounds its distance (quant/bounded_code.h) by a weighted sum
//   v = norm_weight * norm + error_weight * error + dot_weight * (step * dot)
// of what is stored of it and the dot product of its code with the query's. Rows with v > limit are
// ruled out.
struct ScreenTerms {
  float norm_weight;
  float error_weight;
  float dot_weight;
  float limit;
};

struct ScreenQuery {
  const int8_t* code;  // [4 * groups], aligned to 4
  int32_t offset;  // 128 * the sum of the code, which the dot products of unsigned codes have more
  ScreenTerms terms;
};

// Codes of 16 rows lie together, four coordinates of each in turn, so that a register's lanes are
// rows and no sum has to cross them.
inline constexpr size_t kScreenRows = 16;
constexpr size_t ScreenBlockBytes(size_t groups) { return kScreenRows * (4 * groups + 8); }

// For each block of 16 rows and each query, bit i of passing[query * stride + block] is set unless
// row i of the block is ruled out; NaN is not.
//   blocks  aligned to 4; each holds u8 codes [groups, 16, 4], 128 above the signed ones, then for
//           each row f32 norm, bf16 step, bf16 error
//   groups  <= kMaxDim / 4, so that dot products fit 32 bits
using ScreenFn = void (*)(const ScreenQuery* queries, size_t num_queries, const std::byte* blocks,
                          size_t num_blocks, size_t groups, uint16_t* passing, size_t stride);

// A graph's vertex keeps codes of its neighbours (quant/edge_code.h) in blocks of 16: a block is
// `steps` rows of 64 bytes, and byte 4 * lane + i of row s holds, in bits [f * bits, (f + 1) *
// bits), the code of coordinate (s * 8 / bits + f) * 4 + i of neighbour `lane`. Codes beyond the
// dimension are 0.
inline constexpr size_t kEdgeLanes = 16;
inline constexpr size_t kEdgeStepBytes = 4 * kEdgeLanes;

struct EdgeTerms {
  float base;
  float scale;
  float shift;
  float limit;
};

// For each neighbour, with dot = sum over coordinates of query * code, exact:
//   estimate = (dot * scale + shift) * weight + (base + offset)
// Bit b % 16 of passing[b / 16] is set if estimate b < limit; NaN is not.
//   query      [steps * 32 / bits], aligned to 4, zero beyond the dimension
//   codes      [num_blocks, steps, 64], any alignment; steps <= kMaxDim * bits / 32
//   weights, offsets  bfloat16 [num_blocks * 16], any alignment
//   estimates  [num_blocks * 16], 64-byte aligned
using EdgeEstimateFn = void (*)(const int8_t* query, const std::byte* codes, size_t steps,
                                size_t num_blocks, const uint16_t* weights, const uint16_t* offsets,
                                const EdgeTerms& terms, float* estimates, uint16_t* passing);

// Of a code g of the residual r = y - v.
struct EdgeSums {
  float rho2;  // |r|^2
  float gr;    // <g, r>
  float gv;    // <g, v>
};

// Writes the code of r = y - v into one lane of a block: the nearest level, upwards from 0.5, of
// |r_i| * rounding / |r| with the sign of r_i, levels counted from the lowest up. Zeros if r = 0.
// REQUIRES: steps >= dim * bits / 32, rounded up.
using EdgeEncodeFn = EdgeSums (*)(const float* v, const float* y, size_t dim, float rounding,
                                  std::byte* block, size_t steps, size_t lane);

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
  TreeKernels tree[2] = {};                       // for rows of 64 and 128 bytes
  RotateRoundFn rotate_round = nullptr;
  MultiplyFn multiply = nullptr;
  OuterFn outer = nullptr;
  ScreenFn screen = nullptr;
  EdgeEstimateFn edge_estimate[4] = {};  // for 1, 2, 4 and 8 bits
  EdgeEncodeFn edge_encode[4] = {};
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
