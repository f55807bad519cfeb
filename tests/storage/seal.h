// Making the checksums of a damaged .kith file right again, so that the checks behind them are
// reached.
#ifndef KITH_TESTS_STORAGE_SEAL_H_
#define KITH_TESTS_STORAGE_SEAL_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>

#include "base/crc32c.h"
#include "storage/format.h"

namespace kith::testing {

// Sections that are not within the file keep theirs. REQUIRES: at least kPageBytes bytes.
inline void SealContainer(std::string* bytes) {
  const auto crc_of = [&](size_t offset, size_t size) {
    return ExtendCrc32c(0, std::as_bytes(std::span(bytes->data() + offset, size)));
  };
  storage::FileHeader header;
  std::memcpy(&header, bytes->data(), sizeof(header));
  for (size_t i = 0; i < std::min<size_t>(header.section_count, storage::kMaxSections); ++i) {
    char* at = bytes->data() + sizeof(storage::FileHeader) + i * sizeof(storage::SectionEntry);
    storage::SectionEntry entry;
    std::memcpy(&entry, at, sizeof(entry));
    if (entry.offset > bytes->size() || entry.size > bytes->size() - entry.offset) continue;
    entry.crc32c = crc_of(entry.offset, entry.size);
    std::memcpy(at, &entry, sizeof(entry));
  }
  header.header_crc32c = 0;
  std::memcpy(bytes->data(), &header, sizeof(header));
  header.header_crc32c = crc_of(0, storage::kPageBytes);
  std::memcpy(bytes->data(), &header, sizeof(header));
}

}  // namespace kith::testing

#endif  // KITH_TESTS_STORAGE_SEAL_H_
