#include "base/spelling.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/strings.h"

namespace kith {
inline namespace base {
namespace {

bool IsAscii(std::string_view text) {
  uint64_t bits = 0;
  for (; text.size() >= sizeof(bits); text.remove_prefix(sizeof(bits))) {
    uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof(word));
    bits |= word;
  }
  for (const char c : text) bits |= static_cast<unsigned char>(c);
  return (bits & 0x8080808080808080u) == 0;
}

// Takes a letter off the front of a text: a character of UTF-8, or a byte that begins none.
uint32_t TakeLetter(std::string_view* text) {
  const size_t size = std::max<size_t>(1, Utf8Length(*text));
  uint32_t letter = 0;
  for (size_t i = 0; i < size; ++i) letter = letter << 8 | static_cast<unsigned char>((*text)[i]);
  text->remove_prefix(size);
  return letter;
}

}  // namespace

SpellingPattern::SpellingPattern(std::string_view word) : bytes_(word.size()) {
  size_t at = 0;
  while (!word.empty()) {
    if (at == kMostLetters) return;
    const uint64_t bit = uint64_t{1} << at++;
    const uint32_t letter = TakeLetter(&word);
    if (letter < ascii_.size()) {
      kinds_ |= uint32_t{1} << (letter & 31);
      const char c = static_cast<char>(letter);
      ascii_[static_cast<size_t>(LowerAscii(c))] |= bit;
      if (UpperAscii(LowerAscii(c)) != LowerAscii(c)) {
        ascii_[static_cast<size_t>(UpperAscii(c))] |= bit;
      }
      continue;
    }
    const auto known = std::find_if(others_.begin(), others_.end(),
                                    [&](const auto& other) { return other.first == letter; });
    if (known != others_.end()) {
      known->second |= bit;
    } else {
      others_.emplace_back(letter, bit);
    }
  }
  length_ = at;
}

size_t SpellingPattern::tolerance() const { return length_ < 5 ? 1 : length_ < 9 ? 2 : 3; }

uint64_t SpellingPattern::MaskOf(uint32_t letter) const {
  if (letter < ascii_.size()) return ascii_[letter];
  for (const auto& [other, mask] : others_) {
    if (other == letter) return mask;
  }
  return 0;
}

bool SpellingPattern::MayBeNear(std::string_view text, size_t limit) const {
  // Each missing or additional letter is one wrong, and takes four bytes at most.
  if (!others_.empty()) {
    return text.size() <= bytes_ + 4 * limit && text.size() + 4 * limit >= bytes_;
  }
  if (text.size() + limit < length_ || text.size() > length_ + 4 * limit) return false;
  if (text.size() > length_ + limit && IsAscii(text)) return false;
  // A wrong letter makes one kind of letters less, and another one more.
  uint32_t kinds = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    kinds |= uint32_t{byte < 0x80} << (byte & 31);
  }
  const auto most = static_cast<int>(limit);
  return std::popcount(kinds_ & ~kinds) <= most && std::popcount(kinds & ~kinds_) <= most;
}

size_t SpellingPattern::Distance(std::string_view text, size_t limit) const {
  if (!usable() || !MayBeNear(text, limit)) return limit + 1;
  const bool ascii = IsAscii(text);
  const uint64_t last = uint64_t{1} << (length_ - 1);
  uint64_t more = ~uint64_t{0};  // where the distance grows by one from letter to letter
  uint64_t less = 0;
  uint64_t same = 0;
  uint64_t before = 0;  // the mask of the letter before
  size_t distance = length_;
  while (!text.empty()) {
    uint64_t mask = 0;
    if (ascii) {
      mask = ascii_[static_cast<unsigned char>(text[0])];
      text.remove_prefix(1);
    } else {
      mask = MaskOf(TakeLetter(&text));
    }
    const uint64_t swapped = ((~same & mask) << 1) & before;
    same = (((mask & more) + more) ^ more) | mask | less | swapped;
    const uint64_t up = less | ~(same | more);
    const uint64_t down = same & more;
    distance += (up & last) != 0 ? 1 : 0;
    distance -= (down & last) != 0 ? 1 : 0;
    // What is left of the text makes up for one letter each at most.
    if (distance > limit + text.size()) return limit + 1;
    const uint64_t shifted = up << 1 | 1;
    more = down << 1 | ~(same | shifted);
    less = shifted & same;
    before = mask;
  }
  return std::min(distance, limit + 1);
}

}  // namespace base
}  // namespace kith
