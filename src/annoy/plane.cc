#include "annoy/plane.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/math.h"
#include "simd/kernels.h"

namespace kith::annoy {
namespace {

constexpr size_t kSample = 128;
constexpr int kRounds = 2;
constexpr int kBitTries = 16;

simd::DistanceKernel KernelOf(simd::Op op) {
  return simd::GetKernels().f32[static_cast<int>(DataType::kF32)][static_cast<int>(op)];
}

// Makes x of length 1; zeros if it has none.
void Normalize(float* x, size_t dim) {
  const double norm = SquaredNorm(x, dim);
  const double scale = norm > 0 && std::isfinite(norm) ? 1 / std::sqrt(norm) : 0;
  for (size_t i = 0; i < dim; ++i) x[i] = static_cast<float>(x[i] * scale);
}

}  // namespace

Result<Splitter> Splitter::Create(const Layout& layout) {
  Splitter s;
  s.layout_ = layout;
  if (layout.bits()) return s;
  s.dim_ = layout.dim + (layout.factor != kNoField ? 1 : 0);
  s.stride_ = RoundUp(s.dim_, simd::kQueryPadding);
  KITH_ASSIGN_OR_RETURN(s.sample_, AlignedBuffer<float>::Create(kSample * s.stride_));
  KITH_ASSIGN_OR_RETURN(s.means_, AlignedBuffer<float>::Create(2 * s.stride_));
  KITH_ASSIGN_OR_RETURN(s.normal_, AlignedBuffer<float>::Create(s.stride_));
  return s;
}

void Splitter::Choose(const std::byte* nodes, std::span<const uint32_t> ids, Rng* rng) {
  none_ = false;
  if (layout_.bits()) {
    ChooseBit(nodes, ids, rng);
    return;
  }
  TakeSample(nodes, ids, rng);
  TwoMeans(rng);
  ChoosePlane();
}

void Splitter::ChooseNone() {
  none_ = true;
  offset_ = 0;
  factor_ = 0;
  bit_ = 0;
  if (!layout_.bits()) std::fill_n(normal_.data(), dim_, 0.0f);
}

// Angles are those of vectors of length 1; for dot all are equally long with their factors.
void Splitter::TakeSample(const std::byte* nodes, std::span<const uint32_t> ids, Rng* rng) {
  const auto n = static_cast<uint32_t>(ids.size());
  count_ = std::min<size_t>(n, kSample);
  for (size_t i = 0; i < count_; ++i) {
    const uint32_t id = ids[n <= kSample ? i : rng->Below(n)];
    const std::byte* node = nodes + id * layout_.node_size;
    float* x = sample_.data() + i * stride_;
    std::memcpy(x, node + layout_.vector, layout_.vector_bytes);
    if (layout_.factor != kNoField) x[layout_.dim] = ReadFloat(node + layout_.factor);
    if (layout_.norm == kNoField) continue;
    const float norm = ReadFloat(node + layout_.norm);
    const float scale = norm > 0 ? 1.0f / std::sqrt(norm) : 0.0f;
    for (size_t j = 0; j < dim_; ++j) x[j] *= scale;
  }
}

// Two of the sample, then what is nearer to either, and its mean, in turns.
void Splitter::TwoMeans(Rng* rng) {
  const auto count = static_cast<uint32_t>(count_);
  const uint32_t first = rng->Below(count);
  uint32_t second = rng->Below(count - 1);
  second += second >= first ? 1 : 0;
  float* const means[2] = {means_.data(), means_.data() + stride_};
  std::copy_n(sample_.data() + first * stride_, dim_, means[0]);
  std::copy_n(sample_.data() + second * stride_, dim_, means[1]);
  const simd::DistanceKernel distance =
      KernelOf(layout_.metric == Metric::kManhattan ? simd::Op::kL1 : simd::Op::kL2);
  float distances[2][kSample];
  for (int round = 0; round < kRounds; ++round) {
    distance.tile(reinterpret_cast<const std::byte*>(means[0]), stride_ * sizeof(float), 2,
                  reinterpret_cast<const std::byte*>(sample_.data()), stride_ * sizeof(float),
                  count_, dim_, distances[0], kSample);
    const auto side = [&](size_t i) { return distances[0][i] < distances[1][i] ? 0 : 1; };
    size_t counts[2] = {};
    for (size_t i = 0; i < count_; ++i) ++counts[side(i)];
    if (counts[0] == 0 || counts[1] == 0) return;
    for (float* mean : means) std::fill_n(mean, dim_, 0.0f);
    for (size_t i = 0; i < count_; ++i) {
      const float* const x = sample_.data() + i * stride_;
      float* const mean = means[side(i)];
      for (size_t j = 0; j < dim_; ++j) mean[j] += x[j];
    }
    for (size_t s = 0; s < 2; ++s) {
      const float scale = 1.0f / static_cast<float>(counts[s]);
      for (size_t j = 0; j < dim_; ++j) means[s][j] *= scale;
    }
  }
}

// Halfway between the means; through the origin for angles.
void Splitter::ChoosePlane() {
  const float* p = means_.data();
  const float* q = means_.data() + stride_;
  float* normal = normal_.data();
  for (size_t i = 0; i < dim_; ++i) normal[i] = p[i] - q[i];
  Normalize(normal, dim_);
  offset_ = 0;
  factor_ = 0;
  if (layout_.offset != kNoField) {
    double offset = 0;
    for (size_t i = 0; i < dim_; ++i) {
      offset -= static_cast<double>(normal[i]) * (static_cast<double>(p[i]) + q[i]) / 2;
    }
    offset_ = static_cast<float>(offset);
    if (!std::isfinite(offset_)) ChooseNone();
  } else if (layout_.factor != kNoField) {
    factor_ = normal[layout_.dim];
    normal[layout_.dim] = 0;  // products with stored vectors are without it
  }
}

// A bit that a sample has about as often as not; else one that differs at all.
void Splitter::ChooseBit(const std::byte* nodes, std::span<const uint32_t> ids, Rng* rng) {
  const auto vector = [&](size_t i) { return nodes + ids[i] * layout_.node_size + layout_.vector; };
  const auto split_bit = [](size_t coordinate) {
    return coordinate / 64 * 64 + (63 - coordinate % 64);
  };
  const auto n = static_cast<uint32_t>(ids.size());
  const size_t count = std::min<size_t>(n, kSample);
  uint32_t sample[kSample];
  for (size_t i = 0; i < count; ++i) {
    sample[i] = n <= kSample ? static_cast<uint32_t>(i) : rng->Below(n);
  }
  size_t least = 0;  // the smaller side of the best bit so far
  for (int i = 0; i < kBitTries && least < count / 4; ++i) {
    const size_t bit = split_bit(rng->Below(static_cast<uint32_t>(layout_.dim)));
    size_t set = 0;
    for (size_t j = 0; j < count; ++j) set += SplitBit(layout_, vector(sample[j]), bit) ? 1 : 0;
    if (std::min(set, count - set) <= least) continue;
    least = std::min(set, count - set);
    bit_ = bit;
  }
  if (least > 0) return;
  std::vector<uint32_t> differing;
  for (size_t at = 0; at < layout_.vector_bytes; at += 8) {
    uint64_t all = ~uint64_t{0};
    uint64_t any = 0;
    for (size_t i = 0; i < n; ++i) {
      const uint64_t word = ReadWord(vector(i) + at);
      all &= word;
      any |= word;
    }
    for (uint64_t bits = any & ~all; bits != 0; bits &= bits - 1) {
      differing.push_back(static_cast<uint32_t>(at * 8) +
                          static_cast<uint32_t>(__builtin_ctzll(bits)));
    }
  }
  if (differing.empty()) {
    ChooseNone();
  } else {
    bit_ = split_bit(differing[rng->Below(static_cast<uint32_t>(differing.size()))]);
  }
}

void Splitter::Measure(const std::byte* nodes, std::span<const uint32_t> ids,
                       float* margins) const {
  if (layout_.bits()) {
    for (size_t i = 0; i < ids.size(); ++i) {
      const std::byte* vector = nodes + ids[i] * layout_.node_size + layout_.vector;
      margins[i] = none_ ? 0.0f : SplitBit(layout_, vector, bit_) ? 1.0f : -1.0f;
    }
    return;
  }
  KernelOf(simd::Op::kDot)
      .ids(reinterpret_cast<const std::byte*>(normal_.data()), nodes + layout_.vector,
           layout_.node_size, ids.data(), ids.size(), layout_.dim, margins);
  if (layout_.offset != kNoField) {
    for (size_t i = 0; i < ids.size(); ++i) margins[i] = offset_ + margins[i];
  } else if (layout_.factor != kNoField) {
    for (size_t i = 0; i < ids.size(); ++i) {
      margins[i] += factor_ * ReadFloat(nodes + ids[i] * layout_.node_size + layout_.factor);
    }
  }
}

// Searches add the square of a split's factor to the product with a query, which has none of its
// own. The right sum is without it, so that nodes get the factor 0.
void Splitter::Write(std::byte* node) const {
  if (layout_.bits()) {
    WriteValue(node + layout_.vector, bit_);
    return;
  }
  if (layout_.offset != kNoField) WriteValue(node + layout_.offset, offset_);
  std::memcpy(node + layout_.vector, normal_.data(), layout_.vector_bytes);
}

}  // namespace kith::annoy
