// Joining of pieces into messages.
#ifndef KITH_BASE_STRINGS_H_
#define KITH_BASE_STRINGS_H_

#include <cstddef>
#include <cstdint>
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

// WithThousands(1234567) == "1,234,567".
inline std::string WithThousands(uint64_t n) {
  std::string text = std::to_string(n);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

// Plural(1, "tree") == "1 tree", Plural(3000, "tree") == "3,000 trees".
inline std::string Plural(uint64_t n, std::string_view noun) {
  return StrCat(WithThousands(n), " ", noun, n == 1 ? "" : "s");
}

}  // namespace kith::inline base

#endif  // KITH_BASE_STRINGS_H_
