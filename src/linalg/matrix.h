// Dense float matrices, and the little that kith does with them.
#ifndef KITH_LINALG_MATRIX_H_
#define KITH_LINALG_MATRIX_H_

#include <cstddef>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kith/status.h"
#include "simd/kernels.h"

namespace kith::linalg {

// A dense float matrix whose rows satisfy the kernels' needs of queries.
struct Matrix {
  AlignedBuffer<float> values;
  size_t rows = 0;
  size_t cols = 0;
  size_t stride = 0;

  static Result<Matrix> Create(size_t rows, size_t cols) {
    Matrix m;
    m.rows = rows;
    m.cols = cols;
    m.stride = RoundUp(cols, simd::kQueryPadding);
    KITH_ASSIGN_OR_RETURN(m.values, AlignedBuffer<float>::Create(rows * m.stride));
    return m;
  }
  float* row(size_t i) { return values.data() + i * stride; }
  const float* row(size_t i) const { return values.data() + i * stride; }
};

// out = a b. REQUIRES: out->cols == b.cols; b and *out are filled up to their strides. The result
// does not depend on the threads. Errors: those of the pool's loops.
Status Multiply(const Matrix& a, const Matrix& b, ThreadPool& pool, Matrix* out);

// REQUIRES: out is [a.cols, a.rows].
void Transpose(const Matrix& a, Matrix* out);

// Modified Gram-Schmidt, each row twice for accuracy. A row that vanishes (fewer directions than
// rows in the data) becomes zero.
void Orthonormalise(Matrix* m);

}  // namespace kith::linalg

#endif  // KITH_LINALG_MATRIX_H_
