// kith eval of several files, and its plots.
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using nlohmann::json;

// Whether tags and entities of an XML document are as they must be; enough to notice a name that
// was not escaped.
::testing::AssertionResult IsXml(const std::string& text) {
  std::vector<std::string> open;
  size_t at = 0;
  while ((at = text.find_first_of("<&", at)) != std::string::npos) {
    const size_t end = text.find(text[at] == '<' ? '>' : ';', at);
    if (end == std::string::npos) return ::testing::AssertionFailure() << "open end at " << at;
    const std::string tag = text.substr(at + 1, end - at - 1);
    if (text[at] == '&') {
      if (tag.empty() ||
          tag.find_first_not_of("#abcdefghijklmnopqrstuvwxyz0123456789") != std::string::npos) {
        return ::testing::AssertionFailure() << "not an entity: &" << tag;
      }
    } else if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) {
        return ::testing::AssertionFailure() << "closes what is not open: " << tag;
      }
      open.pop_back();
    } else if (tag[0] != '?' && tag[0] != '!' && tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find_first_of(" \t\r\n")));
    }
    at = end + 1;
  }
  if (open.empty()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "never closed: " << open.back();
}

// Sets PATH for the commands run while it lives.
class ScopedPath {
 public:
  explicit ScopedPath(const std::string& path) : old_(std::getenv("PATH")) {
    setenv("PATH", path.c_str(), 1);
  }
  ~ScopedPath() { setenv("PATH", old_.c_str(), 1); }
  ScopedPath(const ScopedPath&) = delete;
  ScopedPath& operator=(const ScopedPath&) = delete;

 private:
  std::string old_;
};

class PlotTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    base_path_ = WriteFvecs("base.fvecs", RandomFloats(1000, 10, 5));
    queries_path_ = WriteFvecs("queries.fvecs", RandomFloats(30, 10, 6));
  }

  std::string Build(const std::string& name, const std::string& index) const {
    Ok({"build", base_path_, "-o", Path(name), "--metric", "euclidean", "--index", index});
    return Path(name);
  }
  std::vector<std::string> Command(std::vector<std::string> files,
                                   const std::vector<std::string>& more) const {
    files.insert(files.begin(), "eval");
    files.insert(files.end(), {"--queries", queries_path_});
    files.insert(files.end(), more.begin(), more.end());
    return files;
  }
  static bool HasGnuplot() { return std::system("gnuplot --version >/dev/null 2>&1") == 0; }
  // A program of this name that runs a script.
  void WriteProgram(const std::string& name, const std::string& script) const {
    WriteFile(Path(name), "#!/bin/sh\n" + script + "\n");
    chmod(Path(name).c_str(), 0700);
  }

  std::string base_path_;
  std::string queries_path_;
};

TEST_F(PlotTest, SeveralFilesAreMeasuredAtOnce) {
  const std::string graph = Build("graph.kith", "graph");
  const std::string forest = Build("forest.kith", "forest");
  std::vector<std::string> seen;
  for (const json& point : OkJsonLines(Command({graph, forest}, {"--json"}))) {
    const std::string what =
        point["file"].get<std::string>() + " " + point["index"].get<std::string>();
    if (seen.empty() || seen.back() != what) seen.push_back(what);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{graph + " exact", graph + " graph", forest + " exact",
                                            forest + " forest"}));
  const auto lines = SplitLines(Ok(Command({graph, forest}, {"--index", "graph,forest"})));
  ASSERT_GE(lines.size(), 6u);
  EXPECT_EQ(lines[0], "30 queries, 1 thread, truth by exact search");
  EXPECT_EQ(lines[1].rfind("  index ", 0), 0u) << lines[1];
  const std::string vectors = ": 1,000 vectors of 10 dimensions, f32, euclidean";
  EXPECT_EQ(lines[2], graph + vectors);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), forest + vectors), 1);
  for (const std::string& line : lines) EXPECT_LE(line.size(), 140u) << line;
}

