#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include "base/strings.h"

namespace kith::inline base {
namespace {

constexpr size_t kBufferBytes = 256 << 10;
constexpr size_t kMaxWriteBytes = size_t{1} << 30;  // Linux writes less than 2 GiB a call
constexpr int kMaxLinks = 40;                       // as the kernel follows
constexpr int kMaxTemporaryNames = 1000;
constexpr size_t kMaxNameBytes = 255;

std::string ErrorText(int error) { return std::generic_category().message(error); }

// Calls `call` again as long as a signal interrupts it.
template <class Call>
auto RetryInterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// The temporary files that exist now, where a signal handler can read them without a lock.
struct TemporarySlot {
  enum State : int { kFree, kFilling, kLive };
  std::atomic<int> state{kFree};
  pid_t pid = 0;  // a forked child inherits the table, but not the files
  int dir_fd = -1;
  char name[kMaxNameBytes + 1] = {};
};
static_assert(std::atomic<int>::is_always_lock_free);

constexpr int kTemporarySlots = 64;
TemporarySlot g_temporaries[kTemporarySlots];

// The number of the slot taken, or -1 if all are in use.
int RegisterTemporary(int dir_fd, const std::string& name) {
  for (int i = 0; i < kTemporarySlots; ++i) {
    TemporarySlot& slot = g_temporaries[i];
    int expected = TemporarySlot::kFree;
    if (!slot.state.compare_exchange_strong(expected, TemporarySlot::kFilling)) continue;
    slot.pid = getpid();
    slot.dir_fd = dir_fd;
    std::memcpy(slot.name, name.c_str(), name.size() + 1);
    slot.state.store(TemporarySlot::kLive, std::memory_order_release);
    return i;
  }
  return -1;
}

void UnregisterTemporary(int slot) {
  if (slot >= 0) g_temporaries[slot].state.store(TemporarySlot::kFree, std::memory_order_release);
}

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

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string NameOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// Standard output and its like are links whose target may even be a regular file, open elsewhere.
bool IsOpenDescriptor(const std::string& path) {
  for (const char* prefix : {"/dev/std", "/dev/fd/", "/proc/"}) {
    if (path.starts_with(prefix)) return true;
  }
  return false;
}

// The file that writing to `path` means: the end of a chain of symbolic links.
Result<std::string> FollowLinks(const std::string& path) {
  std::string target = path;
  for (int i = 0; i < kMaxLinks; ++i) {
    if (IsOpenDescriptor(target)) {
      return Status::InvalidArgument(StrCat(path,
                                            ": is a device or an open descriptor; kith writes ",
                                            "to regular files only, give the name of a file"));
    }
    struct stat info = {};
    if (lstat(target.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return target;
    char link[4096];
    const ssize_t size = readlink(target.c_str(), link, sizeof(link));
    if (size <= 0 || static_cast<size_t>(size) == sizeof(link)) break;
    const std::string next(link, static_cast<size_t>(size));
    target = next[0] == '/' ? next : StrCat(DirectoryOf(target), "/", next);
  }
  return Status::InvalidArgument(
      StrCat(path, ": its symbolic links can't be followed to an end; remove the link"));
}

}  // namespace

Result<std::shared_ptr<AnonymousFile>> AnonymousFile::Create(const std::string& label) {
  std::shared_ptr<AnonymousFile> file(new AnonymousFile);
  file->label_ = label;
#ifdef MFD_CLOEXEC
  file->fd_ = memfd_create("kith", MFD_CLOEXEC);
#endif
  if (file->fd_ < 0) {
    const char* folder = std::getenv("TMPDIR");
    std::string name =
        StrCat(folder == nullptr || *folder == '\0' ? "/tmp" : folder, "/kith-XXXXXX");
    file->fd_ = mkostemp(name.data(), O_CLOEXEC);
    if (file->fd_ < 0) {
      return Status::IoError(StrCat(label, ": cannot create a temporary file ", name, ": ",
                                    ErrorText(errno), "; set TMPDIR to a folder with room"));
    }
    unlink(name.c_str());
  }
  return file;
}

AnonymousFile::~AnonymousFile() {
  if (fd_ >= 0) close(fd_);
}

Result<std::shared_ptr<const MappedFile>> MappedFile::Open(const std::string& path) {
  if (path.find('\0') != std::string::npos) {
    return Status::InvalidArgument("a file name holds a zero byte");
  }
  // Not blocking: a pipe nobody writes to would wait for ever.
  const int fd =
      RetryInterrupted([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); });
  if (fd < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) {
      return Status::NotFound(StrCat(path, ": no such file"));
    }
    return Status::IoError(StrCat(path, ": cannot open for reading: ", ErrorText(error)));
  }
  struct Closer {
    int fd;
    ~Closer() { close(fd); }
  } closer{fd};
  return Map(fd, path, false);
}

Result<std::shared_ptr<const MappedFile>> MappedFile::Open(const AnonymousFile& file) {
  return Map(file.descriptor(), file.label(), true);
}

Result<std::shared_ptr<const MappedFile>> MappedFile::Map(int fd, const std::string& path,
                                                          bool anonymous) {
  struct stat info = {};
  if (fstat(fd, &info) != 0) {
    return Status::IoError(StrCat(path, ": cannot read its size: ", ErrorText(errno)));
  }
  if (S_ISDIR(info.st_mode)) {
    return Status::InvalidArgument(StrCat(path, ": is a directory; give the name of a file"));
  }
  if (!S_ISREG(info.st_mode)) {
    return Status::InvalidArgument(
        StrCat(path, ": is a pipe or a device; write its content to a regular file first"));
  }
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  file->anonymous_ = anonymous;
  file->size_ = static_cast<size_t>(info.st_size);
  if (file->size_ == 0) return std::shared_ptr<const MappedFile>(std::move(file));
  void* data = mmap(nullptr, file->size_, PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) {
    const int error = errno;
    file->size_ = 0;
    std::string message = StrCat(path, ": cannot map ", info.st_size, " bytes: ", ErrorText(error));
    return error == ENOMEM ? Status::OutOfMemory(std::move(message))
                           : Status::IoError(std::move(message));
  }
  file->data_ = static_cast<const std::byte*>(data);
  return std::shared_ptr<const MappedFile>(std::move(file));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::Prefault() const {
  if (data_ == nullptr) return;
  Advise(Access::kUsual);  // to be read in large pieces
  void* data = const_cast<std::byte*>(data_);
#ifdef MADV_POPULATE_READ
  if (madvise(data, size_, MADV_POPULATE_READ) == 0) return;
#endif
  madvise(data, size_, MADV_WILLNEED);
}

void MappedFile::Advise(Access access) const {
  if (data_ == nullptr) return;
  const int advice = access == Access::kSequential ? MADV_SEQUENTIAL
                     : access == Access::kRandom   ? MADV_RANDOM
                                                   : MADV_NORMAL;
  madvise(const_cast<std::byte*>(data_), size_, advice);
}

Result<std::unique_ptr<AtomicFile>> AtomicFile::Create(const FileTarget& to) {
  const std::string& path = to.path;
  if (to.anonymous != nullptr) {
    std::unique_ptr<AtomicFile> file(new AtomicFile);
    file->path_ = path;
    file->anonymous_ = to.anonymous;
    file->fd_ = to.anonymous->descriptor();
    KITH_ASSIGN_OR_RETURN(file->buffer_, AlignedBuffer<std::byte>::Create(kBufferBytes));
    return file;
  }
  if (path.empty() || path.find('\0') != std::string::npos) {
    return Status::InvalidArgument("the name of the file to write is empty or holds a zero byte");
  }
  KITH_ASSIGN_OR_RETURN(const std::string target, FollowLinks(path));
  std::unique_ptr<AtomicFile> file(new AtomicFile);
  file->path_ = path;
  KITH_ASSIGN_OR_RETURN(file->buffer_, AlignedBuffer<std::byte>::Create(kBufferBytes));
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
        ": is a device or a pipe; kith writes to regular files only, give the name of a file"));
  }
  // A rename would replace a write-protected file without asking.
  if (exists && faccessat(dir_fd_, name_.c_str(), W_OK, AT_EACCESS) != 0) {
    return Status::IoError(StrCat(path_, ": the file of this name may not be replaced: ",
                                  ErrorText(errno), "; chmod it or give another name"));
  }
  const mode_t mode = exists ? old.st_mode & 0777 : 0666;
  static std::atomic<uint32_t> counter{0};
  for (int i = 0; i < kMaxTemporaryNames; ++i) {
    const std::string suffix = StrCat(".kith-tmp-", getpid(), "-", counter++);
    temp_name_ = StrCat(".", name_.substr(0, kMaxNameBytes - 1 - suffix.size()), suffix);
    // Known before it exists, so that a signal in between leaves nothing.
    slot_ = RegisterTemporary(dir_fd_, temp_name_);
    fd_ = RetryInterrupted([&] {
      return openat(dir_fd_, temp_name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    });
    if (fd_ >= 0) break;
    UnregisterTemporary(std::exchange(slot_, -1));
    // Another machine or container that shares the directory may have a process of our number.
    if (errno != EEXIST) break;
  }
  if (fd_ < 0) {
    const int error = errno;
    return Status::IoError(StrCat(path_, ": cannot create a file in ", DirectoryOf(target), ": ",
                                  ErrorText(error), "; choose a directory you may write to"));
  }
  // The umask may have taken bits the old file had. Where modes can't be set, there are none.
  if (exists) fchmod(fd_, mode);
  return Status::Ok();
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0 && anonymous_ == nullptr) {
    close(fd_);
    RemoveTemporary();
  }
  if (dir_fd_ >= 0) close(dir_fd_);
}

