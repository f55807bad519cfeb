// fastText's own binary models.
#include "data/fasttext.h"

#include <gtest/gtest.h>

#include "data/data_test_util.h"
#include "data/fasttext_file.h"

namespace kith {
namespace {

using testing::FastTextFile;

constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;

void ExpectNear(const std::vector<float>& values, const std::vector<double>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(values[i]), expected[i], 1e-6);
  }
}

TEST(FastText, WordsAreMeansOfTheirOwnRowAndTheirNgrams) {
  FastTextFile file;
  for (const auto& [minn, maxn] : {std::pair(2, 3), {1, 6}, {3, 3}, {0, 2}, {4, 3}, {0, 0}}) {
    SCOPED_TRACE(::testing::Message() << minn << " to " << maxn);
    file.minn = minn;
    file.maxn = maxn;
    const Result<Dataset> set = ReadBytes("a.bin", file.Bytes());
    ASSERT_TRUE(set.ok()) << set.status().message();
    EXPECT_EQ(set->format, "fasttext-bin");
    EXPECT_EQ(set->metric, Metric::kAngular);
    EXPECT_EQ(Keys(*set), file.words);
    for (size_t i = 0; i < file.words.size(); ++i) {
      ExpectNear(Row(set->vectors, i), file.WordMean(i));
    }
  }
}

TEST(FastText, OtherWordsAreMeansOfTheirNgrams) {
  FastTextFile file;
  for (const auto& [minn, maxn] : {std::pair(2, 3), {1, 6}, {3, 3}}) {
    file.minn = minn;
    file.maxn = maxn;
    const auto model = data::FastTextModel::Open(MakeInput("a.bin", file.Bytes()), nullptr);
    ASSERT_TRUE(model.ok()) << model.status().message();
    EXPECT_TRUE(model->has_subwords());
    std::vector<float> vector(model->dim());
    // Also bytes that are no UTF-8: some that begin nothing, and some that go on with the mark.
    for (const std::string& word :
         {std::string("dog"), std::string("\xe6\x97\xa5\xe6\x9c\xac"), std::string("na\xc3\xafve"),
          std::string("\xff\xfe"), std::string("\x80\xbfx"), std::string(3000, 'x')}) {
      ASSERT_TRUE(model->SubwordVector(word, vector.data())) << word;
      ExpectNear(vector, file.SubwordMean(word));
    }
  }
  file.minn = 5;
  file.maxn = 6;
  const auto model = data::FastTextModel::Open(MakeInput("a.bin", file.Bytes()), nullptr);
  std::vector<float> vector(model->dim());
  EXPECT_FALSE(model->SubwordVector("do", vector.data()));
  EXPECT_TRUE(model->SubwordVector("dog", vector.data()));  // <dog> has five
}

TEST(FastText, LabelsHaveNoVectors) {
  FastTextFile file;
  file.kind = 3;
  file.labels = {"__label__good", "__label__bad"};
  const Result<Dataset> set = ReadBytes("a.bin", file.Bytes());
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(Keys(*set), file.words);
  ExpectNear(Row(set->vectors, 1), file.WordMean(1));
  // Those of the older version had no n-grams.
  file.version = 11;
  const Result<Dataset> old = ReadBytes("a.bin", file.Bytes());
  ASSERT_TRUE(old.ok()) << old.status().message();
  ExpectNear(Row(old->vectors, 1), file.Mean({}, 1));
}

TEST(FastText, FewerRowsAndPackedFiles) {
  const FastTextFile file;
  ReadOptions options;
  options.max_rows = 2;
  const Result<Dataset> two = ReadBytes("a.bin", Gzip(file.Bytes()), options);
  ASSERT_TRUE(two.ok()) << two.status().message();
  EXPECT_EQ(Keys(*two), Words({"</s>", "cat"}));
  ExpectNear(Row(two->vectors, 1), file.WordMean(1));
}

TEST(FastText, RefusesWhatIsNotWhole) {
  const std::string good = FastTextFile().Bytes();
  for (size_t size = 4; size < good.size(); ++size) {
    ExpectError(ReadBytes("a.bin", good.substr(0, size)), kInvalid,
                {"a.bin: byte ", "expected", "got", "truncated"});
  }
  ExpectError(ReadBytes("a.bin", good + "x"), kInvalid, {"expected the end of the file"});
}

TEST(FastText, RefusesQuantisedModels) {
  for (const int64_t pruned : {-1, 0, 20}) {
    FastTextFile file;
    file.pruned = pruned;
    file.quantised = 1;
    ExpectError(ReadBytes("a.ftz", file.Bytes()), StatusCode::kUnsupported,
                {"a.ftz: byte ", "quantised", ".bin"});
  }
  FastTextFile file;
  file.version = 13;
  ExpectError(ReadBytes("a.bin", file.Bytes()), StatusCode::kUnsupported,
              {"a.bin: byte 4", "version 11 or 12", "got 13"});
}

// The file with a number of it changed.
template <class T>
std::string With(size_t offset, T value) {
  std::string bytes = FastTextFile().Bytes();
  bytes.replace(offset, sizeof(value), reinterpret_cast<const char*>(&value), sizeof(value));
  return bytes;
}

TEST(FastText, NeverTrustsItsNumbers) {
  constexpr size_t kArguments = 8;
  constexpr size_t kDictionary = kArguments + 12 * 4 + 8;
  for (const int32_t bad : {INT32_MIN, -1, 0, 70000, INT32_MAX}) {
    ExpectError(ReadBytes("a.bin", With(kArguments, bad)), kInvalid, {"byte 8", "dimensions"});
  }
  for (const int32_t bad : {INT32_MIN, -1, 65, INT32_MAX}) {
    ExpectError(ReadBytes("a.bin", With(kArguments + 40, bad)), kInvalid, {"byte 40", "n-grams"});
  }
  for (const int32_t bad : {INT32_MIN, -1, 0, 49, INT32_MAX}) {  // rows of n-grams
    ExpectError(ReadBytes("a.bin", With(kArguments + 32, bad)), kInvalid, {"byte ", "expected"});
  }
  for (size_t i = 0; i < 3; ++i) {
    for (const int32_t bad : {INT32_MIN, -1, 3, 5, INT32_MAX}) {
      ExpectError(ReadBytes("a.bin", With(kDictionary + 4 * i, bad)), kInvalid,
                  {"byte 64", "entries"});
    }
  }
  for (const int64_t bad : {int64_t{1} << 40, INT64_MAX}) {  // pruned n-grams
    ExpectError(ReadBytes("a.bin", With(kDictionary + 20, bad)), kInvalid,
                {"byte 64", "truncated"});
  }
  FastTextFile long_word;
  long_word.words[1] = std::string(5000, 'x');
  ExpectError(ReadBytes("a.bin", long_word.Bytes()), kInvalid, {"word 1 of 4", "4096 bytes"});
  FastTextFile none;
  none.words.clear();
  ExpectError(ReadBytes("a.bin", none.Bytes()), kInvalid, {"at least one vector"});
}

TEST(FastText, IsNotWritten) {
  const Result<Dataset> set = ReadBytes("a.bin", FastTextFile().Bytes());
  ASSERT_TRUE(set.ok());
  const TempDir dir;
  ExpectError(WriteDataset(dir / "b.bin", "fasttext-bin", set->vectors, set->keys),
              StatusCode::kUnsupported, {"b.bin", "word2vec-bin"});
  EXPECT_EQ(dir.CountFiles(), 0u);
}

}  // namespace
}  // namespace kith
