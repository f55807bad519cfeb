#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "base/file.h"
#include "base/file_names.h"
#include "base/strings.h"

namespace kith {
inline namespace base {

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

}  // namespace base
}  // namespace kith
