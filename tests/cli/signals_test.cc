// Ctrl-C and its like.
#include <signal.h>

#include <chrono>
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

}  // namespace
}  // namespace kith::cli_test
