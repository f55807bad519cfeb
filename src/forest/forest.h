// The random-projection forest with Annoy's meaning: n_trees trees, search_k candidate entries
// inspected from one priority queue over all trees, exact distances in the end.
#ifndef KITH_FOREST_FOREST_H_
#define KITH_FOREST_FOREST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/pool.h"
#include "base/thread_pool.h"
#include "forest/trees.h"
#include "forest/walk.h"
#include "kith/index.h"
#include "kith/status.h"
#include "quant/geometry.h"
#include "quant/rotation.h"
#include "quant/short_code.h"
#include "quant/sketch.h"
#include "search/access_path.h"
#include "search/scorer.h"
#include "search/stored_vectors.h"
#include "search/top_k.h"
#include "storage/container.h"

namespace kith::forest {

// A forest before it is written: its sections, and the order of its vectors.
struct Grown {
  Header header{};
  quant::TrainedSketch sketch;
  std::vector<uint32_t> roots;
  std::vector<std::byte> nodes;
  std::vector<std::byte> leaves;
  std::vector<uint8_t> signs;  // of the codes' rotation; empty if there are no codes
  AlignedBuffer<std::byte> codes;
  std::vector<uint32_t> order;  // position -> row
};

struct GrowOptions {
  ForestOptions forest;
  Metric metric = Metric::kEuclidean;
  uint64_t seed = 0;
  Progress progress;
  // Position -> row, if something else orders the vectors; else the first tree's leaves do.
  const std::vector<uint32_t>* order = nullptr;
  // Rows, ascending and distinct, not all, that sketch and planes are not learnt from: they are put
  // into the leaves that these lead to. Hidden, they leave the forest of the others, in which they
  // are queries like any that come later.
  std::span<const uint32_t> held_out = {};
};

// The trees of a forest of n vectors if nobody says.
constexpr uint32_t DefaultTrees(uint64_t n) { return n <= 1000 ? 4 : 32; }

// Bits a coordinate of the codes that candidates are estimated from before they are compared in
// full; 0: that would not be cheaper, and there are none.
int CodeBits(DataType dtype, size_t dim, Metric metric);

// Held-out rows come on top of leaf_size, which is lowered if all of them in one leaf would exceed
// kMaxLeafSize. The largest norm (dot) is that of all rows.
// Cost: O(num_trees * n * depth * sketch_dim). The result does not depend on the threads.
// Peak memory beside the rows: as trees grow, sketches at 5 bytes a coordinate, and nodes and 4
// bytes a row for each tree; then the result and those trees that it does not have yet; then the
// result, codes last.
// Errors: InvalidArgument (cancelled; leaves too large; as many rows held out as kMaxLeafSize),
// OutOfMemory.
Result<Grown> Grow(const MatrixView& rows, const GrowOptions& options, ThreadPool& pool);

// Writes the forest's sections.
Status Write(const Grown& forest, storage::ContainerWriter* writer);

// The names of the sections above, for ContainerReader::Open.
std::span<const std::string_view> Sections();

// A forest to be searched. Immutable, thread-safe.
class Forest final : public search::AccessPath {
 public:
  ~Forest() override;
  // In a mapped file. O(1). Errors: Corruption.
  static Result<std::unique_ptr<Forest>> Open(std::shared_ptr<const storage::ContainerReader> file,
                                              const search::StoredVectors& vectors);
  // In memory. O(1). REQUIRES: `grown`, and what `vectors` views, outlive it; vectors are in
  // grown.order, and of the metric it was grown for.
  static std::unique_ptr<Forest> Create(const Grown& grown, const search::StoredVectors& vectors);

  const Header& header() const { return header_; }

  PathInfo Describe() const override;

  // The effort is search_k: what is wanted is found among so many distinct candidates, at least a
  // fourth of the dimension unless it is 0; by default, eight for each tree and neighbour.
  Status Search(const search::Request& request, search::Hits* hits,
                SearchStats* stats) const override;

  // Trees::Verify(), and what sketches and codes are made with; codes are made again. REQUIRES:
  // opened in a file.
  Status Verify(const Verification& check) const override;

 private:
  struct Scratch;
  struct Parts;

  Forest(const Header& header, const search::StoredVectors& vectors);
  void SetUp(const Parts& parts);
  Result<std::unique_ptr<Scratch>> Borrow() const;
  void Shortlist(size_t k, Scratch* s, SearchStats* stats) const;
  void SelectNearest(size_t k, Scratch* s) const;
  Status SearchOne(const search::Scorer& scorer, size_t slot, const search::Request& request,
                   size_t query, Scratch* s, SearchStats* stats) const;
  size_t CandidatesFor(const search::Request& request, size_t query) const;
  // Parts of Verify().
  Status VerifyHeader(const Verification& check) const;
  Status VerifySketch() const;
  Status VerifyCodes(const Verification& check) const;

  std::shared_ptr<const storage::ContainerReader> file_;  // nullptr: in memory
  const search::StoredVectors vectors_;
  const Header header_;
  const quant::Geometry geometry_;
  const quant::CodeShape code_shape_;
  quant::SketchMap sketch_;
  quant::Rotation rotation_;
  Trees trees_;
  std::span<const std::byte> codes_;
  mutable Pool<Scratch> scratch_;
};

// The forest as a kind of access path.
const search::PathType& Type();

}  // namespace kith::forest

#endif  // KITH_FOREST_FOREST_H_
