#include "reduction/subspace.h"

#include <algorithm>
#include <cmath>

#include "base/aligned_buffer.h"
#include "base/rng.h"
#include "simd/kernels.h"

namespace kith::reduction {
namespace {

constexpr size_t kLane = 16;
constexpr size_t kRowsAtOnce = 128;
constexpr size_t kStripes = 8;
constexpr size_t kSlabBytes = size_t{64} << 20;
constexpr size_t kExtra = 10;  // directions beyond those asked for, which make these accurate
constexpr int kMostPasses = 16;
constexpr double kEnough = 1e-6;

// Multiplies directions by the covariance, in passes over the vectors.
class Covariance {
 public:
  static Result<Covariance> Create(const PointsOf& points, const std::vector<double>& mean,
                                   size_t count, ThreadPool& pool) {
    Covariance c(points, pool);
    c.count_ = count;
    c.width_ = RoundUp(count, kLane);
    c.stride_ = RoundUp(points.vectors.dim, kLane);
    c.mean_.assign(mean.begin(), mean.end());
    KITH_ASSIGN_OR_RETURN(c.columns_, AlignedBuffer<float>::Create(points.vectors.dim * c.width_));
    KITH_ASSIGN_OR_RETURN(c.sums_, AlignedBuffer<double>::Create(kStripes * count * c.stride_));
    c.scratch_.resize(static_cast<size_t>(pool.size()));
    return c;
  }

  // image [count, dim] = rows [count, dim] times the covariance.
  Status Apply(const std::vector<double>& rows, std::vector<double>* image) {
    const MatrixView& vectors = points_.vectors;
    const size_t dim = vectors.dim;
    for (size_t j = 0; j < count_; ++j) {
      for (size_t i = 0; i < dim; ++i) {
        columns_[i * width_ + j] = static_cast<float>(rows[j * dim + i]);
      }
    }
    std::fill_n(sums_.data(), sums_.size(), 0.0);
    const size_t slab = std::max(kSlabBytes / vectors.stride, kRowsAtOnce * kStripes);
    for (size_t begin = 0; begin < vectors.rows; begin += slab) {
      const size_t count = std::min(slab, vectors.rows - begin);
      auto add = [&](size_t stripe, int thread) -> Status {
        const size_t end = begin + count * (stripe + 1) / kStripes;
        for (size_t i = begin + count * stripe / kStripes; i < end; i += kRowsAtOnce) {
          KITH_RETURN_IF_ERROR(pool_.CheckStop());
          KITH_RETURN_IF_ERROR(AddRows(i, std::min(i + kRowsAtOnce, end), stripe, thread));
        }
        return Status::Ok();
      };
      KITH_RETURN_IF_ERROR(pool_.For(kStripes, add));
    }
    const double divisor = Divisor(points_);
    return pool_.For(count_, [&](size_t j, int) {
      for (size_t i = 0; i < dim; ++i) {
        double sum = 0;
        for (size_t s = 0; s < kStripes; ++s) sum += sums_[(s * count_ + j) * stride_ + i];
        (*image)[j * dim + i] = sum / divisor;
      }
    });
  }

 private:
  Covariance(const PointsOf& points, ThreadPool& pool) : points_(points), pool_(pool) {}

  struct Scratch {
    AlignedBuffer<float> rows;        // [kRowsAtOnce, stride]
    AlignedBuffer<float> images;      // [kRowsAtOnce, width]
    AlignedBuffer<float> transposed;  // [count, kRowsAtOnce]
    AlignedBuffer<float> products;    // [count, stride]
  };

