// What all ways of making a graph of neighbours share: its edges, and how recall is measured.
#ifndef KITH_INDEX_NEIGHBOUR_EDGES_H_
#define KITH_INDEX_NEIGHBOUR_EDGES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kith/neighbour_graph.h"
#include "kith/status.h"
#include "kith/types.h"
#include "search/top_k.h"

namespace kith::index {

// Errors: InvalidArgument (a k of 0, a recall that is none).
Status CheckWanted(const NeighbourGraphOptions& options);

// Of n rows, some by chance, spread over all, ascending: those that recall is measured with.
std::vector<uint32_t> SomePositions(size_t n);

// The shares of their true neighbours that rows have found.
class ShareFound {
 public:
  explicit ShareFound(size_t k) : k_(k) {}

  // `limit`: the distance of a row's k-th true neighbour.
  void Add(std::span<const search::Candidate> found, float limit);

  double mean() const;
  double error() const;  // the standard error of the mean

 private:
  size_t k_;
  size_t count_ = 0;
  double sum_ = 0;
  double squares_ = 0;
};

// Edges of all rows, at most so many a row.
class Edges {
 public:
  Edges(size_t rows, size_t width) : width_(width), found_(rows * width), counts_(rows) {}

  void Put(uint32_t row, std::span<const search::Candidate> neighbours);
  void WriteTo(Metric metric, NeighbourGraph* graph) const;

 private:
  const size_t width_;
  std::vector<search::Candidate> found_;  // [rows, width]
  std::vector<uint32_t> counts_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_NEIGHBOUR_EDGES_H_
