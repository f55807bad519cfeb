#include "base/temporary_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "base/file_names.h"
#include "base/strings.h"

namespace kith {
inline namespace base {
namespace {

constexpr int kMaxTemporaryNames = 1000;
// So many numbers in a row without a file end the search for the dead. More processes than that
// would have to write to one name at a time, and be killed, for one to be overlooked.
constexpr int kMostMissing = 32;
constexpr size_t kMaxNameBytes = 255;
constexpr size_t kBootDigits = 16;

// The temporary files that exist now, where a signal handler can read them without a lock.
struct TemporarySlot {
  enum State : int { kFree, kFilling, kLive };
  std::atomic<int> state{kFree};
  pid_t pid = 0;  // a forked child inherits the table, but not the files
  int directory = -1;
  char name[kMaxNameBytes + 1] = {};
};
static_assert(std::atomic<int>::is_always_lock_free);

constexpr int kTemporarySlots = 64;
TemporarySlot g_temporaries[kTemporarySlots];

// The number of the slot taken, or -1 if all are in use.
int Register(int directory, const std::string& name) {
  for (int i = 0; i < kTemporarySlots; ++i) {
    TemporarySlot& slot = g_temporaries[i];
    int expected = TemporarySlot::kFree;
    if (!slot.state.compare_exchange_strong(expected, TemporarySlot::kFilling)) continue;
    slot.pid = getpid();
    slot.directory = directory;
    std::memcpy(slot.name, name.c_str(), name.size() + 1);
    slot.state.store(TemporarySlot::kLive, std::memory_order_release);
    return i;
  }
  return -1;
}

void Unregister(int slot) {
  if (slot >= 0) g_temporaries[slot].state.store(TemporarySlot::kFree, std::memory_order_release);
}

;

// The number of the running system, 16 hexadecimal digits; "" if it has none.
const std::string& Boot() {
  static const std::string boot = [] {
    char text[64];
    const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    const ssize_t size =
        fd < 0 ? 0 : RetryInterrupted([&] { return read(fd, text, sizeof(text)); });
    if (fd >= 0) close(fd);
    std::string digits;
    for (ssize_t i = 0; i < size && digits.size() < kBootDigits; ++i) {
      if (std::isxdigit(static_cast<unsigned char>(text[i])) != 0) digits += text[i];
    }
    return digits.size() == kBootDigits ? digits : std::string();
  }();
  return boot;
}

// Cut short where the file system would not take so long a name.
std::string TemporaryName(const std::string& name, const std::string& of, int number) {
  const std::string suffix = StrCat(".kith-tmp-", of, "-", number);
  return StrCat(".", name.substr(0, kMaxNameBytes - 1 - suffix.size()), suffix);
}

// Locks an open file against everybody else who opens it, in this process too, until the last
// descriptor of this opening is closed. Returns 0, EAGAIN if somebody else has it, or the errno of
// a file system without locks. Locks of ranges are seen on both sides of a network; the range is
// far behind the file's end, so that it keeps nobody from reading where locks are mandatory.
int Lock(int fd) {
#ifdef F_OFD_SETLK
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = off_t{1} << 62;
  range.l_len = 1;
  const int result = RetryInterrupted([&] { return fcntl(fd, F_OFD_SETLK, &range); });
#else
  const int result = RetryInterrupted([&] { return flock(fd, LOCK_EX | LOCK_NB); });
#endif
  if (result == 0) return 0;
  return errno == EACCES || errno == EWOULDBLOCK ? EAGAIN : errno;
}

// Whether the file of this name is the one that is open as `fd`.
bool HasName(int fd, int directory, const std::string& name) {
  struct stat open_file = {};
  struct stat named = {};
  return fstat(fd, &open_file) == 0 &&
         fstatat(directory, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

// Removes the file if it is a temporary one whose process is dead. Returns whether there was one.
bool RemoveIfDead(int directory, const std::string& name) {
  // Not blocking, should somebody have made a pipe of this name. Writable, which locks demand.
  const int fd = RetryInterrupted([&] {
    return openat(directory, name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  });
  if (fd < 0) return errno != ENOENT;
  struct stat info = {};
  // While it is locked here, nobody else takes the name from it.
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && Lock(fd) == 0 &&
      HasName(fd, directory, name)) {
    unlinkat(directory, name.c_str(), 0);
  }
  close(fd);
  return true;
}

void RemoveDead(int directory, const std::string& name) {
  int missing = 0;
  for (int i = 0; i < kMaxTemporaryNames && missing < kMostMissing; ++i) {
    missing = RemoveIfDead(directory, TemporaryName(name, Boot(), i)) ? 0 : missing + 1;
  }
}

}  // namespace

SignalsHeld::SignalsHeld() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsHeld::~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

int TemporaryFile::Create(int directory, const std::string& name, mode_t mode) {
  directory_ = directory;
  process_ = getpid();
  if (!Boot().empty()) {
    RemoveDead(directory, name);
    const int error = ClaimAny(name, Boot(), mode, true);
    if (error != ENOLCK) return error;
  }
  return ClaimAny(name, StrCat(process_), mode, false);
}

int TemporaryFile::ClaimAny(const std::string& name, const std::string& of, mode_t mode,
                            bool lock) {
  int error = EEXIST;
  for (int i = 0; i < kMaxTemporaryNames && error == EEXIST; ++i) {
    name_ = TemporaryName(name, of, i);
    error = Claim(mode, lock);
  }
  return error;
}

// EEXIST: the name is another's. ENOLCK: files can't be locked here.
int TemporaryFile::Claim(mode_t mode, bool lock) {
  // The registry must name nobody else's file, so the file comes first; a signal waits meanwhile.
  // (One that another thread handles just then leaves the file to whoever writes next.)
  const SignalsHeld held;
  const int fd = RetryInterrupted([&] {
    return openat(directory_, name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  });
  if (fd < 0) return errno;
  const int error = lock ? Lock(fd) : 0;
  if (error == 0 && HasName(fd, directory_, name_)) {
    fd_ = fd;
    slot_ = Register(directory_, name_);
    return 0;
  }
  // Who locked it before it was locked here takes it for dead, and removes it.
  const bool unlockable = error != 0 && error != EAGAIN;
  if (unlockable) unlinkat(directory_, name_.c_str(), 0);
  close(fd);
  return unlockable ? ENOLCK : EEXIST;
}

bool TemporaryFile::mine() const { return process_ == getpid(); }

// Out of the registry before it goes: the name is free for others from then on. The lock is kept
// until after it.
TemporaryFile::~TemporaryFile() {
  if (fd_ < 0) return;
  const SignalsHeld held;
  Unregister(slot_);
  if (mine() && HasName(fd_, directory_, name_)) unlinkat(directory_, name_.c_str(), 0);
  close(fd_);
}

int TemporaryFile::Rename(const std::string& name) {
  const SignalsHeld held;
  Unregister(std::exchange(slot_, -1));
  // Whoever removed it may have let another take the name.
  int error = HasName(fd_, directory_, name_) ? 0 : ENOENT;
  if (error == 0 && renameat(directory_, name_.c_str(), directory_, name.c_str()) != 0) {
    error = errno;
  }
  if (error == 0) {
    close(std::exchange(fd_, -1));
  } else if (error != ENOENT) {
    slot_ = Register(directory_, name_);
  }
  return error;
}

void RemoveTemporaryFilesOnSignal() noexcept {
  const int saved_errno = errno;
  for (TemporarySlot& slot : g_temporaries) {
    if (slot.state.load(std::memory_order_acquire) != TemporarySlot::kLive) continue;
    if (slot.pid == getpid()) unlinkat(slot.directory, slot.name, 0);
  }
  errno = saved_errno;
}

}  // namespace base
}  // namespace kith
