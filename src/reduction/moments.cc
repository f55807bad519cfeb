#include "reduction/moments.h"

#include <algorithm>
#include <cmath>

#include "base/aligned_buffer.h"
#include "base/math.h"
#include "data/convert.h"
#include "simd/kernels.h"

namespace kith::reduction {
namespace {

constexpr size_t kLane = 8;                             // of doubles
constexpr size_t kRowsAtOnce = 64;                      // made doubles of, in the cache
constexpr size_t kBandColumns = 256;                    // of the covariance, for one task
constexpr size_t kSlabBytes = size_t{64} << 20;         // of vectors, between two barriers
constexpr size_t kStripeSumsBytes = size_t{256} << 20;  // of the sums of all stripes, at most
constexpr size_t kMostStripes = 32;

// What tasks add up: the sums of stripe s and columns of band b are changed by task (s, b) alone.
class Sums {
 public:
  static Result<Sums> Create(size_t dim, bool covariance) {
    Sums sums;
    sums.stride = RoundUp(dim, kLane);
    sums.covariance = covariance;
    sums.bands = covariance ? (sums.stride + kBandColumns - 1) / kBandColumns : 1;
    sums.square = covariance ? sums.stride * sums.stride : sums.stride;
    sums.stripes =
        std::clamp<size_t>(kStripeSumsBytes / (sums.square * sizeof(double)), 2, kMostStripes);
    KITH_ASSIGN_OR_RETURN(sums.products, AlignedBuffer<double>::Create(sums.stripes * sums.square));
    KITH_ASSIGN_OR_RETURN(sums.columns, AlignedBuffer<double>::Create(sums.stripes * sums.stride));
    return sums;
  }

