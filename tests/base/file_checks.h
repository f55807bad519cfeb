// Writing files, for the tests of files.
#ifndef KITH_TESTS_BASE_FILE_CHECKS_H_
#define KITH_TESTS_BASE_FILE_CHECKS_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/file.h"

namespace kith::testing {

inline std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Writes `content` in pieces of `piece` bytes.
inline Status WriteAtomically(const std::string& path, std::string_view content,
                              size_t piece = 1 << 20) {
  KITH_ASSIGN_OR_RETURN(const auto file, AtomicFile::Create(path));
  while (!content.empty()) {
    KITH_RETURN_IF_ERROR(file->Write(Bytes(content.substr(0, piece))));
    content.remove_prefix(std::min(piece, content.size()));
  }
  return file->Commit();
}

}  // namespace kith::testing

#endif  // KITH_TESTS_BASE_FILE_CHECKS_H_
