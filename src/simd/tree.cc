// What growing a tree needs: projections of byte sketches, divisions by a plane, two-means.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/tree.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "simd/lanes-inl.h"
#include "simd/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kith::simd::HWY_NAMESPACE {
namespace {

using DI32 = D32<int32_t>;
using VI32 = V32<int32_t>;
constexpr size_t kLanes = kWidth;  // rows projected together

#if HWY_TARGET == HWY_SCALAR

template <size_t kStride>
struct Direction {
  explicit Direction(const int8_t* p) : values(p) {}
  const int8_t* values;
};

template <size_t kStride>
VI32 DotRow(const uint8_t* row, const Direction<kStride>& direction, VI32 start) {
  int32_t sum = hn::GetLane(start);
  for (size_t c = 0; c < kStride; ++c) sum += row[c] * direction.values[c];
  return hn::Set(DI32(), sum);
}

template <size_t kStride>
void AddRow(const uint8_t* row, uint16_t* sums) {
  for (size_t c = 0; c < kStride; ++c) sums[c] = static_cast<uint16_t>(sums[c] + row[c]);
}

template <size_t kStride>
void SumRows(const uint8_t* rows, const uint32_t* ids, uint64_t members, uint16_t* sums) {
  std::fill(sums, sums + kStride, uint16_t{0});
  for (; members != 0; members &= members - 1) {
    AddRow<kStride>(rows + ids[__builtin_ctzll(members)] * kStride, sums);
  }
}

#else

using D16 = hn::RepartitionToNarrow<DI32>;  // int16
using DU16 = hn::RebindToUnsigned<D16>;
constexpr size_t kLanes16 = 2 * kLanes;

#if HWY_TARGET == HWY_AVX3_DL

// A direction in registers.
template <size_t kStride>
struct Direction {
  using D8 = hn::CappedTag<int8_t, 64>;
  explicit HWY_INLINE Direction(const int8_t* p) {
    for (size_t i = 0; i < kStride / 64; ++i) v[i] = hn::Load(D8(), p + i * 64);
  }
  hn::Vec<D8> v[kStride / 64];
};

// Lanes that sum up to the exact <direction, row>, added to those of `start`.
template <size_t kStride>
HWY_INLINE VI32 DotRow(const uint8_t* row, const Direction<kStride>& direction, VI32 start) {
  VI32 sum = start;
  for (size_t i = 0; i < kStride / 64; ++i) {
    const auto x = hn::Load(hn::CappedTag<uint8_t, 64>(), row + i * 64);
    sum = MulAdd4(hn::BitCast(DI(), x), hn::BitCast(DI(), direction.v[i]), sum);
  }
  return sum;
}

#else

template <size_t kStride>
struct Direction {
  explicit HWY_INLINE Direction(const int8_t* p) {
    for (size_t i = 0; i < kStride / kLanes16; ++i) {
      v[i] = hn::PromoteTo(D16(), hn::Load(hn::Rebind<int8_t, D16>(), p + i * kLanes16));
    }
  }
  hn::Vec<D16> v[kStride / kLanes16];
};

template <size_t kStride>
HWY_INLINE VI32 DotRow(const uint8_t* row, const Direction<kStride>& direction, VI32 start) {
  VI32 sum = start;
  VI32 rest = hn::Zero(DI32());
  for (size_t i = 0; i < kStride / kLanes16; ++i) {
    const auto x = hn::PromoteTo(D16(), hn::Load(hn::Rebind<uint8_t, D16>(), row + i * kLanes16));
    sum = hn::ReorderWidenMulAccumulate(DI32(), x, direction.v[i], sum, rest);
  }
  return hn::Add(sum, rest);
}

#endif

template <size_t kStride>
HWY_INLINE void SumRows(const uint8_t* rows, const uint32_t* ids, uint64_t members,
                        uint16_t* sums) {
  const hn::Rebind<uint8_t, DU16> d8;
  hn::Vec<DU16> acc[kStride / kLanes16];
  for (auto& a : acc) a = hn::Zero(DU16());
  for (; members != 0; members &= members - 1) {
    const uint8_t* row = rows + ids[__builtin_ctzll(members)] * kStride;
    for (size_t i = 0; i < kStride / kLanes16; ++i) {
      acc[i] = hn::Add(acc[i], hn::PromoteTo(DU16(), hn::Load(d8, row + i * kLanes16)));
    }
  }
  for (size_t i = 0; i < kStride / kLanes16; ++i) hn::Store(acc[i], DU16(), sums + i * kLanes16);
}

#endif  // HWY_TARGET == HWY_SCALAR

// The projections of kLanes rows.
template <size_t kStride, class RowAt>
HWY_INLINE VI32 DotRows(const Direction<kStride>& direction, RowAt row_at) {
  VI32 sums[kLanes];
  for (size_t r = 0; r < kLanes; ++r)
    sums[r] = DotRow<kStride>(row_at(r), direction, hn::Zero(DI32()));
  return SumEach(sums);
}

template <size_t kStride>
void Project(const SplitPlane& plane, const uint8_t* rows, const uint32_t* ids, size_t n,
             int32_t* out) {
  const Direction<kStride> direction(plane.direction);
  for (size_t i = 0; i < n; i += kLanes) {
    const size_t last = n - 1 - i;
    const VI32 dots = DotRows<kStride>(
        direction, [&](size_t r) HWY_ATTR { return rows + ids[i + HWY_MIN(r, last)] * kStride; });
    if (last + 1 >= kLanes) {
      hn::StoreU(dots, DI32(), out + i);
    } else {
      alignas(64) int32_t tail[kLanes];
      hn::Store(dots, DI32(), tail);
      std::copy(tail, tail + last + 1, out + i);
    }
  }
}

// Stable. Left ids go back in place: what they overwrite has been read.
template <size_t kStride>
size_t Divide(const SplitPlane& plane, const uint8_t* rows, uint32_t* ids, size_t n,
              uint32_t* scratch, size_t* near) {
  const DI32 d;
  const hn::RebindToUnsigned<DI32> du;
  const Direction<kStride> direction(plane.direction);
  const VI32 threshold = hn::Set(d, plane.threshold);
  const auto level = static_cast<int32_t>(plane.norm);
  const VI32 reach = hn::Set(d, level);
  size_t close = 0;
  size_t left = 0;
  size_t right = 0;
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const VI32 dots =
        DotRows<kStride>(direction, [&](size_t r) HWY_ATTR { return rows + ids[i + r] * kStride; });
    const auto is_left = hn::RebindMask(du, hn::Not(hn::Gt(dots, threshold)));
    const auto some = hn::LoadU(du, ids + i);
    const size_t count = hn::CountTrue(du, is_left);
    hn::StoreU(hn::Compress(some, is_left), du, ids + left);
    hn::StoreU(hn::Compress(some, hn::Not(is_left)), du, scratch + right);
    close += hn::CountTrue(d, hn::Gt(reach, hn::Abs(hn::Sub(dots, threshold))));
    left += count;
    right += kLanes - count;
  }
  if (i < n) {
    int32_t dots[kLanes];
    Project<kStride>(plane, rows, ids + i, n - i, dots);
    for (size_t r = 0; i < n; ++i, ++r) {
      const uint32_t id = ids[i];
      close += std::abs(dots[r] - plane.threshold) < level ? 1 : 0;
      if (dots[r] <= plane.threshold) {
        ids[left++] = id;
      } else {
        scratch[right++] = id;
      }
    }
  }
  std::copy(scratch, scratch + right, ids + left);
  *near = close;
  return left;
}

