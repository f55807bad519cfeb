// Names of files, and what the system says of them.
#ifndef KITH_BASE_FILE_NAMES_H_
#define KITH_BASE_FILE_NAMES_H_

#include <cerrno>
#include <string>

#include "kith/status.h"

namespace kith {
inline namespace base {

// What errno says, in words.
std::string ErrorText(int error);

// Calls `call` again as long as a signal interrupts it.
template <class Call>
auto RetryInterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// The part before the last slash, "." or "/", and the part behind it.
std::string DirectoryOf(const std::string& path);
std::string NameOf(const std::string& path);

// `path` as it is understood now, from the root; links in it stay. "" if the current directory has
// no name (any more).
std::string AbsolutePath(const std::string& path);

// The file that writing to `path` means: the end of a chain of symbolic links. Errors:
// InvalidArgument (links in a circle; a device or an open descriptor).
Result<std::string> FollowLinks(const std::string& path);

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_FILE_NAMES_H_
