// Queries that pass over the rows together.
#ifndef KITH_SCAN_GROUP_H_
#define KITH_SCAN_GROUP_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kith/filter.h"
#include "quant/bounded_code.h"
#include "search/scorer.h"
#include "search/stored_vectors.h"

namespace kith::scan {

// Ready to be compared with rows, with their codes if those are used, and to offer what is near.
// Slots are those of the scorer.
struct QueryGroup {
  const search::StoredVectors* vectors = nullptr;
  search::Scorer scorer;
  std::optional<quant::BoundedQueries> coded;
  const RowFilter* filter = nullptr;  // nullptr: every row passes
  size_t first_query = 0;             // of the batch

  // Offers the vector at a position to the slot's collector (search/top_k.h, search/within.h).
  template <class Collector>
  void Offer(size_t slot, float distance, size_t position, Collector* to) const {
    if (distance > to->threshold()) return;
    const uint32_t row = vectors->RowAt(static_cast<uint32_t>(position));
    if (filter != nullptr && !filter->Passes(first_query + scorer.order()[slot], row)) return;
    to->Offer(distance, row);
  }
};

}  // namespace kith::scan

#endif  // KITH_SCAN_GROUP_H_
