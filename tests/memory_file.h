// A file without a disk, for tests and fuzzers that write thousands.
#ifndef KITH_TESTS_MEMORY_FILE_H_
#define KITH_TESTS_MEMORY_FILE_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace kith::testing {

class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("kith-test", MFD_CLOEXEC)) { Require(fd_ >= 0); }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  // Opens the same file, as long as this lives.
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

  // Replaces the content. REQUIRES: nobody has it mapped.
  void Write(std::string_view content) {
    Require(ftruncate(fd_, static_cast<off_t>(content.size())) == 0);
    for (size_t done = 0; done < content.size();) {
      const ssize_t count =
          pwrite(fd_, content.data() + done, content.size() - done, static_cast<off_t>(done));
      Require(count > 0);
      done += static_cast<size_t>(count);
    }
  }

 private:
  static void Require(bool ok) {
    if (ok) return;
    std::perror("memory file");
    std::abort();
  }
  int fd_;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_MEMORY_FILE_H_
