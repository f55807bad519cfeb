#include "linalg/principal.h"

#include <utility>

namespace kith::linalg {

Result<Matrix> PrincipalDirections(const Matrix& x, size_t count, int threads, Rng* rng) {
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
    Multiply(x, columns, threads, &images);
    Transpose(images, &weights);
    Multiply(weights, x, threads, &basis);
    Orthonormalise(&basis);
  }
  return basis;
}

}  // namespace kith::linalg
