// Files that appear under their names complete or not at all: AtomicFile, and what removes the
// halves of them when a signal ends the program, RemoveTemporaryFilesOnSignal(); and names.
#ifndef KITH_APPS_COMMON_FILES_H_
#define KITH_APPS_COMMON_FILES_H_

#include <filesystem>
#include <string>
#include <system_error>

#include "base/file.h"  // IWYU pragma: export

namespace kith::apps {

// Whether both are names of one file, which is there.
inline bool IsSameFile(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::equivalent(a, b, error);
}

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_FILES_H_
