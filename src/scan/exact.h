// Exhaustive search: the oracle of everything else.
#ifndef KITH_SCAN_EXACT_H_
#define KITH_SCAN_EXACT_H_

#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"
#include "quant/bounded_code.h"
#include "search/hits.h"
#include "search/request.h"
#include "search/stored_vectors.h"

namespace kith::scan {

// What is wanted of every query, by comparing it with all rows. Rows are streamed in blocks that
// stay in cache for a group of queries, and offered to the queries' collectors as they come:
// scratch is what these hold for each query in flight, never n x q. Where there are codes (by
// position, or empty) and few neighbours are wanted, rows that their codes rule out are passed
// over; of many queries in few dimensions, so are whole boxes of rows (scan/box_search.h), and of
// many by inner product, rows that are too short (scan/length_search.h), and of a filter that lets
// few pass, all others (scan/matches.h). The answer is the same bit for bit. The request's effort
// means nothing here. Cost: O(num_queries * n * dim), less with codes or boxes. Errors: as
// Scorer::Create; OutOfMemory; InvalidArgument (cancelled).
Status ExactSearch(const search::StoredVectors& vectors, const quant::BoundedCodes& codes,
                   const search::Request& request, search::Hits* hits, SearchStats* stats);

}  // namespace kith::scan

#endif  // KITH_SCAN_EXACT_H_
