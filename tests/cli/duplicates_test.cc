// kith duplicates, from the command line to what it prints.
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

class DuplicatesCliTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    // 100 words, of which w7 is there three times, and w9 nearly so twice.
    Matrix words = SmallWords();
    std::vector<std::string> names;
    for (int i = 0; i < 100; ++i) names.push_back("w" + std::to_string(i));
    for (size_t c = 0; c < 8; ++c) {
      words.values[20 * 8 + c] = words.values[30 * 8 + c] = words.row(7)[c];
      words.values[40 * 8 + c] = words.row(9)[c] * (c == 0 ? 1.05f : 1.0f);
    }
    words_ = WriteWord2vec("words.bin", names, words);
  }
  std::string words_;
};

TEST_F(DuplicatesCliTest, GroupsAndPairsInEveryForm) {
  const std::string index = Path("w.kith");
  Ok({"build", words_, "-o", index});
  const std::vector<json> groups = OkJsonLines({"duplicates", index, "--within", "0.01", "--json"});
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0]["group"], 1);
  ASSERT_EQ(groups[0]["members"].size(), 3u);
  EXPECT_EQ(groups[0]["members"][1]["id"], 20);
  EXPECT_EQ(groups[0]["members"][1]["key"], "w20");
  EXPECT_LT(groups[0]["members"][1]["nearest"], 1e-6);
  EXPECT_EQ(groups[1]["members"][0]["key"], "w9");
  EXPECT_EQ(groups[1]["members"][1]["key"], "w40");
  const std::vector<json> pairs =
      OkJsonLines({"duplicates", words_, "--within", "0.01", "--pairs", "--exact", "--json"});
  ASSERT_EQ(pairs.size(), 4u);
  EXPECT_EQ(pairs[3]["id"], 9);
  EXPECT_EQ(pairs[3]["other_id"], 40);
  EXPECT_EQ(pairs[3]["other_key"], "w40");
  const std::string text = Ok({"duplicates", index, "--within", "0.01"});
  for (const char* word : {"2 groups of 5 vectors among 100, 4 pairs within 0.01", "angular",
                           "exact search", "group 1", "group 2", "w40"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word << " in\n" << text;
  }
  const std::vector<std::string> lines =
      SplitLines(Ok({"duplicates", index, "--within", "0.01", "--format", "tsv"}));
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0], "group\tid\tnearest\tkey");
  EXPECT_EQ(lines[1].substr(0, 4), "1\t7\t");
  const std::string out = Path("pairs.tsv");
  Ok({"duplicates", index, "--within", "0.01", "--pairs", "-o", out});
  EXPECT_EQ(ReadFile(out),
            Ok({"duplicates", index, "--within", "0.01", "--pairs", "--format", "tsv"}));
  EXPECT_EQ(SplitLines(ReadFile(out)).size(), 5u);
  // Nothing is that near of dot, whose distances are negative products.
  EXPECT_EQ(Ok({"duplicates", words_, "--metric", "dot", "--within", "-1e9", "--format", "tsv"}),
            "group\tid\tnearest\tkey\n");
}

TEST_F(DuplicatesCliTest, BadUseIsAnsweredInOneLine) {
  Fails(1, {"duplicates", Path("none.kith"), "--within", "1"}, {"none.kith"});
  Fails(2, {"duplicates", words_}, {"--within"});
  Fails(2, {"duplicates", words_, "--within", "near"}, {"--within"});
  Fails(2, {"duplicates", words_, "--within", "nan"}, {"finite"});
  Fails(2, {"duplicates", words_, "--within", "1", "--exact", "--recall", "0.9"}, {"leave it out"});
  Fails(2, {"duplicates", words_, "--within", "1", "--json", "--format", "tsv"}, {"--json"});
  Fails(2, {"duplicates", words_, "--within", "1", "--format", "xml"}, {"tsv"});
  Fails(1, {"duplicates", words_, "--within", "0.1", "-o", Path("no/such.tsv")}, {"no/such"});
  EXPECT_EQ(FilesInDirectory().size(), 1u);
}

}  // namespace
}  // namespace kith::cli_test
