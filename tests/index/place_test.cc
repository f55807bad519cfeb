// Files whose names mean something else by now: what is rewritten is the file that was opened.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "child.h"
#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/calibration.h"
#include "kith/index.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::InDirectory;
using testing::Matrix;
using testing::ReadFile;
using testing::TempDir;
using testing::WriteFile;

void ExpectError(const Status& status, StatusCode code, const std::vector<std::string>& words) {
  EXPECT_EQ(status.code(), code) << status.message();
  for (const std::string& word : words) {
    EXPECT_NE(status.message().find(word), std::string::npos) << status.message();
  }
}

class PlaceTest : public ::testing::Test {
 protected:
  PlaceTest()
      : rows_(Matrix::Random(DataType::kF32, 700, 12, 3)),
        queries_(Matrix::Random(DataType::kF32, 60, 12, 4)) {
    options_.metric = Metric::kEuclidean;
    options_.paths = {ForestOptions{}};
    EXPECT_EQ(mkdir(dir_.File("one").c_str(), 0755), 0);
    EXPECT_EQ(mkdir(dir_.File("two").c_str(), 0755), 0);
    WriteFile(dir_.File("two/x.kith"), "another's");
  }

  // Of one/x.kith, opened by a relative name.
  std::unique_ptr<Index> Open() {
    const InDirectory in(dir_.File("one"));
    return BuildAndOpen("x.kith", rows_, options_);
  }

  const TempDir dir_;
  const Matrix rows_;
  const Matrix queries_;
  BuildOptions options_;
};

TEST_F(PlaceTest, AnIndexKnowsWhereItWasOpened) {
  const auto index = Open();
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(index->info().path, "x.kith");
  EXPECT_EQ(index->info().absolute_path, std::filesystem::canonical(dir_.File("one/x.kith")));
  const auto memory = BuildIndexInMemory(rows_.view(), options_);
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ((*memory)->info().absolute_path, "");
}

TEST_F(PlaceTest, CalibratingRewritesTheFileThatWasOpened) {
  const auto index = Open();
  ASSERT_NE(index, nullptr);
  const std::string before = ReadFile(dir_.File("one/x.kith"));
  const InDirectory in(dir_.File("two"));
  const auto calibrated = CalibrateIndex(*index, queries_.view(), {.ks = {5}});
  ASSERT_TRUE(calibrated.ok()) << calibrated.status().message();
  EXPECT_EQ(ReadFile("x.kith"), "another's");
  EXPECT_NE(ReadFile(dir_.File("one/x.kith")), before);
  const IndexInfo& info = (*calibrated)->info();
  EXPECT_EQ(info.calibration.source, CalibrationSource::kQueries);
  EXPECT_EQ(info.absolute_path, index->info().absolute_path);
  EXPECT_EQ(info.build_seconds, index->info().build_seconds);
  EXPECT_EQ(OpenIndex(info.absolute_path).value()->info().build_seconds, info.build_seconds);
  // The new one is the file's by now; the old one may rewrite it no more.
  EXPECT_TRUE(CalibrateIndex(**calibrated, queries_.view(), {.ks = {4}}).ok());
  ExpectError(CalibrateIndex(*index, queries_.view(), {.ks = {4}}).status(), StatusCode::kIoError,
              {"x.kith", "another file than the one that was opened"});
}

TEST_F(PlaceTest, AFileThatCameMeanwhileIsNotReplaced) {
  const auto index = Open();
  ASSERT_NE(index, nullptr);
  const std::string path = dir_.File("one/x.kith");
  const std::string before = ReadFile(path);
  for (const bool by_path : {false, true}) {
    WriteFile(dir_.File("old"), before);
    if (by_path) std::filesystem::rename(dir_.File("old"), path);
    CalibrateOptions options{.ks = {5}};
    options.progress = [&](std::string_view, uint64_t, uint64_t) {
      WriteFile(dir_.File("new"), "theirs");
      std::filesystem::rename(dir_.File("new"), path);
      return true;
    };
    const Status status = by_path ? CalibrateIndex(path, queries_.view(), options)
                                  : CalibrateIndex(*index, queries_.view(), options).status();
    ExpectError(status, StatusCode::kIoError, {"x.kith", "another file"});
    EXPECT_EQ(ReadFile(path), "theirs");
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_.File("one")), {}), 1);
}

