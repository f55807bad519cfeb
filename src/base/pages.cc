#include "base/pages.h"

#include <sys/mman.h>

#include <atomic>

namespace kith {
inline namespace base {
namespace {

// Smaller memory gains nothing from huge pages, and would round up to one.
constexpr size_t kHugePage = size_t{2} << 20;

std::atomic<int64_t> g_calls_before_failure = -1;

bool FailThisCall() {
  int64_t left = g_calls_before_failure.load(std::memory_order_relaxed);
  while (left > 0 && !g_calls_before_failure.compare_exchange_weak(left, left - 1)) continue;
  return left == 0;
}

}  // namespace

std::byte* MapPages(size_t bytes) noexcept {
  if (FailThisCall()) return nullptr;
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
#ifdef MADV_HUGEPAGE
  if (bytes >= kHugePage) madvise(p, bytes, MADV_HUGEPAGE);  // advice: nothing is lost without
#endif
  return static_cast<std::byte*>(p);
}

void UnmapPages(std::byte* pages, size_t bytes) noexcept {
  if (pages != nullptr) munmap(pages, bytes);
}

void FailPagesForTesting(int64_t n) { g_calls_before_failure.store(n, std::memory_order_relaxed); }

}  // namespace base
}  // namespace kith
