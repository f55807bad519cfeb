// The graph: every vector linked to near ones, walked best first (docs/graph.md).
#ifndef KITH_INDEX_GRAPH_H_
#define KITH_INDEX_GRAPH_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/huge_buffer.h"
#include "base/pool.h"
#include "index/exact.h"
#include "index/graph_layout.h"
#include "index/graph_walk.h"
#include "kith/index.h"
#include "kith/status.h"
#include "quant/rotation.h"
#include "storage/container.h"

namespace kith {

struct GraphBuildOptions {
  GraphOptions graph;
  Metric metric = Metric::kEuclidean;
  uint64_t seed = 0;
  int threads = 0;
  uint64_t memory = 0;  // most bytes it may take; 0: no limit
  Progress progress;
};

// A graph before it is written. Nodes are positions of `order`.
struct BuiltGraph {
  GraphHeader header{};
  NodeShape shape;                 // packed
  std::vector<uint32_t> order;     // position -> row: the nodes, then the copies of each in turn
  std::vector<uint32_t> copies;    // [num_nodes + 1] as in the file; empty if there are none
  AlignedBuffer<std::byte> nodes;  // packed
  std::vector<uint32_t> links;     // compact
  std::vector<uint32_t> entries;
  std::vector<float> mean;
  std::vector<uint8_t> signs;
};

// Builds the graph of all rows. The result does not depend on the number of threads.
// Cost: about n * (beam * degree * dim) estimates; docs/graph.md has the stages.
// Errors: InvalidArgument (cancelled; degree or bits that do not exist; no packed layout for the
// metric; more memory needed than allowed), OutOfMemory.
Result<BuiltGraph> BuildGraph(const MatrixView& rows, const GraphBuildOptions& options);

// The most memory BuildGraph() takes beside `rows`, in bytes, for a layout that is not kAuto.
uint64_t GraphBuildMemory(size_t num_rows, size_t dim, DataType dtype, Metric metric,
                          const GraphOptions& options);

// Bytes of a node in a layout that is not kAuto.
uint64_t GraphNodeBytes(size_t dim, DataType dtype, const GraphOptions& options);

// Writes the graph's sections.
Status WriteGraph(const BuiltGraph& graph, ContainerWriter* writer);

// The names of the sections above, for ContainerReader::Open.
std::span<const std::string_view> GraphSections();

// A graph in a mapped file. Immutable, thread-safe.
class Graph {
 public:
  ~Graph();
  // O(1). Errors: Corruption.
  static Result<std::unique_ptr<Graph>> Open(std::shared_ptr<const ContainerReader> file,
                                             const StoredVectors& vectors);

  const GraphHeader& header() const { return header_; }
  const GraphView& view() const { return view_; }

  // The width of the beam where nobody says.
  static size_t DefaultWidth(size_t k) { return std::max<size_t>(64, 2 * k); }

  // Copies what walks read to huge pages. Not thread-safe. Errors: OutOfMemory.
  Status UseHugePages();

  // As ExactSearch, by walks with a beam of `ef`, at least k; < 0: the default.
  Status Search(const MatrixView& queries, size_t k, int64_t ef, int threads,
                std::vector<std::vector<Candidate>>* nearest, SearchStats* stats) const;

  // Checks that links name nodes, that every vector is reached from the entries, and that packed
  // nodes hold the vectors at their positions.
  // Cost: O(nodes * degree). Errors: Corruption.
  Status Verify() const;

 private:
  struct Scratch;

  Graph() = default;
  Status OpenPacked();
  Status OpenCompact();
  Status OpenCopies();
  Result<std::unique_ptr<Scratch>> Borrow(size_t walks) const;
  Status SearchSome(const MatrixView& queries, size_t begin, size_t end, size_t k, size_t ef,
                    std::vector<std::vector<Candidate>>* nearest, SearchStats* stats) const;
  void Collect(const Scorer& scorer, size_t slot, TopK* found, size_t k, Scratch* scratch,
               std::vector<Candidate>* nearest, SearchStats* stats) const;

  std::shared_ptr<const ContainerReader> file_;
  StoredVectors vectors_;
  GraphHeader header_{};
  GraphView view_;
  Rotation rotation_;
  std::span<const uint32_t> copies_;
  HugeBuffer huge_;
  mutable Pool<Scratch> scratch_;
};

}  // namespace kith

#endif  // KITH_INDEX_GRAPH_H_
