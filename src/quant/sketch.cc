#include "quant/sketch.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "base/rng.h"
#include "linalg/matrix.h"
#include "linalg/principal.h"
#include "quant/centre.h"
#include "simd/kernels.h"

namespace kith::quant {
namespace {

constexpr size_t kSampleRows = 4096;
constexpr size_t kSampleFloats = size_t{16} << 20;  // bounds the sample's memory in high dimensions
constexpr size_t kSketchedTogether = 64;

const std::byte* Bytes(const float* p) { return reinterpret_cast<const std::byte*>(p); }

simd::TileFn DotTile() {
  return simd::GetKernels()
      .f32[static_cast<size_t>(DataType::kF32)][static_cast<size_t>(simd::Op::kDot)]
      .tile;
}

}  // namespace

SketchMap::SketchMap(std::span<const float> mean, std::span<const float> basis, size_t sketch_dim)
    : mean_(mean), basis_(basis), sketch_dim_(sketch_dim) {}

void SketchMap::Project(float* x, float* out) const {
  for (size_t i = 0; i < dim(); ++i) x[i] -= mean_[i];
  if (basis_.empty()) {
    std::copy(x, x + dim(), out);
    return;
  }
  std::fill(x + dim(), x + ScratchFloats(), 0.0f);
  DotTile()(Bytes(x), ScratchFloats() * sizeof(float), 1, Bytes(basis_.data()),
            dim() * sizeof(float), sketch_dim_, dim(), out, sketch_dim_);
}

size_t SketchDim(size_t dim) { return dim <= kMaxSketchDim ? dim : 48; }

Result<TrainedSketch> TrainSketch(const MatrixView& rows, const Geometry& geometry, uint64_t seed,
                                  ThreadPool& pool, std::span<const uint32_t> only) {
  const size_t dim = geometry.dim();
  const size_t n = only.empty() ? rows.rows : only.size();
  TrainedSketch sketch;
  sketch.sketch_dim = SketchDim(dim);

  // Rows drawn with replacement: as good for means and directions, and simple.
  const size_t samples = std::min({n, kSampleRows, std::max(kSampleFloats / dim, size_t{64})});
  KITH_ASSIGN_OR_RETURN(linalg::Matrix x, linalg::Matrix::Create(samples, dim));
  Rng rng(seed, 1);
  std::vector<double> sum(dim, 0);
  for (size_t i = 0; i < samples; ++i) {
    const size_t pick = samples == n ? i : rng.Below(static_cast<uint32_t>(n));
    geometry.Row(rows, only.empty() ? pick : only[pick], x.row(i));
    for (size_t c = 0; c < dim; ++c) sum[c] += x.row(i)[c];
  }
  sketch.mean.resize(dim);
  for (size_t c = 0; c < dim; ++c) {
    sketch.mean[c] = static_cast<float>(sum[c] / static_cast<double>(samples));
  }
  DropCoarseCentre(
      samples, [&](size_t i) { return x.row(i); }, &sketch.mean);
  if (sketch.sketch_dim == dim) return sketch;

  for (size_t i = 0; i < samples; ++i) {
    for (size_t c = 0; c < dim; ++c) x.row(i)[c] -= sketch.mean[c];
  }
  KITH_ASSIGN_OR_RETURN(const linalg::Matrix basis,
                        linalg::PrincipalDirections(x, sketch.sketch_dim, pool, &rng));
  sketch.basis.resize(sketch.sketch_dim * dim);
  for (size_t i = 0; i < basis.rows; ++i) {
    std::copy(basis.row(i), basis.row(i) + dim, sketch.basis.data() + i * dim);
  }
  return sketch;
}

Result<AlignedBuffer<float>> SketchRows(const MatrixView& rows, const Geometry& geometry,
                                        const SketchMap& map, ThreadPool& pool,
                                        std::span<const uint32_t> order) {
  const size_t stride = SketchStride(map.sketch_dim());
  const size_t n = order.empty() ? rows.rows : order.size();
  KITH_ASSIGN_OR_RETURN(auto sketches, AlignedBuffer<float>::Create(n * stride));
  const size_t dim = map.dim();
  std::vector<linalg::Matrix> scratch(pool.size());
  for (linalg::Matrix& rows_of_thread : scratch) {
    KITH_ASSIGN_OR_RETURN(rows_of_thread, linalg::Matrix::Create(kSketchedTogether, dim));
  }
  KITH_ASSIGN_OR_RETURN(linalg::Matrix columns, linalg::Matrix::Create(dim, map.sketch_dim()));
  for (size_t i = 0; i < map.basis().size(); ++i) columns.row(i % dim)[i / dim] = map.basis()[i];
  const simd::MultiplyFn multiply = simd::GetKernels().multiply;
  KITH_RETURN_IF_ERROR(pool.Chunks(n, kSketchedTogether, [&](size_t begin, size_t end, int thread) {
    linalg::Matrix& x = scratch[thread];
    for (size_t i = begin; i < end; ++i) {
      float* centred = map.basis().empty() ? sketches.data() + i * stride : x.row(i - begin);
      geometry.Row(rows, order.empty() ? i : order[i], centred);
      for (size_t c = 0; c < dim; ++c) centred[c] -= map.mean()[c];
    }
    if (map.basis().empty()) return;
    multiply(x.row(0), x.stride, end - begin, columns.row(0), columns.stride, dim, stride,
             sketches.data() + begin * stride, stride);
  }));
  return sketches;
}

SketchLevels SketchLevels::Around(std::vector<float> centre, float half_range) {
  SketchLevels levels;
  levels.centre = std::move(centre);
  levels.around_zero =
      std::all_of(levels.centre.begin(), levels.centre.end(), [](float v) { return v == 0; });
  levels.step = half_range / 127;
  // Where the range is too small for floats to divide by, nothing is told apart.
  if (!std::isfinite(1 / levels.step)) levels.step = 0;
  return levels;
}

void SketchLevels::Round(const float* sketch, uint8_t* out) const {
  const size_t dim = centre.size();
  const float scale = step > 0 ? 1 / step : 0;
  const float* middle =
      centre.data();  // a store to `out` might change the vector, for all one knows
  for (size_t c = 0; c < dim; ++c) {
    const float level = std::min(std::max((sketch[c] - middle[c]) * scale, -127.0f), 127.0f);
    out[c] = static_cast<uint8_t>(static_cast<int>(level + 128.5f));
  }
  std::fill(out + dim, out + ByteStride(dim), uint8_t{128});
}

Result<ByteSketches> RoundSketches(const float* sketches, size_t n, size_t sketch_dim,
                                   ThreadPool& pool) {
  const size_t stride = SketchStride(sketch_dim);
  const size_t byte_stride = ByteStride(sketch_dim);
  ByteSketches bytes;
  KITH_ASSIGN_OR_RETURN(bytes.rows, AlignedBuffer<uint8_t>::Create(n * byte_stride));
  const size_t samples = std::min(n, kSampleRows);
  std::vector<float> magnitudes(samples);
  float half_range = 0;
  float largest = 0;
  for (size_t c = 0; c < sketch_dim; ++c) {
    for (size_t i = 0; i < samples; ++i) {
      magnitudes[i] = std::abs(sketches[i * n / samples * stride + c]);
    }
    const auto tail = magnitudes.begin() + static_cast<ptrdiff_t>(samples - 1 - samples / 1000);
    std::nth_element(magnitudes.begin(), tail, magnitudes.end());
    half_range = std::max(half_range, *tail);
    largest = std::max(largest, *std::max_element(tail, magnitudes.end()));
  }
  bytes.levels = SketchLevels::Around(std::vector<float>(sketch_dim, 0.0f),
                                      half_range > 0 ? half_range : largest);
  KITH_RETURN_IF_ERROR(pool.Chunks(n, 1024, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; ++i) {
      bytes.levels.Round(sketches + i * stride, bytes.rows.data() + i * byte_stride);
    }
  }));
  return bytes;
}

}  // namespace kith::quant
