// Kernels for float32 queries against rows of any float or 8-bit type.
#include <bit>
#include <cstring>
#include <utility>

#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/distance_float.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "simd/load-inl.h"
#include "simd/panel-inl.h"
#include "simd/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

// ---- One operation each: fold sixteen coordinates into the accumulator.

struct OpL2 {
  static HWY_INLINE V Step(V q, V x, V sum) {
    const V diff = hn::Sub(q, x);
    return hn::MulAdd(diff, diff, sum);
  }
};
struct OpDot {
  static HWY_INLINE V Step(V q, V x, V sum) { return hn::MulAdd(q, x, sum); }
};
struct OpL1 {
  static HWY_INLINE V Step(V q, V x, V sum) { return hn::Add(sum, hn::Abs(hn::Sub(q, x))); }
};
struct OpHamming {
  static HWY_INLINE V Step(V q, V x, V sum) {
    return hn::Add(sum, hn::IfThenElseZero(hn::Ne(q, x), hn::Set(D(), 1.0f)));
  }
};

// ---- Blocks of rows, read where they are.

// Queries in one block: as many as the registers hold.
constexpr size_t kBlockQueries = kRegs == 1 ? 4 : 1;

// out[q * R + r] = the partial sums of query q and row r.
template <class T, class Op, size_t Q, size_t R, bool kPrefetch>
HWY_INLINE void Accumulate(const float* const* queries, const T* const* rows, size_t dim, V* out) {
  const D d;
  Float16 sums[Q * R];
  for (auto& sum : sums) {
    for (V& v : sum.v) v = hn::Zero(d);
  }
  const auto accumulate = [&](size_t at, const Float16(&x)[R]) HWY_ATTR {
    for (size_t q = 0; q < Q; ++q) {
      for (size_t i = 0; i < kRegs; ++i) {
        const V qv = hn::Load(d, queries[q] + at + i * kWidth);
        for (size_t r = 0; r < R; ++r) {
          sums[q * R + r].v[i] = Op::Step(qv, x[r].v[i], sums[q * R + r].v[i]);
        }
      }
    }
  };
  const auto step = [&](size_t at) HWY_ATTR {
    Float16 x[R];
    for (size_t r = 0; r < R; ++r) LoadRow(rows[r] + at, x[r]);
    accumulate(at, x);
  };
  constexpr size_t kLine = 64 / sizeof(T);
  size_t at = 0;
  for (; at + kLine <= dim; at += kLine) {
    if constexpr (kPrefetch) {
      for (size_t r = 0; r < R; ++r) {
        hwy::Prefetch(reinterpret_cast<const std::byte*>(rows[r] + at) + kScanAhead);
      }
    }
    for (size_t i = 0; i < kLine; i += 16) step(at + i);
  }
  for (; at + 16 <= dim; at += 16) step(at);
  if (at < dim) {
    Float16 x[R];
    for (size_t r = 0; r < R; ++r) LoadRowTail(rows[r] + at, dim - at, x[r]);
    accumulate(at, x);
  }
  for (size_t i = 0; i < Q * R; ++i) out[i] = FoldRegisters(sums[i].v);
}

