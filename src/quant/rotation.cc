#include "quant/rotation.h"

#include <bit>
#include <cmath>

#include "base/rng.h"
#include "simd/kernels.h"

namespace kith::quant {

std::vector<uint8_t> Rotation::RandomSigns(size_t dim, uint64_t seed) {
  std::vector<uint8_t> signs(SignBytes(dim));
  Rng rng(seed, 2);
  for (uint8_t& byte : signs) byte = static_cast<uint8_t>(rng.Next() >> 56);
  return signs;
}

namespace {

// Where a round's transform begins.
size_t WindowStart(size_t round, size_t dim) {
  return round % 2 == 0 ? 0 : dim - std::bit_floor(dim);
}

}  // namespace

Rotation::Rotation(size_t dim, std::span<const uint8_t> signs)
    : dim_(dim), factors_(kRounds * dim) {
  if (dim == 0) return;
  const size_t window = std::bit_floor(dim);
  // Each transform scales by sqrt(window), each butterfly by sqrt(2).
  const double butterfly = window == dim ? 1 : std::sqrt(0.5);
  const auto inside = static_cast<float>(butterfly / std::sqrt(static_cast<double>(window)));
  const auto outside = static_cast<float>(butterfly);
  for (size_t round = 0; round < kRounds; ++round) {
    const uint8_t* bits = signs.data() + round * ((dim + 7) / 8);
    const size_t start = WindowStart(round, dim);
    for (size_t i = 0; i < dim; ++i) {
      const float scale = i >= start && i < start + window ? inside : outside;
      factors_[round * dim + i] = ((bits[i / 8] >> (i % 8)) & 1) != 0 ? -scale : scale;
    }
  }
}

void Rotation::Apply(float* x) const {
  if (dim_ == 0) return;
  const simd::RotateRoundFn rotate = simd::GetKernels().rotate_round;
  for (size_t round = 0; round < kRounds; ++round) {
    rotate(x, dim_, factors_.data() + round * dim_, WindowStart(round, dim_), std::bit_floor(dim_));
  }
}

}  // namespace kith::quant