TEST_F(PlaceTest, AnOutputMeansWhatItMeantAtTheBeginning) {
  const auto index = Open();
  ASSERT_NE(index, nullptr);
  const InDirectory in(dir_.File("one"));
  CalibrateOptions options{.ks = {5}, .output = "y.kith"};
  options.progress = [&](std::string_view, uint64_t, uint64_t) {
    return chdir(dir_.File("two").c_str()) == 0;
  };
  const auto calibrated = CalibrateIndex(*index, queries_.view(), options);
  ASSERT_TRUE(calibrated.ok()) << calibrated.status().message();
  EXPECT_FALSE(std::filesystem::exists(dir_.File("two/y.kith")));
  EXPECT_EQ((*calibrated)->info().absolute_path,
            std::filesystem::canonical(dir_.File("one/y.kith")));
}

// The note of how long it took is the new file's too, not one of a file of this name elsewhere.
TEST_F(PlaceTest, ABuildEndsWhereItBegan) {
  const InDirectory in(dir_.File("one"));
  options_.progress = [&](std::string_view, uint64_t, uint64_t) {
    return chdir(dir_.File("two").c_str()) == 0;
  };
  ASSERT_TRUE(BuildIndex(rows_.view(), "x.kith", options_).ok());
  EXPECT_EQ(ReadFile(dir_.File("two/x.kith")), "another's");
  const auto index = OpenIndex(dir_.File("one/x.kith"));
  ASSERT_TRUE(index.ok());
  const auto here = BuildAndOpen(dir_.File("z.kith"), rows_, options_);
  ASSERT_NE(here, nullptr);
  EXPECT_EQ((*index)->info().build_seconds < 0, here->info().build_seconds < 0);
  if (here->info().build_seconds < 0) GTEST_SKIP() << "this file system has no attributes";
}

TEST_F(PlaceTest, AnIndexInMemoryIsCalibratedThere) {
  const auto memory = BuildIndexInMemory(rows_.view(), options_);
  ASSERT_TRUE(memory.ok());
  const auto calibrated = CalibrateIndex(**memory, queries_.view(), {.ks = {5}});
  ASSERT_TRUE(calibrated.ok()) << calibrated.status().message();
  EXPECT_TRUE((*calibrated)->info().in_memory);
  EXPECT_EQ((*calibrated)->info().calibration.source, CalibrationSource::kQueries);
  const auto written =
      CalibrateIndex(**memory, queries_.view(), {.ks = {5}, .output = dir_.File("m.kith")});
  ASSERT_TRUE(written.ok()) << written.status().message();
  EXPECT_FALSE((*written)->info().in_memory);
  EXPECT_TRUE(VerifyIndex(dir_.File("m.kith")).ok());
}

TEST_F(PlaceTest, SavingAndReadingAheadEndWhenAsked) {
  const auto index = Open();
  ASSERT_NE(index, nullptr);
  std::stop_source stop;
  const std::string copy = dir_.File("copy.kith");
  ASSERT_TRUE(SaveIndex(*index, copy, stop.get_token()).ok());
  ASSERT_TRUE(OpenIndex(copy, {.prefault = true, .stop = stop.get_token()}).ok());
  const std::string before = ReadFile(copy);
  stop.request_stop();
  for (const Status& status :
       {SaveIndex(*index, copy, stop.get_token()),
        SaveIndex(*index, dir_.File("c"), stop.get_token()),
        OpenIndex(copy, {.prefault = true, .stop = stop.get_token()}).status()}) {
    ExpectError(status, StatusCode::kInvalidArgument, {"cancelled"});
  }
  EXPECT_EQ(ReadFile(copy), before);
  EXPECT_EQ(dir_.NumFiles(), 3u);
}

}  // namespace
}  // namespace kith
