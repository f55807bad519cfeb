// Queries made ready for walks.
#ifndef KITH_GRAPH_BATCH_H_
#define KITH_GRAPH_BATCH_H_

#include <cstddef>
#include <optional>
#include <utility>

#include "kith/status.h"
#include "kith/types.h"
#include "search/scorer.h"

namespace kith::graph {

// Walks take queries by their slots, which are in the order of the scorer: [0, size()). Immutable.
class Batch {
 public:
  // Queries [begin, end) of a matrix. `table`: the vectors they are compared with; nullptr if they
  // never are. `rotated`: f32, the same queries as Frame::Map() gives them, or nothing where nobody
  // has them yet. All must outlive it. Errors: those of Scorer::Create().
  static Result<Batch> Create(const search::VectorTable* table, const MatrixView& queries,
                              size_t begin, size_t end, const MatrixView& rotated = {}) {
    Batch batch;
    batch.begin_ = begin;
    batch.size_ = end - begin;
    batch.queries_ = queries;
    batch.rotated_ = rotated;
    if (table != nullptr) {
      KITH_ASSIGN_OR_RETURN(batch.scorer_, search::Scorer::Create(*table, queries, begin, end));
    }
    return batch;
  }

  size_t size() const { return size_; }
  // The row of the matrix that a slot's query is.
  size_t query(size_t slot) const {
    return begin_ + (scorer_.has_value() ? scorer_->order()[slot] : slot);
  }
  const MatrixView& queries() const { return queries_; }
  // nullptr: see Create().
  const search::Scorer* scorer() const { return scorer_.has_value() ? &*scorer_ : nullptr; }
  const float* rotated(size_t slot) const {
    if (rotated_.data == nullptr) return nullptr;
    return reinterpret_cast<const float*>(rotated_.row(query(slot)));
  }

 private:
  Batch() = default;

  size_t begin_ = 0;
  size_t size_ = 0;
  MatrixView queries_;
  MatrixView rotated_;
  std::optional<search::Scorer> scorer_;
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_BATCH_H_
