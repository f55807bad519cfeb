#include "reduction/fit.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/strings.h"
#include "data/convert.h"
#include "reduction/eigen.h"
#include "reduction/moments.h"
#include "reduction/subspace.h"
#include "search/metric_traits.h"

namespace kith::reduction {
namespace {

bool LooksAtVariance(ReduceMethod method) {
  return method == ReduceMethod::kPca || method == ReduceMethod::kTruncate;
}

// The most dimensions that can be kept: centred points span one dimension less than there are, but
// as everywhere, n are allowed.
size_t MostDims(const MatrixView& vectors, ReduceMethod method) {
  return method == ReduceMethod::kPca ? std::min(vectors.dim, vectors.rows) : vectors.dim;
}

Status CheckOptions(const MatrixView& vectors, const ReduceOptions& options) {
  if (vectors.rows == 0 || vectors.dim == 0) {
    return Status::InvalidArgument("no vectors to reduce: the set is empty");
  }
  if (options.dim > 0 && options.keep_variance != 0) {
    return Status::InvalidArgument(
        "a number of dimensions and a share of the variance exclude each other; give one");
  }
  if (options.dim > vectors.dim) {
    return Status::InvalidArgument(StrCat("cannot reduce ", Plural(vectors.dim, "dimension"),
                                          " to ", options.dim, "; choose ", vectors.dim,
                                          " or fewer"));
  }
  if (options.dim > MostDims(vectors, options.method)) {
    return Status::InvalidArgument(StrCat(Plural(vectors.rows, "vector"), " span no ", options.dim,
                                          " dimensions; choose ", vectors.rows,
                                          " or fewer, or give more vectors"));
  }
  if (options.keep_variance != 0) {
    if (!(options.keep_variance > 0 && options.keep_variance <= 1)) {
      return Status::InvalidArgument(StrCat("the share of the variance to keep is ",
                                            options.keep_variance,
                                            "; it must be above 0, at most 1"));
    }
    if (!LooksAtVariance(options.method)) {
      return Status::InvalidArgument(
          "a random projection keeps no known share of the variance; give a number of dimensions, "
          "or take pca");
    }
  }
  if (options.whiten && options.method != ReduceMethod::kPca) {
    return Status::InvalidArgument("only pca whitens; take pca, or do not whiten");
  }
  return Status::Ok();
}

// The least number of the variances that is this share of the total.
size_t DimsFor(double share, const std::vector<double>& variances, double total) {
  double sum = 0;
  for (size_t k = 0; k < variances.size(); ++k) {
    sum += variances[k];
    if (sum >= share * total * (1 - 1e-12)) return k + 1;
  }
  return variances.size();
}

// What a metric asks of directions.
struct MetricNeeds {
  bool centred;
  bool unit_length;
};

Result<MetricNeeds> NeedsOf(Metric metric) {
  const search::MetricTraits& traits = search::TraitsOf(metric);
  if (!traits.squared) {
    return Status::InvalidArgument(
        StrCat("no projection keeps ", MetricName(metric), " distances; take euclidean"));
  }
  return MetricNeeds{!traits.unit_length() && !traits.products, traits.unit_length()};
}

// Each direction's sign is that which makes its entry of largest magnitude positive, the first of
// those as large.
void FixSigns(EigenPairs* pairs, size_t dim) {
  for (size_t j = 0; j < pairs->values.size(); ++j) {
    double* v = pairs->vectors.data() + j * dim;
    const double* largest = std::max_element(
        v, v + dim, [](double a, double b) { return std::fabs(a) < std::fabs(b); });
    if (*largest >= 0) continue;
    for (size_t i = 0; i < dim; ++i) v[i] = -v[i];
  }
}

// Of more dimensions than kMostExactDim. How many a share of the variance takes is found by trying.
Result<EigenPairs> Approximate(const PointsOf& points, const std::vector<double>& mean,
                               double total, const ReduceOptions& options, size_t most,
                               ThreadPool& pool) {
  size_t count = options.dim > 0 ? options.dim : most;
  if (options.keep_variance > 0) count = std::min<size_t>(64, most);
  while (true) {
    KITH_ASSIGN_OR_RETURN(EigenPairs pairs, RandomisedPairs(points, mean, count, options.seed, pool,
                                                            options.progress));
    if (options.keep_variance == 0 || count == most) return pairs;
    double sum = 0;
    for (const double v : pairs.values) sum += v;
    if (sum >= options.keep_variance * total) return pairs;
    count = std::min(2 * count, most);
  }
}

Status FitPca(const MatrixView& vectors, const ReduceOptions& options, bool unit_length,
              ThreadPool& pool, Model::Parts* parts) {
  const size_t d = vectors.dim;
  const PointsOf points{vectors, (parts->header.flags & kCentred) != 0, unit_length};
  const bool exact = d <= kMostExactDim;
  KITH_ASSIGN_OR_RETURN(Moments moments, ComputeMoments(points, exact, pool, options.progress));
  double total = 0;
  for (const double v : moments.variances) total += v;
  const size_t most = MostDims(vectors, options.method);
  EigenPairs pairs;
  if (exact) {
    KITH_RETURN_IF_ERROR(pool.Report(options.progress, "principal components", 0, 1));
    KITH_ASSIGN_OR_RETURN(pairs, LargestEigenPairs(&moments.covariance, d, most));
  } else {
    KITH_ASSIGN_OR_RETURN(pairs, Approximate(points, moments.mean, total, options, most, pool));
  }
  for (double& v : pairs.values) v = std::max(v, 0.0);  // rounding may leave less
  size_t dim = options.dim > 0 ? options.dim : pairs.values.size();
  if (options.keep_variance > 0) dim = DimsFor(options.keep_variance, pairs.values, total);
  pairs.values.resize(dim);
  pairs.vectors.resize(dim * d);
  FixSigns(&pairs, d);
  parts->header.dim = static_cast<uint32_t>(dim);
  parts->header.total_variance = total;
  parts->mean.assign(moments.mean.begin(), moments.mean.end());
  parts->components.assign(pairs.vectors.begin(), pairs.vectors.end());
  parts->variances = std::move(pairs.values);
  return Status::Ok();
}

Status FitTruncation(const MatrixView& vectors, const ReduceOptions& options, bool unit_length,
                     ThreadPool& pool, Model::Parts* parts) {
  const PointsOf points{vectors, (parts->header.flags & kCentred) != 0, unit_length};
  KITH_ASSIGN_OR_RETURN(Moments moments, ComputeMoments(points, false, pool, options.progress));
  double total = 0;
  for (const double v : moments.variances) total += v;
  size_t dim = options.dim > 0 ? options.dim : vectors.dim;
  if (options.keep_variance > 0) dim = DimsFor(options.keep_variance, moments.variances, total);
  moments.variances.resize(dim);
  parts->header.dim = static_cast<uint32_t>(dim);
  parts->header.total_variance = total;
  // Truncated vectors are to be the beginnings of the originals: their mean stays.
  parts->header.flags &= ~static_cast<uint32_t>(kCentred);
  parts->variances = std::move(moments.variances);
  return Status::Ok();
}

// Numbers of mean 0 and variance 1 / dim, so that lengths are kept on average. Each row has its own
// stream of random numbers.
void DrawProjection(const MatrixView& vectors, const ReduceOptions& options, Model::Parts* parts) {
  const size_t d = vectors.dim;
  const size_t dim = options.dim > 0 ? options.dim : d;
  parts->header.dim = static_cast<uint32_t>(dim);
  parts->components.resize(dim * d);
  const double density = 1 / std::sqrt(static_cast<double>(d));
  const double scale = std::sqrt(1 / static_cast<double>(dim));
  const auto one = static_cast<float>(scale / std::sqrt(density));
  for (size_t j = 0; j < dim; ++j) {
    Rng rng(options.seed, j);
    float* row = parts->components.data() + j * d;
    for (size_t i = 0; i < d; ++i) {
      if (options.method == ReduceMethod::kGaussian) {
        row[i] = static_cast<float>(scale * rng.Normal());
      } else {
        const double u = rng.Uniform();
        row[i] = u < density / 2 ? one : u < density ? -one : 0.0f;
      }
    }
  }
}

}  // namespace

Result<std::shared_ptr<const Model>> FitModel(const MatrixView& vectors,
                                              const ReduceOptions& options, ThreadPool& pool) {
  KITH_RETURN_IF_ERROR(CheckOptions(vectors, options));
  KITH_ASSIGN_OR_RETURN(const MetricNeeds needs, NeedsOf(options.metric));
  Model::Parts parts;
  ModelHeader& header = parts.header;
  header.method = static_cast<uint32_t>(options.method);
  header.source_dim = static_cast<uint32_t>(vectors.dim);
  header.metric = static_cast<uint32_t>(options.metric);
  if (LooksAtVariance(options.method)) {
    header.fitted_rows = vectors.rows;
    if (needs.centred) header.flags |= kCentred;
    if (options.whiten) header.flags |= kWhitened;
  }
  if (!LooksAtVariance(options.method) ||
      (options.method == ReduceMethod::kPca && vectors.dim > kMostExactDim)) {
    header.seed = options.seed;
  }
  if (options.method == ReduceMethod::kPca) {
    KITH_RETURN_IF_ERROR(FitPca(vectors, options, needs.unit_length, pool, &parts));
  } else if (options.method == ReduceMethod::kTruncate) {
    KITH_RETURN_IF_ERROR(FitTruncation(vectors, options, needs.unit_length, pool, &parts));
  } else {
    DrawProjection(vectors, options, &parts);
  }
  return Model::Create(parts);
}

}  // namespace kith::reduction
