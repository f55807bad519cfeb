// What the codes of vectors (short_code.h) and of edges (edge_code.h) have in common: RaBitQ's
// levels, and queries rounded to 8 bits.
#ifndef KITH_QUANT_RABITQ_H_
#define KITH_QUANT_RABITQ_H_

#include <cstddef>
#include <cstdint>

namespace kith::quant {

// For a Gaussian coordinate of unit variance: the width of a level that makes the rounded vector's
// direction closest to the true one, and the tangent of the angle left between the two.
struct CodeLevels {
  float width;
  float tangent;
};
// REQUIRES: bits is 1, 2, 4 or 8.
CodeLevels LevelsOf(int bits);

// Steps in which a query is rounded to [-127, 127].
struct ByteSteps {
  float step = 0;
  float inverse = 0;  // both 0 for a query of zeros, or one too large or small to be rounded
};
ByteSteps StepsOf(const float* x, size_t dim);

// out[i] = x[i] / step, rounded to nearest, halves away from zero. Returns the sum. The same on
// every machine.
int32_t RoundToBytes(const float* x, size_t n, const ByteSteps& steps, int8_t* out);

}  // namespace kith::quant

#endif  // KITH_QUANT_RABITQ_H_
