#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_checks.h"
#include "child.h"
#include "status_checks.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::Bytes;
using testing::CanMountSmallDisk;
using testing::ExpectError;
using testing::ExpectInChild;
using testing::MountSmallDisk;
using testing::ReadFile;
using testing::TempDir;
using testing::WriteAtomically;
using testing::WriteFile;

std::string Text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

std::string Pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
  return text;
}

mode_t ModeOf(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST(MappedFileTest, ShowsTheContent) {
  const TempDir dir;
  const std::string content = Pattern(10000);
  WriteFile(dir.File("a"), content);
  const auto file = MappedFile::Open(dir.File("a"));
  ASSERT_TRUE(file.ok()) << file.status().message();
  (*file)->Advise(MappedFile::Access::kSequential);
  (*file)->Prefault();
  EXPECT_EQ(Text(**file), content);
  EXPECT_EQ((*file)->path(), dir.File("a"));
}

TEST(MappedFileTest, EmptyFile) {
  const TempDir dir;
  WriteFile(dir.File("a"), "");
  const auto file = MappedFile::Open(dir.File("a"));
  ASSERT_TRUE(file.ok());
  (*file)->Advise(MappedFile::Access::kSequential);
  (*file)->Prefault();
  EXPECT_TRUE((*file)->bytes().empty());
}

TEST(MappedFileTest, Errors) {
  const TempDir dir;
  WriteFile(dir.File("a"), "x");
  ASSERT_EQ(mkfifo(dir.File("pipe").c_str(), 0600), 0);
  ExpectError(MappedFile::Open(dir.File("none")).status(), StatusCode::kNotFound, "none");
  ExpectError(MappedFile::Open(dir.File("a/b")).status(), StatusCode::kNotFound, "a/b");
  ExpectError(MappedFile::Open("").status(), StatusCode::kNotFound, "no such file");
  ExpectError(MappedFile::Open(dir.path()).status(), StatusCode::kInvalidArgument, "directory");
  ExpectError(MappedFile::Open(dir.File("pipe")).status(), StatusCode::kInvalidArgument, "pipe");
  ExpectError(MappedFile::Open("/dev/null").status(), StatusCode::kInvalidArgument, "device");
  ExpectError(MappedFile::Open(std::string("a\0b", 3)).status(), StatusCode::kInvalidArgument,
              "zero byte");
}

TEST(MappedFileTest, SurvivesReplacementAndRemoval) {
  const TempDir dir;
  const std::string path = dir.File("a");
  const std::string old = Pattern(100000);
  ASSERT_TRUE(WriteAtomically(path, old).ok());
  const auto file = MappedFile::Open(path);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(WriteAtomically(path, "new").ok());
  EXPECT_EQ(Text(**file), old);
  EXPECT_EQ(Text(**MappedFile::Open(path)), "new");
  ASSERT_EQ(unlink(path.c_str()), 0);
  EXPECT_EQ(Text(**file), old);
}

TEST(AtomicFileTest, AppearsCompleteOrNotAtAll) {
  const TempDir dir;
  const std::string path = dir.File("a");
  auto file = AtomicFile::Create(path);
  ASSERT_TRUE(file.ok()) << file.status().message();
  ASSERT_TRUE((*file)->Write(Bytes("hello")).ok());
  EXPECT_EQ((*file)->position(), 5u);
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  ASSERT_TRUE((*file)->Commit().ok());
  EXPECT_EQ(ReadFile(path), "hello");
  EXPECT_EQ(dir.NumFiles(), 1u);
  EXPECT_EQ((*file)->Write(Bytes("x")).code(), StatusCode::kInternal);
  EXPECT_EQ((*file)->Commit().code(), StatusCode::kInternal);
}

TEST(AtomicFileTest, PiecesOfEverySize) {
  const TempDir dir;
  const std::string content = Pattern(1'000'000);
  for (const size_t piece : {7u, 4096u, 100'000u, (256u << 10) - 1, 256u << 10, (256u << 10) + 1}) {
    ASSERT_TRUE(WriteAtomically(dir.File("a"), content, piece).ok());
    EXPECT_EQ(ReadFile(dir.File("a")), content) << piece;
  }
}

TEST(AtomicFileTest, EmptyFile) {
  const TempDir dir;
  ASSERT_TRUE(WriteAtomically(dir.File("a"), "").ok());
  EXPECT_EQ(ReadFile(dir.File("a")), "");
}

TEST(AtomicFileTest, OverwritesWhatWasWritten) {
  const TempDir dir;
  std::string content = Pattern(600'000);
  auto file = AtomicFile::Create(dir.File("a"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Write(Bytes(content)).ok());
  ASSERT_TRUE((*file)->Write(Bytes("tail")).ok());
  content += "tail";
  for (const size_t offset : {size_t{0}, size_t{300'000}, content.size() - 3}) {
    content.replace(offset, 3, "XYZ");
    ASSERT_TRUE((*file)->WriteAt(offset, Bytes("XYZ")).ok());
    EXPECT_EQ((*file)->position(), content.size());
  }
  EXPECT_EQ((*file)->WriteAt(content.size() - 2, Bytes("XYZ")).code(), StatusCode::kInternal);
  EXPECT_EQ((*file)->WriteAt(~uint64_t{0}, Bytes("XYZ")).code(), StatusCode::kInternal);
  ASSERT_TRUE((*file)->Write(Bytes("end")).ok());
  ASSERT_TRUE((*file)->Commit().ok());
  EXPECT_EQ(ReadFile(dir.File("a")), content + "end");
}

TEST(AtomicFileTest, GrowsByZerosAndReadsBackAndMaps) {
  const TempDir dir;
  auto file = AtomicFile::Create(dir.File("a"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Write(Bytes("head")).ok());
  ASSERT_TRUE((*file)->Extend(1'000'000).ok());
  EXPECT_EQ((*file)->position(), 1'000'000u);
  EXPECT_EQ((*file)->Extend(10).code(), StatusCode::kInternal);
  ASSERT_TRUE((*file)->Write(Bytes("tail")).ok());
  std::string middle(6, 'x');
  ASSERT_TRUE((*file)->Read(2, std::as_writable_bytes(std::span(middle))).ok());
  EXPECT_EQ(middle, std::string("ad\0\0\0\0", 6));
  ASSERT_TRUE((*file)->Read(999'998, std::as_writable_bytes(std::span(middle))).ok());
  EXPECT_EQ(middle, std::string("\0\0tail", 6));
  EXPECT_EQ((*file)->Read(999'999, std::as_writable_bytes(std::span(middle))).code(),
            StatusCode::kInternal);
  const auto mapped = (*file)->Map();
  ASSERT_TRUE(mapped.ok());
  ASSERT_TRUE((*file)->Commit().ok());
  EXPECT_EQ(Text(**mapped), ReadFile(dir.File("a")));
  EXPECT_EQ((*mapped)->bytes().size(), 1'000'004u);
  EXPECT_EQ((*file)->Map().status().code(), StatusCode::kInternal);
}

// A hole that is read through a mapping takes a page, and there may be none: SIGBUS.
TEST(AtomicFileTest, RoomIsReservedBeforeItIsMapped) {
  const TempDir dir;
  const auto file = AtomicFile::Create(dir.File("a"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Write(Bytes("head")).ok());
  ASSERT_TRUE((*file)->Extend(10'000'000).ok());
  ASSERT_TRUE((*file)->Commit().ok());
  struct stat info = {};
  ASSERT_EQ(stat(dir.File("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 10'000'000);
  EXPECT_GE(info.st_blocks * 512, info.st_size);
}

TEST(AtomicFileTest, WithoutRoomItStaysAsItWas) {
  const TempDir dir;
  const auto file = AtomicFile::Create(dir.File("a"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Write(Bytes("head")).ok());
  ExpectError((*file)->Extend(uint64_t{1} << 62), StatusCode::kIoError, "make room for");
  ExpectError((*file)->Extend(~uint64_t{0}), StatusCode::kIoError, "make room for");
  EXPECT_EQ((*file)->position(), 4u);
  ASSERT_TRUE((*file)->Extend(100'000).ok());
  ASSERT_TRUE((*file)->Truncate(4).ok());
  ASSERT_TRUE((*file)->Write(Bytes("tail")).ok());
  ASSERT_TRUE((*file)->Commit().ok());
  EXPECT_EQ(ReadFile(dir.File("a")), "headtail");
}

TEST(AtomicFileTest, MapsHolesOfAFullDisk) {
  const TempDir dir;
  if (!CanMountSmallDisk(dir.path())) {
    GTEST_SKIP() << "SKIPPED: mounting a small file system needs root; "
                    "RoomIsReservedBeforeItIsMapped looks at the room only";
  }
  ExpectInChild([&] {
    if (!MountSmallDisk(dir.path())) return false;
    const auto file = AtomicFile::Create(dir.File("a"));
    EXPECT_TRUE((*file)->Write(Bytes("head")).ok());
    ExpectError((*file)->Extend(3'000'000), StatusCode::kIoError, "the disk is full");
    EXPECT_TRUE((*file)->Extend(600'000).ok());
    // Another writer takes what is left.
    EXPECT_FALSE(WriteAtomically(dir.File("b"), Pattern(3'000'000)).ok());
    std::string rest(800'000, 'x');
    std::ofstream(dir.File("c")).write(rest.data(), static_cast<std::streamsize>(rest.size()));
    const auto mapped = (*file)->Map();
    EXPECT_TRUE(mapped.ok());
    EXPECT_EQ(Text(**mapped), "head" + std::string(600'000 - 4, '\0'));
    return !::testing::Test::HasFailure();
  });
}

TEST(AtomicFileTest, LongWritesEndWhenAsked) {
  const TempDir dir;
  std::stop_source stop;
  auto file = AtomicFile::Create(dir.File("a"));
  ASSERT_TRUE(file.ok());
  const std::string content = Pattern(20'000'000);
  ASSERT_TRUE((*file)->WriteLong(Bytes(content), stop.get_token()).ok());
  EXPECT_EQ((*file)->position(), content.size());
  stop.request_stop();
  ExpectError((*file)->WriteLong(Bytes(content), stop.get_token()), StatusCode::kInvalidArgument,
              "cancelled");
  EXPECT_EQ((*file)->position(), content.size());
  ASSERT_TRUE((*file)->Commit().ok());
  const auto mapped = MappedFile::Open(dir.File("a"));
  ASSERT_TRUE(mapped.ok());
  EXPECT_TRUE(Text(**mapped) == content);
  EXPECT_TRUE((*mapped)->Prefault().ok());
  ExpectError((*mapped)->Prefault(stop.get_token()), StatusCode::kInvalidArgument, "cancelled");
}

TEST(AtomicFileTest, CutsOffItsEnd) {
  const TempDir dir;
  auto file = AtomicFile::Create(dir.File("a"));
  ASSERT_TRUE(file.ok());
  const std::string text = Pattern(600'000);
  ASSERT_TRUE((*file)->Write(Bytes(text)).ok());
  EXPECT_EQ((*file)->Truncate(600'001).code(), StatusCode::kInternal);
  ASSERT_TRUE((*file)->Truncate(500'000).ok());
  EXPECT_EQ((*file)->position(), 500'000u);
  ASSERT_TRUE((*file)->Write(Bytes("end")).ok());
  ASSERT_TRUE((*file)->Commit().ok());
  EXPECT_TRUE(ReadFile(dir.File("a")) == text.substr(0, 500'000) + "end");
}

TEST(AtomicFileTest, DroppedWithoutCommitLeavesNothing) {
  const TempDir dir;
  WriteFile(dir.File("a"), "old");
  {
    auto file = AtomicFile::Create(dir.File("a"));
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Write(Bytes(Pattern(600'000))).ok());
    EXPECT_EQ(dir.NumFiles(), 2u);
  }
  EXPECT_EQ(ReadFile(dir.File("a")), "old");
  EXPECT_EQ(dir.NumFiles(), 1u);
}

TEST(AtomicFileTest, FailureAtEveryStepLeavesTheOldFile) {
  const TempDir dir;
  const std::string path = dir.File("a");
  const std::string content = Pattern(1'000'000);
  WriteFile(path, "old");
  int failures = 0;
  for (;; ++failures) {
    FailWriteForTesting(failures);
    const Status status = WriteAtomically(path, content, 100'000);
    FailWriteForTesting(-1);
    EXPECT_EQ(dir.NumFiles(), 1u);
    if (status.ok()) break;
    ExpectError(status, StatusCode::kIoError, "disk is full after ");
    ExpectError(status, StatusCode::kIoError, path);
    ASSERT_EQ(ReadFile(path), "old");
  }
  EXPECT_EQ(ReadFile(path), content);
  EXPECT_GE(failures, 4 + 2);  // four buffers, fsync, rename
}

TEST(AtomicFileTest, ErrorsAreKept) {
  const TempDir dir;
  auto file = AtomicFile::Create(dir.File("a"));
  ASSERT_TRUE(file.ok());
  FailWriteForTesting(0);
  const Status first = (*file)->Write(Bytes(Pattern(600'000)));
  FailWriteForTesting(-1);
  EXPECT_FALSE(first.ok());
  for (const Status& later :
       {(*file)->Write(Bytes("x")), (*file)->WriteAt(0, Bytes("")), (*file)->Commit()}) {
    EXPECT_EQ(later.message(), first.message());
  }
  file = Status::Internal("dropped");
  EXPECT_EQ(dir.NumFiles(), 0u);
}

// The limit makes the kernel write a part of what is asked before it refuses: a short write.
TEST(AtomicFileTest, FileSizeLimit) {
  const TempDir dir;
  const std::string path = dir.File("a");
  WriteFile(path, "old");
  ExpectInChild([&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {500'000, 500'000};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    const Status status = WriteAtomically(path, Pattern(1'000'000));
    return status.code() == StatusCode::kIoError &&
           status.message().find("after 500000 bytes") != std::string::npos;
  });
  EXPECT_EQ(ReadFile(path), "old");
  EXPECT_EQ(dir.NumFiles(), 1u);
}

// On a file system of 1 MiB, which only the child sees and which ends with it.
TEST(AtomicFileTest, FullDisk) {
  const TempDir dir;
  const std::string path = dir.File("a");
  if (!CanMountSmallDisk(dir.path())) {
    GTEST_SKIP() << "mounting a small file system needs root; FileSizeLimit covers the code";
  }
  ExpectInChild([&] {
    if (!MountSmallDisk(dir.path())) return false;
    WriteFile(path, "old");
    const Status status = WriteAtomically(path, Pattern(3'000'000), 10'000);
    ExpectError(status, StatusCode::kIoError, "the disk is full after ");
    EXPECT_EQ(ReadFile(path), "old");
    EXPECT_EQ(dir.NumFiles(), 1u);
    EXPECT_TRUE(WriteAtomically(path, Pattern(500'000)).ok()) << "the space was not given back";
    return !::testing::Test::HasFailure();
  });
}

TEST(AtomicFileTest, Permissions) {
  const TempDir dir;
  const mode_t old_mask = umask(027);
  ASSERT_TRUE(WriteAtomically(dir.File("new"), "x").ok());
  EXPECT_EQ(ModeOf(dir.File("new")), 0640u);
  for (const mode_t mode : {0600u, 0666u, 0755u}) {
    WriteFile(dir.File("old"), "x");
    ASSERT_EQ(chmod(dir.File("old").c_str(), mode), 0);
    ASSERT_TRUE(WriteAtomically(dir.File("old"), "y").ok());
    EXPECT_EQ(ModeOf(dir.File("old")), mode);
  }
  umask(old_mask);
}

TEST(AtomicFileTest, RefusesPathsThatAreNoFiles) {
  const TempDir dir;
  WriteFile(dir.File("file"), "x");
  ASSERT_EQ(mkfifo(dir.File("pipe").c_str(), 0600), 0);
  const auto error = [](const std::string& path) { return AtomicFile::Create(path).status(); };
  ExpectError(error(dir.path()), StatusCode::kInvalidArgument, "directory");
  ExpectError(error(dir.path() + "/"), StatusCode::kInvalidArgument, "directory");
  ExpectError(error(dir.File(".")), StatusCode::kInvalidArgument, "directory");
  ExpectError(error(dir.File("none/a")), StatusCode::kNotFound, "create it first");
  ExpectError(error(dir.File("file/a")), StatusCode::kNotFound, "no directory");
  ExpectError(error(dir.File("pipe")), StatusCode::kInvalidArgument, "pipe");
  ExpectError(error("/dev/null"), StatusCode::kInvalidArgument, "device");
  ExpectError(error("/dev/stdout"), StatusCode::kInvalidArgument, "open descriptor");
  ExpectError(error("/proc/self/fd/1"), StatusCode::kInvalidArgument, "open descriptor");
  ExpectError(error(""), StatusCode::kInvalidArgument, "empty");
  ExpectError(error(std::string("a\0b", 3)), StatusCode::kInvalidArgument, "zero byte");
  ExpectError(error(dir.File(std::string(300, 'n'))), StatusCode::kIoError, "name");
  EXPECT_EQ(dir.NumFiles(), 2u);
}

TEST(AtomicFileTest, RefusesWhatTheUserMayNotWrite) {
  const TempDir dir;
  WriteFile(dir.File("read-only"), "old");
  ASSERT_EQ(chmod(dir.File("read-only").c_str(), 0444), 0);
  ASSERT_EQ(mkdir(dir.File("closed").c_str(), 0755), 0);
  ASSERT_EQ(chmod(dir.path().c_str(), 0777), 0);
  ExpectInChild([&] {
    constexpr uid_t kNobody = 65534;
    const int dropped = geteuid() == 0 ? setuid(kNobody)  // which can't write to 0755 of root
                                       : chmod(dir.File("closed").c_str(), 0555);
    if (dropped != 0) return false;
    const Status file = AtomicFile::Create(dir.File("read-only")).status();
    const Status directory = AtomicFile::Create(dir.File("closed/a")).status();
    return file.code() == StatusCode::kIoError &&
           file.message().find("chmod it") != std::string::npos &&
           directory.code() == StatusCode::kIoError &&
           directory.message().find("may write to") != std::string::npos;
  });
  EXPECT_EQ(ReadFile(dir.File("read-only")), "old");
}

TEST(AtomicFileTest, LongestName) {
  const TempDir dir;
  const std::string path = dir.File(std::string(255, 'n'));
  ASSERT_TRUE(WriteAtomically(path, "x").ok());
  EXPECT_EQ(ReadFile(path), "x");
}

TEST(AtomicFileTest, SymbolicLinkStaysAndItsTargetIsReplaced) {
  const TempDir dir;
  ASSERT_EQ(mkdir(dir.File("d").c_str(), 0755), 0);
  WriteFile(dir.File("d/target"), "old");
  ASSERT_EQ(symlink("d/target", dir.File("near").c_str()), 0);
  ASSERT_EQ(symlink(dir.File("near").c_str(), dir.File("far").c_str()), 0);
  ASSERT_EQ(symlink("d/none", dir.File("dangling").c_str()), 0);
  ASSERT_EQ(symlink("loop", dir.File("loop").c_str()), 0);

  ASSERT_TRUE(WriteAtomically(dir.File("far"), "new").ok());
  EXPECT_EQ(ReadFile(dir.File("d/target")), "new");
  ASSERT_TRUE(WriteAtomically(dir.File("dangling"), "born").ok());
  EXPECT_EQ(ReadFile(dir.File("d/none")), "born");
  for (const char* link : {"near", "far", "dangling"}) {
    EXPECT_TRUE(std::filesystem::is_symlink(dir.File(link))) << link;
  }
  ExpectError(AtomicFile::Create(dir.File("loop")).status(), StatusCode::kInvalidArgument, "links");
}

TEST(AtomicFileTest, ManyAtOnce) {
  const TempDir dir;
  std::vector<std::unique_ptr<AtomicFile>> files;
  for (int i = 0; i < 100; ++i) {  // more than the registry of temporary files holds
    auto file = AtomicFile::Create(dir.File(std::to_string(i / 2)));
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Write(Bytes(std::to_string(i))).ok());
    files.push_back(std::move(file).value());
  }
  for (auto& file : files) ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(dir.NumFiles(), 50u);
  EXPECT_EQ(ReadFile(dir.File("7")), "15");
}

void RemoveAndLeave(int) {
  RemoveTemporaryFilesOnSignal();
  _exit(0);
}

TEST(AtomicFileTest, SignalRemovesTemporaryFiles) {
  const TempDir dir;
  WriteFile(dir.File("a"), "old");
  ExpectInChild([&] {
    auto finished = AtomicFile::Create(dir.File("b"));
    auto a = AtomicFile::Create(dir.File("a"));
    auto c = AtomicFile::Create(dir.File("c"));
    if (!finished.ok() || !a.ok() || !c.ok() || !(*finished)->Commit().ok()) return false;
    if (dir.NumFiles() != 4) return false;
    signal(SIGINT, RemoveAndLeave);
    raise(SIGINT);
    return false;
  });
  EXPECT_EQ(dir.NumFiles(), 2u);
  EXPECT_EQ(ReadFile(dir.File("a")), "old");
}

TEST(AtomicFileTest, ChildLeavesTheFilesOfItsParent) {
  const TempDir dir;
  auto file = AtomicFile::Create(dir.File("a"));
  ASSERT_TRUE(file.ok());
  ExpectInChild([] {
    RemoveTemporaryFilesOnSignal();
    return true;
  });
  EXPECT_TRUE((*file)->Commit().ok());
}

TEST(AtomicFileTest, LostTemporaryFileIsAnError) {
  const TempDir dir;
  auto file = AtomicFile::Create(dir.File("a"));
  ASSERT_TRUE(file.ok());
  RemoveTemporaryFilesOnSignal();
  EXPECT_EQ((*file)->Commit().code(), StatusCode::kIoError);
  EXPECT_EQ(dir.NumFiles(), 0u);
}

TEST(AnonymousFileTest, HoldsWhatIsWrittenAndLeavesNothing) {
  const TempDir dir;
  const auto anonymous = AnonymousFile::Create("nameless");
  ASSERT_TRUE(anonymous.ok()) << anonymous.status().message();
  const std::string content = Pattern(1'000'000);
  const auto file = AtomicFile::Create(*anonymous);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Write(Bytes(content)).ok());
  ASSERT_TRUE((*file)->WriteAt(3, Bytes("xyz")).ok());
  ASSERT_TRUE((*file)->Commit().ok());
  ExpectError((*file)->Write(Bytes("x")), StatusCode::kInternal, "nameless");
  const auto mapped = MappedFile::Open(**anonymous);
  ASSERT_TRUE(mapped.ok()) << mapped.status().message();
  EXPECT_TRUE((*mapped)->anonymous());
  EXPECT_EQ((*mapped)->path(), "nameless");
  EXPECT_EQ(Text(**mapped), content.substr(0, 3) + "xyz" + content.substr(6));
}

TEST(AnonymousFileTest, AFullDiskIsAnError) {
  const auto anonymous = AnonymousFile::Create("nameless");
  ASSERT_TRUE(anonymous.ok());
  const auto file = AtomicFile::Create(*anonymous);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Write(Bytes("some")).ok());
  FailWriteForTesting(0);
  ExpectError((*file)->Commit(), StatusCode::kIoError, "nameless");
  FailWriteForTesting(-1);
}

}  // namespace
}  // namespace kith
