#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "base/file.h"
#include "base/file_attribute.h"
#include "base/file_names.h"
#include "base/strings.h"
#include "base/temporary_file.h"
#include "base/thread_pool.h"

namespace kith {
inline namespace base {
namespace {

constexpr size_t kBufferBytes = 256 << 10;
constexpr size_t kLongPieceBytes = 8 << 20;         // some milliseconds
constexpr size_t kMaxWriteBytes = size_t{1} << 30;  // Linux writes less than 2 GiB a call

std::atomic<int64_t> g_steps_before_failure{-1};

// Whether FailWriteForTesting() wants this step to fail.
bool FailThisStep() {
  const int64_t left = g_steps_before_failure.load(std::memory_order_relaxed);
  if (left < 0) return false;
  if (left > 0) {
    g_steps_before_failure.store(left - 1, std::memory_order_relaxed);
    return false;
  }
  errno = ENOSPC;
  return true;
}

}  // namespace

Result<std::unique_ptr<AtomicFile>> AtomicFile::Create(const FileTarget& to) {
  const std::string& path = to.path;
  std::unique_ptr<AtomicFile> file(new AtomicFile);
  file->path_ = path;
  file->process_ = getpid();
  KITH_ASSIGN_OR_RETURN(file->buffer_, AlignedBuffer<std::byte>::Create(kBufferBytes));
  if (to.anonymous != nullptr) {
    file->anonymous_ = to.anonymous;
    file->fd_ = to.anonymous->descriptor();
    return file;
  }
  if (path.empty() || path.find('\0') != std::string::npos) {
    return Status::InvalidArgument("the name of the file to write is empty or holds a zero byte");
  }
  if (to.replaced.known() && to.place.empty()) {
    return Status::IoError(StrCat(path,
                                  ": cannot be replaced: the folder it was opened in has no name; "
                                  "open it by its absolute path"));
  }
  const std::string& place = to.place.empty() ? path : to.place;
  file->absolute_path_ = AbsolutePath(place);
  file->replaced_ = to.replaced;
  KITH_ASSIGN_OR_RETURN(const std::string target, FollowLinks(place));
  KITH_RETURN_IF_ERROR(file->OpenDirectory(target));
  KITH_RETURN_IF_ERROR(file->CreateTemporary(target));
  return file;
}

// Holding the directory open keeps the rename right even if the process changes its directory.
Status AtomicFile::OpenDirectory(const std::string& target) {
  const std::string directory = DirectoryOf(target);
  dir_fd_ =
      RetryInterrupted([&] { return open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (dir_fd_ >= 0) return Status::Ok();
  const int error = errno;
  if (error == ENOENT || error == ENOTDIR) {
    return Status::NotFound(
        StrCat(path_, ": there is no directory ", directory, " to write to; create it first"));
  }
  return Status::IoError(
      StrCat(path_, ": cannot open directory ", directory, ": ", ErrorText(error)));
}

Status AtomicFile::CreateTemporary(const std::string& target) {
  name_ = NameOf(target);
  struct stat old = {};
  // A name that ends in a slash has no last part, and can be a directory only.
  const bool exists = !name_.empty() && fstatat(dir_fd_, name_.c_str(), &old, 0) == 0;
  if (!name_.empty() && !exists && errno != ENOENT) {
    return Status::IoError(StrCat(path_, ": cannot write a file of this name: ", ErrorText(errno)));
  }
  if (name_.empty() || (exists && S_ISDIR(old.st_mode))) {
    return Status::InvalidArgument(StrCat(path_, ": is a directory; give the name of a file"));
  }
  if (exists && !S_ISREG(old.st_mode)) {
    return Status::InvalidArgument(StrCat(
        path_,
        ": is a device, a pipe or a socket; kith writes to regular files only, give the name of a "
        "file"));
  }
  // A rename would replace a write-protected file without asking.
  if (exists && faccessat(dir_fd_, name_.c_str(), W_OK, AT_EACCESS) != 0) {
    return Status::IoError(StrCat(path_, ": the file of this name may not be replaced: ",
                                  ErrorText(errno), "; chmod it or give another name"));
  }
  KITH_RETURN_IF_ERROR(CheckReplaced());
  const mode_t mode = exists ? old.st_mode & 0777 : 0666;
  temporary_ = std::make_unique<TemporaryFile>();
  if (const int error = temporary_->Create(dir_fd_, name_, mode); error != 0) {
    return Status::IoError(StrCat(path_, ": cannot create a file in ", DirectoryOf(target), ": ",
                                  ErrorText(error), "; choose a directory you may write to"));
  }
  fd_ = temporary_->descriptor();
  // The umask may have taken bits the old file had. Where modes can't be set, there are none.
  if (exists) fchmod(fd_, mode);
  return Status::Ok();
}

// That the name is still that of the file to be replaced.
Status AtomicFile::CheckReplaced() const {
  struct stat now = {};
  if (!replaced_.known()) return Status::Ok();
  if (fstatat(dir_fd_, name_.c_str(), &now, 0) != 0) {
    return Status::NotFound(StrCat(path_,
                                   ": was removed since it was opened, and is not made again; "
                                   "write to another name"));
  }
  if (replaced_ == FileIdentity{now.st_dev, now.st_ino}) return Status::Ok();
  return Status::IoError(StrCat(path_,
                                ": is another file than the one that was opened, and stays as it "
                                "is; open it again, or write to another name"));
}

// A child that was forked has a copy of everything here, but the file is its parent's.
Status AtomicFile::CheckProcess() const {
  if (process_ == getpid()) return Status::Ok();
  return Status::InvalidArgument(StrCat(path_, ": is being written by process ", process_,
                                        ", of which this is a fork; write it there, or begin "
                                        "anew here"));
}

AtomicFile::AtomicFile() = default;

AtomicFile::~AtomicFile() {
  temporary_.reset();  // needs the directory
  if (dir_fd_ >= 0) close(dir_fd_);
}

Status AtomicFile::Fail(std::string_view step, int error) {
  std::string reason = ErrorText(error);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    reason = StrCat(error == ENOSPC   ? "the disk is full"
                    : error == EDQUOT ? "the disk quota is used up"
                                      : "the file is larger than the system allows",
                    " after ", flushed_, " bytes; free some space or write to another disk");
  }
  error_ = Status::IoError(
      StrCat(path_, ": cannot ", step, ": ", reason, " (an older file of this name is unchanged)"));
  return error_;
}

Status AtomicFile::WriteThrough(uint64_t offset, std::span<const std::byte> bytes) {
  KITH_RETURN_IF_ERROR(CheckProcess());
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kMaxWriteBytes);
    if (offset > static_cast<uint64_t>(std::numeric_limits<off_t>::max()) - size) {
      return Fail("write", EFBIG);
    }
    const ssize_t written = FailThisStep() ? -1 : RetryInterrupted([&] {
      return pwrite(fd_, bytes.data(), size, static_cast<off_t>(offset));
    });
    if (written <= 0) return Fail("write", written == 0 ? ENOSPC : errno);
    offset += static_cast<uint64_t>(written);
    flushed_ = std::max(flushed_, offset);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return Status::Ok();
}

Status AtomicFile::Flush() {
  const size_t size = std::exchange(buffered_, 0);
  return WriteThrough(flushed_, {buffer_.data(), size});
}

Status AtomicFile::Write(std::span<const std::byte> bytes) {
  if (!error_.ok()) return error_;
  if (fd_ < 0) return Status::Internal(StrCat(path_, ": written to after it was committed"));
  if (bytes.size() > buffer_.size() - buffered_) {
    KITH_RETURN_IF_ERROR(Flush());
    if (bytes.size() >= buffer_.size()) return WriteThrough(flushed_, bytes);
  }
  if (!bytes.empty()) std::memcpy(buffer_.data() + buffered_, bytes.data(), bytes.size());
  buffered_ += bytes.size();
  return Status::Ok();
}

Status AtomicFile::WriteLong(std::span<const std::byte> bytes, const std::stop_token& stop) {
  while (!bytes.empty()) {
    if (stop.stop_requested()) return Cancelled();
    const auto piece = bytes.first(std::min(bytes.size(), kLongPieceBytes));
    KITH_RETURN_IF_ERROR(Write(piece));
    bytes = bytes.subspan(piece.size());
  }
  return Status::Ok();
}

Status AtomicFile::WriteAt(uint64_t offset, std::span<const std::byte> bytes) {
  if (!error_.ok()) return error_;
  if (fd_ < 0 || offset > position() || bytes.size() > position() - offset) {
    return Status::Internal(StrCat(path_, ": overwriting outside of what was written"));
  }
  KITH_RETURN_IF_ERROR(Flush());
  return WriteThrough(offset, bytes);
}

// Reserved, not only announced: reading a hole through a mapping on a full tmpfs is a SIGBUS, where
// it takes a page to show zeros.
Status AtomicFile::Extend(uint64_t size) {
  if (!error_.ok()) return error_;
  if (fd_ < 0 || size < position()) {
    return Status::Internal(StrCat(path_, ": extending what is longer already"));
  }
  KITH_RETURN_IF_ERROR(Flush());
  KITH_RETURN_IF_ERROR(CheckProcess());
  if (size == flushed_) return Status::Ok();
  int error = EFBIG;
  if (size <= static_cast<uint64_t>(std::numeric_limits<off_t>::max())) {
    const auto begin = static_cast<off_t>(flushed_);
    do {
      error =
          FailThisStep() ? ENOSPC : posix_fallocate(fd_, begin, static_cast<off_t>(size) - begin);
    } while (error == EINTR);
  }
  if (error == 0) {
    flushed_ = size;
    return Status::Ok();
  }
  // Some file systems keep what they could reserve.
  const Status failed = Fail(StrCat("make room for ", size, " bytes"), error);
  if (RetryInterrupted([&] { return ftruncate(fd_, static_cast<off_t>(flushed_)); }) == 0) {
    error_ = Status::Ok();
  }
  return failed;
}

Status AtomicFile::Truncate(uint64_t size) {
  if (!error_.ok()) return error_;
  if (fd_ < 0 || size > position()) {
    return Status::Internal(StrCat(path_, ": cutting off what is not there"));
  }
  KITH_RETURN_IF_ERROR(Flush());
  KITH_RETURN_IF_ERROR(CheckProcess());
  if (FailThisStep() ||
      RetryInterrupted([&] { return ftruncate(fd_, static_cast<off_t>(size)); }) != 0) {
    return Fail("cut off", errno);
  }
  flushed_ = size;
  return Status::Ok();
}

Status AtomicFile::Read(uint64_t offset, std::span<std::byte> bytes) {
  if (!error_.ok()) return error_;
  if (fd_ < 0 || offset > position() || bytes.size() > position() - offset) {
    return Status::Internal(StrCat(path_, ": reading outside of what was written"));
  }
  if (offset + bytes.size() > flushed_) KITH_RETURN_IF_ERROR(Flush());
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kMaxWriteBytes);
    const ssize_t got = RetryInterrupted(
        [&] { return pread(fd_, bytes.data(), size, static_cast<off_t>(offset)); });
    if (got <= 0) return Fail("read back", got == 0 ? EIO : errno);
    offset += static_cast<uint64_t>(got);
    bytes = bytes.subspan(static_cast<size_t>(got));
  }
  return Status::Ok();
}

