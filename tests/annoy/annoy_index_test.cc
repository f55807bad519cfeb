// What may be done with an index when, and what it says if not; distances by hand.
#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "annoy/annoy_util.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::AddAll;
using testing::BuiltIndex;
using testing::BytesOf;
using testing::Found;
using testing::Nearest;
using testing::NewIndex;
using testing::RandomVectors;
using testing::TempDir;
using testing::Vectors;

void ExpectRefused(const Status& status, StatusCode code, const std::string& message) {
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_EQ(status.message(), message);
}

float DistanceOf(Metric metric, const std::vector<float>& a, const std::vector<float>& b) {
  const auto index = NewIndex(metric, a.size());
  EXPECT_TRUE(index->AddItem(0, a.data()).ok());
  EXPECT_TRUE(index->AddItem(1, b.data()).ok());
  float before = -1;
  float after = -2;
  EXPECT_TRUE(index->Distance(0, 1, &before).ok());
  EXPECT_TRUE(index->Build(1).ok());
  EXPECT_TRUE(index->Distance(0, 1, &after).ok());
  EXPECT_EQ(before, after);
  const Found found = Nearest(*index, a, 2);
  EXPECT_EQ(found.ids.size(), 2u);
  for (size_t i = 0; i < found.ids.size(); ++i) {
    if (found.ids[i] == 1) {
      EXPECT_EQ(found.distances[i], after);
    }
  }
  return after;
}

TEST(AnnoyIndex, DistancesAreAnnoys) {
  EXPECT_FLOAT_EQ(DistanceOf(Metric::kAngular, {0, 2}, {3, 3}),
                  std::sqrt(2 * (1 - std::sqrt(0.5f))));
  EXPECT_FLOAT_EQ(DistanceOf(Metric::kAngular, {1, 0}, {-5, 0}), 2.0f);
  EXPECT_FLOAT_EQ(DistanceOf(Metric::kAngular, {1, 0}, {0, 0}), std::sqrt(2.0f));
  EXPECT_FLOAT_EQ(DistanceOf(Metric::kEuclidean, {1, 2, 3}, {3, 5, 9}), 7.0f);
  EXPECT_FLOAT_EQ(DistanceOf(Metric::kManhattan, {1, 2, 3}, {3, 0, 9}), 10.0f);
  EXPECT_FLOAT_EQ(DistanceOf(Metric::kDot, {1, 2, 3}, {4, -5, 6}), 12.0f);
  EXPECT_FLOAT_EQ(DistanceOf(Metric::kHamming, {1, 0, 0.5f, 7}, {0, 0, 1, 0.6f}), 2.0f);
}

TEST(AnnoyIndex, LargestProductsComeFirstAndTiesBySmallerId) {
  const auto dot = BuiltIndex(Metric::kDot, {{1, 0}, {3, 0}, {2, 0}, {3, 0}}, 3);
  EXPECT_EQ(Nearest(*dot, {1, 1}, 4).ids, (std::vector<int32_t>{1, 3, 2, 0}));
  EXPECT_EQ(Nearest(*dot, {1, 1}, 4).distances, (std::vector<float>{3, 3, 2, 1}));
}

TEST(AnnoyIndex, VectorsComeBack) {
  for (const Metric metric : testing::kAllMetrics) {
    const Vectors vectors = RandomVectors(metric, 30, 67, 3);
    const auto index = NewIndex(metric, 67);
    AddAll(vectors, index.get(), 2);
    EXPECT_EQ(index->num_items(), 59u);
    std::vector<float> out(67);
    for (int built = 0; built < 2; ++built) {
      for (size_t i = 0; i < 30; ++i) {
        ASSERT_TRUE(index->GetItem(static_cast<int64_t>(2 * i), out.data()).ok());
        EXPECT_EQ(out, vectors[i]);
        EXPECT_TRUE(index->HasItem(static_cast<int64_t>(2 * i)));
      }
      EXPECT_FALSE(index->HasItem(3));
      EXPECT_FALSE(index->HasItem(59));
      ASSERT_TRUE(index->GetItem(3, out.data()).ok());
      EXPECT_EQ(out, std::vector<float>(67, 0.0f));
      if (built == 0) {
        ASSERT_TRUE(index->Build(4).ok());
      }
    }
    // A hole is never found.
    EXPECT_EQ(Nearest(*index, vectors[0], 100, 1 << 20).ids.size(), 30u);
  }
}

