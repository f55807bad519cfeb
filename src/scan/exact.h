// Exhaustive search: the oracle of everything else.
#ifndef KITH_SCAN_EXACT_H_
#define KITH_SCAN_EXACT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"
#include "quant/bounded_code.h"
#include "search/scorer.h"
#include "search/stored_vectors.h"
#include "search/top_k.h"

namespace kith::scan {

// The k nearest rows of every query by comparing with all: (*nearest)[query], sorted, with internal
// distances. `codes` are by position, or empty. Rows are streamed in blocks that stay in cache for
// a group of queries, and offered to the queries' top-k as they come: scratch is O(k) for each
// query in flight, never n x q. Where there are codes and k is small, rows that their codes rule
// out are passed over; the answer is the same bit for bit. Cost: O(num_queries * n * dim). Errors:
// as Scorer::Create; InvalidArgument (cancelled).
Status ExactSearch(const search::StoredVectors& vectors, const quant::BoundedCodes& codes,
                   const MatrixView& queries, size_t k, ThreadPool& pool,
                   std::vector<std::vector<search::Candidate>>* nearest, SearchStats* stats);

}  // namespace kith::scan

#endif  // KITH_SCAN_EXACT_H_
