// A stop token ends long calls: "cancelled", and nothing left behind.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "annoy/annoy_util.h"
#include "index/index_checks.h"
#include "kith/annoy.h"
#include "kith/eval.h"
#include "kith/index.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::ExpectSameAnswers;
using testing::Matrix;
using testing::ReadFile;
using testing::SearchOrFail;
using testing::TempDir;

void ExpectCancelled(const Status& status) {
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "cancelled");
}

// A call that reports progress. How it is ended:
enum class Way {
  kAnswer,         // progress answers false
  kOwnThread,      // the token, from within progress
  kAnotherThread,  // the token, from another thread, while progress waits for it
};

using Call = std::function<Status(std::stop_token stop, const Progress& progress)>;

// Ends the call at its report number `at`. Returns its status, and in *reached whether there was
// one.
Status EndAt(int at, Way way, const Call& call, bool* reached) {
  std::stop_source source;
  std::atomic<int> reports = 0;
  const Progress progress = [&](std::string_view, uint64_t, uint64_t) {
    if (reports++ != at) return true;
    if (way == Way::kAnswer) return false;
    if (way == Way::kOwnThread) source.request_stop();
    if (way == Way::kAnotherThread) std::thread([&] { source.request_stop(); }).join();
    return true;
  };
  const Status status = call(source.get_token(), progress);
  *reached = reports > at;
  return status;
}

// Ends the call at each of its reports in turn, as far as `most`, in each way, and asks `check`
// after each.
void EndEverywhere(int most, const Call& call, const std::function<void()>& check) {
  std::atomic<int> reports = 0;
  ASSERT_TRUE(call({}, [&](std::string_view, uint64_t, uint64_t) {
                ++reports;
                return true;
              }).ok());
  const int last = reports;
  ASSERT_GT(last, 0);
  for (const Way way : {Way::kAnswer, Way::kOwnThread, Way::kAnotherThread}) {
    for (int i = 0; i < std::min(most, last); ++i) {
      const int at = i * last / std::min(most, last);
      SCOPED_TRACE(::testing::Message() << "way " << static_cast<int>(way) << ", report " << at);
      bool reached = false;
      const Status status = EndAt(at, way, call, &reached);
      // Work that other threads took is not reported: there may be fewer than the last time.
      if (at > 0 && !reached && status.ok()) continue;
      ExpectCancelled(status);
      check();
      if (::testing::Test::HasFailure()) return;
    }
  }
}

// Of every kind of file, on one thread and several.
class StopTest : public ::testing::TestWithParam<int> {
 protected:
  static constexpr size_t kRows = 700;
  static constexpr size_t kDim = 24;
  static int threads() { return GetParam(); }

  std::string Path() const { return dir_.File("x.kith"); }

  void ExpectNoBuild(const BuildOptions& options) {
    const auto build = [&](std::stop_token stop, const Progress& progress) {
      BuildOptions own = options;
      own.threads = threads();
      own.stop = std::move(stop);
      own.progress = progress;
      return BuildIndex(rows_.view(), Path(), own);
    };
    EndEverywhere(
        4,
        [&](std::stop_token stop, const Progress& progress) {
          const Status status = build(std::move(stop), progress);
          if (status.ok()) std::filesystem::remove(Path());
          return status;
        },
        [&] { EXPECT_EQ(dir_.NumFiles(), 0u); });
    std::stop_source before;
    before.request_stop();
    ExpectCancelled(build(before.get_token(), {}));
    EXPECT_EQ(dir_.NumFiles(), 0u);
  }

  std::unique_ptr<Index> BuildBoth() {
    BuildOptions options;
    options.paths = {GraphOptions{}, ForestOptions{}};
    options.threads = threads();
    return BuildAndOpen(Path(), rows_, options);
  }

  TempDir dir_;
  Matrix rows_ = Matrix::Random(DataType::kF32, kRows, kDim, 1);
  Matrix queries_ = Matrix::Random(DataType::kF32, 300, kDim, 2);
};

TEST_P(StopTest, BuildsOfAllKinds) {
  ExpectNoBuild({.paths = {ExactOptions{.codes = true}}});
  ExpectNoBuild({.paths = {GraphOptions{.layout = GraphLayout::kPacked}}});
  ExpectNoBuild({.metric = Metric::kDot, .paths = {GraphOptions{.layout = GraphLayout::kCompact}}});
  ExpectNoBuild({.paths = {ForestOptions{}}});
  ExpectNoBuild({.paths = {GraphOptions{}, ForestOptions{}}});
}

TEST_P(StopTest, AnOlderFileStays) {
  ASSERT_NE(BuildBoth(), nullptr);
  const std::string before = ReadFile(Path());
  std::stop_source source;
  BuildOptions options;
  options.paths = {GraphOptions{}};
  options.threads = threads();
  options.stop = source.get_token();
  options.progress = [&](std::string_view stage, uint64_t, uint64_t) {
    if (stage == "writing") source.request_stop();
    return true;
  };
  ExpectCancelled(BuildIndex(rows_.view(), Path(), options));
  EXPECT_EQ(dir_.NumFiles(), 1u);
  EXPECT_TRUE(ReadFile(Path()) == before);
}

