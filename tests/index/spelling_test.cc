// Keys found by what they are spelled like.
#include "base/spelling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "index/index_checks.h"
#include "kith/query.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith {
namespace {

std::unique_ptr<Index> IndexOf(const testing::TempDir& dir, const std::vector<std::string>& words,
                               bool with_keys = true) {
  testing::Matrix rows(DataType::kF32, words.size(), 2);
  StringList keys;
  for (size_t i = 0; i < words.size(); ++i) {
    rows.Set(i, 0, 1);
    keys.Add(words[i]);
  }
  BuildOptions options;
  options.paths = {ExactOptions{}};
  if (with_keys) options.keys = &keys;
  return testing::BuildAndOpen(dir.File("x.kith"), rows, options);
}

TEST(NearestKeysTest, ComeByDistanceThenByRow) {
  const testing::TempDir dir;
  const auto index = IndexOf(
      dir, {"rover", "driver", "river", "River", "riverside", "rivers", "", "rivet", "river"});
  ASSERT_NE(index, nullptr);
  const auto near = [&](const char* text, size_t count) {
    return *NearestKeys(*index, text, count);
  };
  EXPECT_EQ(near("river", 3), (std::vector<std::string>{"river", "River", "rover"}));
  EXPECT_EQ(near("RIVERS", 2), (std::vector<std::string>{"rivers", "river"}));
  EXPECT_EQ(near("rvier", 1), std::vector<std::string>{"river"});
  EXPECT_EQ(near("unheard", 5), std::vector<std::string>());
  EXPECT_EQ(near("", 5), std::vector<std::string>());
  EXPECT_EQ(near(std::string(65, 'r').c_str(), 5), std::vector<std::string>());
  EXPECT_EQ(near("river", 0), std::vector<std::string>());
  EXPECT_EQ(near("river", 100).size(), 6u);  // all but "", riverside and the second river
}

TEST(NearestKeysTest, AreThoseOfAPlainLoopOnAnyThreads) {
  const testing::TempDir dir;
  Rng rng(3);
  std::vector<std::string> words;
  for (size_t i = 0; i < 150000; ++i) {
    std::string word;
    for (size_t n = 2 + rng.Below(8); n > 0; --n) word += static_cast<char>('a' + rng.Below(5));
    words.push_back(word);
  }
  const auto index = IndexOf(dir, words);
  ASSERT_NE(index, nullptr);
  for (const char* text : {"abcde", "eeeee", "abcdabcd", "ab"}) {
    const SpellingPattern pattern(text);
    std::vector<std::pair<size_t, size_t>> all;
    for (size_t row = 0; row < words.size(); ++row) {
      const size_t distance = pattern.Distance(words[row], pattern.tolerance());
      if (distance <= pattern.tolerance()) all.emplace_back(distance, row);
    }
    std::sort(all.begin(), all.end());
    std::vector<std::string> expected;
    for (const auto& [distance, row] : all) {
      const bool new_one =
          std::find(expected.begin(), expected.end(), words[row]) == expected.end();
      if (new_one && expected.size() < 7) expected.push_back(words[row]);
    }
    EXPECT_EQ(*NearestKeys(*index, text, 7, 1), expected) << text;
    EXPECT_EQ(*NearestKeys(*index, text, 7, 3), expected) << text;
  }
}

TEST(KeysWithPrefixTest, ComeByRowInTheCaseTypedFirst) {
  const testing::TempDir dir;
  const auto index = IndexOf(dir, {"chin", "China", "chinese", "CHINA", "an"});
  ASSERT_NE(index, nullptr);
  const auto with = [&](const char* prefix, size_t count) {
    return *KeysWithPrefix(*index, prefix, count);
  };
  EXPECT_EQ(with("chi", 9), (std::vector<std::string>{"chin", "chinese"}));
  EXPECT_EQ(with("chi", 1), std::vector<std::string>{"chin"});
  EXPECT_EQ(with("CHi", 9), (std::vector<std::string>{"chin", "China", "chinese", "CHINA"}));
  EXPECT_EQ(with("x", 9), std::vector<std::string>());
}

TEST(NearestKeysTest, NeedKeys) {
  const testing::TempDir dir;
  const auto index = IndexOf(dir, {"a", "b"}, false);
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(NearestKeys(*index, "a", 1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(KeysWithPrefix(*index, "a", 1).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace kith
