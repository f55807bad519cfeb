// Kernels for queries of the rows' own type: 8-bit integers and packed bits. All sums are exact.
#include <cstring>

#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/distance_integer.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "simd/integer_ops-inl.h"
#include "simd/panel-inl.h"
#include "simd/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

// Of the first-level cache, what a chunk of rows may take.
constexpr size_t kCacheBytes = 16 << 10;

template <class Op, size_t R, bool kPrefetch>
HWY_INLINE void Accumulate(const uint8_t* query, const uint8_t* const* rows, size_t dim,
                           VU32* out) {
  const D8 d;
  typename Op::Sum sums[R];
  size_t at = 0;
  for (; at + kStep <= dim; at += kStep) {
    const V8 q = hn::Load(d, query + at);
    for (size_t r = 0; r < R; ++r) {
      if constexpr (kPrefetch) hwy::Prefetch(rows[r] + at + kScanAhead);
      Op::Step(q, hn::LoadU(d, rows[r] + at), sums[r]);
    }
  }
  if (at < dim) {
    const V8 q = hn::Load(d, query + at);
    for (size_t r = 0; r < R; ++r) Op::Step(q, LoadTail(rows[r] + at, dim - at), sums[r]);
  }
  for (size_t r = 0; r < R; ++r) out[r] = sums[r].Total();
}

// out[j] = op(query, row j) for the rows that row(j) points to. kScan: they follow each other in
// memory.
template <class Op, bool kScan, class RowAt>
HWY_INLINE void ScoreOne(const uint8_t* query, size_t num_rows, size_t dim, float* out, RowAt row) {
  constexpr size_t kRowsAtOnce = kScan ? 1 : kBlockRows;
  VU32 sums[kGroupRows];
  const uint8_t* block[kBlockRows];
  size_t j = 0;
  for (; j + kGroupRows <= num_rows; j += kGroupRows) {
    for (size_t g = 0; g < kGroupRows; g += kRowsAtOnce) {
      for (size_t r = 0; r < kRowsAtOnce; ++r) block[r] = row(j + g + r);
      Accumulate<Op, kRowsAtOnce, kScan>(query, block, dim, sums + g);
    }
    for (size_t g = 0; g < kGroupRows; g += kWidth) {
      hn::StoreU(ToFloat<Op::kSigned>(SumEach(sums + g)), D32<float>(), out + j + g);
    }
  }
  for (; j < num_rows; ++j) {
    block[0] = row(j);
    Accumulate<Op, 1, false>(query, block, dim, sums);
    out[j] = ToFloat<Op::kSigned>(SumLanes(sums[0]));
  }
}

#if HWY_TARGET != HWY_SCALAR

// One query against rows of kLanes * 4 bytes, several of which share a vector. Returns how many
// rows were compared.
template <class Op, size_t kLanes>
HWY_INLINE size_t ScoreShort(const uint8_t* query, const uint8_t* rows, size_t num_rows,
                             float* out) {
  const D8 d;
  alignas(64) uint8_t repeated[kStep];
  for (size_t at = 0; at < kStep; at += kLanes * 4) std::memcpy(repeated + at, query, kLanes * 4);
  const V8 q = hn::Load(d, repeated);
  size_t j = 0;
  for (; j + kWidth <= num_rows; j += kWidth) {
    VU32 sums[kLanes];
    for (size_t i = 0; i < kLanes; ++i, rows += kStep) {
      hwy::Prefetch(rows + kScanAhead);
      typename Op::Sum sum;
      Op::Step(q, hn::LoadU(d, rows), sum);
      sums[i] = sum.Total();
    }
    hn::StoreU(ToFloat<Op::kSigned>(SumShort<kLanes>(sums)), D32<float>(), out + j);
  }
  return j;
}

#endif  // HWY_TARGET != HWY_SCALAR

