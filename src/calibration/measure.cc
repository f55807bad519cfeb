#include "calibration/measure.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "quant/bounded_code.h"
#include "scan/exact.h"
#include "search/metric_traits.h"
#include "search/recall_limit.h"

namespace kith::calibration {
namespace {

// Codes for an exact search of so many queries, which finds the same with them in a quarter of the
// time; empty where making them would take longer than they save, or there is no memory for them.
Result<quant::EncodedRows> CodesFor(const search::VectorTable& table, size_t num_queries,
                                    ThreadPool& pool) {
  constexpr size_t kEnoughQueries = 1024;
  const MatrixView& rows = table.rows;
  if (num_queries < kEnoughQueries ||
      !quant::BoundedCodesPay(table.metric, rows.dtype, rows.rows, rows.dim)) {
    return quant::EncodedRows();
  }
  std::vector<uint32_t> order(rows.rows);
  std::iota(order.begin(), order.end(), 0u);
  auto encoded = quant::EncodeBounded(rows, order, table.metric, pool);
  if (!encoded.ok() && encoded.status().code() == StatusCode::kOutOfMemory) {
    return quant::EncodedRows();
  }
  return encoded;
}

}  // namespace

Result<Truth> FindTruth(const search::StoredVectors& vectors, const MatrixView& queries,
                        const RowFilter& filter, std::span<const uint32_t> ks, ThreadPool& pool) {
  const Metric metric = vectors.table.metric;
  const size_t num_queries = queries.rows;
  KITH_ASSIGN_OR_RETURN(const quant::EncodedRows encoded,
                        CodesFor(vectors.table, num_queries, pool));
  quant::BoundedCodes codes;
  if (encoded.blocks.size() > 0) {
    codes = {metric, vectors.table.rows.dim,
             std::span(encoded.blocks.data(), encoded.blocks.size()), encoded.mean};
  }
  search::Hits hits;
  SearchStats stats;
  KITH_RETURN_IF_ERROR(scan::ExactSearch(vectors, codes,
                                         {.queries = queries,
                                          .wanted = search::Wanted::Nearest(ks.back()),
                                          .pool = &pool,
                                          .filter = &filter},
                                         &hits, &stats));
  Truth truth;
  truth.nearest.resize(num_queries);
  truth.limits.assign(ks.size(), std::vector<double>(num_queries));
  for (size_t q = 0; q < num_queries; ++q) {
    const std::span<const search::Candidate> found = hits.of(q);
    // Distances too large for floats may leave fewer.
    const auto distance = [&](size_t i) {
      return i < found.size() ? search::UserDistance(metric, found[i].distance)
                              : std::numeric_limits<float>::infinity();
    };
    truth.nearest[q] = distance(0);
    for (size_t i = 0; i < ks.size(); ++i) {
      truth.limits[i][q] = search::RecallLimit(distance(ks[i] - 1));
    }
  }
  return truth;
}

Result<std::vector<uint32_t>> CountHits(const search::AccessPath& path, Metric metric,
                                        const Measurement& search, std::span<const double> limits,
                                        ThreadPool& pool, SearchStats* stats) {
  search::Hits nearest;
  SearchStats own;
  KITH_RETURN_IF_ERROR(path.Search({.queries = search.queries,
                                    .wanted = search::Wanted::Nearest(search.k),
                                    .pool = &pool,
                                    .filter = search.filter,
                                    .effort = search.effort,
                                    .efforts = search.efforts,
                                    .far = search.far},
                                   &nearest, &own));
  *stats += own;
  std::vector<uint32_t> hits(search.queries.rows);
  for (size_t q = 0; q < hits.size(); ++q) {
    const std::span<const search::Candidate> found = nearest.of(q);
    hits[q] = static_cast<uint32_t>(
        std::count_if(found.begin(), found.end(), [&](const search::Candidate& c) {
          return search::UserDistance(metric, c.distance) <= limits[q];
        }));
  }
  return hits;
}

}  // namespace kith::calibration
