#include "linalg/matrix.h"

#include <cmath>

#include "base/math.h"

namespace kith::linalg {
namespace {

constexpr size_t kRowsAChunk = 24;

}  // namespace

Status Multiply(const Matrix& a, const Matrix& b, ThreadPool& pool, Matrix* out) {
  const simd::MultiplyFn multiply = simd::GetKernels().multiply;
  return pool.Chunks(a.rows, kRowsAChunk, [&](size_t begin, size_t end, int) {
    multiply(a.row(begin), a.stride, end - begin, b.row(0), b.stride, a.cols, RoundUp(b.cols, 16),
             out->row(begin), out->stride);
  });
}

void Transpose(const Matrix& a, Matrix* out) {
  for (size_t i = 0; i < a.rows; ++i) {
    for (size_t j = 0; j < a.cols; ++j) out->row(j)[i] = a.row(i)[j];
  }
}

void Orthonormalise(Matrix* m) {
  for (size_t i = 0; i < m->rows; ++i) {
    const double before = SquaredNorm(m->row(i), m->cols);
    for (int pass = 0; pass < 2; ++pass) {
      for (size_t j = 0; j < i; ++j) {
        double dot = 0;
        for (size_t c = 0; c < m->cols; ++c) {
          dot += static_cast<double>(m->row(i)[c]) * m->row(j)[c];
        }
        const auto d = static_cast<float>(dot);
        for (size_t c = 0; c < m->cols; ++c) m->row(i)[c] -= d * m->row(j)[c];
      }
    }
    const double norm = SquaredNorm(m->row(i), m->cols);
    const double scale = norm > 1e-10 * before ? 1 / std::sqrt(norm) : 0;
    for (size_t c = 0; c < m->cols; ++c) m->row(i)[c] = static_cast<float>(m->row(i)[c] * scale);
  }
}

}  // namespace kith::linalg
