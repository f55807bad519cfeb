// No command writes over what it reads, or over what it has written.
#include <filesystem>
#include <string>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

class OutputFilesTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    words_ = WriteSmallWords();
    index_ = Path("w.kith");
    Ok({"build", words_, "-o", index_, "--no-calibrate"});
    vectors_ = WriteFvecs("v.fvecs", SmallWords());
    std::string lines;
    for (int i = 0; i < 100; ++i) lines += std::to_string(i) + "\n";
    lines_ = Path("lines.txt");
    WriteFile(lines_, lines);
  }

  // That the command is refused, and every file is as it was.
  void Refused(const std::vector<std::string>& args, const std::string& named) {
    const auto all = [&] {
      std::string bytes;
      for (const std::string& name : FilesInDirectory()) {
        if (!std::filesystem::is_directory(Path(name))) bytes += name + ReadFile(Path(name));
      }
      return bytes;
    };
    const std::string before = all();
    Fails(1, args, {named, "choose another name"});
    EXPECT_EQ(all(), before) << args[0];
  }

  std::string words_;
  std::string index_;
  std::string vectors_;
  std::string lines_;
};

TEST_F(OutputFilesTest, AreNotWhatIsRead) {
  Refused({"build", vectors_, "--keys", lines_, "-o", lines_}, "lines.txt");
  Refused({"convert", words_, Path("v.npy"), "--keys", words_}, words_);
  Refused({"reduce", vectors_, "--dim", "2", "--queries", index_, "--table", "--save", index_},
          "w.kith");
  Refused({"truth", vectors_, "--queries", words_, "-o", vectors_}, "v.fvecs");
  Refused({"tune", index_, "--queries", vectors_, "-o", vectors_}, "v.fvecs");
  Refused({"graph", vectors_, "-o", vectors_}, "v.fvecs");
  Refused({"duplicates", index_, "--within", "0.1", "-o", index_}, "w.kith");
  Refused({"map", vectors_, "--labels", lines_, "-o", lines_}, "lines.txt");
  Refused({"map", index_, "--weights", lines_, "--plot", Path("m.svg"), "-o", lines_}, "lines.txt");
  Refused({"map", index_, "--store", "-o", index_}, "w.kith");
  Refused({"classify", index_, "--queries", vectors_, "--labels", lines_, "-o", lines_},
          "lines.txt");
  Refused({"classify", index_, "--queries", vectors_, "-o", index_}, "w.kith");
  Refused({"regress", index_, "--queries", vectors_, "--values", lines_, "-o", lines_},
          "lines.txt");
  // Also by another name, and where one option names several files.
  std::filesystem::create_symlink(vectors_, Path("link.npy"));
  Refused({"graph", vectors_, "-o", Path("link.npy")}, "link.npy");
  Refused({"duplicates", vectors_, "--within", "0.1", "-o", Path("./v.fvecs")}, "v.fvecs");
  Ok({"convert", vectors_, Path("a.distances.npy")});
  Refused({"search", index_, "--queries", Path("a.distances.npy"), "--format", "npy", "-o",
           Path("a.npy")},
          "a.distances.npy");
  std::filesystem::copy_file(Path("a.distances.npy"), Path("b.nearest.npy"));
  Refused({"regress", Path("b.nearest.npy"), "--queries", vectors_, "--values", lines_, "-o",
           Path("b.npy")},
          "b.nearest.npy");
}

TEST_F(OutputFilesTest, AreNotThoseOfAModel) {
  const std::string folder = Path("model");
  std::filesystem::create_directory(folder);
  const std::string history = folder + "/history.mtx";
  WriteFile(history, "%%MatrixMarket matrix coordinate real general\n2 2 3\n1 1 1\n1 2 1\n2 2 1\n");
  const std::string before = ReadFile(history);
  Refused({"factorize", history, "-o", folder}, "history.mtx");
  EXPECT_EQ(ReadFile(history), before);
  EXPECT_FALSE(std::filesystem::exists(folder + "/items.kith"));
  Ok({"factorize", history, "-o", Path("other"), "--factors", "2", "--regularization", "0.01"});
  const std::string items = Path("other") + "/items.kith";
  const std::string kept = ReadFile(items);
  Refused({"recommend", Path("other"), "--all", "-o", items}, "items.kith");
  EXPECT_EQ(ReadFile(items), kept);
}

TEST_F(OutputFilesTest, AreNotOneAnother) {
  const std::string one = Path("one");
  Refused({"convert", words_, one + ".npy", "--keys", one + ".npy"}, "one.npy");
  Refused({"reduce", words_, "--dim", "2", "-o", one + ".npy", "--keys", one + ".npy"}, "one.npy");
  Refused({"reduce", words_, "--dim", "2", "-o", one, "--save", Path("./one")}, "one");
  Refused({"map", index_, "-o", one + ".svg", "--plot", one + ".svg"}, "one.svg");
  Refused({"embed", lines_, "--model", vectors_, "-o", one + ".npy", "--labels", one + ".npy"},
          "one.npy");
  Refused(
      {"embed", lines_, "--model", vectors_, "-o", one + ".npy", "--labels", one, "--keys", one},
      "one");
  EXPECT_FALSE(std::filesystem::exists(one + ".npy"));
}

}  // namespace
}  // namespace kith::cli_test
