// What BuildIndex refuses, what it stores, and what OpenIndex says of it.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "paths.h"
#include "simd/kernels.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::ExpectSameAnswers;
using testing::Matrix;
using testing::SearchOrFail;
using testing::TempDir;

class BuildErrorsTest : public ::testing::Test {
 protected:
  // Nothing may be left behind by a build that failed.
  void Expect(const Matrix& rows, const BuildOptions& options, StatusCode code,
              const std::vector<std::string>& parts) {
    for (const bool forest : {false, true}) {
      BuildOptions either = options;
      testing::AskFor(false, forest, &either);
      const Status status = BuildIndex(rows.view(), dir_.File("x.kith"), either);
      EXPECT_EQ(status.code(), code) << status.message();
      for (const std::string& part : parts) {
        EXPECT_NE(status.message().find(part), std::string::npos)
            << "'" << part << "' not in: " << status.message();
      }
      EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
      EXPECT_EQ(dir_.NumFiles(), 0u);
    }
  }
  TempDir dir_;
};

TEST_F(BuildErrorsTest, Shapes) {
  Expect(Matrix(DataType::kF32, 0, 3), {}, StatusCode::kInvalidArgument, {"empty"});
  Expect(Matrix(DataType::kF32, 3, 0), {}, StatusCode::kInvalidArgument, {"dimension 0"});
  Expect(Matrix(DataType::kU8, 1, kMaxDim + 1), {}, StatusCode::kInvalidArgument,
         {"dimension 65537"});
}

TEST_F(BuildErrorsTest, ValuesThatAreNotFinite) {
  for (const DataType dtype : {DataType::kF32, DataType::kF16, DataType::kBF16}) {
    Matrix rows = Matrix::Random(dtype, 20, 7, 1);
    rows.Set(13, 5, std::nan(""));
    rows.Set(17, 2, HUGE_VAL);
    Expect(rows, {}, StatusCode::kInvalidArgument, {"row 13", "column 5", "NaN"});
    rows.Set(13, 5, 0);
    Expect(rows, {}, StatusCode::kInvalidArgument, {"row 17", "column 2", "infinite"});
  }
}

TEST_F(BuildErrorsTest, NormsThatOverflow) {
  Matrix rows = Matrix::Random(DataType::kF32, 3000, 3, 1);
  rows.Set(2100, 1, 1e25);
  rows.Set(1500, 0, 1e19);
  for (const Metric metric : {Metric::kAngular, Metric::kEuclidean, Metric::kDot}) {
    BuildOptions options;
    options.metric = metric;
    options.threads = 3;
    Expect(rows, options, StatusCode::kInvalidArgument, {"row 1500", "too large", "scale"});
  }
}

TEST_F(BuildErrorsTest, ValuesThatTheTypeDoesNotHold) {
  Matrix rows(DataType::kF32, 6, 4);
  BuildOptions options;
  rows.Set(2, 3, 0.5);
  for (const DataType dtype : {DataType::kU8, DataType::kI8, DataType::kBit}) {
    options.dtype = dtype;
    Expect(rows, options, StatusCode::kInvalidArgument,
           {"row 2", "column 3", "0.5", DataTypeName(dtype)});
  }
  rows.Set(2, 3, 1e6);
  options.dtype = DataType::kF16;
  Expect(rows, options, StatusCode::kInvalidArgument, {"row 2", "column 3", "1000000", "f16"});
}

TEST_F(BuildErrorsTest, KeysAndIds) {
  const Matrix rows = Matrix::Random(DataType::kU8, 3, 4, 1);
  StringList keys;
  keys.Add("one");
  keys.Add("two");
  BuildOptions options;
  options.keys = &keys;
  Expect(rows, options, StatusCode::kInvalidArgument, {"3 vectors", "2 keys"});
  options.keys = nullptr;
  const auto ids = [&](const std::vector<int64_t>& given, const std::vector<std::string>& parts) {
    options.ids = &given;
    Expect(rows, options, StatusCode::kInvalidArgument, parts);
  };
  ids({1, 2, 3, 4}, {"3 vectors", "4 ids"});
  ids({}, {"3 vectors", "0 ids"});
  ids({5, 9, 5}, {"rows 0 and 2", "id 5", "unique"});
  ids({5, -1, 6}, {"row 1", "-1"});
}

