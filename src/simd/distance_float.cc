// Kernels for float32 queries against rows of any float or 8-bit type.
#include <cstring>

#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/distance_float.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr size_t kWidth = HWY_MIN(16, HWY_LANES(float));
constexpr size_t kRegs = 16 / kWidth;

// Sixteen floats, in as many registers as the target needs.
struct Float16 {
  V v[kRegs];
};

// ---- Loading sixteen coordinates of a row as floats.

template <class T>
HWY_INLINE V LoadWide(const T* p) {
  const D d;
  if constexpr (std::is_same_v<T, float>) {
    return hn::LoadU(d, p);
  } else if constexpr (std::is_same_v<T, int8_t> || std::is_same_v<T, uint8_t>) {
    const hn::Rebind<T, D> dn;
    const hn::Rebind<int32_t, D> di;
    return hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(dn, p)));
  } else {
    const hn::Rebind<T, D> dn;
    return hn::PromoteTo(d, hn::LoadU(dn, p));
  }
}

template <class T>
HWY_INLINE void LoadRow(const T* p, Float16& out) {
  for (size_t r = 0; r < kRegs; ++r) out.v[r] = LoadWide(p + r * kWidth);
}

// The last n < 16 coordinates, zero beyond. Never reads past them.
template <class T>
HWY_INLINE void LoadRowTail(const T* p, size_t n, Float16& out) {
  // Where masked loads are emulated, they touch the lanes that are masked out.
  if constexpr (std::is_same_v<T, float> && !HWY_MEM_OPS_MIGHT_FAULT) {
    const D d;
    for (size_t r = 0; r < kRegs; ++r) {
      const size_t left = n > r * kWidth ? HWY_MIN(n - r * kWidth, kWidth) : 0;
      out.v[r] = left == 0 ? hn::Zero(d) : hn::MaskedLoad(hn::FirstN(d, left), d, p + r * kWidth);
    }
  } else {
    alignas(64) T buffer[16] = {};
    std::memcpy(buffer, p, n * sizeof(T));
    LoadRow(buffer, out);
  }
}

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

// Sums the sixteen lanes in an order that every vector width shares: i with i + 8, then 4, 2, 1.
template <class Sums>
HWY_INLINE float SumLanes(const Sums& sum) {
#if HWY_TARGET == HWY_SCALAR
  float lanes[16];
  for (size_t i = 0; i < 16; ++i) lanes[i] = hn::GetLane(sum.v[i]);
  for (size_t half = 8; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
#else
  const D d;
  const auto fold = [](auto dv, auto v) HWY_ATTR {
    const hn::Half<decltype(dv)> half;
    return hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v));
  };
  const auto finish = [](auto v) HWY_ATTR {
    v = hn::Add(v, hn::Shuffle1032(v));
    return hn::GetLane(hn::Add(v, hn::Shuffle2301(v)));
  };
  if constexpr (kRegs == 4) {
    return finish(hn::Add(hn::Add(sum.v[0], sum.v[2]), hn::Add(sum.v[1], sum.v[3])));
  } else if constexpr (kRegs == 2) {
    return finish(fold(d, hn::Add(sum.v[0], sum.v[1])));
  } else {
    return finish(fold(hn::Half<D>(), fold(d, sum.v[0])));
  }
#endif
}

// A block of Q queries by R rows, all its sums in registers.
template <class T, class Op, size_t Q, size_t R>
HWY_INLINE void Block(const float* const* queries, const T* const* rows, size_t dim, float* out,
                      size_t out_stride) {
  const D d;
  Float16 sums[Q][R];
  for (size_t q = 0; q < Q; ++q) {
    for (size_t r = 0; r < R; ++r) {
      for (size_t i = 0; i < kRegs; ++i) sums[q][r].v[i] = hn::Zero(d);
    }
  }
  const auto accumulate = [&](size_t at, const Float16* x) HWY_ATTR {
    for (size_t q = 0; q < Q; ++q) {
      for (size_t i = 0; i < kRegs; ++i) {
        const V qv = hn::Load(d, queries[q] + at + i * kWidth);
        for (size_t r = 0; r < R; ++r) {
          sums[q][r].v[i] = Op::Step(qv, x[r].v[i], sums[q][r].v[i]);
        }
      }
    }
  };
  size_t at = 0;
  for (; at + 16 <= dim; at += 16) {
    Float16 x[R];
    for (size_t r = 0; r < R; ++r) LoadRow(rows[r] + at, x[r]);
    accumulate(at, x);
  }
  if (at < dim) {
    Float16 x[R];
    for (size_t r = 0; r < R; ++r) LoadRowTail(rows[r] + at, dim - at, x[r]);
    accumulate(at, x);
  }
  for (size_t q = 0; q < Q; ++q) {
    for (size_t r = 0; r < R; ++r) out[q * out_stride + r] = SumLanes(sums[q][r]);
  }
}