TEST(AnnoyIndex, WrongStatesSayWhatAnnoySays) {
  const TempDir dir;
  const Vectors vectors = RandomVectors(Metric::kAngular, 20, 4, 1);
  const auto index = NewIndex(Metric::kAngular, 4);
  AddAll(vectors, index.get());
  EXPECT_EQ(index->state(), AnnoyState::kItems);
  ExpectRefused(index->Save(dir.File("a.ann")), StatusCode::kUnsupported,
                "You can't save an index that hasn't been built");
  EXPECT_TRUE(Nearest(*index, vectors[0], 5).ids.empty());
  EXPECT_TRUE(index->Unbuild().ok());
  ASSERT_TRUE(index->Build(2).ok());
  EXPECT_EQ(index->state(), AnnoyState::kBuilt);
  EXPECT_EQ(index->num_trees(), 2u);
  ExpectRefused(index->Build(2), StatusCode::kUnsupported, "You can't build a built index");
  ExpectRefused(index->AddItem(30, vectors[0].data()), StatusCode::kUnsupported,
                "You can't add an item to a built index; unbuild it first");
  ASSERT_TRUE(index->Save(dir.File("a.ann")).ok());
  EXPECT_EQ(index->state(), AnnoyState::kLoaded);
  EXPECT_EQ(index->path(), dir.File("a.ann"));
  ExpectRefused(index->AddItem(30, vectors[0].data()), StatusCode::kUnsupported,
                "You can't add an item to a loaded index");
  ExpectRefused(index->Build(2), StatusCode::kUnsupported, "You can't build a loaded index");
  ExpectRefused(index->Unbuild(), StatusCode::kUnsupported, "You can't unbuild a loaded index");
  index->Unload();
  EXPECT_EQ(index->state(), AnnoyState::kItems);
  EXPECT_EQ(index->num_items(), 0u);
  AddAll(vectors, index.get());
  EXPECT_TRUE(index->Build(1).ok());
}

