#include "quant/rabitq.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kith::quant {
namespace {

constexpr CodeLevels kLevels[4] = {
    {1.0f, 0.756f}, {0.996f, 0.365f}, {0.335f, 0.106f}, {0.0308f, 0.0091f}};

}  // namespace

CodeLevels LevelsOf(int bits) { return kLevels[std::countr_zero(static_cast<unsigned>(bits))]; }

ByteSteps StepsOf(const float* x, size_t dim) {
  // Sixteen of them, so that compilers can vectorise.
  float largest[16] = {};
  size_t i = 0;
  for (; i + 16 <= dim; i += 16) {
    for (size_t lane = 0; lane < 16; ++lane) {
      largest[lane] = std::max(largest[lane], std::abs(x[i + lane]));
    }
  }
  for (; i < dim; ++i) largest[0] = std::max(largest[0], std::abs(x[i]));
  const float inverse = 127 / *std::max_element(largest, largest + 16);
  if (!std::isfinite(inverse) || inverse == 0) return {};
  return {1 / inverse, inverse};
}

int32_t RoundToBytes(const float* x, size_t n, const ByteSteps& steps, int8_t* out) {
  const float inverse = steps.inverse;
  int32_t sum = 0;
  for (size_t i = 0; i < n; ++i) {
    // In this order of arguments NaN becomes a number.
    const float value = std::min(127.5f, std::max(-127.5f, x[i] * inverse));
    const auto rounded = static_cast<int32_t>(value + (value < 0 ? -.5f : .5f));
    out[i] = static_cast<int8_t>(rounded);
    sum += rounded;
  }
  return sum;
}

}  // namespace kith::quant
