#include "search/search_chunks.h"

#include <utility>
#include <vector>

#include "base/parallel.h"

namespace kith::search {

Status SearchChunks(
    size_t num_queries, size_t chunk, int threads, SearchStats* stats,
    const std::function<Status(size_t begin, size_t end, SearchStats* stats)>& search) {
  threads = ResolveThreads(threads);
  std::vector<SearchStats> parts(threads);
  std::vector<Status> statuses(threads);
  ParallelChunks(num_queries, chunk, threads, [&](size_t begin, size_t end, int thread) {
    Status status = search(begin, end, &parts[thread]);
    if (!status.ok()) statuses[thread] = std::move(status);
  });
  for (int t = 0; t < threads; ++t) {
    KITH_RETURN_IF_ERROR(statuses[t]);
    *stats += parts[t];
  }
  return Status::Ok();
}

}  // namespace kith::search
