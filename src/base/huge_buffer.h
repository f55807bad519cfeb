// Owned memory in huge pages, where the system has them.
#ifndef KITH_BASE_HUGE_BUFFER_H_
#define KITH_BASE_HUGE_BUFFER_H_

#include <cstddef>
#include <span>
#include <utility>

#include "kith/status.h"

namespace kith {
inline namespace base {

// Private, zeroed memory that the system is asked to back with huge pages (transparent huge pages
// on Linux): a large structure read at random costs fewer address translations then. Ordinary
// memory where it has none.
class HugeBuffer {
 public:
  HugeBuffer() = default;
  ~HugeBuffer();
  HugeBuffer(HugeBuffer&& o) noexcept
      : data_(std::exchange(o.data_, nullptr)), bytes_(std::exchange(o.bytes_, 0)) {}
  HugeBuffer& operator=(HugeBuffer&& o) noexcept {
    std::swap(data_, o.data_);
    std::swap(bytes_, o.bytes_);
    return *this;
  }

  // A copy of `bytes`. Errors: OutOfMemory.
  static Result<HugeBuffer> CopyOf(std::span<const std::byte> bytes);

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;  // mapped
};

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_HUGE_BUFFER_H_
