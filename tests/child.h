// Parts of tests that need a process of their own.
#ifndef KITH_TESTS_CHILD_H_
#define KITH_TESTS_CHILD_H_

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace kith::testing {

// Runs `body`, which returns whether all is well, in a child of its own, so that it may change
// limits, signals, directories and the user. The child ends as if it were killed: nothing that
// exists then is destroyed.
template <class Body>
void RunInChild(Body body, bool* well) {
  *well = false;
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) _exit(body() ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  *well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

template <class Body>
void ExpectInChild(Body body) {
  bool well = false;
  RunInChild(body, &well);
  EXPECT_TRUE(well);
}

// Mounts a file system of 1 MiB in memory on a directory, which only this process sees and which
// ends with it. Needs root. For a child.
inline bool MountSmallDisk(const std::string& directory) {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=1m") == 0;
}

inline bool CanMountSmallDisk(const std::string& directory) {
  bool possible = false;
  RunInChild([&] { return MountSmallDisk(directory); }, &possible);
  return possible;
}

// A process's current directory, given back at the end.
class InDirectory {
 public:
  explicit InDirectory(const std::string& directory) : before_(get_current_dir_name()) {
    EXPECT_EQ(chdir(directory.c_str()), 0) << directory;
  }
  ~InDirectory() {
    EXPECT_EQ(chdir(before_), 0) << before_;
    free(before_);
  }
  InDirectory(const InDirectory&) = delete;
  InDirectory& operator=(const InDirectory&) = delete;

 private:
  char* const before_;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_CHILD_H_
