// The little linear algebra of doubles that PCA takes; the only user of Eigen.
#ifndef KITH_REDUCTION_EIGEN_H_
#define KITH_REDUCTION_EIGEN_H_

#include <cstddef>
#include <vector>

#include "kith/status.h"

namespace kith::reduction {

struct EigenPairs {
  std::vector<double> values;   // [count], descending
  std::vector<double> vectors;  // [count, n], one a row, orthonormal
};

// The `count` largest eigenvalues of a symmetric matrix [n, n], row-major, of which the part right
// of the diagonal is read; `matrix` is overwritten. By Householder tridiagonalisation and QL
// iterations (Golub and Van Loan, Matrix Computations, 8.3). The same result on every run: one
// thread. Cost: O(n^3); n = 1024 takes about a second, 4096 about a minute. Errors: OutOfMemory,
// Internal (no convergence, which finite numbers do not give).
Result<EigenPairs> LargestEigenPairs(std::vector<double>* matrix, size_t n, size_t count);

// Makes the rows [count, n] of `rows` orthonormal, by Householder reflections (Golub and Van Loan
// 5.2): also of rows that depend on each other. REQUIRES: count <= n. Errors: OutOfMemory.
Status OrthonormaliseRows(double* rows, size_t count, size_t n);

}  // namespace kith::reduction

#endif  // KITH_REDUCTION_EIGEN_H_
