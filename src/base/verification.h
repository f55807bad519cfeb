// What a check of a whole file runs on, and whom it tells how far it is.
#ifndef KITH_BASE_VERIFICATION_H_
#define KITH_BASE_VERIFICATION_H_

#include <atomic>
#include <cstddef>
#include <string_view>

#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {
inline namespace base {

struct Verification {
  ThreadPool* pool;
  Progress progress = {};

  // As ThreadPool::Chunks(), with reports of this stage. fn returns a Status.
  template <class Fn>
  Status Chunks(std::string_view stage, size_t n, size_t chunk, Fn fn) const {
    if (n > 0) KITH_RETURN_IF_ERROR(pool->Report(progress, stage, 0, n));
    std::atomic<size_t> done = 0;
    return pool->Chunks(n, chunk, [&](size_t begin, size_t end, int thread) -> Status {
      if (thread == 0) KITH_RETURN_IF_ERROR(pool->Report(progress, stage, done, n));
      KITH_RETURN_IF_ERROR(fn(begin, end, thread));
      done += end - begin;
      return Status::Ok();
    });
  }
};

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_VERIFICATION_H_