TEST_P(StopTest, Searches) {
  const auto index = BuildBoth();
  ASSERT_NE(index, nullptr);
  for (const IndexKind kind : {IndexKind::kExact, IndexKind::kGraph, IndexKind::kForest}) {
    std::stop_source source;
    source.request_stop();
    SearchParams params{.k = 10, .index = kind, .threads = threads()};
    const SearchResult whole = SearchOrFail(*index, queries_.view(), params);
    params.stop = source.get_token();
    SearchResult found;
    ExpectCancelled(index->Search(queries_.view(), params, &found));
    ExpectCancelled(index->Search(queries_.Row(0), params, &found));
    params.stop = {};
    ExpectSameAnswers(SearchOrFail(*index, queries_.view(), params), whole);
  }
}

// One that would go on for minutes, and ends with the test instead.
TEST_P(StopTest, ASearchThatIsGoingOn) {
  const auto index = BuildBoth();
  ASSERT_NE(index, nullptr);
  const Matrix one = Matrix::Random(DataType::kF32, 1, kDim, 2);
  // The same query over and over.
  const MatrixView many{one.view().data, 4'000'000, kDim, 0, DataType::kF32};
  for (const IndexKind kind : {IndexKind::kExact, IndexKind::kGraph, IndexKind::kForest}) {
    std::stop_source source;
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      source.request_stop();
    });
    SearchResult found;
    const SearchParams params{
        .k = 1, .index = kind, .threads = threads(), .stop = source.get_token()};
    ExpectCancelled(index->Search(many, params, &found));
    stopper.join();
  }
}

TEST_P(StopTest, Calibrations) {
  ASSERT_NE(BuildBoth(), nullptr);
  const std::string before = ReadFile(Path());
  EndEverywhere(
      4,
      [&](std::stop_token stop, const Progress& progress) {
        CalibrateOptions options{.ks = {1, 5}, .output = "", .threads = threads()};
        options.stop = std::move(stop);
        options.progress = progress;
        const Status status = CalibrateIndex(Path(), queries_.view(), options);
        // In a file of its own, for others may have the old one mapped.
        if (!status.ok()) return status;
        testing::WriteFile(dir_.File("old"), before);
        std::filesystem::rename(dir_.File("old"), Path());
        return status;
      },
      [&] {
        EXPECT_EQ(dir_.NumFiles(), 1u);
        EXPECT_TRUE(ReadFile(Path()) == before);
      });
}

TEST_P(StopTest, Evaluations) {
  const auto index = BuildBoth();
  ASSERT_NE(index, nullptr);
  EndEverywhere(
      3,
      [&](std::stop_token stop, const Progress& progress) {
        EvalOptions options;
        options.paths = {IndexKind::kGraph};
        options.efforts = {10, 20};
        options.threads = threads();
        options.stop = std::move(stop);
        options.progress = progress;
        return Evaluate(*index, queries_.view(), nullptr, options).status();
      },
      [] {});
}

TEST_P(StopTest, GroundTruth) {
  // More queries than are searched between two reports.
  const MatrixView many{queries_.view().data, 9000, kDim, 0, DataType::kF32};
  EndEverywhere(
      4,
      [&](std::stop_token stop, const Progress& progress) {
        return ComputeGroundTruth(rows_.view(), many, Metric::kDot, 3, threads(), progress,
                                  std::move(stop))
            .status();
      },
      [] {});
}

TEST_P(StopTest, Verifying) {
  const auto index = BuildBoth();
  ASSERT_NE(index, nullptr);
  std::stop_source source;
  EXPECT_TRUE(VerifyIndex(*index, {.stop = source.get_token()}).ok());
  source.request_stop();
  ExpectCancelled(VerifyIndex(*index, {.stop = source.get_token()}));
  ExpectCancelled(VerifyIndex(Path(), {.stop = source.get_token()}));
}

TEST_P(StopTest, AnnoyBuildsAndSearches) {
  const auto vectors = testing::RandomVectors(Metric::kAngular, 3000, 10, 1);
  for (const bool on_disk : {false, true}) {
    const auto index = testing::NewIndex(Metric::kAngular, 10);
    const std::string path = dir_.File("x.ann");
    if (on_disk) ASSERT_TRUE(index->OnDiskBuild(path).ok());
    testing::AddAll(vectors, index.get());
    index->SetSeed(1);
    EndEverywhere(
        4,
        [&](std::stop_token stop, const Progress& progress) {
          const Status status = index->Build(6, threads(), progress, std::move(stop));
          if (status.ok()) EXPECT_TRUE(index->Unbuild().ok());
          return status;
        },
        [&] { EXPECT_EQ(index->state(), AnnoyState::kItems); });
    // What is built after that is what would have been.
    ASSERT_TRUE(index->Build(6, threads()).ok());
    EXPECT_TRUE(testing::BytesOf(*index) ==
                testing::BytesOf(*testing::BuiltIndex(Metric::kAngular, vectors, 6)));
    std::stop_source source;
    source.request_stop();
    int64_t id = 0;
    ExpectCancelled(index->SearchBatch(vectors[0].data(), 1, 1, -1, threads(), &id, nullptr,
                                       source.get_token()));
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, StopTest, ::testing::Values(1, 3));

}  // namespace
}  // namespace kith
