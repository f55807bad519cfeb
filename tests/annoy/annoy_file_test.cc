// Files: written whole or not at all; damaged ones give errors or wrong answers, never more.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "annoy/annoy_util.h"
#include "annoy/layout.h"
#include "base/file.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::AddAll;
using testing::BuiltIndex;
using testing::BytesOf;
using testing::Found;
using testing::kAllMetrics;
using testing::Nearest;
using testing::NewIndex;
using testing::RandomVectors;
using testing::ReadFile;
using testing::TempDir;
using testing::Vectors;
using testing::WriteFile;

TEST(AnnoyFile, IsWhatToBytesSaysAndAnswersTheSame) {
  const TempDir dir;
  for (const Metric metric : kAllMetrics) {
    const Vectors items = RandomVectors(metric, 400, 20, 1);
    const auto index = BuiltIndex(metric, items, 5);
    const std::string bytes = BytesOf(*index);
    const Found before = Nearest(*index, items[5], 50);
    for (const bool prefault : {false, true}) {
      const std::string path = dir.File("x.ann");
      // The second time over itself.
      ASSERT_TRUE(index->Save(path, prefault).ok());
      EXPECT_EQ(ReadFile(path), bytes);
      const auto loaded = NewIndex(metric, 20);
      ASSERT_TRUE(loaded->Load(path, prefault).ok());
      for (const AnnoyIndex* i : {index.get(), loaded.get()}) {
        EXPECT_EQ(Nearest(*i, items[5], 50).ids, before.ids);
        EXPECT_EQ(Nearest(*i, items[5], 50).distances, before.distances);
        EXPECT_EQ(i->num_trees(), 5u);
      }
    }
  }
  EXPECT_EQ(dir.NumFiles(), 1u);
}

TEST(AnnoyFile, ThatIsNotThereOrNoneIsAnErrorAndTheIndexStays) {
  const TempDir dir;
  const Vectors items = RandomVectors(Metric::kDot, 50, 4, 1);
  const auto index = BuiltIndex(Metric::kDot, items, 2);
  EXPECT_EQ(index->Load(dir.File("none.ann")).code(), StatusCode::kNotFound);
  EXPECT_EQ(index->Load(dir.path()).code(), StatusCode::kInvalidArgument);
  WriteFile(dir.File("empty.ann"), "");
  EXPECT_NE(index->Load(dir.File("empty.ann")).message().find("Size of file is zero"),
            std::string::npos);
  WriteFile(dir.File("odd.ann"), std::string(33, 'x'));
  const Status odd = index->Load(dir.File("odd.ann"));
  EXPECT_EQ(odd.code(), StatusCode::kCorruption);
  EXPECT_NE(odd.message().find("Index size is not a multiple of vector size. Ensure you are "
                               "opening using the same metric you used to create the index."),
            std::string::npos);
  EXPECT_EQ(index->Save(dir.File("no/such/x.ann")).code(), StatusCode::kNotFound);
  EXPECT_EQ(index->state(), AnnoyState::kBuilt);
  EXPECT_EQ(Nearest(*index, items[0], 50).ids.size(), 50u);
  const auto none = NewIndex(Metric::kDot, 4);
  ASSERT_TRUE(none->Build(0).ok());
  EXPECT_EQ(none->Save(dir.File("none.ann")).code(), StatusCode::kIoError);
  EXPECT_EQ(dir.NumFiles(), 2u);
}

TEST(AnnoyFile, AppearsWholeOrNotAtAll) {
  const TempDir dir;
  const Vectors items = RandomVectors(Metric::kEuclidean, 300, 50, 1);
  const std::string path = dir.File("x.ann");
  WriteFile(path, "old");
  bool saved = false;
  for (int64_t steps = 0; !saved; ++steps) {
    ASSERT_LT(steps, 100);
    const auto index = BuiltIndex(Metric::kEuclidean, items, 4);
    FailWriteForTesting(steps);
    const Status status = index->Save(path);
    FailWriteForTesting(-1);
    saved = status.ok();
    EXPECT_EQ(dir.NumFiles(), 1u);
    EXPECT_EQ(Nearest(*index, items[7], 1).ids, std::vector<int32_t>{7});
    if (saved) break;
    EXPECT_EQ(status.code(), StatusCode::kIoError);
    EXPECT_EQ(ReadFile(path), "old");
    EXPECT_EQ(index->state(), AnnoyState::kBuilt);
  }
  EXPECT_NE(ReadFile(path), "old");
}

