// Too little memory, or too little for threads: every command does its work or says that it could
// not, and leaves nothing behind.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/strings.h"
#include "cli/harness.h"
#include "sanitized.h"

namespace kith::cli_test {
namespace {

constexpr uint64_t kMega = uint64_t{1} << 20;

class LimitsTest : public CliTest {
 protected:
  void SetUp() override {
    if (testing::kSanitized) GTEST_SKIP() << "sanitizers take all addresses that there are";
    CliTest::SetUp();
    const std::string vectors = WriteFvecs("x.fvecs", RandomFloats(800, 16, 1));
    WriteFvecs("q.fvecs", RandomFloats(40, 16, 2));
    Ok({"build", vectors, "-o", Path("x.kith"), "--index", "graph,forest"});
    std::string csv;
    const Matrix m = RandomFloats(800, 16, 1);
    for (size_t i = 0; i < m.rows; ++i) {
      for (size_t j = 0; j < m.dim; ++j) csv += StrCat(j == 0 ? "" : ",", m.row(i)[j]);
      csv += '\n';
    }
    WriteFile(Path("x.csv"), csv);
    before_ = FilesInDirectory();
  }

  struct Command {
    std::string name;
    std::vector<std::string> args;
    std::string output;  // what it writes, if it does
  };

  std::vector<Command> Commands() const {
    const std::string x = Path("x.fvecs");
    const std::string q = Path("q.fvecs");
    const std::string f = Path("x.kith");
    const auto out = [&](const std::string& name) { return Path(name); };
    return {
        {"build", {"build", x, "-o", out("o.kith"), "--index", "graph,forest"}, "o.kith"},
        {"exact", {"build", x, "-o", out("o.kith"), "--index", "exact"}, "o.kith"},
        {"csv", {"build", Path("x.csv"), "-o", out("o.kith"), "--index", "forest"}, "o.kith"},
        {"search graph", {"search", f, "--queries", q, "--index", "graph"}, ""},
        {"search forest", {"search", f, "--queries", q, "--index", "forest"}, ""},
        {"search exact", {"search", f, "--queries", q, "--exact", "-k", "500"}, ""},
        {"tune", {"tune", f, "--queries", q, "-o", out("t.kith"), "-k", "5"}, "t.kith"},
        {"eval", {"eval", f, "--queries", q, "--index", "graph", "--effort", "20"}, ""},
        {"truth", {"truth", x, "--queries", q, "-o", out("t.ivecs")}, "t.ivecs"},
        {"convert", {"convert", Path("x.csv"), out("c.npy")}, "c.npy"},
    };
  }

  // How it ended: true if it did its work, false if it said that it could not.
  bool RunsOrSays(const Command& command, const StartOptions& options) {
    std::vector<std::string> args = command.args;
    if (command.name != "convert") args.insert(args.end(), {"--threads", "4"});
    const Outcome outcome = Process::Start(args, options).Wait();
    std::vector<std::string> allowed = before_;
    const bool done = outcome.exit_code == 0;
    if (done && !command.output.empty()) allowed.push_back(command.output);
    std::sort(allowed.begin(), allowed.end());
    std::vector<std::string> found = FilesInDirectory();
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, allowed) << outcome.err;
    if (done && !command.output.empty()) std::filesystem::remove(Path(command.output));
    if (done) return true;
    EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
    EXPECT_EQ(SplitLines(outcome.err).size(), 1u) << outcome.err;
    EXPECT_EQ(outcome.err.rfind("kith: ", 0), 0u) << outcome.err;
    const bool says = outcome.err.find("memory") != std::string::npos ||
                      outcome.err.find("does not fit") != std::string::npos ||
                      outcome.err.find("ulimit") != std::string::npos;
    EXPECT_TRUE(says) << outcome.err;
    return false;
  }

  std::vector<std::string> before_;
};

TEST_F(LimitsTest, WithTooLittleMemory) {
  const auto with = [](uint64_t bytes) {
    StartOptions options;
    options.memory_limit = bytes;
    return options;
  };
  // The least of [low, high] with which `runs` is true, to 1/8 of a megabyte.
  const auto least = [](uint64_t low, uint64_t high, const auto& runs) {
    while (high - low > kMega / 8) {
      const uint64_t middle = low + (high - low) / 2;
      (runs(middle) ? high : low) = middle;
    }
    return high;
  };
  constexpr uint64_t kPlenty = 1024 * kMega;
  // Below, libraries end the program before it begins.
  const uint64_t begins = least(kMega, kPlenty, [&](uint64_t limit) {
    return Process::Start({"--version"}, with(limit)).Wait().exit_code == 0;
  });
  constexpr int kSteps = 10;
  for (const Command& command : Commands()) {
    SCOPED_TRACE(command.name);
    ASSERT_TRUE(RunsOrSays(command, with(kPlenty)));
    const uint64_t low = begins + kMega / 4;
    const uint64_t high =
        least(low, kPlenty, [&](uint64_t limit) { return RunsOrSays(command, with(limit)); });
    // What is below the least may suffice, since it's not the same each time.
    for (int step = 0; step <= kSteps && !HasFailure(); ++step) {
      RunsOrSays(command, with(low + (high - low) * step / kSteps));
    }
    if (HasFailure()) return;
  }
}

// Threads whose stacks can't be had: the work is done by those that there are.
TEST_F(LimitsTest, WithoutThreads) {
  StartOptions options;
  options.stack_size = 1024 * kMega;
  options.memory_limit = 900 * kMega;
  for (const Command& command : Commands()) {
    SCOPED_TRACE(command.name);
    EXPECT_TRUE(RunsOrSays(command, options));
  }
}

}  // namespace
}  // namespace kith::cli_test
