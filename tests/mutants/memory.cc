#include "mutants/memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "sanitized.h"

namespace kith::mutants {
namespace {

std::atomic<int64_t> g_live = 0;
std::atomic<int64_t> g_peak = 0;
std::atomic<int64_t> g_start = 0;

void Count(int64_t bytes) {
  const int64_t live = g_live.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t peak = g_peak.load(std::memory_order_relaxed);
  while (live > peak && !g_peak.compare_exchange_weak(peak, live, std::memory_order_relaxed)) {
  }
}

}  // namespace

void ForgetPeak() {
  g_start = g_live.load();
  g_peak = g_live.load();
}

size_t Peak() { return static_cast<size_t>(std::max<int64_t>(0, g_peak - g_start)); }

}  // namespace kith::mutants

// Sanitizers count for themselves: under them, memory is not measured.
#if !KITH_SANITIZED

#include "new_operators.h"

namespace kith::testing {

void* Allocate(size_t bytes, size_t alignment) noexcept {
  void* p = AllocatePlainly(bytes, alignment);
  if (p != nullptr) mutants::Count(static_cast<int64_t>(malloc_usable_size(p)));
  return p;
}

void Free(void* p) noexcept {
  if (p != nullptr) mutants::Count(-static_cast<int64_t>(malloc_usable_size(p)));
  free(p);
}

}  // namespace kith::testing

namespace {

// Which mappings are counted; those of the C library's own allocator do not come by here.
struct Mapping {
  std::atomic<void*> begin = nullptr;
};
Mapping g_mappings[4096];

}  // namespace

extern "C" void* mmap(void* address, size_t bytes, int protection, int flags, int fd,
                      off_t offset) noexcept {
  const long result = syscall(SYS_mmap, address, bytes, protection, flags, fd, offset);
  auto* p = reinterpret_cast<void*>(result);
  if (p == MAP_FAILED || (flags & MAP_ANONYMOUS) == 0) return p;
  for (Mapping& mapping : g_mappings) {
    void* none = nullptr;
    if (!mapping.begin.compare_exchange_strong(none, p)) continue;
    kith::mutants::Count(static_cast<int64_t>(bytes));
    break;
  }
  return p;
}

extern "C" int munmap(void* address, size_t bytes) noexcept {
  for (Mapping& mapping : g_mappings) {
    void* same = address;
    if (!mapping.begin.compare_exchange_strong(same, nullptr)) continue;
    kith::mutants::Count(-static_cast<int64_t>(bytes));
    break;
  }
  return static_cast<int>(syscall(SYS_munmap, address, bytes));
}

#endif
