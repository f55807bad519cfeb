// How many neighbours a reduction keeps, by exact search before and after it.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/edge.h"
#include "base/rng.h"
#include "base/strings.h"
#include "data/convert.h"
#include "kith/eval.h"
#include "kith/reduce.h"

namespace kith {
namespace {

using RowIds = std::vector<int64_t>;

// 2, 3, 4, 6, 8, 12, 16, ... and `most`.
std::vector<size_t> UsualDims(size_t most) {
  std::vector<size_t> dims;
  for (size_t dim = 2; dim < most; dim *= 2) {
    dims.push_back(dim);
    if (dim + dim / 2 < most) dims.push_back(dim + dim / 2);
  }
  dims.push_back(most);
  return dims;
}

// Everything that measuring a dimension needs, made once.
class RecallMeter {
 public:
  static Result<RecallMeter> Create(const Reducer& reducer, const MatrixView& vectors,
                                    const MatrixView& queries, std::span<const uint64_t> self,
                                    const ReduceRecallOptions& options) {
    RecallMeter meter(reducer, vectors, queries, self, options);
    KITH_RETURN_IF_ERROR(meter.Check());
    KITH_ASSIGN_OR_RETURN(meter.images_,
                          AlignedBuffer<float>::Create(vectors.rows * reducer.dim()));
    KITH_ASSIGN_OR_RETURN(meter.query_images_,
                          AlignedBuffer<float>::Create(queries.rows * reducer.dim()));
    KITH_RETURN_IF_ERROR(reducer.Transform(vectors, meter.images_.data(), options.threads,
                                           options.progress, options.stop));
    KITH_RETURN_IF_ERROR(reducer.Transform(queries, meter.query_images_.data(), options.threads,
                                           options.progress, options.stop));
    KITH_ASSIGN_OR_RETURN(
        const GroundTruth truth,
        ComputeGroundTruth(vectors, queries, reducer.metric(), options.k + meter.own(),
                           options.threads, options.progress, options.stop));
    meter.truth_.resize(queries.rows);
    for (size_t q = 0; q < queries.rows; ++q) {
      meter.truth_[q] = meter.Distances(q, meter.OthersOf(truth, q), options.k);
    }
    return meter;
  }

  size_t num_queries() const { return queries_.rows; }

  // Of queries `first`, first + step, ... REQUIRES: 0 < dim <= reducer.dim().
  Result<ReducePoint> Measure(size_t dim, size_t first = 0, size_t step = 1) const {
    const size_t stride = reducer_.dim() * sizeof(float);
    MatrixView base = ViewOf(images_.data(), vectors_.rows, dim);
    base.stride = stride;
    MatrixView queries = ViewOf(query_images_.data() + first * reducer_.dim(),
                                (queries_.rows - first + step - 1) / step, dim);
    queries.stride = stride * step;
    const size_t candidates = std::min(options_.rerank, vectors_.rows - own());
    KITH_ASSIGN_OR_RETURN(
        const GroundTruth found,
        ComputeGroundTruth(base, queries, reducer_.reduced_metric(), candidates + own(),
                           options_.threads, options_.progress, options_.stop));
    ReducePoint point;
    point.dim = dim;
    point.variance = reducer_.KeptVariance(dim);
    for (size_t i = 0; i < queries.rows; ++i) {
      const size_t q = first + i * step;
      RowIds ids = OthersOf(found, i, q);
      ids.resize(std::min(ids.size(), candidates));
      const size_t k = options_.k;
      const std::vector<float> all = Distances(q, ids, k);
      ids.resize(k);
      const std::vector<float> nearest = Distances(q, ids, k);
      point.recall += RecallAtK(nearest.data(), k, truth_[q].data(), k, 1, k);
      point.reranked += RecallAtK(all.data(), k, truth_[q].data(), k, 1, k);
    }
    point.recall /= static_cast<double>(queries.rows);
    point.reranked /= static_cast<double>(queries.rows);
    return point;
  }

 private:
  RecallMeter(const Reducer& reducer, const MatrixView& vectors, const MatrixView& queries,
              std::span<const uint64_t> self, const ReduceRecallOptions& options)
      : reducer_(reducer), vectors_(vectors), queries_(queries), self_(self), options_(options) {}

  Status Check() const {
    if (queries_.rows == 0) return Status::InvalidArgument("no queries to measure recall with");
    if (!self_.empty() && self_.size() != queries_.rows) {
      return Status::InvalidArgument(StrCat("there are ", queries_.rows, " queries, but ",
                                            self_.size(), " rows that they are"));
    }
    if (options_.k == 0 || options_.k + own() > vectors_.rows) {
      return Status::InvalidArgument(StrCat("k is ", options_.k, ", but a query has ",
                                            vectors_.rows - own(),
                                            " others to be near to; choose 1 to as many"));
    }
    if (options_.rerank < options_.k) {
      return Status::InvalidArgument(StrCat("to compare ", options_.rerank, " again gives no k = ",
                                            options_.k, "; choose at least that many"));
    }
    return Status::Ok();
  }

  // How many of what is found the query itself may be.
  size_t own() const { return self_.empty() ? 0 : 1; }

  // What was found for the query at `place`, without query q itself.
  RowIds OthersOf(const GroundTruth& found, size_t place, size_t q) const {
    RowIds ids;
    for (size_t i = 0; i < found.k; ++i) {
      const int64_t id = found.ids[place * found.k + i];
      if (self_.empty() || id != static_cast<int64_t>(self_[q])) ids.push_back(id);
    }
    return ids;
  }
  RowIds OthersOf(const GroundTruth& found, size_t q) const { return OthersOf(found, q, q); }

