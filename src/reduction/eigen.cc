#include "reduction/eigen.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>

namespace kith::reduction {

namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace

Result<EigenPairs> LargestEigenPairs(std::vector<double>* matrix, size_t n, size_t count) {
  const auto size = static_cast<Eigen::Index>(n);
  // What is right of the diagonal in rows is left of it in columns, where Eigen reads.
  const Eigen::Map<const Eigen::MatrixXd> symmetric(matrix->data(), size, size);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(symmetric);
  if (solver.info() != Eigen::Success) {
    return Status::Internal("the eigenvectors of the covariance did not converge");
  }
  EigenPairs pairs;
  pairs.values.resize(count);
  pairs.vectors.resize(count * n);
  for (size_t i = 0; i < count; ++i) {
    const auto from = static_cast<Eigen::Index>(n - 1 - i);  // Eigen's are ascending
    pairs.values[i] = solver.eigenvalues()[from];
    const auto column = solver.eigenvectors().col(from);
    std::copy(column.begin(), column.end(), pairs.vectors.begin() + static_cast<ptrdiff_t>(i * n));
  }
  return pairs;
}

Status OrthonormaliseRows(double* rows, size_t count, size_t n) {
  Eigen::Map<RowMajor> m(rows, static_cast<Eigen::Index>(count), static_cast<Eigen::Index>(n));
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(m.transpose());
  const Eigen::MatrixXd thin =
      qr.householderQ() *
      Eigen::MatrixXd::Identity(static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(count));
  m = thin.transpose();
  return Status::Ok();
}

}  // namespace kith::reduction
