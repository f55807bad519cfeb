// Vectors that were queries of the calibration are in the file like any other.
#include "calibration/held_out.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "calibration/steps.h"
#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::Matrix;
using testing::Mixture;
using testing::SearchOrFail;
using testing::TempDir;

TEST(ChooseHeldOutTest, AnEighthOfSmallSetsAndNeverMoreThanAFewThousand) {
  for (const size_t n : {1, 2, 100, 511})
    EXPECT_TRUE(calibration::ChooseHeldOut(n, 1, 0).empty()) << n;
  EXPECT_EQ(calibration::ChooseHeldOut(512, 1, 0).size(), 64u);
  EXPECT_EQ(calibration::ChooseHeldOut(8000, 1, 0).size(), 1000u);
  EXPECT_EQ(calibration::ChooseHeldOut(100000, 1, 0).size(), 4096u);
  EXPECT_EQ(calibration::ChooseHeldOut(100000000, 1, 0).size(), 4096u);
}

TEST(ChooseHeldOutTest, AreSpreadOverAllAndAscend) {
  for (const size_t n : {512, 513, 999, 12345, 1000000}) {
    for (const uint64_t seed : {0, 1, 42}) {
      const auto held_out = calibration::ChooseHeldOut(n, seed, 0);
      ASSERT_TRUE(std::adjacent_find(held_out.begin(), held_out.end(), std::greater_equal<>()) ==
                  held_out.end());
      ASSERT_LT(held_out.back(), n);
      // In each tenth, a tenth.
      const auto first = std::lower_bound(held_out.begin(), held_out.end(), n / 10);
      EXPECT_NEAR(static_cast<double>(first - held_out.begin()),
                  static_cast<double>(held_out.size()) / 10, 1.01);
    }
  }
}

// A vector is a query once at most.
TEST(ChooseHeldOutTest, NoRowIsHeldOutTwice) {
  for (const size_t n : {512, 517, 3000, 20000, 32767, 50000}) {
    std::vector<uint32_t> all;
    for (size_t fold = 0; fold < calibration::NumFolds(n); ++fold) {
      const auto held_out = calibration::ChooseHeldOut(n, 42, fold);
      EXPECT_EQ(held_out.size(), calibration::NumHeldOut(n));
      all.insert(all.end(), held_out.begin(), held_out.end());
    }
    std::sort(all.begin(), all.end());
    EXPECT_TRUE(std::adjacent_find(all.begin(), all.end()) == all.end()) << n;
    EXPECT_LT(all.back(), n);
    EXPECT_GE(all.size(), std::min<size_t>(n / 8 * 8, 3072)) << n;
  }
}

// What is measured is built apart: the file is the one that is built without measuring anything,
// but for the sections that tell it.
TEST(ChooseHeldOutTest, PathsOfSmallSetsAreThoseThatAreNotMeasured) {
  const Matrix rows = Mixture(3000, 12, 8, 10, 1);
  BuildOptions options = testing::GraphBuild(Metric::kEuclidean);
  const TempDir dir;
  std::vector<std::unique_ptr<Index>> indexes;
  for (const bool calibrate : {true, false}) {
    options.calibrate = calibrate;
    indexes.push_back(
        testing::BuildAndOpen(dir.File(calibrate ? "a.kith" : "b.kith"), rows, options));
    ASSERT_NE(indexes.back(), nullptr);
  }
  const SearchParams search{.k = 10, .index = IndexKind::kGraph, .effort = 10};
  const SearchResult measured = SearchOrFail(*indexes[0], rows.view(), search);
  const SearchResult not_measured = SearchOrFail(*indexes[1], rows.view(), search);
  EXPECT_EQ(measured.ids, not_measured.ids);
  EXPECT_EQ(measured.stats.nodes, not_measured.stats.nodes);
}

TEST(ChooseHeldOutTest, TheSeedChooses) {
  EXPECT_EQ(calibration::ChooseHeldOut(5000, 7, 0), calibration::ChooseHeldOut(5000, 7, 0));
  EXPECT_NE(calibration::ChooseHeldOut(5000, 7, 0), calibration::ChooseHeldOut(5000, 8, 0));
}

// ---- Files.

struct Rows {
  std::string name;
  Matrix rows;
};

Rows MakeRows(const std::string& name) {
  if (name == "few") return {name, Mixture(511, 12, 8, 10, 1)};
  if (name == "least") return {name, Mixture(512, 12, 8, 10, 1)};
  if (name == "odd") return {name, Mixture(513, 13, 8, 10, 1)};
  if (name == "many") return {name, Mixture(3000, 12, 8, 10, 1)};
  if (name == "equal") return {name, Mixture(700, 12, 1, 1, 1).Permuted(std::vector<size_t>(700))};
  Matrix rows = Mixture(1000, 12, 8, 10, 1);
  if (name == "copies") {
    for (size_t r = 100; r < 1000; ++r) rows.CopyRow(rows, r % 100, r);
  }
  if (name == "pairs") {
    for (size_t r = 0; r < 1000; r += 4) rows.CopyRow(rows, r, r + 1);
  }
  if (name == "zeros") rows = Matrix(DataType::kF32, 1000, 12);
  if (name == "half_zeros") {
    const Matrix zeros(DataType::kF32, 1, 12);
    for (size_t r = 0; r < 1000; r += 2) rows.CopyRow(zeros, 0, r);
  }
  return {name, rows};
}