TEST_F(BuildErrorsTest, Places) {
  const Matrix rows = Matrix::Random(DataType::kU8, 3, 4, 1);
  EXPECT_EQ(BuildIndex(rows.view(), dir_.File("none/x.kith"), {}).code(), StatusCode::kNotFound);
  const Status status = BuildIndex(rows.view(), dir_.path(), {});
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.message();
  EXPECT_NE(status.message().find(dir_.path()), std::string::npos) << status.message();
  EXPECT_EQ(OpenIndex(dir_.File("x.kith")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(VerifyIndex(dir_.File("x.kith")).code(), StatusCode::kNotFound);
}

TEST_F(BuildErrorsTest, Cancelled) {
  const Matrix rows = Matrix::Random(DataType::kU8, 300, 4, 1);
  for (const int stop_at : {0, 1}) {
    int calls = 0;
    BuildOptions options;
    options.paths.push_back(ForestOptions{});
    options.threads = 1;
    options.progress = [&](std::string_view, uint64_t done, uint64_t total) {
      EXPECT_LE(done, total);
      return calls++ < stop_at;
    };
    const Status status = BuildIndex(rows.view(), dir_.File("x.kith"), options);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "cancelled");
    EXPECT_EQ(dir_.NumFiles(), 0u);
  }
}

TEST_F(BuildErrorsTest, AFailedBuildKeepsTheOldFile) {
  const Matrix rows = Matrix::Random(DataType::kU8, 30, 4, 1);
  const std::string path = dir_.File("x.kith");
  ASSERT_TRUE(BuildIndex(rows.view(), path, {}).ok());
  const std::string before = testing::ReadFile(path);
  BuildOptions options;
  options.progress = [](std::string_view stage, uint64_t, uint64_t) { return stage != "writing"; };
  EXPECT_FALSE(BuildIndex(rows.view(), path, options).ok());
  EXPECT_EQ(testing::ReadFile(path), before);
  EXPECT_EQ(dir_.NumFiles(), 1u);
}

// A target that is not there is refused at build and open, never replaced quietly.
TEST(BuildIndexTest, UnknownTargetIsRefused) {
  const TempDir dir;
  const Matrix rows = Matrix::Random(DataType::kU8, 30, 4, 1);
  ASSERT_TRUE(BuildIndex(rows.view(), dir.File("x.kith"), {}).ok());
  const char* old = getenv("KITH_SIMD");
  const std::string saved = old == nullptr ? "" : old;
  setenv("KITH_SIMD", "nosuch", 1);
  const Status built = BuildIndex(rows.view(), dir.File("y.kith"), {});
  const Status opened = OpenIndex(dir.File("x.kith")).status();
  const Status verified = VerifyIndex(dir.File("x.kith"));
  setenv("KITH_SIMD", saved.c_str(), 1);
  for (const Status& status : {built, opened, verified}) {
    EXPECT_EQ(status.code(), StatusCode::kUnsupported) << status.message();
    EXPECT_NE(status.message().find("nosuch"), std::string::npos) << status.message();
  }
  EXPECT_EQ(dir.NumFiles(), 1u);
}

TEST(BuildIndexTest, InfoSaysWhatWasBuilt) {
  const TempDir dir;
  const Matrix rows = Matrix::Random(DataType::kI8, 300, 9, 1);
  StringList keys;
  std::vector<int64_t> ids;
  for (int64_t r = 0; r < 300; ++r) {
    keys.Add("word" + std::to_string(r % 290));
    ids.push_back(r * r + (int64_t{1} << 40));
  }
  BuildOptions options;
  options.metric = Metric::kManhattan;
  options.keys = &keys;
  options.ids = &ids;
  options.paths.push_back(ForestOptions{.num_trees = 5, .leaf_size = 20});
  const auto index = BuildAndOpen(dir.File("x.kith"), rows, options);
  ASSERT_NE(index, nullptr);
  const IndexInfo& info = index->info();
  EXPECT_EQ(info.path, dir.File("x.kith"));
  EXPECT_EQ(info.file_bytes, testing::ReadFile(info.path).size());
  EXPECT_EQ(info.num_vectors, 300u);
  EXPECT_EQ(info.dim, 9u);
  EXPECT_EQ(info.metric, Metric::kManhattan);
  EXPECT_EQ(info.dtype, DataType::kI8);
  EXPECT_TRUE(info.has_keys && info.has_ids && info.has(IndexKind::kForest));
  EXPECT_EQ(info.path_of(IndexKind::kForest)->number("trees"), 5u);
  EXPECT_EQ(info.path_of(IndexKind::kForest)->number("leaf"), 20u);
  EXPECT_GE(info.sections.size(), 10u);
  EXPECT_TRUE(VerifyIndex(info.path).ok());

  std::vector<float> vector(9);
  for (size_t r = 0; r < 300; ++r) {
    EXPECT_EQ(index->Key(r), keys[r]);
    EXPECT_EQ(index->Id(r), ids[r]);
    index->GetVector(r, vector.data());
    for (size_t c = 0; c < 9; ++c) ASSERT_EQ(vector[c], rows.Get(r, c)) << "row " << r;
    const auto by_key = index->FindKey(keys[r]);
    ASSERT_TRUE(by_key.ok());
    EXPECT_EQ(*by_key, r % 290) << "the first row of the key";
    const auto by_id = index->FindId(ids[r]);
    ASSERT_TRUE(by_id.ok());
    EXPECT_EQ(*by_id, r);
  }
  EXPECT_EQ(index->FindKey("word290").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(index->FindId(0).status().code(), StatusCode::kNotFound);
  // Answers give the external ids.
  const SearchResult result = SearchOrFail(*index, rows.Row(17), {.k = 1});
  EXPECT_EQ(result.ids[0], ids[17]);
}

TEST(BuildIndexTest, WithoutKeysAndIds) {
  const TempDir dir;
  const auto index = BuildAndOpen(dir.File("x.kith"), Matrix::Random(DataType::kU8, 30, 4, 1), {});
  ASSERT_NE(index, nullptr);
  EXPECT_FALSE(index->info().has_keys || index->info().has_ids);
  EXPECT_EQ(index->Key(3), "");
  EXPECT_EQ(index->Id(3), 3);
  EXPECT_EQ(*index->FindId(29), 29u);
  EXPECT_EQ(index->FindId(30).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(index->FindId(-1).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(index->FindKey("x").status().code(), StatusCode::kNotFound);
}

// The answers do not depend on the type in which exact values are stored.
class NarrowingTest : public ::testing::TestWithParam<Metric> {};

TEST_P(NarrowingTest, AutoGivesIdenticalAnswers) {
  const TempDir dir;
  for (const DataType narrow : {DataType::kBit, DataType::kU8, DataType::kI8, DataType::kF16,
                                DataType::kBF16, DataType::kF32}) {
    SCOPED_TRACE(DataTypeName(narrow));
    Matrix rows = Matrix::Random(narrow, 500, 19, 1).As(DataType::kF32);
    if (narrow == DataType::kBF16) rows.Set(0, 0, 0x1p20);  // too large for f16
    BuildOptions options;
    options.metric = GetParam();
    options.paths.push_back(ExactOptions{});
    const auto automatic = BuildAndOpen(dir.File("auto.kith"), rows, options);
    options.dtype = DataType::kF32;
    const auto wide = BuildAndOpen(dir.File("f32.kith"), rows, options);
    ASSERT_TRUE(automatic != nullptr && wide != nullptr);
    EXPECT_EQ(automatic->info().dtype, narrow);
    EXPECT_EQ(wide->info().dtype, DataType::kF32);
    // Integers below 2^24 sum exactly in either way; other sums are in the same order of addition.
    for (const Matrix& queries : {Matrix::Random(narrow, 20, 19, 2).As(DataType::kF32),
                                  Matrix::Random(narrow, 20, 19, 3)}) {
      ExpectSameAnswers(SearchOrFail(*automatic, queries.view(), {.k = 12}),
                        SearchOrFail(*wide, queries.view(), {.k = 12}));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, NarrowingTest,
                         ::testing::Values(Metric::kAngular, Metric::kEuclidean, Metric::kDot,
                                           Metric::kManhattan, Metric::kHamming),
                         [](const auto& info) { return std::string(MetricName(info.param)); });

}  // namespace
}  // namespace kith
