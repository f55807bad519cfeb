#include "calibration/query_set.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/rng.h"
#include "calibration/drift.h"
#include "calibration/measure.h"
#include "calibration/mixed.h"
#include "calibration/steps.h"
#include "data/convert.h"

namespace kith::calibration {
namespace {

constexpr uint64_t kStream = 0xCA11;  // of random numbers

}  // namespace

Result<QuerySet> QuerySet::Create(std::span<const Site> sites, std::span<const MatrixView> queries,
                                  ThreadPool& pool) {
  QuerySet set;
  set.pool_ = &pool;
  for (size_t s = 0; s < sites.size(); ++s) {
    const MatrixView& from = queries[s];
    std::vector<uint32_t> order(from.rows);
    std::iota(order.begin(), order.end(), 0u);
    Rng rng(from.rows, kStream);
    rng.Shuffle(&order);
    const size_t stride = RowBytes(from.dtype, from.dim);
    Part part;
    part.site = sites[s];
    KITH_ASSIGN_OR_RETURN(part.bytes, data::GatherRows(from, order, stride, pool));
    part.queries = {part.bytes.data(), from.rows, from.dim, stride, from.dtype};
    set.parts_.push_back(std::move(part));
  }
  return set;
}

Result<QuerySet> QuerySet::Mixed(size_t count) const {
  QuerySet mixed;
  mixed.pool_ = pool_;
  for (const Part& from : parts_) {
    const Metric metric = from.site.vectors.table.metric;
    const size_t own = std::min(count, from.queries.rows / 2);
    const DataType dtype = MixedType(metric, from.queries.dtype);
    Part part;
    part.site = from.site;
    KITH_ASSIGN_OR_RETURN(part.bytes, MixPairs(metric, from.queries, own));
    const size_t dim = from.queries.dim;
    part.queries = {part.bytes.data(), own, dim, RowBytes(dtype, dim), dtype};
    mixed.parts_.push_back(std::move(part));
  }
  return mixed;
}

size_t QuerySet::size(size_t at) const {
  size_t size = 0;
  for (const Part& part : parts_) size += part.limits[at].size();
  return size;
}

Status QuerySet::FindTruth(std::span<const uint32_t> ks) {
  ks_.assign(ks.begin(), ks.end());
  for (Part& part : parts_) {
    part.limits.resize(ks_.size());
    for (const bool few : {true, false}) {
      std::vector<size_t> places;  // of the ks whose truth one search finds
      for (size_t i = 0; i < ks_.size(); ++i) {
        if ((ks_[i] <= kFewNeighbours) == few) places.push_back(i);
      }
      if (!places.empty()) KITH_RETURN_IF_ERROR(FindLimits(places, &part));
    }
  }
  return Status::Ok();
}

// For ks_[places], ascending.
Status QuerySet::FindLimits(std::span<const size_t> places, Part* part) {
  std::vector<uint32_t> ks;
  ks.reserve(places.size());
  for (const size_t place : places) ks.push_back(ks_[place]);
  MatrixView queries = part->queries;
  if (ks.back() > kFewNeighbours) {
    queries.rows = std::min(queries.rows, PartOf(kQueriesOfMany, parts_.size()));
  }
  KITH_ASSIGN_OR_RETURN(Truth truth, calibration::FindTruth(part->site.vectors, queries,
                                                            *part->site.filter, ks, *pool_));
  for (size_t i = 0; i < places.size(); ++i) part->limits[places[i]] = std::move(truth.limits[i]);
  if (places[0] != 0) return Status::Ok();
  for (size_t q = 0; q < queries.rows; ++q) {
    part->nearness.push_back(
        calibration::Nearness(part->site.vectors.table.metric, queries, q, truth.nearest[q]));
  }
  return Status::Ok();
}

std::vector<float> QuerySet::Nearness() const {
  std::vector<float> nearness;
  for (const Part& part : parts_) {
    nearness.insert(nearness.end(), part.nearness.begin(), part.nearness.end());
  }
  return nearness;
}

Result<std::vector<uint32_t>> QuerySet::CountHits(Paths paths, const Asked& asked, size_t count,
                                                  SearchStats* stats,
                                                  std::vector<float>* far) const {
  const size_t sites = parts_.size();
  std::vector<uint32_t> hits(count);
  if (far != nullptr) far->resize(count);
  for (size_t s = 0; s < sites && s < count; ++s) {
    const Part& part = parts_[s];
    MatrixView queries = part.queries;
    queries.rows = PartOf(count - s, sites);
    std::vector<float> own_far(far == nullptr ? 0 : queries.rows);
    KITH_ASSIGN_OR_RETURN(const std::vector<uint32_t> own,
                          calibration::CountHits(*paths[s], part.site.vectors.table.metric,
                                                 {.queries = queries,
                                                  .filter = part.site.filter,
                                                  .k = ks_[asked.at],
                                                  .effort = asked.effort,
                                                  .efforts = asked.efforts,
                                                  .far = far == nullptr ? nullptr : own_far.data()},
                                                 part.limits[asked.at], *pool_, stats));
    for (size_t i = 0; i < own.size(); ++i) {
      hits[i * sites + s] = own[i];
      if (far != nullptr) (*far)[i * sites + s] = own_far[i];
    }
  }
  return hits;
}

Result<std::vector<uint32_t>> QuerySet::CountHits(Paths paths, const Asked& asked,
                                                  std::span<const uint32_t> which) const {
  const size_t sites = parts_.size();
  std::vector<uint32_t> hits(which.size());
  for (size_t s = 0; s < sites; ++s) {
    const Part& part = parts_[s];
    std::vector<uint32_t> rows;
    std::vector<double> limits;
    std::vector<size_t> places;
    for (size_t i = 0; i < which.size(); ++i) {
      if (which[i] % sites != s) continue;
      rows.push_back(static_cast<uint32_t>(which[i] / sites));
      limits.push_back(part.limits[asked.at][rows.back()]);
      places.push_back(i);
    }
    if (rows.empty()) continue;
    const MatrixView& from = part.queries;
    KITH_ASSIGN_OR_RETURN(const auto gathered, data::GatherRows(from, rows, from.stride, *pool_));
    SearchStats stats;
    KITH_ASSIGN_OR_RETURN(const std::vector<uint32_t> own,
                          calibration::CountHits(*paths[s], part.site.vectors.table.metric,
                                                 {.queries = {gathered.data(), rows.size(),
                                                              from.dim, from.stride, from.dtype},
                                                  .filter = part.site.filter,
                                                  .k = ks_[asked.at],
                                                  .effort = asked.effort,
                                                  .efforts = asked.efforts},
                                                 limits, *pool_, &stats));
    for (size_t i = 0; i < own.size(); ++i) hits[places[i]] = own[i];
  }
  return hits;
}

}  // namespace kith::calibration
