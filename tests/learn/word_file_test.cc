// Files of words, and the .kith files that are made of them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

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
  bool KeepsNotes() const { return setxattr(Words().c_str(), "user.kith.test", "x", 1, 0) == 0; }

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

}  // namespace
}  // namespace kith
