// Maps that files keep.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "kith/calibration.h"
#include "kith/index.h"
#include "kith/map.h"
#include "matrix.h"
#include "status_checks.h"
#include "storage/container_image.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::ContainerImage;
using testing::ExpectError;
using testing::Matrix;
using testing::ReadFile;
using testing::TempDir;

constexpr size_t kRows = 600;

class MapSectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(BuildIndex(rows_.view(), path_, {.paths = {GraphOptions{}}}).ok());
    map_.points.resize(2 * kRows);
    for (size_t i = 0; i < map_.points.size(); ++i) map_.points[i] = static_cast<float>(i) / 7;
    map_.k = 15;
    map_.epochs = 200;
    map_.min_dist = 0.25F;
    map_.spread = 1;
    map_.seed = 77;
    map_.quality_k = 10;
    map_.trustworthiness = 0.9375;
    map_.preservation = 0.25;
  }

  std::unique_ptr<Index> Opened(const std::string& path) {
    auto index = OpenIndex(path);
    EXPECT_TRUE(index.ok()) << index.status().message();
    return *std::move(index);
  }

  static void ExpectSame(const Map& a, const Map& b) {
    EXPECT_EQ(a.points, b.points);
    EXPECT_EQ(a.k, b.k);
    EXPECT_EQ(a.epochs, b.epochs);
    EXPECT_EQ(a.min_dist, b.min_dist);
    EXPECT_EQ(a.spread, b.spread);
    EXPECT_EQ(a.seed, b.seed);
    EXPECT_EQ(a.quality_k, b.quality_k);
    EXPECT_EQ(a.trustworthiness, b.trustworthiness);
    EXPECT_EQ(a.preservation, b.preservation);
  }

  // The file with its section changed, and checksums that agree.
  std::string Changed(const std::function<void(char* section)>& change) {
    ContainerImage image(ReadFile(path_));
    change(image.bytes().data() + image.OffsetOf("map"));
    image.Seal();
    const std::string path = dir_.File("changed.kith");
    testing::WriteFile(path, image.bytes());
    return path;
  }

  TempDir dir_;
  const Matrix rows_ = Matrix::Clustered(kRows, 8, 20, 0.4, 1);
  const std::string path_ = dir_.File("a.kith");
  Map map_;
};

TEST_F(MapSectionTest, ComesBackAsItWas) {
  const auto before = Opened(path_);
  ASSERT_TRUE(StoredMap(*before).ok());
  EXPECT_FALSE(StoredMap(*before)->has_value());
  const auto stored = StoreMap(*before, map_);
  ASSERT_TRUE(stored.ok()) << stored.status().message();
  ExpectSame(**StoredMap(**stored), map_);
  EXPECT_FALSE(StoredMap(*before)->has_value());  // still the old file
  const auto after = Opened(path_);
  ExpectSame(**StoredMap(*after), map_);
  EXPECT_TRUE(VerifyIndex(path_).ok()) << VerifyIndex(path_).message();
  EXPECT_EQ(after->info().paths.size(), before->info().paths.size());
  EXPECT_EQ(after->info().calibration.curves.size(), before->info().calibration.curves.size());
  EXPECT_EQ(after->info().build_seconds, before->info().build_seconds);
  SearchResult a;
  SearchResult b;
  ASSERT_TRUE(before->Search(rows_.view(), {.recall = 0.9}, &a).ok());
  ASSERT_TRUE(after->Search(rows_.view(), {.recall = 0.9}, &b).ok());
  EXPECT_EQ(a.ids, b.ids);
  // Another map takes its place, and calibrating leaves it.
  map_.points[5] = -3;
  ASSERT_TRUE(StoreMap(*after, map_).ok());
  ExpectSame(**StoredMap(*Opened(path_)), map_);
  EXPECT_EQ(Opened(path_)->info().sections.size(), after->info().sections.size());
  ASSERT_TRUE(CalibrateIndex(path_, rows_.view(), {}).ok());
  ExpectSame(**StoredMap(*Opened(path_)), map_);
}

