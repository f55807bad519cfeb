#include "base/strings.h"

#include <algorithm>

namespace kith {
inline namespace base {
namespace {

uint8_t ByteAt(std::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

// Whether a character, given as UTF-8, does something to a terminal or to the text around it
// instead of being seen: the controls of C0 and C1, separators of lines, and what turns the
// direction of writing.
bool IsControl(std::string_view character) {
  const uint8_t first = ByteAt(character, 0);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  const uint8_t second = ByteAt(character, 1);
  if (character.size() == 2) return first == 0xC2 && second < 0xA0;
  if (character.size() != 3 || first != 0xE2) return false;
  const uint8_t third = ByteAt(character, 2);
  return (second == 0x80 && third >= 0xA8 && third <= 0xAE) ||  // U+2028 to U+202E
         (second == 0x81 && third >= 0xA6 && third <= 0xA9);    // U+2066 to U+2069
}

void AppendBytes(std::string_view bytes, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < bytes.size(); ++i) {
    *out += {'\\', 'x', kDigits[ByteAt(bytes, i) >> 4], kDigits[ByteAt(bytes, i) & 0xF]};
  }
}

}  // namespace

size_t Utf8Length(std::string_view text) {
  if (text.empty()) return 0;
  const uint8_t first = ByteAt(text, 0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((ByteAt(text, i) & 0xC0) != 0x80) return 0;
  }
  // Neither longer than needed, nor half of a pair of UTF-16, nor beyond Unicode.
  const uint8_t second = ByteAt(text, 1);
  const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

std::string Printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    if (length == 0 || IsControl(character)) {
      AppendBytes(character, &out);
    } else {
      out += character;
    }
    text.remove_prefix(character.size());
  }
  return out;
}

std::string Escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of("\\\t\n\r"), text.size());
    out += Printable(text.substr(0, end));
    text.remove_prefix(end);
    if (text.empty()) break;
    switch (text[0]) {
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      default: out += "\\\\";
    }
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace base
}  // namespace kith