// ---- Two-means.

template <size_t kStride>
struct Halves {
  alignas(64) uint16_t sums[2][kStride];  // of the rows on either side
  int32_t counts[2];
};

// The plane halfway between the two means. False if they coincide.
template <size_t kStride>
HWY_INLINE bool PlaneBetween(const Halves<kStride>& halves, SplitPlane* plane) {
  const DI32 d;
  const hn::Rebind<float, DI32> df;
  const hn::Rebind<uint16_t, DI32> d16;
  const hn::Rebind<int8_t, DI32> d8;
  constexpr size_t kParts = kStride / kLanes;
  VI32 sums[2][kParts];
  hn::Vec<decltype(df)> normal[kParts];
  // Products of counts and sums are below 2^24, so that floats hold them.
  const auto count0 = hn::Set(df, static_cast<float>(halves.counts[0]));
  const auto count1 = hn::Set(df, static_cast<float>(halves.counts[1]));
  auto largest = hn::Zero(df);
  for (size_t i = 0; i < kParts; ++i) {
    for (size_t side = 0; side < 2; ++side) {
      sums[side][i] = hn::PromoteTo(d, hn::Load(d16, halves.sums[side] + i * kLanes));
    }
    normal[i] = hn::Sub(hn::Mul(hn::ConvertTo(df, sums[1][i]), count0),
                        hn::Mul(hn::ConvertTo(df, sums[0][i]), count1));
    largest = hn::Max(largest, hn::Abs(normal[i]));
  }
  const float length = hn::GetLane(hn::MaxOfLanes(df, largest));
  plane->norm = 0;
  if (length == 0) return false;
  const auto scale = hn::Set(df, 127 / length);
  VI32 dots[2] = {hn::Zero(d), hn::Zero(d)};
  VI32 squares = hn::Zero(d);
  for (size_t i = 0; i < kParts; ++i) {
    const VI32 v = hn::NearestInt(hn::Mul(normal[i], scale));
    hn::Store(hn::DemoteTo(d8, v), d8, plane->direction + i * kLanes);
    for (size_t side = 0; side < 2; ++side) {
      dots[side] = hn::Add(dots[side], hn::Mul(v, sums[side][i]));
    }
    squares = hn::Add(squares, hn::Mul(v, v));
  }
  double means[2];
  for (size_t side = 0; side < 2; ++side) {
    means[side] =
        static_cast<double>(hn::GetLane(hn::SumOfLanes(d, dots[side]))) / halves.counts[side];
  }
  plane->threshold = static_cast<int32_t>(std::floor((means[0] + means[1]) / 2));
  plane->norm = std::sqrt(static_cast<float>(hn::GetLane(hn::SumOfLanes(d, squares))));
  return true;
}

