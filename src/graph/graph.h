// The graph: every vector linked to near ones, walked best first (docs/graph.md).
#ifndef KITH_GRAPH_GRAPH_H_
#define KITH_GRAPH_GRAPH_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/huge_buffer.h"
#include "base/pool.h"
#include "base/thread_pool.h"
#include "graph/layout.h"
#include "graph/walk.h"
#include "kith/index.h"
#include "kith/status.h"
#include "quant/rotation.h"
#include "search/stored_vectors.h"
#include "storage/container.h"

namespace kith::graph {

// A graph's sections, in a file or in memory.
struct Parts {
  Header header{};
  std::span<const std::byte> nodes;  // packed
  std::span<const uint32_t> links;   // compact
  std::span<const uint32_t> entries;
  std::span<const uint32_t> copies;
  std::span<const float> mean;
  std::span<const uint8_t> signs;
  uint32_t first_copy = 0;  // the position of the first copy: behind all nodes
};

struct BuildRequest {
  GraphOptions graph;
  Metric metric = Metric::kEuclidean;
  uint64_t seed = 0;
  uint64_t memory = 0;  // most bytes it may take; 0: no limit
  Progress progress;
  // Rows, ascending, that are inserted when all others are linked, and then only: before that, the
  // graph is shown to `inspect`. Those that have copies are linked with the others. Not all rows.
  std::span<const uint32_t> held_out;
  // Is given the order in which vectors will lie and the graph so far. Held-out rows are at
  // positions [header.num_nodes, first_copy).
  std::function<Status(const std::vector<uint32_t>& order, const Parts& parts)> inspect;
};

// A graph before it is written. Nodes are positions of `order`.
struct Built {
  Header header{};
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
Result<Built> Build(const MatrixView& rows, const BuildRequest& options, ThreadPool& pool);

inline constexpr uint32_t kDefaultDegree = 32;

// Errors: InvalidArgument, of those of Build().
Status CheckOptions(const MatrixView& rows, const BuildRequest& options);

// The most memory Build() takes beside `rows`, in bytes, for a layout that is not kAuto.
uint64_t BuildMemory(size_t num_rows, size_t dim, DataType dtype, Metric metric,
                     const GraphOptions& options);

// Bytes of a node in a layout that is not kAuto.
uint64_t NodeBytes(size_t dim, DataType dtype, const GraphOptions& options);

// Writes the graph's sections.
Status Write(const Built& graph, storage::ContainerWriter* writer);

// The names of the sections above, for ContainerReader::Open.
std::span<const std::string_view> Sections();

// A graph in a mapped file. Immutable, thread-safe.
class Graph {
 public:
  ~Graph();
  // O(1). Errors: Corruption.
  static Result<std::unique_ptr<Graph>> Open(std::shared_ptr<const storage::ContainerReader> file,
                                             const search::StoredVectors& vectors);

  // A graph in memory, which the caller keeps. REQUIRES: what the file's would be checked for.
  static std::unique_ptr<Graph> Create(const Parts& parts, const search::StoredVectors& vectors);

  const Header& header() const { return parts_.header; }
  const View& view() const { return view_; }

  // The width of the beam where nobody says.
  static size_t DefaultWidth(size_t k) { return std::max<size_t>(64, 2 * k); }

  // Copies what walks read to huge pages. Not thread-safe. Errors: OutOfMemory.
  Status UseHugePages();

  // As ExactSearch, by walks with a beam of `ef`; < 0: the default. A fraction is the share of
  // queries, chosen by their values, whose beam is one wider. Below k, beams are of k and walks end
  // the sooner.
  Status Search(const MatrixView& queries, size_t k, double ef, ThreadPool& pool,
                std::vector<std::vector<search::Candidate>>* nearest, SearchStats* stats) const;

  // Checks that links name nodes, that every vector is reached from the entries, and that packed
  // nodes hold the vectors at their positions.
  // Cost: O(nodes * degree). Errors: Corruption.
  Status Verify(const ThreadPool& pool) const;

 private:
  struct Scratch;

  Graph() = default;
  static Status ReadParts(const storage::ContainerReader& in, const search::StoredVectors& vectors,
                          Parts* parts);
  void Use(const Parts& parts, const search::StoredVectors& vectors);
  Result<std::unique_ptr<Scratch>> Borrow(size_t walks) const;
  Status SearchSome(const MatrixView& queries, size_t begin, size_t end, size_t k, double ef,
                    const ThreadPool& pool, std::vector<std::vector<search::Candidate>>* nearest,
                    SearchStats* stats) const;
  void Collect(const search::Scorer& scorer, size_t slot, search::TopK* found, size_t k,
               Scratch* scratch, std::vector<search::Candidate>* nearest, SearchStats* stats) const;

  std::shared_ptr<const storage::ContainerReader> file_;
  search::StoredVectors vectors_;
  Parts parts_;
  View view_;
  quant::Rotation rotation_;
  HugeBuffer huge_;
  mutable Pool<Scratch> scratch_;
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_GRAPH_H_
