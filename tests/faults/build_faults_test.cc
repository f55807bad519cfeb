// Building without enough memory: OutOfMemory, and nothing left behind.
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "faults/failing_memory.h"
#include "faults/sweep.h"
#include "index/index_checks.h"
#include "kith/eval.h"
#include "kith/index.h"
#include "kith/plan.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::Matrix;
using testing::NoThreads;
using testing::ReadFile;
using testing::Sweep;
using testing::TempDir;

struct Kind {
  std::string_view name;
  Metric metric;
  DataType dtype;
  std::vector<PathSpec> paths;
  size_t rows;
  bool calibrate = false;
};
std::ostream& operator<<(std::ostream& out, const Kind& kind) { return out << kind.name; }

const Kind kKinds[] = {
    {"exact_with_codes", Metric::kAngular, DataType::kF32, {ExactOptions{.codes = true}}, 300},
    {"packed_graph",
     Metric::kEuclidean,
     DataType::kU8,
     {GraphOptions{.layout = GraphLayout::kPacked}},
     300},
    {"graph_of_dot", Metric::kDot, DataType::kF32, {GraphOptions{}}, 300},
    {"compact_graph", Metric::kHamming, DataType::kBit, {GraphOptions{}}, 300},
    {"forest", Metric::kEuclidean, DataType::kF32, {ForestOptions{.num_trees = 3}}, 300},
    {"both_calibrated",
     Metric::kAngular,
     DataType::kF32,
     {GraphOptions{}, ForestOptions{.num_trees = 3}},
     520,
     true},
};

class BuildFaultsTest : public ::testing::TestWithParam<std::tuple<Kind, int>> {
 protected:
  static const Kind& kind() { return std::get<0>(GetParam()); }

  BuildFaultsTest() : rows_(Matrix::Random(kind().dtype, kind().rows, 24, 1)) {
    for (size_t i = 0; i < kind().rows; ++i) keys_.Add("key " + std::to_string(i));
    options_.metric = kind().metric;
    options_.dtype = kind().dtype;
    options_.paths = kind().paths;
    options_.calibrate = kind().calibrate;
    options_.threads = std::get<1>(GetParam());
    options_.keys = &keys_;
  }

  TempDir dir_;
  Matrix rows_;
  StringList keys_;
  BuildOptions options_;
};

TEST_P(BuildFaultsTest, TheFileIsThereOrNothingIs) {
  const std::string path = dir_.File("x.kith");
  ASSERT_TRUE(BuildIndex(rows_.view(), path, options_).ok());
  const std::string whole = ReadFile(path);
  std::filesystem::remove(path);
  Sweep(
      24, [&] { return BuildIndex(rows_.view(), path, options_); },
      [&](const Status& status) {
        if (!status.ok()) {
          ASSERT_EQ(dir_.NumFiles(), 0u);
          return;
        }
        ASSERT_EQ(dir_.NumFiles(), 1u);
        ASSERT_TRUE(ReadFile(path) == whole);
        std::filesystem::remove(path);
      });
}

TEST_P(BuildFaultsTest, InMemory) {
  std::unique_ptr<Index> index;
  Sweep(
      6,
      [&] {
        auto built = BuildIndexInMemory(rows_.view(), options_);
        if (built.ok()) index = std::move(built).value();
        return built.status();
      },
      [&](const Status& status) {
        if (status.ok()) ASSERT_TRUE(VerifyIndex(*index).ok());
        index.reset();
      });
}

INSTANTIATE_TEST_SUITE_P(All, BuildFaultsTest,
                         ::testing::Combine(::testing::ValuesIn(kKinds), ::testing::Values(1, 3)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param).name) + "_" +
                                  std::to_string(std::get<1>(test.param)) + "_threads";
                         });

TEST(BuildFaultsOfFilesTest, AnOlderFileStays) {
  const TempDir dir;
  const Matrix rows = Matrix::Random(DataType::kF32, 200, 8, 1);
  const std::string path = dir.File("x.kith");
  BuildOptions options;
  options.paths = {GraphOptions{}};
  ASSERT_TRUE(BuildIndex(rows.view(), path, options).ok());
  const std::string before = ReadFile(path);
  options.seed = 7;
  Sweep(
      8, [&] { return BuildIndex(rows.view(), path, options); },
      [&](const Status& status) {
        ASSERT_EQ(dir.NumFiles(), 1u);
        const bool same = ReadFile(path) == before;
        ASSERT_NE(same, status.ok());
        if (!same) testing::WriteFile(path, before);
      });
}

// A process that may start no more threads gets its work done by those it has.
TEST(BuildFaultsOfFilesTest, WithoutThreads) {
  if (!NoThreads::works()) GTEST_SKIP() << "the sanitizer starts threads itself";
  const TempDir dir;
  const Matrix rows = Matrix::Random(DataType::kF32, 600, 8, 1);
  BuildOptions options;
  options.paths = {GraphOptions{}, ForestOptions{}};
  options.threads = 3;
  ASSERT_TRUE(BuildIndex(rows.view(), dir.File("many"), options).ok());
  {
    const NoThreads none;
    ASSERT_TRUE(BuildIndex(rows.view(), dir.File("one"), options).ok());
  }
  EXPECT_TRUE(ReadFile(dir.File("many")) == ReadFile(dir.File("one")));
}

TEST(BuildFaultsOfFilesTest, Plans) {
  const BuildOptions options;
  Sweep(
      10, [&] { return PlanBuild(1'000'000, 128, DataType::kF32, options).status(); },
      [](const Status&) {});
}

class TruthFaultsTest : public ::testing::TestWithParam<int> {};

TEST_P(TruthFaultsTest, IsWholeOrNothing) {
  const Matrix rows = Matrix::Random(DataType::kF32, 500, 20, 1);
  const Matrix queries = Matrix::Random(DataType::kF32, 40, 20, 2);
  const auto find = [&] {
    return ComputeGroundTruth(rows.view(), queries.view(), Metric::kAngular, 7, GetParam());
  };
  const auto whole = find();
  ASSERT_TRUE(whole.ok());
  GroundTruth found;
  Sweep(
      40,
      [&] {
        auto truth = find();
        if (truth.ok()) found = std::move(truth).value();
        return truth.status();
      },
      [&](const Status& status) {
        if (status.ok()) ASSERT_EQ(found.ids, whole->ids);
      });
}

INSTANTIATE_TEST_SUITE_P(Threads, TruthFaultsTest, ::testing::Values(1, 3));

}  // namespace
}  // namespace kith
