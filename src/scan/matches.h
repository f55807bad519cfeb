// Exact search of the rows of a set: of filters that let few rows pass.
#ifndef KITH_SCAN_MATCHES_H_
#define KITH_SCAN_MATCHES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kith/filter.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/hits.h"
#include "search/request.h"
#include "search/scorer.h"
#include "search/stored_vectors.h"

namespace kith::scan {

// The positions of a set's rows. Ascending, so that they are read in the order in which they lie,
// where that is cheap to have: of large sets, and where `sorted` says that it is worth it.
std::vector<uint32_t> PositionsOf(const search::StoredVectors& vectors, const RowSet& set,
                                  bool sorted);

// Nanoseconds of comparing a query with so many rows of so many bytes that lie here and there, of
// the group's size that share each row once it is read.
double MatchesNs(double rows, double row_bytes, size_t num_queries);

// Rows that are compared with all queries of a group while they are in the cache.
inline constexpr size_t kMatchesAtOnce = 256;

// Offers the vectors at some positions that are near enough, and pass, to a collector
// (search/top_k.h, search/within.h) of a slot's query. REQUIRES: the positions are valid;
// `distances` has room for them.
template <class Collector>
void OfferMatches(const search::Scorer& scorer, size_t slot, const search::StoredVectors& vectors,
                  std::span<const uint32_t> positions, const RowFilter& filter, size_t query,
                  float* distances, Collector* to) {
  scorer.ScoreIds(slot, positions.data(), positions.size(), distances);
  for (size_t i = 0; i < positions.size(); ++i) {
    if (distances[i] > to->threshold()) continue;
    const uint32_t row = vectors.RowAt(positions[i]);
    if (filter.Passes(query, row)) to->Offer(distances[i], row);
  }
}

// Whether going through the sets of the request's filter is expected to take less than comparing
// all rows.
bool MatchesPay(const search::StoredVectors& vectors, const search::Request& request);

// What ExactSearch() finds, by comparing each query with the rows of its set alone, and of these
// with those that pass. REQUIRES: the filter has a set for each query. Errors: those of
// ExactSearch().
Status MatchSearch(const search::StoredVectors& vectors, const search::Request& request,
                   search::Hits* hits, SearchStats* stats);

}  // namespace kith::scan

#endif  // KITH_SCAN_MATCHES_H_
