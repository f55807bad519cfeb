#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/file.h"
#include "base/file_names.h"
#include "base/strings.h"
#include "base/thread_pool.h"

namespace kith {
inline namespace base {
namespace {

constexpr size_t kPrefaultBytes = size_t{64} << 20;  // between two questions whether to stop

// Whether `path` leads to the file that is open as `fd`.
bool IsFile(const std::string& path, int fd) {
  struct stat named = {};
  struct stat open_file = {};
  return stat(path.c_str(), &named) == 0 && fstat(fd, &open_file) == 0 &&
         named.st_dev == open_file.st_dev && named.st_ino == open_file.st_ino;
}

Status NoRegularFile(const std::string& path) {
  return Status::InvalidArgument(
      StrCat(path, ": is a pipe, a device or a socket; write its content to a regular file first"));
}

}  // namespace

FileTarget FileTarget::Replacing(const MappedFile& file) {
  FileTarget target(file.path());
  target.place = file.absolute_path();
  target.replaced = file.identity();
  return target;
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
    if (error == ENXIO || error == ENODEV) return NoRegularFile(path);
    return Status::IoError(StrCat(path, ": cannot open for reading: ", ErrorText(error)));
  }
  struct Closer {
    int fd;
    ~Closer() { close(fd); }
  } closer{fd};
  // The directory may have been changed between the two, by another thread.
  std::string absolute = AbsolutePath(path);
  if (absolute != path && !IsFile(absolute, fd)) absolute.clear();
  return Map(fd, path, std::move(absolute), false);
}

Result<std::shared_ptr<const MappedFile>> MappedFile::Open(const AnonymousFile& file) {
  return Map(file.descriptor(), file.label(), "", true);
}

Result<std::shared_ptr<const MappedFile>> MappedFile::Map(int fd, const std::string& path,
                                                          std::string absolute_path,
                                                          bool anonymous) {
  struct stat info = {};
  if (fstat(fd, &info) != 0) {
    return Status::IoError(StrCat(path, ": cannot read its size: ", ErrorText(errno)));
  }
  if (S_ISDIR(info.st_mode)) {
    return Status::InvalidArgument(StrCat(path, ": is a directory; give the name of a file"));
  }
  if (!S_ISREG(info.st_mode)) return NoRegularFile(path);
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  file->absolute_path_ = std::move(absolute_path);
  file->identity_ = {info.st_dev, info.st_ino};
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

Status MappedFile::Prefault(const std::stop_token& stop) const {
  Advise(Access::kUsual);  // to be read in large pieces
  for (size_t begin = 0; begin < size_; begin += kPrefaultBytes) {
    if (stop.stop_requested()) return Cancelled();
    void* const data = const_cast<std::byte*>(data_) + begin;
    const size_t size = std::min(kPrefaultBytes, size_ - begin);
#ifdef MADV_POPULATE_READ
    if (madvise(data, size, MADV_POPULATE_READ) == 0) continue;
#endif
    madvise(data, size, MADV_WILLNEED);
  }
  return Status::Ok();
}

void MappedFile::Advise(Access access) const {
  if (data_ == nullptr) return;
  const int advice = access == Access::kSequential ? MADV_SEQUENTIAL
                     : access == Access::kRandom   ? MADV_RANDOM
                                                   : MADV_NORMAL;
  madvise(const_cast<std::byte*>(data_), size_, advice);
}

}  // namespace base
}  // namespace kith
