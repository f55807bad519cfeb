// The nearest neighbours of every vector of a file, as one sparse matrix.
#ifndef KITH_NEIGHBOUR_GRAPH_H_
#define KITH_NEIGHBOUR_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

// Which edges a graph of neighbours has: those from a vector to its k nearest; these and their
// reverses; or those whose reverse is there as well.
enum class EdgesKept : uint32_t { kDirected = 0, kEither = 1, kMutual = 2 };

struct NeighbourGraphOptions {
  size_t k = 15;
  // The mean share of the true k nearest that is wanted, from above 0 to 1, which is exact search.
  double recall = 0.95;
  // kAuto takes the cheapest way in for this recall; another one has to be in the file.
  IndexKind index = IndexKind::kAuto;
  EdgesKept edges = EdgesKept::kDirected;
  bool with_self = false;  // each vector is a neighbour of itself, at its distance, beside its k
  uint64_t seed = 42;      // of the trees, where there is no index
  int threads = 0;         // 0: one for each core. The result does not depend on it.
  Progress progress;       // stages "measure", "neighbours"; without an index "trees", "joins"
  std::stop_token stop;    // as in BuildOptions
};

// A matrix of num_rows x num_rows in compressed sparse rows: the neighbours of row i are
// neighbours[offsets[i]] to neighbours[offsets[i + 1]], nearest first, ties by the smaller row.
struct NeighbourGraph {
  uint64_t num_rows = 0;
  std::vector<uint64_t> offsets;     // [num_rows + 1]
  std::vector<uint32_t> neighbours;  // rows, not ids
  std::vector<float> distances;      // as searches tell them
  // Found in the leaves of trees and by local joins, without an index.
  bool joined = false;
  IndexKind index = IndexKind::kExact;  // kAuto where `joined`
  double effort = 0;                    // of `index`; 0: exact, or `joined`
  // Measured with some of the rows against exact search; 1: exact.
  double recall = 1;
  SearchStats stats;  // of all rows

  std::span<const uint32_t> of(uint64_t row) const {
    return {neighbours.data() + offsets[row], static_cast<size_t>(offsets[row + 1] - offsets[row])};
  }
};

// The k nearest of every vector but itself (or num_vectors - 1, if there are fewer). No vector is
// looked for: walks through a graph begin at it, and vectors that lie near each other are searched
// one after the other. The effort is the least that gives the recall for 1,000 of the vectors,
// which are searched exactly as well, so that no calibration is needed. Cost: less than that of as
// many searches of the same recall; exact O(num_vectors^2 * dim). Memory: 8 bytes an edge, and as
// much again for a moment. Errors: InvalidArgument (k of 0, a recall not in (0, 1], a way in that
// is not there or does not reach the recall; cancelled), OutOfMemory. Thread-safe.
Result<NeighbourGraph> MakeNeighbourGraph(const Index& index, const NeighbourGraphOptions& options);

// The same of vectors that are in no index. Where that suits them none is built: candidates from
// the leaves of random-projection trees are improved by local joins (NN-descent: Dong, Moses & Li,
// WWW 2011) until some 1,000 of the vectors, which are searched exactly as well, have the recall.
// Else, as for few vectors, products (dot), more than 128 neighbours or where joins do not reach
// the recall for a part of what exact search takes, an index is built for this one use, or exact
// search is taken, whichever takes less. options.index asks for such an index. Rows are those of
// `vectors`. Errors: those of BuildIndexInMemory(), too. Memory: about 8 * (k + 12) + 2 * dim bytes
// a vector beside the vectors and the edges; more where joins need more edges.
Result<NeighbourGraph> MakeNeighbourGraph(const MatrixView& vectors, Metric metric,
                                          const NeighbourGraphOptions& options);

// The same vectors with other edges: with every reverse, or with those that are there both ways.
// Distances are those of either direction, which are equal. Cost: O(edges * log(degree)).
// Errors: OutOfMemory, InvalidArgument (cancelled).
Result<NeighbourGraph> Symmetrized(const NeighbourGraph& graph, EdgesKept edges, int threads = 0,
                                   std::stop_token stop = {});

// Writes the matrix of distances as scipy.sparse.load_npz() reads it: complete or not at all.
// Errors: IoError, NotFound (no such directory), InvalidArgument (a directory or device).
Status WriteNeighbourGraph(const std::string& path, const NeighbourGraph& graph);

}  // namespace kith

#endif  // KITH_NEIGHBOUR_GRAPH_H_
