#include "kith/predict.h"

#include <cmath>
#include <limits>

#include "base/edge.h"
#include "base/strings.h"
#include "learn/neighbours.h"
#include "learn/votes.h"
#include "search/metric_traits.h"

namespace kith {
namespace learn {

Status VotersOf(const Index& index, const SearchResult& found, size_t query,
                std::vector<Voter>* voters) {
  voters->clear();
  for (size_t i = query * found.k; i < (query + 1) * found.k; ++i) {
    if (found.ids[i] == kNoId) break;
    uint64_t row = static_cast<uint64_t>(found.ids[i]);
    if (index.info().has_ids) {
      KITH_ASSIGN_OR_RETURN(row, index.FindId(found.ids[i]));
    }
    voters->push_back({row, found.distances[i]});
  }
  return Status::Ok();
}

Status CheckOnePerRow(const Index& index, size_t count, const char* what) {
  const IndexInfo& info = index.info();
  if (count == info.num_vectors) return Status::Ok();
  return Status::InvalidArgument(StrCat("there are ", count, " ", what, ", but ", info.path,
                                        " has ", info.num_vectors, " vectors; give one for each"));
}

Status CheckValues(const Index& index, std::span<const double> values) {
  KITH_RETURN_IF_ERROR(CheckOnePerRow(index, values.size(), "values"));
  for (size_t row = 0; row < values.size(); ++row) {
    if (!std::isfinite(values[row])) {
      return Status::InvalidArgument(
          StrCat("the value of row ", row, " is ", values[row], "; leave out such rows"));
    }
  }
  return Status::Ok();
}

Status CheckLabels(const Index& index, std::span<const uint32_t> labels) {
  KITH_RETURN_IF_ERROR(CheckOnePerRow(index, labels.size(), "labels"));
  for (size_t row = 0; row < labels.size(); ++row) {
    if (labels[row] == kNoLabel) {
      return Status::InvalidArgument(
          StrCat("the label of row ", row, " is ", labels[row], "; number labels from 0"));
    }
  }
  return Status::Ok();
}

Status CheckWeights(const Index& index, NeighbourWeights weights) {
  if (weights == NeighbourWeights::kUniform || !search::TraitsOf(index.info().metric).products) {
    return Status::Ok();
  }
  return Status::InvalidArgument(StrCat("neighbours cannot be weighted by the distances of ",
                                        MetricName(index.info().metric),
                                        ", which may be negative; weight them alike"));
}

Status CheckAveraging(const Index& index, const Averaging& averaging) {
  KITH_RETURN_IF_ERROR(CheckWeights(index, averaging.weights));
  if (!(averaging.trim >= 0 && averaging.trim < 1)) {
    return Status::InvalidArgument(
        StrCat("trim is ", averaging.trim, "; it must be a share, from 0 to below 1"));
  }
  if (!(averaging.interval >= 0 && averaging.interval < 1)) {
    return Status::InvalidArgument(
        StrCat("interval is ", averaging.interval, "; it must be a share, from 0 to below 1"));
  }
  return Status::Ok();
}

}  // namespace learn

Result<Regression> Regress(const Index& index, const MatrixView& queries,
                           std::span<const double> values, const Averaging& averaging,
                           const SearchParams& params, const Progress& progress) {
  return AtEdge("", "predict fewer queries at a time", [&]() -> Result<Regression> {
    KITH_RETURN_IF_ERROR(learn::CheckValues(index, values));
    KITH_RETURN_IF_ERROR(learn::CheckAveraging(index, averaging));
    learn::Averager averager(values, averaging);
    Regression out;
    out.values.resize(queries.rows);
    out.nearest.resize(queries.rows);
    if (averaging.interval > 0) {
      out.low.resize(queries.rows);
      out.high.resize(queries.rows);
    }
    KITH_RETURN_IF_ERROR(learn::ForEachNeighbours(
        index, queries, params, progress, 0, queries.rows,
        [&](size_t query, std::span<const learn::Voter> voters) {
          const learn::Estimate estimate = averager.Of(voters);
          out.values[query] = estimate.value;
          if (averaging.interval > 0) {
            out.low[query] = estimate.low;
            out.high[query] = estimate.high;
          }
          out.nearest[query] =
              voters.empty() ? std::numeric_limits<float>::infinity() : voters[0].distance;
          return Status::Ok();
        }));
    return out;
  });
}

Result<Classification> Classify(const Index& index, const MatrixView& queries,
                                std::span<const uint32_t> labels, NeighbourWeights weights,
                                const SearchParams& params, const Progress& progress) {
  return AtEdge("", "classify fewer queries at a time", [&]() -> Result<Classification> {
    KITH_RETURN_IF_ERROR(learn::CheckLabels(index, labels));
    KITH_RETURN_IF_ERROR(learn::CheckWeights(index, weights));
    learn::Ballot ballot(labels, weights);
    Classification out;
    out.labels.resize(queries.rows);
    out.shares.resize(queries.rows);
    KITH_RETURN_IF_ERROR(
        learn::ForEachNeighbours(index, queries, params, progress, 0, queries.rows,
                                 [&](size_t query, std::span<const learn::Voter> voters) {
                                   const learn::Elected elected = ballot.Of(voters);
                                   out.labels[query] = elected.label;
                                   out.shares[query] = elected.share;
                                   return Status::Ok();
                                 }));
    return out;
  });
}

}  // namespace kith
