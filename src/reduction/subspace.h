// Principal components of vectors whose covariance would be too large a matrix.
#ifndef KITH_REDUCTION_SUBSPACE_H_
#define KITH_REDUCTION_SUBSPACE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"
#include "reduction/eigen.h"
#include "reduction/moments.h"

namespace kith::reduction {

// The `count` directions of the largest variance about `mean` and these variances, approximately,
// by randomised subspace iteration (Halko, Martinsson and Tropp, SIAM Review 2011, algorithm 4.4 on
// the covariance, which is only ever applied): count + 10 random directions are multiplied by the
// covariance and made orthonormal again, each time in one pass over the vectors, until the variance
// that they hold grows by less than a millionth; 16 times at most. The result does not depend on
// the threads. Memory: O(d * count). Errors: InvalidArgument (cancelled), OutOfMemory.
Result<EigenPairs> RandomisedPairs(const PointsOf& points, const std::vector<double>& mean,
                                   size_t count, uint64_t seed, ThreadPool& pool,
                                   const Progress& progress);

}  // namespace kith::reduction

#endif  // KITH_REDUCTION_SUBSPACE_H_
