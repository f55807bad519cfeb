// Building a graph: candidates from trees, edges, then one pass of searches that finds better ones.
#ifndef KITH_GRAPH_BUILD_H_
#define KITH_GRAPH_BUILD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "graph/draft.h"
#include "graph/edges.h"
#include "graph/graph.h"
#include "graph/packed_draft.h"
#include "graph/plant.h"
#include "graph/repair.h"
#include "graph/space.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/stored_vectors.h"
#include "storage/container.h"

namespace kith::graph {

struct BuildRequest {
  GraphOptions graph;
  Metric metric = Metric::kEuclidean;
  uint64_t seed = 0;
  uint64_t memory = 0;  // most bytes it may take; 0: no limit
  Progress progress;
  // Rows, ascending, that Finish() inserts. Those that have copies are linked with the others. Not
  // all rows.
  std::span<const uint32_t> held_out;
};

// Errors: InvalidArgument, of those of Builder::Create().
Status CheckOptions(const MatrixView& rows, const BuildRequest& request);

// The most memory a Builder takes beside the rows, in bytes, for a layout that is not kAuto.
uint64_t BuildMemory(size_t num_rows, size_t dim, DataType dtype, Metric metric,
                     const GraphOptions& options);

// Bytes of a node in a layout that is not kAuto.
uint64_t NodeBytes(size_t dim, DataType dtype, const GraphOptions& options);

// Calls the stages in turn, each in a file of its own: what a stage makes is a value that the next
// ones take. The result does not depend on the number of threads.
class Builder {
 public:
  // All that is referred to must outlive it. Errors: InvalidArgument (degree or bits that
  // do not exist; no packed layout for the metric; more memory needed than allowed).
  static Result<std::unique_ptr<Builder>> Create(const MatrixView& rows,
                                                 const BuildRequest& request, ThreadPool& pool);

  // Builds the graph of all rows but those held out.
  // Cost: about n * (beam * degree * dim) estimates; docs/graph.md has the stages.
  // Errors: InvalidArgument (cancelled), OutOfMemory.
  Status Build();

  // What follows REQUIRES that Build() succeeded.

  // Position -> row: the nodes, those held out behind the others, then the copies.
  const std::vector<uint32_t>& order() const { return planted_.order; }
  // Rows that are no nodes yet.
  std::span<const uint32_t> held_out() const {
    return planted_.nodes().subspan(edges_.table.size());
  }
  // The graph as it is, over the vectors in order(). The builder must outlive it, and do nothing
  // meanwhile.
  std::unique_ptr<Graph> Open(const search::StoredVectors& vectors) const;

  // Inserts the rows held out, and frees what only building needs. Errors: as Build().
  Status Finish();

  Header header() const;
  // Writes the graph's sections. Errors: those of the writer.
  Status Write(storage::ContainerWriter* writer) const;

 private:
  Builder(const MatrixView& rows, const BuildRequest& request, const GraphOptions& options,
          bool measures, ThreadPool& pool)
      : rows_(rows), request_(request), options_(options), measures_(measures), pool_(pool) {}

  void Seal();
  Status BuildShells(const quant::Geometry& geometry, std::span<const uint8_t> shells);
  Result<std::vector<uint8_t>> BetterShells();
  Status Adjust();
  Status Repair();
  bool RoundingMisses() const;
  Result<bool> CodesMiss();
  Result<const NodeVectors*> Stored();
  Status InsertHeldOutRows();
  Result<Edges> FirstEdges(const quant::Geometry& geometry, const std::vector<float>& mean);
  Result<Edges> RefineIn(Draft* draft, const Edges& first, std::string_view stage) const;
  Result<Edges> RefineInLayout(const Edges& first, std::vector<float> mean);
  Result<std::unique_ptr<PackedDraft>> NewPacked(std::vector<float> mean) const;
  Result<std::optional<Edges>> RefinePacked(PackedDraft* draft, const Edges& first) const;

  const MatrixView rows_;
  const BuildRequest request_;
  GraphOptions options_;  // with a layout and a degree
  const bool measures_;   // whether a packed graph may become a compact one
  ThreadPool& pool_;
  float max_norm_ = 0;
  Planted planted_;
  Space space_;
  double too_fine_ = 0;                // Candidates::too_fine, of the space
  bool in_floats_ = false;             // the space is to be of floats
  std::optional<NodeVectors> stored_;  // while walks are compared with those of users
  float self_recall_ = 0;              // as the header has it
  Entries chosen_;                     // those that no part of the graph needed
  Edges edges_;
  std::unique_ptr<Draft> draft_;  // shows edges_
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_BUILD_H_
