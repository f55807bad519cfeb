// Indexes that are built on disk: room for holes, names that mean something else by now, forks.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stop_token>
#include <string>
#include <string_view>

#include "annoy/annoy_util.h"
#include "child.h"
#include "status_checks.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::AddAll;
using testing::BuiltIndex;
using testing::BytesOf;
using testing::CanMountSmallDisk;
using testing::ExpectError;
using testing::ExpectInChild;
using testing::InDirectory;
using testing::MountSmallDisk;
using testing::Nearest;
using testing::NewIndex;
using testing::RandomVectors;
using testing::ReadFile;
using testing::TempDir;
using testing::Vectors;
using testing::WriteFile;

// Reading a hole through a mapping takes a page of a disk in memory: SIGBUS, if there is none.
TEST(AnnoyDisk, HolesOnAFullDiskAreAnErrorOrAnIndex) {
  const TempDir dir;
  if (!CanMountSmallDisk(dir.path())) {
    GTEST_SKIP() << "SKIPPED: mounting a small file system needs root; "
                    "AtomicFileTest.RoomIsReservedBeforeItIsMapped looks at the room only";
  }
  const Vectors items = RandomVectors(Metric::kEuclidean, 2, 50, 1);  // 208 bytes a node
  for (const int64_t id : {int64_t{3000}, int64_t{1'000'000}}) {
    ExpectInChild([&] {
      if (!MountSmallDisk(dir.path())) return false;
      const auto index = NewIndex(Metric::kEuclidean, 50);
      EXPECT_TRUE(index->OnDiskBuild(dir.File("x.ann")).ok());
      EXPECT_TRUE(index->AddItem(0, items[0].data()).ok());
      const Status added = index->AddItem(id, items[1].data());
      // What is left of the disk goes to another file.
      std::string rest(1 << 20, 'x');
      std::ofstream(dir.File("rest")).write(rest.data(), static_cast<std::streamsize>(rest.size()));
      if (id > 3000) {
        ExpectError(added, StatusCode::kIoError, "number items from 0");
        EXPECT_EQ(index->num_items(), 1u);
      } else {
        EXPECT_TRUE(added.ok()) << added.message();
      }
      const Status built = index->Build(1, 1);
      if (!built.ok()) ExpectError(built, StatusCode::kIoError, "disk is full");
      unlink(dir.File("rest").c_str());
      return !::testing::Test::HasFailure();
    });
  }
}