TEST_F(PlotTest, FilesOfOtherVectorsAreRefused) {
  const std::string a = Build("a.kith", "graph");
  Ok({"build", base_path_, "-o", Path("angular.kith"), "--metric", "angular"});
  Ok({"build", base_path_, "-o", Path("fewer.kith"), "--metric", "euclidean", "--rows", "900"});
  Ok({"build", WriteFvecs("wide.fvecs", RandomFloats(1000, 12, 5)), "-o", Path("wide.kith"),
      "--metric", "euclidean"});
  Fails(1, Command({a, Path("angular.kith")}, {}), {"a.kith has", "angular.kith has", "metric"});
  Fails(1, Command({a, Path("fewer.kith")}, {}), {"a.kith has 1000", "fewer.kith has 900"});
  Fails(1, Command({a, Path("wide.kith")}, {}), {"a.kith has 10", "wide.kith has 12"});
  Fails(1, Command({a, Path("absent.kith")}, {}), {"absent.kith"});
  Fails(1, Command({a, a}, {"--index", "forest"}), {"no file has a forest"});
}

TEST_F(PlotTest, DrawsWhatWasMeasured) {
  if (!HasGnuplot()) GTEST_SKIP() << "needs gnuplot";
  const std::string both = Build("both.kith", "graph,forest");
  const std::string compact = Build("compact.kith", "graph");
  Ok(Command({both, compact}, {"--plot", Path("c.svg"), "--plot", Path("c.png")}));
  const std::string svg = ReadFile(Path("c.svg"));
  EXPECT_TRUE(IsXml(svg));
  for (const char* words : {"both.kith, graph", "both.kith, forest", "both.kith, exact",
                            "compact.kith, graph", "compact.kith, exact", "recall@10",
                            "queries a second", "1,000 × 10, euclidean", "30 queries", "2 files"}) {
    EXPECT_NE(svg.find(words), std::string::npos) << words;
  }
  const std::string png = ReadFile(Path("c.png"));
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1A\n");
  const auto big_endian = [&](size_t at) {
    int value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(png[at + i]);
    return value;
  };
  EXPECT_EQ(big_endian(16), 1800);
  EXPECT_GT(big_endian(20), 1000);
  EXPECT_LT(big_endian(20), 1600);
}

TEST_F(PlotTest, OnePointIsEnough) {
  if (!HasGnuplot()) GTEST_SKIP() << "needs gnuplot";
  const std::string file = Build("x.kith", "graph");
  Ok(Command({file}, {"--exact", "--plot", Path("e.svg")}));
  EXPECT_NE(ReadFile(Path("e.svg")).find("x.kith, exact"), std::string::npos);
  Ok(Command({file}, {"--index", "graph", "--effort", "10", "-k", "1", "--plot", Path("g.svg")}));
  EXPECT_NE(ReadFile(Path("g.svg")).find("recall@1<"), std::string::npos);
  EXPECT_TRUE(IsXml(ReadFile(Path("g.svg"))));
}