// Rows in one block. Queries in one block: as many as the registers hold.
constexpr size_t kBlockRows = 4;
constexpr size_t kBlockQueries = kRegs == 1 ? 4 : 1;

template <class T, class Op, size_t Q>
HWY_INLINE void TileRows(const float* const* queries, const std::byte* rows, size_t row_stride,
                         size_t num_rows, size_t dim, float* out, size_t out_stride) {
  size_t j = 0;
  const T* block[kBlockRows];
  for (; j + kBlockRows <= num_rows; j += kBlockRows) {
    for (size_t r = 0; r < kBlockRows; ++r) {
      block[r] = reinterpret_cast<const T*>(rows + (j + r) * row_stride);
    }
    Block<T, Op, Q, kBlockRows>(queries, block, dim, out + j, out_stride);
  }
  for (; j < num_rows; ++j) {
    block[0] = reinterpret_cast<const T*>(rows + j * row_stride);
    Block<T, Op, Q, 1>(queries, block, dim, out + j, out_stride);
  }
}

template <class T, class Op>
void Tile(const std::byte* queries, size_t query_stride, size_t num_queries, const std::byte* rows,
          size_t row_stride, size_t num_rows, size_t dim, float* out, size_t out_stride) {
  const auto query = [&](size_t i) {
    return reinterpret_cast<const float*>(queries + i * query_stride);
  };
  size_t i = 0;
  if constexpr (kBlockQueries > 1) {
    for (; i + kBlockQueries <= num_queries; i += kBlockQueries) {
      const float* block[kBlockQueries];
      for (size_t q = 0; q < kBlockQueries; ++q) block[q] = query(i + q);
      TileRows<T, Op, kBlockQueries>(block, rows, row_stride, num_rows, dim, out + i * out_stride,
                                     out_stride);
    }
  }
  for (; i < num_queries; ++i) {
    const float* block[1] = {query(i)};
    TileRows<T, Op, 1>(block, rows, row_stride, num_rows, dim, out + i * out_stride, out_stride);
  }
}

template <class T, class Op>
void Ids(const std::byte* query, const std::byte* rows, size_t row_stride, const uint32_t* ids,
         size_t num_ids, size_t dim, float* out) {
  constexpr size_t kAhead = 8;
  const float* q[1] = {reinterpret_cast<const float*>(query)};
  const size_t lines = HWY_MIN((dim * sizeof(T) + 63) / 64, size_t{16});
  const auto prefetch = [&](size_t i) {
    const std::byte* p = rows + ids[i] * row_stride;
    for (size_t line = 0; line < lines; ++line) hwy::Prefetch(p + line * 64);
  };
  for (size_t i = 0; i < HWY_MIN(kAhead, num_ids); ++i) prefetch(i);
  const T* block[kBlockRows];
  size_t i = 0;
  for (; i + kBlockRows <= num_ids; i += kBlockRows) {
    for (size_t r = 0; r < kBlockRows; ++r) {
      if (i + kAhead + r < num_ids) prefetch(i + kAhead + r);
      block[r] = reinterpret_cast<const T*>(rows + ids[i + r] * row_stride);
    }
    Block<T, Op, 1, kBlockRows>(q, block, dim, out + i, 0);
  }
  for (; i < num_ids; ++i) {
    block[0] = reinterpret_cast<const T*>(rows + ids[i] * row_stride);
    Block<T, Op, 1, 1>(q, block, dim, out + i, 0);
  }
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
