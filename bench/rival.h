// Another library, as the benchmarks drive it.
#ifndef KITH_BENCH_RIVAL_H_
#define KITH_BENCH_RIVAL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kith::bench {

// Vectors are float32 [n, dim]; angular ones come divided by their norms, so that every rival may
// work with Euclidean distances.
class Rival {
 public:
  virtual ~Rival() = default;
  virtual std::string name() const = 0;

  // Indexes the vectors, which outlive the rival. One thread.
  virtual void Build(const float* vectors, size_t n, size_t dim) = 0;
  // What it keeps on disk, vectors included; 0 if it has no file of its own.
  virtual size_t Bytes() { return 0; }

  // The settings of its one knob, from fast to accurate.
  virtual size_t NumSettings() const = 0;
  virtual std::string Setting(size_t setting) const = 0;
  // Not timed.
  virtual void Use(size_t setting) = 0;
  // The Euclidean distances of the k nearest, ascending; the largest float for those missing.
  virtual void Query(const float* query, size_t k, float* distances) = 0;
};

// Each is null if the benchmark was built without its source.
std::unique_ptr<Rival> MakeAnnoy(uint32_t trees);
std::unique_ptr<Rival> MakeMrpt(size_t k);

}  // namespace kith::bench

#endif  // KITH_BENCH_RIVAL_H_
