// Memory in whole pages, for what is large.
#ifndef KITH_BASE_PAGES_H_
#define KITH_BASE_PAGES_H_

#include <cstddef>
#include <cstdint>

namespace kith {
inline namespace base {

// Private, zeroed memory on a page boundary, which the system is asked to back with huge pages
// (transparent huge pages on Linux) where it is large enough: fewer address translations when it is
// read at random, and less time to get it and to give it back. It is taken as it is touched.
// nullptr if there is none. REQUIRES: bytes > 0.
std::byte* MapPages(size_t bytes) noexcept;

// Gives it back; nothing to do for nullptr.
void UnmapPages(std::byte* pages, size_t bytes) noexcept;

// Makes MapPages() fail from the n-th call from now on; -1 ends it. For tests only.
void FailPagesForTesting(int64_t n);

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_PAGES_H_
