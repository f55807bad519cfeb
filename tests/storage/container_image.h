// The bytes of a .kith file, to be damaged on purpose.
#ifndef KITH_TESTS_STORAGE_CONTAINER_IMAGE_H_
#define KITH_TESTS_STORAGE_CONTAINER_IMAGE_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "status_checks.h"  // IWYU pragma: export
#include "storage/container.h"
#include "storage/format.h"
#include "storage/seal.h"

namespace kith::testing {

inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class ContainerImage {
 public:
  ContainerImage() = default;
  explicit ContainerImage(std::string bytes) : bytes_(std::move(bytes)) {}

  std::string& bytes() { return bytes_; }
  const std::string& bytes() const { return bytes_; }
  storage::FileHeader header() const {
    storage::FileHeader header;
    std::memcpy(&header, bytes_.data(), sizeof(header));
    return header;
  }
  void SetHeader(const storage::FileHeader& header) {
    std::memcpy(bytes_.data(), &header, sizeof(header));
  }
  storage::SectionEntry entry(size_t i) const {
    storage::SectionEntry entry;
    std::memcpy(&entry, bytes_.data() + sizeof(storage::FileHeader) + i * sizeof(entry),
                sizeof(entry));
    return entry;
  }
  void SetEntry(size_t i, const storage::SectionEntry& entry) {
    std::memcpy(bytes_.data() + sizeof(storage::FileHeader) + i * sizeof(entry), &entry,
                sizeof(entry));
  }
  // The place of a section's bytes in bytes(). REQUIRES: it exists.
  size_t OffsetOf(std::string_view name) const {
    for (size_t i = 0; i < header().section_count; ++i) {
      const storage::SectionEntry found = entry(i);
      if (storage::SectionName(found) == name) return found.offset;
    }
    ADD_FAILURE() << "no section " << name;
    return 0;
  }

  // Makes all checksums right again, so that the checks behind them are reached.
  void Seal() { SealContainer(&bytes_); }

 private:
  std::string bytes_;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_STORAGE_CONTAINER_IMAGE_H_
