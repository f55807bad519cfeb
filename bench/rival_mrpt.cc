// MRPT 2.0: sparse random projections shared by the levels of many trees, and votes. It chooses
// trees, depth and votes for a recall itself, on a sample of the vectors: its best configuration.
#include "rival.h"

#ifdef KITH_HAS_MRPT

#include <Mrpt.h>

#include <limits>
#include <optional>

namespace kith::bench {
namespace {

constexpr double kTargets[] = {0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995};

class MrptRival : public Rival {
 public:
  explicit MrptRival(size_t k) : k_(k) {}
  std::string name() const override { return "MRPT"; }

  void Build(const float* vectors, size_t n, size_t dim) override {
    all_.emplace(vectors, static_cast<int>(dim), static_cast<int>(n));
    all_->grow_autotune(static_cast<int>(k_), -1, -1, -1, -1, -1.0f, 42);
  }

  size_t NumSettings() const override { return std::size(kTargets); }
  std::string Setting(size_t i) const override { return std::to_string(kTargets[i]).substr(0, 5); }
  void Use(size_t i) override { one_.emplace(all_->subset(kTargets[i])); }

  void Query(const float* query, size_t k, float* distances) override {
    ids_.resize(k);
    one_->query(query, ids_.data(), distances);
    for (size_t i = 0; i < k; ++i) {
      if (ids_[i] < 0) distances[i] = std::numeric_limits<float>::max();
    }
  }

 private:
  size_t k_;
  std::optional<Mrpt> all_;
  std::optional<Mrpt> one_;
  std::vector<int> ids_;
};

}  // namespace

std::unique_ptr<Rival> MakeMrpt(size_t k) { return std::make_unique<MrptRival>(k); }

}  // namespace kith::bench

#else

namespace kith::bench {
std::unique_ptr<Rival> MakeMrpt(size_t) { return nullptr; }
}  // namespace kith::bench

#endif
