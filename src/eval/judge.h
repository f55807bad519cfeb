// Who is right: the true distances of queries, and the recall of what a search found.
#ifndef KITH_EVAL_JUDGE_H_
#define KITH_EVAL_JUDGE_H_

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <utility>
#include <vector>

#include "eval/statistics.h"
#include "kith/dataset.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::eval {

// Holds, for each query, the distances of its k true neighbours in double precision, rounded once.
// The index and the queries must outlive it. Const methods are thread-safe.
class Judge {
 public:
  // Takes the first k of each row of the truth, for the first queries.rows of its queries.
  // Cost: O(queries.rows * k * dim).
  // Errors: InvalidArgument (truth too small, or of ids the file does not have; cancelled).
  static Result<Judge> Create(const Index& index, const MatrixView& queries,
                              const GroundTruth& truth, size_t k, std::stop_token stop = {});

  // What a search of all queries with this k found for each of them. A neighbour beyond the k-th
  // true distance by its float distance is measured again in double: near zero, float rounding
  // exceeds any relative tolerance. Later places of an id already returned do not count. Errors:
  // InvalidArgument (cancelled).
  Result<std::vector<QueryRecall>> Recalls(const SearchResult& found) const;

  // How far the nearest neighbour of a query is; +inf if it has none.
  float nearest(size_t query) const { return true_distances_[query * k_]; }

 private:
  Judge(const Index& index, const MatrixView& queries, size_t k, std::stop_token stop)
      : index_(&index), queries_(queries), k_(k), stop_(std::move(stop)) {}
  // The distance of a query (as float32) from the vector of an id. Errors: NotFound.
  Result<float> DistanceTo(const float* query, int64_t id, std::vector<float>* scratch) const;

  const Index* index_;
  MatrixView queries_;
  size_t k_;
  std::stop_token stop_;
  std::vector<float>
      true_distances_;  // [queries.rows, k], rows ascending, +inf where there is none
};

}  // namespace kith::eval

#endif  // KITH_EVAL_JUDGE_H_