  Status AddRows(size_t begin, size_t end, size_t stripe, int thread) {
    Scratch& own = scratch_[static_cast<size_t>(thread)];
    if (own.rows.size() == 0) {
      KITH_ASSIGN_OR_RETURN(own.rows, AlignedBuffer<float>::Create(kRowsAtOnce * stride_));
      KITH_ASSIGN_OR_RETURN(own.images, AlignedBuffer<float>::Create(kRowsAtOnce * width_));
      KITH_ASSIGN_OR_RETURN(own.transposed, AlignedBuffer<float>::Create(count_ * kRowsAtOnce));
      KITH_ASSIGN_OR_RETURN(own.products, AlignedBuffer<float>::Create(count_ * stride_));
    }
    const size_t dim = points_.vectors.dim;
    const size_t rows = end - begin;
    for (size_t i = 0; i < rows; ++i) {
      float* row = own.rows.data() + i * stride_;
      PointToF32(points_, begin + i, row);
      for (size_t c = 0; c < dim && points_.centred; ++c) row[c] -= mean_[c];
    }
    const simd::MultiplyFn multiply = simd::GetKernels().multiply;
    multiply(own.rows.data(), stride_, rows, columns_.data(), width_, dim, width_,
             own.images.data(), width_);
    for (size_t j = 0; j < count_; ++j) {
      for (size_t i = 0; i < rows; ++i) {
        own.transposed[j * kRowsAtOnce + i] = own.images[i * width_ + j];
      }
    }
    multiply(own.transposed.data(), kRowsAtOnce, count_, own.rows.data(), stride_, rows, stride_,
             own.products.data(), stride_);
    double* sums = sums_.data() + stripe * count_ * stride_;
    for (size_t i = 0; i < count_ * stride_; ++i) sums[i] += own.products[i];
    return Status::Ok();
  }

  const PointsOf& points_;
  ThreadPool& pool_;
  size_t count_ = 0;
  size_t width_ = 0;   // of count, padded
  size_t stride_ = 0;  // of dim, padded
  std::vector<float> mean_;
  AlignedBuffer<float> columns_;  // [dim, width]
  AlignedBuffer<double> sums_;    // [kStripes, count, stride]
  std::vector<Scratch> scratch_;
};

// The covariance within the subspace, [count, count], right of the diagonal.
std::vector<double> Within(const std::vector<double>& basis, const std::vector<double>& image,
                           size_t count, size_t dim) {
  std::vector<double> inner(count * count);
  for (size_t a = 0; a < count; ++a) {
    for (size_t b = a; b < count; ++b) {
      double sum = 0;
      for (size_t i = 0; i < dim; ++i) sum += basis[a * dim + i] * image[b * dim + i];
      inner[a * count + b] = sum;
    }
  }
  return inner;
}

}  // namespace

Result<EigenPairs> RandomisedPairs(const PointsOf& points, const std::vector<double>& mean,
                                   size_t count, uint64_t seed, ThreadPool& pool,
                                   const Progress& progress) {
  const size_t dim = points.vectors.dim;
  const size_t width = std::min(count + kExtra, dim);
  KITH_ASSIGN_OR_RETURN(Covariance covariance, Covariance::Create(points, mean, width, pool));
  std::vector<double> basis(width * dim);
  Rng rng(seed);
  for (double& x : basis) x = rng.Normal();
  KITH_RETURN_IF_ERROR(OrthonormaliseRows(basis.data(), width, dim));
  std::vector<double> image(width * dim);
  EigenPairs inner;
  double held = 0;
  for (int pass = 0; pass < kMostPasses; ++pass) {
    KITH_RETURN_IF_ERROR(
        pool.Report(progress, "principal components", static_cast<uint64_t>(pass), kMostPasses));
    KITH_RETURN_IF_ERROR(covariance.Apply(basis, &image));
    std::vector<double> matrix = Within(basis, image, width, dim);
    KITH_ASSIGN_OR_RETURN(inner, LargestEigenPairs(&matrix, width, width));
    double now = 0;
    for (size_t j = 0; j < count; ++j) now += inner.values[j];
    const bool enough = pass > 0 && now - held <= kEnough * now;
    held = now;
    if (enough || pass + 1 == kMostPasses) break;
    basis.swap(image);
    KITH_RETURN_IF_ERROR(OrthonormaliseRows(basis.data(), width, dim));
  }
  EigenPairs pairs;
  pairs.vectors.resize(count * dim);
  for (size_t j = 0; j < count; ++j) {
    pairs.values.push_back(inner.values[j]);
    for (size_t w = 0; w < width; ++w) {
      const double factor = inner.vectors[j * width + w];
      for (size_t i = 0; i < dim; ++i) pairs.vectors[j * dim + i] += factor * basis[w * dim + i];
    }
  }
  return pairs;
}

}  // namespace kith::reduction
