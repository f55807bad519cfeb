// --dataset, in every command that reads vectors.
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

class DatasetTest : public CliTest {
 protected:
  // 7 vectors as "train", the first two of them as "test".
  const std::string file_ = std::string(KITH_GOLDEN_DIR) + "/hdf5/plain.h5";
};

TEST_F(DatasetTest, EveryCommandTakesIt) {
  const std::string kith = Path("a.kith");
  EXPECT_EQ(OkJson({"build", file_, "-o", kith, "--json"})["vectors"], 7);
  EXPECT_EQ(
      OkJson({"build", file_, "--dataset", "test", "-o", Path("b.kith"), "--json"})["vectors"], 2);
  EXPECT_EQ(OkJsonLines({"search", kith, "--queries", file_, "--json"}).size(), 2u);
  EXPECT_EQ(
      OkJsonLines({"search", kith, "--queries", file_, "--dataset", "train", "--json"}).size(), 7u);
  const auto queries = [&](const std::vector<std::string>& more) {
    std::vector<std::string> args{"truth",         file_, "--queries", file_,   "-o",
                                  Path("t.ivecs"), "-k",  "1",         "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return OkJson(args);
  };
  EXPECT_EQ(queries({})["queries"], 2);
  EXPECT_EQ(queries({"--queries-dataset", "train"})["queries"], 7);
  EXPECT_EQ(queries({"--dataset", "test"})["vectors"], 2);
  Ok({"convert", file_, Path("c.fvecs"), "--dataset", "test"});
  EXPECT_EQ(ReadFile(Path("c.fvecs")).size(), 2u * 16);
  // The neighbours in the file are those of "test".
  EXPECT_NE(Ok({"eval", kith, "--queries", file_, "-k", "2"}).find("from " + file_),
            std::string::npos);
  EXPECT_NE(Ok({"eval", kith, "--queries", file_, "--dataset", "train", "-k", "2"})
                .find("by exact search"),
            std::string::npos);
}

TEST_F(DatasetTest, AnUnknownNameListsWhatThereIs) {
  const std::string kith = Path("a.kith");
  Ok({"build", file_, "-o", kith});
  const std::vector<std::string> words{"plain.h5", "dataset 'nope'", "'distances'", "'train'"};
  Fails(1, {"build", file_, "--dataset", "nope", "-o", Path("b.kith")}, words);
  Fails(1, {"search", kith, "--queries", file_, "--dataset", "nope"}, words);
  Fails(1, {"eval", kith, "--queries", file_, "--dataset", "nope"}, words);
  Fails(1, {"tune", kith, "--queries", file_, "--dataset", "nope"}, words);
  Fails(1, {"truth", file_, "--queries", file_, "--dataset", "nope", "-o", Path("t.npy")}, words);
  Fails(1, {"truth", file_, "--queries", file_, "--queries-dataset", "nope", "-o", Path("t.npy")},
        words);
  Fails(1, {"convert", file_, Path("c.npy"), "--dataset", "nope"}, words);
  Fails(1, {"search", kith, "--queries", kith, "--dataset", "train"}, {"only hdf5 files"});
}

}  // namespace
}  // namespace kith::cli_test
