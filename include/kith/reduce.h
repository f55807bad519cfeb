// Fewer dimensions: principal components, random projections, truncation.
//
// Neighbours are found sooner, in less memory, among vectors of fewer dimensions, and are nearly
// the same ones where the vectors lie near a subspace. docs/reduce.md says which method for what.
#ifndef KITH_REDUCE_H_
#define KITH_REDUCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

namespace reduction {
class Model;
}

// Part of the file format; never renumber.
enum class ReduceMethod : uint32_t {
  // The directions of the largest variance (Pearson 1901; Hotelling 1933): of all linear maps, the
  // one that loses least of it. Exact up to kMostExactDim dimensions, by the eigenvectors of the
  // covariance; beyond, by randomised subspace iteration (Halko, Martinsson and Tropp, SIAM Review
  // 2011).
  kPca = 0,
  // Random directions of normal numbers, which need no look at the data (Johnson and Lindenstrauss
  // 1984).
  kGaussian = 1,
  // Random directions of which all but one in sqrt(d) numbers are 0 (Li, Hastie and Church, KDD
  // 2006).
  kSparse = 2,
  // The first dimensions as they are: for embeddings that were trained for it (Kusupati et al.,
  // Matryoshka, NeurIPS 2022).
  kTruncate = 3,
};

inline constexpr int kNumReduceMethods = 4;
// PCA of more dimensions than these is approximate.
inline constexpr size_t kMostExactDim = 4096;

// "pca", "gaussian", "sparse", "truncate", and the reverse.
const char* ReduceMethodName(ReduceMethod method);
std::optional<ReduceMethod> ParseReduceMethod(std::string_view name);

struct ReduceOptions {
  ReduceMethod method = ReduceMethod::kPca;
  // What is kept: a number of dimensions, or (pca, truncate) the least number that keeps this share
  // of the variance, in (0, 1]. Neither: as many as there can be.
  size_t dim = 0;
  double keep_variance = 0;
  // By what neighbours are told. euclidean: the mean is taken away, as everybody's PCA does. With
  // angular and dot it is not, as that would change all angles and products: directions are those
  // of the largest mean square, of vectors scaled to length 1 for angular. hamming is as euclidean,
  // of coordinates 0 and 1. manhattan is refused: no projection keeps it.
  Metric metric = Metric::kEuclidean;
  // Divides each principal component by its standard deviation (pca only). Distances are then
  // others, Mahalanobis' within what is kept.
  bool whiten = false;
  uint64_t seed = 42;  // of random directions
  int threads = 0;     // 0: one for each core. The bytes of a model never depend on it.
  Progress progress;
  std::stop_token stop;  // as in BuildOptions
};

// A fitted reduction: y = A (x - mean). Immutable and cheap to copy; every method is thread-safe.
class Reducer {
 public:
  // Fits a reduction to vectors [n, d] of any type, which are read in blocks, so that a mapped file
  // may be larger than the memory. Cost: pca O(n d^2 + d^3), a pass over the data; beyond
  // kMostExactDim O(n d k) for each of up to some 16 passes; projections O(d k). Memory: d^2
  // doubles some times, at most about 1 GB at d = 4096.
  // Errors: InvalidArgument (no vectors; NaN or infinity with its place; dim above d, or for pca
  // above n; dim and keep_variance; a share out of range or of a projection; whiten of another
  // method; manhattan), OutOfMemory.
  static Result<Reducer> Fit(const MatrixView& vectors, const ReduceOptions& options);

  // Opens a file that Save() wrote; an index of reduced vectors has its own (Index::reducer()).
  // Errors: as OpenIndex(); InvalidArgument (an index).
  static Result<Reducer> Open(const std::string& path);
  // Writes the model to a file of its own (docs/file_format.md, "reduction"), atomically.
  Status Save(const std::string& path) const;

  ReduceMethod method() const;
  size_t source_dim() const;  // d, of vectors that come in
  size_t dim() const;         // k, of vectors that come out
  Metric metric() const;      // the one it was fitted for
  // By what reduced vectors are compared: metric(), but euclidean for hamming.
  Metric reduced_metric() const;
  bool whitened() const;
  bool centred() const;          // whether there is a mean
  uint64_t fitted_rows() const;  // 0 where the vectors did not matter
  uint64_t seed() const;

  // The mean [d], of zeros if none is taken away.
  std::span<const float> mean() const;
  // A [k, d] row by row, without what whitening scales; of pca orthonormal, each row with the sign
  // that makes its entry of largest magnitude positive (scikit-learn's since 1.5: svd_flip by the
  // components). truncate has none: empty.
  std::vector<float> Components() const;
  // Of pca and truncate, the variance of each dimension kept, divided by n - 1 (mean squares,
  // divided by n, where not centred); else zeros. [k]
  std::span<const double> variances() const;
  // Of all d dimensions; 0 for projections, which never looked.
  double total_variance() const;
  // The share of the variance that the first `dim` dimensions keep; -1 for projections. 1 where
  // there is no variance.
  double KeptVariance(size_t dim) const;

  // The same reduction to the first `dim` of its dimensions. Cost: a copy. Errors: InvalidArgument
  // (0, or more than there are).
  Result<Reducer> Prefix(size_t dim) const;

