// Candidates of a search among reduced vectors, compared again by their originals.
#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "base/edge.h"
#include "base/strings.h"
#include "data/convert.h"
#include "kith/eval.h"
#include "kith/reduce.h"

namespace kith {
namespace {

struct Candidate {
  double distance;
  int64_t row;
  bool operator<(const Candidate& o) const {
    return distance != o.distance ? distance < o.distance : row < o.row;
  }
  bool operator==(const Candidate& o) const { return row == o.row; }
};

Status CheckRerank(const MatrixView& originals, const MatrixView& queries,
                   std::span<const int64_t> candidates, size_t num_candidates, size_t k) {
  if (k == 0) return Status::InvalidArgument("k is 0; ask for at least one neighbour");
  if (queries.dim != originals.dim) {
    return Status::InvalidArgument(StrCat("queries have dimension ", queries.dim,
                                          ", the originals have dimension ", originals.dim,
                                          "; give queries that are not reduced"));
  }
  if (candidates.size() != queries.rows * num_candidates) {
    return Status::InvalidArgument(StrCat("there are ", candidates.size(), " candidates, expected ",
                                          num_candidates, " for each of ",
                                          Plural(queries.rows, "query")));
  }
  for (size_t i = 0; i < candidates.size(); ++i) {
    const int64_t row = candidates[i];
    if (row == kNoId || (row >= 0 && static_cast<uint64_t>(row) < originals.rows)) continue;
    return Status::InvalidArgument(StrCat("candidate ", i % num_candidates, " of query ",
                                          i / num_candidates, " is row ", row, ", but there are ",
                                          originals.rows, " originals"));
  }
  return Status::Ok();
}

}  // namespace

Result<SearchResult> Rerank(const MatrixView& originals, const MatrixView& queries, Metric metric,
                            std::span<const int64_t> candidates, size_t num_candidates, size_t k,
                            int threads, std::stop_token stop) {
  return AtEdge({}, "compare fewer candidates", [&]() -> Result<SearchResult> {
    KITH_RETURN_IF_ERROR(CheckRerank(originals, queries, candidates, num_candidates, k));
    ThreadPool pool(threads, std::move(stop));
    KITH_RETURN_IF_ERROR(data::CheckFinite(queries, pool));
    SearchResult result;
    result.num_queries = queries.rows;
    result.k = k;
    result.ids.assign(queries.rows * k, kNoId);
    result.distances.assign(queries.rows * k, std::numeric_limits<float>::infinity());
    KITH_RETURN_IF_ERROR(pool.For(queries.rows, [&](size_t q, int) {
      std::vector<float> query(queries.dim);
      std::vector<float> row(queries.dim);
      data::RowToF32(queries, q, query.data());
      std::vector<Candidate> found;
      for (const int64_t id : candidates.subspan(q * num_candidates, num_candidates)) {
        if (id == kNoId) continue;
        data::RowToF32(originals, static_cast<size_t>(id), row.data());
        found.push_back({PreciseDistance(metric, query.data(), row.data(), row.size()), id});
      }
      std::sort(found.begin(), found.end());
      found.erase(std::unique(found.begin(), found.end()), found.end());
      for (size_t i = 0; i < std::min(k, found.size()); ++i) {
        result.ids[q * k + i] = found[i].row;
        result.distances[q * k + i] = static_cast<float>(found[i].distance);
      }
    }));
    return result;
  });
}

Status SearchReranked(const Index& index, const MatrixView& originals, const MatrixView& queries,
                      const SearchParams& params, size_t candidates, SearchResult* result) {
  return AtEdge({}, "search for fewer queries or candidates at a time", [&]() -> Status {
    const IndexInfo& info = index.info();
    if (originals.rows != info.num_vectors) {
      return Status::InvalidArgument(StrCat("there are ", originals.rows, " originals, but ",
                                            info.path, " has ", Plural(info.num_vectors, "vector"),
                                            "; give those it was built from"));
    }
    SearchParams more = params;
    more.k = std::max(params.k, candidates);
    KITH_RETURN_IF_ERROR(index.Search(queries, more, result));
    for (int64_t& id : result->ids) {
      if (id == kNoId || !info.has_ids) continue;
      KITH_ASSIGN_OR_RETURN(const uint64_t row, index.FindId(id));
      id = static_cast<int64_t>(row);
    }
    const Metric metric = index.reducer() != nullptr ? index.reducer()->metric() : info.metric;
    const size_t k = std::min<size_t>(params.k, result->k);
    KITH_ASSIGN_OR_RETURN(SearchResult reranked, Rerank(originals, queries, metric, result->ids,
                                                        result->k, k, params.threads, params.stop));
    for (int64_t& id : reranked.ids) {
      if (id != kNoId) id = index.Id(static_cast<uint64_t>(id));
    }
    result->k = k;
    result->ids = std::move(reranked.ids);
    result->distances = std::move(reranked.distances);
    return Status::Ok();
  });
}

}  // namespace kith
