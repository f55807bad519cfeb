// Replaces all operators of memory of the program: sanitizers replace those that are left. Included
// by one file of the program, which defines kith::testing::Allocate() and Free().
#ifndef KITH_TESTS_NEW_OPERATORS_H_
#define KITH_TESTS_NEW_OPERATORS_H_

#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <new>

namespace kith::testing {

// Memory of `bytes`, or nullptr. `alignment` is 0 for that of every type.
void* Allocate(size_t bytes, size_t alignment) noexcept;
void Free(void* p) noexcept;

// What both are without a test's wishes.
inline void* AllocatePlainly(size_t bytes, size_t alignment) noexcept {
  bytes = std::max<size_t>(bytes, 1);
  if (alignment <= alignof(max_align_t)) return malloc(bytes);
  return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

inline void* AllocateOrThrow(size_t bytes, size_t alignment) {
  void* p = Allocate(bytes, alignment);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

}  // namespace kith::testing

void* operator new(size_t bytes) { return kith::testing::AllocateOrThrow(bytes, 0); }
void* operator new[](size_t bytes) { return kith::testing::AllocateOrThrow(bytes, 0); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return kith::testing::Allocate(bytes, 0);
}
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  return kith::testing::Allocate(bytes, 0);
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  return kith::testing::AllocateOrThrow(bytes, static_cast<size_t>(alignment));
}
void* operator new[](size_t bytes, std::align_val_t alignment) {
  return kith::testing::AllocateOrThrow(bytes, static_cast<size_t>(alignment));
}
void* operator new(size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return kith::testing::Allocate(bytes, static_cast<size_t>(alignment));
}
void* operator new[](size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return kith::testing::Allocate(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* p) noexcept { kith::testing::Free(p); }
void operator delete[](void* p) noexcept { kith::testing::Free(p); }
void operator delete(void* p, size_t) noexcept { kith::testing::Free(p); }
void operator delete[](void* p, size_t) noexcept { kith::testing::Free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { kith::testing::Free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { kith::testing::Free(p); }
void operator delete(void* p, std::align_val_t) noexcept { kith::testing::Free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { kith::testing::Free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { kith::testing::Free(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { kith::testing::Free(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  kith::testing::Free(p);
}
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  kith::testing::Free(p);
}

#endif  // KITH_TESTS_NEW_OPERATORS_H_
