// Sums over all vectors, streamed: means, variances and covariances.
#ifndef KITH_REDUCTION_MOMENTS_H_
#define KITH_REDUCTION_MOMENTS_H_

#include <cstddef>
#include <vector>

#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::reduction {

// How vectors become the points whose moments are taken.
struct PointsOf {
  MatrixView vectors;
  bool centred = true;       // less their mean
  bool unit_length = false;  // divided by their length; zero stays zero
};

// Writes point `row`, not centred, to out [dim].
void PointToF32(const PointsOf& points, size_t row, float* out);

// By what sums are divided: n - 1 of centred points, as those lie in a space of one dimension less;
// else n.
double Divisor(const PointsOf& points);

struct Moments {
  std::vector<double> mean;        // [dim]; zeros unless centred
  std::vector<double> covariance;  // [dim, dim], right of the diagonal and on it; empty: unasked
  std::vector<double> variances;   // [dim]: the diagonal
};

// One pass over the vectors, slab by slab, so that of a mapped file no more than a slab has to be
// in memory. Every product and sum is in double precision, with a first guess of the mean taken
// away before, so that no digits cancel. Sums are of stripes of rows whose number depends on dim
// alone, each of which is summed in order: the result does not depend on the threads. Cost: O(n
// d^2) with covariances, O(n d) without; memory: some d^2 doubles. Errors: InvalidArgument (NaN or
// infinity, with its place; cancelled), OutOfMemory.
Result<Moments> ComputeMoments(const PointsOf& points, bool covariance, ThreadPool& pool,
                               const Progress& progress);

}  // namespace kith::reduction

#endif  // KITH_REDUCTION_MOMENTS_H_
