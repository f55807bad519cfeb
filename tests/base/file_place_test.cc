// Where files lie, whatever their names mean by now.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/file_checks.h"
#include "child.h"
#include "status_checks.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::Bytes;
using testing::ExpectError;
using testing::ExpectInChild;
using testing::InDirectory;
using testing::ReadFile;
using testing::TempDir;
using testing::WriteAtomically;
using testing::WriteFile;

TEST(MappedFileTest, ItsPlaceIsWhereItWasOpened) {
  const TempDir dir;
  ASSERT_EQ(mkdir(dir.File("d").c_str(), 0755), 0);
  const std::string here = std::filesystem::canonical(dir.path());
  WriteFile(dir.File("d/a"), "x");
  std::shared_ptr<const MappedFile> file;
  {
    const InDirectory in(dir.File("d"));
    file = *MappedFile::Open("a");
    EXPECT_EQ((*MappedFile::Open("../d/a"))->absolute_path(), here + "/d/../d/a");
  }
  EXPECT_EQ(file->path(), "a");
  EXPECT_EQ(file->absolute_path(), here + "/d/a");
  EXPECT_EQ((*MappedFile::Open(dir.File("d/a")))->absolute_path(), dir.File("d/a"));
  EXPECT_TRUE((*MappedFile::Open(dir.File("d/a")))->identity() == file->identity());
  WriteFile(dir.File("b"), "x");
  EXPECT_FALSE((*MappedFile::Open(dir.File("b")))->identity() == file->identity());
}

TEST(MappedFileTest, WithoutANameOfItsPlaceItIsReadOnly) {
  const TempDir dir;
  ASSERT_EQ(mkdir(dir.File("gone").c_str(), 0755), 0);
  WriteFile(dir.File("a"), "x");
  const std::string gone = dir.File("gone");
  ExpectInChild([&] {
    if (chdir(gone.c_str()) != 0 || rmdir(gone.c_str()) != 0) return false;
    const auto file = MappedFile::Open("/proc/self/cwd/../a");
    // The kernel may not find the parent of what is gone.
    if (!file.ok()) return true;
    const auto relative = MappedFile::Open("../a");
    EXPECT_TRUE(relative.ok());
    EXPECT_EQ((*relative)->absolute_path(), "");
    ExpectError(AtomicFile::Create(FileTarget::Replacing(**relative)).status(),
                StatusCode::kIoError, "absolute path");
    return !::testing::Test::HasFailure();
  });
}

TEST(AtomicFileTest, ReplacesTheFileThatWasMappedAndNoOther) {
  const TempDir dir;
  for (const char* folder : {"one", "two"}) ASSERT_EQ(mkdir(dir.File(folder).c_str(), 0755), 0);
  WriteFile(dir.File("one/a"), "one");
  WriteFile(dir.File("two/a"), "two");
  std::shared_ptr<const MappedFile> mapped;
  {
    const InDirectory in(dir.File("one"));
    mapped = *MappedFile::Open("a");
  }
  const InDirectory in(dir.File("two"));
  const auto replace = [&](std::string_view content) -> Status {
    KITH_ASSIGN_OR_RETURN(const auto file, AtomicFile::Create(FileTarget::Replacing(*mapped)));
    KITH_RETURN_IF_ERROR(file->Write(Bytes(content)));
    return file->Commit();
  };
  ASSERT_TRUE(replace("new").ok());
  EXPECT_EQ(ReadFile("a"), "two");
  EXPECT_EQ(ReadFile(dir.File("one/a")), "new");
  // By now the name is that of the new file, which is another.
  ExpectError(replace("newer"), StatusCode::kIoError, "another file than the one that was opened");
  // A file that comes while another is written is not replaced either.
  mapped = *MappedFile::Open(dir.File("one/a"));
  const auto file = AtomicFile::Create(FileTarget::Replacing(*mapped));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(WriteAtomically(dir.File("one/a"), "theirs").ok());
  ExpectError((*file)->Commit(), StatusCode::kIoError, "another file");
  EXPECT_EQ(ReadFile(dir.File("one/a")), "theirs");
}

// Whoever removed it does not want it back.
TEST(AtomicFileTest, AFileThatWasRemovedIsNotMadeAgain) {
  const TempDir dir;
  WriteFile(dir.File("a"), "old");
  const auto mapped = *MappedFile::Open(dir.File("a"));
  const auto file = AtomicFile::Create(FileTarget::Replacing(*mapped));
  ASSERT_TRUE(file.ok());
  ASSERT_EQ(unlink(dir.File("a").c_str()), 0);
  ExpectError((*file)->Commit(), StatusCode::kNotFound, dir.File("a") + ": was removed since");
  ExpectError(AtomicFile::Create(FileTarget::Replacing(*mapped)).status(), StatusCode::kNotFound,
              dir.File("a") + ": was removed since");
  EXPECT_EQ(dir.NumFiles(), 1u) << "that of what is still being written";
}

TEST(AtomicFileTest, ALinkThatPointsElsewhereByNowIsNotFollowed) {
  const TempDir dir;
  WriteFile(dir.File("first"), "1");
  WriteFile(dir.File("second"), "2");
  ASSERT_EQ(symlink("first", dir.File("a").c_str()), 0);
  const auto mapped = *MappedFile::Open(dir.File("a"));
  ASSERT_TRUE(AtomicFile::Create(FileTarget::Replacing(*mapped)).ok());
  ASSERT_EQ(unlink(dir.File("a").c_str()), 0);
  ASSERT_EQ(symlink("second", dir.File("a").c_str()), 0);
  ExpectError(AtomicFile::Create(FileTarget::Replacing(*mapped)).status(), StatusCode::kIoError,
              "another file");
}

TEST(AtomicFileTest, RelativePathOutlivesAChangeOfDirectory) {
  const TempDir dir;
  ExpectInChild([&] {
    if (chdir(dir.path().c_str()) != 0) return false;
    auto file = AtomicFile::Create("a");
    return file.ok() && chdir("/") == 0 && (*file)->Write(Bytes("x")).ok() &&
           (*file)->Commit().ok();
  });
  EXPECT_EQ(ReadFile(dir.File("a")), "x");
}

}  // namespace
}  // namespace kith
