// Files: read-only mappings and atomic writes.
#ifndef KITH_BASE_FILE_H_
#define KITH_BASE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "kith/status.h"

namespace kith {

// A whole file mapped read-only and shared. Thread-safe once made.
class MappedFile {
 public:
  // Errors: NotFound, InvalidArgument (a directory), IoError. An empty file gives an empty span.
  static Result<std::shared_ptr<const MappedFile>> Open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

  // Asks the kernel to read the whole file ahead (MADV_WILLNEED / MADV_POPULATE_READ).
  void Prefault() const;
  // Tells the kernel that the file will be read once, front to back.
  void AdviseSequential() const;

 private:
  MappedFile() = default;
  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Writes a file that appears under its name complete, or not at all: a temporary file in the same
// directory, fsync, rename, fsync of the directory. Destroying it without Commit() removes the
// temporary file. Not thread-safe.
class AtomicFile {
 public:
  // Errors: NotFound (no such directory), IoError (permission), InvalidArgument (a directory).
  static Result<std::unique_ptr<AtomicFile>> Create(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends at the current position. Errors: IoError (disk full: names the path and the remedy).
  Status Write(std::span<const std::byte> bytes);
  // Overwrites bytes already written. Errors: as Write.
  Status WriteAt(uint64_t offset, std::span<const std::byte> bytes);
  // Bytes written so far.
  uint64_t position() const { return position_; }
  // Flushes to disk and gives the file its name. Errors: IoError.
  Status Commit();

 private:
  AtomicFile() = default;
  Status Error(const char* what) const;
  std::string path_;
  std::string temp_path_;
  int fd_ = -1;
  uint64_t position_ = 0;
};

// Removes the temporary files of unfinished AtomicFiles; async-signal-safe, for SIGINT handlers.
void RemoveTemporaryFilesOnSignal() noexcept;

// Makes the n-th following write of an AtomicFile fail as if the disk were full; -1 for none.
// For tests only. Not thread-safe.
void FailWriteForTesting(int64_t n);

}  // namespace kith

#endif  // KITH_BASE_FILE_H_
