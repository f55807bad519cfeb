// Alternating least squares of implicit feedback: the vectors of one side, given the other side's.
#ifndef KITH_LEARN_ALS_H_
#define KITH_LEARN_ALS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kith/factorize.h"
#include "kith/interactions.h"
#include "kith/status.h"
#include "linalg/matrix.h"
#include "simd/kernels.h"

namespace kith::learn {

// A sparse matrix of what pairs are trusted more than 1, by users or by items.
struct Trust {
  std::vector<uint64_t> offsets;
  std::vector<uint32_t> columns;
  std::vector<float> extra;

  size_t rows() const { return offsets.size() - 1; }
};

// What one row did: columns, and how much more than 1 each is trusted.
struct TrustRow {
  std::span<const uint32_t> columns;
  std::span<const float> extra;
};

TrustRow RowOf(const Trust& trust, size_t row);

// alpha * scale(r) of a weight r.
float ExtraOf(float weight, const FactorizeOptions& options);
Trust TrustOf(const Interactions& interactions, const FactorizeOptions& options);
Trust Transposed(const Trust& trust, size_t columns);

// Solves (Y'CY + regularization) x = Y'c for one row at a time, where Y are the others' vectors and
// C the confidences of the row, by conjugate gradients. What all rows share, Y'Y, is summed once.
class RowSolver {
 public:
  // `others` must outlive it. Errors: InvalidArgument (vectors that are not finite; cancelled),
  // OutOfMemory.
  static Result<RowSolver> Create(const linalg::Matrix& others, double regularization,
                                  ThreadPool& pool);

  // What a thread works with.
  class Scratch {
   private:
    friend class RowSolver;
    linalg::Matrix gathered_;  // [kSlice, factors]: vectors of the row's columns
    linalg::Matrix vectors_;   // [5, factors]: b, r, p, A p and a sum
    std::vector<float> weights_;
  };
  Result<Scratch> NewScratch() const;

  // Improves x [stride of the others] by up to so many steps; from 0 on, `steps` of at least the
  // dimension solve it as far as float32 does. Returns what the row adds to the loss:
  // sum c (1 - x'y)^2 over all columns, and the regularization of x.
  double Improve(const TrustRow& row, size_t steps, float* x, Scratch* scratch) const;

  // x = the solution of (Y'CY + regularization) x = target.
  void Solve(const TrustRow& row, const float* target, float* x, Scratch* scratch) const;

 private:
  struct Slice {
    size_t begin;
    size_t end;
  };

  explicit RowSolver(const linalg::Matrix& others)
      : others_(&others), kernels_(simd::GetKernels()) {}

  double Dot(const float* a, const float* b) const;
  // The vectors of some of the row's columns.
  void Gather(const TrustRow& row, Slice slice, Scratch* scratch) const;
  // out = A p
  void Apply(const TrustRow& row, const float* p, float* out, Scratch* scratch) const;
  // out = Y'c
  void Target(const TrustRow& row, float* out, Scratch* scratch) const;
  // out += the sum of the gathered vectors by their weights.
  void AddWeighted(size_t count, float* out, Scratch* scratch) const;
  // Conjugate gradients from r = b - A x on; r is left in the scratch.
  void Descend(const TrustRow& row, const float* b, size_t steps, float* x, Scratch* scratch) const;

  const linalg::Matrix* others_;
  const simd::Kernels& kernels_;
  linalg::Matrix gram_;  // Y'Y + regularization
};

// One side's vectors improved by `steps` steps, all rows. *loss: the sum over the rows.
Status ImproveRows(const RowSolver& solver, const Trust& trust, size_t steps, ThreadPool& pool,
                   linalg::Matrix* rows, double* loss);

Result<Factors> FactorizeAls(const Interactions& interactions, const FactorizeOptions& options,
                             ThreadPool& pool);

}  // namespace kith::learn

#endif  // KITH_LEARN_ALS_H_
