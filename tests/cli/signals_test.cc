// Ctrl-C and its like.
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "cli/harness.h"

namespace kith::cli_test {
namespace {

class SignalsTest : public CliTest {
 protected:
  // Stops a build as soon as its half-written file is there, and checks that it goes.
  void StopBuild(int signal_number) {
    // Large enough that writing the file takes many times as long as noticing it.
    const std::string vectors = WriteFvecs("v.fvecs", RandomFloats(60000, 128, 4));
    WriteFile(Path("v.kith"), "the old file");
    const std::vector<std::string> before = FilesInDirectory();
    Process build = Process::Start({"build", vectors, "-o", Path("v.kith"), "--threads", "1"});
    while (build.Running() && FilesInDirectory() == before) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_NE(FilesInDirectory(), before) << "the build ended before it could be stopped";
    build.Signal(signal_number);
    EXPECT_EQ(build.Wait().exit_code, 128 + signal_number);
    EXPECT_EQ(FilesInDirectory(), before);
    EXPECT_EQ(ReadFile(Path("v.kith")), "the old file");
  }
};

TEST_F(SignalsTest, CtrlCLeavesNoHalfWrittenFile) { StopBuild(SIGINT); }

TEST_F(SignalsTest, TerminationLeavesNoHalfWrittenFile) { StopBuild(SIGTERM); }

TEST_F(SignalsTest, AFileThatShrinksWhileMappedIsAnError) {
  if (!std::filesystem::exists("/proc/self/maps")) GTEST_SKIP() << "needs /proc to see mappings";
  Ok({"build", WriteSmallWords(), "-o", Path("w.kith")});
  ASSERT_EQ(mkfifo(Path("questions").c_str(), 0600), 0);
  // The command may have met the end of the file, and ended, before it is asked anything.
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  StartOptions options;
  options.in_path = Path("questions");
  Process search = Process::Start({"search", Path("w.kith"), "-"}, options);
  std::ofstream questions(Path("questions"));  // returns when the command has its end
  while (search.Running() && !search.HasMapped("w.kith")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::filesystem::resize_file(Path("w.kith"), 4096);
  questions << "river\n";
  questions.close();
  const Outcome outcome = search.Wait();
  std::signal(SIGPIPE, before);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err.rfind("kith: ", 0), 0u) << outcome.err;
  EXPECT_NE(outcome.err.find("became shorter"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace kith::cli_test