TEST_F(MapSectionTest, ElsewhereAndInMemory) {
  const auto index = Opened(path_);
  const std::string bytes = ReadFile(path_);
  ASSERT_TRUE(StoreMap(*index, map_, dir_.File("b.kith")).ok());
  EXPECT_EQ(ReadFile(path_), bytes);
  ExpectSame(**StoredMap(*Opened(dir_.File("b.kith"))), map_);
  const auto memory = BuildIndexInMemory(rows_.view(), {.calibrate = false});
  ASSERT_TRUE(memory.ok());
  const auto stored = StoreMap(**memory, map_);
  ASSERT_TRUE(stored.ok()) << stored.status().message();
  EXPECT_TRUE((*stored)->info().in_memory);
  ExpectSame(**StoredMap(**stored), map_);
}

TEST_F(MapSectionTest, WhatIsWrongIsRefused) {
  const auto index = Opened(path_);
  const std::string bytes = ReadFile(path_);
  Map wrong = map_;
  wrong.points.pop_back();
  ExpectError(StoreMap(*index, wrong).status(), StatusCode::kInvalidArgument, "1199");
  wrong.points.push_back(std::numeric_limits<float>::quiet_NaN());
  ExpectError(StoreMap(*index, wrong).status(), StatusCode::kInvalidArgument, "finite");
  EXPECT_FALSE(StoreMap(*index, map_, dir_.File("no/such.kith")).ok());
  EXPECT_EQ(ReadFile(path_), bytes);
  // Another file has the name by now.
  ASSERT_TRUE(BuildIndex(rows_.view(), path_, {.paths = {ExactOptions{}}}).ok());
  ExpectError(StoreMap(*index, map_).status(), StatusCode::kInvalidArgument, "another file");
  EXPECT_EQ(dir_.NumFiles(), 1u);
}

TEST_F(MapSectionTest, HostileSectionsGiveErrors) {
  ASSERT_TRUE(StoreMap(*Opened(path_), map_).ok());
  const auto put = [](char* at, auto value) { std::memcpy(at, &value, sizeof(value)); };
  const auto refused = [&](StatusCode code, const std::function<void(char*)>& change) {
    const std::string path = Changed(change);
    const auto index = Opened(path);  // searches do without a map
    ExpectError(StoredMap(*index).status(), code, "\"map\"");
    ExpectError(VerifyIndex(path), code, "\"map\"");
  };
  refused(StatusCode::kUnsupported, [&](char* s) { put(s, uint32_t{2}); });
  refused(StatusCode::kUnsupported, [&](char* s) { put(s + 4, uint32_t{3}); });
  refused(StatusCode::kUnsupported, [&](char* s) { s[63] = 1; });
  refused(StatusCode::kCorruption, [&](char* s) { put(s + 16, std::nanf("")); });
  refused(StatusCode::kCorruption, [&](char* s) { put(s + 36, std::nanf("")); });
  refused(StatusCode::kCorruption, [&](char* s) { put(s + 64 + 8 * kRows - 4, -HUGE_VALF); });
  // Sizes that are none.
  for (const uint64_t size : {uint64_t{0}, uint64_t{63}, uint64_t{64}, uint64_t{64 + 8 * kRows - 8},
                              uint64_t{64 + 8 * kRows - 1}}) {
    ContainerImage image(ReadFile(path_));
    const size_t last = image.header().section_count - 1;
    storage::SectionEntry entry = image.entry(last);
    ASSERT_EQ(storage::SectionName(entry), "map");
    EXPECT_EQ(entry.flags, storage::kSectionOptional);
    entry.size = size;
    image.SetEntry(last, entry);
    image.Seal();
    const std::string path = dir_.File("size.kith");
    testing::WriteFile(path, image.bytes());
    const auto index = OpenIndex(path);
    if (!index.ok()) continue;
    ExpectError(StoredMap(**index).status(), StatusCode::kCorruption, "\"map\"");
    EXPECT_EQ(VerifyIndex(path).code(), StatusCode::kCorruption) << size;
  }
}

}  // namespace
}  // namespace kith
