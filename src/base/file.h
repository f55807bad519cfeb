// Files: read-only mappings and atomic writes.
#ifndef KITH_BASE_FILE_H_
#define KITH_BASE_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "base/aligned_buffer.h"
#include "kith/status.h"

namespace kith {
inline namespace base {

// A file without a name, in memory where the system can, else in its folder for temporary files;
// gone with the last that holds it. What is written to it is never fsynced.
class AnonymousFile {
 public:
  // `label` stands for the name in messages. Errors: IoError, OutOfMemory.
  static Result<std::shared_ptr<AnonymousFile>> Create(const std::string& label);
  ~AnonymousFile();
  AnonymousFile(const AnonymousFile&) = delete;
  AnonymousFile& operator=(const AnonymousFile&) = delete;

  int descriptor() const { return fd_; }
  const std::string& label() const { return label_; }

 private:
  AnonymousFile() = default;
  int fd_ = -1;
  std::string label_;
};

class MappedFile;
class TemporaryFile;

// By what a file is told from all others on this machine for as long as it is open or mapped,
// whatever becomes of its name.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;

  bool known() const { return inode != 0; }
  bool operator==(const FileIdentity&) const = default;
};

// Where a file is written to: under a name, or to an anonymous one.
struct FileTarget {
  FileTarget(const char* name) : path(name) {}             // NOLINT(google-explicit-constructor)
  FileTarget(std::string name) : path(std::move(name)) {}  // NOLINT(google-explicit-constructor)
  FileTarget(std::shared_ptr<AnonymousFile> file)          // NOLINT(google-explicit-constructor)
      : path(file->label()), anonymous(std::move(file)) {}
  // The place of a mapped file, as it was when it was mapped. Another file that has its name by now
  // is not replaced: IoError. One removed: NotFound.
  static FileTarget Replacing(const MappedFile& file);

