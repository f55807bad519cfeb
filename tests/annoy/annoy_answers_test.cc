// Files that Annoy wrote: the answers are those Annoy gave (tests/golden/annoy/README.md).
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "annoy/annoy_util.h"

namespace kith {
namespace {

using testing::Found;
using testing::Nearest;
using testing::NewIndex;

struct Asked {
  int64_t n = 0;
  int64_t search_k = 0;
  std::vector<float> query;  // one number: an item's id
  Found found;
};

struct Golden {
  Metric metric = Metric::kAngular;
  size_t dim = 0;
  size_t items = 0;
  size_t trees = 0;
  std::vector<Asked> searches;
};

std::string PathOf(const std::string& name, const std::string& extension) {
  return std::string(KITH_GOLDEN_DIR) + "/annoy/" + name + extension;
}

Golden ReadAnswers(const std::string& name) {
  std::ifstream in(PathOf(name, ".answers"));
  EXPECT_TRUE(in) << name;
  Golden golden;
  std::string metric;
  in >> metric >> golden.dim >> golden.items >> golden.trees;
  golden.metric = ParseMetric(metric).value();
  Asked asked;
  size_t size;
  while (in >> asked.n >> asked.search_k >> size) {
    asked.query.resize(size);
    for (float& x : asked.query) in >> x;
    in >> size;
    asked.found.ids.resize(size);
    asked.found.distances.resize(size);
    for (int32_t& id : asked.found.ids) in >> id;
    for (float& distance : asked.found.distances) in >> distance;
    golden.searches.push_back(asked);
  }
  return golden;
}

// The same distances, but for rounding, and the same ids, but for the order of ties.
void ExpectSame(const Found& found, const Found& expected) {
  ASSERT_EQ(found.ids.size(), expected.ids.size());
  for (size_t i = 0; i < found.ids.size(); ++i) {
    // The square root makes a difference of 1e-7 under it 3e-4.
    const float slack = expected.distances[i] < 0.01f ? 1e-3f : 1e-5f * 20;
    EXPECT_NEAR(found.distances[i], expected.distances[i], slack) << i;
    if (found.ids[i] == expected.ids[i]) continue;
    bool tie = false;
    for (size_t j = 0; j < found.ids.size(); ++j) {
      tie = tie || (expected.ids[j] == found.ids[i] &&
                    std::abs(expected.distances[j] - expected.distances[i]) < slack);
    }
    EXPECT_TRUE(tie) << "place " << i << " holds " << found.ids[i] << ", not " << expected.ids[i];
  }
}

class AnnoyAnswers : public ::testing::TestWithParam<std::string> {};

TEST_P(AnnoyAnswers, AreAnnoys) {
  const Golden golden = ReadAnswers(GetParam());
  ASSERT_GT(golden.searches.size(), 20u);
  const auto index = NewIndex(golden.metric, golden.dim);
  const Status loaded = index->Load(PathOf(GetParam(), ".ann"));
  ASSERT_TRUE(loaded.ok()) << loaded.message();
  EXPECT_EQ(index->num_items(), golden.items);
  EXPECT_EQ(index->num_trees(), golden.trees);
  EXPECT_EQ(index->state(), AnnoyState::kLoaded);
  EXPECT_TRUE(index->Verify().ok()) << index->Verify().message();
  for (const Asked& asked : golden.searches) {
    Found found;
    Status status;
    if (asked.query.size() == 1) {
      status = index->SearchByItem(static_cast<int64_t>(asked.query[0]), asked.n, asked.search_k,
                                   &found.ids, &found.distances);
    } else {
      status = index->SearchByVector(asked.query.data(), asked.n, asked.search_k, &found.ids,
                                     &found.distances);
    }
    ASSERT_TRUE(status.ok()) << status.message();
    SCOPED_TRACE(::testing::Message() << "n " << asked.n << " search_k " << asked.search_k
                                      << " query " << asked.query[0]);
    ExpectSame(found, asked.found);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, AnnoyAnswers,
                         ::testing::Values("angular", "euclidean", "manhattan", "dot", "hamming",
                                           "holes", "one_leaf", "one_item"),
                         [](const auto& file) { return file.param; });

TEST(AnnoyAnswers, DistancesOfItemsAreThoseOfSearches) {
  for (const std::string name : {"angular", "euclidean", "manhattan", "dot", "hamming"}) {
    const Golden golden = ReadAnswers(name);
    const auto index = NewIndex(golden.metric, golden.dim);
    ASSERT_TRUE(index->Load(PathOf(name, ".ann")).ok());
    for (const Asked& asked : golden.searches) {
      if (asked.query.size() != 1) continue;
      for (size_t i = 0; i < asked.found.ids.size(); ++i) {
        float distance = 0;
        ASSERT_TRUE(
            index->Distance(static_cast<int64_t>(asked.query[0]), asked.found.ids[i], &distance)
                .ok());
        EXPECT_NEAR(distance, asked.found.distances[i],
                    asked.found.distances[i] < 0.01f ? 1e-3 : 2e-4);
      }
    }
  }
}

// Files of the wrong metric or dimension are refused wherever the bytes can tell.
TEST(AnnoyAnswers, OthersThanTheFilesShapeAreRefused) {
  for (const std::string name : {"angular", "euclidean", "manhattan", "dot", "hamming"}) {
    const Golden golden = ReadAnswers(name);
    for (const Metric metric : testing::kAllMetrics) {
      for (size_t dim = 1; dim <= 200; ++dim) {
        const bool euclidean = metric == Metric::kEuclidean || metric == Metric::kManhattan;
        const bool same_nodes =
            metric == golden.metric || (euclidean && (golden.metric == Metric::kEuclidean ||
                                                      golden.metric == Metric::kManhattan));
        // 65 to 70 bits take the same words; what is beyond 70 is zero in all.
        const bool same_dim =
            golden.metric == Metric::kHamming ? dim >= golden.dim && dim <= 128 : dim == golden.dim;
        const Status status = NewIndex(metric, dim)->Load(PathOf(name, ".ann"));
        if (same_nodes && same_dim) {
          EXPECT_TRUE(status.ok()) << status.message();
          continue;
        }
        EXPECT_EQ(status.code(), StatusCode::kCorruption)
            << name << " opened as " << MetricName(metric) << ' ' << dim;
        EXPECT_NE(status.message().find(name + ".ann"), std::string::npos) << status.message();
        EXPECT_NE(status.message().find("give the metric"), std::string::npos);
      }
    }
  }
}

}  // namespace
}  // namespace kith
