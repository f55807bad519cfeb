// .kith files behind Annoy's interface.
#ifndef KITH_PYTHON_ANNOY_KITH_H_
#define KITH_PYTHON_ANNOY_KITH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "kith/annoy.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::python {

// Whether a file of this name is to be a .kith file.
bool IsKithName(const std::string& path);

// Writes the items of an index to a .kith file, with the way in that kith chooses, and their ids
// where there are holes. Memory: a copy of the items, and what BuildIndex takes.
// Errors: those of BuildIndex; InvalidArgument (no items).
Status SaveAsKith(const AnnoyIndex& annoy, const std::string& path, const Progress& progress,
                  const std::stop_token& stop);

// An open .kith file that answers as an AnnoyIndex would: Annoy's distances, fewer answers rather
// than empty places. Immutable and thread-safe. Errors are those of kith::AnnoyIndex.
class KithAsAnnoy {
 public:
  // Errors: those of OpenIndex; Corruption if the file is of another metric or dimension.
  static Result<std::shared_ptr<const KithAsAnnoy>> Open(const std::string& path, Metric metric,
                                                         size_t dim, bool prefault,
                                                         const std::stop_token& stop);

  const Index& index() const { return *index_; }
  const std::string& path() const { return index_->info().path; }
  const std::string& absolute_path() const { return index_->info().absolute_path; }
  // 1 + the largest id.
  int64_t num_items() const { return num_items_; }
  // Of its forest; 0 without one.
  size_t num_trees() const {
    const PathInfo* forest = index_->info().path_of(IndexKind::kForest);
    return forest == nullptr ? 0 : forest->number("trees");
  }

  // Zeros for a hole.
  Status GetItem(int64_t id, float* out) const;
  Status Distance(int64_t i, int64_t j, float* distance) const;

  // As AnnoyIndex::SearchByVector of each query, [num_queries, dim], on `threads` threads. Query i
  // has ids[i * k] to ids[i * k + found[i]], where k is returned.
  //   search_k  -1: so much that recall@k is 0.95, if the file was calibrated for k, else kith's
  //             default; 0: none is found; any other number < 0, or more than there are: exact.
  //             Otherwise, of a forest, the vectors compared; of a graph, the neighbours read.
  struct Answer {
    SearchResult result;
    size_t k = 0;
    std::vector<size_t> found;

    // To [num_queries, n]; the rest becomes kNoId and infinity, negative for dot.
    void CopyTo(Metric metric, size_t n, int64_t* ids, float* distances) const;
  };
  Status Search(const float* queries, size_t num_queries, int64_t n, int64_t search_k, int threads,
                Answer* answer, const std::stop_token& stop = {}) const;

 private:
  KithAsAnnoy(std::unique_ptr<Index> index, int64_t num_items)
      : index_(std::move(index)), num_items_(num_items) {}

  SearchParams ParamsFor(size_t num_queries, int64_t n, int64_t search_k) const;

  std::unique_ptr<Index> index_;
  int64_t num_items_;
};

}  // namespace kith::python

#endif  // KITH_PYTHON_ANNOY_KITH_H_
