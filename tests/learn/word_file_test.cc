// Files of words, and the .kith files that are made of them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "data/fasttext_file.h"
#include "index/index_checks.h"
#include "kith/dataset.h"
#include "kith/words.h"
#include "learn/expect_error.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::ExpectError;
using testing::TempDir;
using testing::WriteFile;

constexpr char kWords[] = "king 1 2 3\nman 2 1 0\nwoman 0 1 2\n";

void SetTime(const std::string& path, time_t seconds) {
  const timespec times[2] = {{seconds, 0}, {seconds, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

class WordFileTest : public ::testing::Test {
 protected:
  void SetUp() override { WriteFile(Words(), kWords); }
  std::string Words() const { return dir_.File("words.txt"); }

  // Opens, and says whether it was built.
  static bool Open(const std::string& path, OpenWordsOptions options = {}) {
    const auto words = OpenWords(path, options);
    EXPECT_TRUE(words.ok()) << words.status().message();
    return words.ok() && words->built;
  }
  // Whether this file system keeps notes beside files.
  bool KeepsNotes() const { return KeepsNotes(Words()); }
  static bool KeepsNotes(const std::string& path) {
    return setxattr(path.c_str(), "user.kith.test", "x", 1, 0) == 0;
  }

  TempDir dir_;
};

TEST_F(WordFileTest, IsBuiltOnceAndThenMapped) {
  const auto first = OpenWords(Words());
  ASSERT_TRUE(first.ok()) << first.status().message();
  EXPECT_TRUE(first->built);
  EXPECT_EQ(first->index_path, Words() + ".kith");
  EXPECT_EQ(first->index->info().num_vectors, 3u);
  EXPECT_EQ(first->index->Key(2), "woman");
  const auto again = OpenWords(Words());
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->built);
  EXPECT_EQ(dir_.NumFiles(), 2u);
  // The .kith file alone will do.
  EXPECT_FALSE(Open(Words() + ".kith"));
}

TEST_F(WordFileTest, IsBuiltAnewWhenItChanged) {
  EXPECT_TRUE(Open(Words()));
  WriteFile(Words(), std::string(kWords) + "queen 3 3 3\n");
  SetTime(Words(), 2'000'000'000);
  if (KeepsNotes()) {
    EXPECT_TRUE(Open(Words()));
    EXPECT_EQ((*OpenWords(Words())).index->info().num_vectors, 4u);
    // An older file put in its place is another one too.
    WriteFile(Words(), kWords);
    SetTime(Words(), 1'000'000'000);
    EXPECT_TRUE(Open(Words()));
    EXPECT_FALSE(Open(Words()));
    // Without the note, times tell: this one is as it should be.
    ASSERT_EQ(removexattr((Words() + ".kith").c_str(), "user.kith.words_source"), 0);
    EXPECT_FALSE(Open(Words()));
    SetTime(Words(), 2'000'000'000);
  }
  // It may be somebody's own.
  ExpectError(OpenWords(Words()).status(), StatusCode::kInvalidArgument, {"older", "remove it"});
}

TEST_F(WordFileTest, OfADamagedOneIsSaidWhatToDo) {
  EXPECT_TRUE(Open(Words()));
  std::filesystem::resize_file(Words() + ".kith", 5000);
  ExpectError(OpenWords(Words()).status(), StatusCode::kCorruption,
              {"words.txt.kith", "remove it, and it is made anew"});
}

TEST_F(WordFileTest, GoesWhereItIsToldTo) {
  OpenWordsOptions options;
  options.index_path = dir_.File("other.kith");
  EXPECT_TRUE(Open(Words(), options));
  EXPECT_FALSE(Open(Words(), options));
  EXPECT_FALSE(std::filesystem::exists(Words() + ".kith"));
  ExpectError(OpenWords(options.index_path, options).status(), StatusCode::kInvalidArgument,
              {"already"});
  options.index_path = Words();
  ExpectError(OpenWords(Words(), options).status(), StatusCode::kInvalidArgument,
              {"no .kith file", "move it away"});
}

TEST_F(WordFileTest, GoesToTheCacheFromFoldersThatCannotBeWritten) {
  const TempDir cache;
  ASSERT_EQ(setenv("XDG_CACHE_HOME", cache.path().c_str(), 1), 0);
  ASSERT_EQ(chmod(dir_.path().c_str(), 0555), 0);
  // Root can write everywhere, so it asks as nobody.
  const bool root = geteuid() == 0;
  constexpr uid_t kNobody = 65534;
  if (root) {
    ASSERT_EQ(chown(cache.path().c_str(), kNobody, kNobody), 0);
    ASSERT_EQ(seteuid(kNobody), 0);
  }
  const auto first = OpenWords(Words());
  const auto again = OpenWords(Words());
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  ASSERT_EQ(chmod(dir_.path().c_str(), 0700), 0);
  unsetenv("XDG_CACHE_HOME");
  ASSERT_TRUE(first.ok()) << first.status().message();
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(first->built);
  EXPECT_FALSE(again->built);
  EXPECT_EQ(first->index_path.rfind(cache.path() + "/kith/words/words.txt-", 0), 0u);
  EXPECT_EQ(dir_.NumFiles(), 1u);
}

TEST_F(WordFileTest, LeavesNothingWhenItIsEnded) {
  OpenWordsOptions options;
  options.progress = [](std::string_view, uint64_t, uint64_t) { return false; };
  ExpectError(OpenWords(Words(), options).status(), StatusCode::kInvalidArgument, {"cancelled"});
  std::stop_source stop;
  stop.request_stop();
  options = {.stop = stop.get_token()};
  ExpectError(OpenWords(Words(), options).status(), StatusCode::kInvalidArgument, {"cancelled"});
  EXPECT_EQ(dir_.NumFiles(), 1u);
}

TEST_F(WordFileTest, SaysWhatIsWrong) {
  ExpectError(OpenWords(dir_.File("none.bin")).status(), StatusCode::kNotFound, {"none.bin"});
  const float values[] = {1, 2, 3, 4};
  ASSERT_TRUE(WriteDataset(dir_.File("x.fvecs"), "", ViewOf(values, 2, 2), {}).ok());
  ExpectError(OpenWords(dir_.File("x.fvecs")).status(), StatusCode::kInvalidArgument,
              {"x.fvecs", "no words"});
  ASSERT_TRUE(BuildIndex(ViewOf(values, 2, 2), dir_.File("x.kith"), {}).ok());
  ExpectError(OpenWords(dir_.File("x.kith")).status(), StatusCode::kInvalidArgument, {"no keys"});
  StringList keys;
  keys.Add("a");
  keys.Add("b");
  ASSERT_TRUE(BuildIndex(ViewOf(values, 2, 2), dir_.File("y.kith"),
                         {.metric = Metric::kEuclidean, .keys = &keys})
                  .ok());
  ExpectError(OpenWords(dir_.File("y.kith")).status(), StatusCode::kInvalidArgument,
              {"y.kith", "euclidean"});
  OpenWordsOptions options;
  options.index_path = dir_.File("no/such/folder.kith");
  ExpectError(OpenWords(Words(), options).status(), StatusCode::kNotFound, {"no/such"});
}

// A file of fastText, and the rows that its n-grams have.
class FastTextWordsTest : public WordFileTest {
 protected:
  void SetUp() override {
    file_.words = {"</s>", "river", "rivers", "city", "cities", "Berlin"};
    WriteFile(Path(), file_.Bytes());
  }
  std::string Path() const { return dir_.File("model.bin"); }

  testing::FastTextFile file_;
};

TEST_F(FastTextWordsTest, WordsThatAreNotThereAreMadeOfSubwords) {
  const auto words = OpenWords(Path());
  ASSERT_TRUE(words.ok()) << words.status().message();
  ASSERT_NE(words->subwords, nullptr);
  EXPECT_EQ(words->subwords->path(), Path());
  const auto query = ParseWords(*words->index, "2*rivr Citty", 1, words->subwords.get());
  ASSERT_TRUE(query.ok()) << query.status().message();
  EXPECT_TRUE(query->terms.empty());
  EXPECT_TRUE(query->unknown.empty());
  ASSERT_EQ(query->subwords.size(), 2u);
  EXPECT_EQ(query->subwords[0].weight, 2);
  const auto expected = file_.SubwordMean("rivr");
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(query->subwords[0].vector[i]), expected[i], 1e-6);
  }
  EXPECT_EQ(SubwordText(query->subwords[0]),
            "no word 'rivr', so its subwords are asked for; did you mean 'river'?");
  // What is there is asked for by its own vector, in any case.
  const auto known = ParseWords(*words->index, "berlin rivers", 1, words->subwords.get());
  ASSERT_TRUE(known.ok());
  EXPECT_EQ(known->terms.size(), 2u);
  EXPECT_TRUE(known->subwords.empty());
  // Without them it is not there.
  EXPECT_EQ(ParseWords(*words->index, "rivr")->unknown.size(), 1u);
}

TEST_F(FastTextWordsTest, SumsAreOfVectorsOfLengthOne) {
  const auto words = OpenWords(Path());
  ASSERT_TRUE(words.ok()) << words.status().message();
  const auto query = *ParseWords(*words->index, "city -2*rivr", 1, words->subwords.get());
  QueryBatch batch(*words->index);
  ASSERT_TRUE(AddWords(query, &batch).ok());
  const auto* const sum = reinterpret_cast<const float*>(batch.vectors().data);
  const auto unit = [](std::vector<double> v) {
    double squares = 0;
    for (const double x : v) squares += x * x;
    for (double& x : v) x /= std::sqrt(squares);
    return v;
  };
  const auto city = unit(file_.WordMean(3));
  const auto other = unit(file_.SubwordMean("rivr"));
  for (size_t i = 0; i < city.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(sum[i]), city[i] - 2 * other[i], 1e-6);
  }
  // The word of the file is left out of the answers; the other could not be one.
  SearchResult result;
  ASSERT_TRUE(batch.Search({.k = 5, .index = IndexKind::kExact}, &result).ok());
  EXPECT_EQ(std::count(result.ids.begin(), result.ids.end(), 3), 0);
  // A single one is searched for as fastText has it.
  QueryBatch single(*words->index);
  ASSERT_TRUE(AddWords(*ParseWords(*words->index, "rivr", 1, words->subwords.get()), &single).ok());
  const auto expected = file_.SubwordMean("rivr");
  for (size_t i = 0; i < expected.size(); ++i) {
    const double value =
        static_cast<double>(reinterpret_cast<const float*>(single.vectors().data)[i]);
    EXPECT_NEAR(value, expected[i], 1e-6);
  }
}

TEST_F(FastTextWordsTest, SubwordsAreThoseOfTheFileAsItWasRead) {
  ASSERT_TRUE(Open(Path()));
  const std::string made = Path() + ".kith";
  if (KeepsNotes(Path())) EXPECT_NE((*OpenWords(made)).subwords, nullptr);
  SetTime(Path(), 1'000'000'000);
  EXPECT_EQ((*OpenWords(made)).subwords, nullptr);
  std::filesystem::remove(Path());
  EXPECT_EQ((*OpenWords(made)).subwords, nullptr);
  ExpectError(OpenWords(Path()).status(), StatusCode::kNotFound,
              {"model.bin: no such file", "model.bin.kith is there"});
}

TEST_F(FastTextWordsTest, TooShortWordsStayUnknownAndDamageIsSaid) {
  file_.minn = 6;
  file_.maxn = 6;
  WriteFile(Path(), file_.Bytes());
  const auto words = OpenWords(Path());
  ASSERT_TRUE(words.ok()) << words.status().message();
  EXPECT_EQ(ParseWords(*words->index, "xyz", 1, words->subwords.get())->unknown.size(), 1u);
  EXPECT_EQ(ParseWords(*words->index, "wxyz", 1, words->subwords.get())->subwords.size(), 1u);
  // The index of other words, and a file that is cut off.
  file_.dim = 4;
  const std::string bytes = file_.Bytes();
  WriteFile(dir_.File("wide.bin"), bytes);
  WriteFile(dir_.File("cut.bin"), bytes.substr(0, 200));
  ExpectError(
      ParseWords(*words->index, "wxyz", 1, OpenSubwords(dir_.File("wide.bin"))->get()).status(),
      StatusCode::kInvalidArgument, {"wide.bin", "4 dimensions", "has 3"});
  ExpectError(
      ParseWords(*words->index, "wxyz", 1, OpenSubwords(dir_.File("cut.bin"))->get()).status(),
      StatusCode::kInvalidArgument, {"cut.bin: byte", "truncated"});
  file_.dim = 3;
  std::string nan = file_.Bytes();
  const size_t ngrams = 4 * 3 * static_cast<size_t>(file_.bucket);
  nan.replace(nan.size() - (1 + 16 + 4 * 3) - ngrams, ngrams, ngrams, '\xff');
  WriteFile(dir_.File("nan.bin"), nan);
  ExpectError((*OpenSubwords(dir_.File("nan.bin")))->VectorOf("wxyz").status(),
              StatusCode::kInvalidArgument, {"nan.bin", "'wxyz'", "not finite"});
  WriteFile(dir_.File("words.txt"), kWords);
  EXPECT_EQ(*OpenSubwords(dir_.File("words.txt")), nullptr);
  ExpectError(OpenSubwords(dir_.File("none.bin")).status(), StatusCode::kNotFound, {"none.bin"});
}

}  // namespace
}  // namespace kith
