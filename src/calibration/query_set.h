// Queries that recall is measured with, and the vectors that each of them is asked of.
#ifndef KITH_CALIBRATION_QUERY_SET_H_
#define KITH_CALIBRATION_QUERY_SET_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kith/filter.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"
#include "search/access_path.h"
#include "search/stored_vectors.h"

namespace kith::calibration {

// Vectors, of which those that pass the filter are searched. What it refers to must outlive all
// that is made of it.
struct Site {
  search::StoredVectors vectors;
  const RowFilter* filter = nullptr;

  size_t NumSearched() const { return vectors.table.rows.rows - filter->NumExcluded(0); }
};

// One search of many queries.
struct Asked {
  size_t at = 0;  // which of the ks
  double effort = 0;
  // As in search::Request: what single queries get.
  const QueryEfforts* efforts = nullptr;
};

// Queries in random order, so that the first of them are a fair sample, each asked of one of the
// sites: query q of site q % sites. A recall is the mean over all of them.
class QuerySet {
 public:
  QuerySet() = default;

  // `queries`: of each site as many. Errors: OutOfMemory.
  static Result<QuerySet> Create(std::span<const Site> sites, std::span<const MatrixView> queries,
                                 ThreadPool& pool);
  // Mixtures of two queries of a site each (mixed.h), `count` of a site at most. Errors:
  // OutOfMemory.
  Result<QuerySet> Mixed(size_t count) const;

  bool empty() const { return parts_.empty(); }
  // How many queries there are of ks[at], once their neighbours are known.
  size_t size(size_t at) const;

  // Finds the true neighbours by exact search, for `ks`, ascending. Cost: O(queries * n * dim).
  // Errors: OutOfMemory, InvalidArgument (cancelled).
  Status FindTruth(std::span<const uint32_t> ks);
  std::span<const uint32_t> ks() const { return ks_; }
  // How far each query is from its nearest, as drift is told by.
  std::vector<float> Nearness() const;

  // How many of the ks[at] nearest of the first `count` queries, or of those in `which`, are found
  // by a search, which is one of the path of each site. `far`: where to note how far each is, as in
  // search::Request. Adds to `stats`. Errors: those of the search.
  using Paths = std::span<const search::AccessPath* const>;
  Result<std::vector<uint32_t>> CountHits(Paths paths, const Asked& asked, size_t count,
                                          SearchStats* stats, std::vector<float>* far) const;
  Result<std::vector<uint32_t>> CountHits(Paths paths, const Asked& asked,
                                          std::span<const uint32_t> which) const;

 private:
  // The queries of one site.
  struct Part {
    Site site;
    AlignedBuffer<std::byte> bytes;
    MatrixView queries;
    // limits[i][q]: the largest distance that is among the ks[i] nearest of query q.
    std::vector<std::vector<double>> limits;
    std::vector<float> nearness;
  };
  Status FindLimits(std::span<const size_t> places, Part* part);

  std::vector<Part> parts_;
  std::vector<uint32_t> ks_;
  ThreadPool* pool_ = nullptr;
};

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_QUERY_SET_H_
