// Owned bytes on a cache-line boundary, zeroed.
#ifndef KITH_BASE_ALIGNED_BUFFER_H_
#define KITH_BASE_ALIGNED_BUFFER_H_

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <type_traits>

#include "kith/status.h"

namespace kith::inline base {

inline constexpr size_t kCacheLine = 64;

constexpr size_t RoundUp(size_t x, size_t multiple) {
  return (x + multiple - 1) / multiple * multiple;
}

// Bytes from one stored row to the next: rows are padded to the widest of 64, 32, 16, 8, 4 bytes
// that costs at most an eighth; not at all if each costs more. Aligned rows touch fewer cache
// lines, and zero padding lets kernels run over whole vectors.
constexpr size_t PaddedStride(size_t row_bytes) {
  for (size_t alignment = kCacheLine; alignment >= 4; alignment /= 2) {
    const size_t padded = RoundUp(row_bytes, alignment);
    if (padded - row_bytes <= row_bytes / 8) return padded;
  }
  return row_bytes;
}

// A fixed-size array of trivially copyable T, aligned to 64 bytes and padded to whole cache lines,
// so that kernels may read full vectors at its end.
template <class T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() = default;

  // Errors: OutOfMemory.
  static Result<AlignedBuffer> Create(size_t count) {
    AlignedBuffer buffer;
    if (count > (size_t{1} << 47) / sizeof(T)) return Status::OutOfMemory("allocation too large");
    const size_t bytes = RoundUp(count * sizeof(T), kCacheLine);
    if (bytes == 0) return buffer;
    void* p = std::aligned_alloc(kCacheLine, bytes);
    if (p == nullptr) {
      return Status::OutOfMemory("cannot allocate " + std::to_string(bytes) + " bytes of memory");
    }
    std::memset(p, 0, bytes);
    buffer.data_.reset(static_cast<T*>(p));
    buffer.size_ = count;
    return buffer;
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_.get()[i]; }
  const T& operator[](size_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T[], Free> data_;
  size_t size_ = 0;
};

}  // namespace kith::inline base

#endif  // KITH_BASE_ALIGNED_BUFFER_H_
