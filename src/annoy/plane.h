// Planes that part vectors in two: two-means of a sample.
#ifndef KITH_ANNOY_PLANE_H_
#define KITH_ANNOY_PLANE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "annoy/layout.h"
#include "base/aligned_buffer.h"
#include "base/rng.h"
#include "kith/status.h"

namespace kith::annoy {

// What a split tells apart, and on which side of it each of some items is. Not thread-safe.
class Splitter {
 public:
  // Errors: OutOfMemory.
  static Result<Splitter> Create(const Layout& layout);

  // Chooses a split of the items `ids` (numbers of nodes at `nodes`). REQUIRES: at least two.
  void Choose(const std::byte* nodes, std::span<const uint32_t> ids, Rng* rng);
  // No plane: all items, and all queries, are on it.
  void ChooseNone();
  // margins[i]: above 0 on the positive side of the split, below 0 on the other.
  void Measure(const std::byte* nodes, std::span<const uint32_t> ids, float* margins) const;
  // Writes what searches have to know of the split into a node.
  void Write(std::byte* node) const;

 private:
  Splitter() = default;
  void TakeSample(const std::byte* nodes, std::span<const uint32_t> ids, Rng* rng);
  void TwoMeans(Rng* rng);
  void ChoosePlane();
  void ChooseBit(const std::byte* nodes, std::span<const uint32_t> ids, Rng* rng);

  Layout layout_;
  size_t dim_ = 0;     // of the sample: one more for dot
  size_t stride_ = 0;  // floats from one of its vectors to the next
  size_t count_ = 0;   // of its vectors
  AlignedBuffer<float> sample_;
  AlignedBuffer<float> means_;  // [2, stride_]
  AlignedBuffer<float> normal_;
  float offset_ = 0;
  float factor_ = 0;  // the normal's last coordinate for dot
  uint64_t bit_ = 0;
  bool none_ = false;
};

}  // namespace kith::annoy

#endif  // KITH_ANNOY_PLANE_H_
