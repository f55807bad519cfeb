// Every kind of failure: its exit code and its one line.
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using UsageTest = CliTest;

TEST_F(UsageTest, HelpNamesAnExampleOfEveryCommand) {
  EXPECT_NE(Ok({"--help"}).find("Example:"), std::string::npos);
  EXPECT_EQ(Ok({"--version"}).rfind("kith ", 0), 0u);
  for (const std::string command :
       {"build", "search", "eval", "tune", "truth", "info", "verify", "convert"}) {
    const std::string help = Ok({command, "--help"});
    EXPECT_NE(help.find(StrCat("Example:\n  kith ", command)), std::string::npos) << help;
    EXPECT_NE(help.find("--json"), std::string::npos) << help;
  }
}

TEST_F(UsageTest, WrongUsageOfBuildIsExitCode2) {
  const std::string f = Path("w.kith");
  const std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> cases = {
      {{"build"}, {"required", "see 'kith build --help'"}},
      {{"build", "v.fvecs"}, {"--output", "required"}},
      {{"build", "v.fvecs", "-o", f, "--metric", "cosin"},
       {"'cosin'", "did you mean 'cosine'?", "hamming"}},
      {{"build", "v.fvecs", "-o", f, "--metric", "sqeuclidean"}, {"take euclidean"}},
      {{"build", "v.fvecs", "-o", f, "--dtype", "f8"}, {"'f8'", "bf16"}},
      {{"build", "v.fvecs", "-o", f, "--format", "xls"}, {"'xls'", "fvecs"}},
      {{"build", "v.fvecs", "-o", f, "--index", "tree"}, {"tree", "graph", "forest"}},
      {{"build", "v.fvecs", "-o", f, "--index", "exact,graph"}, {"exact stand alone"}},
      {{"build", "v.fvecs", "-o", f, "--index", "auto,forest"}, {"auto and exact stand alone"}},
      {{"build", "v.fvecs", "-o", f, "--degree", "32"}, {"--degree", "add --index graph"}},
      {{"build", "v.fvecs", "-o", f, "--index", "forest", "--beam", "9"}, {"add --index graph"}},
      {{"build", "v.fvecs", "-o", f, "--index", "exact", "--edge-bits", "2"}, {"--index graph"}},
      {{"build", "v.fvecs", "-o", f, "--layout", "packed"}, {"add --index graph"}},
      {{"build", "v.fvecs", "-o", f, "--index", "graph", "--layout", "flat"}, {"flat", "compact"}},
      {{"build", "v.fvecs", "-o", f, "--index", "graph", "--degree", "20"}, {"20", "of 16"}},
      {{"build", "v.fvecs", "-o", f, "--index", "graph", "--degree", "1024"}, {"1024", "512"}},
      {{"build", "v.fvecs", "-o", f, "--index", "graph", "--degree", "0"}, {"--degree"}},
      {{"build", "v.fvecs", "-o", f, "--index", "graph", "--beam", "9999999"}, {"1000000"}},
      {{"build", "v.fvecs", "-o", f, "--index", "graph", "--edge-bits", "3"}, {"--edge-bits"}},
      {{"build", "v.fvecs", "-o", f, "--index", "graph", "--layout", "compact", "--edge-bits", "4"},
       {"--edge-bits", "leave it out"}},
      {{"build", "v.fvecs", "-o", f, "--memory", "4X"}, {"'4X'", "800M or 4G"}},
      {{"build", "v.fvecs", "-o", f, "--memory", "0"}, {"'0'", "not a size"}},
      {{"build", "v.fvecs", "-o", f, "--memory", "G"}, {"'G'", "not a size"}},
      {{"build", "v.fvecs", "-o", f, "--memory", "9000000000G"}, {"not a size"}},
      {{"build", "v.fvecs", "-o", f, "--index", "forest", "--memory", "4G"}, {"--index graph"}},
      {{"build", "v.fvecs", "-o", f, "--index", "graph", "--trees", "3"}, {"add --index forest"}},
      {{"build", "v.fvecs", "-o", f, "--leaf", "3"}, {"--leaf", "add --index forest"}},
      {{"build", "v.fvecs", "-o", f, "--scan-codes", "on"}, {"--index exact"}},
      {{"build", "v.fvecs", "-o", f, "--trees", "0"}, {"--trees", "'0'", "at least 1"}},
      {{"build", "v.fvecs", "-o", f, "--trees", "ten"}, {"--trees", "'ten'"}},
      {{"build", "v.fvecs", "-o", f, "--index", "forest", "--trees", "9999999"}, {"1000000"}},
      {{"build", "v.fvecs", "-o", f, "--index", "exact", "--trees", "3"},
       {"--trees", "leave them out"}},
      {{"build", "v.fvecs", "-o", f, "--threads", "-2"}, {"--threads"}},
      {{"build", "v.fvecs", "-o", f, "--seed", "x"}, {"--seed"}},
      {{"build", "v.fvecs", "-o", f, "--recall", "0.9"}, {"--recall"}},
  };
  for (const auto& [args, words] : cases) Fails(2, args, words);
}