template <size_t kStride>
void TwoMeans(const uint8_t* rows, const uint32_t* ids, size_t count, size_t first, size_t second,
              int rounds, SplitPlane* plane) {
  const DI32 d;
  const uint64_t all = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
  Halves<kStride> halves{};
  alignas(64) uint16_t total[kStride];
  SumRows<kStride>(rows, ids, all, total);
  SumRows<kStride>(rows, ids, uint64_t{1} << first, halves.sums[0]);
  SumRows<kStride>(rows, ids, uint64_t{1} << second, halves.sums[1]);
  halves.counts[0] = halves.counts[1] = 1;
  uint64_t before = 0;
  for (int round = 0;; ++round) {
    if (!PlaneBetween<kStride>(halves, plane) || round == rounds) return;
    const Direction<kStride> direction(plane->direction);
    const VI32 threshold = hn::Set(d, plane->threshold);
    uint64_t members = 0;
    for (size_t i = 0; i < count; i += kLanes) {
      const VI32 dots = DotRows<kStride>(direction, [&](size_t r) HWY_ATTR {
        return rows + ids[HWY_MIN(i + r, count - 1)] * kStride;
      });
      uint8_t bits[8] = {};
      hn::StoreMaskBits(d, hn::Gt(dots, threshold), bits);
      members |= static_cast<uint64_t>(bits[0] | bits[1] << 8) << i;
    }
    members &= all;
    const int in_second = __builtin_popcountll(members);
    if (members == before || members == 0 || members == all) return;
    before = members;
    // The sums of the fewer rows, and what they leave of the total.
    const bool fewer = 2 * static_cast<size_t>(in_second) <= count;
    SumRows<kStride>(rows, ids, fewer ? members : all & ~members, halves.sums[fewer ? 1 : 0]);
    for (size_t c = 0; c < kStride; ++c) {
      halves.sums[fewer ? 0 : 1][c] =
          static_cast<uint16_t>(total[c] - halves.sums[fewer ? 1 : 0][c]);
    }
    halves.counts[1] = in_second;
    halves.counts[0] = static_cast<int32_t>(count) - in_second;
  }
}

