// kith graph, from the command line to the file.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

class GraphCliTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    words_ = WriteSmallWords();
  }
  std::string words_;  // 100 of them, of 8 dimensions
};

TEST_F(GraphCliTest, OfVectorsAndOfFilesAlike) {
  const std::string index = Path("w.kith");
  Ok({"build", words_, "-o", index});
  const json summary = OkJson({"graph", index, "-k", "7", "-o", Path("a.npz"), "--json"});
  EXPECT_EQ(summary["vectors"], 100);
  EXPECT_EQ(summary["edges"], 700);
  EXPECT_EQ(summary["metric"], "angular");
  EXPECT_EQ(summary["index"], "exact");
  EXPECT_EQ(summary["effort"], nullptr);
  EXPECT_EQ(summary["recall"], 1);
  const std::string text = Ok({"graph", words_, "-k", "7", "-o", Path("b.npz"), "--exact"});
  EXPECT_NE(text.find("700 edges of 100 vectors, angular, k = 7, exact search"), std::string::npos)
      << text;
  EXPECT_EQ(ReadFile(Path("a.npz")), ReadFile(Path("b.npz")));
  const json self = OkJson({"graph", index, "-k", "7", "--self", "-o", Path("a.npz"), "--json"});
  EXPECT_EQ(self["edges"], 800);
  const json either =
      OkJson({"graph", index, "-k", "7", "--edges", "either", "-o", Path("a.npz"), "--json"});
  const json mutual =
      OkJson({"graph", index, "-k", "7", "--edges", "mutual", "-o", Path("a.npz"), "--json"});
  // Each edge is one way or both: those of either are 2 * 700 less those that were there twice.
  EXPECT_EQ(either["edges"].get<int>() + mutual["edges"].get<int>(), 1400);
}

TEST_F(GraphCliTest, BadUseIsAnsweredInOneLine) {
  const std::string out = Path("g.npz");
  Fails(1, {"graph", Path("none.kith"), "-o", out}, {"none.kith"});
  Fails(2, {"graph", words_}, {"--output"});
  Fails(2, {"graph", words_, "-o", out, "-k", "0"}, {"at least 1"});
  Fails(2, {"graph", words_, "-o", out, "--edges", "all"}, {"directed"});
  Fails(2, {"graph", words_, "-o", out, "--exact", "--recall", "0.9"}, {"leave it out"});
  Fails(2, {"graph", words_, "-o", out, "--recall", "2"}, {"recall"});
  Fails(1, {"graph", words_, "-o", Path("no/such/g.npz")}, {"no/such"});
  const std::string index = Path("w.kith");
  Ok({"build", words_, "-o", index});
  Fails(1, {"graph", index, "-o", out, "--metric", "dot"}, {"angular", "--metric"});
  // Nothing was left behind.
  EXPECT_EQ(FilesInDirectory().size(), 2u);
}

}  // namespace
}  // namespace kith::cli_test