TEST_F(UsageTest, WrongUsageIsExitCode2) {
  const std::string f = Path("w.kith");
  const std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> cases = {
      {{}, {"build, search", "see 'kith --help'"}},
      {{"frobnicate"}, {"no command 'frobnicate'; see 'kith --help'"}},
      {{"serch"}, {"no command 'serch'; did you mean 'search'? See 'kith --help'"}},
      {{"serch", f, "--key", "a"}, {"did you mean 'search'?"}},
      {{"frobnicate", "--help"}, {"no command 'frobnicate'; see 'kith --help'"}},
      {{"serch", "--help"}, {"did you mean 'search'?"}},
      {{"serch", "--version"}, {"did you mean 'search'?"}},
      {{"--verson"}, {"'kith' has no option '--verson'; did you mean '--version'?"}},
      {{"search", f, "--key", "a", "--recal", "0.9"},
       {"'kith search' has no option '--recal'; did you mean '--recall'? See 'kith search"}},
      {{"search", "--recal=0.9", f}, {"no option '--recal'; did you mean '--recall'?"}},
      {{"search", f, "--key", "a", "-q"}, {"'kith search' has no option '-q'; see"}},
      {{"search"}, {"required"}},
      {{"search", f}, {"--queries", "--id", "--key", "--vector", "standard input"}},
      {{"search", f, "--id", "1", "--key", "a"}, {"give one of"}},
      {{"search", f, "--key", "chinese", "river"}, {"river", "in quotes"}},
      {{"search", f, "--id", "1", "-k", "0"}, {"-k", "'0'", "at least 1"}},
      {{"search", f, "--id", "1", "-k", "-3"}, {"-k"}},
      {{"search", f, "--id", "1", "-k", "99999999999999999999"}, {"-k"}},
      {{"search", f, "--id", "one"}, {"--id", "'one' is not an id"}},
      {{"search", f, "--id", "9223372036854775808"}, {"'9223372036854775808' is not an id"}},
      {{"search", f, "--id", "1", "--effort", "0"}, {"--effort"}},
      {{"search", f, "--id", "1", "--exact", "--effort", "9"}, {"--effort", "leave it out"}},
      {{"search", f, "--id", "1", "--exact", "--index", "forest"}, {"contradicts"}},
      {{"search", f, "--id", "1", "--exact", "--index", "graph"}, {"contradicts --index graph"}},
      {{"search", f, "--id", "1", "--exact", "--huge"}, {"--huge", "leave it out"}},
      {{"search", f, "--id", "1", "--index", "forest", "--huge"}, {"--huge", "leave it out"}},
      {{"search", f, "--id", "1", "--index", "tree"}, {"tree", "graph"}},
      {{"search", f, "--id", "1", "--format", "xml"}, {"xml", "tsv"}},
      {{"search", f, "--id", "1", "--format", "tsv", "--json"}, {"--json"}},
      {{"search", f, "--id", "1", "--format", "npy"}, {"needs -o"}},
      {{"search", f, "--id", "1", "-o", "x.npy"}, {"redirect"}},
      {{"search", f, "--id", "1", "--format", "npy", "-o", "x.txt"}, {".npy"}},
      {{"search", f, "--id", "1", "--recall", "0"}, {"--recall", "'0'", "as 0.95"}},
      {{"search", f, "--id", "1", "--recall", "-0.5"}, {"--recall", "'-0.5'"}},
      {{"search", f, "--id", "1", "--recall", "95"}, {"--recall", "'95'", "up to 1"}},
      {{"search", f, "--id", "1", "--recall", "nan"}, {"--recall", "'nan'"}},
      {{"search", f, "--id", "1", "--recall", "high"}, {"--recall", "'high'"}},
      {{"search", f, "--id", "1", "--recall", "0.9", "--effort", "9"},
       {"--recall and --effort", "leave one out"}},
      {{"eval", f}, {"--queries", "required"}},
      {{"eval", f, "--queries", "q", "--effort", "10,x"}, {"--effort"}},
      {{"eval", f, "--queries", "q", "--effort", "10,0"}, {"--effort", "less than 1"}},
      {{"eval", f, "--queries", "q", "--exact", "--no-exact"}, {"contradicts"}},
      {{"eval", f, "--queries", "q", "--exact", "--effort", "9"}, {"leave it out"}},
      {{"eval", f, "--queries", "q", "--index", "exact", "--effort", "9"}, {"leave it out"}},
      {{"eval", f, "--queries", "q", "--index", "exact", "--huge"}, {"leave it out"}},
      {{"eval", f, "--queries", "q", "--index", "tree"}, {"tree", "graph"}},
      {{"eval", f, "--queries", "q", "--index", "graph", "--exact"}, {"leave --exact"}},
      {{"eval", f, "--queries", "q", "--index", "graph", "--no-exact"}, {"--no-exact out"}},
      {{"eval", f, "--queries", "q", "--recall", "0.9,1.5"}, {"--recall", "'1.5'"}},
      {{"eval", f, "--queries", "q", "--recall", "0"}, {"--recall", "'0'"}},
      {{"eval", f, "--queries", "q", "--recall", "0.9", "--effort", "9"},
       {"--recall and --effort", "leave one out"}},
      {{"eval", f, "--queries", "q", "--exact", "--recall", "0.9"}, {"--recall", "leave it out"}},
      {{"tune"}, {"required"}},
      {{"tune", f}, {"--queries", "required"}},
      {{"tune", f, "--queries", "q", "-k", "1,0"}, {"-k", "0"}},
      {{"tune", f, "--queries", "q", "-k", "10001"}, {"-k", "10001"}},
      {{"tune", f, "--queries", "q", "--rows", "0"}, {"--rows"}},
      {{"tune", f, "--queries", "q", "--recall", "0.9"}, {"--recall"}},
      {{"truth", "v.fvecs", "--queries", "q"}, {"--output", "required"}},
      {{"info"}, {"required"}},
      {{"info", "-"}, {"can't come from standard input", "./-"}},
      {{"verify", "-"}, {"can't come from standard input"}},
      {{"search", "-", "--key", "a"}, {"can't come from standard input"}},
      {{"eval", "-", "--queries", "q"}, {"can't come from standard input"}},
      {{"tune", "-", "--queries", "q"}, {"can't come from standard input"}},
      {{"search", f, "--key", "a", "--dataset", "x"}, {"--dataset", "add --queries"}},
      {{"convert", "a", "b.npy", "--queries", "--dataset", "x"}, {"--dataset", "leave one out"}},
      {{"verify"}, {"required"}},
      {{"convert", "a"}, {"required"}},
      {{"convert", "a", "b.npy", "--metric", "dot"}, {".kith"}},
      {{"convert", "a", "b.kith", "--format", "npy"}, {"leave it out"}},
  };
  for (const auto& [args, words] : cases) Fails(2, args, words);
}

class ErrorsTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    words_ = Path("w.kith");
    Ok({"build", WriteSmallWords(), "-o", words_});
    floats_ = WriteFvecs("f.fvecs", RandomFloats(20, 8, 2));
    points_ = Path("p.kith");
    Ok({"build", floats_, "-o", points_, "--index", "exact", "--metric", "euclidean"});
  }

  void BuildFails(const std::string& vectors, const std::vector<std::string>& words,
                  const std::vector<std::string>& more = {}) {
    const std::vector<std::string> before = FilesInDirectory();
    std::vector<std::string> args{"build", vectors, "-o", Path("out.kith")};
    args.insert(args.end(), more.begin(), more.end());
    Fails(1, args, words);
    EXPECT_EQ(FilesInDirectory(), before) << "nothing may be left behind";
  }

  std::string words_;
  std::string floats_;
  std::string points_;
};

TEST_F(ErrorsTest, MissingFiles) {
  const std::string missing = Path("missing");
  BuildFails(missing, {"missing"});
  BuildFails(floats_, {"missing"}, {"--keys", missing});
  BuildFails(floats_, {"missing", "--ids"}, {"--ids", missing});
  BuildFails(Path(""), {"kith_cli_dir"});
  for (const char* command : {"info", "verify"}) Fails(1, {command, missing}, {"missing"});
  Fails(1, {"search", missing, "--id", "1"}, {"missing"});
  Fails(1, {"search", words_, "--queries", missing}, {"missing"});
  Fails(1, {"eval", words_, "--queries", missing}, {"missing"});
  Fails(1, {"eval", points_, "--queries", floats_, "--truth", missing}, {"missing"});
  Fails(1, {"truth", missing, "--queries", floats_, "-o", Path("t.ivecs")}, {"missing"});
  Fails(1, {"convert", missing, Path("x.npy")}, {"missing"});
}

