#include "base/huge_buffer.h"

#include <sys/mman.h>

#include <cstring>

#include "base/strings.h"

namespace kith::inline base {

HugeBuffer::~HugeBuffer() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

Result<HugeBuffer> HugeBuffer::CopyOf(std::span<const std::byte> bytes) {
  // Huge pages begin at multiples of their size; a little more is mapped so that the kernel finds
  // whole ones.
  constexpr size_t kHugePage = size_t{2} << 20;
  HugeBuffer buffer;
  const size_t mapped = (bytes.size() / kHugePage + 1) * kHugePage;
  void* p = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) {
    return Status::OutOfMemory(
        StrCat("cannot allocate ", mapped, " bytes for huge pages; open the file without them"));
  }
  buffer.data_ = static_cast<std::byte*>(p);
  buffer.bytes_ = mapped;
#ifdef MADV_HUGEPAGE
  madvise(p, mapped, MADV_HUGEPAGE);  // advice: nothing is lost where it is not taken
#endif
  if (!bytes.empty()) std::memcpy(p, bytes.data(), bytes.size());
  return buffer;
}

}  // namespace kith::inline base
