// ComputeGroundTruth: exact search over vectors that are in no file.
#include <algorithm>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/edge.h"
#include "base/strings.h"
#include "data/convert.h"
#include "kith/eval.h"
#include "scan/exact.h"
#include "search/lengths.h"
#include "search/metric_traits.h"
#include "search/stored_vectors.h"

namespace kith::index {
namespace {

Result<GroundTruth> FindTruth(const MatrixView& base, const MatrixView& queries, Metric metric,
                              size_t k, const Progress& progress, ThreadPool& pool) {
  if (base.rows == 0) return Status::InvalidArgument("no vectors to search: the set is empty");
  if (k == 0) return Status::InvalidArgument("k is 0; ask for at least one neighbour");
  k = std::min(k, base.rows);  // nobody has more
  if (base.dim != queries.dim) {
    return Status::InvalidArgument(
        StrCat("queries have dimension ", queries.dim, ", the vectors have dimension ", base.dim));
  }
  KITH_RETURN_IF_ERROR(data::CheckFinite(base, pool));
  KITH_RETURN_IF_ERROR(data::CheckFinite(queries, pool));
  search::StoredVectors vectors{{base, metric, nullptr, 0}, nullptr};
  AlignedBuffer<std::byte> bits;
  if (base.dtype == DataType::kBit) {
    // What pads a borrowed row's last byte is not ours to trust.
    const size_t stride = RowBytes(base.dtype, base.dim);
    KITH_ASSIGN_OR_RETURN(bits, data::ConvertAllRows(base, base.dtype, stride, pool));
    vectors.table.rows.data = bits.data();
    vectors.table.rows.stride = stride;
  }
  KITH_ASSIGN_OR_RETURN(const std::vector<float> norms, search::InverseNorms(base, pool));
  KITH_RETURN_IF_ERROR(search::CheckLengths(norms, metric));
  KITH_RETURN_IF_ERROR(search::CheckQueryLengths(queries, metric));
  if (search::TraitsOf(metric).unit_length()) vectors.table.inverse_norms = norms.data();
  GroundTruth truth;
  truth.num_queries = queries.rows;
  truth.k = k;
  KITH_RETURN_IF_ERROR(search::AllocateNeighbours(queries.rows, k, &truth.ids, &truth.distances));
  constexpr size_t kQueriesAtOnce = 4096;  // between two reports of progress
  SearchStats stats;
  for (size_t begin = 0; begin < queries.rows; begin += kQueriesAtOnce) {
    KITH_RETURN_IF_ERROR(pool.Report(progress, "exact search", begin, queries.rows));
    MatrixView part = queries;
    part.data = queries.row(begin);
    part.rows = std::min(kQueriesAtOnce, queries.rows - begin);
    search::Hits hits;
    KITH_RETURN_IF_ERROR(scan::ExactSearch(
        vectors, {}, {.queries = part, .wanted = search::Wanted::Nearest(k), .pool = &pool}, &hits,
        &stats));
    for (size_t q = 0; q < part.rows; ++q) {
      KITH_RETURN_IF_ERROR(pool.CheckStop());
      size_t at = (begin + q) * k;
      for (const search::Candidate& c : hits.of(q)) {
        truth.ids[at] = c.row;
        truth.distances[at++] = search::UserDistance(metric, c.distance);
      }
    }
  }
  return truth;
}

}  // namespace

}  // namespace kith::index

namespace kith {

Result<GroundTruth> ComputeGroundTruth(const MatrixView& base, const MatrixView& queries,
                                       Metric metric, size_t k, int threads,
                                       const Progress& progress, std::stop_token stop) {
  return AtEdge({}, "search for fewer queries or neighbours at a time", [&] {
    ThreadPool pool(threads, std::move(stop));
    return index::FindTruth(base, queries, metric, k, progress, pool);
  });
}

}  // namespace kith
