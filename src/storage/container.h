// The .kith container: named, checksummed, page-aligned sections in one file. Knows bytes only.
#ifndef KITH_STORAGE_CONTAINER_H_
#define KITH_STORAGE_CONTAINER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "kith/status.h"
#include "kith/types.h"
#include "storage/format.h"

namespace kith {

struct SectionOptions {
  uint32_t row_bytes = 0;
  uint32_t version = 1;
  uint32_t flags = 0;
};

// Writes sections one after the other, straight to disk. Not thread-safe.
class ContainerWriter {
 public:
  // Errors: those of AtomicFile::Create.
  static Result<std::unique_ptr<ContainerWriter>> Create(const std::string& path,
                                                         uint64_t num_vectors, size_t dim,
                                                         Metric metric, DataType dtype);

  // A whole section at once.
  Status AddSection(std::string_view name, std::span<const std::byte> bytes,
                    const SectionOptions& options = {});
  // Or piece by piece: Begin, Append..., End.
  Status BeginSection(std::string_view name, const SectionOptions& options = {});
  Status Append(std::span<const std::byte> bytes);
  Status EndSection();

  // Writes the header and gives the file its name. Errors: IoError.
  Status Finish();

 private:
  ContainerWriter() = default;
  std::unique_ptr<AtomicFile> file_;
  FileHeader header_{};
  std::vector<SectionEntry> sections_;
  bool in_section_ = false;
};

// A mapped .kith file whose header, table and bounds were checked. Immutable, thread-safe.
class ContainerReader {
 public:
  // O(sections). Errors: NotFound, Corruption, Unsupported, IoError. `known` are the names of the
  // sections the caller understands: an unknown one that is not optional is Unsupported
  // ("written by a newer kith").
  static Result<std::shared_ptr<const ContainerReader>> Open(
      const std::string& path, std::span<const std::string_view> known);

  const FileHeader& header() const { return header_; }
  const std::vector<SectionEntry>& sections() const { return sections_; }
  const std::string& path() const { return file_->path(); }
  const MappedFile& file() const { return *file_; }

  // The entry, or nullptr.
  const SectionEntry* Find(std::string_view name) const;
  // The section's bytes; empty if there is none of this name.
  std::span<const std::byte> Bytes(std::string_view name) const;
  // The bytes as an array of T. Errors: Corruption if absent or not exactly count * sizeof(T).
  template <class T>
  Result<std::span<const T>> Array(std::string_view name, uint64_t count) const {
    KITH_RETURN_IF_ERROR(CheckSize(name, count, sizeof(T)));
    return std::span<const T>(reinterpret_cast<const T*>(Bytes(name).data()), count);
  }
  // Corruption unless the section exists with exactly count * element_bytes bytes.
  Status CheckSize(std::string_view name, uint64_t count, size_t element_bytes) const;
  // A Corruption status naming the file and the section.
  Status Corrupt(std::string_view section, const std::string& what) const;

  // Reads everything and compares checksums. Errors: Corruption.
  Status VerifyChecksums() const;

 private:
  ContainerReader() = default;
  std::shared_ptr<const MappedFile> file_;
  FileHeader header_{};
  std::vector<SectionEntry> sections_;
};

// A section's name as text.
std::string_view SectionName(const SectionEntry& entry);

}  // namespace kith

#endif  // KITH_STORAGE_CONTAINER_H_
