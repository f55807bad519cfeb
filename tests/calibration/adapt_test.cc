// Edges for queries of another kind than the vectors: what they are worth, and what does no harm.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/calibration.h"
#include "kith/index.h"
#include "matrix.h"
#include "paths.h"
#include "scan_data.h"
#include "status_checks.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::ExpectError;
using testing::Matrix;
using testing::Mixture;
using testing::Part;
using testing::ReadFile;
using testing::TempDir;

constexpr size_t kRows = 10000;
constexpr size_t kSamples = 400;
constexpr size_t kUnseen = 2000;
constexpr size_t kDim = 96;

// Vectors of which a third is missing: they lie apart from the others, and near to none.
Matrix Torn(Matrix whole) {
  for (size_t r = 0; r < whole.rows(); ++r) {
    for (size_t c = 0; c < whole.dim(); c += 3) whole.Set(r, c, 0);
  }
  return whole;
}

Matrix Same(size_t count, double value) {
  Matrix same(DataType::kF32, count, kDim);
  for (size_t r = 0; r < count; ++r) {
    for (size_t c = 0; c < kDim; ++c) same.Set(r, c, value * static_cast<double>(c % 3));
  }
  return same;
}

uint64_t AddedEdges(const Index& index) {
  for (const PathInfo& path : index.info().paths) {
    for (const PathInfo::Property& p : path.properties) {
      if (p.name == "adapted_edges") return p.number;
    }
  }
  return 0;
}

class AdaptTest : public ::testing::Test {
 protected:
  // Made once.
  static const Matrix& All() {
    static const Matrix all = Mixture(kRows + kSamples + 2 * kUnseen, kDim, 1, 40, 3);
    return all;
  }
  static const Matrix& Rows() {
    static const Matrix rows = Part(All(), 0, kRows);
    return rows;
  }
  static const Matrix& Samples() {
    static const Matrix samples = Torn(Part(All(), kRows, kSamples));
    return samples;
  }
  static const Matrix& Unseen() {
    static const Matrix unseen = Torn(Part(All(), kRows + kSamples, kUnseen));
    return unseen;
  }
  // Of the same kind as the vectors.
  static const Matrix& Own() {
    static const Matrix own = Part(All(), kRows + kSamples + kUnseen, kUnseen);
    return own;
  }

  std::unique_ptr<Index> Build(GraphLayout layout, Metric metric = Metric::kEuclidean,
                               size_t rows = kRows) {
    BuildOptions options;
    options.metric = metric;
    options.calibrate = false;
    options.paths = {GraphOptions{.layout = layout}};
    options.threads = 2;
    return testing::BuildAndOpen(Path(), Part(Rows(), 0, rows), options);
  }
  // The visits that a recall@10 takes, between those of two efforts.
  static double Visits(const Index& index, const Matrix& queries, double recall) {
    constexpr size_t kNearest = 10;
    const SearchResult truth =
        testing::SearchOrFail(index, queries.view(), {.k = kNearest, .index = IndexKind::kExact});
    double last_recall = 0;
    double last_visits = 0;
    for (int64_t effort = kNearest; effort < 1000; effort += 1 + effort / 4) {
      const SearchResult found = testing::SearchOrFail(
          index, queries.view(), {.k = kNearest, .index = IndexKind::kGraph, .effort = effort});
      size_t hits = 0;
      for (size_t q = 0; q < queries.rows(); ++q) {
        const float limit = truth.distances[q * kNearest + kNearest - 1];
        for (size_t i = 0; i < kNearest; ++i) {
          hits += found.distances[q * kNearest + i] <= limit * 1.0001f ? 1 : 0;
        }
      }
      const auto count = static_cast<double>(queries.rows());
      const double now = static_cast<double>(hits) / (kNearest * count);
      const double visits = static_cast<double>(found.stats.nodes) / count;
      if (now >= recall) {
        const double part = (recall - last_recall) / (now - last_recall);
        return last_visits + part * (visits - last_visits);
      }
      last_recall = now;
      last_visits = visits;
    }
    ADD_FAILURE() << "recall " << recall << " is not reached";
    return 0;
  }
  std::string Path() const { return dir_.File("x.kith"); }

  TempDir dir_;
};

