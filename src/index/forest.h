// The random-projection forest with Annoy's meaning: n_trees trees, search_k candidate entries
// inspected from one priority queue over all trees, exact distances in the end.
#ifndef KITH_INDEX_FOREST_H_
#define KITH_INDEX_FOREST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/pool.h"
#include "index/exact.h"
#include "index/forest_walk.h"
#include "index/trees.h"
#include "kith/index.h"
#include "kith/status.h"
#include "quant/geometry.h"
#include "quant/rotation.h"
#include "quant/short_code.h"
#include "quant/sketch.h"
#include "storage/container.h"

namespace kith {

// A forest before it is written.
struct GrownForest {
  ForestHeader header{};
  TrainedSketch sketch;
  Geometry geometry;
  std::vector<uint32_t> roots;
  std::vector<std::byte> nodes;
  std::vector<std::byte> leaves;
  std::vector<uint32_t> order;  // position -> row
};

struct GrowOptions {
  ForestOptions forest;
  Metric metric = Metric::kEuclidean;
  uint64_t seed = 0;
  int threads = 0;
  Progress progress;
  // Position -> row, if something else orders the vectors; else the first tree's leaves do.
  const std::vector<uint32_t>* order = nullptr;
};

// The trees of a forest of n vectors if nobody says.
constexpr uint32_t DefaultTrees(uint64_t n) { return n <= 1000 ? 4 : 32; }

// Bits a coordinate of the codes that candidates are estimated from before they are compared in
// full; 0: that would not be cheaper, and there are none.
int ForestCodeBits(DataType dtype, size_t dim, Metric metric);

// Cost: O(num_trees * n * depth * sketch_dim). The result does not depend on the threads.
// Errors: InvalidArgument (cancelled), OutOfMemory.
Result<GrownForest> GrowForest(const MatrixView& rows, const GrowOptions& options);

// Writes the forest's sections, codes included. `rows` are those it was grown on.
Status WriteForest(const GrownForest& forest, const MatrixView& rows, const GrowOptions& options,
                   ContainerWriter* writer);

// The names of the sections above, for ContainerReader::Open.
std::span<const std::string_view> ForestSections();

// A forest in a mapped file. Immutable, thread-safe.
class Forest {
 public:
  ~Forest();
  // O(1). Errors: Corruption.
  static Result<std::unique_ptr<Forest>> Open(std::shared_ptr<const ContainerReader> file,
                                              const StoredVectors& vectors);

  const ForestHeader& header() const { return header_; }

  // As ExactSearch, among search_k distinct candidates, at least a fourth of the dimension unless
  // it is 0; < 0: the default, which is eight for each tree and neighbour.
  Status Search(const MatrixView& queries, size_t k, int64_t search_k, int threads,
                std::vector<std::vector<Candidate>>* nearest, SearchStats* stats) const;

  // As Trees::Verify.
  Status Verify() const;

 private:
  struct Scratch;

  Forest() = default;
  Result<std::unique_ptr<Scratch>> Borrow() const;
  void Shortlist(size_t k, Scratch* s, SearchStats* stats) const;
  void SelectNearest(size_t k, Scratch* s) const;
  void SearchOne(const Scorer& scorer, size_t slot, const MatrixView& queries, size_t query,
                 size_t k, size_t search_k, Scratch* s, std::vector<Candidate>* nearest,
                 SearchStats* stats) const;

  std::shared_ptr<const ContainerReader> file_;
  StoredVectors vectors_;
  ForestHeader header_{};
  Geometry geometry_;
  SketchMap sketch_;
  Rotation rotation_;
  CodeShape code_shape_;
  Trees trees_;
  std::span<const std::byte> codes_;
  mutable Pool<Scratch> scratch_;
};

}  // namespace kith

#endif  // KITH_INDEX_FOREST_H_
