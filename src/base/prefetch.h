// Asking for memory before it is read.
#ifndef KITH_BASE_PREFETCH_H_
#define KITH_BASE_PREFETCH_H_

#include <cstddef>

#include "base/aligned_buffer.h"

namespace kith {
inline namespace base {

// Asks for the cache line that p is in.
inline void Prefetch(const void* p) {
  __builtin_prefetch(p);
  // To the compiler, a prefetch has no effect, and neither has a function of nothing else: GCC
  // drops calls of such. An empty statement that it may not look into keeps them.
  asm volatile("");
}

// Asks for the cache lines of [p, p + bytes); p should be at the beginning of one.
inline void PrefetchLines(const std::byte* p, size_t bytes) {
  for (const std::byte* const end = p + bytes; p < end; p += kCacheLine) Prefetch(p);
}

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_PREFETCH_H_
