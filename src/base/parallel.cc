#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace kith::inline base {

void ParallelFor(size_t num_tasks, int threads,
                 const std::function<void(size_t task, int thread)>& fn) {
  const int workers =
      static_cast<int>(std::min<size_t>(static_cast<size_t>(ResolveThreads(threads)), num_tasks));
  std::atomic<size_t> next{0};
  auto run = [&](int thread) {
    for (size_t task; (task = next.fetch_add(1, std::memory_order_relaxed)) < num_tasks;) {
      fn(task, thread);
    }
  };
  std::vector<std::thread> pool;
  for (int t = 1; t < workers; ++t) {
    // A process out of threads gets its work done by fewer.
    try {
      pool.emplace_back(run, t);
    } catch (const std::system_error&) {
      break;
    }
  }
  run(0);
  for (std::thread& thread : pool) thread.join();
}

void ParallelChunks(size_t n, size_t chunk, int threads,
                    const std::function<void(size_t begin, size_t end, int thread)>& fn) {
  ParallelFor((n + chunk - 1) / chunk, threads, [&](size_t task, int thread) {
    fn(task * chunk, std::min(n, (task + 1) * chunk), thread);
  });
}

}  // namespace kith::inline base