  // The k smallest distances that the originals have, ascending.
  std::vector<float> Distances(size_t q, const RowIds& ids, size_t k) const {
    std::vector<float> query(queries_.dim);
    std::vector<float> row(vectors_.dim);
    data::RowToF32(queries_, q, query.data());
    std::vector<float> distances;
    for (const int64_t id : ids) {
      data::RowToF32(vectors_, static_cast<size_t>(id), row.data());
      distances.push_back(static_cast<float>(
          PreciseDistance(reducer_.metric(), query.data(), row.data(), row.size())));
    }
    std::sort(distances.begin(), distances.end());
    distances.resize(k, std::numeric_limits<float>::infinity());
    return distances;
  }

  Reducer reducer_;
  MatrixView vectors_;
  MatrixView queries_;
  std::span<const uint64_t> self_;
  ReduceRecallOptions options_;
  AlignedBuffer<float> images_;        // [vectors, dim]
  AlignedBuffer<float> query_images_;  // [queries, dim]
  std::vector<std::vector<float>> truth_;
};

Status CheckDims(const std::vector<size_t>& dims, size_t most) {
  for (const size_t dim : dims) {
    if (dim < 1 || dim > most) {
      return Status::InvalidArgument(StrCat("dimension ", dim,
                                            " cannot be measured of a reduction to ", most,
                                            "; choose 1 to ", most));
    }
  }
  return Status::Ok();
}

Result<KeptRecall> FindLeastDim(const RecallMeter& meter, size_t most,
                                const KeepRecallOptions& options) {
  KeptRecall kept;
  const auto keeps = [&](size_t dim) -> Result<bool> {
    KITH_ASSIGN_OR_RETURN(const ReducePoint point, meter.Measure(dim, 0, 2));
    kept.measured.push_back(point);
    return (options.reranked ? point.reranked : point.recall) >= options.recall;
  };
  size_t below = 0;  // the largest that was seen not to keep it
  for (const size_t dim : UsualDims(most)) {
    KITH_ASSIGN_OR_RETURN(const bool enough, keeps(dim));
    if (enough) {
      kept.dim = dim;
      break;
    }
    below = dim;
  }
  if (kept.dim == 0) {
    const ReducePoint& last = kept.measured.back();
    return Status::InvalidArgument(StrCat("all ", most, " dimensions keep ",
                                          options.reranked ? last.reranked : last.recall,
                                          " of the neighbours; ask for less"));
  }
  while (kept.dim - below > 1) {
    const size_t middle = below + (kept.dim - below) / 2;
    KITH_ASSIGN_OR_RETURN(const bool enough, keeps(middle));
    (enough ? kept.dim : below) = middle;
  }
  std::sort(kept.measured.begin(), kept.measured.end(),
            [](const ReducePoint& a, const ReducePoint& b) { return a.dim < b.dim; });
  KITH_ASSIGN_OR_RETURN(kept.point, meter.Measure(kept.dim, 1, 2));
  kept.queries = meter.num_queries() / 2;
  return kept;
}

constexpr char kFewer[] = "measure with fewer vectors or queries";

}  // namespace

Result<std::vector<ReducePoint>> MeasureReduction(const Reducer& reducer, const MatrixView& vectors,
                                                  const MatrixView& queries,
                                                  std::span<const uint64_t> self,
                                                  const ReduceRecallOptions& options) {
  return AtEdge({}, kFewer, [&]() -> Result<std::vector<ReducePoint>> {
    const std::vector<size_t> dims = options.dims.empty() ? UsualDims(reducer.dim()) : options.dims;
    KITH_RETURN_IF_ERROR(CheckDims(dims, reducer.dim()));
    KITH_ASSIGN_OR_RETURN(const RecallMeter meter,
                          RecallMeter::Create(reducer, vectors, queries, self, options));
    std::vector<ReducePoint> points;
    for (const size_t dim : dims) {
      KITH_ASSIGN_OR_RETURN(const ReducePoint point, meter.Measure(dim));
      points.push_back(point);
    }
    return points;
  });
}

Result<SampledQueries> SampleQueries(const MatrixView& vectors, size_t count, uint64_t seed) {
  return AtEdge({}, kFewer, [&]() -> Result<SampledQueries> {
    std::vector<uint64_t> rows(vectors.rows);
    std::iota(rows.begin(), rows.end(), uint64_t{0});
    Rng rng(seed);
    // The beginning of a shuffle.
    const size_t taken = std::min(count, rows.size());
    for (size_t i = 0; i < taken; ++i) {
      std::swap(rows[i], rows[i + rng.Below(static_cast<uint32_t>(rows.size() - i))]);
    }
    rows.resize(taken);
    std::sort(rows.begin(), rows.end());
    SampledQueries queries{std::move(rows), {}};
    queries.values.resize(taken * vectors.dim);
    for (size_t i = 0; i < taken; ++i) {
      data::RowToF32(vectors, queries.rows[i], queries.values.data() + i * vectors.dim);
    }
    return queries;
  });
}

Result<KeptRecall> KeepRecall(const Reducer& reducer, const MatrixView& vectors,
                              const MatrixView& queries, std::span<const uint64_t> self,
                              const KeepRecallOptions& options) {
  return AtEdge({}, kFewer, [&]() -> Result<KeptRecall> {
    if (!(options.recall > 0 && options.recall <= 1)) {
      return Status::InvalidArgument(
          StrCat("the recall to keep is ", options.recall, "; it must be above 0, at most 1"));
    }
    if (queries.rows < 2) {
      return Status::InvalidArgument(
          "one half of the queries chooses and the other one checks; give two or more");
    }
    KITH_ASSIGN_OR_RETURN(const RecallMeter meter,
                          RecallMeter::Create(reducer, vectors, queries, self, options.measure));
    return FindLeastDim(meter, reducer.dim(), options);
  });
}

}  // namespace kith
