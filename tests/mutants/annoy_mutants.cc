// Annoy's files, which have no checksums and say nothing of themselves.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "annoy/layout.h"
#include "kith/annoy.h"
#include "memory_file.h"
#include "mutants/kith_parts.h"
#include "mutants/mutant.h"

namespace kith::mutants {
namespace {

constexpr size_t kDims[] = {1, 3, 8, 70};
constexpr Metric kMetrics[] = {Metric::kAngular, Metric::kEuclidean, Metric::kDot,
                               Metric::kManhattan, Metric::kHamming};

struct Shape {
  Metric metric;
  size_t dim;
};

// The seed says the shape, too.
Shape ShapeOf(uint64_t seed) {
  Rng rng(seed, 3);
  return {OneOf(kMetrics, &rng), OneOf(kDims, &rng)};
}

std::unique_ptr<AnnoyIndex> NewIndex(const Shape& shape) {
  auto index = AnnoyIndex::Create(shape.metric, shape.dim);
  Require(index.ok(), "an index that can't be made");
  return std::move(*index);
}

std::string BuildBytes(const Shape& shape) {
  const auto index = NewIndex(shape);
  Rng rng(1);
  std::vector<float> vector(shape.dim);
  for (int64_t id = 0; id < 120; id += id == 20 ? 3 : 1) {
    for (float& x : vector) x = static_cast<float>(rng.Normal());
    Require(index->AddItem(id, vector.data()).ok(), "an item that can't be added");
  }
  Require(index->Build(3, 1).ok(), "trees that can't be built");
  std::string bytes;
  Require(index->ToBytes(&bytes).ok(), "bytes that can't be made");
  return bytes;
}

class Nodes {
 public:
  Nodes(const Shape& shape, std::string bytes, Rng* rng)
      : layout_(annoy::MakeLayout(shape.metric, shape.dim)), bytes_(std::move(bytes)), rng_(rng) {}

  std::string Take() { return std::move(bytes_); }

  void Change() {
    switch (rng_->Below(12)) {
      case 0: return FlipBytes();
      case 1: return SetField(0);  // descendants
      case 2: return SetField(layout_.children);
      case 3: return SetField(layout_.children + 4);
      case 4: return SetFloats();
      case 5: return SameChildren();
      case 6: return CopyNodes();
      case 7: return Resize();
      case 8: return ManyRoots();
      case 9: return Circles();
      case 10: return FullLeaves();
      default: return MoveTrees();
    }
  }

 private:
  size_t count() const { return bytes_.size() / layout_.node_size; }
  size_t Any() const { return rng_->Below(static_cast<uint32_t>(std::max<size_t>(count(), 1))); }

  template <class T>
  void Put(size_t node, size_t field, T value) {
    const size_t at = node * layout_.node_size + field;
    if (at + sizeof(T) <= bytes_.size()) std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }

  void FlipBytes() {
    for (uint32_t i = 0; i < 1 + rng_->Below(8) && !bytes_.empty(); ++i) {
      bytes_[rng_->Below(static_cast<uint32_t>(bytes_.size()))] = static_cast<char>(rng_->Next());
    }
  }
  void SetField(size_t field) {
    const size_t times = Chance(rng_, 3) ? count() : 1 + rng_->Below(4);
    const auto same = static_cast<int32_t>(Telling(rng_, count()));
    const bool all = Chance(rng_, 2);
    for (size_t i = 0; i < times; ++i) {
      Put(Any(), field, all ? same : static_cast<int32_t>(Telling(rng_, count())));
    }
  }
  void SetFloats() {
    const size_t times = Chance(rng_, 3) ? count() : 1 + rng_->Below(4);
    for (size_t i = 0; i < times; ++i) {
      const size_t field =
          Chance(rng_, 2)
              ? 4 * rng_->Below(4)
              : layout_.vector + 4 * rng_->Below(static_cast<uint32_t>(layout_.vector_bytes / 4));
      Put(Any(), field, TellingFloat(rng_));
    }
  }
  void SameChildren() {
    const auto child = static_cast<int32_t>(Any());
    for (size_t i = 120; i < count(); ++i) {
      Put(i, layout_.children, child);
      if (Chance(rng_, 2)) Put(i, layout_.children + 4, child);
    }
  }
  void CopyNodes() {
    const size_t from = Any() * layout_.node_size;
    const size_t to = Any() * layout_.node_size;
    const size_t bytes = std::min((1 + rng_->Below(20)) * layout_.node_size,
                                  bytes_.size() - std::min(bytes_.size(), std::max(from, to)));
    std::memmove(bytes_.data() + to, bytes_.data() + from, bytes);
  }
  void Resize() {
    const uint64_t nodes = std::min<uint64_t>(Telling(rng_, count()), 4000);
    const std::string old = bytes_;
    bytes_.resize(nodes * layout_.node_size + (Chance(rng_, 8) ? rng_->Below(9) : 0));
    for (size_t at = old.size(); !old.empty() && at < bytes_.size(); ++at) {
      bytes_[at] = old[at % old.size()];
    }
  }
  // The last node, a root, over and over.
  void ManyRoots() {
    if (count() == 0) return;
    const std::string root = bytes_.substr((count() - 1) * layout_.node_size, layout_.node_size);
    for (uint32_t i = rng_->Below(3000); i > 0; --i) bytes_ += root;
  }
  // Splits that lead to themselves, to their parents and to each other.
  void Circles() {
    for (size_t i = 120; i < count(); ++i) {
      Put(i, 0, int32_t{1000000});
      Put(i, layout_.children, static_cast<int32_t>(Chance(rng_, 2) ? i : count() - 1));
      Put(i, layout_.children + 4, static_cast<int32_t>(Any()));
    }
  }
  // Leaves of as many items as fit, all of them the same.
  void FullLeaves() {
    const auto item = static_cast<int32_t>(rng_->Below(120));
    for (size_t i = 120; i + 3 < count(); ++i) {
      if (Chance(rng_, 3)) continue;
      Put(i, 0, static_cast<int32_t>(layout_.max_leaf));
      for (size_t j = 0; j < layout_.max_leaf; ++j) Put(i, layout_.children + 4 * j, item);
    }
  }
  void MoveTrees() {
    const int32_t by = static_cast<int32_t>(rng_->Below(7)) - 3;
    for (size_t i = 120; i < count(); ++i) {
      for (size_t side = 0; side < 2; ++side) {
        const size_t at = i * layout_.node_size + layout_.children + 4 * side;
        int32_t child;
        std::memcpy(&child, bytes_.data() + at, sizeof(child));
        Put(i, layout_.children + 4 * side,
            static_cast<int32_t>(static_cast<uint32_t>(child) + by));
      }
    }
  }

