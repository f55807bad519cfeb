// A batch of queries, cut into chunks for the threads.
#ifndef KITH_SEARCH_SEARCH_CHUNKS_H_
#define KITH_SEARCH_SEARCH_CHUNKS_H_

#include <cstddef>
#include <functional>

#include "base/thread_pool.h"
#include "kith/index.h"
#include "kith/status.h"

namespace kith::search {

// Calls search(begin, end, stats) for chunks of [0, num_queries) on the pool's threads, and adds
// what they count to *stats. Errors: the first that a call returned.
Status SearchChunks(
    size_t num_queries, size_t chunk, ThreadPool& pool, SearchStats* stats,
    const std::function<Status(size_t begin, size_t end, SearchStats* stats)>& search);

}  // namespace kith::search

#endif  // KITH_SEARCH_SEARCH_CHUNKS_H_
