// The only source of randomness: seeded, portable, the same on every machine.
#ifndef KITH_BASE_RNG_H_
#define KITH_BASE_RNG_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace kith {
inline namespace base {

// Mixes 64 bits (SplitMix64, Steele et al., OOPSLA 2014). Also turns (seed, stream) pairs into
// independent seeds.
constexpr uint64_t Mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// xoshiro256** (Blackman & Vigna, 2018).
class Rng {
 public:
  explicit Rng(uint64_t seed, uint64_t stream = 0) {
    uint64_t x = Mix64(seed) ^ Mix64(~stream);
    for (uint64_t& s : s_) s = x = Mix64(x);
  }

  uint64_t Next() {
    const uint64_t result = Rotl(s_[1] * 5, 7) * 9;
    const uint64_t t = s_[1] << 17;
    s_[2] ^= s_[0];
    s_[3] ^= s_[1];
    s_[1] ^= s_[2];
    s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = Rotl(s_[3], 45);
    return result;
  }

  // Uniform in [0, n). REQUIRES: 0 < n < 2^32.
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(((Next() >> 32) * n) >> 32); }

  // Any order with the same chance (Fisher-Yates). REQUIRES: fewer than 2^32 elements.
  template <class T>
  void Shuffle(std::vector<T>* v) {
    for (size_t i = v->size(); i > 1; --i) {
      std::swap((*v)[i - 1], (*v)[Below(static_cast<uint32_t>(i))]);
    }
  }

  // Uniform in [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

  // Standard normal by the sum of twelve uniforms less six (Irwin-Hall): no libm call whose last
  // bit differs between machines, and close enough to normal for random directions.
  double Normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum;
  }

 private:
  static uint64_t Rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  uint64_t s_[4];
};

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_RNG_H_
