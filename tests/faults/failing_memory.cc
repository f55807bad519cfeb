#include "faults/failing_memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <atomic>
#include <cstddef>

#include "new_operators.h"
#include "sanitized.h"

namespace kith::testing {
namespace {

std::atomic<bool> g_counts = false;
std::atomic<int64_t> g_calls = 0;
std::atomic<int64_t> g_first = FailingMemory::kNever;
std::atomic<bool> g_once = true;
std::atomic<bool> g_no_threads = false;

bool FailThisCall() noexcept {
  if (!g_counts.load(std::memory_order_relaxed)) return false;
  const int64_t call = g_calls.fetch_add(1, std::memory_order_relaxed);
  const int64_t first = g_first.load(std::memory_order_relaxed);
  if (first < 0) return false;
  return g_once.load(std::memory_order_relaxed) ? call == first : call >= first;
}

}  // namespace

void* Allocate(size_t bytes, size_t alignment) noexcept {
  return FailThisCall() ? nullptr : AllocatePlainly(bytes, alignment);
}
void Free(void* p) noexcept { free(p); }

FailingMemory::FailingMemory(int64_t n, Mode mode) {
  g_calls = 0;
  g_first = n;
  g_once = mode == Mode::kOnce;
  g_counts = true;
}

FailingMemory::~FailingMemory() { g_counts = false; }

int64_t FailingMemory::calls() { return g_calls; }

NoThreads::NoThreads() { g_no_threads = true; }
NoThreads::~NoThreads() { g_no_threads = false; }
bool NoThreads::works() { return !kSanitized; }

}  // namespace kith::testing

#if !KITH_SANITIZED
// What std::thread calls, in the program's stead.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*run)(void*), void* argument) {
  if (kith::testing::g_no_threads) return EAGAIN;
  static const auto real =
      reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, attributes, run, argument);
}
#endif
