#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace kith {
inline namespace base {
int ResolveThreads(int threads) {
  if (threads > 0) return std::min(threads, 1024);
  cpu_set_t set;
  CPU_ZERO(&set);
  // The affinity mask, not the number of cores in the machine: containers and taskset narrow it.
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

Status Cancelled() { return Status::InvalidArgument("cancelled"); }

Status StatusOfException() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory(kOutOfMemory);
  } catch (const std::length_error&) {
    return Status::OutOfMemory(kOutOfMemory);
  } catch (const std::exception& error) {
    try {
      return Status::Internal(error.what());
    } catch (...) {
      return Status::OutOfMemory(kOutOfMemory);
    }
  } catch (...) {
    return Status::Internal("unknown error");
  }
}

// One loop: what its tasks are, which is next, and what went wrong. Tasks that fail are rare, so a
// lock serves for them.
class ThreadPool::Loop {
 public:
  Loop(size_t num_tasks, Task task, const ThreadPool& pool)
      : num_tasks_(num_tasks), task_(task), pool_(pool) {}

  // Takes tasks until there are none. Never throws.
  void Work(int thread) noexcept {
    for (size_t task; (task = next_.fetch_add(1, std::memory_order_relaxed)) < num_tasks_;) {
      if (pool_.stopped()) {
        cut_short_ = true;
        return;
      }
      Status status = CatchAll([&] { return task_.call(task_.object, task, thread); });
      if (!status.ok()) Fail(task, std::move(status));
    }
  }

  // REQUIRES: no thread works on it any more.
  Status Result() {
    if (failed_ < num_tasks_) return std::move(status_);
    return cut_short_ ? Cancelled() : Status::Ok();
  }

 private:
  void Fail(size_t task, Status status) noexcept {
    next_ = num_tasks_;
    const std::lock_guard lock(mutex_);
    if (task >= failed_) return;
    failed_ = task;
    status_ = std::move(status);
  }

  const size_t num_tasks_;
  const Task task_;
  const ThreadPool& pool_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> cut_short_ = false;
  std::mutex mutex_;
  size_t failed_ = std::numeric_limits<size_t>::max();  // the first task that did
  Status status_;
};

// The threads beside the caller's. They wait for a loop, work on it and wait again.
class ThreadPool::Helpers {
 public:
  ~Helpers() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // Whether the caller may run a loop on them: false while another one runs.
  bool Take() { return !taken_.exchange(true, std::memory_order_acquire); }
  void GiveBack() { taken_.store(false, std::memory_order_release); }

  // Runs the loop on `wanted` of them and the caller's thread. REQUIRES: Take() was true.
  void Run(Loop* loop, size_t wanted) noexcept {
    Start(wanted);
    {
      const std::lock_guard lock(mutex_);
      loop_ = loop;
      wanted_ = std::min(wanted, threads_.size());
      ++round_;
    }
    changed_.notify_all();
    loop->Work(0);
    std::unique_lock lock(mutex_);
    // Those that have not begun by now need not.
    loop_ = nullptr;
    idle_.wait(lock, [&] { return working_ == 0; });
  }

 private:
  // A process out of threads, or of memory for them, gets its work done by fewer.
  void Start(size_t wanted) noexcept {
    try {
      threads_.reserve(wanted);
      while (threads_.size() < wanted) {
        const size_t number = threads_.size() + 1;
        threads_.emplace_back([this, number] { Serve(number); });
      }
    } catch (const std::exception&) {
      return;
    }
  }

  void Serve(size_t number) noexcept {
    uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return ending_ || round_ != seen; });
      if (ending_) return;
      seen = round_;
      Loop* const loop = loop_;
      if (loop == nullptr || number > wanted_) continue;
      ++working_;
      lock.unlock();
      loop->Work(static_cast<int>(number));
      lock.lock();
      if (--working_ == 0) idle_.notify_all();
    }
  }

  std::atomic<bool> taken_ = false;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable idle_;
  // Guarded by mutex_:
  Loop* loop_ = nullptr;
  size_t wanted_ = 0;
  size_t working_ = 0;
  uint64_t round_ = 0;
  bool ending_ = false;
};

ThreadPool::ThreadPool(int threads, std::stop_token stop)
    : size_(ResolveThreads(threads)),
      stop_(std::move(stop)),
      helpers_(size_ > 1 ? std::make_unique<Helpers>() : nullptr) {}

ThreadPool::~ThreadPool() = default;

Status ThreadPool::Report(const Progress& progress, std::string_view stage, uint64_t done,
                          uint64_t total) {
  if (progress && !progress(stage, done, total)) ended_ = true;
  return CheckStop();
}

Status ThreadPool::Run(size_t num_tasks, Task task) {
  if (num_tasks == 0) return CheckStop();
  Loop loop(num_tasks, task, *this);
  if (num_tasks > 1 && helpers_ != nullptr && helpers_->Take()) {
    helpers_->Run(&loop, std::min(num_tasks, static_cast<size_t>(size_)) - 1);
    helpers_->GiveBack();
  } else {
    loop.Work(0);
  }
  return loop.Result();
}

}  // namespace base
}  // namespace kith
