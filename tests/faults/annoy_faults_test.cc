// Annoy's index without enough memory: OutOfMemory, and the index is as before.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "annoy/annoy_util.h"
#include "faults/sweep.h"
#include "kith/annoy.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::AddAll;
using testing::BuiltIndex;
using testing::BytesOf;
using testing::NewIndex;
using testing::RandomVectors;
using testing::Sweep;
using testing::TempDir;
using testing::Vectors;

class AnnoyFaultsTest : public ::testing::TestWithParam<Metric> {
 protected:
  TempDir dir_;
  Vectors vectors_ = RandomVectors(GetParam(), 400, 10, 1);
};

TEST_P(AnnoyFaultsTest, Building) {
  for (const int threads : {1, 3}) {
    const auto index = NewIndex(GetParam(), 10);
    AddAll(vectors_, index.get());
    index->SetSeed(1);
    const std::string whole = BytesOf(*BuiltIndex(GetParam(), vectors_, 5));
    Sweep(
        30, [&] { return index->Build(5, threads); },
        [&](const Status& status) {
          ASSERT_EQ(index->state(), status.ok() ? AnnoyState::kBuilt : AnnoyState::kItems);
          // Nobody is busy any more, and nothing of a failure stays.
          if (!status.ok()) ASSERT_TRUE(index->Build(5, threads).ok());
          ASSERT_TRUE(BytesOf(*index) == whole);
          ASSERT_TRUE(index->Unbuild().ok());
        });
  }
}

TEST_P(AnnoyFaultsTest, BuildingOnDisk) {
  const std::string path = dir_.File("x.ann");
  const std::string whole = BytesOf(*BuiltIndex(GetParam(), vectors_, 5));
  const auto build = [&] {
    auto index = AnnoyIndex::Create(GetParam(), 10);
    if (!index.ok()) return index.status();
    (*index)->SetSeed(1);
    Status status = (*index)->OnDiskBuild(path);
    for (size_t i = 0; i < vectors_.size() && status.ok(); ++i) {
      status = (*index)->AddItem(static_cast<int64_t>(i), vectors_[i].data());
    }
    return status.ok() ? (*index)->Build(5, 3) : status;
  };
  Sweep(24, build, [&](const Status& status) {
    ASSERT_EQ(dir_.NumFiles(), status.ok() ? 1u : 0u);
    if (status.ok()) ASSERT_TRUE(testing::ReadFile(path) == whole);
    std::filesystem::remove(path);
  });
}

// After a failure on disk, the same index is built again.
TEST_P(AnnoyFaultsTest, BuildingOnDiskAgain) {
  const std::string path = dir_.File("x.ann");
  const std::string whole = BytesOf(*BuiltIndex(GetParam(), vectors_, 5));
  for (int64_t n = 0; n < 3000; n = n + 1 + n / 3) {
    const auto index = NewIndex(GetParam(), 10);
    index->SetSeed(1);
    ASSERT_TRUE(index->OnDiskBuild(path).ok());
    AddAll(vectors_, index.get());
    Status status;
    {
      const testing::FailingMemory failing(n);
      status = index->Build(5, 1);
    }
    if (status.ok()) break;
    ASSERT_EQ(status.code(), StatusCode::kOutOfMemory) << status.message();
    ASSERT_TRUE(index->Build(5, 1).ok()) << n;
    ASSERT_TRUE(testing::ReadFile(path) == whole) << n;
  }
}

TEST_P(AnnoyFaultsTest, Searching) {
  const auto index = BuiltIndex(GetParam(), vectors_, 5);
  std::vector<int32_t> ids;
  std::vector<float> distances;
  ASSERT_TRUE(index->SearchByItem(3, 10, -1, &ids, &distances).ok());
  const std::vector<int32_t> whole = ids;
  Sweep(
      30, [&] { return index->SearchByItem(3, 10, -1, &ids, &distances); },
      [&](const Status& status) {
        if (status.ok()) ASSERT_EQ(ids, whole);
      });
  Sweep(
      30, [&] { return index->SearchByVector(vectors_[3].data(), 10, -1, &ids, &distances); },
      [](const Status&) {});
  std::vector<float> queries;
  for (const auto& v : vectors_) queries.insert(queries.end(), v.begin(), v.end());
  for (const int threads : {1, 3}) {
    std::vector<int64_t> found(vectors_.size() * 4);
    Sweep(
        30,
        [&] {
          return index->SearchBatch(queries.data(), vectors_.size(), 4, -1, threads, found.data(),
                                    nullptr);
        },
        [](const Status&) {});
  }
  float distance = 0;
  Sweep(
      10, [&] { return index->Distance(1, 2, &distance); }, [](const Status&) {});
}

TEST_P(AnnoyFaultsTest, Files) {
  const std::string path = dir_.File("x.ann");
  auto index = BuiltIndex(GetParam(), vectors_, 5);
  const std::string whole = BytesOf(*index);
  Sweep(
      20, [&] { return index->Save(path); },
      [&](const Status& status) {
        ASSERT_EQ(dir_.NumFiles(), status.ok() ? 1u : 0u);
        std::filesystem::remove(path);
        ASSERT_TRUE(BytesOf(*index) == whole);
        index = BuiltIndex(GetParam(), vectors_, 5);
      });
  ASSERT_TRUE(index->Save(path).ok());
  Sweep(
      20, [&] { return index->Load(path); },
      [&](const Status&) {
        ASSERT_EQ(index->state(), AnnoyState::kLoaded);
        ASSERT_TRUE(index->Verify().ok());
      });
  Sweep(
      10, [&] { return index->Verify(); }, [](const Status&) {});
  std::string bytes;
  Sweep(
      4, [&] { return index->ToBytes(&bytes); }, [](const Status&) {});
  Sweep(
      20, [&] { return GuessAnnoyShapes(path).status(); }, [](const Status&) {});
}

// Emptying an index takes no memory.
TEST_P(AnnoyFaultsTest, Unloading) {
  const auto index = BuiltIndex(GetParam(), vectors_, 5);
  {
    const testing::FailingMemory failing(0, testing::FailingMemory::Mode::kFromThereOn);
    index->Unload();
  }
  EXPECT_EQ(index->num_items(), 0u);
  EXPECT_FALSE(index->HasItem(0));
  AddAll(vectors_, index.get());
  EXPECT_TRUE(index->Build(2).ok());
}

INSTANTIATE_TEST_SUITE_P(Metrics, AnnoyFaultsTest,
                         ::testing::Values(Metric::kAngular, Metric::kDot, Metric::kHamming),
                         [](const auto& test) { return std::string(MetricName(test.param)); });

}  // namespace
}  // namespace kith
