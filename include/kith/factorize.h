// Users and items as vectors whose inner products tell what users will like.
//
// Implicit feedback: what a user did is a sign that it liked something; what it did not do says
// little. Alternating least squares weigh the one more than the other (Hu, Koren and Volinsky, ICDM
// 2008), solved by conjugate gradients (Takács, Pilászy and Tikk, RecSys 2011). Bayesian
// personalised ranking learns to put what a user did before what it did not (Rendle et al., UAI
// 2009).
#ifndef KITH_FACTORIZE_H_
#define KITH_FACTORIZE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "kith/interactions.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

enum class FactorAlgorithm : uint32_t { kAls = 0, kBpr = 1 };

// What a weight r counts: counts of plays spread over orders of magnitude.
enum class WeightScale : uint32_t {
  kLog = 0,     // ln(1 + r)
  kLinear = 1,  // r
  kBinary = 2,  // 1
};

struct FactorizeOptions {
  FactorAlgorithm algorithm = FactorAlgorithm::kAls;
  uint32_t factors = 64;
  // The weight of the squared length of each vector. Not given, < 0: ALS 10, BPR 0.01.
  double regularization = -1;
  // ALS: a pair of weight r is trusted 1 + alpha * scale(r), one that is not there 1.
  double alpha = 1;
  WeightScale scale = WeightScale::kLog;
  uint32_t iterations = 0;      // 0: ALS 15, BPR 100
  uint32_t cg_steps = 3;        // ALS: steps of conjugate gradients for each vector and iteration
  double learning_rate = 0.05;  // BPR
  uint64_t seed = 42;
  int threads = 0;  // 0: one for each core. The result does not depend on it.
  // Called after each iteration, numbered from 1, with its loss.
  std::function<void(uint32_t iteration, double loss)> on_iteration;
  Progress progress;     // stage "factorize", in iterations
  std::stop_token stop;  // as in BuildOptions
};

// These options with their defaults in place of what is not given.
FactorizeOptions Resolved(FactorizeOptions options);

struct Factors {
  size_t dim = 0;  // factors; of BPR one more, by which items are liked by everybody alike
  std::vector<float> users;  // [num_users, dim]
  std::vector<float> items;  // [num_items, dim]
  // After each iteration. ALS: what is minimised, the squared errors by their confidence and the
  // regularization, over the sum of all confidences. BPR: the mean of -ln of the chance that a pair
  // is before another, over those that were trained with, as they came.
  std::vector<double> losses;
};

// ALS: cost O(iterations * cg_steps * (pairs * factors + (users + items) * factors^2)). BPR: cost
// O(iterations * pairs * factors); pairs are trained with in blocks of users and items that do not
// touch each other (Gemulla et al., KDD 2011), so that threads need not wait and nothing depends on
// their number. Memory: both sets of vectors twice, the pairs twice. Errors: InvalidArgument
// (factors of 0 or above 4,096; an option that is negative or not finite; factors that grew beyond
// all bounds; cancelled), OutOfMemory. Thread-safe.
Result<Factors> Factorize(const Interactions& interactions, const FactorizeOptions& options);

// Vectors of new users by what they did, as ALS would have made them, items' vectors left as they
// are: [interactions.num_users(), items.dim]. Columns of `interactions` are rows of `items`,
// vectors of ALS. Cost: O(dim * (pairs * dim + users * dim)), and O(items * dim^2) before. Errors:
// InvalidArgument (vectors of BPR: of which there are none by algorithm; a column beyond the items;
// cancelled), OutOfMemory. Thread-safe.
Result<std::vector<float>> FoldIn(const MatrixView& items, const Interactions& interactions,
                                  const FactorizeOptions& options);

// What an item that a user did something with says for another one.
struct Evidence {
  uint32_t item = 0;
  double score = 0;
};

// Why an item is recommended to a user of whom these items and weights are known: the terms that
// its score is the sum of, by FoldIn() of them, the largest first, ties by the smaller item (Hu,
// Koren and Volinsky, section 5). Cost and errors: those of FoldIn().
Result<std::vector<Evidence>> Explain(const MatrixView& items, std::span<const uint32_t> known,
                                      std::span<const float> weights, uint32_t item,
                                      const FactorizeOptions& options);

}  // namespace kith

#endif  // KITH_FACTORIZE_H_
