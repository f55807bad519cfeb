// The nearest rows of queries that lie near each other: what one finds bounds the search of the
// next.
#ifndef KITH_SCAN_NEIGHBOURHOOD_H_
#define KITH_SCAN_NEIGHBOURHOOD_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kith/index.h"
#include "scan/sorted_rows.h"
#include "search/scorer.h"
#include "search/top_k.h"

namespace kith::scan {

// Finds the k nearest rows of all queries of a scorer, given those of its first. By the triangle
// inequality, a query that is d away from one whose k-th row is at r has k rows within r + d. Where
// queries are close, as cells of a map, that is hardly more than what it needs: all of them compare
// the same few leaves, and of these distances few are looked at twice. Keeps memory between groups;
// for one thread.
class Neighbourhood {
 public:
  Neighbourhood(const SortedRows& rows, size_t k) : rows_(rows), k_(k) {}

  // points: [scorer.num_queries(), dim], in the order of slots; box: one around them. `first` are
  // the nearest of slot 0. Writes what slot i found to (*found)[i], for i > 0, and returns true; or
  // false, and has done nothing, if the queries are not near each other but for many rows.
  bool Search(const search::Scorer& scorer, const float* points, const float* box,
              const std::vector<search::Candidate>& first,
              std::vector<std::vector<search::Candidate>>* found, SearchStats* stats);

 private:
  // How far a row at this distance, as kernels compute it, may be; and a distance that no row as
  // far away as this exceeds.
  double Radius(float distance) const;
  float DistanceWithin(double radius) const;
  double Between(const float* a, const float* b) const;

  const SortedRows& rows_;
  const size_t k_;
  std::vector<BoxTree::Node> leaves_;
  std::vector<uint32_t> candidates_;  // rows of all leaves, as users number them
  std::vector<float> distances_;      // [queries, candidates]
  std::vector<uint32_t> near_;
  std::vector<double> radii_;  // of the k-th row of each slot so far
};

}  // namespace kith::scan

#endif  // KITH_SCAN_NEIGHBOURHOOD_H_
