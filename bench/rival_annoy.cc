// Annoy 1.17: random-projection trees with one priority queue.
#include "rival.h"

#ifdef KITH_HAS_ANNOY

#include <annoylib.h>
#include <kissrandom.h>

#include <filesystem>
#include <limits>

namespace kith::bench {
namespace {

constexpr size_t kSettings = 9;

class AnnoyRival : public Rival {
 public:
  explicit AnnoyRival(uint32_t trees) : trees_(trees) {}
  std::string name() const override { return "Annoy"; }

  void Build(const float* vectors, size_t n, size_t dim) override {
    index_ = std::make_unique<Index>(static_cast<int>(dim));
    for (size_t i = 0; i < n; ++i) index_->add_item(static_cast<int>(i), vectors + i * dim);
    index_->build(static_cast<int>(trees_));
  }

  // Saving maps the file, so that it is searched as its users search it.
  size_t Bytes() override {
    index_->save("rival.ann");
    return std::filesystem::file_size("rival.ann");
  }

  size_t NumSettings() const override { return kSettings; }
  std::string Setting(size_t i) const override { return std::to_string(SearchK(i)); }
  void Use(size_t i) override { search_k_ = SearchK(i); }

  void Query(const float* query, size_t k, float* distances) override {
    ids_.clear();
    found_.clear();
    index_->get_nns_by_vector(query, k, search_k_, &ids_, &found_);
    found_.resize(k, std::numeric_limits<float>::max());
    std::copy(found_.begin(), found_.end(), distances);
  }

 private:
  using Index = Annoy::AnnoyIndex<int, float, Annoy::Euclidean, Annoy::Kiss64Random,
                                  Annoy::AnnoyIndexSingleThreadedBuildPolicy>;
  static int SearchK(size_t i) { return 125 << i; }

  uint32_t trees_;
  std::unique_ptr<Index> index_;
  int search_k_ = 0;
  std::vector<int> ids_;
  std::vector<float> found_;
};

}  // namespace

std::unique_ptr<Rival> MakeAnnoy(uint32_t trees) { return std::make_unique<AnnoyRival>(trees); }

}  // namespace kith::bench

#else

namespace kith::bench {
std::unique_ptr<Rival> MakeAnnoy(uint32_t) { return nullptr; }
}  // namespace kith::bench

#endif
