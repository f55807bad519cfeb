#include "learn/cosines.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/math.h"
#include "simd/kernels.h"

namespace kith::learn {
namespace {

constexpr size_t kRowsABlock = 256;
constexpr size_t kBlocksAReport = 512;

// Reads a row's vector and brings it to length 1.
void ReadUnit(const Index& index, uint64_t row, size_t dim, float* out) {
  index.GetVector(row, out);
  const double norm = std::sqrt(SquaredNorm(out, dim));
  if (norm == 0) return;
  for (size_t i = 0; i < dim; ++i) out[i] = static_cast<float>(out[i] / norm);
}

// What a thread works in.
struct Scratch {
  linalg::Matrix rows;
  linalg::Matrix cosines;
};

}  // namespace

Result<linalg::Matrix> UnitVectors(const Index& index, std::span<const uint64_t> rows) {
  const size_t dim = index.info().dim;
  KITH_ASSIGN_OR_RETURN(linalg::Matrix units, linalg::Matrix::Create(rows.size(), dim));
  for (size_t i = 0; i < rows.size(); ++i) {
    std::fill_n(units.row(i), units.stride, 0.0F);
    ReadUnit(index, rows[i], dim, units.row(i));
  }
  return units;
}

Status ForCosines(const Index& index, const linalg::Matrix& queries, uint64_t num_rows,
                  ThreadPool& pool, const Progress& progress,
                  const std::function<Status(const CosineBlock&)>& visit) {
  const size_t dim = index.info().dim;
  const auto tile = simd::GetKernels()
                        .f32[static_cast<int>(DataType::kF32)][static_cast<int>(simd::Op::kDot)]
                        .tile;
  std::vector<Scratch> scratch(static_cast<size_t>(pool.size()));
  for (Scratch& own : scratch) {
    KITH_ASSIGN_OR_RETURN(own.rows, linalg::Matrix::Create(kRowsABlock, dim));
    KITH_ASSIGN_OR_RETURN(own.cosines, linalg::Matrix::Create(queries.rows, kRowsABlock));
  }
  const auto compute = [&](size_t begin, size_t end, int thread) -> Status {
    Scratch& own = scratch[static_cast<size_t>(thread)];
    for (size_t i = begin; i < end; ++i) ReadUnit(index, i, dim, own.rows.row(i - begin));
    tile(reinterpret_cast<const std::byte*>(queries.values.data()), queries.stride * sizeof(float),
         queries.rows, reinterpret_cast<const std::byte*>(own.rows.values.data()),
         own.rows.stride * sizeof(float), end - begin, dim, own.cosines.values.data(),
         own.cosines.stride);
    return visit({begin, end, own.cosines.values.data(), own.cosines.stride, thread});
  };
  constexpr size_t kStep = kRowsABlock * kBlocksAReport;
  for (size_t first = 0; first < num_rows; first += kStep) {
    KITH_RETURN_IF_ERROR(pool.Report(progress, "comparing words", first, num_rows));
    const size_t count = std::min<size_t>(kStep, num_rows - first);
    KITH_RETURN_IF_ERROR(pool.Chunks(count, kRowsABlock, [&](size_t begin, size_t end, int thread) {
      return compute(first + begin, first + end, thread);
    }));
  }
  return Status::Ok();
}

}  // namespace kith::learn