  const annoy::Layout layout_;
  std::string bytes_;
  Rng* rng_;
};

std::string Make(uint64_t seed) {
  static std::map<std::pair<Metric, size_t>, std::string> built;
  const Shape shape = ShapeOf(seed);
  std::string& sound = built[{shape.metric, shape.dim}];
  if (sound.empty()) sound = BuildBytes(shape);
  Rng rng(seed, 1);
  Nodes nodes(shape, sound, &rng);
  const uint32_t changes = 1 + rng.Below(4);
  for (uint32_t i = 0; i < changes; ++i) nodes.Change();
  return nodes.Take();
}

void CheckAnswer(const AnnoyIndex& index, const std::vector<int32_t>& ids,
                 const std::vector<float>& distances) {
  Require(ids.size() == distances.size(), "an answer of two sizes");
  const bool largest_first = index.metric() == Metric::kDot;
  for (size_t i = 0; i < ids.size(); ++i) {
    Require(ids[i] >= 0 && static_cast<size_t>(ids[i]) < index.num_items(), "no such item");
    Require(!std::isnan(distances[i]), "a distance that is no number");
    if (i == 0) continue;
    Require(largest_first ? distances[i - 1] >= distances[i] : distances[i - 1] <= distances[i],
            "distances out of order");
  }
}

void Search(const AnnoyIndex& index, Rng* rng) {
  const auto n = static_cast<int64_t>(index.num_items());
  const int64_t counts[] = {-1, 0, 1, 7, n, int64_t{1} << 40};
  const int64_t efforts[] = {-1, 0, 1, 10, 1000, -2, int64_t{1} << 62};
  std::vector<float> vector(index.dim());
  std::vector<int32_t> ids;
  std::vector<float> distances;
  for (int i = 0; i < 4; ++i) {
    for (float& x : vector) x = static_cast<float>(rng->Normal());
    const Status status = index.SearchByVector(vector.data(), OneOf(counts, rng),
                                               OneOf(efforts, rng), &ids, &distances);
    Require(status.ok(), "a search that fails");
    CheckAnswer(index, ids, distances);
  }
  if (n == 0) return;
  for (int i = 0; i < 8; ++i) {
    const auto id = static_cast<int64_t>(rng->Next() % static_cast<uint64_t>(n));
    float distance = 0;
    Require(index.GetItem(id, vector.data()).ok(), "an item that is not there");
    Require(index.Distance(id, n - 1, &distance).ok(), "two items without a distance");
    Require(index.SearchByItem(id, OneOf(counts, rng), OneOf(efforts, rng), &ids, &distances).ok(),
            "a search that fails");
    CheckAnswer(index, ids, distances);
  }
  Require(!index.GetItem(n, vector.data()).ok(), "an item beyond the last");
  const std::vector<float> queries(3 * index.dim(), 0.5f);
  std::vector<int64_t> batch_ids(3 * 9);
  std::vector<float> batch_distances(3 * 9);
  Require(index
              .SearchBatch(queries.data(), 3, 9, OneOf(efforts, rng), 2, batch_ids.data(),
                           batch_distances.data())
              .ok(),
          "a batch that fails");
}

Outcome Use(const std::string& bytes, uint64_t seed) {
  static testing::MemoryFile file;
  Rng rng(seed, 77);
  const auto index = NewIndex(ShapeOf(seed));
  Outcome outcome;
  const bool mapped = Chance(&rng, 2);
  if (mapped) file.Write(bytes);
  const Status loaded = mapped ? index->Load(file.path()) : index->FromBytes(bytes);
  Require(loaded.code() != StatusCode::kInternal, "an internal error");
  if (mapped && Chance(&rng, 64)) (void)GuessAnnoyShapes(file.path());
  outcome.fault = loaded.message();
  if (!loaded.ok()) return outcome;
  outcome.opened = true;
  const Status verified = index->Verify();
  outcome.sound = verified.ok();
  outcome.fault = verified.message();
  Search(*index, &rng);
  return outcome;
}

}  // namespace

Kind Annoy() { return {"annoy", "Annoy's files that lie", Make, Use}; }

}  // namespace kith::mutants