  size_t stride = 0;
  bool covariance = false;
  size_t bands = 0;
  size_t stripes = 0;
  size_t square = 0;  // doubles of a stripe's products
  AlignedBuffer<double> products;
  AlignedBuffer<double> columns;
};

// Makes doubles of rows [begin, end), less the shift, and adds them to the sums.
void AddRows(const PointsOf& points, const std::vector<double>& shift, size_t begin, size_t end,
             size_t stripe, size_t band, double* rows, float* floats, Sums* sums) {
  const size_t dim = points.vectors.dim;
  const size_t stride = sums->stride;
  const size_t first = band * kBandColumns;
  for (size_t i = begin; i < end; ++i) {
    PointToF32(points, i, floats);
    double* row = rows + (i - begin) * stride;
    for (size_t c = first; c < dim; ++c) row[c] = floats[c] - shift[c];
  }
  double* products = sums->products.data() + stripe * sums->square;
  if (band == 0) {
    double* columns = sums->columns.data() + stripe * stride;
    for (size_t i = 0; i < end - begin; ++i) {
      const double* row = rows + i * stride;
      for (size_t c = 0; c < dim; ++c) columns[c] += row[c];
      if (sums->covariance) continue;
      for (size_t c = 0; c < dim; ++c) products[c] += row[c] * row[c];
    }
  }
  if (!sums->covariance) return;
  simd::GetKernels().outer(rows, stride, end - begin, stride, first,
                           std::min(first + kBandColumns, stride), products, stride);
}

// A first guess of the mean, from rows spread over the vectors.
std::vector<double> GuessMean(const PointsOf& points) {
  constexpr size_t kRows = 256;
  const MatrixView& vectors = points.vectors;
  std::vector<double> mean(vectors.dim);
  if (!points.centred) return mean;
  std::vector<float> row(vectors.dim);
  const size_t count = std::min(kRows, vectors.rows);
  for (size_t i = 0; i < count; ++i) {
    PointToF32(points, i * vectors.rows / count, row.data());
    for (size_t c = 0; c < vectors.dim; ++c) mean[c] += row[c];
  }
  for (double& m : mean) m /= static_cast<double>(count);
  return mean;
}

Status AddSlab(const PointsOf& points, const std::vector<double>& shift, size_t begin, size_t end,
               std::vector<AlignedBuffer<double>>* scratch, ThreadPool& pool, Sums* sums) {
  const size_t dim = points.vectors.dim;
  const size_t count = end - begin;
  return pool.For(sums->stripes * sums->bands, [&](size_t task, int thread) -> Status {
    AlignedBuffer<double>& own = (*scratch)[static_cast<size_t>(thread)];
    if (own.size() == 0) {
      KITH_ASSIGN_OR_RETURN(own, AlignedBuffer<double>::Create(kRowsAtOnce * sums->stride + dim));
    }
    const size_t stripe = task / sums->bands;
    const size_t stripe_end = begin + count * (stripe + 1) / sums->stripes;
    for (size_t i = begin + count * stripe / sums->stripes; i < stripe_end; i += kRowsAtOnce) {
      KITH_RETURN_IF_ERROR(pool.CheckStop());
      AddRows(points, shift, i, std::min(i + kRowsAtOnce, stripe_end), stripe, task % sums->bands,
              own.data(), reinterpret_cast<float*>(own.data() + kRowsAtOnce * sums->stride), sums);
    }
    return Status::Ok();
  });
}

// The sums of all stripes, into those of the first.
Status JoinStripes(ThreadPool& pool, Sums* sums) {
  constexpr size_t kChunk = size_t{1} << 14;
  for (size_t c = 0; c < sums->stride; ++c) {
    for (size_t s = 1; s < sums->stripes; ++s)
      sums->columns[c] += sums->columns[s * sums->stride + c];
  }
  return pool.Chunks(sums->square, kChunk, [&](size_t begin, size_t end, int) {
    for (size_t s = 1; s < sums->stripes; ++s) {
      const double* more = sums->products.data() + s * sums->square;
      for (size_t i = begin; i < end; ++i) sums->products[i] += more[i];
    }
  });
}

}  // namespace

void PointToF32(const PointsOf& points, size_t row, float* out) {
  data::RowToF32(points.vectors, row, out);
  if (!points.unit_length) return;
  const size_t dim = points.vectors.dim;
  const double sum = SquaredNorm(out, dim);
  if (!(sum > 0)) return;
  const double scale = 1 / std::sqrt(sum);
  for (size_t c = 0; c < dim; ++c) out[c] = static_cast<float>(out[c] * scale);
}

double Divisor(const PointsOf& points) {
  const auto n = static_cast<double>(points.vectors.rows);
  return points.centred ? std::max(n - 1, 1.0) : n;
}

Result<Moments> ComputeMoments(const PointsOf& points, bool covariance, ThreadPool& pool,
                               const Progress& progress) {
  const MatrixView& vectors = points.vectors;
  const size_t dim = vectors.dim;
  KITH_ASSIGN_OR_RETURN(Sums sums, Sums::Create(dim, covariance));
  const std::vector<double> shift = GuessMean(points);
  std::vector<AlignedBuffer<double>> scratch(static_cast<size_t>(pool.size()));
  const size_t slab = std::max(kSlabBytes / std::max<size_t>(vectors.stride, 1), kRowsAtOnce);
  for (size_t begin = 0; begin < vectors.rows; begin += slab) {
    KITH_RETURN_IF_ERROR(pool.Report(progress, "covariance", begin, vectors.rows));
    KITH_RETURN_IF_ERROR(
        AddSlab(points, shift, begin, std::min(begin + slab, vectors.rows), &scratch, pool, &sums));
  }
  KITH_RETURN_IF_ERROR(JoinStripes(pool, &sums));
  // Whatever is not finite makes its column's sum so.
  if (!std::all_of(sums.columns.data(), sums.columns.data() + dim,
                   [](double x) { return std::isfinite(x); })) {
    KITH_RETURN_IF_ERROR(data::CheckFinite(vectors, pool));
  }
  Moments moments;
  const auto n = static_cast<double>(vectors.rows);
  const double divisor = Divisor(points);
  std::vector<double> rest(dim);  // what the mean is beyond the guess
  for (size_t c = 0; c < dim && points.centred; ++c) rest[c] = sums.columns[c] / n;
  moments.mean.resize(dim);
  for (size_t c = 0; c < dim && points.centred; ++c) moments.mean[c] = shift[c] + rest[c];
  moments.variances.resize(dim);
  if (!covariance) {
    for (size_t c = 0; c < dim; ++c) {
      moments.variances[c] = std::max((sums.products[c] - n * rest[c] * rest[c]) / divisor, 0.0);
    }
    return moments;
  }
  moments.covariance.resize(dim * dim);
  for (size_t i = 0; i < dim; ++i) {
    for (size_t j = i; j < dim; ++j) {
      moments.covariance[i * dim + j] =
          (sums.products[i * sums.stride + j] - n * rest[i] * rest[j]) / divisor;
    }
    moments.variances[i] = std::max(moments.covariance[i * dim + i], 0.0);
  }
  return moments;
}

}  // namespace kith::reduction
