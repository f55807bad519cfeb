// Commands that are killed outright, at any moment: what stands under a name is the old file or the
// new one, whole, and the next command that writes the name removes what was left.
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "cli/harness.h"
#include "sanitized.h"

namespace kith::cli_test {
namespace {

class KillsTest : public CliTest {
 protected:
  // What is done, in which order the kills take turns.
  struct Command {
    std::vector<std::string> args;
    std::string written;  // the file
    bool is_index = false;
  };

  // KITH_KILLS=200 is for a thorough look by hand.
  static int NumKills() {
    const char* wanted = std::getenv("KITH_KILLS");
    return wanted != nullptr ? std::atoi(wanted) : testing::kSanitized ? 8 : 24;
  }

  static std::chrono::microseconds Measure(const std::vector<std::string>& args) {
    const auto start = std::chrono::steady_clock::now();
    Ok(args);
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                                 start);
  }
};

TEST_F(KillsTest, LeaveTheOldFileOrTheNewOne) {
  const size_t rows = testing::kSanitized ? 1500 : 4000;
  const std::string vectors = WriteFvecs("v.fvecs", RandomFloats(rows, 32, 4));
  const std::string others = WriteFvecs("o.fvecs", RandomFloats(rows / 2, 32, 5));
  const std::string queries = WriteFvecs("q.fvecs", RandomFloats(600, 32, 6));
  const std::vector<Command> commands{
      {{"build", vectors, "-o", Path("a.kith"), "--index", "graph"}, Path("a.kith"), true},
      {{"build", others, "-o", Path("a.kith"), "--index", "forest"}, Path("a.kith"), true},
      {{"tune", Path("t.kith"), "--queries", queries, "-k", "10"}, Path("t.kith"), true},
      {{"convert", Path("a.kith"), Path("c.npy")}, Path("c.npy"), false},
  };
  Ok({"build", vectors, "-o", Path("t.kith"), "--index", "forest"});
  std::vector<std::chrono::microseconds> whole;
  for (const Command& command : commands) whole.push_back(Measure(command.args));
  const std::string converted = ReadFile(Path("c.npy"));
  const std::vector<std::string> before = FilesInDirectory();

  Rng rng(7);
  int killed = 0;
  size_t left = 0;  // temporary files seen
  for (int i = 0; i < NumKills(); ++i) {
    const size_t which = static_cast<size_t>(i) % commands.size();
    const Command& command = commands[which];
    // The sources of `convert` are of either build.
    Process process = Process::Start(command.args);
    // Every other one near its end, where the file gets its name.
    const double moment = i / 4 % 2 == 0 ? rng.Uniform() : 0.85 + 0.2 * rng.Uniform();
    std::this_thread::sleep_for(whole[which] * moment);
    process.Signal(SIGKILL);
    killed += process.Wait().exit_code == 128 + SIGKILL;
    left += FilesInDirectory() != before;
    if (command.is_index) {
      Ok({"verify", command.written});
    } else {
      EXPECT_EQ(ReadFile(command.written).substr(0, 6), converted.substr(0, 6));
      Ok({"convert", command.written, Path("back.fvecs")});
      Run({"convert", Path("back.fvecs"), Path("back.fvecs")});
      std::remove(Path("back.fvecs").c_str());
    }
  }
  RecordProperty("killed", killed);
  EXPECT_GT(killed, 0);
  EXPECT_GT(left, 0u) << "no command was killed while it wrote: this tested nothing";
  for (const Command& command : commands) Ok(command.args);
  EXPECT_EQ(FilesInDirectory(), before) << "what the killed left was not removed";
  std::cout << killed << " killed, " << left << " times with a temporary file there\n";
}

}  // namespace
}  // namespace kith::cli_test