TEST_F(ErrorsTest, OutputsThatCannotBe) {
  const std::string nowhere = Path("no/such/directory/x");
  Fails(1, {"build", floats_, "-o", nowhere + ".kith"}, {"no/such/directory"});
  Fails(1, {"build", floats_, "-o", Path("")}, {"kith_cli_dir"});
  Fails(1, {"build", floats_, "-o", floats_}, {"f.fvecs", "choose another name"});
  Fails(1, {"convert", floats_, nowhere + ".npy"}, {"no/such/directory"});
  Fails(1, {"convert", floats_, Path("x.xyz")}, {"x.xyz"});
  Fails(1, {"convert", floats_, Path("x.npy"), "--keys", Path("k.txt")}, {"no keys"});
  Fails(1, {"truth", floats_, "--queries", floats_, "-k", "2", "-o", nowhere + ".ivecs"},
        {"no/such/directory"});
  Fails(1, {"truth", floats_, "--queries", floats_, "-k", "2", "-o", Path("t.txt")},
        {"t.txt", "expected an extension that says the format, .ivecs, .ibin or .npy"});
}

TEST_F(ErrorsTest, VectorsThatAreWrong) {
  WriteFile(Path("empty.fvecs"), "");
  BuildFails(Path("empty.fvecs"), {"empty.fvecs"});
  WriteFile(Path("cut.fvecs"), ReadFile(floats_).substr(0, 100));
  BuildFails(Path("cut.fvecs"), {"cut.fvecs"});
  WriteFile(Path("noise.xyz"), std::string("\x01\x02\x03garbage\xFF\xFE", 12));
  BuildFails(Path("noise.xyz"), {"noise.xyz"});
  WriteFile(Path("ragged.csv"), "1,2,3\n4,5\n");
  BuildFails(Path("ragged.csv"), {"ragged.csv", "line 2", "3", "2"});
  WriteFile(Path("nan.csv"), "1,2,3\n4,nan,6\n");
  BuildFails(Path("nan.csv"), {"nan.csv", "line 2"});
  Matrix m = RandomFloats(20, 8, 2);
  m.values[3 * 8 + 5] = std::numeric_limits<float>::quiet_NaN();
  const std::string nan = WriteFvecs("nan.fvecs", m);
  BuildFails(nan, {"row 3", "column 5"});
  Fails(1, {"search", points_, "--queries", nan}, {"row 3"});
  Fails(1, {"truth", floats_, "--queries", nan, "-k", "1", "-o", Path("t.ivecs")}, {"row 3"});
  BuildFails(floats_, {"row 0", "column 0"}, {"--dtype", "u8"});
}

