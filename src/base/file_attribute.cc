#include "base/file_attribute.h"

#include <sys/xattr.h>

namespace kith {
inline namespace base {

void SetFileAttribute(int fd, const char* name, const std::string& value) {
  [[maybe_unused]] const int ignored = fsetxattr(fd, name, value.data(), value.size(), 0);
}

std::string GetFileAttribute(const std::string& path, const char* name) {
  char value[256];
  const ssize_t size = getxattr(path.c_str(), name, value, sizeof(value));
  return size > 0 ? std::string(value, static_cast<size_t>(size)) : std::string();
}

}  // namespace base
}  // namespace kith
