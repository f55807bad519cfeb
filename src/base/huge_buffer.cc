#include "base/huge_buffer.h"

#include <cstring>

#include "base/pages.h"
#include "base/strings.h"

namespace kith {
inline namespace base {

HugeBuffer::~HugeBuffer() { UnmapPages(data_, bytes_); }

Result<HugeBuffer> HugeBuffer::CopyOf(std::span<const std::byte> bytes) {
  // Huge pages begin at multiples of their size; a little more is mapped so that the kernel finds
  // whole ones.
  constexpr size_t kHugePage = size_t{2} << 20;
  HugeBuffer buffer;
  const size_t mapped = (bytes.size() / kHugePage + 1) * kHugePage;
  std::byte* const p = MapPages(mapped);
  if (p == nullptr) {
    return Status::OutOfMemory(
        StrCat("cannot allocate ", mapped, " bytes for huge pages; open the file without them"));
  }
  buffer.data_ = p;
  buffer.bytes_ = mapped;
  if (!bytes.empty()) std::memcpy(p, bytes.data(), bytes.size());
  return buffer;
}

}  // namespace base
}  // namespace kith
