// Sums in a fixed order that compilers can still vectorise.
#ifndef KITH_BASE_MATH_H_
#define KITH_BASE_MATH_H_

#include <cstddef>

namespace kith {
inline namespace base {

// sum x_i^2 in double precision.
inline double SquaredNorm(const float* x, size_t dim) {
  double sums[8] = {};
  size_t i = 0;
  for (; i + 8 <= dim; i += 8) {
    for (size_t j = 0; j < 8; ++j) sums[j] += static_cast<double>(x[i + j]) * x[i + j];
  }
  for (size_t j = 0; i < dim; ++i, ++j) sums[j] += static_cast<double>(x[i]) * x[i];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_MATH_H_
