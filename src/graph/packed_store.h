// The packed store: a node is a record of its vector and of its neighbours' numbers and codes. A
// visit computes the exact distance of the node and estimates those of all its neighbours from the
// same record (SymphonyQG, Gou et al., SIGMOD 2025).
#ifndef KITH_GRAPH_PACKED_STORE_H_
#define KITH_GRAPH_PACKED_STORE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/prefetch.h"
#include "base/verification.h"
#include "graph/batch.h"
#include "graph/frame.h"
#include "graph/frontier.h"
#include "graph/layout.h"
#include "graph/terms.h"
#include "kith/index.h"
#include "kith/status.h"
#include "quant/edge_code.h"
#include "search/scorer.h"
#include "simd/kernels.h"
#include "storage/container.h"

namespace kith::graph {

// Writes a vector in the coordinates of the codes, rounded, to bytes [dim]; returns what else a
// node keeps of it.
OwnFactors RoundOwn(const float* rotated, size_t dim, int8_t* bytes);

// Immutable and thread-safe but for the setters.
class PackedStore {
 public:
  static constexpr GraphLayout kLayout = GraphLayout::kPacked;
  static constexpr std::string_view kSection = kNodesSection;
  // The distance of a node is computed when it is visited.
  static constexpr bool kMeetsWithDistance = false;

  struct Query {
    const search::Scorer* scorer = nullptr;  // not used of rounded vectors
    size_t slot = 0;
    quant::EdgeQuery codes;
    AlignedBuffer<float> rotated;
    float squared_norm = 0;          // of `rotated`, if vectors are rounded
    AlignedBuffer<float> estimates;  // [degree]
    std::vector<uint16_t> passing;   // [degree / kEdgeLanes], bits
  };

  PackedStore() = default;
  // A view of nodes [outline.num_nodes, shape.bytes]. `rounded`: whether they carry their vectors
  // rounded; `vectors` are then what is compared in full, else its rows are not used.
  PackedStore(const Outline& outline, const NodeShape& shape, const std::byte* nodes, bool rounded,
              const search::VectorTable& vectors, Frame frame);

  // A graph in a file. Errors: Corruption.
  static Result<PackedStore> Open(const storage::ContainerReader& in, const Header& header,
                                  const Outline& outline, const search::VectorTable& vectors);
  // Checks that nodes hold the vectors at their positions and the codes of their edges.
  // REQUIRES: links name nodes. Errors: Corruption, OutOfMemory, InvalidArgument (cancelled).
  Status Verify(const storage::ContainerReader& in, const search::VectorTable& vectors,
                const Verification& check) const;

  const Outline& outline() const { return outline_; }
  const search::VectorTable& table() const { return table_; }
  const NodeShape& shape() const { return shape_; }
  const Frame& frame() const { return frame_; }
  bool rounded() const { return rounded_; }
  size_t row_bytes() const { return shape_.row_bytes; }

  // While a graph is built, it gets more nodes and other entries; its degree stays.
  void set_outline(const Outline& outline) { outline_ = outline; }

  // All that walks read, and the same somewhere else.
  std::span<const std::byte> bytes() const { return {nodes_, outline_.num_nodes * shape_.bytes}; }
  void set_bytes(const std::byte* nodes);
  size_t node_bytes() const { return shape_.bytes; }

  Result<Query> NewQuery() const;
  void Take(const Batch& batch, size_t slot, Query* query) const;
  void Distances(const Query& query, const uint32_t* nodes, size_t count, float* out) const {
    if (rounded_) return RoundedDistances(query, nodes, count, out);
    query.scorer->ScoreIds(query.slot, nodes, count, out);
  }
  void Expand(uint32_t node, Query* query, Frontier* frontier, SearchStats* stats) const;
  void Prefetch(uint32_t node) const {
    // The hardware goes on from where these lines end.
    constexpr size_t kPrefetchedLines = 72;
    PrefetchLines(Node(node), std::min(shape_.bytes, kPrefetchedLines * kCacheLine));
    if (table_.inverse_norms != nullptr) base::Prefetch(table_.inverse_norms + node);
  }
  const uint32_t* Links(uint32_t node) const {
    return reinterpret_cast<const uint32_t*>(Node(node) + shape_.links);
  }

 private:
  Status VerifyEdges(const storage::ContainerReader& in, const MatrixView& rows,
                     const Verification& check) const;
  bool HoldsEdges(uint32_t node, const float* v, const float* const* neighbours, size_t count,
                  std::byte* scratch) const;
  bool Holds(uint32_t node, const MatrixView& rows, float* rotated, int8_t* bytes) const;
  const std::byte* Node(uint32_t node) const { return nodes_ + size_t{node} * shape_.bytes; }
  void RoundedDistances(const Query& query, const uint32_t* nodes, size_t count, float* out) const;

  Outline outline_;
  NodeShape shape_;
  const std::byte* nodes_ = nullptr;
  bool rounded_ = false;
  search::VectorTable table_;
  Frame frame_;
  simd::IdsFn rounded_dot_ = nullptr;
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_PACKED_STORE_H_
