// Exact search of many queries for the largest inner products: rows that are too short for a query,
// whichever way they point, are ruled out.
#ifndef KITH_SCAN_LENGTH_SEARCH_H_
#define KITH_SCAN_LENGTH_SEARCH_H_

#include "kith/index.h"
#include "kith/status.h"
#include "search/hits.h"
#include "search/request.h"
#include "search/stored_vectors.h"

namespace kith::scan {

// Whether lengths may be worth sorting by for the queries of one request: many queries, many rows,
// few wanted, and a distance that is an inner product.
bool LengthsMayPay(const search::StoredVectors& vectors, const search::Request& request);

// The same answers as ExactSearch(), bit for bit, if the lengths of the rows differ enough for
// that; else *found is false and nothing was done but measuring them. Rows are compared longest
// first, and a query ends where its length times that of the rows to come is less than the product
// of the last that it wants (LEMP: Teflioudi, Gemulla and Mykytiuk, SIGMOD 2015). Of factors of
// what users did, few items are long. Cost: O(n * dim + n log n) for the rows, and for each query
// those that are long enough. Memory: a copy of the rows. REQUIRES: LengthsMayPay(). Errors: those
// of ExactSearch().
Status LengthSearch(const search::StoredVectors& vectors, const search::Request& request,
                    bool* found, search::Hits* hits, SearchStats* stats);

}  // namespace kith::scan

#endif  // KITH_SCAN_LENGTH_SEARCH_H_