// out[j] = op(query, row j) for the rows that row(j) points to.
// kScan: the rows follow each other in memory.
template <class T, class Op, bool kScan, class RowAt>
HWY_INLINE void ScoreOne(const float* query, size_t num_rows, size_t dim, float* out, RowAt row) {
  constexpr size_t kRowsAtOnce = kScan ? 1 : kBlockRows;
  V sums[kGroupRows];
  const T* block[kBlockRows];
  size_t j = 0;
  for (; j + kGroupRows <= num_rows; j += kGroupRows) {
    for (size_t g = 0; g < kGroupRows; g += kRowsAtOnce) {
      for (size_t r = 0; r < kRowsAtOnce; ++r) block[r] = row(j + g + r);
      Accumulate<T, Op, 1, kRowsAtOnce, kScan>(&query, block, dim, sums + g);
    }
    for (size_t g = 0; g < kGroupRows; g += kWidth) {
      hn::StoreU(SumEach(sums + g), D(), out + j + g);
    }
  }
  for (; j + kBlockRows <= num_rows; j += kBlockRows) {
    for (size_t r = 0; r < kBlockRows; ++r) block[r] = row(j + r);
    Accumulate<T, Op, 1, kBlockRows, false>(&query, block, dim, sums);
    for (size_t r = 0; r < kBlockRows; ++r) out[j + r] = SumLanes(sums[r]);
  }
  for (; j < num_rows; ++j) {
    block[0] = row(j);
    Accumulate<T, Op, 1, 1, false>(&query, block, dim, sums);
    out[j] = SumLanes(sums[0]);
  }
}

// kBlockQueries queries against all rows.
template <class T, class Op>
HWY_INLINE void ScoreBlock(const std::byte* queries, size_t query_stride, const std::byte* rows,
                           size_t row_stride, size_t num_rows, size_t dim, float* out,
                           size_t out_stride) {
  constexpr size_t kSums = kBlockQueries * kBlockRows;
  const float* query[kBlockQueries];
  for (size_t q = 0; q < kBlockQueries; ++q) {
    query[q] = reinterpret_cast<const float*>(queries + q * query_stride);
  }
  const auto row = [&](size_t j) { return reinterpret_cast<const T*>(rows + j * row_stride); };
  V sums[kSums];
  size_t j = 0;
  for (; j + kBlockRows <= num_rows; j += kBlockRows) {
    const T* block[kBlockRows];
    for (size_t r = 0; r < kBlockRows; ++r) block[r] = row(j + r);
    Accumulate<T, Op, kBlockQueries, kBlockRows, false>(query, block, dim, sums);
    alignas(64) float done[kSums];
    for (size_t i = 0; i < kSums; i += kWidth) hn::Store(SumEach(sums + i), D(), done + i);
    for (size_t q = 0; q < kBlockQueries; ++q) {
      std::memcpy(out + q * out_stride + j, done + q * kBlockRows, kBlockRows * sizeof(float));
    }
  }
  for (; j < num_rows; ++j) {
    const T* block[1] = {row(j)};
    Accumulate<T, Op, kBlockQueries, 1, false>(query, block, dim, sums);
    for (size_t q = 0; q < kBlockQueries; ++q) out[q * out_stride + j] = SumLanes(sums[q]);
  }
}

#if HWY_TARGET != HWY_SCALAR

// ---- Batches: panels of rows.

// From this many queries on, laying out the rows pays: more where blocks do well without.
constexpr size_t kPanelMinQueries = kBlockQueries > 1 ? 32 : 8;

// A panel keeps the coordinates of each of the sixteen sums together, and the sums in the order in
// which a depth-first walk of SumLanes() adds them, so that results have the same bits. The order's
// inverse is itself.
constexpr uint8_t kSumOrder[16] = {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15};