TEST_F(ErrorsTest, KeysAndIdsThatDoNotFit) {
  WriteFile(Path("few.txt"), "one\ntwo\n");
  BuildFails(floats_, {"2", "20"}, {"--keys", Path("few.txt")});
  WriteFile(Path("few_ids.txt"), "1\n2\n");
  BuildFails(floats_, {"2", "20"}, {"--ids", Path("few_ids.txt")});
  WriteFile(Path("words.txt"), "1\ntwo\n");
  BuildFails(floats_, {"words.txt", "line 2", "'two'"}, {"--ids", Path("words.txt")});
  std::string twice;
  for (int i = 0; i < 20; ++i) twice += std::to_string(i % 19) + "\n";
  WriteFile(Path("twice.txt"), twice);
  BuildFails(floats_, {"19"}, {"--ids", Path("twice.txt")});
  BuildFails(points_, {"p.kith", "keep their own keys"}, {"--keys", Path("words.txt")});
}

TEST_F(ErrorsTest, WrongDimensions) {
  const std::string narrow = WriteFvecs("narrow.fvecs", RandomFloats(3, 5, 2));
  Fails(1, {"search", words_, "--queries", narrow}, {"narrow.fvecs", "5 dimensions", "8"});
  Fails(1, {"search", words_, "--vector", "1,2,3"}, {"3 values", "8 dimensions"});
  Fails(1, {"search", words_, "--vector", "1,2,x,4,5,6,7,8"}, {"value 3", "'x'"});
  Fails(1, {"search", words_, "--vector", "1,2,3,4,5,6,7,inf"}, {"value 8", "finite"});
  Fails(1, {"eval", words_, "--queries", narrow}, {"5 dimensions", "8"});
  Fails(1, {"truth", floats_, "--queries", narrow, "-k", "1", "-o", Path("t.ivecs")},
        {"5 dimensions", "8"});
}

