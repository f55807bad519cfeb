// Exact search of many queries among points of few dimensions, as on a map: whole boxes of rows are
// ruled out instead of being compared one by one.
#ifndef KITH_SCAN_BOX_SEARCH_H_
#define KITH_SCAN_BOX_SEARCH_H_

#include "kith/index.h"
#include "kith/status.h"
#include "search/hits.h"
#include "search/request.h"
#include "search/stored_vectors.h"

namespace kith::scan {

// Whether boxes are worth making for the queries of one request: many queries, many rows, few
// dimensions, and a distance that is a sum over them.
bool BoxesPay(const search::StoredVectors& vectors, const search::Request& request);

// The same answers as ExactSearch(), bit for bit. Rows and queries are gathered in the leaves of
// k-d trees (Friedman, Bentley & Finkel, ACM TOMS 1977) that live as long as the call. A query
// compares the leaves whose boxes are not farther than what it has found; those of one leaf share
// them, and each bounds the next (neighbourhood.h). Cost: O(n log n) for the trees, about O(log n +
// k) a query in few dimensions. stats->nodes counts boxes. REQUIRES: BoxesPay(). Errors: those of
// ExactSearch().
Status BoxSearch(const search::StoredVectors& vectors, const search::Request& request,
                 search::Hits* hits, SearchStats* stats);

}  // namespace kith::scan

#endif  // KITH_SCAN_BOX_SEARCH_H_
