// word2vec binary and text, GloVe.
#include <gtest/gtest.h>

#include "data/data_test_util.h"

namespace kith {
namespace {

constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
const Matrix kRows = {{1, -2}, {0.5, 3}};
const Words kWords = {"cat", "dog"};

std::string Binary(const std::string& between) {
  return "2 2\ncat " + Raw(1.f, -2.f) + between + "dog " + Raw(0.5f, 3.f) + between;
}

TEST(Word2vecBinary, WithAndWithoutNewlines) {
  for (const char* between : {"\n", ""}) {
    const Result<Dataset> set = ReadBytes("a.bin", Binary(between));
    ExpectSet(set, "word2vec-bin", DataType::kF32, kRows, kWords);
    EXPECT_EQ(set->metric, Metric::kAngular);
  }
}

TEST(Word2vecBinary, VectorsMayLookLikeNewlinesAndSpaces) {
  const std::string odd = "    \n\n\n\n";  // two floats
  const Result<Dataset> set = ReadBytesAs("word2vec-bin", "2 2\na " + odd + "\nb " + odd + "\n");
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(Keys(*set), (Words{"a", "b"}));
}

TEST(Word2vecBinary, KeepsDuplicatesAndInvalidUtf8) {
  const std::string contents = "3 1\na " + Raw(1.f) + "a " + Raw(2.f) + "\xff\xfe " + Raw(3.f);
  ExpectSet(ReadBytesAs("word2vec-bin", contents), "word2vec-bin", DataType::kF32, {{1}, {2}, {3}},
            {"a", "a", "\xff\xfe"});
}

TEST(Word2vecBinary, RefusesTruncationAndMore) {
  const std::string good = Binary("\n");
  ExpectError(ReadBytes("a.bin", good.substr(0, 24)), kInvalid,
              {"a.bin", "row 1 of 2", "expected", "got", "truncated"});
  ExpectError(ReadBytes("a.bin", good + "x"), kInvalid,
              {"a.bin: byte", "expected the end of the file after 2 words"});
  ExpectError(ReadBytesAs("word2vec-bin", "2 2\n" + std::string(6000, 'x') + " "), kInvalid,
              {"byte 4", "at most 4096 bytes"});
}

TEST(Word2vecBinary, NeverTrustsTheHeader) {
  for (const char* header :
       {"4000000000 300\n", "18446744073709551615 65536\n", "99999999999999999999999 3\n", "2 0\n",
        "0 2\n", "2 65537\n", "2\n", "\n", "", "2 2", "-2 2\n", "2  2\n", "x y\n", "2 2 2\n"}) {
    ExpectError(ReadBytesAs("word2vec-bin", std::string(header) + "cat " + Raw(1.f, 2.f), "a.bin"),
                kInvalid, {"a.bin: ", "expected", "got"});
  }
}

TEST(Word2vecText, GoldenAndVariants) {
  for (const char* text : {"2 2\ncat 1 -2 \ndog 0.5 3 \n", "2 2\r\ncat 1 -2\r\ndog 0.5 3\r\n",
                           "2 2\ncat 1 -2\ndog +0.5 3e0", "2 2\ncat\t1\t-2\ndog\t.5\t3.\n\n\n"}) {
    const Result<Dataset> set = ReadBytes("a.vec", text);
    ExpectSet(set, "word2vec-text", DataType::kF32, kRows, kWords);
    EXPECT_EQ(set->metric, Metric::kAngular);
  }
}

TEST(Word2vecText, RefusesCountsThatDiffer) {
  ExpectError(ReadBytes("a.vec", "3 2\ncat 1 -2\ndog 0.5 3\n"), kInvalid,
              {"a.vec: line 3", "expected 3 words", "after 2"});
  ExpectError(ReadBytes("a.vec", "1 2\ncat 1 -2\ndog 0.5 3\n"), kInvalid,
              {"a.vec: line 3", "after 1 words", "got more"});
  ExpectError(ReadBytes("a.vec", "2 3\ncat 1 -2 3\ndog 0.5 3\n"), kInvalid,
              {"a.vec: line 3", "expected a word and 3 numbers", "got 3 fields"});
}

TEST(Glove, Golden) {
  const Result<Dataset> set = ReadBytes("a.txt", "cat 1 -2\ndog 0.5 3\n");
  ExpectSet(set, "glove", DataType::kF32, kRows, kWords);
  EXPECT_EQ(set->metric, Metric::kAngular);
}

TEST(Glove, WordsMayHoldSpacesAndBeNumbers) {
  ExpectSet(ReadBytes("a.txt", "the 1 2\n. . . 3 4\nat name@domain.com 5 6\n2008 7 8\n, 9 10\n"),
            "glove", DataType::kF32, {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}},
            {"the", ". . .", "at name@domain.com", "2008", ","});
  ExpectSet(ReadBytesAs("glove", ". . . 1 2\nb 3 4\n"), "glove", DataType::kF32, {{1, 2}, {3, 4}},
            {". . .", "b"});
  ExpectSet(ReadBytesAs("glove", "1 1 2\n2 3 4\n"), "glove", DataType::kF32, {{1, 2}, {3, 4}},
            {"1", "2"});
  ExpectSet(ReadBytesAs("glove", "a 1 2\n 3 4\n"), "glove", DataType::kF32, {{1, 2}, {3, 4}},
            {"a", ""});
}

TEST(Glove, KeepsBytesThatAreNotUtf8) {
  ExpectSet(ReadBytes("a.txt", "\xc3 1\n\xa0z\xff 2\n"), "glove", DataType::kF32, {{1}, {2}},
            {"\xc3", "\xa0z\xff"});
}

TEST(Glove, RefusesRaggedLines) {
  ExpectError(ReadBytes("g.txt", "a 1 2 3\nb 1 2\n"), kInvalid,
              {"g.txt: line 2", "expected a word and 3 numbers", "got 3 fields"});
  ExpectError(ReadBytes("g.txt", "a 1 2\nb 1 2 3\n"), kInvalid,
              {"g.txt: line 2", "expected a word and 2 numbers", "got 4 fields"});
  ExpectError(ReadBytes("g.txt", "a 1 2\n1 2\n"), kInvalid, {"line 2", "got 2 fields"});
  ExpectError(ReadBytes("g.txt", "a 1 2\n\nb 1 2\n"), kInvalid, {"line 2", "got an empty line"});
}

TEST(Glove, RefusesWhatIsNoFiniteNumber) {
  for (const char* bad : {"nan", "NaN", "inf", "-inf", "infinity", "1e39", "-1e39", "1e400", "x",
                          "1x", "0x10", "1,5", "--1", "+-1", "1e", "+"}) {
    ExpectError(ReadBytesAs("glove", std::string("a 1 2\nb ") + bad + " 2\n", "g.txt"), kInvalid,
                {"g.txt: line 2", "expected a finite number as number 1 of 2", bad});
  }
}

TEST(Glove, NumbersAtTheEdges) {
  const Result<Dataset> set = ReadBytesAs(
      "glove", "a 1e-50 1e-400 -1e-60 1.17549435e-38 1e-45 3.4028235e38 -0 +1 0.1 16777217\n");
  ASSERT_TRUE(set.ok()) << set.status().message();
  const std::vector<float> row = Row(set->vectors, 0);
  EXPECT_EQ(row, (std::vector<float>{0, 0, 0, 1.17549435e-38f, 1e-45f, 3.4028235e38f, 0, 1, 0.1f,
                                     16777216}));
}

TEST(Words, ProgressAndCancelling) {
  std::string text;
  for (int i = 0; text.size() < (9u << 20); ++i) {
    text += "word" + std::to_string(i) + " 0.25 -1.5 3\n";
  }
  std::vector<uint64_t> seen;
  ReadOptions options;
  options.progress = [&](std::string_view, uint64_t done, uint64_t total) {
    EXPECT_EQ(total, text.size());
    seen.push_back(done);
    return true;
  };
  ASSERT_TRUE(ReadBytes("a.txt", text, options).ok());
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.back(), text.size());
  options.progress = [](std::string_view, uint64_t, uint64_t) { return false; };
  ExpectError(ReadBytes("a.txt", text, options), kInvalid, {"a.txt", "cancelled"});
}

}  // namespace
}  // namespace kith
