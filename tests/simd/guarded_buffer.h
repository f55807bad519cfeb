// Memory that ends where no access is allowed, so that reading one byte too far is a crash.
#ifndef KITH_TESTS_SIMD_GUARDED_BUFFER_H_
#define KITH_TESTS_SIMD_GUARDED_BUFFER_H_

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

#include "base/aligned_buffer.h"

namespace kith::testing {

// `size` zeroed bytes right before a page that may be neither read nor written.
class GuardedBuffer {
 public:
  explicit GuardedBuffer(size_t size) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    usable_ = RoundUp(size, page);
    mapped_ = usable_ + page;
    void* p = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(static_cast<std::byte*>(p) + usable_, page, PROT_NONE) != 0) {
      ADD_FAILURE() << "cannot map " << mapped_ << " bytes";
      std::abort();
    }
    base_ = static_cast<std::byte*>(p);
    data_ = base_ + (usable_ - size);
  }
  ~GuardedBuffer() { munmap(base_, mapped_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }

 private:
  std::byte* base_ = nullptr;
  std::byte* data_ = nullptr;
  size_t usable_ = 0;
  size_t mapped_ = 0;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_SIMD_GUARDED_BUFFER_H_
