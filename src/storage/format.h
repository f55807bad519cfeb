// The byte layout of a .kith file's first page; docs/file_format.md is the specification.
#ifndef KITH_STORAGE_FORMAT_H_
#define KITH_STORAGE_FORMAT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace kith::storage {

static_assert(std::endian::native == std::endian::little, "the file format is little-endian");

// A non-ASCII first byte, CR LF and ^Z show damage by text-mode transfers (as PNG's signature).
inline constexpr char kMagic[8] = {'\x89', 'K', 'I', 'T', 'H', '\r', '\n', '\x1a'};
inline constexpr uint32_t kFormatVersion = 2;     // what this library writes
inline constexpr uint32_t kMinFormatVersion = 1;  // the oldest it reads
inline constexpr size_t kPageBytes = 4096;        // sections start on multiples of this
inline constexpr size_t kMaxSections = 63;        // header and table fill the first page

struct FileHeader {
  char magic[8];
  uint32_t format_version;
  uint32_t header_crc32c;  // of the first page, this field taken as 0
  uint64_t file_size;      // shows truncation before any access
  uint32_t section_count;
  uint32_t dim;
  uint64_t num_vectors;
  uint16_t metric;
  uint16_t dtype;
  uint8_t reserved[20];  // zero; anything else was written by a newer kith
};
static_assert(sizeof(FileHeader) == 64 && std::is_trivially_copyable_v<FileHeader>);

enum SectionFlags : uint32_t {
  kSectionOptional = 1,  // a reader that does not know the section may skip it
};

struct SectionEntry {
  char name[16];  // zero-padded
  uint64_t offset;
  uint64_t size;
  uint32_t crc32c;
  uint32_t version;  // of the section's own layout
  uint32_t flags;
  uint32_t row_bytes;  // the stride of its rows; 0 if it has none
  uint8_t reserved[16];
};
static_assert(sizeof(SectionEntry) == 64 && std::is_trivially_copyable_v<SectionEntry>);

}  // namespace kith::storage

#endif  // KITH_STORAGE_FORMAT_H_