// One query against rows that follow each other in memory.
template <class Op>
HWY_INLINE void Scan(const uint8_t* query, const uint8_t* rows, size_t row_stride, size_t num_rows,
                     size_t dim, float* out) {
  size_t done = 0;
#if HWY_TARGET != HWY_SCALAR
  if (dim == 16 && row_stride == 16) done = ScoreShort<Op, 4>(query, rows, num_rows, out);
  if constexpr (kWidth == 16) {
    if (dim == 32 && row_stride == 32) done = ScoreShort<Op, 8>(query, rows, num_rows, out);
  }
#endif
  ScoreOne<Op, true>(query, num_rows - done, dim, out + done,
                     [&](size_t j) { return rows + (done + j) * row_stride; });
}

template <class Op>
HWY_INLINE void ScoreInPlace(const std::byte* queries, size_t query_stride, size_t num_queries,
                             const std::byte* rows, size_t row_stride, size_t num_rows, size_t dim,
                             float* out, size_t out_stride) {
  const auto query = [&](size_t i) {
    return reinterpret_cast<const uint8_t*>(queries + i * query_stride);
  };
  if (num_queries == 1) {
    return Scan<Op>(query(0), reinterpret_cast<const uint8_t*>(rows), row_stride, num_rows, dim,
                    out);
  }
  // Rows that stay in the first-level cache for all queries.
  const size_t chunk = HWY_MAX(kCacheBytes / (row_stride + 1) / kGroupRows, 1) * kGroupRows;
  for (size_t first = 0; first < num_rows; first += chunk) {
    const size_t count = HWY_MIN(chunk, num_rows - first);
    for (size_t i = 0; i < num_queries; ++i) {
      ScoreOne<Op, false>(query(i), count, dim, out + i * out_stride + first, [&](size_t j) {
        return reinterpret_cast<const uint8_t*>(rows + (first + j) * row_stride);
      });
    }
  }
}

#if HWY_TARGET == HWY_AVX3_DL

// ---- Batches: panels of rows.

// From this many queries on, laying out the rows pays.
constexpr size_t kPanelMinQueries = 4;

// Bytes of a row that one panel holds; longer rows are summed up piece by piece.
constexpr size_t kPanelRows = kPanelVectors * kWidth;
constexpr size_t kMaxPanelDim = kPanelBytes / kPanelRows;

// A piece of a panel's rows against one group of queries. Sums of the pieces before are in `out`,
// as integers. Not inlined, as the registers are all taken.
template <class Op, bool kFirst, bool kLast>
HWY_NOINLINE void ScorePanel(const uint32_t* panel, size_t words, const uint8_t* const* queries,
                             const uint32_t* query_terms, const uint32_t* row_terms,
                             float* const* out) {
  const U32 d;
  const D32<float> df;
  VU32 sums[kPanelQueries][kPanelVectors];
  for (size_t q = 0; q < kPanelQueries; ++q) {
    for (size_t r = 0; r < kPanelVectors; ++r) {
      sums[q][r] = kFirst ? hn::Zero(d) : hn::BitCast(d, hn::LoadU(df, out[q] + r * kWidth));
    }
  }
  size_t k = 0;
  do {
    VU32 x[kPanelVectors];
    for (size_t r = 0; r < kPanelVectors; ++r) x[r] = hn::Load(d, panel + r * kWidth);
    panel += kPanelRows;
    for (size_t q = 0; q < kPanelQueries; ++q) {
      uint32_t word;
      std::memcpy(&word, queries[q] + 4 * k, sizeof(word));
      const VU32 qv = hn::Set(d, word);
      for (size_t r = 0; r < kPanelVectors; ++r) sums[q][r] = Op::Step(qv, x[r], sums[q][r]);
    }
  } while (++k < words);
  for (size_t q = 0; q < kPanelQueries; ++q) {
    const VU32 query_term = hn::Set(d, query_terms[q]);
    for (size_t r = 0; r < kPanelVectors; ++r) {
      const VU32 row_term = hn::Load(d, row_terms + r * kWidth);
      hn::StoreU(kLast ? ToFloat<Op::kSigned>(Op::Finish(sums[q][r], row_term, query_term))
                       : hn::BitCast(df, sums[q][r]),
                 df, out[q] + r * kWidth);
    }
  }
}