// Sum number kSum of the order, added to those that wait for it: after an odd one, half a tree is
// complete, and so on up. REQUIRES: steps > 0.
template <class Op, size_t kSum, size_t kQueries, size_t R>
HWY_INLINE void AddSum(const float* panel, size_t steps, const float* const* queries,
                       float* waiting, float* const* out) {
  const D d;
  V sums[kQueries][R];
  for (size_t q = 0; q < kQueries; ++q) {
    for (size_t r = 0; r < R; ++r) sums[q][r] = hn::Zero(d);
  }
  const float* x = panel + kSum * steps * R * kWidth;
  size_t at = kSumOrder[kSum];
  do {
    V xs[R];
    for (size_t r = 0; r < R; ++r) xs[r] = hn::Load(d, x + r * kWidth);
    for (size_t q = 0; q < kQueries; ++q) {
      const V qv = hn::Set(d, queries[q][at]);
      for (size_t r = 0; r < R; ++r) sums[q][r] = Op::Step(qv, xs[r], sums[q][r]);
    }
    x += R * kWidth;
    at += 16;
  } while (at < steps * 16);
  constexpr size_t kComplete = std::countr_one(kSum);
  for (size_t q = 0; q < kQueries; ++q) {
    for (size_t r = 0; r < R; ++r) {
      float* place = waiting + (q * R + r) * kWidth;
      V sum = sums[q][r];
      for (size_t level = 0; level < kComplete; ++level) {
        sum = hn::Add(hn::Load(d, place + level * kQueries * R * kWidth), sum);
      }
      if constexpr (kComplete < 4) {
        hn::Store(sum, d, place + kComplete * kQueries * R * kWidth);
      } else {
        hn::StoreU(sum, d, out[q] + r * kWidth);
      }
    }
  }
}

// kQueries queries against R vectors of rows; the panel has `steps` coordinates for each sum.
template <class Op, size_t kQueries, size_t R, size_t... kSums>
HWY_NOINLINE void ScorePanel(const float* panel, size_t steps, const float* const* queries,
                             float* const* out, std::index_sequence<kSums...>) {
  alignas(64) float waiting[4 * kQueries * R * kWidth];
  (AddSum<Op, kSums, kQueries, R>(panel, steps, queries, waiting, out), ...);
}

// All queries against the rows of whole panels; returns how many rows that were.
template <class T, class Op, size_t kQueries, size_t R>
HWY_INLINE size_t ScorePanels(const std::byte* queries, size_t query_stride, size_t num_queries,
                              const std::byte* rows, size_t row_stride, size_t num_rows, size_t dim,
                              float* out, size_t out_stride) {
  constexpr size_t kRows = R * kWidth;
  alignas(64) float panel[kPanelBytes / sizeof(float)];
  const size_t steps = (dim + 15) / 16;
  const auto load = [&](const std::byte* row, size_t chunk, float* to) HWY_ATTR {
    const T* p = reinterpret_cast<const T*>(row) + chunk * 16;
    Float16 x;
    if (chunk * 16 + 16 <= dim) {
      LoadRow(p, x);
    } else {
      LoadRowTail(p, dim - chunk * 16, x);
    }
    for (size_t i = 0; i < kRegs; ++i) hn::Store(x.v[i], D(), to + i * kWidth);
  };
  size_t j = 0;
  for (; j + kRows <= num_rows; j += kRows) {
    FillPanel<R, float>(
        steps * 16,
        [&](size_t r, size_t chunk, float* to)
            HWY_ATTR { load(rows + (j + r) * row_stride, chunk, to); },
        [&](size_t word) { return panel + (kSumOrder[word % 16] * steps + word / 16) * kRows; });
    PanelPrefetch prefetch(rows + (j + kRows) * row_stride, kRows * row_stride,
                           (num_queries + kQueries - 1) / kQueries);
    for (size_t i = 0; i < num_queries; i += kQueries) {
      prefetch.Step();
      const float* query[kQueries];
      float* to[kQueries];
      for (size_t q = 0; q < kQueries; ++q) {
        const size_t which = HWY_MIN(i + q, num_queries - 1);  // the last one again
        query[q] = reinterpret_cast<const float*>(queries + which * query_stride);
        to[q] = out + which * out_stride + j;
      }
      ScorePanel<Op, kQueries, R>(panel, steps, query, to, std::make_index_sequence<16>());
    }
  }
  return j;
}

#endif  // HWY_TARGET != HWY_SCALAR

