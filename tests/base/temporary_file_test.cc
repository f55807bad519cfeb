// What becomes of temporary files: of those of dead processes, of living ones, and of forks.
#include "base/temporary_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "child.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::ExpectInChild;
using testing::ReadFile;
using testing::TempDir;
using testing::WriteFile;

std::span<const std::byte> Bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

Status WriteAtomically(const std::string& path, std::string_view content) {
  KITH_ASSIGN_OR_RETURN(const auto file, AtomicFile::Create(path));
  KITH_RETURN_IF_ERROR(file->Write(Bytes(content)));
  return file->Commit();
}

// As a process that is killed with so many files of this name half written.
void DieWriting(const std::string& path, int count = 1) {
  ExpectInChild([&] {
    for (int i = 0; i < count; ++i) {
      auto file = AtomicFile::Create(path);
      if (!file.ok() || !(*file)->Write(Bytes(std::string(1 << 20, 'x'))).ok()) return false;
      static_cast<void>(file->release());
    }
    return true;
  });
}

// A process that has a file of this name half written, until it is killed.
class Writer {
 public:
  explicit Writer(const std::string& path) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    pid_ = fork();
    if (pid_ == 0) {
      const auto file = AtomicFile::Create(path);
      const char byte = file.ok() ? 'y' : 'n';
      if (write(ready[1], &byte, 1) == 1) pause();
      _exit(1);
    }
    char answer = 0;
    EXPECT_EQ(read(ready[0], &answer, 1), 1);
    EXPECT_EQ(answer, 'y');
    close(ready[0]);
    close(ready[1]);
  }
  ~Writer() { Kill(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
};

class TemporaryFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::ifstream("/proc/sys/kernel/random/boot_id").fail()) {
      GTEST_SKIP() << "SKIPPED: this system has no boot_id, so nothing is cleaned up";
    }
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("a");
};

TEST_F(TemporaryFileTest, WhatTheDeadLeaveGoesWithTheNextWriteOfTheName) {
  WriteFile(path_, "old");
  DieWriting(path_);
  DieWriting(dir_.File("other"));
  EXPECT_EQ(dir_.NumFiles(), 3u);
  ASSERT_TRUE(WriteAtomically(path_, "new").ok());
  EXPECT_EQ(ReadFile(path_), "new");
  EXPECT_EQ(dir_.NumFiles(), 2u) << "what is left of another name is not ours to judge";
  ASSERT_TRUE(WriteAtomically(dir_.File("other"), "x").ok());
  EXPECT_EQ(dir_.NumFiles(), 2u);
}

TEST_F(TemporaryFileTest, AWriteThatFailsCleansUpToo) {
  DieWriting(path_);
  {
    const auto file = AtomicFile::Create(path_);
    ASSERT_TRUE(file.ok());
  }
  EXPECT_EQ(dir_.NumFiles(), 0u);
}

TEST_F(TemporaryFileTest, AllOfManyGo) {
  DieWriting(path_, 40);
  EXPECT_EQ(dir_.NumFiles(), 40u);
  ASSERT_TRUE(WriteAtomically(path_, "new").ok());
  EXPECT_EQ(dir_.NumFiles(), 1u);
}

TEST_F(TemporaryFileTest, TheLivingKeepTheirs) {
  auto here = AtomicFile::Create(path_);  // of this process
  ASSERT_TRUE(here.ok());
  Writer there(path_);
  DieWriting(path_);
  EXPECT_EQ(dir_.NumFiles(), 3u);
  ASSERT_TRUE(WriteAtomically(path_, "first").ok());
  EXPECT_EQ(dir_.NumFiles(), 3u) << "the file, and two that are being written";
  there.Kill();
  ASSERT_TRUE((*here)->Write(Bytes("second")).ok());
  ASSERT_TRUE((*here)->Commit().ok());
  EXPECT_EQ(ReadFile(path_), "second");
  EXPECT_EQ(dir_.NumFiles(), 2u);
  ASSERT_TRUE(WriteAtomically(path_, "third").ok());
  EXPECT_EQ(dir_.NumFiles(), 1u);
}

TEST_F(TemporaryFileTest, OnesBehindALivingOneGoToo) {
  const auto first = AtomicFile::Create(path_);
  auto second = AtomicFile::Create(path_);
  ASSERT_TRUE(first.ok() && second.ok());
  DieWriting(path_);
  second = Status::Internal("dropped");  // and leaves a gap
  EXPECT_EQ(dir_.NumFiles(), 2u);
  ASSERT_TRUE(WriteAtomically(path_, "new").ok());
  EXPECT_EQ(dir_.NumFiles(), 2u);
}

TEST_F(TemporaryFileTest, LongNamesAreCleanedUpToo) {
  const std::string path = dir_.File(std::string(255, 'n'));
  DieWriting(path);
  ASSERT_TRUE(WriteAtomically(path, "x").ok());
  EXPECT_EQ(dir_.NumFiles(), 1u);
}

// Of another machine on a shared disk, or from before a restart: no lock tells whether it lives.
TEST_F(TemporaryFileTest, FilesOfOtherSystemsAreLeftAlone) {
  WriteFile(dir_.File(".a.kith-tmp-0123456789abcdef-0"), "theirs");
  WriteFile(dir_.File(".a.kith-tmp-4711-0"), "where there are no locks");
  ASSERT_TRUE(WriteAtomically(path_, "new").ok());
  EXPECT_EQ(ReadFile(dir_.File(".a.kith-tmp-0123456789abcdef-0")), "theirs");
  EXPECT_EQ(dir_.NumFiles(), 3u);
}