TEST(AnnoyFile, ReplacedUnderALoadedIndexStaysReadable) {
  const TempDir dir;
  const Vectors items = RandomVectors(Metric::kAngular, 300, 5, 1);
  const auto index = BuiltIndex(Metric::kAngular, items, 4);
  ASSERT_TRUE(index->Save(dir.File("x.ann")).ok());
  const auto other = BuiltIndex(Metric::kAngular, {items[0]}, 1);
  ASSERT_TRUE(other->Save(dir.File("x.ann")).ok());
  EXPECT_EQ(Nearest(*index, items[299], 1).ids, std::vector<int32_t>{299});
}

TEST(AnnoyFile, BuiltOnDiskIsTheSameFile) {
  const TempDir dir;
  for (const Metric metric : kAllMetrics) {
    const Vectors items = RandomVectors(metric, 400, 20, 1);
    const std::string expected = BytesOf(*BuiltIndex(metric, items, 5));
    const std::string path = dir.File(std::string(MetricName(metric)) + ".ann");
    const auto index = NewIndex(metric, 20);
    // Those already there move; the others come in no order, and one twice.
    ASSERT_TRUE(index->AddItem(2, items[2].data()).ok());
    ASSERT_TRUE(index->OnDiskBuild(path).ok());
    ASSERT_TRUE(index->AddItem(300, items[1].data()).ok());
    AddAll(items, index.get());
    std::vector<float> out(20);
    ASSERT_TRUE(index->GetItem(300, out.data()).ok());
    EXPECT_EQ(out, items[300]);
    EXPECT_FALSE(std::ifstream(path)) << "visible before it is complete";
    index->SetSeed(1);
    ASSERT_TRUE(index->Build(5, 2).ok());
    EXPECT_EQ(ReadFile(path), expected) << MetricName(metric);
    EXPECT_EQ(index->path(), path);
    EXPECT_EQ(Nearest(*index, items[9], 400, 1 << 20).ids.size(), 400u);
    // Saving elsewhere writes there.
    ASSERT_TRUE(index->Save(path + "2").ok());
    EXPECT_EQ(ReadFile(path + "2"), expected);
  }
  EXPECT_EQ(dir.NumFiles(), 10u);
}

TEST(AnnoyFile, BuiltOnDiskCanBeUnbuiltAndBuiltAgain) {
  const TempDir dir;
  const std::string path = dir.File("x.ann");
  Vectors items = RandomVectors(Metric::kDot, 100, 6, 1);
  const auto index = NewIndex(Metric::kDot, 6);
  ASSERT_TRUE(index->OnDiskBuild(path).ok());
  AddAll(items, index.get());
  index->SetSeed(1);
  ASSERT_TRUE(index->Build(3).ok());
  const std::string first = ReadFile(path);
  ASSERT_TRUE(index->Unbuild().ok());
  items.push_back(std::vector<float>(6, 4.0f));
  ASSERT_TRUE(index->AddItem(100, items[100].data()).ok());
  EXPECT_EQ(ReadFile(path), first);
  ASSERT_TRUE(index->Build(3).ok());
  EXPECT_EQ(ReadFile(path), BytesOf(*BuiltIndex(Metric::kDot, items, 3)));
  ASSERT_TRUE(index->Unbuild().ok());
  index->Unload();
  EXPECT_EQ(dir.NumFiles(), 1u);
}