void AtomicFile::RemoveTemporary() {
  unlinkat(dir_fd_, temp_name_.c_str(), 0);
  UnregisterTemporary(slot_);
  slot_ = -1;
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
  const size_t size = buffered_;
  buffered_ = 0;
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

Status AtomicFile::WriteAt(uint64_t offset, std::span<const std::byte> bytes) {
  if (!error_.ok()) return error_;
  if (fd_ < 0 || offset > position() || bytes.size() > position() - offset) {
    return Status::Internal(StrCat(path_, ": overwriting outside of what was written"));
  }
  KITH_RETURN_IF_ERROR(Flush());
  return WriteThrough(offset, bytes);
}

Status AtomicFile::Extend(uint64_t size) {
  if (!error_.ok()) return error_;
  if (fd_ < 0 || size < position()) {
    return Status::Internal(StrCat(path_, ": extending what is longer already"));
  }
  KITH_RETURN_IF_ERROR(Flush());
  const bool too_large = size > static_cast<uint64_t>(std::numeric_limits<off_t>::max());
  if (too_large || FailThisStep() ||
      RetryInterrupted([&] { return ftruncate(fd_, static_cast<off_t>(size)); }) != 0) {
    return Fail("write", too_large ? EFBIG : errno);
  }
  flushed_ = size;
  return Status::Ok();
}

Status AtomicFile::Truncate(uint64_t size) {
  if (!error_.ok()) return error_;
  if (fd_ < 0 || size > position()) {
    return Status::Internal(StrCat(path_, ": cutting off what is not there"));
  }
  KITH_RETURN_IF_ERROR(Flush());
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
  KITH_RETURN_IF_ERROR(Flush());
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
  return MappedFile::Map(fd_, path_, false);
}

Status AtomicFile::Commit() {
  if (!error_.ok()) return error_;
  if (fd_ < 0) return Status::Internal(StrCat(path_, ": committed twice"));
  KITH_RETURN_IF_ERROR(Flush());
  if (anonymous_ != nullptr) {
    fd_ = -1;
    return Status::Ok();
  }
  if (FailThisStep() || RetryInterrupted([&] { return fsync(fd_); }) != 0) {
    return Fail("flush to disk", errno);
  }
  if (FailThisStep() || renameat(dir_fd_, temp_name_.c_str(), dir_fd_, name_.c_str()) != 0) {
    return Fail("rename the finished file", errno);
  }
  UnregisterTemporary(slot_);
  slot_ = -1;
  close(fd_);  // everything is on disk already
  fd_ = -1;
  // Some file systems can't flush a directory (EINVAL); the rename is then as durable as it gets.
  if (RetryInterrupted([&] { return fsync(dir_fd_); }) != 0 && errno != EINVAL) {
    error_ = Status::IoError(
        StrCat(path_, ": written, but its directory can't be flushed to disk: ", ErrorText(errno)));
  }
  return error_;
}

void RemoveTemporaryFilesOnSignal() noexcept {
  const int saved_errno = errno;
  for (TemporarySlot& slot : g_temporaries) {
    if (slot.state.load(std::memory_order_acquire) != TemporarySlot::kLive) continue;
    if (slot.pid == getpid()) unlinkat(slot.dir_fd, slot.name, 0);
  }
  errno = saved_errno;
}

void FailWriteForTesting(int64_t n) { g_steps_before_failure.store(n, std::memory_order_relaxed); }

}  // namespace kith::inline base
