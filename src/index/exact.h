// Exhaustive search: the oracle of everything else.
#ifndef KITH_INDEX_EXACT_H_
#define KITH_INDEX_EXACT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"
#include "quant/bounded_code.h"
#include "search/scorer.h"
#include "search/top_k.h"

namespace kith {

// Stored vectors in their internal order, and the row numbers users know them by.
struct StoredVectors {
  VectorTable table;
  const uint32_t* rows = nullptr;  // [n] internal position -> row; nullptr: the same
  BoundedCodes codes;              // by position, or empty

  // A damaged file may name rows that are not there.
  uint32_t RowAt(uint32_t position) const {
    return rows == nullptr ? position
                           : std::min(rows[position], static_cast<uint32_t>(table.rows.rows - 1));
  }
};

// The k nearest rows of every query by comparing with all: (*nearest)[query], sorted, with internal
// distances. Rows are streamed in blocks that stay in cache for a group of queries, and offered to
// the queries' top-k as they come: scratch is O(k) for each query in flight, never n x q. Where
// there are codes and k is small, rows that their codes rule out are passed over; the answer is
// the same bit for bit.
// Cost: O(num_queries * n * dim). Errors: as Scorer::Create.
Status ExactSearch(const StoredVectors& vectors, const MatrixView& queries, size_t k, int threads,
                   std::vector<std::vector<Candidate>>* nearest, SearchStats* stats);

// Makes room for k neighbours of each query, all absent: kNoId and +inf.
// Errors: InvalidArgument (more places than any machine holds), OutOfMemory.
Status AllocateNeighbours(size_t num_queries, size_t k, std::vector<int64_t>* ids,
                          std::vector<float>* distances);

}  // namespace kith

#endif  // KITH_INDEX_EXACT_H_
