// The neighbours of many queries, some thousands of queries at a time.
#ifndef KITH_LEARN_NEIGHBOURS_H_
#define KITH_LEARN_NEIGHBOURS_H_

#include <algorithm>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kith/filter.h"
#include "kith/index.h"
#include "kith/status.h"
#include "learn/votes.h"

namespace kith::learn {

// Queries searched for at a time, so that the neighbours of millions need little memory. Many, for
// a search may prepare itself for them (scan/box_search.h).
inline size_t QueriesAtOnce(size_t k) {
  constexpr size_t kNeighbours = size_t{1} << 22;
  return std::clamp<size_t>(kNeighbours / std::max<size_t>(k, 1), 1024, size_t{1} << 17);
}

// The same for the most of these neighbours. Errors: InvalidArgument (none, or none wanted).
Result<SearchParams> ForAll(std::span<const size_t> ks, SearchParams params);

// One of what keeps memory between calls for each thread of a call.
template <class T>
class PerThread {
 public:
  // Each is T(args...). `threads` as users say it.
  template <class... Args>
  explicit PerThread(int threads, const Args&... args)
      : each_(static_cast<size_t>(ResolveThreads(threads)), T(args...)) {}
  T& Of(int thread) { return each_[static_cast<size_t>(thread)]; }

 private:
  std::vector<T> each_;
};

inline std::span<const Voter> First(std::span<const Voter> voters, size_t k) {
  return voters.first(std::min(k, voters.size()));
}

// The neighbours of a query by their rows, nearest first. Errors: those of Index::FindId().
Status VotersOf(const Index& index, const SearchResult& found, size_t query,
                std::vector<Voter>* voters);

// Calls fn(number of the query, span of its voters, thread), which returns a Status, for each query
// once, on params.threads threads at the same time. `done` of `total` queries have been reported
// before. `drifted`, unless nullptr, becomes whether one of the searches says so. Errors: those of
// fn, of Index::Search() and of Progress.
template <class Fn>
Status ForEachNeighbours(const Index& index, const MatrixView& queries, const SearchParams& params,
                         const Progress& progress, uint64_t done, uint64_t total, bool* drifted,
                         Fn&& fn) {
  if (drifted != nullptr) *drifted = false;
  ThreadPool pool(params.threads, params.stop);
  std::vector<std::vector<Voter>> voters(static_cast<size_t>(pool.size()));
  const size_t at_once = QueriesAtOnce(params.k);
  for (size_t begin = 0; begin < queries.rows; begin += at_once) {
    KITH_RETURN_IF_ERROR(pool.Report(progress, "search", done + begin, total));
    MatrixView part = queries;
    part.data = queries.row(begin);
    part.rows = std::min(at_once, queries.rows - begin);
    const QueriesFrom filter(*params.filter, begin);
    SearchParams part_params = params;
    if (!params.filter->passes_all()) part_params.filter = &filter;
    SearchResult found;
    KITH_RETURN_IF_ERROR(index.Search(part, part_params, &found));
    if (drifted != nullptr) *drifted |= found.drifted;
    constexpr size_t kQueriesATask = 256;
    const auto tell = [&](size_t first, size_t last, int thread) -> Status {
      std::vector<Voter>& of_query = voters[static_cast<size_t>(thread)];
      for (size_t q = first; q < last; ++q) {
        KITH_RETURN_IF_ERROR(VotersOf(index, found, q, &of_query));
        KITH_RETURN_IF_ERROR(fn(begin + q, std::span<const Voter>(of_query), thread));
      }
      return Status::Ok();
    };
    KITH_RETURN_IF_ERROR(pool.Chunks(part.rows, kQueriesATask, tell));
  }
  return pool.Report(progress, "search", done + queries.rows, total);
}

// InvalidArgument unless there is one value for each row of the index.
Status CheckOnePerRow(const Index& index, size_t count, const char* what);
// InvalidArgument unless they are finite, and one for each row.
Status CheckValues(const Index& index, std::span<const double> values);
// InvalidArgument unless none is kNoLabel, and there is one for each row.
Status CheckLabels(const Index& index, std::span<const uint32_t> labels);
// InvalidArgument for what means nothing.
Status CheckAveraging(const Index& index, const Averaging& averaging);
Status CheckWeights(const Index& index, NeighbourWeights weights);

}  // namespace kith::learn

#endif  // KITH_LEARN_NEIGHBOURS_H_