Result<std::shared_ptr<const MappedFile>> AtomicFile::Map() {
  if (!error_.ok()) return error_;
  if (fd_ < 0) return Status::Internal(StrCat(path_, ": mapped after it was committed"));
  KITH_RETURN_IF_ERROR(Flush());
  return MappedFile::Map(fd_, path_, absolute_path_, anonymous_ != nullptr);
}

void AtomicFile::SetAttribute(const char* name, const std::string& value) {
  if (fd_ >= 0 && anonymous_ == nullptr && CheckProcess().ok()) SetFileAttribute(fd_, name, value);
}

Status AtomicFile::Sync() {
  if (!error_.ok()) return error_;
  if (fd_ < 0) return Status::Internal(StrCat(path_, ": committed twice"));
  KITH_RETURN_IF_ERROR(Flush());
  KITH_RETURN_IF_ERROR(CheckProcess());
  if (anonymous_ != nullptr) return Status::Ok();
  if (FailThisStep() || RetryInterrupted([&] { return fsync(fd_); }) != 0) {
    return Fail("flush to disk", errno);
  }
  return error_ = CheckReplaced();
}

Status AtomicFile::Rename() {
  if (anonymous_ == nullptr) {
    if (const int error = FailThisStep() ? errno : temporary_->Rename(name_); error != 0) {
      return Fail("rename the finished file", error);
    }
  }
  fd_ = -1;  // everything is on disk already
  return Status::Ok();
}

Status AtomicFile::SyncDirectory() {
  // Some file systems can't flush a directory (EINVAL); the rename is then as durable as it gets.
  if (anonymous_ == nullptr && RetryInterrupted([&] { return fsync(dir_fd_); }) != 0 &&
      errno != EINVAL) {
    error_ = Status::IoError(
        StrCat(path_, ": written, but its directory can't be flushed to disk: ", ErrorText(errno)));
  }
  return error_;
}

Status AtomicFile::Commit() {
  KITH_RETURN_IF_ERROR(Sync());
  KITH_RETURN_IF_ERROR(Rename());
  return SyncDirectory();
}

Status AtomicFile::CommitTogether(std::span<const std::unique_ptr<AtomicFile>> files) {
  for (const auto& file : files) KITH_RETURN_IF_ERROR(file->Sync());
  {
    const SignalsHeld held;
    for (const auto& file : files) KITH_RETURN_IF_ERROR(file->Rename());
  }
  for (const auto& file : files) KITH_RETURN_IF_ERROR(file->SyncDirectory());
  return Status::Ok();
}

void FailWriteForTesting(int64_t n) { g_steps_before_failure.store(n, std::memory_order_relaxed); }

}  // namespace base
}  // namespace kith
