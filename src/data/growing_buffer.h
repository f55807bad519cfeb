// Bytes that arrive one piece at a time, their number not known before.
#ifndef KITH_DATA_GROWING_BUFFER_H_
#define KITH_DATA_GROWING_BUFFER_H_

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "base/strings.h"
#include "kith/status.h"

namespace kith::data {

// Grows by realloc, which for large blocks moves pages and not bytes, and so that what is reserved
// but unused costs no memory.
class GrowingBuffer {
 public:
  // `path` is the file whose contents these are, for messages.
  explicit GrowingBuffer(std::string path) : path_(std::move(path)) {}

  // Appends `count` uninitialised bytes and returns where they begin; the bytes before may move.
  // Errors: OutOfMemory, also when more than three quarters of the machine's memory would be taken:
  // an operating system that overcommits would rather kill the process than refuse.
  Result<std::byte*> Extend(size_t count) {
    if (count > capacity_ - size_) KITH_RETURN_IF_ERROR(Grow(count));
    std::byte* begin = data_.get() + size_;
    size_ += count;
    return begin;
  }

  std::byte* data() { return data_.get(); }
  const std::byte* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };

  static uint64_t MemoryLimit() {
    const uint64_t pages = static_cast<uint64_t>(std::max(0L, sysconf(_SC_PHYS_PAGES)));
    return pages * static_cast<uint64_t>(std::max(0L, sysconf(_SC_PAGESIZE))) / 4 * 3;
  }

  Status Grow(size_t count) {
    constexpr size_t kSmallest = 4096;
    const uint64_t limit = MemoryLimit();
    if (count > limit || size_ > limit - count) {
      return Status::OutOfMemory(StrCat(path_, ": more than ", limit >> 20,
                                        " MiB would be needed, three quarters of this machine's "
                                        "memory; read fewer rows"));
    }
    const size_t wanted = std::max({kSmallest, size_ + count, capacity_ + capacity_ / 2});
    void* p = std::realloc(data_.get(), wanted);
    if (p == nullptr) {
      return Status::OutOfMemory(StrCat(path_, ": cannot allocate ", wanted, " bytes of memory"));
    }
    (void)data_.release();  // realloc has freed or kept it
    data_.reset(static_cast<std::byte*>(p));
    capacity_ = wanted;
    return Status::Ok();
  }

  std::string path_;
  std::unique_ptr<std::byte[], Free> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace kith::data

#endif  // KITH_DATA_GROWING_BUFFER_H_
