// Searching an open file.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/edge.h"
#include "base/strings.h"
#include "data/convert.h"
#include "index/index_file.h"
#include "plan/search_plan.h"
#include "reduction/model.h"
#include "search/lengths.h"
#include "search/metric_traits.h"

namespace kith::index {
namespace {

// What to do about a search without memory.
constexpr char kFewerAnswers[] = "search for fewer queries or neighbours at a time";

// Whether the nearest found is nearly always the nearest, so that it tells of the query.
bool FindsNearest(size_t k, double recall) { return recall >= (k >= 10 ? 0.7 : 0.9); }

}  // namespace

SearchParams IndexFile::WithoutAbsent(const SearchParams& params) const {
  SearchParams own = params;
  own.k = static_cast<size_t>(std::min<uint64_t>(params.k, info_.num_vectors));
  return own;
}

Result<MatrixView> IndexFile::OwnQueries(const MatrixView& queries, ThreadPool& pool,
                                         AlignedBuffer<float>* images) const {
  if (!reducer_ || queries.dim != info_.source_dim) return queries;
  KITH_ASSIGN_OR_RETURN(*images, AlignedBuffer<float>::Create(queries.rows * info_.dim));
  const Status reduced = reducer_->model().Apply(queries, 0, queries.rows, images->data(), pool);
  if (reduced.ok()) return ViewOf(images->data(), queries.rows, info_.dim);
  const bool theirs = reduced.code() == StatusCode::kInvalidArgument && !pool.stopped();
  return theirs ? Status(reduced.code(), "queries: " + reduced.message()) : reduced;
}

Status IndexFile::CheckQueries(const MatrixView& queries, size_t k, ThreadPool& pool) const {
  if (k == 0) return Status::InvalidArgument("k is 0; ask for at least one neighbour");
  if (queries.dim != info_.dim) {
    const std::string before =
        reducer_ ? StrCat(", reduced from ", info_.source_dim) : std::string();
    return Status::InvalidArgument(StrCat("queries have dimension ", queries.dim, ", ", info_.path,
                                          " has vectors of dimension ", info_.dim, before));
  }
  Status finite = data::CheckFinite(queries, pool);
  if (finite.ok()) return search::CheckQueryLengths(queries, info_.metric);
  const bool theirs = finite.code() == StatusCode::kInvalidArgument && !pool.stopped();
  return theirs ? Status(finite.code(), "queries: " + finite.message()) : finite;
}

Status IndexFile::Search(const MatrixView& given, const SearchParams& asked,
                         SearchResult* result) const {
  return AtEdge(info_.path, kFewerAnswers, [&]() -> Status {
    ThreadPool pool(asked.threads, asked.stop);
    AlignedBuffer<float> images;
    KITH_ASSIGN_OR_RETURN(const MatrixView queries, OwnQueries(given, pool, &images));
    KITH_RETURN_IF_ERROR(CheckQueries(queries, asked.k, pool));
    const SearchParams params = WithoutAbsent(asked);
    KITH_RETURN_IF_ERROR(
        search::AllocateNeighbours(queries.rows, params.k, &result->ids, &result->distances));
    result->num_queries = queries.rows;
    result->k = params.k;
    result->stats = {};
    result->plan = {};
    result->plans.clear();
    result->drifted = false;
    const RowFilter& filter = *params.filter;
    // What exact search finds and costs does not depend on how many rows are left out.
    const bool exact = params.index == IndexKind::kExact || !info_.has_approximate();
    // Of sets, each query goes as far as it has to.
    KITH_ASSIGN_OR_RETURN(const bool of_sets, HasSets(filter, queries.rows));
    if (exact || filter.passes_all() || of_sets) {
      return SearchRun(queries, 0, queries.rows, params, pool, result);
    }
    // Queries that leave out as many rows are searched together: the k searched for, on which
    // answers that are not exact depend, is then the same for a query alone and among others.
    for (size_t begin = 0, end = 0; begin < queries.rows; begin = end) {
      while (end < queries.rows && filter.NumExcluded(end) == filter.NumExcluded(begin)) ++end;
      KITH_RETURN_IF_ERROR(SearchRun(queries, begin, end, params, pool, result));
    }
    return Status::Ok();
  });
}

Result<bool> IndexFile::HasSets(const RowFilter& filter, size_t num_queries) const {
  bool all = true;
  for (size_t q = 0; q < num_queries; ++q) {
    const RowSet* set = filter.within(q);
    all = all && set != nullptr;
    if (set == nullptr || set->num_rows() == info_.num_vectors) continue;
    return Status::InvalidArgument(StrCat("the filter is a set of ", set->num_rows(), " rows, but ",
                                          info_.path, " has ", info_.num_vectors));
  }
  return all;
}

// Queries [begin, end), which leave out as many rows each.
Status IndexFile::SearchRun(const MatrixView& queries, size_t begin, size_t end,
                            const SearchParams& params, ThreadPool& pool,
                            SearchResult* result) const {
  MatrixView run = queries;
  run.data = run.row(begin);
  run.rows = end - begin;
  const QueriesFrom filter(*params.filter, begin);
  const bool all = run.rows == queries.rows;
  const bool all_pass = run.rows == 0 || filter.passes_all();
  const RowSet* const set = all_pass ? nullptr : filter.within(0);
  const uint64_t excluded = filter.absent() || all_pass ? 0 : filter.NumExcluded(0);
  KITH_ASSIGN_OR_RETURN(const plan::FilteredPlan planned, PlanRun(params, run.rows, set, excluded));
  const SearchPlan& plan = planned.plan;
  if (begin == 0) result->plan = plan;
  if (!all) result->plans.resize(end, plan);
  const search::AccessPath& path = PathOf(plan.index);
  // A scan reads everything, and wants it read ahead.
  if (walked_ && !path.walks() && !scanned_.exchange(true)) {
    file_->file().Advise(MappedFile::Access::kUsual);
  }
  search::Hits hits;
  KITH_RETURN_IF_ERROR(path.Search({.queries = run,
                                    .wanted = search::Wanted::Nearest(params.k),
                                    .pool = &pool,
                                    .filter = begin == 0 ? params.filter : &filter,
                                    .effort = plan.effort,
                                    .efforts = &plan.efforts,
                                    .ladder = planned.ladder.empty() ? nullptr : &planned.ladder},
                                   &hits, &result->stats));
  if (set != nullptr && plan.index != IndexKind::kExact) {
    KITH_RETURN_IF_ERROR(FillUp(run, filter, params.k, pool, &hits, &result->stats));
  }
  const bool asked = params.recall > 0 || params.worst > 0;
  // Of those that pass, the nearest may be far, whatever the query.
  if (set == nullptr && asked && params.watched && drift_.active() &&
      FindsNearest(params.k, plan.recall)) {
    Observe(run, hits);
    // Exact search finds everything, whatever the queries; and who widens knows already.
    const bool certain = plan.index == IndexKind::kExact || params.widen;
    if (!certain && drift_.Notices(run.rows)) result->drifted = true;
  }
  for (size_t q = 0; q < run.rows; ++q) {
    KITH_RETURN_IF_ERROR(pool.CheckStop());
    size_t at = (begin + q) * params.k;
    for (const search::Candidate& c : hits.of(q)) {
      result->ids[at] = ids_.Id(c.row);
      result->distances[at++] = search::UserDistance(info_.metric, c.distance);
    }
  }
  return Status::Ok();
}

Result<plan::FilteredPlan> IndexFile::PlanRun(const SearchParams& params, size_t num_queries,
                                              const RowSet* set, uint64_t excluded) const {
  if (set != nullptr) return plan::PlanFiltered(info_, params, num_queries, set->count());
  plan::FilteredPlan planned;
  KITH_ASSIGN_OR_RETURN(planned.plan, plan::PlanExcluding(info_, params, num_queries, excluded));
  return planned;
}

Status IndexFile::FillUp(const MatrixView& queries, const RowFilter& filter, size_t k,
                         ThreadPool& pool, search::Hits* hits, SearchStats* stats) const {
  search::HitsBuilder filled(queries.rows);
  bool any = false;
  for (size_t q = 0; q < queries.rows; ++q) {
    const auto found = hits->of(q);
    std::vector<search::Candidate>& list = filled.at(q);
    if (found.size() >= std::min<uint64_t>(k, filter.within(q)->count())) {
      list.assign(found.begin(), found.end());
      continue;
    }
    any = true;
    const QueriesFrom own(filter, q);
    MatrixView one = queries;
    one.data = queries.row(q);
    one.rows = 1;
    search::Hits exact;
    KITH_RETURN_IF_ERROR(PathOf(IndexKind::kExact)
                             .Search({.queries = one,
                                      .wanted = search::Wanted::Nearest(k),
                                      .pool = &pool,
                                      .filter = &own},
                                     &exact, stats));
    list = std::move(exact.found);
  }
  if (any) *hits = filled.Take();
  return Status::Ok();
}

void IndexFile::Observe(const MatrixView& queries, const search::Hits& hits) const {
  for (size_t q = 0; q < queries.rows; ++q) {
    if (hits.of(q).empty()) continue;
    const float nearest = search::UserDistance(info_.metric, hits.of(q)[0].distance);
    drift_.Add(calibration::Nearness(info_.metric, queries, q, nearest));
  }
}

Result<SearchPlan> IndexFile::Plan(const SearchParams& params, size_t num_queries) const {
  return CatchAll([&] { return plan::PlanSearch(info_, WithoutAbsent(params), num_queries); });
}

}  // namespace kith::index
