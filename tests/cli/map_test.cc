// kith map, from the command line to the picture.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

class MapCliTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    words_ = WriteSmallWords();
  }
  static bool HasGnuplot() { return std::system("gnuplot --version > /dev/null 2>&1") == 0; }
  std::string words_;  // 100 of them, of 8 dimensions
};

TEST_F(MapCliTest, TablesOfVectorsAndOfFilesAlike) {
  const std::string index = Path("w.kith");
  Ok({"build", words_, "-o", index, "--no-calibrate"});
  const json summary = OkJson({"map", index, "-k", "7", "-o", Path("a.tsv"), "--json"});
  EXPECT_EQ(summary["vectors"], 100);
  EXPECT_EQ(summary["k"], 7);
  EXPECT_EQ(summary["epochs"], 500);
  EXPECT_EQ(summary["metric"], "angular");
  EXPECT_GT(summary["trustworthiness"].get<double>(), 0.6);
  const std::string text =
      Ok({"map", words_, "-k", "7", "-o", Path("b.tsv"), "--exact", "--threads", "1"});
  EXPECT_NE(text.find("a map of 100 vectors, angular, k = 7, 500 epochs"), std::string::npos)
      << text;
  EXPECT_NE(text.find("trustworthiness 0."), std::string::npos) << text;
  EXPECT_EQ(ReadFile(Path("a.tsv")), ReadFile(Path("b.tsv")));
  const std::vector<std::string> lines = SplitLines(ReadFile(Path("a.tsv")));
  ASSERT_EQ(lines.size(), 101u);
  EXPECT_EQ(lines[0], "id\tkey\tx\ty");
  EXPECT_EQ(lines[1].substr(0, 8), "0\triver\t");
  // Another seed is another map.
  Ok({"map", index, "-k", "7", "-o", Path("b.tsv"), "--seed", "1", "--no-measure"});
  EXPECT_NE(ReadFile(Path("a.tsv")), ReadFile(Path("b.tsv")));
}

TEST_F(MapCliTest, AFileKeepsItsMap) {
  const std::string index = Path("w.kith");
  Ok({"build", words_, "-o", index});
  Fails(1, {"map", index, "--stored", "-o", Path("a.tsv")}, {"w.kith", "has no map", "--store"});
  Ok({"map", index, "--store", "-o", Path("a.tsv")});
  const json stored = OkJson({"map", index, "--stored", "-o", Path("b.tsv"), "--json"});
  EXPECT_EQ(stored["seed"], 42);
  EXPECT_GT(stored["trustworthiness"].get<double>(), 0.6);
  EXPECT_EQ(ReadFile(Path("a.tsv")), ReadFile(Path("b.tsv")));
  Ok({"verify", index});
  EXPECT_NE(Ok({"search", index, "--key", "river", "-k", "3"}).find("river"), std::string::npos);
}

TEST_F(MapCliTest, LabelsColourAndAreWritten) {
  std::string labels;
  for (int i = 0; i < 100; ++i) labels += i % 3 == 0 ? "fruit\n" : "tree\n";
  WriteFile(Path("labels.txt"), labels);
  Ok({"map", words_, "--labels", Path("labels.txt"), "-o", Path("a.tsv")});
  const std::vector<std::string> lines = SplitLines(ReadFile(Path("a.tsv")));
  ASSERT_EQ(lines.size(), 101u);
  EXPECT_EQ(lines[0], "id\tkey\tx\ty\tlabel");
  EXPECT_EQ(lines[1].substr(lines[1].rfind('\t') + 1), "fruit");
  EXPECT_EQ(lines[3].substr(lines[3].rfind('\t') + 1), "tree");
  if (!HasGnuplot()) GTEST_SKIP() << "no gnuplot, so that no picture is drawn";
  std::string weights;
  for (int i = 0; i < 100; ++i) weights += std::to_string(i == 57 ? 1000 : i % 10) + "\n";
  WriteFile(Path("weights.txt"), weights);
  const std::string svg = Path("m.svg");
  Ok({"map", words_, "--labels", Path("labels.txt"), "--plot", svg, "--plot", Path("m.png"),
      "--names", "1", "--weights", Path("weights.txt"), "--title", "A & B <map>"});
  const std::string drawn = ReadFile(svg);
  for (const char* text : {"A &amp; B &lt;map", "fruit", "tree", ">w57<", "100 vectors"}) {
    EXPECT_NE(drawn.find(text), std::string::npos) << text;
  }
  EXPECT_EQ(drawn.find(">w9<"), std::string::npos);
  EXPECT_EQ(ReadFile(Path("m.png")).substr(1, 3), "PNG");
}

