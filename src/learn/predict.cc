#include "kith/predict.h"

#include <algorithm>
#include <limits>

#include "base/edge.h"
#include "learn/neighbours.h"
#include "learn/votes.h"

namespace kith {

Result<std::vector<Regression>> Regress(const Index& index, const MatrixView& queries,
                                        std::span<const double> values, const Averaging& averaging,
                                        std::span<const size_t> ks, const SearchParams& params,
                                        const Progress& progress) {
  return AtEdge("", "predict fewer queries at a time", [&]() -> Result<std::vector<Regression>> {
    KITH_RETURN_IF_ERROR(learn::CheckValues(index, values));
    KITH_RETURN_IF_ERROR(learn::CheckAveraging(index, averaging));
    KITH_ASSIGN_OR_RETURN(const SearchParams all, learn::ForAll(ks, params));
    learn::PerThread<learn::Averager> averagers(params.threads, values, averaging);
    std::vector<Regression> out(ks.size());
    for (Regression& r : out) {
      r.values.resize(queries.rows);
      r.nearest.resize(queries.rows);
      if (averaging.interval == 0) continue;
      r.low.resize(queries.rows);
      r.high.resize(queries.rows);
    }
    bool drifted = false;
    KITH_RETURN_IF_ERROR(learn::ForEachNeighbours(
        index, queries, all, progress, 0, queries.rows, &drifted,
        [&](size_t query, std::span<const learn::Voter> voters, int thread) {
          for (size_t i = 0; i < ks.size(); ++i) {
            const learn::Estimate estimate = averagers.Of(thread).Of(learn::First(voters, ks[i]));
            out[i].values[query] = estimate.value;
            out[i].nearest[query] =
                voters.empty() ? std::numeric_limits<float>::infinity() : voters[0].distance;
            if (averaging.interval == 0) continue;
            out[i].low[query] = estimate.low;
            out[i].high[query] = estimate.high;
          }
          return Status::Ok();
        }));
    for (Regression& r : out) r.drifted = drifted;
    return out;
  });
}

Result<std::vector<Classification>> Classify(const Index& index, const MatrixView& queries,
                                             std::span<const uint32_t> labels,
                                             NeighbourWeights weights, std::span<const size_t> ks,
                                             const SearchParams& params, const Progress& progress) {
  return AtEdge(
      "", "classify fewer queries at a time", [&]() -> Result<std::vector<Classification>> {
        KITH_RETURN_IF_ERROR(learn::CheckLabels(index, labels));
        KITH_RETURN_IF_ERROR(learn::CheckWeights(index, weights));
        KITH_ASSIGN_OR_RETURN(const SearchParams all, learn::ForAll(ks, params));
        learn::PerThread<learn::Ballot> ballots(params.threads, labels, weights);
        std::vector<Classification> out(ks.size());
        for (Classification& c : out) {
          c.labels.resize(queries.rows);
          c.shares.resize(queries.rows);
        }
        bool drifted = false;
        KITH_RETURN_IF_ERROR(learn::ForEachNeighbours(
            index, queries, all, progress, 0, queries.rows, &drifted,
            [&](size_t query, std::span<const learn::Voter> voters, int thread) {
              for (size_t i = 0; i < ks.size(); ++i) {
                const learn::Elected elected = ballots.Of(thread).Of(learn::First(voters, ks[i]));
                out[i].labels[query] = elected.label;
                out[i].shares[query] = elected.share;
              }
              return Status::Ok();
            }));
        for (Classification& c : out) c.drifted = drifted;
        return out;
      });
}

}  // namespace kith
