// The directions in which points differ most.
#ifndef KITH_LINALG_PRINCIPAL_H_
#define KITH_LINALG_PRINCIPAL_H_

#include <cstddef>

#include "base/rng.h"
#include "base/thread_pool.h"
#include "kith/status.h"
#include "linalg/matrix.h"

namespace kith::linalg {

// The `count` principal directions of the rows of x, which are centred: [count, x.cols],
// orthonormal, those of the largest variance up to a rotation among themselves. Found by subspace
// iteration from random directions (Halko, Martinsson & Tropp, SIAM Review 2011), so that the small
// ones are approximate. Directions beyond the rank of x are zero. The result does not depend on the
// threads. Cost: O(x.rows * x.cols * count). Errors: OutOfMemory.
Result<Matrix> PrincipalDirections(const Matrix& x, size_t count, ThreadPool& pool, Rng* rng);

}  // namespace kith::linalg

#endif  // KITH_LINALG_PRINCIPAL_H_
