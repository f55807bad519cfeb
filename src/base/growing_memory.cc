#include "base/growing_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/strings.h"

namespace kith {
inline namespace base {
namespace {

// Systems promise more memory than there is and end the process that uses it, so that what they
// promise says little.
uint64_t MachineBytes() {
  const long pages = sysconf(_SC_PHYS_PAGES);  // NOLINT(google-runtime-int): its type
  const long page = sysconf(_SC_PAGESIZE);     // NOLINT(google-runtime-int)
  if (pages <= 0 || page <= 0) return uint64_t{1} << 46;
  return static_cast<uint64_t>(pages) * static_cast<uint64_t>(page);
}

std::byte* Map(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<std::byte*>(p);
}

std::byte* Grow(std::byte* old, size_t old_bytes, size_t bytes) {
  if (old == nullptr) return Map(bytes);
#ifdef MREMAP_MAYMOVE
  void* p = mremap(old, old_bytes, bytes, MREMAP_MAYMOVE);
  return p == MAP_FAILED ? nullptr : static_cast<std::byte*>(p);
#else
  std::byte* const p = Map(bytes);
  if (p == nullptr) return nullptr;
  std::memcpy(p, old, old_bytes);
  munmap(old, old_bytes);
  return p;
#endif
}

}  // namespace

GrowingMemory::~GrowingMemory() {
  if (data_ != nullptr) munmap(data_, capacity_);
}

Status GrowingMemory::Reserve(uint64_t bytes) {
  constexpr uint64_t kGranule = 64 << 10;
  if (bytes <= capacity_) return Status::Ok();
  const uint64_t machine = MachineBytes();
  const uint64_t ample = std::max<uint64_t>(bytes, capacity_ + capacity_ / 2);
  for (const uint64_t wish : {std::min(std::max(bytes, machine), ample), bytes}) {
    if (wish > machine) continue;
    const size_t size = (wish + kGranule - 1) / kGranule * kGranule;
    std::byte* const grown = Grow(data_, capacity_, size);
    if (grown == nullptr) continue;
    data_ = grown;
    capacity_ = size;
    return Status::Ok();
  }
  return Status::OutOfMemory(
      StrCat("cannot have ", bytes, " bytes of memory; the machine has ", machine));
}

}  // namespace base
}  // namespace kith
