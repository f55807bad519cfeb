// Memory that nobody initialised must not get into files: everything that reads, builds and writes
// runs twice, with other values in all memory it is given, and has to write the same bytes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

// Sets what glibc's malloc fills memory with in the programs that are started from here on. It
// would leave out small pieces that were freed before, if it kept those aside for their thread.
class Poison {
 public:
  explicit Poison(int value) {
    setenv("MALLOC_PERTURB_", std::to_string(value).c_str(), 1);
    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
  }
  ~Poison() {
    unsetenv("MALLOC_PERTURB_");
    unsetenv("GLIBC_TUNABLES");
  }
  Poison(const Poison&) = delete;
  Poison& operator=(const Poison&) = delete;
};

class PoisonTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    // Odd dimensions, so that rows are padded.
    floats_ = WriteFvecs("floats.fvecs", RandomFloats(320, 19, 1));
    bytes_ = WriteBvecs("bytes.bvecs", RandomBytes(320, 7, 2));
    queries_ = WriteFvecs("queries.fvecs", RandomFloats(64, 19, 3));
    words_ = WriteSmallWords();
    table_ = Path("table.csv");
    WriteFile(table_, "city,x,y,\"z \"\"z\"\"\"\n\"a, b\",1,\"2\",3\nc,4,5,6\nd,7,8,9\n");
    bits_ = Path("bits.csv");
    WriteFile(bits_, "0,1,1\n1,0,1\n0,0,1\n1,1,1\n");
  }

  // What all commands write, by the name of the file. Times are not in it.
  std::map<std::string, std::string> Produce(int poison) {
    const Poison set(poison);
    const std::string dir = Path("out" + std::to_string(poison));
    std::filesystem::create_directory(dir);
    const auto out = [&](const std::string& name) { return dir + "/" + name; };
    Convert(out);
    Build(out);
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(dir)) {
      files[entry.path().filename().string()] = ReadFile(entry.path().string());
    }
    return files;
  }

 private:
  // Every format is written, and read again.
  template <class Out>
  void Convert(const Out& out) {
    const std::pair<std::string, std::vector<std::string>> formats[] = {
        {floats_, {"fvecs", "fbin", "npy", "h5", "csv", "tsv"}},
        {bytes_, {"bvecs", "u8bin", "ivecs", "ibin", "npy", "idx", "h5"}},
        {words_, {"bin", "vec", "glove", "csv", "kith"}},
        {bits_, {"npy", "h5"}}};
    for (const auto& [from, extensions] : formats) {
      const std::string stem = std::filesystem::path(from).stem().string();
      for (const std::string& extension : extensions) {
        const std::string to = out(stem + "." + extension);
        std::vector<std::string> args = {"convert", from, to};
        if (from == bits_) args.insert(args.end(), {"--dtype", "bit"});
        // A build without the HDF5 library does not write such files.
        if (extension == "h5" && Run(args).err.find("without HDF5") != std::string::npos) continue;
        Ok(args);
        Ok({"convert", to, out(stem + "-" + extension + ".npy"), "--keys",
            out(stem + "-" + extension + ".txt")},
           from == words_);
      }
    }
    Ok({"convert", table_, out("table.csv")});
    Ok({"convert", table_, out("columns.csv"), "--columns", "y,x", "--key-column", "city"});
    Ok({"convert", floats_, out("half.npy"), "--dtype", "f16"});
  }

  // With keys: WORDS says whether there are any to write.
  static void Ok(std::vector<std::string> args, bool words = true) {
    if (!words) args.resize(args.size() - 2);
    CliTest::Ok(args);
  }

  template <class Out>
  void Build(const Out& out) {
    const std::vector<std::vector<std::string>> builds = {
        {floats_, "--metric", "angular", "--index", "graph"},
        {floats_, "--metric", "euclidean", "--index", "graph", "--layout", "compact"},
        {floats_, "--metric", "dot", "--index", "graph,forest"},
        {floats_, "--metric", "euclidean", "--index", "exact"},
        {floats_, "--metric", "manhattan", "--index", "forest", "--dtype", "f16"},
        {bytes_, "--metric", "euclidean", "--index", "graph,forest"},
        {bits_, "--metric", "hamming", "--index", "exact"},
        {words_, "--index", "forest"}};
    for (size_t i = 0; i < builds.size(); ++i) {
      const std::string file = out("built" + std::to_string(i) + ".kith");
      std::vector<std::string> args = {"build", "-o", file, "--threads", "2"};
      args.insert(args.end(), builds[i].begin(), builds[i].end());
      CliTest::Ok(args);
      if (builds[i][0] != floats_) continue;
      WriteFile(file + ".tsv",
                CliTest::Ok({"search", file, "--queries", queries_, "--format", "tsv"}));
      CliTest::Ok({"search", file, "--queries", queries_, "--format", "npy", "-o", file + ".npy"});
    }
    // It warns that these are few.
    EXPECT_EQ(Run({"tune", out("built0.kith"), "--queries", queries_, "-k", "3"}).exit_code, 0);
    for (const char* format : {"ivecs", "ibin", "npy"}) {
      CliTest::Ok({"truth", floats_, "--queries", queries_, "-k", "5", "-o",
                   out(std::string("truth.") + format)});
    }
  }

  std::string floats_, bytes_, queries_, words_, table_, bits_;
};

TEST_F(PoisonTest, NothingUninitialisedIsWritten) {
  const std::map<std::string, std::string> first = Produce(0x55);
  const std::map<std::string, std::string> second = Produce(0xA3);
  EXPECT_GT(first.size(), 50u);
  for (const auto& [name, bytes] : first) {
    const auto same = second.find(name);
    ASSERT_NE(same, second.end()) << name;
    EXPECT_TRUE(bytes == same->second) << name << " depends on memory that nobody initialised";
  }
}

}  // namespace
}  // namespace kith::cli_test
