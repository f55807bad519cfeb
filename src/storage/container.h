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
#include "base/thread_pool.h"
#include "base/verification.h"
#include "kith/status.h"
#include "kith/types.h"
#include "storage/format.h"

namespace kith::storage {

struct SectionOptions {
  uint32_t row_bytes = 0;  // the section's size is a multiple of it
  uint32_t version = 1;
  uint32_t flags = 0;
};

// Writes sections one after the other, straight to disk, in the memory of one buffer. The file
// appears at Finish(), or not at all. The first error is kept: every later call returns it too.
// Not thread-safe.
class ContainerWriter {
 public:
  // `pool`, if there is one, ends writing early: InvalidArgument (cancelled).
  // Errors: InvalidArgument (dim or num_vectors out of range); those of AtomicFile::Create.
  static Result<std::unique_ptr<ContainerWriter>> Create(const FileTarget& target,
                                                         uint64_t num_vectors, size_t dim,
                                                         Metric metric, DataType dtype,
                                                         const ThreadPool* pool = nullptr);

  // A whole section at once.
  // Errors: IoError; Internal (a name that is not 1 to 16 printable characters or is taken, too
  // many sections, calls out of order, a size that is no multiple of row_bytes).
  Status AddSection(std::string_view name, std::span<const std::byte> bytes,
                    const SectionOptions& options = {});
  // Or piece by piece: Begin, Append..., End. Pieces of a few bytes are fine. Errors as above.
  Status BeginSection(std::string_view name, const SectionOptions& options = {});
  Status Append(std::span<const std::byte> bytes);
  Status EndSection();

  // Attaches a note to the file, as AtomicFile::SetAttribute().
  void SetAttribute(const char* name, const std::string& value) {
    file_->SetAttribute(name, value);
  }

  // Writes the header and gives the file its name. Errors: IoError.
  Status Finish();
  // The same in two steps, between which the file can be read: FinishUnnamed() maps what is
  // complete, Publish() gives it the name. Errors: IoError, OutOfMemory.
  Result<std::shared_ptr<const MappedFile>> FinishUnnamed();
  Status Publish() { return file_->Commit(); }

  // For long work between two pieces: whether the pool ends it.
  Status CheckStop() const { return pool_ == nullptr ? Status::Ok() : pool_->CheckStop(); }

  uint64_t num_vectors() const { return header_.num_vectors; }
  // Of the file as the caller named it.
  const std::string& path() const { return path_; }

 private:
  ContainerWriter() = default;
  Status WriteHeader();
  Status Misuse(std::string_view name, const char* what);
  Status Write(std::span<const std::byte> bytes);

  std::unique_ptr<AtomicFile> file_;
  const ThreadPool* pool_ = nullptr;
  std::string path_;
  FileHeader header_{};
  std::vector<SectionEntry> sections_;
  bool in_section_ = false;
  Status error_;
};

// A mapped .kith file whose header, table and bounds were checked. Immutable, thread-safe. Spans
// point into the mapping and live as long as the reader. Replacing the file by name does not
// disturb them.
class ContainerReader {
 public:
  // O(sections), whatever the file's size. `known` are the names of the sections the caller
  // understands: an unknown one that is not optional is Unsupported ("written by a newer kith").
  // Errors: NotFound; InvalidArgument (a directory or device, or no .kith file at all); Corruption
  // (truncated, damaged); Unsupported (too old, too new); IoError.
  static Result<std::shared_ptr<const ContainerReader>> Open(
      const std::string& path, std::span<const std::string_view> known);
  static Result<std::shared_ptr<const ContainerReader>> Open(
      std::shared_ptr<const MappedFile> file, std::span<const std::string_view> known);

  const FileHeader& header() const { return header_; }
  const std::vector<SectionEntry>& sections() const { return sections_; }
  const std::string& path() const { return file_->path(); }
  const MappedFile& file() const { return *file_; }

  // The entry, or nullptr. The reader has checked its bounds.
  const SectionEntry* Find(std::string_view name) const;
  // The section's bytes; empty if there is none of this name.
  std::span<const std::byte> Bytes(std::string_view name) const;
  // The bytes as an array of T, of the layout `version`.
  // Errors: Corruption if absent or not exactly count * sizeof(T); Unsupported (other version).
  template <class T>
  Result<std::span<const T>> Array(std::string_view name, uint64_t count,
                                   uint32_t version = 1) const {
    KITH_RETURN_IF_ERROR(CheckSize(name, count, sizeof(T), version));
    return std::span<const T>(reinterpret_cast<const T*>(Bytes(name).data()), count);
  }
  // Ok if the section exists with the layout `version` and count * element_bytes bytes.
  // Errors: as Array.
  Status CheckSize(std::string_view name, uint64_t count, size_t element_bytes,
                   uint32_t version = 1) const;
  // A Corruption status naming the file, the section and the remedy.
  Status Corrupt(std::string_view section, const std::string& what) const;

  // Reads everything: compares the checksum of each section and looks for anything but zeros
  // between them. Cost: O(file size), over 1 GB/s a thread. Errors: Corruption, InvalidArgument
  // (cancelled).
  Status VerifyChecksums(const Verification& check) const;

 private:
  ContainerReader() = default;
  std::shared_ptr<const MappedFile> file_;
  FileHeader header_{};
  std::vector<SectionEntry> sections_;
};

// Whether the file begins as a .kith file does; false if it can't be read.
bool IsKithFile(const std::string& path);

// A section's name as text.
std::string_view SectionName(const SectionEntry& entry);

}  // namespace kith::storage

#endif  // KITH_STORAGE_CONTAINER_H_
