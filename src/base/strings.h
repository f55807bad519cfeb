// Joining of pieces into messages.
#ifndef KITH_BASE_STRINGS_H_
#define KITH_BASE_STRINGS_H_

#include <concepts>
#include <sstream>
#include <string>
#include <string_view>

namespace kith::inline base {

// StrCat("row ", 3, " has ", 2.5) == "row 3 has 2.5".
template <class... Args>
std::string StrCat(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return std::move(out).str();
}

}  // namespace kith::inline base

#endif  // KITH_BASE_STRINGS_H_
