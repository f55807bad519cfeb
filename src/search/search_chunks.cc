#include "search/search_chunks.h"

#include <vector>

namespace kith::search {

Status SearchChunks(
    size_t num_queries, size_t chunk, ThreadPool& pool, SearchStats* stats,
    const std::function<Status(size_t begin, size_t end, SearchStats* stats)>& search) {
  std::vector<SearchStats> parts(pool.size());
  KITH_RETURN_IF_ERROR(pool.Chunks(num_queries, chunk, [&](size_t begin, size_t end, int thread) {
    return search(begin, end, &parts[thread]);
  }));
  for (const SearchStats& part : parts) *stats += part;
  return Status::Ok();
}

}  // namespace kith::search
