#include "graph/frame.h"

#include <algorithm>
#include <utility>

#include "quant/centre.h"

namespace kith::graph {
namespace {

// The mean of so many rows is close enough to that of all.
constexpr size_t kMeanSample = 1 << 16;

}  // namespace

void Frame::Map(const MatrixView& m, size_t row, float* out) const {
  geometry.Row(m, row, out);
  for (size_t i = 0; i < mean.size(); ++i) out[i] -= mean[i];
  std::fill(out + geometry.dim(), out + dim(), 0.0f);
  rotation.Apply(out);
}

std::vector<float> MeanOf(const MatrixView& rows, const quant::Geometry& geometry) {
  const size_t sample = std::min(rows.rows, kMeanSample);
  std::vector<double> sums(geometry.dim());
  std::vector<float> mean(geometry.dim());
  for (size_t i = 0; i < sample; ++i) {
    geometry.Row(rows, i * rows.rows / sample, mean.data());
    for (size_t j = 0; j < mean.size(); ++j) sums[j] += mean[j];
  }
  for (size_t j = 0; j < mean.size(); ++j) {
    mean[j] = static_cast<float>(sums[j] / static_cast<double>(sample));
  }
  std::vector<float> row(geometry.dim());
  quant::DropCoarseCentre(
      sample,
      [&](size_t i) {
        geometry.Row(rows, i * rows.rows / sample, row.data());
        return row.data();
      },
      &mean);
  return mean;
}

Frame MakeFrame(const quant::Geometry& geometry, std::vector<float> mean,
                std::span<const uint8_t> signs) {
  const size_t dim = quant::Rotation::PaddedDim(geometry.dim());
  return {geometry, std::move(mean), quant::Rotation(dim, signs)};
}

std::vector<uint8_t> SignsOf(const quant::Geometry& geometry, uint64_t seed) {
  return quant::Rotation::RandomSigns(quant::Rotation::PaddedDim(geometry.dim()), seed);
}

}  // namespace kith::graph
