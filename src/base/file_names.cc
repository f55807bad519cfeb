#include "base/file_names.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <system_error>

#include "base/strings.h"

namespace kith {
inline namespace base {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel follows

// Standard output and its like are links whose target may even be a regular file, open elsewhere.
bool IsOpenDescriptor(const std::string& path) {
  for (const char* prefix : {"/dev/std", "/dev/fd/", "/proc/"}) {
    if (path.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

std::string ErrorText(int error) { return std::generic_category().message(error); }

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string NameOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string AbsolutePath(const std::string& path) {
  if (!path.empty() && path[0] == '/') return path;
  const std::unique_ptr<char, decltype(&std::free)> here(getcwd(nullptr, 0), &std::free);
  // What is out of reach, of a container say, has a name that does not begin at the root.
  if (here == nullptr || here.get()[0] != '/') return "";
  const std::string directory = here.get();
  return StrCat(directory == "/" ? "" : directory, "/", path);
}

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

}  // namespace base
}  // namespace kith
