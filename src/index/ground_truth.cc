// ComputeGroundTruth: exact search over vectors that are in no file.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/aligned_buffer.h"
#include "base/parallel.h"
#include "base/strings.h"
#include "data/convert.h"
#include "kith/eval.h"
#include "scan/exact.h"

namespace kith {

Result<GroundTruth> ComputeGroundTruth(const MatrixView& base, const MatrixView& queries,
                                       Metric metric, size_t k, int threads,
                                       const Progress& progress) {
  if (base.rows == 0) return Status::InvalidArgument("no vectors to search: the set is empty");
  if (k == 0) return Status::InvalidArgument("k is 0; ask for at least one neighbour");
  if (base.dim != queries.dim) {
    return Status::InvalidArgument(
        StrCat("queries have dimension ", queries.dim, ", the vectors have dimension ", base.dim));
  }
  KITH_RETURN_IF_ERROR(data::CheckFinite(base));
  KITH_RETURN_IF_ERROR(data::CheckFinite(queries));
  search::StoredVectors vectors{{base, metric, nullptr, 0}, nullptr};
  AlignedBuffer<std::byte> bits;
  if (base.dtype == DataType::kBit) {
    // What pads a borrowed row's last byte is not ours to trust.
    const size_t stride = RowBytes(base.dtype, base.dim);
    KITH_ASSIGN_OR_RETURN(bits, AlignedBuffer<std::byte>::Create(base.rows * stride));
    KITH_RETURN_IF_ERROR(data::ConvertRows(base, base.dtype, 0, base.rows, bits.data(), stride));
    vectors.table.rows.data = bits.data();
    vectors.table.rows.stride = stride;
  }
  std::vector<float> norms;
  if (metric == Metric::kAngular) {
    norms.resize(base.rows);
    ParallelChunks(base.rows, 1024, threads, [&](size_t begin, size_t end, int) {
      std::vector<float> x(base.dim);
      for (size_t i = begin; i < end; ++i) {
        data::RowToF32(base, i, x.data());
        norms[i] = search::InverseNorm(x.data(), base.dim);
      }
    });
    vectors.table.inverse_norms = norms.data();
  }
  GroundTruth truth;
  truth.num_queries = queries.rows;
  truth.k = k;
  KITH_RETURN_IF_ERROR(search::AllocateNeighbours(queries.rows, k, &truth.ids, &truth.distances));
  constexpr size_t kQueriesAtOnce = 4096;  // between two reports of progress
  SearchStats stats;
  for (size_t begin = 0; begin < queries.rows; begin += kQueriesAtOnce) {
    if (progress && !progress("exact search", begin, queries.rows)) {
      return Status::InvalidArgument("cancelled");
    }
    MatrixView part = queries;
    part.data = queries.row(begin);
    part.rows = std::min(kQueriesAtOnce, queries.rows - begin);
    std::vector<std::vector<search::Candidate>> nearest;
    KITH_RETURN_IF_ERROR(scan::ExactSearch(vectors, {}, part, k, threads, &nearest, &stats));
    for (size_t q = 0; q < part.rows; ++q) {
      for (size_t i = 0; i < nearest[q].size(); ++i) {
        truth.ids[(begin + q) * k + i] = nearest[q][i].row;
        truth.distances[(begin + q) * k + i] = search::UserDistance(metric, nearest[q][i].distance);
      }
    }
  }
  return truth;
}

}  // namespace kith