// Rows where they are, for few queries or long rows.
template <class T, class Op>
HWY_INLINE void ScoreInPlace(const std::byte* queries, size_t query_stride, size_t num_queries,
                             const std::byte* rows, size_t row_stride, size_t num_rows, size_t dim,
                             float* out, size_t out_stride) {
  size_t i = 0;
  if constexpr (kBlockQueries > 1) {
    for (; i + kBlockQueries <= num_queries; i += kBlockQueries) {
      ScoreBlock<T, Op>(queries + i * query_stride, query_stride, rows, row_stride, num_rows, dim,
                        out + i * out_stride, out_stride);
    }
  }
  for (; i < num_queries; ++i) {
    ScoreOne<T, Op, true>(reinterpret_cast<const float*>(queries + i * query_stride), num_rows, dim,
                          out + i * out_stride, [&](size_t j) {
                            return reinterpret_cast<const T*>(rows + j * row_stride);
                          });
  }
}

template <class T, class Op>
void Tile(const std::byte* queries, size_t query_stride, size_t num_queries, const std::byte* rows,
          size_t row_stride, size_t num_rows, size_t dim, float* out, size_t out_stride) {
  size_t done = 0;
#if HWY_TARGET != HWY_SCALAR
  constexpr size_t kMaxPanelDim = kPanelBytes / (kPanelVectors * kWidth * sizeof(float));
  if (num_queries >= kPanelMinQueries && dim <= kMaxPanelDim) {
    done = ScorePanels<T, Op, kPanelQueries, kPanelVectors>(
        queries, query_stride, num_queries, rows, row_stride, num_rows, dim, out, out_stride);
  }
#endif
  if (done < num_rows) {
    ScoreInPlace<T, Op>(queries, query_stride, num_queries, rows + done * row_stride, row_stride,
                        num_rows - done, dim, out + done, out_stride);
  }
}

template <class T, class Op>
void Ids(const std::byte* query, const std::byte* rows, size_t row_stride, const uint32_t* ids,
         size_t num_ids, size_t dim, float* out) {
  constexpr size_t kAhead = 8;
  const size_t lines = HWY_MIN((dim * sizeof(T) + 63) / 64, size_t{16});
  const auto prefetch = [&](size_t i) {
    const std::byte* p = rows + ids[i] * row_stride;
    for (size_t line = 0; line < lines; ++line) hwy::Prefetch(p + line * 64);
  };
  for (size_t i = 0; i < HWY_MIN(kAhead, num_ids); ++i) prefetch(i);
  ScoreOne<T, Op, false>(reinterpret_cast<const float*>(query), num_ids, dim, out, [&](size_t i) {
    if (i + kAhead < num_ids) prefetch(i + kAhead);
    return reinterpret_cast<const T*>(rows + ids[i] * row_stride);
  });
}

template <class T>
void FillType(DistanceKernel (&kernels)[kNumOps]) {
  kernels[static_cast<int>(Op::kL2)] = {&Tile<T, OpL2>, &Ids<T, OpL2>};
  kernels[static_cast<int>(Op::kDot)] = {&Tile<T, OpDot>, &Ids<T, OpDot>};
  kernels[static_cast<int>(Op::kL1)] = {&Tile<T, OpL1>, &Ids<T, OpL1>};
  kernels[static_cast<int>(Op::kHamming)] = {&Tile<T, OpHamming>, &Ids<T, OpHamming>};
}

}  // namespace

void FillFloat(Kernels* kernels) {
  FillType<float>(kernels->f32[static_cast<int>(DataType::kF32)]);
  FillType<hwy::float16_t>(kernels->f32[static_cast<int>(DataType::kF16)]);
  FillType<hwy::bfloat16_t>(kernels->f32[static_cast<int>(DataType::kBF16)]);
  FillType<int8_t>(kernels->f32[static_cast<int>(DataType::kI8)]);
  FillType<uint8_t>(kernels->f32[static_cast<int>(DataType::kU8)]);
}

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith::simd {

HWY_EXPORT(FillFloat);
void FillFloatKernels(Kernels* kernels) { HWY_DYNAMIC_DISPATCH(FillFloat)(kernels); }

}  // namespace kith::simd
#endif