enum class Ways { kPacked, kCompact, kForest, kBoth };

BuildOptions Options(Ways ways, Metric metric) {
  BuildOptions options;
  options.metric = metric;
  options.dtype = DataType::kF32;
  if (ways != Ways::kForest) {
    options.paths.push_back(GraphOptions{
        .layout = ways == Ways::kCompact ? GraphLayout::kCompact : GraphLayout::kPacked,
        .degree = 16});
  }
  if (ways == Ways::kForest || ways == Ways::kBoth) {
    options.paths.push_back(ForestOptions{.num_trees = 6});
  }
  return options;
}

using Param = std::tuple<std::string, Ways, Metric>;

class HeldOutTest : public ::testing::TestWithParam<Param> {};

TEST_P(HeldOutTest, FindThemselvesAndEverythingIsThere) {
  const auto& [name, ways, metric] = GetParam();
  const Matrix rows = MakeRows(name).rows;
  const size_t n = rows.rows();
  StringList keys;
  std::vector<int64_t> ids;
  for (size_t r = 0; r < n; ++r) {
    keys.Add("k" + std::to_string(r));
    ids.push_back(static_cast<int64_t>(10 * r + 3));
  }
  BuildOptions options = Options(ways, metric);
  options.keys = &keys;
  options.ids = &ids;
  const TempDir dir;
  const auto index = testing::BuildAndOpen(dir.File("x.kith"), rows, options);
  ASSERT_NE(index, nullptr);
  const Status verified = VerifyIndex(dir.File("x.kith"));
  EXPECT_TRUE(verified.ok()) << verified.message();

  EXPECT_EQ(index->info().calibration.empty(), n < 512);
  if (n >= 512) {
    EXPECT_EQ(index->info().calibration.source, CalibrationSource::kHeldOut);
    // Of what is there very often there are no queries.
    const size_t most = n / 8 * calibration::NumFolds(n);
    EXPECT_LE(index->info().calibration.num_queries, most);
    EXPECT_GE(index->info().calibration.num_queries, name == "half_zeros" ? most / 4 : most);
    EXPECT_EQ(index->info().calibration.nearest.size(), 33u);
  }
  for (const size_t r : {size_t{0}, size_t{1}, n / 2, n - 1}) {
    EXPECT_EQ(index->Key(r), keys[r]);
    EXPECT_EQ(index->Id(r), ids[r]);
    const auto by_key = index->FindKey(keys[r]);
    ASSERT_TRUE(by_key.ok());
    EXPECT_EQ(*by_key, r);
    const auto by_id = index->FindId(ids[r]);
    ASSERT_TRUE(by_id.ok());
    EXPECT_EQ(*by_id, r);
    std::vector<float> vector(rows.dim());
    index->GetVector(r, vector.data());
    for (size_t c = 0; c < rows.dim(); ++c) EXPECT_EQ(vector[c], rows.Get(r, c));
  }
  const SearchResult exact =
      SearchOrFail(*index, rows.view(), {.k = 1, .index = IndexKind::kExact, .threads = 2});
  for (const IndexKind kind : {IndexKind::kGraph, IndexKind::kForest}) {
    if (!index->info().has(kind)) continue;
    SCOPED_TRACE(IndexKindName(kind));
    const SearchResult found =
        SearchOrFail(*index, rows.view(), {.k = 1, .index = kind, .effort = 150, .threads = 2});
    for (size_t r = 0; r < n && metric != Metric::kDot; ++r) {
      EXPECT_EQ(found.distances[r], exact.distances[r]) << "row " << r;
    }
    // Every one can be found: nothing is lost, nothing is there twice.
    const SearchResult all = SearchOrFail(
        *index, rows.Row(0), {.k = n, .index = kind, .effort = static_cast<int64_t>(n)});
    std::vector<int64_t> sorted = all.ids;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, ids);
  }
}

std::string NameOf(const ::testing::TestParamInfo<Param>& info) {
  const char* const ways[] = {"packed", "compact", "forest", "both"};
  return std::get<0>(info.param) + "_" + ways[static_cast<int>(std::get<1>(info.param))] + "_" +
         MetricName(std::get<2>(info.param));
}

INSTANTIATE_TEST_SUITE_P(
    Euclidean, HeldOutTest,
    ::testing::Combine(::testing::Values("few", "least", "odd", "many", "copies", "pairs", "equal",
                                         "zeros", "half_zeros"),
                       ::testing::Values(Ways::kPacked, Ways::kCompact, Ways::kForest, Ways::kBoth),
                       ::testing::Values(Metric::kEuclidean)),
    NameOf);
INSTANTIATE_TEST_SUITE_P(Angular, HeldOutTest,
                         ::testing::Combine(::testing::Values("odd", "copies", "half_zeros"),
                                            ::testing::Values(Ways::kPacked, Ways::kForest,
                                                              Ways::kBoth),
                                            ::testing::Values(Metric::kAngular)),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Dot, HeldOutTest,
                         ::testing::Combine(::testing::Values("half_zeros", "zeros"),
                                            ::testing::Values(Ways::kBoth),
                                            ::testing::Values(Metric::kDot)),
                         NameOf);

}  // namespace
}  // namespace kith