TEST_F(PlotTest, NamesAreOnlyNames) {
  if (!HasGnuplot()) GTEST_SKIP() << "needs gnuplot";
  const std::vector<std::string> names{
      "it's.kith",
      "'; system('touch t'); '.kith",
      "\"`touch t`\".kith",
      "line\nset output 't'\n.kith",
      "back\\slash\\",
      "@MACRO _sub ^sup {brace}.kith",
      "<b>&amp;<b>.kith",
      "größe \xE6\x97\xA5\xE6\x9C\xAC.kith",
      "bad\xFF\xC3utf8.kith",
      "no\xEF\xBF\xBE\xC2\x85such\x1B[31m\x7F.kith",
      "%s %d #comment.kith",
      std::string(200, 'x') + ".kith",
  };
  const std::string plain = Build("plain.kith", "graph");
  const std::vector<std::string> before = FilesInDirectory();
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    std::filesystem::copy_file(plain, Path(name));
    Ok(Command({Path(name)}, {"--index", "graph", "--effort", "10", "--plot", Path("p.svg")}));
    const std::string svg = ReadFile(Path("p.svg"));
    EXPECT_TRUE(IsXml(svg));
    // Nothing but UTF-8 is JSON, and no control character is in a picture.
    EXPECT_NO_THROW(static_cast<void>(json(svg).dump()));
    for (const char* bad : {"\x1B", "\x7F", "\xC2\x85", "\xEF\xBF\xBE"}) {
      EXPECT_EQ(svg.find(bad), std::string::npos);
    }
    std::filesystem::remove(Path(name));
    std::filesystem::remove(Path("p.svg"));
  }
  EXPECT_EQ(FilesInDirectory(), before) << "a name was run as a command";
  EXPECT_FALSE(std::filesystem::exists("t"));
  const auto legend_of = [&](const std::string& name) {
    std::filesystem::copy_file(plain, Path(name));
    Ok(Command({Path(name)}, {"--index", "graph", "--effort", "10", "--plot", Path("p.svg")}));
    return ReadFile(Path("p.svg"));
  };
  EXPECT_NE(legend_of("a_b^c{d}@e.kith").find("a_b^c{d}@e.kith, graph"), std::string::npos);
  EXPECT_NE(legend_of("it's`x`\\n.kith").find("it's`x`\\n.kith, graph"), std::string::npos);
  EXPECT_NE(legend_of("größe.kith").find("größe.kith, graph"), std::string::npos);
}

TEST_F(PlotTest, WhatCannotBeDrawnIsSaidFirst) {
  const std::string file = Build("x.kith", "graph");
  const auto plot = [&](const std::string& name) { return Command({file}, {"--plot", name}); };
  const std::vector<std::string> before = FilesInDirectory();
  Fails(1, plot(Path("c.pdf")), {"c.pdf", ".svg or .png"});
  Fails(1, plot(Path("svg")), {"svg", ".svg or .png"});
  {
    const ScopedPath nowhere(Path("no-such-directory"));
    Fails(1, plot(Path("c.svg")), {"c.svg", "gnuplot", "not in PATH", "apt install gnuplot-nox"});
  }
  {
    const ScopedPath empty("");
    Fails(1, plot(Path("c.png")), {"c.png", "not in PATH", "apt install gnuplot-nox"});
  }
  EXPECT_EQ(FilesInDirectory(), before);
  if (HasGnuplot()) {
    Fails(1, plot(Path("none/c.svg")), {"none/c.svg"});
    EXPECT_EQ(FilesInDirectory(), before);
    Fails(1, {"eval", file, "--queries", Path("absent"), "--plot", Path("c.svg")}, {"absent"});
    EXPECT_EQ(FilesInDirectory(), before) << "what was opened for the picture goes";
  }
  // Nothing was measured: the queries are not even looked at.
  Fails(1, {"eval", file, "--queries", Path("absent"), "--plot", Path("c.pdf")}, {"c.pdf"});
}

TEST_F(PlotTest, AGnuplotThatFailsLeavesNothing) {
  const std::string file = Build("x.kith", "graph");
  const auto command = Command({file}, {"--exact", "--plot", Path("c.svg")});
  WriteProgram("gnuplot", "echo 'unknown terminal' >&2; exit 3");
  WriteFile(Path("c.svg"), "the old one");
  const std::vector<std::string> before = FilesInDirectory();
  const ScopedPath path(Path(""));
  Fails(1, command, {"c.svg", "can't draw SVG", "apt install gnuplot-nox"});
  // It can until it has to.
  WriteProgram("gnuplot",
               "read a; read b && { echo half; echo 'out of ink' >&2; exit 1; }; exit 0");
  Fails(1, command, {"c.svg", "failed: out of ink"});
  WriteProgram("gnuplot", "exit 0");
  Fails(1, command, {"c.svg", "drew nothing"});
  WriteProgram("gnuplot", "read a; read b && kill -9 $$; exit 0");
  Fails(1, command, {"c.svg", "stopped by signal 9"});
  EXPECT_EQ(FilesInDirectory(), before);
  EXPECT_EQ(ReadFile(Path("c.svg")), "the old one");
}

}  // namespace
}  // namespace kith::cli_test
