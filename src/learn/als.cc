#include "learn/als.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/rng.h"
#include "base/strings.h"
#include "learn/factors.h"
#include "reduction/moments.h"

namespace kith::learn {
namespace {

// Of a row's columns, whose vectors are brought together: 128 KiB of 64 factors, which stay in the
// cache while a step goes over them twice.
constexpr size_t kSlice = 512;
constexpr size_t kRowsATask = 32;
constexpr double kConverged = 1e-12;  // squared residual, relative
// The squared length of a vector that is zero, as far as anybody can tell: users and items that
// have nothing to do with others shrink at each iteration, until float32 holds no product of
// theirs.
constexpr double kVanished = 1e-20;

void Axpy(float a, const float* x, size_t n, float* y) {
  for (size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

}  // namespace

TrustRow RowOf(const Trust& trust, size_t row) {
  const uint64_t begin = trust.offsets[row];
  const auto count = static_cast<size_t>(trust.offsets[row + 1] - begin);
  return {{trust.columns.data() + begin, count}, {trust.extra.data() + begin, count}};
}

float ExtraOf(float weight, const FactorizeOptions& options) {
  double scaled = 1;
  if (options.scale == WeightScale::kLog) scaled = std::log1p(static_cast<double>(weight));
  if (options.scale == WeightScale::kLinear) scaled = weight;
  return static_cast<float>(options.alpha * scaled);
}

Trust TrustOf(const Interactions& interactions, const FactorizeOptions& options) {
  Trust trust;
  trust.offsets = interactions.offsets;
  trust.columns = interactions.columns;
  for (const float weight : interactions.weights) trust.extra.push_back(ExtraOf(weight, options));
  return trust;
}

Trust Transposed(const Trust& trust, size_t columns) {
  Trust out;
  out.offsets.assign(columns + 1, 0);
  for (const uint32_t column : trust.columns) ++out.offsets[column + size_t{1}];
  std::partial_sum(out.offsets.begin(), out.offsets.end(), out.offsets.begin());
  out.columns.resize(trust.columns.size());
  out.extra.resize(trust.columns.size());
  std::vector<uint64_t> next(out.offsets.begin(), out.offsets.end() - 1);
  for (size_t row = 0; row < trust.rows(); ++row) {
    for (uint64_t i = trust.offsets[row]; i < trust.offsets[row + 1]; ++i) {
      const uint64_t place = next[trust.columns[i]]++;
      out.columns[place] = static_cast<uint32_t>(row);
      out.extra[place] = trust.extra[i];
    }
  }
  return out;
}

Result<RowSolver> RowSolver::Create(const linalg::Matrix& others, double regularization,
                                    ThreadPool& pool) {
  RowSolver solver(others);
  const size_t dim = others.cols;
  MatrixView view = ViewOf(others.row(0), others.rows, dim);
  view.stride = others.stride * sizeof(float);
  KITH_ASSIGN_OR_RETURN(
      const reduction::Moments moments,
      reduction::ComputeMoments({.vectors = view, .centred = false}, true, pool, {}));
  KITH_ASSIGN_OR_RETURN(solver.gram_, linalg::Matrix::Create(dim, dim));
  const auto n = static_cast<double>(others.rows);
  for (size_t i = 0; i < dim; ++i) {
    for (size_t j = i; j < dim; ++j) {
      const double sum = moments.covariance[i * dim + j] * n + (i == j ? regularization : 0);
      solver.gram_.row(i)[j] = solver.gram_.row(j)[i] = static_cast<float>(sum);
    }
  }
  return solver;
}

Result<RowSolver::Scratch> RowSolver::NewScratch() const {
  Scratch scratch;
  KITH_ASSIGN_OR_RETURN(scratch.gathered_, linalg::Matrix::Create(kSlice, others_->cols));
  KITH_ASSIGN_OR_RETURN(scratch.vectors_, linalg::Matrix::Create(5, others_->cols));
  scratch.weights_.resize(kSlice);
  return scratch;
}

double RowSolver::Dot(const float* a, const float* b) const {
  float dot = 0;
  kernels_.f32[static_cast<int>(DataType::kF32)][static_cast<int>(simd::Op::kDot)].tile(
      reinterpret_cast<const std::byte*>(a), others_->stride * sizeof(float), 1,
      reinterpret_cast<const std::byte*>(b), others_->stride * sizeof(float), 1, others_->cols,
      &dot, 1);
  return dot;
}

void RowSolver::Gather(const TrustRow& row, Slice slice, Scratch* scratch) const {
  for (size_t i = slice.begin; i < slice.end; ++i) {
    std::memcpy(scratch->gathered_.row(i - slice.begin), others_->row(row.columns[i]),
                others_->stride * sizeof(float));
  }
}

void RowSolver::AddWeighted(size_t count, float* out, Scratch* scratch) const {
  const size_t cols = RoundUp(others_->cols, 16);
  float* sum = scratch->vectors_.row(4);
  kernels_.multiply(scratch->weights_.data(), count, 1, scratch->gathered_.row(0),
                    scratch->gathered_.stride, count, cols, sum, scratch->vectors_.stride);
  for (size_t i = 0; i < cols; ++i) out[i] += sum[i];
}

void RowSolver::Apply(const TrustRow& row, const float* p, float* out, Scratch* scratch) const {
  const size_t cols = RoundUp(others_->cols, 16);
  kernels_.multiply(p, others_->stride, 1, gram_.row(0), gram_.stride, others_->cols, cols, out,
                    others_->stride);
  const size_t n = row.columns.size();
  for (size_t begin = 0; begin < n; begin += kSlice) {
    const size_t end = std::min(n, begin + kSlice);
    if (n > kSlice) Gather(row, {begin, end}, scratch);
    kernels_.f32[static_cast<int>(DataType::kF32)][static_cast<int>(simd::Op::kDot)].tile(
        reinterpret_cast<const std::byte*>(p), others_->stride * sizeof(float), 1,
        reinterpret_cast<const std::byte*>(scratch->gathered_.row(0)),
        scratch->gathered_.stride * sizeof(float), end - begin, others_->cols,
        scratch->weights_.data(), kSlice);
    for (size_t i = begin; i < end; ++i) scratch->weights_[i - begin] *= row.extra[i];
    AddWeighted(end - begin, out, scratch);
  }
}

void RowSolver::Target(const TrustRow& row, float* out, Scratch* scratch) const {
  std::fill(out, out + others_->stride, 0.0F);
  const size_t n = row.columns.size();
  for (size_t begin = 0; begin < n; begin += kSlice) {
    const size_t end = std::min(n, begin + kSlice);
    if (n > kSlice) Gather(row, {begin, end}, scratch);
    for (size_t i = begin; i < end; ++i) scratch->weights_[i - begin] = 1 + row.extra[i];
    AddWeighted(end - begin, out, scratch);
  }
}

void RowSolver::Descend(const TrustRow& row, const float* b, size_t steps, float* x,
                        Scratch* scratch) const {
  const size_t dim = others_->cols;
  float* r = scratch->vectors_.row(1);
  float* p = scratch->vectors_.row(2);
  float* ap = scratch->vectors_.row(3);
  Apply(row, x, ap, scratch);
  for (size_t i = 0; i < dim; ++i) p[i] = r[i] = b[i] - ap[i];
  double rr = Dot(r, r);
  const double enough = kConverged * Dot(b, b);
  for (size_t step = 0; step < steps && rr > enough; ++step) {
    Apply(row, p, ap, scratch);
    const double length = rr / Dot(p, ap);
    Axpy(static_cast<float>(length), p, dim, x);
    Axpy(static_cast<float>(-length), ap, dim, r);
    const double after = Dot(r, r);
    const auto turn = static_cast<float>(after / rr);
    for (size_t i = 0; i < dim; ++i) p[i] = r[i] + turn * p[i];
    rr = after;
  }
}

double RowSolver::Improve(const TrustRow& row, size_t steps, float* x, Scratch* scratch) const {
  if (row.columns.empty()) {
    std::fill(x, x + others_->cols, 0.0F);
    return 0;
  }
  if (row.columns.size() <= kSlice) Gather(row, {0, row.columns.size()}, scratch);
  float* b = scratch->vectors_.row(0);
  Target(row, b, scratch);
  Descend(row, b, steps, x, scratch);
  if (Dot(x, x) < kVanished) std::fill(x, x + others_->cols, 0.0F);
  // x'Ax - 2 b'x + sum c, with A x = b - r.
  double confidence = 0;
  for (const float extra : row.extra) confidence += 1.0 + extra;
  return confidence - Dot(x, b) - Dot(x, scratch->vectors_.row(1));
}

void RowSolver::Solve(const TrustRow& row, const float* target, float* x, Scratch* scratch) const {
  if (row.columns.size() <= kSlice) Gather(row, {0, row.columns.size()}, scratch);
  std::fill(x, x + others_->stride, 0.0F);
  Descend(row, target, StepsToSolve(others_->cols), x, scratch);
}

Status ImproveRows(const RowSolver& solver, const Trust& trust, size_t steps, ThreadPool& pool,
                   linalg::Matrix* rows, double* loss) {
  std::vector<RowSolver::Scratch> scratch(static_cast<size_t>(pool.size()));
  for (RowSolver::Scratch& each : scratch) {
    KITH_ASSIGN_OR_RETURN(each, solver.NewScratch());
  }
  std::vector<double> losses(trust.rows());
  KITH_RETURN_IF_ERROR(
      pool.Chunks(trust.rows(), kRowsATask, [&](size_t begin, size_t end, int thread) {
        for (size_t i = begin; i < end; ++i) {
          losses[i] = solver.Improve(RowOf(trust, i), steps, rows->row(i),
                                     &scratch[static_cast<size_t>(thread)]);
        }
      }));
  *loss = std::accumulate(losses.begin(), losses.end(), 0.0);
  return Status::Ok();
}

Result<Factors> FactorizeAls(const Interactions& interactions, const FactorizeOptions& options,
                             ThreadPool& pool) {
  const Trust by_user = TrustOf(interactions, options);
  const Trust by_item = Transposed(by_user, interactions.num_items());
  KITH_ASSIGN_OR_RETURN(linalg::Matrix users,
                        RandomRows(by_user.rows(), options.factors, 0.01, options.seed, 0));
  KITH_ASSIGN_OR_RETURN(linalg::Matrix items,
                        RandomRows(by_item.rows(), options.factors, 0.01, options.seed, 1));
  const double confidence =
      std::accumulate(by_user.extra.begin(), by_user.extra.end(),
                      static_cast<double>(users.rows) * static_cast<double>(items.rows));
  Factors out;
  for (uint32_t i = 1; i <= options.iterations; ++i) {
    KITH_RETURN_IF_ERROR(pool.Report(options.progress, "factorize", i - 1, options.iterations));
    double unused = 0;
    KITH_ASSIGN_OR_RETURN(const RowSolver for_users,
                          RowSolver::Create(items, options.regularization, pool));
    KITH_RETURN_IF_ERROR(ImproveRows(for_users, by_user, options.cg_steps, pool, &users, &unused));
    KITH_ASSIGN_OR_RETURN(const RowSolver for_items,
                          RowSolver::Create(users, options.regularization, pool));
    double loss = 0;
    KITH_RETURN_IF_ERROR(ImproveRows(for_items, by_item, options.cg_steps, pool, &items, &loss));
    loss += options.regularization * SquaredNorms(users);
    out.losses.push_back(loss / confidence);
    if (!std::isfinite(loss)) return Diverged(options);
    if (options.on_iteration) options.on_iteration(i, out.losses.back());
  }
  KITH_RETURN_IF_ERROR(
      pool.Report(options.progress, "factorize", options.iterations, options.iterations));
  out.dim = options.factors;
  out.users = Dense(users);
  out.items = Dense(items);
  return out;
}

}  // namespace kith::learn
