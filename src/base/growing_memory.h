// Zeroed memory that grows without being copied, and of which only what is touched is taken.
#ifndef KITH_BASE_GROWING_MEMORY_H_
#define KITH_BASE_GROWING_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kith/status.h"

namespace kith {
inline namespace base {

// Pages of the system's own, all zero until they are written. Growing may move them. Gaps cost
// nothing but addresses.
class GrowingMemory {
 public:
  GrowingMemory() = default;
  ~GrowingMemory();
  GrowingMemory(GrowingMemory&& o) noexcept
      : data_(std::exchange(o.data_, nullptr)), capacity_(std::exchange(o.capacity_, 0)) {}
  GrowingMemory& operator=(GrowingMemory&& o) noexcept {
    std::swap(data_, o.data_);
    std::swap(capacity_, o.capacity_);
    return *this;
  }

  // Makes room for `bytes`; half as much again as there was if that is more, so that growing a
  // little at a time is cheap. Errors: OutOfMemory (more than the machine has, or no addresses).
  Status Reserve(uint64_t bytes);

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t capacity() const { return capacity_; }

 private:
  std::byte* data_ = nullptr;
  size_t capacity_ = 0;
};

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_GROWING_MEMORY_H_