TEST_F(AdaptTest, UnseenQueriesOfTheKindVisitFewerNodes) {
  for (const GraphLayout layout : {GraphLayout::kPacked, GraphLayout::kCompact}) {
    SCOPED_TRACE(GraphLayoutName(layout));
    const auto before = Build(layout);
    ASSERT_NE(before, nullptr);
    const auto bytes = ReadFile(Path()).size();
    const Status status = CalibrateIndex(Path(), Samples().view(), {.adapt = true});
    ASSERT_TRUE(status.ok()) << status.message();
    const auto after = OpenIndex(Path());
    ASSERT_TRUE(after.ok()) << after.status().message();
    EXPECT_GT(AddedEdges(**after), 0u);
    EXPECT_EQ((*after)->info().calibration.num_queries, kSamples / 2);
    EXPECT_TRUE(VerifyIndex(Path()).ok()) << VerifyIndex(Path()).message();
    // But for the calibration, which the file had not.
    EXPECT_LT(static_cast<double>(ReadFile(Path()).size()),
              1.02 * static_cast<double>(bytes) + 65536);
    for (const double recall : {0.9, 0.95}) {
      EXPECT_LT(Visits(**after, Unseen(), recall), 0.85 * Visits(*before, Unseen(), recall));
      EXPECT_LT(Visits(**after, Own(), recall), 1.03 * Visits(*before, Own(), recall));
    }
  }
}

TEST_F(AdaptTest, TheFileIsTheSameForAnyNumberOfThreads) {
  ASSERT_NE(Build(GraphLayout::kPacked, Metric::kEuclidean, 4000), nullptr);
  for (const int threads : {1, 2}) {
    const Status status = CalibrateIndex(Path(), Samples().view(),
                                         {.ks = {10},
                                          .output = dir_.File(std::to_string(threads)),
                                          .threads = threads,
                                          .adapt = true});
    ASSERT_TRUE(status.ok()) << status.message();
  }
  EXPECT_TRUE(ReadFile(dir_.File("1")) == ReadFile(dir_.File("2")));
}

// Whatever is given, own queries find no less for as many visits.
TEST_F(AdaptTest, FoolishQueriesDoNoHarm) {
  const auto before = Build(GraphLayout::kCompact, Metric::kAngular, 3000);
  ASSERT_NE(before, nullptr);
  const double visits = Visits(*before, Own(), 0.95);
  const Matrix stored = Part(Rows(), 100, 64);
  for (const Matrix& queries : {Same(64, 1), Same(64, 0), Same(64, 1e-30), stored}) {
    const auto after =
        CalibrateInMemory(*before, queries.view(), {.ks = {10}, .threads = 2, .adapt = true});
    ASSERT_TRUE(after.ok()) << after.status().message();
    EXPECT_LT(Visits(**after, Own(), 0.95), 1.03 * visits);
    EXPECT_TRUE(VerifyIndex(**after).ok()) << VerifyIndex(**after).message();
  }
}

TEST_F(AdaptTest, ErrorsSayWhatToDo) {
  ASSERT_NE(Build(GraphLayout::kCompact, Metric::kEuclidean, 2000), nullptr);
  const std::string bytes = ReadFile(Path());
  const auto expect = [&](const Matrix& queries, const char* part) {
    ExpectError(CalibrateIndex(Path(), queries.view(), {.adapt = true}),
                StatusCode::kInvalidArgument, part);
  };
  expect(Part(Samples(), 0, 10), "at least 64");
  expect(Part(Samples(), 0, 63), "at least 64");
  expect(Mixture(100, kDim + 1, 3, 3, 1), "dimension 97");
  Matrix queries = Samples();
  queries.Set(40, 3, std::numeric_limits<double>::quiet_NaN());
  expect(queries, "queries: ");
  EXPECT_TRUE(ReadFile(Path()) == bytes);
}

TEST_F(AdaptTest, AForestIsMeasuredOnly) {
  BuildOptions options;
  options.metric = Metric::kEuclidean;
  options.calibrate = false;
  testing::AskFor(false, true, &options);
  const auto before = testing::BuildAndOpen(Path(), Part(Rows(), 0, 3000), options);
  ASSERT_NE(before, nullptr);
  const auto with = CalibrateInMemory(*before, Samples().view(), {.ks = {10}, .adapt = true});
  const auto without = CalibrateInMemory(*before, Samples().view(), {.ks = {10}});
  ASSERT_TRUE(with.ok() && without.ok());
  EXPECT_TRUE(std::ranges::equal((*with)->Bytes(), (*without)->Bytes()));
}

}  // namespace
}  // namespace kith