TEST_F(ErrorsTest, UnknownKeysAndIds) {
  Fails(1, {"search", words_, "--key", "River"}, {"no key 'River'", "did you mean 'river'?"});
  Fails(1, {"search", words_, "--key", "CHINESE"}, {"did you mean 'Chinese'?"});
  Fails(1, {"search", words_, "--key", "rivr"}, {"did you mean 'river'?"});
  Fails(1, {"search", words_, "--key", "river zzzz"}, {"no key 'zzzz'", "100 keys", "'river'"});
  Fails(1, {"search", words_, "--key", " "}, {"query is empty"});
  Fails(1, {"search", points_, "--key", "river"}, {"no keys", "--keys"});
  Fails(1, {"search", words_, "--id", "100"}, {"no id 100", "0 to 99"});
  Fails(1, {"search", words_, "--id", "-1"}, {"no id -1"});
  Fails(1, {"search", words_, "--key", ""}, {"query is empty"});
  for (const char* format : {"tsv", "json", "table"}) {
    const Outcome outcome =
        Run({"search", words_, "-", "-k", "1", "--format", format}, "river\nrivr\nw2\n");
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_NE(outcome.out.find("river"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("w2"), std::string::npos) << outcome.out;
    EXPECT_EQ(outcome.err, "kith: line 2: no key 'rivr' in " + words_ +
                               "; did you mean 'river'?\n"
                               "kith: 1 of 3 queries could not be answered\n");
  }
  // Rows of an array have no name but their number: all of them or none.
  Fails(1, {"search", words_, "-", "--format", "npy", "-o", Path("a.npy")},
        {"line 2", "no key 'oops'"}, "river\noops\n");
  EXPECT_FALSE(std::filesystem::exists(Path("a.npy")));
  const Outcome numbers = Run({"search", points_, "-", "-k", "1"}, "river\n1 2 3\n");
  EXPECT_EQ(numbers.exit_code, 1);
  EXPECT_EQ(numbers.out, "");
  EXPECT_NE(numbers.err.find("line 1: value 1"), std::string::npos) << numbers.err;
  EXPECT_NE(numbers.err.find("line 2: the vector has 3 values"), std::string::npos) << numbers.err;
  EXPECT_NE(numbers.err.find("2 of 2 queries"), std::string::npos) << numbers.err;
  Fails(1, {"search", words_, "-"}, {"no queries", "keys"}, "\n\n");
}

TEST_F(ErrorsTest, WhatTheFileCannotDo) {
  Fails(1, {"search", points_, "--id", "1", "--effort", "50"},
        {"no graph and no forest", "--index graph"});
  Fails(1, {"search", points_, "--id", "1", "--index", "forest"}, {"no forest", "--index forest"});
  Fails(1, {"search", points_, "--id", "1", "--index", "graph"}, {"no graph", "--index graph"});
  Fails(1, {"search", points_, "--id", "1", "--huge"}, {"no graph", "leave --huge out"});
  Fails(1, {"eval", points_, "--queries", floats_, "--huge"}, {"no graph", "leave --huge out"});
  Fails(1, {"eval", points_, "--queries", floats_, "--effort", "50"}, {"no graph or forest"});
  Fails(1, {"eval", points_, "--queries", floats_, "--index", "exact,graph"},
        {"no graph", "--index graph"});
  Fails(1,
        {"build", floats_, "-o", Path("x.kith"), "--index", "graph", "--layout", "packed",
         "--metric", "manhattan"},
        {"no packed graph for manhattan", "compact"});
  Fails(1, {"eval", points_, "--queries", floats_, "--no-exact"}, {"nothing to measure"});
  Fails(1, {"eval", points_, "--queries", floats_, "-k", "21"}, {"k is 21", "20"});
  Fails(1, {"truth", floats_, "--queries", floats_, "-k", "21", "-o", Path("t.ivecs")},
        {"k is 21", "-k 20"});
  Ok({"truth", floats_, "--queries", floats_, "-k", "3", "-o", Path("t.ivecs")});
  Fails(1, {"eval", points_, "--queries", floats_, "--truth", Path("t.ivecs")},
        {"3 neighbours", "k <= 3"});
  const std::string more = WriteFvecs("more.fvecs", RandomFloats(25, 8, 3));
  Fails(1, {"eval", points_, "--queries", more, "-k", "3", "--truth", Path("t.ivecs")},
        {"20 queries", "25"});
  Fails(1, {"search", floats_, "--id", "1"}, {"f.fvecs"});
}

TEST_F(ErrorsTest, AFullDiskLeavesTheOldFile) {
  const std::string before = ReadFile(points_);
  const std::vector<std::string> names = FilesInDirectory();
  StartOptions options;
  options.file_limit = 2000;
  const Outcome outcome = Process::Start({"build", floats_, "-o", points_}, options).Wait();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err.rfind("kith: ", 0), 0u) << outcome.err;
  EXPECT_NE(outcome.err.find("p.kith"), std::string::npos) << outcome.err;
  EXPECT_TRUE(ReadFile(points_) == before);
  EXPECT_EQ(FilesInDirectory(), names);
}

TEST_F(ErrorsTest, OutputThatIsLostIsAFailure) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full here";
  StartOptions options;
  options.out_path = "/dev/full";
  const Outcome outcome = Process::Start({"info", words_}, options).Wait();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("cannot write to standard output"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace kith::cli_test