TEST(AnnoyDisk, AnIdBeyondTheDiskLeavesTheOthers) {
  const TempDir dir;
  const Vectors items = RandomVectors(Metric::kEuclidean, 20, kMaxDim, 1);
  const auto index = NewIndex(Metric::kEuclidean, kMaxDim);
  ASSERT_TRUE(index->OnDiskBuild(dir.File("x.ann")).ok());
  for (int64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(index->AddItem(i, items[static_cast<size_t>(i)].data()).ok());
    // Some 500 TB.
    ExpectError(index->AddItem(2'147'483'646, items[0].data()), StatusCode::kIoError,
                "number items from 0");
  }
  EXPECT_EQ(index->num_items(), 20u);
  index->SetSeed(1);
  ASSERT_TRUE(index->Build(1).ok());
  EXPECT_TRUE(ReadFile(dir.File("x.ann")) == BytesOf(*BuiltIndex(Metric::kEuclidean, items, 1)));
}

TEST(AnnoyDisk, IsBuiltAnewWhereItWasWhateverTheDirectoryIsNow) {
  const TempDir dir;
  ASSERT_EQ(mkdir(dir.File("one").c_str(), 0755), 0);
  ASSERT_EQ(mkdir(dir.File("two").c_str(), 0755), 0);
  WriteFile(dir.File("two/x.ann"), "another's");
  Vectors items = RandomVectors(Metric::kDot, 100, 6, 1);
  const auto index = NewIndex(Metric::kDot, 6);
  {
    const InDirectory in(dir.File("one"));
    ASSERT_TRUE(index->OnDiskBuild("x.ann").ok());
    AddAll(items, index.get());
    index->SetSeed(1);
    ASSERT_TRUE(index->Build(3).ok());
  }
  const InDirectory in(dir.File("two"));
  EXPECT_EQ(index->path(), "x.ann");
  EXPECT_EQ(index->absolute_path(), std::filesystem::canonical(dir.File("one/x.ann")));
  ASSERT_TRUE(index->Unbuild().ok());
  items.push_back(std::vector<float>(6, 4.0f));
  ASSERT_TRUE(index->AddItem(100, items[100].data()).ok());
  ASSERT_TRUE(index->Build(3).ok());
  EXPECT_EQ(ReadFile("x.ann"), "another's");
  EXPECT_EQ(ReadFile(dir.File("one/x.ann")), BytesOf(*BuiltIndex(Metric::kDot, items, 3)));
  // And a file that somebody else has put there stays.
  WriteFile(dir.File("one/new"), "theirs");
  ASSERT_EQ(rename(dir.File("one/new").c_str(), dir.File("one/x.ann").c_str()), 0);
  ExpectError(index->Unbuild(), StatusCode::kIoError, "another file than the one that was opened");
  EXPECT_EQ(index->state(), AnnoyState::kBuilt);
  EXPECT_EQ(Nearest(*index, items[7], 200).ids.size(), 101u);
  EXPECT_EQ(ReadFile(dir.File("one/x.ann")), "theirs");
}

TEST(AnnoyDisk, SavedAndLoadedFilesKnowTheirPlace) {
  const TempDir dir;
  const auto index = BuiltIndex(Metric::kEuclidean, RandomVectors(Metric::kEuclidean, 30, 4, 1), 2);
  EXPECT_EQ(index->absolute_path(), "");
  const auto loaded = NewIndex(Metric::kEuclidean, 4);
  {
    const InDirectory in(dir.path());
    ASSERT_TRUE(index->Save("x.ann").ok());
    ASSERT_TRUE(loaded->Load("x.ann").ok());
  }
  const std::string place = std::filesystem::canonical(dir.File("x.ann"));
  EXPECT_EQ(index->absolute_path(), place);
  EXPECT_EQ(loaded->absolute_path(), place);
  EXPECT_EQ(loaded->path(), "x.ann");
}

TEST(AnnoyDisk, AForkLeavesTheHalfBuiltFile) {
  const TempDir dir;
  const Vectors items = RandomVectors(Metric::kEuclidean, 300, 8, 1);
  auto index = NewIndex(Metric::kEuclidean, 8);
  ASSERT_TRUE(index->OnDiskBuild(dir.File("x.ann")).ok());
  AddAll(items, index.get());
  ExpectInChild([&] {
    EXPECT_EQ(index->Build(2, 1).code(), StatusCode::kInvalidArgument);
    index.reset();
    return !::testing::Test::HasFailure();
  });
  EXPECT_EQ(dir.NumFiles(), 1u);
  index->SetSeed(1);
  ASSERT_TRUE(index->Build(2).ok());
  EXPECT_EQ(ReadFile(dir.File("x.ann")), BytesOf(*BuiltIndex(Metric::kEuclidean, items, 2)));
}

TEST(AnnoyDisk, SavingLoadingAndVerifyingEndWhenAsked) {
  const TempDir dir;
  const auto index =
      BuiltIndex(Metric::kEuclidean, RandomVectors(Metric::kEuclidean, 300, 4, 1), 2);
  ASSERT_TRUE(index->Save(dir.File("x.ann")).ok());
  std::stop_source stop;
  EXPECT_TRUE(index->Verify(stop.get_token()).ok());
  EXPECT_TRUE(index->Save(dir.File("x.ann"), true, stop.get_token()).ok());
  EXPECT_TRUE(index->Load(dir.File("x.ann"), true, stop.get_token()).ok());
  stop.request_stop();
  const std::string before = ReadFile(dir.File("x.ann"));
  for (const Status& status :
       {index->Verify(stop.get_token()), index->Save(dir.File("x.ann"), false, stop.get_token()),
        index->Load(dir.File("x.ann"), true, stop.get_token())}) {
    ExpectError(status, StatusCode::kInvalidArgument, "cancelled");
  }
  EXPECT_EQ(ReadFile(dir.File("x.ann")), before);
  EXPECT_EQ(dir.NumFiles(), 1u);
  EXPECT_EQ(index->state(), AnnoyState::kLoaded);
}

}  // namespace
}  // namespace kith
