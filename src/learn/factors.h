// What the algorithms that make vectors of users and items share.
#ifndef KITH_LEARN_FACTORS_H_
#define KITH_LEARN_FACTORS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "kith/factorize.h"
#include "kith/interactions.h"
#include "kith/status.h"
#include "linalg/matrix.h"

namespace kith::learn {

// Normally distributed numbers; each row depends on the seed, the stream and its number alone.
Result<linalg::Matrix> RandomRows(size_t rows, size_t cols, double deviation, uint64_t seed,
                                  uint64_t stream);
// Without padding.
std::vector<float> Dense(const linalg::Matrix& m);
// The sum over the rows.
double SquaredNorms(const linalg::Matrix& m);

// Steps of conjugate gradients that solve a system of so many unknowns as far as float32 does.
constexpr size_t StepsToSolve(size_t dim) { return 2 * dim + 16; }

// That numbers grew beyond all bounds.
Status Diverged(const FactorizeOptions& options);

Result<Factors> FactorizeBpr(const Interactions& interactions, const FactorizeOptions& options,
                             ThreadPool& pool);

}  // namespace kith::learn

#endif  // KITH_LEARN_FACTORS_H_
