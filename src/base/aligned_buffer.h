// Owned bytes on a cache-line boundary, zeroed.
#ifndef KITH_BASE_ALIGNED_BUFFER_H_
#define KITH_BASE_ALIGNED_BUFFER_H_

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <type_traits>

#include "base/pages.h"
#include "kith/status.h"

namespace kith {
inline namespace base {

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
// so that kernels may read full vectors at its end. A large one comes in pages of its own, which
// are zeroed as they are touched: making it takes no time.
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
    const bool large = bytes >= kLarge;
    void* p =
        large ? MapPages(bytes) : ::operator new(bytes, std::align_val_t(kCacheLine), std::nothrow);
    if (p == nullptr) {
      return Status::OutOfMemory("cannot allocate " + std::to_string(bytes) + " bytes of memory");
    }
    if (!large) std::memset(p, 0, bytes);
    buffer.data_ = {static_cast<T*>(p), Free{large ? bytes : 0}};
    buffer.size_ = count;
    return buffer;
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_.get()[i]; }
  const T& operator[](size_t i) const { return data_.get()[i]; }

 private:
  static constexpr size_t kLarge = size_t{4} << 20;

  struct Free {
    void operator()(T* p) const {
      if (pages != 0) return UnmapPages(reinterpret_cast<std::byte*>(p), pages);
      ::operator delete(p, std::align_val_t(kCacheLine));
    }
    size_t pages = 0;  // bytes of pages; 0: memory of operator new
  };
  std::unique_ptr<T[], Free> data_;
  size_t size_ = 0;
};

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_ALIGNED_BUFFER_H_
