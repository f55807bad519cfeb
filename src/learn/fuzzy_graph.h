// The weights of a graph of neighbours by which maps are laid out.
#ifndef KITH_LEARN_FUZZY_GRAPH_H_
#define KITH_LEARN_FUZZY_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "kith/neighbour_graph.h"
#include "kith/status.h"

namespace kith::learn {

// A symmetric matrix in compressed sparse rows, ascending columns, no diagonal.
struct FuzzyGraph {
  std::vector<uint64_t> offsets;     // [rows + 1]
  std::vector<uint32_t> neighbours;  // [edges]
  std::vector<float> weights;        // [edges], above 0 and at most 1

  size_t rows() const { return offsets.size() - 1; }
};

// The fuzzy union of what each row thinks of its neighbours (McInnes, Healy & Melville 2018,
// section 3.1): exp(-(d - rho) / sigma), where rho is the distance of the nearest one that is not a
// copy, and sigma such that a row's weights add up to log2 of its neighbours, itself counted.
// Errors: InvalidArgument (offsets or neighbours out of range, distances that are not finite;
// cancelled), OutOfMemory. Cost: O(edges * log(degree)).
Result<FuzzyGraph> MakeFuzzyGraph(const NeighbourGraph& graph, ThreadPool& pool);

}  // namespace kith::learn

#endif  // KITH_LEARN_FUZZY_GRAPH_H_