TEST(AnnoyFile, FullDisksStopBuildingOnDiskWithoutATrace) {
  const TempDir dir;
  const Vectors items = RandomVectors(Metric::kDot, 3000, 60, 1);
  for (int64_t steps = 0; steps < 12; ++steps) {
    const auto index = NewIndex(Metric::kDot, 60);
    ASSERT_TRUE(index->OnDiskBuild(dir.File("x.ann")).ok());
    FailWriteForTesting(steps);
    Status status;
    for (size_t i = 0; i < items.size() && status.ok(); ++i) {
      status = index->AddItem(static_cast<int64_t>(i), items[i].data());
    }
    if (status.ok()) status = index->Build(2, 1);
    FailWriteForTesting(-1);
    if (status.ok()) continue;
    EXPECT_EQ(status.code(), StatusCode::kIoError);
    EXPECT_NE(status.message().find("disk is full"), std::string::npos) << status.message();
    index->Unload();
    EXPECT_EQ(dir.NumFiles(), 0u) << steps;
  }
  EXPECT_EQ(NewIndex(Metric::kDot, 60)->OnDiskBuild(dir.File("no/x.ann")).code(),
            StatusCode::kNotFound);
}

// The source after 1.17.3 has nodes of dot with two more fields, which nobody reads, before the
// vector.
TEST(AnnoyFile, LargerNodesOfDotAreRecognised) {
  const std::string bytes = ReadFile(std::string(KITH_GOLDEN_DIR) + "/annoy/dot.ann");
  const annoy::Layout from = annoy::MakeLayout(Metric::kDot, 8);
  const annoy::Layout to = annoy::MakeLayout(Metric::kDot, 8, annoy::Dialect::kUnreleased);
  ASSERT_EQ(from.node_size, 48u);
  ASSERT_EQ(to.node_size, 56u);
  std::string larger;
  for (size_t at = 0; at < bytes.size(); at += from.node_size) {
    std::string node = bytes.substr(at, from.node_size);
    int32_t descendants;
    std::memcpy(&descendants, node.data(), 4);
    const bool leaf = descendants != 1 && descendants <= static_cast<int32_t>(from.max_leaf);
    node.insert(leaf ? node.size() : from.vector, 8, '\0');
    larger += node;
  }
  const auto index = NewIndex(Metric::kDot, 8);
  const auto index_larger = NewIndex(Metric::kDot, 8);
  ASSERT_TRUE(index->FromBytes(bytes).ok());
  const Status status = index_larger->FromBytes(larger);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(index_larger->num_trees(), index->num_trees());
  for (const auto& query : RandomVectors(Metric::kDot, 10, 8, 1)) {
    EXPECT_EQ(Nearest(*index_larger, query, 60, 10000).ids, Nearest(*index, query, 60, 10000).ids);
  }
  std::vector<float> item(8);
  std::vector<float> item_larger(8);
  ASSERT_TRUE(index->GetItem(5, item.data()).ok());
  ASSERT_TRUE(index_larger->GetItem(5, item_larger.data()).ok());
  EXPECT_EQ(item_larger, item);
  float distance;
  float distance_larger;
  ASSERT_TRUE(index->Distance(5, 6, &distance).ok());
  ASSERT_TRUE(index_larger->Distance(5, 6, &distance_larger).ok());
  EXPECT_EQ(distance_larger, distance);
}

// Early angular files have no lengths.
TEST(AnnoyFile, LengthsThatAreMissingAreFoundOut) {
  const std::string bytes = ReadFile(std::string(KITH_GOLDEN_DIR) + "/annoy/angular.ann");
  const annoy::Layout layout = annoy::MakeLayout(Metric::kAngular, 8);
  std::string old = bytes;
  for (size_t item = 0; item < 60; ++item) {
    std::memset(old.data() + item * layout.node_size + layout.norm, 0, 4);
  }
  ASSERT_NE(old, bytes);
  const auto index = NewIndex(Metric::kAngular, 8);
  const auto index_old = NewIndex(Metric::kAngular, 8);
  ASSERT_TRUE(index->FromBytes(bytes).ok());
  const Status status = index_old->FromBytes(old);
  ASSERT_TRUE(status.ok()) << status.message();
  for (const auto& query : RandomVectors(Metric::kAngular, 10, 8, 1)) {
    const Found found = Nearest(*index, query, 20, 100);
    const Found found_old = Nearest(*index_old, query, 20, 100);
    EXPECT_EQ(found_old.ids, found.ids);
    for (size_t i = 0; i < found.distances.size(); ++i) {
      EXPECT_NEAR(found_old.distances[i], found.distances[i], 1e-5);
    }
  }
}

