// Files under temporary names, beside those that they are to become.
#ifndef KITH_BASE_TEMPORARY_FILE_H_
#define KITH_BASE_TEMPORARY_FILE_H_

#include <signal.h>
#include <sys/types.h>

#include <string>

namespace kith {
inline namespace base {

// Keeps this thread's signal handlers from running between two steps that belong together.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_{};
};

// A file that is being written under the name ".NAME.kith-tmp-BOOT-N", in the directory of NAME.
//
// While it is written it is locked, and the system takes the lock away when the process ends, in
// whatever way. A file of such a name that nobody holds locked is therefore dead, and the next
// process that writes to NAME removes it. BOOT tells the running system by a number that it draws
// at its start: a lock that another machine holds on a shared disk may not be seen here, so files
// of another BOOT are left alone. They are those of other machines and from before a restart. Where
// there are no locks, or the system has no such number, the name is ".NAME.kith-tmp-PID-N", and
// nobody removes the file but its process.
//
// Numbers N begin at 0 and are used again, so that finding the dead takes a few look-ups and not a
// walk through the directory. Not thread-safe.
class TemporaryFile {
 public:
  // `directory`, an open one, must stay open. Removes what dead processes have left of `name`.
  // Returns 0, or the errno of what failed.
  int Create(int directory, const std::string& name, mode_t mode);

  TemporaryFile() = default;
  // Removes the file, if there still is one, unless this is a child that was forked meanwhile: the
  // file is its parent's.
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int descriptor() const { return fd_; }
  // Whether this is the process that created it.
  bool mine() const;

  // Gives the file its name, in place of the file of that name. Returns 0, or the errno of what
  // failed: ENOENT if somebody removed it.
  int Rename(const std::string& name);

 private:
  int ClaimAny(const std::string& name, const std::string& of, mode_t mode, bool lock);
  int Claim(mode_t mode, bool lock);

  int directory_ = -1;
  int fd_ = -1;
  int slot_ = -1;  // in the registry of temporary files
  pid_t process_ = 0;
  std::string name_;
};

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_TEMPORARY_FILE_H_
