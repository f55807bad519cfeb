#include "quant/rotation.h"

#include <bit>
#include <cmath>

#include "base/rng.h"

namespace kith {
namespace {

void WalshHadamard(float* x, size_t n) {
  for (size_t h = 1; h < n; h *= 2) {
    if (h < 8) {
      for (size_t i = 0; i < n; i += 2 * h) {
        for (size_t j = i; j < i + h; ++j) {
          const float a = x[j];
          const float b = x[j + h];
          x[j] = a + b;
          x[j + h] = a - b;
        }
      }
      continue;
    }
    for (size_t i = 0; i < n; i += 2 * h) {
      float* low = x + i;
      float* high = x + i + h;
      for (size_t j = 0; j < h; ++j) {
        const float a = low[j];
        const float b = high[j];
        low[j] = a + b;
        high[j] = a - b;
      }
    }
  }
}

void FlipSigns(float* x, size_t n, const uint8_t* signs) {
  for (size_t i = 0; i < n; ++i) x[i] = (signs[i / 8] >> (i % 8)) & 1 ? -x[i] : x[i];
}

}  // namespace

std::vector<uint8_t> Rotation::RandomSigns(size_t dim, uint64_t seed) {
  std::vector<uint8_t> signs(SignBytes(dim));
  Rng rng(seed, 2);
  for (uint8_t& byte : signs) byte = static_cast<uint8_t>(rng.Next() >> 56);
  return signs;
}

void Rotation::Apply(float* x) const {
  if (dim_ == 0) return;
  const size_t window = std::bit_floor(dim_);
  const size_t half = dim_ / 2;
  const bool whole = window == dim_;
  // Each transform scales by sqrt(window), each butterfly by sqrt(2).
  const auto scale =
      static_cast<float>(1 / std::sqrt(static_cast<double>(window)) * (whole ? 1 : std::sqrt(0.5)));
  for (size_t round = 0; round < kRounds; ++round) {
    FlipSigns(x, dim_, signs_.data() + round * ((dim_ + 7) / 8));
    if (whole) {
      WalshHadamard(x, window);
      for (size_t i = 0; i < dim_; ++i) x[i] *= scale;
      continue;
    }
    float* start = round % 2 == 0 ? x : x + (dim_ - window);
    WalshHadamard(start, window);
    // The coordinates outside the window get the window's scale, so that all may be mended at once.
    const auto outside = static_cast<float>(std::sqrt(static_cast<double>(window)));
    for (float* p = x; p < x + dim_; ++p) {
      if (p < start || p >= start + window) *p *= outside;
    }
    for (size_t i = 0; i < half; ++i) {
      const float a = x[i];
      const float b = x[i + half];
      x[i] = (a + b) * scale;
      x[i + half] = (a - b) * scale;
    }
  }
}

}  // namespace kith