// All queries against the rows of whole panels; returns how many rows that were.
template <class Op>
HWY_INLINE size_t ScorePanels(const std::byte* queries, size_t query_stride, size_t num_queries,
                              const std::byte* rows, size_t row_stride, size_t num_rows, size_t dim,
                              float* out, size_t out_stride) {
  const U32 d;
  const D8 d8;
  alignas(64) uint32_t panel[kPanelBytes / sizeof(uint32_t)];
  alignas(64) uint32_t row_terms[kPanelRows];
  float spare[kPanelRows] = {};  // for queries that only fill up a group
  uint32_t query_terms[kPanelBatch] = {};
  const auto query = [&](size_t i) {
    return reinterpret_cast<const uint8_t*>(queries + i * query_stride);
  };
  if constexpr (Op::kNeedsQueryTerm) {
    for (size_t i = 0; i < num_queries; ++i) {
      VU32 term = hn::Zero(d);
      for (size_t at = 0; at < dim; at += kStep) {
        Op::AddToQueryTerm(hn::Load(d8, query(i) + at), term);
      }
      query_terms[i] = SumLanes(term);
    }
  }
  size_t j = 0;
  for (; j + kPanelRows <= num_rows; j += kPanelRows) {
    VU32 terms[kPanelVectors];
    for (VU32& term : terms) term = hn::Zero(d);
    for (size_t begin = 0; begin < dim; begin += kMaxPanelDim) {
      const size_t bytes = HWY_MIN(dim - begin, kMaxPanelDim);
      const size_t words = (bytes + 3) / 4;
      FillPanel<kPanelVectors, uint32_t>(
          words,
          [&](size_t r, size_t chunk, uint32_t* to) HWY_ATTR {
            const auto* row = reinterpret_cast<const uint8_t*>(rows + (j + r) * row_stride) + begin;
            const size_t at = chunk * kStep;
            const V8 x =
                at + kStep <= bytes ? hn::LoadU(d8, row + at) : LoadTail(row + at, bytes - at);
            hn::Store(hn::BitCast(d, Op::Bytes(x)), d, to);
          },
          [&](size_t word) { return panel + word * kPanelRows; });
      if constexpr (Op::kNeedsRowTerm) {
        for (size_t k = 0; k < words; ++k) {
          for (size_t r = 0; r < kPanelVectors; ++r) {
            Op::AddToRowTerm(hn::Load(d, panel + k * kPanelRows + r * kWidth), terms[r]);
          }
        }
      }
      for (size_t r = 0; r < kPanelVectors; ++r) hn::Store(terms[r], d, row_terms + r * kWidth);
      PanelPrefetch prefetch(rows + (j + kPanelRows) * row_stride + begin, kPanelRows * row_stride,
                             (num_queries + kPanelQueries - 1) / kPanelQueries);
      for (size_t i = 0; i < num_queries; i += kPanelQueries) {
        prefetch.Step();
        const uint8_t* group[kPanelQueries];
        float* to[kPanelQueries];
        uint32_t group_terms[kPanelQueries];
        for (size_t q = 0; q < kPanelQueries; ++q) {
          const bool real = i + q < num_queries;
          const size_t which = real ? i + q : i;
          group[q] = query(which) + begin;
          group_terms[q] = query_terms[which];
          to[q] = real ? out + which * out_stride + j : spare;
        }
        const bool first = begin == 0;
        const bool last = begin + bytes == dim;
        const auto score = first ? last ? &ScorePanel<Op, true, true> : &ScorePanel<Op, true, false>
                           : last ? &ScorePanel<Op, false, true>
                                  : &ScorePanel<Op, false, false>;
        score(panel, words, group, group_terms, row_terms, to);
      }
    }
  }
  return j;
}

template <class Op, class PanelOp>
void BatchTile(const std::byte* queries, size_t query_stride, size_t num_queries,
               const std::byte* rows, size_t row_stride, size_t num_rows, size_t dim, float* out,
               size_t out_stride) {
  for (size_t i = 0; i < num_queries; i += kPanelBatch) {
    const size_t count = HWY_MIN(kPanelBatch, num_queries - i);
    const std::byte* batch = queries + i * query_stride;
    float* to = out + i * out_stride;
    size_t done = 0;
    if (count >= kPanelMinQueries) {
      done = ScorePanels<PanelOp>(batch, query_stride, count, rows, row_stride, num_rows, dim, to,
                                  out_stride);
    }
    if (done < num_rows) {
      ScoreInPlace<Op>(batch, query_stride, count, rows + done * row_stride, row_stride,
                       num_rows - done, dim, to + done, out_stride);
    }
  }
}

