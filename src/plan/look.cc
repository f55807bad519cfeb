#include "plan/look.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/math.h"
#include "data/convert.h"
#include "kith/filter.h"
#include "quant/geometry.h"
#include "scan/exact.h"
#include "search/metric_traits.h"
#include "search/stored_vectors.h"

namespace kith::plan {
namespace {

constexpr size_t kQueries = 128;
constexpr size_t kRows = 32768;
constexpr size_t kLeastRows = 256;
constexpr size_t kBytes = 64 << 20;
constexpr size_t kNeighbours = 20;

// The i-th of `count` places, spread evenly over n.
size_t Place(size_t i, size_t count, size_t n) { return (2 * i + 1) * n / (2 * count); }

// Some rows, as they will be stored, and what exact search needs of them.
struct Sample {
  AlignedBuffer<std::byte> bytes;
  std::vector<float> inverse_norms;
  search::StoredVectors vectors;

  MatrixView rows() const { return vectors.table.rows; }
};

Result<Sample> Take(const MatrixView& vectors, DataType dtype, Metric metric, ThreadPool& pool) {
  const size_t stride = search::RowStride(dtype, vectors.dim);
  const size_t affordable = std::max(kLeastRows, kBytes / stride);
  const size_t count = std::min({vectors.rows, kRows, affordable});
  Sample sample;
  KITH_ASSIGN_OR_RETURN(sample.bytes, AlignedBuffer<std::byte>::Create(count * stride));
  std::fill_n(sample.bytes.data(), count * stride, std::byte{0});
  for (size_t i = 0; i < count; ++i) {
    const size_t row = Place(i, count, vectors.rows);
    KITH_RETURN_IF_ERROR(
        data::ConvertRows(vectors, dtype, row, row + 1, sample.bytes.data() + i * stride, stride));
  }
  const MatrixView rows{sample.bytes.data(), count, vectors.dim, stride, dtype};
  // All are tested where some are not finite: the message names the place.
  if (!data::CheckFinite(rows, pool).ok()) {
    KITH_RETURN_IF_ERROR(data::CheckFinite(vectors, pool));
  }
  KITH_ASSIGN_OR_RETURN(sample.inverse_norms, search::InverseNorms(rows, pool));
  sample.vectors.table.metric = metric;
  sample.vectors.table.rows = rows;
  sample.vectors.table.padded_bytes = stride;
  if (!sample.inverse_norms.empty()) {
    sample.vectors.table.inverse_norms = sample.inverse_norms.data();
  }
  return sample;
}

// Distances in the space where the metric is Euclidean, if it is one. Products depend on lengths: a
// row gets one more coordinate that makes all as long as the longest (quant/geometry.h).
class Distances {
 public:
  Distances(const Sample& sample, Metric metric) : traits_(search::TraitsOf(metric)) {
    if (!traits_.products) return;
    const MatrixView rows = sample.rows();
    std::vector<float> row(rows.dim);
    for (size_t i = 0; i < rows.rows; ++i) {
      data::RowToF32(rows, i, row.data());
      squared_norms_.push_back(SquaredNorm(row.data(), rows.dim));
    }
    largest_ = *std::max_element(squared_norms_.begin(), squared_norms_.end());
  }

  double Of(size_t query, float internal) const {
    const double scaled = double{internal} * traits_.geometry_scale;
    if (traits_.products) {
      return std::sqrt(std::max(0.0, 2 * scaled + squared_norms_[query] + largest_));
    }
    return traits_.squared ? std::sqrt(std::max(0.0, scaled)) : scaled;
  }