// Texts as they lie in the picture: where they are centred, and how wide they are at least.
struct DrawnText {
  double x = 0;
  double y = 0;
  double width = 0;
};

std::vector<DrawnText> NamesIn(const std::string& svg) {
  std::vector<DrawnText> names;
  size_t at = 0;
  while ((at = svg.find("<g transform=\"translate(", at)) != std::string::npos) {
    at += 24;
    const size_t end = svg.find("</g>", at);
    const std::string group = svg.substr(at, end - at);
    const size_t text = group.find(">w");
    const size_t anchor = group.find("text-anchor=\"middle\"");
    if (text == std::string::npos || anchor == std::string::npos) continue;
    const size_t length = group.find('<', text) - text - 1;
    char* rest = nullptr;
    const double x = std::strtod(group.c_str(), &rest);
    const double y = std::strtod(rest + 1, nullptr);
    names.push_back({x, y, 4.5 * static_cast<double>(length)});
  }
  return names;
}

TEST_F(MapCliTest, NamesDoNotOverlap) {
  if (!HasGnuplot()) GTEST_SKIP() << "no gnuplot, so that no picture is drawn";
  // All at four places: most of the names have no room.
  Matrix m = RandomFloats(400, 8, 3);
  for (size_t i = 0; i < m.values.size(); ++i) {
    m.values[i] = 0.01F * m.values[i] + static_cast<float>(i / 8 % 4 == i % 8 ? 3 : 0);
  }
  std::vector<std::string> words;
  for (int i = 0; i < 400; ++i) words.push_back("w" + std::to_string(1000 + i));
  const std::string file = WriteWord2vec("close.bin", words, m);
  Ok({"map", file, "--plot", Path("m.svg"), "--names", "200", "--epochs", "200", "--no-measure"});
  const std::vector<DrawnText> names = NamesIn(ReadFile(Path("m.svg")));
  ASSERT_GT(names.size(), 10u);
  EXPECT_LE(names.size(), 200u);
  for (size_t i = 0; i < names.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const bool apart = std::abs(names[i].y - names[j].y) > 9 ||
                         std::abs(names[i].x - names[j].x) > (names[i].width + names[j].width) / 2;
      EXPECT_TRUE(apart) << names[i].x << ',' << names[i].y << " and " << names[j].x << ','
                         << names[j].y;
    }
  }
}

TEST_F(MapCliTest, BadUseIsAnsweredInOneLine) {
  const std::string out = Path("m.tsv");
  Fails(1, {"map", Path("none.kith"), "-o", out}, {"none.kith"});
  Fails(2, {"map", words_}, {"--plot", "--output", "--store"});
  Fails(2, {"map", words_, "-o", out, "-k", "0"}, {"at least 1"});
  Fails(2, {"map", words_, "-o", out, "--exact", "--recall", "0.9"}, {"leave it out"});
  Fails(2, {"map", words_, "--store", "--stored"}, {"choose one"});
  Fails(1, {"map", words_, "--store"}, {"no .kith file"});
  Fails(1, {"map", words_, "-o", out, "--min-dist", "3"}, {"min_dist is 3", "spread"});
  Fails(1, {"map", words_, "-o", out, "--spread", "nan"}, {"spread"});
  Fails(1, {"map", words_, "-o", words_}, {"choose another name"});
  Fails(1, {"map", words_, "-o", Path("no/such/m.tsv")}, {"no/such"});
  Fails(1, {"map", words_, "--plot", Path("m.gif")}, {".svg or .png"});
  WriteFile(Path("few.txt"), "a\nb\n");
  Fails(1, {"map", words_, "-o", out, "--labels", Path("few.txt")}, {"few.txt", "100"});
  if (HasGnuplot()) {
    Fails(1, {"map", words_, "--plot", Path("m.svg"), "--weights", Path("few.txt")},
          {"few.txt", "2 numbers"});
  }
  EXPECT_EQ(FilesInDirectory().size(), 2u);
}

}  // namespace
}  // namespace kith::cli_test