TEST(AnnoyIndex, WrongIdsAndNumbersAreRefused) {
  const auto index = BuiltIndex(Metric::kEuclidean, {{0, 0}, {1, 1}}, 1);
  std::vector<int32_t> ids;
  float out[2];
  ExpectRefused(index->SearchByItem(-1, 1, -1, &ids, nullptr), StatusCode::kNotFound,
                "Item index can not be negative");
  ExpectRefused(index->SearchByItem(2, 1, -1, &ids, nullptr), StatusCode::kNotFound,
                "Item index larger than the largest item index");
  ExpectRefused(index->GetItem(2, out), StatusCode::kNotFound,
                "Item index larger than the largest item index");
  ExpectRefused(index->Distance(0, -3, out), StatusCode::kNotFound,
                "Item index can not be negative");
  ASSERT_TRUE(index->Unbuild().ok());
  ExpectRefused(index->AddItem(-1, out), StatusCode::kNotFound, "Item index can not be negative");
  EXPECT_EQ(index->AddItem(int64_t{1} << 31, out).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(index->Build(-2).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(AnnoyIndex::Create(Metric::kDot, 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(AnnoyIndex::Create(Metric::kDot, kMaxDim + 1).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(AnnoyIndex, NumbersThatAreNoneAreRefusedWithTheirPlace) {
  for (const Metric metric : testing::kAllMetrics) {
    const auto index = NewIndex(metric, 3);
    const float nan[] = {0, std::numeric_limits<float>::quiet_NaN(), 0};
    const float infinite[] = {0, 0, -std::numeric_limits<float>::infinity()};
    ExpectRefused(index->AddItem(7, nan), StatusCode::kInvalidArgument,
                  "item 7 is NaN in coordinate 1; only finite numbers can be compared");
    ExpectRefused(index->AddItem(0, infinite), StatusCode::kInvalidArgument,
                  "item 0 is infinite in coordinate 2; only finite numbers can be compared");
    EXPECT_EQ(index->num_items(), 0u);
    std::vector<int32_t> ids;
    EXPECT_EQ(index->SearchByVector(nan, 1, -1, &ids, nullptr).code(),
              StatusCode::kInvalidArgument);
    float batch[] = {1, 2, 3, 0, 0, std::numeric_limits<float>::infinity()};
    std::vector<int64_t> found(2);
    const Status status = index->SearchBatch(batch, 2, 1, -1, 1, found.data(), nullptr);
    EXPECT_NE(status.message().find("query 1 is infinite in coordinate 2"), std::string::npos);
    // Beyond what squares can be.
    const float huge[] = {3e38f, 3e38f, 0};
    EXPECT_EQ(index->AddItem(0, huge).ok(),
              metric == Metric::kManhattan || metric == Metric::kHamming);
  }
}

TEST(AnnoyIndex, AnIdBeyondAllMemoryIsAnError) {
  const auto index = NewIndex(Metric::kAngular, 60000);
  const std::vector<float> vector(60000, 1.0f);
  const Status status = index->AddItem((int64_t{1} << 31) - 2, vector.data());  // 515 TB
  EXPECT_EQ(status.code(), StatusCode::kOutOfMemory);
  EXPECT_NE(status.message().find("number items from 0"), std::string::npos) << status.message();
  EXPECT_TRUE(index->AddItem(3, vector.data()).ok());
  EXPECT_EQ(index->num_items(), 4u);
}

TEST(AnnoyIndex, SmallestNumbersOfNeighborsAndEntries) {
  const Vectors vectors = RandomVectors(Metric::kEuclidean, 200, 5, 1);
  const auto index = BuiltIndex(Metric::kEuclidean, vectors, 4);
  EXPECT_TRUE(Nearest(*index, vectors[0], 5, 0).ids.empty());
  EXPECT_TRUE(Nearest(*index, vectors[0], 0, 100).ids.empty());
  EXPECT_EQ(Nearest(*index, vectors[3], 1).ids, std::vector<int32_t>{3});
  // A leaf is read as a whole.
  EXPECT_GT(Nearest(*index, vectors[0], -1, 1).ids.size(), 1u);
  EXPECT_EQ(Nearest(*index, vectors[0], -1).ids.size(), 200u);
  EXPECT_EQ(Nearest(*index, vectors[0], 500, -7).ids.size(), 200u);
}

TEST(AnnoyIndex, ItemsThatAreLeavesAreMetOnceInEachTree) {
  // Two items among so many ids that a root splits, and both of its children are items: searches
  // visit more nodes than there are.
  for (const Metric metric : testing::kAllMetrics) {
    auto index = NewIndex(metric, 2);
    AddAll({{1, 0}, {0, 1}}, index.get(), 5);
    ASSERT_TRUE(index->Build(8, 1).ok());
    const Found found = Nearest(*index, {1, 0}, 10, 1000);
    EXPECT_EQ(found.ids, (std::vector<int32_t>{0, 5})) << MetricName(metric);
  }
}

TEST(AnnoyIndex, BatchesGiveTheSameAsSingleQueries) {
  for (const Metric metric : {Metric::kDot, Metric::kHamming}) {
    const Vectors vectors = RandomVectors(metric, 300, 20, 1);
    const auto index = BuiltIndex(metric, vectors, 5);
    std::vector<float> queries;
    const size_t num_queries = 40;
    for (size_t i = 0; i < num_queries; ++i) {
      queries.insert(queries.end(), vectors[i].begin(), vectors[i].end());
    }
    for (const int threads : {1, 3}) {
      std::vector<int64_t> ids(num_queries * 25);
      std::vector<float> distances(num_queries * 25);
      ASSERT_TRUE(index
                      ->SearchBatch(queries.data(), num_queries, 25, 3, threads, ids.data(),
                                    distances.data())
                      .ok());
      for (size_t i = 0; i < num_queries; ++i) {
        const Found found = Nearest(*index, vectors[i], 25, 3);
        ASSERT_LT(found.ids.size(), 26u);
        for (size_t j = 0; j < 25; ++j) {
          const bool there = j < found.ids.size();
          EXPECT_EQ(ids[i * 25 + j], there ? found.ids[j] : kNoId);
          EXPECT_EQ(distances[i * 25 + j], there                    ? found.distances[j]
                                           : metric == Metric::kDot ? -HUGE_VALF
                                                                    : HUGE_VALF);
        }
      }
    }
  }
}

TEST(AnnoyIndex, ItemsAddedAfterUnbuildingAreFoundAndOldSearchesStay) {
  for (const Metric metric : testing::kAllMetrics) {
    Vectors vectors = RandomVectors(metric, 150, 12, 1);
    const auto index = BuiltIndex(metric, vectors, 3);
    const std::string before = BytesOf(*index);
    ASSERT_TRUE(index->Unbuild().ok());
    EXPECT_EQ(index->num_trees(), 0u);
    ASSERT_TRUE(index->Build(3).ok());
    EXPECT_EQ(BytesOf(*index), before) << MetricName(metric);
    ASSERT_TRUE(index->Unbuild().ok());
    vectors[9] = RandomVectors(metric, 1, 12, 77)[0];
    ASSERT_TRUE(index->AddItem(9, vectors[9].data()).ok());
    vectors.push_back(RandomVectors(metric, 1, 12, 78)[0]);
    ASSERT_TRUE(index->AddItem(150, vectors[150].data()).ok());
    ASSERT_TRUE(index->Build(3).ok());
    EXPECT_EQ(BytesOf(*index), BytesOf(*BuiltIndex(metric, vectors, 3))) << MetricName(metric);
  }
}

// Searches run while the index is unloaded, loaded, built and unbuilt: under ThreadSanitizer this
// proves that they may.
TEST(AnnoyIndex, MayBeChangedWhileItIsSearched) {
  const TempDir dir;
  const Vectors vectors = RandomVectors(Metric::kAngular, 300, 8, 1);
  const auto index = BuiltIndex(Metric::kAngular, vectors, 4);
  ASSERT_TRUE(BuiltIndex(Metric::kAngular, vectors, 4)->Save(dir.File("a.ann")).ok());
  std::atomic<bool> done{false};
  std::atomic<size_t> answered{0};
  std::vector<std::thread> searchers;
  searchers.reserve(2);
  for (int t = 0; t < 2; ++t) {
    searchers.emplace_back([&, t] {
      std::vector<int32_t> ids;
      for (size_t i = static_cast<size_t>(t); !done; i = (i + 1) % 300) {
        ASSERT_TRUE(index->SearchByVector(vectors[i].data(), 1, 1 << 20, &ids, nullptr).ok());
        if (ids.empty()) continue;
        // Item 299 is changed below.
        if (i < 299) {
          EXPECT_EQ(ids[0], static_cast<int32_t>(i));
        }
        answered.fetch_add(1);
        float distance;
        (void)index->Distance(0, static_cast<int64_t>(i), &distance);
      }
    });
  }
  for (int round = 0; round < 20 || answered < 100; ++round) {
    ASSERT_TRUE(index->Unbuild().ok());
    ASSERT_TRUE(index->AddItem(299, vectors[299].data()).ok());
    ASSERT_TRUE(index->Build(4, 2).ok());
    ASSERT_TRUE(index->Load(dir.File("a.ann")).ok());
    index->Unload();
    AddAll(vectors, index.get());
    ASSERT_TRUE(index->Build(4, 1).ok());
  }
  done = true;
  for (std::thread& searcher : searchers) searcher.join();
  EXPECT_GE(answered.load(), 100u);
}

TEST(AnnoyIndex, IsBusyWhileItIsBuiltAndGoneWhenItIsUnloaded) {
  const Vectors vectors = RandomVectors(Metric::kAngular, 300, 8, 1);
  const auto index = NewIndex(Metric::kAngular, 8);
  AddAll(vectors, index.get());
  bool asked = false;
  const Status built = index->Build(4, 1, [&](std::string_view, uint64_t, uint64_t) {
    if (asked) return true;
    asked = true;
    EXPECT_EQ(index->AddItem(0, vectors[0].data()).code(), StatusCode::kUnsupported);
    EXPECT_EQ(index->Build(1).code(), StatusCode::kUnsupported);
    EXPECT_EQ(index->num_items(), 300u);
    EXPECT_TRUE(Nearest(*index, vectors[0], 3).ids.empty());
    index->Unload();
    return true;
  });
  EXPECT_TRUE(asked);
  EXPECT_EQ(built.code(), StatusCode::kUnsupported);
  EXPECT_EQ(index->num_items(), 0u);
  AddAll(vectors, index.get());
  EXPECT_EQ(index->Build(4, 1, [](auto, auto, auto) { return false; }).message(), "cancelled");
  EXPECT_EQ(index->state(), AnnoyState::kItems);
  EXPECT_TRUE(index->Build(4, 1).ok());
}

}  // namespace
}  // namespace kith
