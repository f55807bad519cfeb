// A fast random rotation: spreads every vector's energy evenly over its coordinates.
#ifndef KITH_QUANT_ROTATION_H_
#define KITH_QUANT_ROTATION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kith::quant {

// Three rounds of random signs and a Walsh-Hadamard transform (Ailon & Chazelle, STOC 2006); where
// the dimension is no power of two, the transform acts on the first and the last coordinates in
// turn, followed by a butterfly over both halves (as in the RaBitQ library's FHT-Kac rotation).
// Orthogonal. Cost: O(dim log dim). Thread-safe.
class Rotation {
 public:
  static constexpr size_t kRounds = 4;

  // Bytes of signs that a rotation of this dimension needs.
  static constexpr size_t SignBytes(size_t dim) { return kRounds * ((dim + 7) / 8); }
  static std::vector<uint8_t> RandomSigns(size_t dim, uint64_t seed);

  // The dimension a rotation works in: the next even number.
  static constexpr size_t PaddedDim(size_t dim) { return (dim + 1) / 2 * 2; }

  Rotation() = default;
  // REQUIRES: dim == PaddedDim(dim), signs.size() == SignBytes(dim).
  Rotation(size_t dim, std::span<const uint8_t> signs);

  size_t dim() const { return dim_; }
  // Rotates x[0..dim) in place.
  void Apply(float* x) const;

 private:
  size_t dim_ = 0;
  // [kRounds, dim]: what each round multiplies the coordinates by, signs and scales in one.
  std::vector<float> factors_;
};

}  // namespace kith::quant

#endif  // KITH_QUANT_ROTATION_H_
