// Threads that share the work of a call, whose result never depends on how many they are.
#ifndef KITH_BASE_THREAD_POOL_H_
#define KITH_BASE_THREAD_POOL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string_view>
#include <type_traits>
#include <utility>

#include "kith/status.h"
#include "kith/types.h"

namespace kith {
inline namespace base {

// The number of threads to use for a caller's wish: 0 means one for each available core.
int ResolveThreads(int threads);

// What is returned where a caller asked for an end.
Status Cancelled();

// The message of what bad_alloc becomes: short enough not to be allocated, which would fail again.
inline constexpr char kOutOfMemory[] = "out of memory";

// What an exception amounts to: OutOfMemory of bad_alloc and length_error, Internal of the rest.
// REQUIRES: called while one is handled.
Status StatusOfException() noexcept;

// Calls fn, which returns a Status or a Result, and returns what it returns, or the Status of what
// it throws. What the library does at its public edges, and for each task of a loop.
template <class Fn>
auto CatchAll(Fn&& fn) noexcept -> decltype(fn()) {
  try {
    return fn();
  } catch (...) {
    return StatusOfException();
  }
}

// The threads of one call of the library: the caller's own and some helpers, which are started when
// they are first needed and end with the pool. Whoever makes the pool runs loops on it; a loop that
// begins while another one runs (in a task, or on another thread) is run by its caller alone, so
// that nothing waits for itself. A child made by fork() has no helpers, and must make its own pool.
class ThreadPool {
 public:
  // `threads` as users say it: 0 is one for each core. `stop` ends loops early: one that it ended
  // returns Cancelled().
  explicit ThreadPool(int threads = 1, std::stop_token stop = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // At least 1. Scratch of tasks is indexed by thread numbers below it.
  int size() const { return size_; }

  // Whether an end was asked for. Cheap enough to ask about every microsecond, on any thread.
  bool stopped() const { return ended_.load(std::memory_order_relaxed) || stop_.stop_requested(); }
  // Cancelled() once an end was asked for.
  Status CheckStop() const { return stopped() ? Cancelled() : Status::Ok(); }

  // Tells `progress`, if it is any, and CheckStop(). An answer of false asks for an end, of all
  // that runs on the pool. For the thread that made the pool: thread 0 of its loops.
  Status Report(const Progress& progress, std::string_view stage, uint64_t done, uint64_t total);

  // Calls fn(task, thread) for each task in [0, num_tasks), each exactly once; thread is in [0,
  // size()), and 0 for the caller's. Tasks are handed out in order as threads become free, so fn
  // must depend on `task` alone, apart from using scratch chosen by `thread`. fn returns a Status
  // or nothing. Returns when all that began have ended. Errors: of the tasks that failed, that of
  // the first; what a task throws becomes OutOfMemory (bad_alloc) or Internal. After a failure, and
  // once `stop` asks for it, no further task begins.
  template <class Fn>
  Status For(size_t num_tasks, Fn&& fn) {
    return Run(num_tasks, {&fn, [](void* object, size_t task, int thread) -> Status {
                             auto& call = *static_cast<std::remove_reference_t<Fn>*>(object);
                             if constexpr (std::is_void_v<decltype(call(task, thread))>) {
                               call(task, thread);
                               return Status::Ok();
                             } else {
                               return call(task, thread);
                             }
                           }});
  }

  // Splits [0, n) into chunks of `chunk` and runs fn(begin, end, thread) on each, as For() does.
  template <class Fn>
  Status Chunks(size_t n, size_t chunk, Fn&& fn) {
    return For((n + chunk - 1) / chunk, [&](size_t task, int thread) {
      const size_t begin = task * chunk;
      return fn(begin, n - begin < chunk ? n : begin + chunk, thread);
    });
  }

 private:
  class Helpers;

  // What a loop calls. Unlike a std::function, it allocates nothing.
  struct Task {
    void* object;
    Status (*call)(void* object, size_t task, int thread);
  };
  class Loop;

  Status Run(size_t num_tasks, Task task);

  const int size_;
  const std::stop_token stop_;
  std::atomic<bool> ended_ = false;
  const std::unique_ptr<Helpers> helpers_;
};

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_THREAD_POOL_H_
