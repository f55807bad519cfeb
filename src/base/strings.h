// Pieces of messages, and joining them.
#ifndef KITH_BASE_STRINGS_H_
#define KITH_BASE_STRINGS_H_

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>

namespace kith {
inline namespace base {

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

// The bytes of the character of UTF-8 that `text` begins with; 0 if it begins with none.
size_t Utf8Length(std::string_view text);

// Text from outside, for one line of a message or a terminal: each byte of a control character
// (C0, C1, separators of lines, turns of the direction of writing) or of what is no UTF-8 becomes
// \xNN. Everything else stays, backslashes too.
std::string Printable(std::string_view text);

// The same so that it can be undone: backslashes are doubled, and tab, newline and carriage return
// become \t, \n and \r.
std::string Escaped(std::string_view text);

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_STRINGS_H_
