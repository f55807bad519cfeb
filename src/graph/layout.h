// A graph as it lies in a file.
//
// Nodes are numbered as positions of the vectors are: node i is the vector at position i. Vectors
// with the same bytes are one node, and the copies lie behind all nodes (section "graph_copies").
#ifndef KITH_GRAPH_LAYOUT_H_
#define KITH_GRAPH_LAYOUT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/aligned_buffer.h"
#include "kith/index.h"
#include "kith/types.h"
#include "quant/edge_code.h"
#include "search/metric_traits.h"

namespace kith::graph {

// Shells that the nodes of a graph may be parted into, at most: shells.h.
inline constexpr size_t kMaxShells = 4;
// How many of the entries are each shell's, in turn, from the outermost in. All are zero where
// there is one shell, as in files of versions that knew no shells.
using ShellEntries = std::array<uint32_t, kMaxShells>;

// Section "graph".
struct Header {
  uint32_t num_nodes;
  uint32_t degree;       // neighbours kept of each node, a multiple of 16
  uint32_t layout;       // a GraphLayout, not kAuto
  uint32_t code_bits;    // of an edge's code; 0 in the compact layout
  uint32_t num_entries;  // nodes that every search looks at first
  float max_norm;        // dot: the largest |x|
  uint32_t own_bytes;    // packed: not 0 if nodes carry their vector rounded to bytes
  ShellEntries shell_entries;
  float reach;  // Outline::reach; 0, as in files of versions that knew none: 1
  // The share of the nodes that a search for themselves, of the default width, finds; 0: not
  // measured.
  float self_recall;
  uint32_t adapted;  // edges that were added for queries given (adapt.h)
  uint8_t reserved[8];
};
static_assert(sizeof(Header) == 64);

inline constexpr std::string_view kHeaderSection = "graph";
inline constexpr std::string_view kNodesSection = "graph_nodes";      // packed: NodeShape
inline constexpr std::string_view kLinksSection = "graph_links";      // compact: u32 [n, R]
inline constexpr std::string_view kEntriesSection = "graph_entries";  // u32 [E]
inline constexpr std::string_view kMeanSection = "graph_mean";        // packed: f32 [dim]
inline constexpr std::string_view kSignsSection = "graph_rotation";   // packed: Rotation
// u32 [num_nodes + 1]: copies of node i are at positions num_nodes + [copies[i], copies[i + 1]).
// Only if there are any.
inline constexpr std::string_view kCopiesSection = "graph_copies";

// Marks a neighbour that is not there.
inline constexpr uint32_t kNoNode = 0xFFFFFFFFu;
// The first entries of a shell, as many as there are, lie evenly spread; of these, a search begins
// at the nearest. It also begins at the first of all and at those that follow: they lead
// everywhere.
inline constexpr size_t kSpreadEntries = 64;
// Walks never look farther than this many times as far as usual beyond the k-th nearest.
inline constexpr float kMostReach = 64;
// Nodes are numbered below this.
inline constexpr uint64_t kMaxNodes = uint64_t{1} << 31;

// What a node's own vector, rounded to bytes, needs besides: it is step * byte in the coordinates
// of the codes.
struct OwnFactors {
  float step;
  float squared_norm;  // of the rounded vector
};

// A packed node: all that a visit reads, in whole cache lines, one read after the other.
//   row      the vector itself, or its rotated coordinates rounded to int8; zero up to a multiple
//   of
//            64 bytes
//   codes    of the residuals to the neighbours (quant/edge_code.h)
//   weights, offsets   bfloat16 [degree] each
//   links    u32 [degree], kNoNode where there are fewer
//   factors  OwnFactors, if the row is rounded
struct NodeShape {
  NodeShape() = default;
  NodeShape(DataType dtype, size_t dim, const quant::EdgeShape& edge_shape, bool own_bytes)
      : edges(edge_shape), row_bytes(own_bytes ? edge_shape.dim : RowBytes(dtype, dim)) {
    codes = RoundUp(row_bytes, kCacheLine);
    weights = codes + edges.code_bytes();
    offsets = weights + edges.degree * sizeof(uint16_t);
    links = offsets + edges.degree * sizeof(uint16_t);
    factors = links + edges.degree * sizeof(uint32_t);
    bytes = RoundUp(factors + (own_bytes ? sizeof(OwnFactors) : 0), kCacheLine);
  }

  quant::EdgeShape edges;
  size_t row_bytes = 0;
  size_t codes = 0;  // where each part begins; the row at 0
  size_t weights = 0;
  size_t offsets = 0;
  size_t links = 0;
  size_t factors = 0;
  size_t bytes = 0;
};

// Whether packed nodes carry their vector rounded to bytes, and what is found is compared in full
// in the end: where that makes them much smaller.
constexpr bool RoundsOwnVector(DataType dtype, size_t dim) {
  return RowBytes(dtype, dim) > dim && RowBytes(dtype, dim) >= 768;
}

// Whether codes of edges can stand for the metric: Manhattan distances are no inner products, and
// bits have nothing left to round.
inline bool HasPackedLayout(Metric metric, DataType dtype) {
  return dtype != DataType::kBit && search::TraitsOf(metric).euclidean;
}

// What codes of edges estimate.
inline quant::EdgeMeasure MeasureOf(Metric metric) {
  return search::TraitsOf(metric).products ? quant::EdgeMeasure::kDot : quant::EdgeMeasure::kL2;
}

}  // namespace kith::graph

#endif  // KITH_GRAPH_LAYOUT_H_
