// Distances of queries to stored vectors: all that the indexes know of metrics and element types.
#ifndef KITH_SEARCH_SCORER_H_
#define KITH_SEARCH_SCORER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "kith/status.h"
#include "kith/types.h"
#include "search/metric_traits.h"
#include "simd/kernels.h"

namespace kith::search {

// Stored vectors and what is needed to compare with them. A view.
struct VectorTable {
  MatrixView rows;
  Metric metric = Metric::kEuclidean;
  const float* inverse_norms = nullptr;  // [rows], angular only: 1 / |x|, 0 for a zero vector
  // Bytes of a row, its own and zeros after them, for whole vectors of a kernel; 0: no zeros.
  size_t padded_bytes = 0;
};

// 1 / |x| of `dim` floats, 0 for a zero vector; the largest float where it is beyond that.
float InverseNorm(const float* x, size_t dim);

// Queries, converted once to what the kernels take. Integral queries against 8-bit or bit vectors
// are compared in integers, all others in float32; each query's answer is the same alone or in a
// batch. Immutable, so thread-safe. Keeps pointers into the table.
class Scorer {
 public:
  // Prepares queries [begin, end). REQUIRES: queries.dim == table.rows.dim, values finite.
  // Errors: OutOfMemory; InvalidArgument (a squared norm overflows float32).
  static Result<Scorer> Create(const VectorTable& table, const MatrixView& queries, size_t begin,
                               size_t end);

  size_t num_queries() const { return order_.size(); }
  const VectorTable& table() const { return table_; }

  // Queries are kept with the float ones first; slot i holds query order()[i] of the batch. Those
  // before num_float() are float.
  const std::vector<uint32_t>& order() const { return order_; }
  size_t num_float() const { return num_float_; }

  // out[i * out_stride + j] = internal distance of slot slot_begin + i to row row_begin + j.
  // REQUIRES: the slots are all float or all native.
  void ScoreRows(size_t slot_begin, size_t slot_end, size_t row_begin, size_t row_end, float* out,
                 size_t out_stride) const noexcept;

  // The same but for the last step from what kernels give (dot products where the metric has them)
  // to distances, which FindNear() does for the few rows that matter.
  void ScoreRowsRaw(size_t slot_begin, size_t slot_end, size_t row_begin, size_t row_end,
                    float* out, size_t out_stride) const noexcept;

  // Of a slot's raw scores of rows [row_begin, row_begin + n): writes each position whose distance
  // is <= limit to near [n], ascending, and the distance in place of its score. Returns their
  // number.
  size_t FindNear(size_t slot, size_t row_begin, size_t n, float limit, float* scores,
                  uint32_t* near) const noexcept;

  // out[i] = internal distance of the slot to row ids[i]. REQUIRES: ids are valid rows.
  void ScoreIds(size_t slot, const uint32_t* ids, size_t num_ids, float* out) const noexcept;

 private:
  Scorer() = default;
  const std::byte* Query(size_t slot) const;
  const float* NormsFrom(size_t row) const;
  void Finish(size_t slot, const float* inverse_norms, float* out, size_t n) const noexcept;
  void FinishIds(size_t slot, const uint32_t* ids, float* out, size_t n) const noexcept;
  void ScoreDecoded(size_t slot, const uint32_t* ids, size_t first, size_t n,
                    float* out) const noexcept;

  VectorTable table_;
  DistanceForm form_ = DistanceForm::kSum;  // of the table's metric
  const simd::Kernels* kernels_ = nullptr;
  simd::DistanceKernel float_kernel_;
  simd::DistanceKernel native_kernel_;
  size_t float_dim_ = 0;  // what the kernels are told: coordinates, or bytes of bits, with padding
  size_t native_dim_ = 0;
  size_t num_float_ = 0;
  size_t float_stride_ = 0;
  size_t native_stride_ = 0;
  AlignedBuffer<std::byte> float_queries_;
  AlignedBuffer<std::byte> native_queries_;
  std::vector<uint32_t> order_;
  std::vector<float> inverse_norms_;  // of each slot, angular only
};

}  // namespace kith::search

#endif  // KITH_SEARCH_SCORER_H_
