// Commands name the file and the remedy, and refuse options that would do nothing.
#include <limits>
#include <string>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

using CarefulTest = CliTest;

TEST_F(CarefulTest, NotANumberNamesItsFile) {
  Matrix bad = SmallWords();
  const std::string good = WriteFvecs("good.fvecs", bad);
  bad.values[33 * 8 + 4] = std::numeric_limits<float>::quiet_NaN();
  const std::string file = WriteFvecs("bad.fvecs", bad);
  const std::vector<std::string> words{"bad.fvecs", "row 33, column 4"};
  Fails(1, {"build", file, "-o", Path("b.kith")}, words);
  Fails(1, {"graph", file, "-o", Path("g.npz")}, words);
  Fails(1, {"map", file, "-o", Path("m.tsv")}, words);
  Fails(1, {"duplicates", file, "--within", "0.1"}, words);
  Fails(1, {"truth", file, "--queries", good, "-o", Path("t.npy")}, words);
  Fails(1, {"truth", good, "--queries", file, "-o", Path("t.npy")}, words);
  Ok({"build", good, "-o", Path("g.kith"), "--no-calibrate"});
  Fails(1, {"search", Path("g.kith"), "--queries", file}, words);
}

TEST_F(CarefulTest, OptionsThatWouldDoNothingAreRefused) {
  const std::string words = WriteSmallWords();
  Fails(2, {"classify", words, "--cross-validate", "5", "--confusion"}, {"--confusion"});
  Fails(2, {"map", words, "--stored", "--seed", "3", "-o", Path("m.tsv")}, {"--seed"});
  Fails(2, {"map", words, "--weights", words, "-o", Path("m.tsv")}, {"--weights", "--plot"});
  Fails(2, {"factorize", words, "-o", Path("m"), "--learning-rate", "1"}, {"--learning-rate"});
  Fails(2, {"factorize", words, "-o", Path("m"), "--algorithm", "bpr", "--alpha", "3"},
        {"--alpha"});
  Fails(1, {"duplicates", words, "--within", "-1"}, {"angular", "below 0"});
  Fails(1, {"graph", words, "-o", Path("x.npy")}, {".npz"});
  Fails(2, {"map", words, "-o", Path("x.csv")}, {".csv", ".tsv"});
  Fails(2, {"recommend", Path("m"), "--all", "-o", Path("x.json")}, {".json", ".tsv"});
  EXPECT_EQ(OkJson({"graph", words, "-k", "5000", "-o", Path("x.npz"), "--json"})["k"], 99);
}

TEST_F(CarefulTest, AFileOfVectorsIsReducedByItsOwnMetric) {
  Ok({"build", WriteSmallWords(), "-o", Path("w.kith"), "--no-calibrate"});
  EXPECT_EQ(
      OkJson({"reduce", Path("w.kith"), "--dim", "3", "-o", Path("r.npy"), "--json"})["metric"],
      "angular");
}

TEST_F(CarefulTest, ValuesAreNamedByFileAndLine) {
  const std::string rows = Path("rows.csv");
  WriteFile(rows, "x,y\n1,2\n2,3\n3,1\n");
  WriteFile(Path("v.txt"), "1\nnan\n3\n");
  WriteFile(Path("few.txt"), "1\n2\n");
  WriteFile(Path("ok.txt"), "1\n2\n3\n");
  const auto regress = [&](const std::string& values, const std::string& k) {
    return std::vector<std::string>{"regress",   rows, "--values", Path(values),
                                    "--queries", rows, "-k",       k};
  };
  Fails(1, regress("v.txt", "1"), {"v.txt", "line 2"});
  Fails(1, regress("few.txt", "1"), {"few.txt has 2 values", "rows.csv has 3 vectors"});
  Fails(1, regress("ok.txt", "1,2"), {"rows.csv", "give one -k"});
}

}  // namespace
}  // namespace kith::cli_test