TEST_F(TemporaryFileTest, WhatElseHasSuchANameIsLeftAlone) {
  DieWriting(path_);
  std::string name;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) name = entry.path();
  ASSERT_NE(name.find(".kith-tmp-"), std::string::npos);
  const std::string stem = name.substr(0, name.size() - 1);
  WriteFile(dir_.File("precious"), "precious");
  ASSERT_EQ(symlink("precious", (stem + "1").c_str()), 0);
  ASSERT_EQ(mkfifo((stem + "2").c_str(), 0600), 0);
  ASSERT_EQ(mkdir((stem + "3").c_str(), 0700), 0);
  ASSERT_TRUE(WriteAtomically(path_, "new").ok());
  EXPECT_EQ(ReadFile(dir_.File("precious")), "precious");
  EXPECT_EQ(dir_.NumFiles(), 5u);
}

// A child has a copy of the object, of the registry and of the lock.
TEST_F(TemporaryFileTest, AForkLeavesTheFileOfItsParent) {
  auto file = AtomicFile::Create(path_);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Write(Bytes("parent")).ok());
  ExpectInChild([&] {
    const Status written = (*file)->Commit();
    EXPECT_EQ(written.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(written.message().find("fork"), std::string::npos) << written.message();
    EXPECT_EQ((*file)->Write(Bytes(std::string(1 << 20, 'x'))).code(),
              StatusCode::kInvalidArgument);
    file = Status::Internal("dropped");
    EXPECT_TRUE(WriteAtomically(path_, "child").ok()) << "it may write one of its own";
    return !::testing::Test::HasFailure();
  });
  EXPECT_EQ(ReadFile(path_), "child");
  ASSERT_TRUE((*file)->Commit().ok());
  EXPECT_EQ(ReadFile(path_), "parent");
  EXPECT_EQ(dir_.NumFiles(), 1u);
}

TEST_F(TemporaryFileTest, AForkIsNoWriterOfAnonymousFilesEither) {
  const auto anonymous = AnonymousFile::Create("nameless");
  ASSERT_TRUE(anonymous.ok());
  const auto file = AtomicFile::Create(*anonymous);
  ASSERT_TRUE(file.ok());
  ExpectInChild([&] {
    return (*file)->Write(Bytes(std::string(1 << 20, 'x'))).code() == StatusCode::kInvalidArgument;
  });
  ASSERT_TRUE((*file)->Commit().ok());
  EXPECT_TRUE((*MappedFile::Open(**anonymous))->bytes().empty());
}

// The name may be another's by then.
TEST_F(TemporaryFileTest, OneThatWasTakenAwayIsNeitherRenamedNorRemoved) {
  for (const bool commit : {true, false}) {
    auto file = AtomicFile::Create(path_);
    ASSERT_TRUE(file.ok());
    std::string name;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) name = entry.path();
    ASSERT_EQ(unlink(name.c_str()), 0);
    WriteFile(name, "another's");
    if (commit) EXPECT_EQ((*file)->Commit().code(), StatusCode::kIoError);
    file = Status::Internal("dropped");
    EXPECT_EQ(ReadFile(name), "another's");
    EXPECT_EQ(dir_.NumFiles(), 1u);
    ASSERT_EQ(unlink(name.c_str()), 0);
  }
}

void OnAlarm(int) { RemoveTemporaryFilesOnSignal(); }

// The name tried first is that of a living file. It must not be in the registry even for the time
// that finding this out takes.
TEST_F(TemporaryFileTest, ASignalRemovesNoFileOfAnotherProcess) {
  const Writer there(path_);
  std::string name;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) name = entry.path();
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = OnAlarm;
  action.sa_flags = SA_RESTART;
  ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
  const itimerval often = {{0, 50}, {0, 50}};
  ASSERT_EQ(setitimer(ITIMER_REAL, &often, nullptr), 0);
  for (int i = 0; i < 3000; ++i) EXPECT_TRUE(AtomicFile::Create(path_).ok());
  const itimerval never = {};
  ASSERT_EQ(setitimer(ITIMER_REAL, &never, nullptr), 0);
  ASSERT_EQ(sigaction(SIGALRM, &before, nullptr), 0);
  EXPECT_EQ(access(name.c_str(), F_OK), 0);
  EXPECT_EQ(dir_.NumFiles(), 1u);
}

// Many processes write to one name, are killed at any moment, and clean up after each other. What
// stands under the name is always one of their contents, whole.
TEST_F(TemporaryFileTest, ManyWritersOfOneNameDoEachOtherNoHarm) {
  constexpr int kWriters = 6;
  constexpr int kRounds = 600;
  // Returns an exit code, of which 0 is for those that are killed too.
  const auto write = [&](int round) {
    const int w = round % kWriters;
    const std::string content(100'000 + 1000 * w, static_cast<char>('a' + w));
    const auto file = AtomicFile::Create(path_);
    if (!file.ok() || !(*file)->Write(Bytes(content)).ok()) return 1;
    if (round % 4 == 0) kill(getpid(), SIGKILL);
    return (*file)->Commit().ok() ? 0 : 2;
  };
  int running = 0;
  for (int round = 0; round < kRounds + kWriters; ++round) {
    if (running == kWriters || round >= kRounds) {
      int status = 0;
      ASSERT_GT(wait(&status), 0);
      --running;
      EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << status;
    }
    if (round >= kRounds) continue;
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) _exit(write(round));
    ++running;
  }
  const std::string content = ReadFile(path_);
  EXPECT_EQ(content.find_first_not_of(content[0]), std::string::npos);
  EXPECT_EQ(content.size(), 100'000u + 1000u * static_cast<size_t>(content[0] - 'a'));
  ASSERT_TRUE(WriteAtomically(path_, "last").ok());
  EXPECT_EQ(dir_.NumFiles(), 1u);
}

}  // namespace
}  // namespace kith