  std::string path;  // or what stands for it in messages
  std::shared_ptr<AnonymousFile> anonymous;
  std::string place;      // the absolute path; empty: `path`, as it is understood when it is opened
  FileIdentity replaced;  // if known, of the only file that may be replaced
};

// A whole file mapped read-only and shared. Thread-safe once made. The mapping holds the file, not
// its name: a file replaced or removed by name meanwhile stays readable here, whole and unchanged.
// A file cut short in place by another program gives SIGBUS where its end was; AtomicFile never
// does that.
class MappedFile {
 public:
  // O(1). Errors: NotFound, InvalidArgument (a directory, pipe or device), IoError, OutOfMemory.
  // An empty file gives an empty span.
  static Result<std::shared_ptr<const MappedFile>> Open(const std::string& path);
  // The same of what was written to an anonymous file so far.
  static Result<std::shared_ptr<const MappedFile>> Open(const AnonymousFile& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  // The path as it was understood when the file was opened, from the root; links in it stay. "" of
  // an anonymous file, and if the current directory had no name that leads to the file.
  const std::string& absolute_path() const { return absolute_path_; }
  const FileIdentity& identity() const { return identity_; }
  // Whether the path is only the label of a file without a name.
  bool anonymous() const { return anonymous_; }

  // Reads the whole file into the page cache and maps its pages, as far as the system can.
  // Errors: InvalidArgument (cancelled).
  Status Prefault(const std::stop_token& stop = {}) const;
  // Tells the kernel how the file will be read from now on: once, front to back; here and there, so
  // that reading ahead of what is asked for only costs; or as usual.
  enum class Access { kSequential, kRandom, kUsual };
  void Advise(Access access) const;

 private:
  friend class AtomicFile;
  MappedFile() = default;
  static Result<std::shared_ptr<const MappedFile>> Map(int fd, const std::string& path,
                                                       std::string absolute_path, bool anonymous);
  std::string path_;
  std::string absolute_path_;
  FileIdentity identity_;
  bool anonymous_ = false;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Writes a file that appears under its name complete, or not at all: a temporary file in the same
// directory (base/temporary_file.h, which says what becomes of those that killed processes leave),
// fsync, rename, fsync of the directory. An existing file keeps its permissions; a symbolic link
// stays and its target is replaced. Destroying it without Commit() removes the temporary file. The
// first error is kept and returned by every later call. Small writes are gathered, so appending a
// few bytes at a time is cheap. To an anonymous file it only writes. A child made by fork() can
// neither write it (InvalidArgument) nor remove it. Not thread-safe.
class AtomicFile {
 public:
  // Errors: NotFound (no such directory), InvalidArgument (a directory, device or pipe), IoError
  // (permission, disk, another file than the one to be replaced), OutOfMemory.
  static Result<std::unique_ptr<AtomicFile>> Create(const FileTarget& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends. Errors: IoError (disk full: names the path, the bytes written and the remedy).
  Status Write(std::span<const std::byte> bytes);
  // The same of many bytes, asking `stop` now and then: InvalidArgument (cancelled).
  Status WriteLong(std::span<const std::byte> bytes, const std::stop_token& stop);
  // Overwrites bytes already written. REQUIRES: offset + bytes.size() <= position().
  // Errors: as Write.
  Status WriteAt(uint64_t offset, std::span<const std::byte> bytes);
  // Makes the file `size` bytes long, zeros from where it ended, with all of their place on the
  // disk, so that they can be read where they are mapped. REQUIRES: size >= position(). Errors:
  // IoError; where only the room was missing, the file is as before and the error is not kept.
  Status Extend(uint64_t size);
  // Cuts off what follows `size` bytes. REQUIRES: size <= position(). Errors: IoError.
  Status Truncate(uint64_t size);
  // Reads bytes already written. REQUIRES: as WriteAt. Errors: IoError.
  Status Read(uint64_t offset, std::span<std::byte> bytes);
  // Maps what was written so far. The mapping stays when the file gets its name, or never does.
  // Errors: IoError, OutOfMemory.
  Result<std::shared_ptr<const MappedFile>> Map();
  // Attaches a note to the file (base/file_attribute.h), not to an anonymous one.
  void SetAttribute(const char* name, const std::string& value);
  // Bytes written so far.
  uint64_t position() const { return flushed_ + buffered_; }
  // Flushes to disk and gives the file its name; nothing may be written after it. Errors: IoError
  // (also: another file has its name than the one to be replaced).
  Status Commit();
  // The same of files that belong together: none gets its name before all are on the disk, and the
  // names follow each other with this thread's signal handlers held back. Several names cannot be
  // given at once: a process killed outright, or a failing disk, in these microseconds leaves some
  // files new and some old, each whole. Errors: as Commit.
  static Status CommitTogether(std::span<const std::unique_ptr<AtomicFile>> files);

 private:
  AtomicFile();
  Status OpenDirectory(const std::string& target);
  Status CreateTemporary(const std::string& target);
  Status CheckReplaced() const;
  Status CheckProcess() const;
  Status Flush();
  // The steps of Commit().
  Status Sync();
  Status Rename();
  Status SyncDirectory();
  Status WriteThrough(uint64_t offset, std::span<const std::byte> bytes);
  // Keeps and returns an error about the step that left its reason in errno.
  Status Fail(std::string_view step, int error);

  std::string path_;                          // as the caller named it, for messages
  std::string absolute_path_;                 // of what is mapped
  std::shared_ptr<AnonymousFile> anonymous_;  // fd_ is its, then
  std::string name_;                          // of the file, in dir_fd_
  FileIdentity replaced_;
  pid_t process_ = 0;  // which may write
  int dir_fd_ = -1;
  std::unique_ptr<TemporaryFile> temporary_;  // else fd_ is its
  int fd_ = -1;
  AlignedBuffer<std::byte> buffer_;
  size_t buffered_ = 0;
  uint64_t flushed_ = 0;
  Status error_;
};

// Removes the temporary files of this process's unfinished AtomicFiles (of the first 64, should
// there be more). Async-signal-safe: for SIGINT and SIGTERM handlers, which then leave by _exit.
void RemoveTemporaryFilesOnSignal() noexcept;

// Makes AtomicFiles fail as on a full disk after n more successful steps (a write, fsync or rename
// each); -1 ends it. For tests only.
void FailWriteForTesting(int64_t n);

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_FILE_H_
