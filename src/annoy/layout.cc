#include "annoy/layout.h"

namespace kith::annoy {

Layout MakeLayout(Metric metric, size_t dim, Dialect dialect) {
  Layout layout;
  layout.metric = metric;
  layout.dialect = dialect;
  layout.dim = dim;
  layout.vector_bytes = dim * sizeof(float);
  switch (metric) {
    case Metric::kAngular:
      layout.children = 4;
      layout.norm = 4;  // the first child's place
      layout.vector = 12;
      break;
    case Metric::kEuclidean:
    case Metric::kManhattan:
      layout.offset = 4;
      layout.children = 8;
      layout.vector = 16;
      break;
    case Metric::kDot:
      layout.children = 4;
      layout.factor = 12;
      layout.vector = dialect == Dialect::kReleased ? 16 : 24;
      break;
    case Metric::kHamming:
      layout.children = 4;
      layout.vector = 16;  // aligned for 64-bit words
      layout.vector_bytes = (dim + 63) / 64 * 8;
      break;
  }
  layout.node_size = layout.vector + layout.vector_bytes;
  layout.max_leaf = (layout.node_size - layout.children) / sizeof(int32_t);
  return layout;
}

void PackBits(const float* vector, size_t dim, std::byte* words) {
  for (size_t begin = 0; begin < dim; begin += 64) {
    uint64_t word = 0;
    for (size_t i = begin; i < dim && i < begin + 64; ++i) {
      word |= static_cast<uint64_t>(vector[i] > 0.5f) << (i - begin);
    }
    WriteValue(words + begin / 8, word);
  }
}

void UnpackBits(const std::byte* words, size_t dim, float* vector) {
  for (size_t i = 0; i < dim; ++i) {
    vector[i] = static_cast<float>(ReadWord(words + i / 64 * 8) >> (i % 64) & 1);
  }
}

}  // namespace kith::annoy
