// Predictions by nearest neighbours: what is known of stored vectors, told of queries.
//
// The k nearest stored vectors of a query vote on its label, or their values are averaged (Fix and
// Hodges 1951; Cover and Hart, IEEE Transactions on Information Theory, 1967).
#ifndef KITH_PREDICT_H_
#define KITH_PREDICT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

enum class NeighbourWeights : uint8_t {
  kUniform = 0,
  // The inverse of the distance. Where neighbours are at distance 0, they alone count. Not for dot,
  // whose distances are none.
  kDistance = 1,
};

// How the values of neighbours become one.
struct Averaging {
  NeighbourWeights weights = NeighbourWeights::kUniform;
  // The share of the neighbours, rounded down to a number of them, that is left out for having the
  // highest values, in [0, 1): of times that were measured, what delayed them now and then.
  double trim = 0;
  // The weighted median of what is left, instead of the mean: the least value that, with those
  // below, has half the weight; the mean of it and the next where it is half to the bit.
  bool median = false;
  // The share of the neighbours' weight, in (0, 1), that is to lie between `low` and `high`: 0.8
  // for their quantiles 0.1 and 0.9. 0: none are wanted. Neighbours that were trimmed count.
  double interval = 0;
};

// Values of queries, one each. A query without neighbours has NaN.
struct Regression {
  std::vector<double> values;
  std::vector<double> low;     // empty unless Averaging::interval is given
  std::vector<double> high;    // the same
  std::vector<float> nearest;  // the distance of the nearest neighbour; +inf where there is none
  bool drifted = false;        // as SearchResult::drifted, of the search that all k share
};

// For each k of `ks`, the value of each query from those of its k nearest vectors. One search for
// the most neighbours serves every k; params.k is not used. `values` has one for each row of the
// index, finite. Cost: that of Search(), and O(k log k) a query and k; memory for the neighbours of
// some thousands of queries at a time. Does not depend on the threads. Errors: those of Search();
// InvalidArgument (no k; another number of values; a value that is not finite, with its row; trim
// or interval out of range; weights by distances of dot). Thread-safe.
Result<std::vector<Regression>> Regress(const Index& index, const MatrixView& queries,
                                        std::span<const double> values, const Averaging& averaging,
                                        std::span<const size_t> ks, const SearchParams& params,
                                        const Progress& progress = {});

// Labels of queries, one each; kNoLabel where a query has no neighbours.
inline constexpr uint32_t kNoLabel = 0xFFFFFFFFu;
struct Classification {
  std::vector<uint32_t> labels;
  std::vector<double> shares;  // of the votes that the label got, by weight; 0 without neighbours
  bool drifted = false;        // as of Regression
};

// For each k of `ks`, the label that most of each query's k nearest vectors have, by weight; of
// those with as much, the smallest. `labels` has one for each row of the index: numbers from 0, few
// of them. Cost and errors as of Regress(); InvalidArgument (kNoLabel as a label). Thread-safe.
Result<std::vector<Classification>> Classify(const Index& index, const MatrixView& queries,
                                             std::span<const uint32_t> labels,
                                             NeighbourWeights weights, std::span<const size_t> ks,
                                             const SearchParams& params,
                                             const Progress& progress = {});

// Folds of a cross-validation: the number of the fold of each row.
using Folds = std::vector<uint32_t>;

// `count` folds of as many rows as can be, at random. Errors: InvalidArgument (fewer than two
// folds, or than rows), OutOfMemory.
Result<Folds> RandomFolds(uint64_t num_rows, uint32_t count, uint64_t seed);

// Folds of whole blocks, which are dealt to them at random: rows of a block are in the same fold.
// Neighbours on a map resemble each other, and random folds, which leave a row's nearest where they
// are, make predictions of far places seem better than they are (Roberts et al., Ecography 2017).
// `blocks` has a number for each row. Errors: InvalidArgument (fewer than two folds; fewer blocks
// than folds), OutOfMemory.
Result<Folds> BlockFolds(std::span<const uint64_t> blocks, uint32_t count, uint64_t seed);

// How well values are told of rows by neighbours that are in other folds.
struct RegressionScore {
  size_t k = 0;
  double rmse = 0;  // the root of the mean of squared errors
  double mae = 0;   // the mean of absolute errors
  double r2 = 0;    // 1 less the squared error over the variance of the values
};

// For each k of `ks`, the errors over all rows, each told by its k nearest in other folds. One
// search a fold for the most neighbours, which all k share. params.k is not used. Cost: that of
// searching for all rows. Errors: those of Regress(); InvalidArgument (no k, or one that is 0 or
// more than the other folds have).
Result<std::vector<RegressionScore>> CrossValidateRegression(
    const Index& index, std::span<const double> values, const Averaging& averaging,
    const Folds& folds, std::span<const size_t> ks, const SearchParams& params,
    const Progress& progress = {});

struct ClassificationScore {
  size_t k = 0;
  double error = 0;  // the share of rows that are told a wrong label
};

// The same of labels.
Result<std::vector<ClassificationScore>> CrossValidateClassification(
    const Index& index, std::span<const uint32_t> labels, NeighbourWeights weights,
    const Folds& folds, std::span<const size_t> ks, const SearchParams& params,
    const Progress& progress = {});

}  // namespace kith

#endif  // KITH_PREDICT_H_
