// Where data is centred: the mean, as long as floats can afford it.
#ifndef KITH_QUANT_CENTRE_H_
#define KITH_QUANT_CENTRE_H_

#include <cmath>
#include <cstddef>
#include <vector>

namespace kith::quant {

// Where values differ by many orders of magnitude, the mean is that of the few largest, and what is
// left of a small one after subtracting it has lost its digits: of values from 1 to e^25, a quarter
// would be one and the same. Makes those coordinates of a mean 0 of which that would be so for more
// than one in a hundred of the values of a sample that are not 0: such a mean says nothing of where
// the others lie anyway. `row(i)` gives the values of row i, as the mean has them.
template <class Row>
void DropCoarseCentre(size_t num_rows, Row row, std::vector<float>* mean) {
  // So many times smaller than the mean: ten of a float's 24 bits are lost.
  constexpr float kCoarse = 1024;
  constexpr size_t kMostShare = 100;
  std::vector<size_t> coarse(mean->size());
  for (size_t i = 0; i < num_rows; ++i) {
    const float* x = row(i);
    for (size_t c = 0; c < mean->size(); ++c) {
      coarse[c] += x[c] != 0 && kCoarse * std::fabs(x[c]) < std::fabs((*mean)[c]) ? 1 : 0;
    }
  }
  for (size_t c = 0; c < mean->size(); ++c) {
    if (coarse[c] * kMostShare > num_rows) (*mean)[c] = 0;
  }
}

}  // namespace kith::quant

#endif  // KITH_QUANT_CENTRE_H_
