// Pieces of messages, and joining them.
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
  // Else a stream without memory leaves out what follows, and says nothing.
  out.exceptions(std::ios_base::badbit);
  (out << ... << args);
  return std::move(out).str();
}

// FormatCount(1234567) == "1,234,567".
inline std::string FormatCount(uint64_t n) {
  std::string text = std::to_string(n);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

// Plural(1, "tree") == "1 tree", Plural(3000, "tree") == "3,000 trees"; of queries, "queries".
inline std::string Plural(uint64_t n, std::string_view noun) {
  if (n == 1) return StrCat("1 ", noun);
  if (noun.ends_with("ry"))
    return StrCat(FormatCount(n), " ", noun.substr(0, noun.size() - 1), "ies");
  return StrCat(FormatCount(n), " ", noun, "s");
}

// Text from outside, for one line of a message or a terminal: control characters become '?'.
inline std::string Printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return out;
}

}  // namespace kith::inline base

#endif  // KITH_BASE_STRINGS_H_