#endif  // HWY_TARGET == HWY_AVX3_DL

template <class Op>
void Tile(const std::byte* queries, size_t query_stride, size_t num_queries, const std::byte* rows,
          size_t row_stride, size_t num_rows, size_t dim, float* out, size_t out_stride) {
  ScoreInPlace<Op>(queries, query_stride, num_queries, rows, row_stride, num_rows, dim, out,
                   out_stride);
}

template <class Op>
void Ids(const std::byte* query, const std::byte* rows, size_t row_stride, const uint32_t* ids,
         size_t num_ids, size_t dim, float* out) {
  constexpr size_t kAhead = 12;
  const size_t lines = HWY_MIN((dim + 63) / 64, size_t{16});
  const auto prefetch = [&](size_t i) {
    const std::byte* p = rows + ids[i] * row_stride;
    for (size_t line = 0; line < lines; ++line) hwy::Prefetch(p + line * 64);
  };
  for (size_t i = 0; i < HWY_MIN(kAhead, num_ids); ++i) prefetch(i);
  ScoreOne<Op, false>(reinterpret_cast<const uint8_t*>(query), num_ids, dim, out, [&](size_t i) {
    if (i + kAhead < num_ids) prefetch(i + kAhead);
    return reinterpret_cast<const uint8_t*>(rows + ids[i] * row_stride);
  });
}

template <class L2, class Dot, class L1, class Hamming>
void FillType(DistanceKernel (&kernels)[kNumOps]) {
  kernels[static_cast<int>(Op::kL2)] = {&Tile<L2>, &Ids<L2>};
  kernels[static_cast<int>(Op::kDot)] = {&Tile<Dot>, &Ids<Dot>};
  kernels[static_cast<int>(Op::kL1)] = {&Tile<L1>, &Ids<L1>};
  kernels[static_cast<int>(Op::kHamming)] = {&Tile<Hamming>, &Ids<Hamming>};
}

}  // namespace

void FillInteger(Kernels* kernels) {
  auto& native = kernels->native;
  FillType<OpL2U8, OpDotU8, OpL1U8, OpHammingBytes>(native[static_cast<int>(DataType::kU8)]);
  FillType<OpL2I8, OpDotI8, OpL1I8, OpHammingBytes>(native[static_cast<int>(DataType::kI8)]);
  FillType<OpXorBits, OpAndBits, OpXorBits, OpXorBits>(native[static_cast<int>(DataType::kBit)]);
#if HWY_TARGET == HWY_AVX3_DL
  const auto batch = [&](DataType dtype, Op op, TileFn tile) {
    native[static_cast<int>(dtype)][static_cast<int>(op)].tile = tile;
  };
  batch(DataType::kU8, Op::kL2, &BatchTile<OpL2U8, PanelL2U8>);
  batch(DataType::kU8, Op::kDot, &BatchTile<OpDotU8, PanelDotU8>);
  batch(DataType::kI8, Op::kL2, &BatchTile<OpL2I8, PanelL2I8>);
  batch(DataType::kI8, Op::kDot, &BatchTile<OpDotI8, PanelDotI8>);
  for (const Op op : {Op::kL2, Op::kL1, Op::kHamming}) {
    batch(DataType::kBit, op, &BatchTile<OpXorBits, PanelBits<OpXorBits>>);
  }
  batch(DataType::kBit, Op::kDot, &BatchTile<OpAndBits, PanelBits<OpAndBits>>);
#endif
}

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith::simd {

HWY_EXPORT(FillInteger);
void FillIntegerKernels(Kernels* kernels) { HWY_DYNAMIC_DISPATCH(FillInteger)(kernels); }

}  // namespace kith::simd
#endif
