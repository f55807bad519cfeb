// How far a spelling is from another.
#ifndef KITH_BASE_SPELLING_H_
#define KITH_BASE_SPELLING_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace kith {
inline namespace base {

// A letter from A to Z, or a to z, in the other case; other bytes stay.
inline char LowerAscii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
inline char UpperAscii(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// A word that many others are compared with. A distance is the number of letters that are wrong,
// missing, too many, or swapped with their neighbour; letters are characters of UTF-8, and those
// that differ in case alone (of ASCII) are the same. Thread-safe once made. Algorithm: bit-parallel
// optimal string alignment (Hyyrö, "A bit-vector algorithm for computing Levenshtein and Damerau
// edit distances", 2003), one step a letter of the other word.
class SpellingPattern {
 public:
  static constexpr size_t kMostLetters = 64;

  explicit SpellingPattern(std::string_view word);

  size_t length() const { return length_; }  // in letters
  // False for a word that is empty or too long, from which everything is too far.
  bool usable() const { return length_ > 0; }
  // The letters that may be wrong in a word of this length so that it may still be the one meant.
  size_t tolerance() const;
  // The distance of `text`, or limit + 1 if it is more than `limit`.
  size_t Distance(std::string_view text, size_t limit) const;

 private:
  // False only of texts that are farther than `limit`, which is nearly all of them: told by their
  // size and the kinds of their letters, in a few nanoseconds.
  bool MayBeNear(std::string_view text, size_t limit) const;
  uint64_t MaskOf(uint32_t letter) const;

  size_t length_ = 0;  // letters
  size_t bytes_ = 0;
  uint32_t kinds_ = 0;  // of letters of ASCII, by the last five bits, which cases share
  std::array<uint64_t, 128> ascii_{};  // for each letter, where it stands in the word
  std::vector<std::pair<uint32_t, uint64_t>> others_;  // the same of letters beyond ASCII
};

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_SPELLING_H_
