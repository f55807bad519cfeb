#include "eval/judge.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/strings.h"
#include "base/thread_pool.h"
#include "data/convert.h"
#include "kith/eval.h"
#include "search/metric_traits.h"
#include "search/recall_limit.h"
#include "simd/reference.h"

namespace kith::eval {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

double Sum(simd::Op op, const float* a, const float* b, size_t dim) {
  return simd::ReferenceOp(op, reinterpret_cast<const std::byte*>(a), DataType::kF32,
                           reinterpret_cast<const std::byte*>(b), DataType::kF32, dim);
}

// Of the first k places of an ascending row, how many hold a neighbour.
size_t CountNeighbours(const float* distances, size_t k) {
  return static_cast<size_t>(std::lower_bound(distances, distances + k, kInfinity) - distances);
}

QueryRecall CountFound(const float* found, const float* truth, size_t k) {
  const size_t wanted = CountNeighbours(truth, k);
  if (wanted == 0) return {};
  const double limit = search::RecallLimit(truth[wanted - 1]);
  const auto near = std::count_if(found, found + k, [&](float d) { return d <= limit; });
  return {std::min(wanted, static_cast<size_t>(near)), wanted};
}

// Gives every place but the first of an id the distance +inf.
void DropRepeats(const int64_t* ids, size_t k, float* distances) {
  std::vector<int64_t> sorted(ids, ids + k);
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end()) return;
  for (size_t i = 1; i < k; ++i) {
    if (std::find(ids, ids + i, ids[i]) != ids + i) distances[i] = kInfinity;
  }
}

}  // namespace

Result<float> Judge::DistanceTo(const float* query, int64_t id, std::vector<float>* scratch) const {
  KITH_ASSIGN_OR_RETURN(const uint64_t row, index_->FindId(id));
  scratch->resize(queries_.dim);
  index_->GetVector(row, scratch->data());
  return static_cast<float>(
      PreciseDistance(index_->info().metric, query, scratch->data(), queries_.dim));
}

Result<Judge> Judge::Create(const Index& index, const MatrixView& queries, const GroundTruth& truth,
                            size_t k, std::stop_token stop) {
  if (truth.num_queries < queries.rows) {
    return Status::InvalidArgument(StrCat("the truth has ", truth.num_queries,
                                          " queries, but there are ", queries.rows,
                                          "; use the truth of these queries, or fewer queries"));
  }
  if (truth.k < k) {
    return Status::InvalidArgument(StrCat("the truth has ", truth.k,
                                          " neighbours for a query, but k is ", k,
                                          "; choose k <= ", truth.k, " or compute a larger truth"));
  }
  if (truth.ids.size() / truth.k < truth.num_queries) {
    return Status::InvalidArgument("the truth has fewer ids than num_queries * k");
  }
  Judge judge(index, queries, k, std::move(stop));
  judge.true_distances_.assign(queries.rows * k, kInfinity);
  std::vector<float> query(queries.dim);
  std::vector<float> scratch;
  for (size_t q = 0; q < queries.rows; ++q) {
    if (judge.stop_.stop_requested()) return Cancelled();
    data::RowToF32(queries, q, query.data());
    const int64_t* ids = truth.ids.data() + q * truth.k;
    float* distances = judge.true_distances_.data() + q * k;
    for (size_t j = 0; j < k; ++j) {
      if (ids[j] == kNoId) continue;
      Result<float> distance = judge.DistanceTo(query.data(), ids[j], &scratch);
      if (!distance.ok()) {
        return Status::InvalidArgument(
            StrCat("the truth of query ", q, " names id ", ids[j], ", which ", index.info().path,
                   " does not have; use the truth of the vectors the file was built from"));
      }
      distances[j] = *distance;
    }
    // Other programs order near-ties by float distances; the k-th must be the largest.
    std::sort(distances, distances + k);
  }
  return judge;
}

Result<std::vector<QueryRecall>> Judge::Recalls(const SearchResult& found) const {
  std::vector<QueryRecall> recalls(queries_.rows);
  std::vector<float> distances(k_);
  std::vector<float> query(queries_.dim);
  std::vector<float> scratch;
  for (size_t q = 0; q < queries_.rows; ++q) {
    if (stop_.stop_requested()) return Cancelled();
    const int64_t* ids = found.ids.data() + q * k_;
    std::copy_n(found.distances.data() + q * k_, k_, distances.data());
    DropRepeats(ids, k_, distances.data());
    const float* truth = true_distances_.data() + q * k_;
    const size_t m = CountNeighbours(truth, k_);
    if (m == 0) continue;
    const double limit = search::RecallLimit(truth[m - 1]);
    bool query_read = false;
    for (size_t j = 0; j < k_; ++j) {
      if (distances[j] <= limit || distances[j] == kInfinity) continue;
      if (!std::exchange(query_read, true)) data::RowToF32(queries_, q, query.data());
      if (Result<float> exact = DistanceTo(query.data(), ids[j], &scratch); exact.ok()) {
        distances[j] = *exact;
      }
    }
    recalls[q] = CountFound(distances.data(), truth, k_);
  }
  return recalls;
}

}  // namespace kith::eval

namespace kith {

double RecallAtK(const float* found_distances, size_t found_k, const float* true_distances,
                 size_t true_k, size_t num_queries, size_t k) {
  // Summed up at once: this allocates nothing.
  eval::QueryRecall all;
  for (size_t q = 0; q < num_queries; ++q) {
    const eval::QueryRecall one =
        eval::CountFound(found_distances + q * found_k, true_distances + q * true_k, k);
    all.found += one.found;
    all.wanted += one.wanted;
  }
  return all.wanted == 0 ? 1.0 : static_cast<double>(all.found) / static_cast<double>(all.wanted);
}

double PreciseDistance(Metric metric, const float* a, const float* b, size_t dim) {
  const search::MetricTraits& traits = search::TraitsOf(metric);
  const double sum = eval::Sum(traits.op, a, b, dim);
  switch (traits.form) {
    case search::DistanceForm::kSum: return traits.root ? std::sqrt(sum) : sum;
    case search::DistanceForm::kNegated: return -sum;
    case search::DistanceForm::kOneMinusCosine: break;
  }
  const double norms =
      std::sqrt(eval::Sum(traits.op, a, a, dim)) * std::sqrt(eval::Sum(traits.op, b, b, dim));
  if (norms == 0) return 1;
  const double distance = 1 - sum / norms;
  return distance < 1e-12 ? 0 : distance;
}

}  // namespace kith