// Whatever opens must be searched without harm, and no answer may name what is not there.
void UseAll(AnnoyIndex* index, const std::string& bytes, const Vectors& queries) {
  if (!index->FromBytes(bytes).ok()) return;
  (void)index->Verify();
  const auto n = static_cast<int64_t>(index->num_items());
  for (const int64_t search_k : {int64_t{10}, int64_t{-2}}) {
    const Found found = Nearest(*index, queries[0], 20, search_k);
    for (size_t i = 0; i < found.ids.size(); ++i) {
      ASSERT_GE(found.ids[i], 0);
      ASSERT_LT(found.ids[i], n);
      ASSERT_FALSE(std::isnan(found.distances[i]));
    }
  }
  std::vector<int32_t> ids;
  float distance;
  std::vector<float> item(index->dim());
  for (int64_t i = 0; i < std::min<int64_t>(n, 3); ++i) {
    ASSERT_TRUE(index->SearchByItem(i, 3, -1, &ids, nullptr).ok());
    ASSERT_TRUE(index->Distance(i, n - 1, &distance).ok());
    ASSERT_TRUE(index->GetItem(i, item.data()).ok());
  }
}

TEST(AnnoyFile, DamagedBytesAreHarmless) {
  for (const Metric metric : kAllMetrics) {
    const size_t dim = 7;
    const Vectors items = RandomVectors(metric, 60, dim, 1);
    const std::string good = BytesOf(*BuiltIndex(metric, items, 3));
    const auto index = NewIndex(metric, dim);
    Rng rng(9);
    for (int round = 0; round < 3000; ++round) {
      std::string bytes = good;
      const uint32_t changes = 1 + rng.Below(4);
      for (uint32_t i = 0; i < changes; ++i) {
        const size_t at = rng.Below(static_cast<uint32_t>(bytes.size() / 4)) * size_t{4};
        const uint32_t values[] = {0,
                                   1,
                                   2,
                                   5,
                                   0x7FFFFFFF,
                                   ~0u,
                                   0x7F800000,
                                   0x7FC00000,
                                   rng.Below(150),
                                   static_cast<uint32_t>(rng.Next())};
        std::memcpy(bytes.data() + at, &values[rng.Below(10)], 4);
      }
      UseAll(index.get(), bytes, items);
    }
    for (size_t size = 0; size < good.size(); size += 4) {
      UseAll(index.get(), good.substr(0, size), items);
    }
  }
}

TEST(AnnoyFile, TreesThatLeadInCirclesEnd) {
  const Vectors items = RandomVectors(Metric::kEuclidean, 200, 3, 1);
  const auto index = BuiltIndex(Metric::kEuclidean, items, 2);
  std::string bytes = BytesOf(*index);
  const annoy::Layout layout = annoy::MakeLayout(Metric::kEuclidean, 3);
  const auto nodes = static_cast<int32_t>(bytes.size() / layout.node_size);
  for (int32_t i = 200; i < nodes; ++i) {
    std::byte* node =
        reinterpret_cast<std::byte*>(bytes.data()) + static_cast<size_t>(i) * layout.node_size;
    if (annoy::ReadInt(node) <= static_cast<int32_t>(layout.max_leaf)) continue;
    annoy::WriteValue<int32_t>(node + layout.children, nodes - 1);
    annoy::WriteValue<int32_t>(node + layout.children + 4, i);
  }
  ASSERT_TRUE(index->FromBytes(bytes).ok());
  EXPECT_TRUE(Nearest(*index, items[0], 10, 1 << 30).ids.empty());
  EXPECT_EQ(index->Verify().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace kith