 private:
  const search::MetricTraits& traits_;
  std::vector<double> squared_norms_;  // of products
  double largest_ = 0;
};

// The inverse of the dimension around a vector, from the distances of its neighbours, ascending:
// the mean of log(r_k / r_i). Nothing if there are too few that differ.
std::optional<double> InverseDim(std::span<const double> distances) {
  const auto first = std::upper_bound(distances.begin(), distances.end(), 0.0);
  const std::ptrdiff_t others = distances.end() - first - 1;
  if (others < 2) return std::nullopt;  // copies tell nothing
  double logs = 0;
  for (auto at = first; at != distances.end(); ++at) logs += std::log(distances.back() / *at);
  return logs / static_cast<double>(others - 1);
}

// Of all vectors, the mean. Where clusters end, distances jump, and dimensions seem lower than they
// are: the most that 5, 10 or 20 neighbours tell is taken. 0 if nothing differs.
double MeanInverseDim(const std::vector<std::vector<double>>& nearest) {
  double least = 0;
  for (const size_t k : {kNeighbours / 4, kNeighbours / 2, kNeighbours}) {
    double sum = 0;
    double count = 0;
    for (const std::vector<double>& of : nearest) {
      const auto inverse = InverseDim(std::span(of).first(std::min(k, of.size())));
      if (!inverse.has_value()) continue;
      sum += *inverse;
      ++count;
    }
    if (sum > 0 && (least == 0 || sum / count < least)) least = sum / count;
  }
  return least;
}

// How far from their mean some rows are, as a root mean square, where the metric is Euclidean.
double SpreadOf(const MatrixView& rows, Metric metric) {
  const quant::Geometry geometry(metric, rows.dim, 0);
  std::vector<double> mean(geometry.dim());
  std::vector<float> row(geometry.dim());
  double squares = 0;
  for (size_t i = 0; i < rows.rows; ++i) {
    geometry.Query(rows, i, row.data());
    squares += SquaredNorm(row.data(), row.size());
    for (size_t j = 0; j < row.size(); ++j) mean[j] += double{row[j]};
  }
  const auto count = static_cast<double>(rows.rows);
  double of_mean = 0;
  for (const double x : mean) of_mean += x * x / (count * count);
  return std::sqrt(std::max(0.0, squares / count - of_mean));
}

// DataLook::rounding of one vector. A query's coordinates are rounded in 255 steps of a range of
// about three of their standard deviations to each side, which leaves 1 / sqrt(12) of a step; an
// estimate is off by that times the length of an edge, and squares of distances around the 10th
// neighbour's differ by 2 log(2) / dimension of themselves.
double RoundingOf(std::span<const double> distances, double inverse_dim, double share,
                  double spread, size_t dim) {
  constexpr double kTenth = 10;
  // The 10th of all vectors, by the last of those looked at that is no farther.
  const double rank = std::max(1.0, std::floor(kTenth * share));
  const double looked_at = distances[std::min(distances.size(), static_cast<size_t>(rank)) - 1];
  const double tenth = looked_at * std::pow(std::min(1.0, kTenth * share / rank), inverse_dim);
  const double step = 6 * spread / (255 * std::sqrt(static_cast<double>(dim)));
  return tenth > 0 ? step / std::sqrt(12.0) / (std::log(2.0) * inverse_dim * tenth) : 0;
}

}  // namespace

Result<DataLook> LookAt(const MatrixView& vectors, DataType dtype, Metric metric,
                        ThreadPool& pool) {
  DataLook look;
  if (vectors.rows < kLeastRows) return look;
  KITH_ASSIGN_OR_RETURN(const Sample sample, Take(vectors, dtype, metric, pool));
  const MatrixView rows = sample.rows();
  const size_t count = std::min(rows.rows, kQueries);
  std::vector<uint32_t> asked;
  ExcludedRows own;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t row = Place(i, count, rows.rows);
    asked.push_back(static_cast<uint32_t>(row));
    own.Add(std::span(&row, 1));
  }
  KITH_ASSIGN_OR_RETURN(const auto queries, data::GatherRows(rows, asked, rows.stride, pool));
  search::Hits hits;
  SearchStats stats;
  KITH_RETURN_IF_ERROR(
      scan::ExactSearch(sample.vectors, {},
                        {.queries = {queries.data(), count, rows.dim, rows.stride, rows.dtype},
                         .wanted = search::Wanted::Nearest(kNeighbours),
                         .pool = &pool,
                         .filter = &own},
                        &hits, &stats));
  const Distances distances(sample, metric);
  const double spread =
      SpreadOf({queries.data(), count, rows.dim, rows.stride, rows.dtype}, metric);
  const double share = static_cast<double>(rows.rows) / static_cast<double>(vectors.rows);
  std::vector<std::vector<double>> nearest(count);
  for (size_t q = 0; q < count; ++q) {
    for (const search::Candidate& c : hits.of(q)) {
      nearest[q].push_back(distances.Of(asked[q], c.distance));
    }
    std::sort(nearest[q].begin(), nearest[q].end());
  }
  look.rows = rows.rows;
  // All equally far, or copies of each other: there is no dimension to speak of.
  const double inverse = MeanInverseDim(nearest);
  if (inverse <= 0) return look;
  look.intrinsic_dim = 1 / inverse;
  std::vector<double> roundings;
  for (const std::vector<double>& of : nearest) {
    if (!of.empty()) roundings.push_back(RoundingOf(of, inverse, share, spread, rows.dim));
  }
  const auto middle = roundings.begin() + static_cast<std::ptrdiff_t>(roundings.size() / 2);
  std::nth_element(roundings.begin(), middle, roundings.end());
  look.rounding = *middle;
  return look;
}

}  // namespace kith::plan
