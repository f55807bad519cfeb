#include "learn/neighbours.h"

#include <cmath>

#include "base/strings.h"
#include "search/metric_traits.h"

namespace kith::learn {

Result<SearchParams> ForAll(std::span<const size_t> ks, SearchParams params) {
  if (ks.empty()) return Status::InvalidArgument("no k is given; give at least one");
  if (std::find(ks.begin(), ks.end(), size_t{0}) != ks.end()) {
    return Status::InvalidArgument("k is 0; ask for at least one neighbour");
  }
  params.k = *std::max_element(ks.begin(), ks.end());
  return params;
}

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

}  // namespace kith::learn