// ---- Descending a small tree with many rows, level by level.

// Where kLanes rows are in the tree.
template <size_t kStride>
class Descent {
 public:
  // Starts with rows i, i + 1, ..., the last one again where there are no more.
  HWY_INLINE Descent(const RouteTree& tree, const uint8_t* rows, const uint32_t* ids, size_t i,
                     size_t n) {
    constexpr size_t kAhead = 96;
    for (size_t r = 0; r < kLanes; ++r) {
      const size_t j = HWY_MIN(i + r, n - 1);
      row_[r] = rows + (ids == nullptr ? j : ids[j]) * kStride;
      if (j + kAhead < n) {
        const size_t ahead = ids == nullptr ? j + kAhead : ids[j + kAhead];
        for (size_t line = 0; line < kStride; line += 64) {
          hwy::Prefetch(rows + ahead * kStride + line);
        }
      }
    }
    node_ = hn::Zero(DI32());
    left_ = hn::Set(DI32(), tree.left[0]);
  }

  // One level down. False once all rows have ended.
  HWY_INLINE bool Step(const RouteTree& tree) {
    const DI32 d;
    alignas(64) int32_t at[kLanes];
    hn::Store(node_, d, at);
    VI32 sums[kLanes];
    for (size_t r = 0; r < kLanes; ++r) {
      const auto node = static_cast<size_t>(at[r]);
      const Direction<kStride> direction(tree.directions + node * kStride);
      sums[r] = DotRow<kStride>(row_[r], direction, hn::Load(d, tree.offsets + node * 16));
    }
    const VI32 right = hn::VecFromMask(d, hn::Gt(SumEach(sums), hn::Zero(d)));
    node_ = hn::IfThenElse(hn::Lt(left_, hn::Zero(d)), node_, hn::Sub(left_, right));
    left_ = hn::GatherIndex(d, tree.left, node_);
    return !hn::AllTrue(d, hn::Lt(left_, hn::Zero(d)));
  }

  // Writes the ends of the first `count` rows.
  HWY_INLINE void Finish(uint32_t* out, size_t count) const {
    const DI32 d;
    alignas(64) int32_t ends[kLanes];
    hn::Store(hn::Not(left_), d, ends);
    for (size_t r = 0; r < kLanes && r < count; ++r) out[r] = static_cast<uint32_t>(ends[r]);
  }

 private:
  const uint8_t* row_[kLanes];
  VI32 node_;
  VI32 left_;
};

template <size_t kStride>
void Route(const RouteTree& tree, const uint8_t* rows, const uint32_t* ids, size_t n,
           uint32_t* out) {
  // Two groups of rows at a time, so that one's arithmetic hides the other's latency.
  for (size_t i = 0; i < n; i += 2 * kLanes) {
    Descent<kStride> a(tree, rows, ids, i, n);
    Descent<kStride> b(tree, rows, ids, HWY_MIN(i + kLanes, n - 1), n);
    while (true) {
      const bool more_a = a.Step(tree);
      const bool more_b = b.Step(tree);
      if (!more_a && !more_b) break;
    }
    a.Finish(out + i, n - i);
    if (i + kLanes < n) b.Finish(out + i + kLanes, n - i - kLanes);
  }
}

template <size_t kStride>
TreeKernels KernelsOf() {
  return {&Project<kStride>, &Divide<kStride>, &TwoMeans<kStride>, &Route<kStride>};
}

}  // namespace

void FillTree(Kernels* kernels) {
  kernels->tree[0] = KernelsOf<64>();
  kernels->tree[1] = KernelsOf<128>();
}

}  // namespace kith::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith::simd {

HWY_EXPORT(FillTree);
void FillTreeKernels(Kernels* kernels) { HWY_DYNAMIC_DISPATCH(FillTree)(kernels); }

}  // namespace kith::simd
#endif
