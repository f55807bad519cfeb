// Data-parallel loops whose result never depends on the number of threads.
#ifndef KITH_BASE_PARALLEL_H_
#define KITH_BASE_PARALLEL_H_

#include <cstddef>
#include <functional>

#include "base/thread_pool.h"

namespace kith::inline base {

// Calls fn(task, thread) for each task in [0, num_tasks), each exactly once, on at most `threads`
// threads (the caller's included); thread is in [0, threads). Tasks are handed out in order as
// threads become free, so fn must depend on `task` alone, apart from using thread-local scratch
// chosen by `thread`. Returns when all are done. fn must not throw.
void ParallelFor(size_t num_tasks, int threads,
                 const std::function<void(size_t task, int thread)>& fn);

// Splits [0, n) into chunks of `chunk` and runs fn(begin, end, thread) on each, as above.
void ParallelChunks(size_t n, size_t chunk, int threads,
                    const std::function<void(size_t begin, size_t end, int thread)>& fn);

}  // namespace kith::inline base

#endif  // KITH_BASE_PARALLEL_H_
