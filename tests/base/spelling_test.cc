// Distances of spellings against the plain table of dynamic programming.
#include "base/spelling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/strings.h"

namespace kith {
namespace {

std::vector<std::string> Letters(std::string_view text) {
  std::vector<std::string> letters;
  while (!text.empty()) {
    const size_t size = std::max<size_t>(1, Utf8Length(text));
    letters.emplace_back(text.substr(0, size));
    if (size == 1) letters.back()[0] = LowerAscii(letters.back()[0]);
    text.remove_prefix(size);
  }
  return letters;
}

size_t Plain(std::string_view a_text, std::string_view b_text) {
  const std::vector<std::string> a = Letters(a_text);
  const std::vector<std::string> b = Letters(b_text);
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

TEST(SpellingTest, IsThePlainDistance) {
  Rng rng(7);
  const std::vector<std::string> letters = {"a",        "b",        "A",    "c",
                                            "\xC3\xA9", "\xD0\xB6", "\xFF", "\xF0\x9F\x98\x80"};
  const auto word = [&](size_t most, size_t kinds) {
    std::string text;
    for (size_t n = rng.Below(most + 1); n > 0; --n) text += letters[rng.Below(kinds)];
    return text;
  };
  for (int round = 0; round < 20000; ++round) {
    const size_t kinds = round % 2 == 0 ? 4 : letters.size();
    const std::string a = word(round % 10 == 0 ? 70 : 8, kinds);
    const std::string b = word(round % 10 == 0 ? 70 : 8, kinds);
    const size_t limit = rng.Below(6);
    const SpellingPattern pattern(a);
    const size_t length = Letters(a).size();
    ASSERT_EQ(pattern.usable(), length > 0 && length <= SpellingPattern::kMostLetters);
    const size_t expected = pattern.usable() ? std::min(Plain(a, b), limit + 1) : limit + 1;
    ASSERT_EQ(pattern.Distance(b, limit), expected) << Printable(a) << " | " << Printable(b);
  }
}

TEST(SpellingTest, KnowsSwapsCasesAndCharacters) {
  EXPECT_EQ(SpellingPattern("recieve").Distance("receive", 3), 1u);
  EXPECT_EQ(SpellingPattern("IPHONE").Distance("iPhone", 3), 0u);
  EXPECT_EQ(SpellingPattern("z\xC3\xBCrich").Distance("zurich", 3), 1u);
  EXPECT_EQ(SpellingPattern("river").Distance("banana", 2), 3u);
  EXPECT_EQ(SpellingPattern("").Distance("", 2), 3u);
  EXPECT_EQ(SpellingPattern("cat").tolerance(), 1u);
  EXPECT_EQ(SpellingPattern("chinese").tolerance(), 2u);
  EXPECT_EQ(SpellingPattern("neighbourhood").tolerance(), 3u);
}

}  // namespace
}  // namespace kith
