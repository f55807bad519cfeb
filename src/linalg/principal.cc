#include "linalg/principal.h"

#include <utility>

namespace kith::linalg {

Result<Matrix> PrincipalDirections(const Matrix& x, size_t count, ThreadPool& pool, Rng* rng) {
  constexpr int kIterations = 4;
  KITH_ASSIGN_OR_RETURN(Matrix basis, Matrix::Create(count, x.cols));
  KITH_ASSIGN_OR_RETURN(Matrix columns, Matrix::Create(x.cols, count));
  KITH_ASSIGN_OR_RETURN(Matrix images, Matrix::Create(x.rows, count));
  KITH_ASSIGN_OR_RETURN(Matrix weights, Matrix::Create(count, x.rows));
  for (size_t i = 0; i < basis.rows; ++i) {
    for (size_t c = 0; c < x.cols; ++c) basis.row(i)[c] = static_cast<float>(rng->Normal());
  }
  Orthonormalise(&basis);
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    Transpose(basis, &columns);
    KITH_RETURN_IF_ERROR(Multiply(x, columns, pool, &images));
    Transpose(images, &weights);
    KITH_RETURN_IF_ERROR(Multiply(weights, x, pool, &basis));
    Orthonormalise(&basis);
  }
  return basis;
}

}  // namespace kith::linalg
