// Runs the real command and makes the files it works on.
#ifndef KITH_TESTS_CLI_HARNESS_H_
#define KITH_TESTS_CLI_HARNESS_H_

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kith::cli_test {

struct Outcome {
  int exit_code = -1;  // 128 + the signal that killed it
  std::string out;
  std::string err;
};

struct StartOptions {
  std::string input;          // what the command reads on stdin
  std::string in_path;        // or this file takes the place of stdin
  std::string out_path;       // this file takes the place of stdout
  uint64_t file_limit = 0;    // most bytes of a file it may write; 0: no limit
  uint64_t memory_limit = 0;  // most bytes of addresses it may have; 0: no limit
  uint64_t stack_size = 0;    // of each of its threads; 0: as it is
};

// A command that was started; wait for it exactly once.
class Process {
 public:
  static Process Start(const std::vector<std::string>& args, const StartOptions& options = {});
  Outcome Wait();
  void Signal(int signal_number) const;
  bool Running() const;
  // Whether it has a file of this name mapped.
  bool HasMapped(const std::string& name) const;

 private:
  pid_t pid_ = -1;
  std::string in_path_;
  std::string out_path_;
  std::string err_path_;
  std::vector<std::string> temporary_;  // those of the three that are its own
};

// A row-major matrix of float32.
struct Matrix {
  size_t rows = 0;
  size_t dim = 0;
  std::vector<float> values;
  const float* row(size_t i) const { return &values[i * dim]; }
};

// The same for the same seed: normal values, or whole numbers in [0, 255].
Matrix RandomFloats(size_t rows, size_t dim, uint64_t seed);
Matrix RandomBytes(size_t rows, size_t dim, uint64_t seed);

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& content);
std::vector<std::string> SplitLines(const std::string& text);

// Rows of the smallest distance, nearest first, by a plain loop in double precision.
enum class Distance { kCosine, kEuclidean };
std::vector<int64_t> Nearest(Distance distance, const Matrix& base, const float* query, size_t k);

// A test with a directory of its own, removed at the end.
class CliTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  std::vector<std::string> FilesInDirectory() const;

  static Outcome Run(const std::vector<std::string>& args, const std::string& input = "");
  // Expects exit code 0 and nothing on stderr; returns stdout.
  static std::string Ok(const std::vector<std::string>& args, const std::string& input = "");
  static nlohmann::json OkJson(const std::vector<std::string>& args, const std::string& input = "");
  // An object from each line.
  static std::vector<nlohmann::json> OkJsonLines(const std::vector<std::string>& args,
                                                 const std::string& input = "");
  // Expects this exit code and one line "kith: ..." on stderr that has all of `words`.
  static void Fails(int exit_code, const std::vector<std::string>& args,
                    const std::vector<std::string>& words, const std::string& input = "");

  // Files of vectors; each returns its path.
  std::string WriteFvecs(const std::string& name, const Matrix& m) const;
  std::string WriteBvecs(const std::string& name, const Matrix& m) const;
  std::string WriteWord2vec(const std::string& name, const std::vector<std::string>& words,
                            const Matrix& m) const;
  // 100 words of 8 dimensions: "river", "Chinese" and w2 ... w99.
  std::string WriteSmallWords() const;
  static Matrix SmallWords() { return RandomFloats(100, 8, 1); }

 private:
  std::string directory_;
};

// One on the real data sets, skipped where they are not.
class RealDataCliTest : public CliTest {
 protected:
  void SetUp() override;

  std::string data_;  // their directory
};

}  // namespace kith::cli_test

#endif  // KITH_TESTS_CLI_HARNESS_H_
