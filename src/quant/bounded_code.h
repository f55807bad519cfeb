// 8-bit codes that bound distances: which rows a search may pass over, and still give the answers
// of a full scan bit for bit. docs/exact.md has the proof.
//
// A row is mapped to the point y = x - mean, for the angular metric y = x / |x| - mean, and coded
// as step * c with integers c in [-127, 127]. What is stored with a code says how far y is from it,
// so that a query's distance to the code bounds its distance to y, and with it what the kernels
// would compute.
#ifndef KITH_QUANT_BOUNDED_CODE_H_
#define KITH_QUANT_BOUNDED_CODE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"
#include "simd/kernels.h"

namespace kith::quant {

// Stored for each row. `step` and `error` are bfloat16: rounding them up loses less than the space
// saved gains. A row whose values are beyond the bound's range has an infinite error and is always
// compared in full.
struct CodeBound {
  float norm;  // angular, euclidean: |step c|^2 - error^2, rounded down; dot: |step c|, rounded up
  uint16_t step;
  uint16_t error;  // >= |y - step c|
};
static_assert(sizeof(CodeBound) == 8);

// Codes as stored in a file: blocks of 16 rows, laid out as simd::ScreenFn takes them. What pads
// the last block and the last group of four coordinates is zero. A view, empty if there are none.
struct BoundedCodes {
  Metric metric = Metric::kEuclidean;
  size_t dim = 0;
  std::span<const std::byte> blocks;  // [NumBlocks(rows), BlockBytes(dim)]
  std::span<const float> mean;        // [dim]

  bool empty() const { return blocks.empty(); }
  static constexpr size_t NumBlocks(size_t rows) {
    return (rows + simd::kScreenRows - 1) / simd::kScreenRows;
  }
  static constexpr size_t Groups(size_t dim) { return (dim + 3) / 4; }
  static constexpr size_t BlockBytes(size_t dim) { return simd::ScreenBlockBytes(Groups(dim)); }
};

// Whether rows of this type can be searched through codes at all.
bool HasBoundedCodes(Metric metric, DataType dtype);
// Whether that pays: codes must be much smaller than the rows, and the rows too many for the cache.
bool BoundedCodesPay(Metric metric, DataType dtype, size_t rows, size_t dim);

// What BoundedCodes views.
struct EncodedRows {
  std::vector<float> mean;
  AlignedBuffer<std::byte> blocks;
};

// Codes of rows order[0], order[1], ... Deterministic. Cost: O(rows * dim). Errors: OutOfMemory.
// REQUIRES: HasBoundedCodes(); finite values.
Result<EncodedRows> EncodeBounded(const MatrixView& rows, std::span<const uint32_t> order,
                                  Metric metric, ThreadPool& pool);

// One row's code, signed, and its bound. REQUIRES: code has room for dim.
CodeBound CodeOf(const BoundedCodes& codes, size_t row, int8_t* code);

// What is wrong with the code of a row: that its bound does not hold, or that padding is not zero,
// such as all of the code of a row beyond `rows`. Empty if nothing is.
std::string FaultOfCode(const BoundedCodes& codes, const MatrixView& rows, size_t row);

// Queries coded like rows. Immutable, so thread-safe; keeps the view.
class BoundedQueries {
 public:
  // Prepares rows first + order[0], first + order[1], ... of `queries`.
  // REQUIRES: queries.dim == codes.dim, values finite. Errors: OutOfMemory.
  static Result<BoundedQueries> Create(const BoundedCodes& codes, const MatrixView& queries,
                                       size_t first, std::span<const uint32_t> order);

  size_t size() const { return factors_.size(); }

  // Makes of the query what ScreenFn takes, with terms that rule out no row whose internal
  // distance, as Scorer computes it, is at most `threshold`.
  simd::ScreenQuery Prepared(size_t query, float threshold) const noexcept;

 private:
  struct Factors {
    int32_t offset = 0;  // see ScreenQuery; what follows is rounded up
    double step = 0;
    double error = 0;         // >= |z - step g|, z the query's point and g its code
    double squared_code = 0;  // |step g|^2
    double norm = 0;          // dot: |z|
    double along_mean = 0;    // dot: <mean, z>, to nearest
    bool bounded = false;     // false: out of range, no row is ruled out
  };
  simd::ScreenTerms Terms(const Factors& q, float threshold) const noexcept;
  simd::ScreenTerms DistanceTerms(const Factors& q, float threshold) const noexcept;
  simd::ScreenTerms DotTerms(const Factors& q, float threshold) const noexcept;

  BoundedCodes codes_;
  size_t query_stride_ = 0;
  double mean_norm_ = 0;
  AlignedBuffer<int8_t> queries_;
  std::vector<Factors> factors_;
};

}  // namespace kith::quant

#endif  // KITH_QUANT_BOUNDED_CODE_H_