  // Writes the reduced vectors to out [vectors.rows, dim()], row-major. Cost: O(n d k). The result
  // does not depend on the threads. Errors: InvalidArgument (another dimension; NaN or infinity, or
  // a number so large that its image is infinite, with its row; cancelled), OutOfMemory.
  Status Transform(const MatrixView& vectors, float* out, int threads = 0,
                   const Progress& progress = {}, std::stop_token stop = {}) const;

  // The same of rows [begin, end) alone, to out [end - begin, dim()].
  Status TransformRows(const MatrixView& vectors, size_t begin, size_t end, float* out,
                       int threads = 0, const Progress& progress = {},
                       std::stop_token stop = {}) const;

  // For the library's own use.
  explicit Reducer(std::shared_ptr<const reduction::Model> model) : model_(std::move(model)) {}
  const reduction::Model& model() const { return *model_; }

 private:
  std::shared_ptr<const reduction::Model> model_;
};

// Whether a .kith file is only a model, without vectors; false if it can't be read.
bool IsReducerFile(const std::string& path);

// What is left of neighbours at a dimension.
struct ReducePoint {
  size_t dim = 0;
  double variance = -1;  // share kept; -1: unknown (projections)
  // Mean recall@k of exact search among the reduced vectors: how many of the k true neighbours are
  // among the k found, counted by the distances that the originals have (RecallAtK()).
  double recall = 0;
  // The same if the `rerank` nearest reduced vectors are compared again by their originals.
  double reranked = 0;
};

struct ReduceRecallOptions {
  size_t k = 10;
  size_t rerank = 100;  // candidates to compare again, at least k
  // The dimensions measured, each at most reducer.dim(); empty: 2, 3, 4, 6, 8, 12, 16 ... dim().
  std::vector<size_t> dims;
  int threads = 0;
  Progress progress;
  std::stop_token stop;
};

// Measures recall at several dimensions of one reduction, against exact search among the originals.
// `self` has for each query the row of `vectors` that it is, which is then no neighbour of its own;
// empty: the queries are others. Cost: exact search of the originals and of each dimension; memory
// for the reduced vectors, [n, reducer.dim()] floats. Errors: those of Transform() and
// ComputeGroundTruth(); InvalidArgument (dims, k or rerank out of range; another number of `self`).
Result<std::vector<ReducePoint>> MeasureReduction(const Reducer& reducer, const MatrixView& vectors,
                                                  const MatrixView& queries,
                                                  std::span<const uint64_t> self,
                                                  const ReduceRecallOptions& options);

// Compares candidates again by the original vectors: of the rows that `candidates` names for each
// query [queries.rows, num_candidates], the k nearest, nearest first, ties by the smaller row; a
// row named twice counts once, kNoId not at all, and places without a neighbour hold kNoId and
// +inf. Distances are exact (PreciseDistance()). Cost: O(queries.rows * num_candidates * dim), a
// row at a time, so that originals may be a mapped file that is larger than the memory. Errors:
// InvalidArgument (dimensions, NaN of queries, k = 0, a row that is not there, cancelled).
Result<SearchResult> Rerank(const MatrixView& originals, const MatrixView& queries, Metric metric,
                            std::span<const int64_t> candidates, size_t num_candidates, size_t k,
                            int threads = 0, std::stop_token stop = {});

// Searches an index of reduced vectors for `candidates` neighbours of each query, as params say,
// and compares these again by the originals, rows in the order in which they were built, by the
// metric that the reduction was fitted for (that of an index that is not reduced). Ids are the
// index's. Errors: those of Search() and Rerank(); InvalidArgument (another number of originals).
Status SearchReranked(const Index& index, const MatrixView& originals, const MatrixView& queries,
                      const SearchParams& params, size_t candidates, SearchResult* result);

// Rows of vectors, as queries that are not searched for themselves.
struct SampledQueries {
  std::vector<uint64_t> rows;  // ascending
  std::vector<float> values;   // [rows, dim]
};

// `count` rows at random, or all of fewer. Errors: OutOfMemory.
Result<SampledQueries> SampleQueries(const MatrixView& vectors, size_t count, uint64_t seed);

struct KeepRecallOptions {
  double recall = 0.9;          // that is to be kept, in (0, 1]
  bool reranked = false;        // with re-ranking by the originals
  ReduceRecallOptions measure;  // its dims are not used
};

struct KeptRecall {
  size_t dim = 0;  // the least found to keep the recall
  // Of queries that the choice knew nothing of, and their number: every second one.
  ReducePoint point;
  size_t queries = 0;
  // All that was measured on the way, by the other queries; ascending dimensions.
  std::vector<ReducePoint> measured;
};

// Finds the least number of dimensions of a reduction that keeps the recall: the dimensions of
// ReduceRecallOptions are measured upwards until one keeps it, and what lies between it and the one
// before is halved. Errors: those of MeasureReduction(); InvalidArgument (a recall out of range;
// fewer than two queries; no dimension keeps it).
Result<KeptRecall> KeepRecall(const Reducer& reducer, const MatrixView& vectors,
                              const MatrixView& queries, std::span<const uint64_t> self,
                              const KeepRecallOptions& options);

}  // namespace kith

#endif  // KITH_REDUCE_H_
