// Indexes in memory: the same bytes and answers as files, and the same suspicion of what they hold.
#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::BuildAndOpen;
using testing::ExpectSameAnswers;
using testing::Matrix;
using testing::Part;
using testing::ReadFile;
using testing::SearchOrFail;
using testing::TempDir;

std::string BytesOf(const Index& index) {
  const auto bytes = index.Bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> Span(const std::string& bytes) {
  return std::as_bytes(std::span(bytes));
}

class InMemoryTest : public ::testing::Test {
 protected:
  InMemoryTest() : rows_(Matrix::Random(DataType::kF32, 1500, 20, 3)) {
    options_.metric = Metric::kEuclidean;
    options_.paths = {GraphOptions{}, ForestOptions{}};
  }

  std::unique_ptr<Index> Build() {
    auto index = BuildIndexInMemory(rows_.view(), options_);
    EXPECT_TRUE(index.ok()) << index.status().message();
    return index.ok() ? std::move(index).value() : nullptr;
  }

  TempDir dir_;
  Matrix rows_;
  BuildOptions options_;
};

TEST_F(InMemoryTest, IsTheFileThatWouldBeWritten) {
  const auto file = BuildAndOpen(dir_.File("x.kith"), rows_, options_);
  const auto memory = Build();
  ASSERT_TRUE(file != nullptr && memory != nullptr);
  EXPECT_EQ(dir_.NumFiles(), 1u);
  EXPECT_EQ(BytesOf(*memory), ReadFile(dir_.File("x.kith")));
  EXPECT_EQ(BytesOf(*file), BytesOf(*memory));
  EXPECT_TRUE(memory->info().in_memory);
  EXPECT_FALSE(file->info().in_memory);
  EXPECT_LT(memory->info().build_seconds, 0);
  const Status verified = VerifyIndex(*memory);
  EXPECT_TRUE(verified.ok()) << verified.message();
  const Matrix queries = Matrix::Random(DataType::kF32, 20, 20, 4);
  for (const IndexKind kind : {IndexKind::kExact, IndexKind::kGraph, IndexKind::kForest}) {
    ExpectSameAnswers(SearchOrFail(*file, queries.view(), {.index = kind}),
                      SearchOrFail(*memory, queries.view(), {.index = kind}));
  }
}

TEST_F(InMemoryTest, ComesBackFromItsBytesAndIsSaved) {
  auto memory = Build();
  ASSERT_NE(memory, nullptr);
  const std::string bytes = BytesOf(*memory);
  auto again = OpenIndexBytes(Span(bytes), {.prefault = true, .huge_pages = true});
  ASSERT_TRUE(again.ok()) << again.status().message();
  memory.reset();
  EXPECT_EQ(BytesOf(**again), bytes);
  ASSERT_TRUE(SaveIndex(**again, dir_.File("y.kith")).ok());
  EXPECT_EQ(ReadFile(dir_.File("y.kith")), bytes);
  EXPECT_TRUE(VerifyIndex(dir_.File("y.kith")).ok());
  EXPECT_EQ(SaveIndex(**again, dir_.File("no/y.kith")).code(), StatusCode::kNotFound);
}

TEST_F(InMemoryTest, DamagedBytesAreErrorsThatSayWhere) {
  const auto memory = Build();
  ASSERT_NE(memory, nullptr);
  const std::string bytes = BytesOf(*memory);
  std::string damaged = bytes;
  damaged[30] ^= 1;
  for (const std::string& some : {std::string(), bytes.substr(0, 5000), damaged}) {
    const auto index = OpenIndexBytes(Span(some));
    EXPECT_EQ(index.status().code(), StatusCode::kCorruption);
    EXPECT_NE(index.status().message().find("the index in memory"), std::string::npos)
        << index.status().message();
  }
  damaged = bytes;
  damaged[bytes.size() / 2] ^= 1;
  const auto index = OpenIndexBytes(Span(damaged));
  ASSERT_TRUE(index.ok());
  EXPECT_EQ(VerifyIndex(**index).code(), StatusCode::kCorruption);
}

TEST_F(InMemoryTest, ErrorsOfBuildingAreThoseOfFiles) {
  rows_.Set(7, 3, HUGE_VAL);
  const auto index = BuildIndexInMemory(rows_.view(), options_);
  EXPECT_EQ(index.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(index.status().message().find("row 7"), std::string::npos);
}

TEST_F(InMemoryTest, CalibratesLikeAFile) {
  const auto memory = Build();
  ASSERT_NE(memory, nullptr);
  ASSERT_NE(BuildAndOpen(dir_.File("x.kith"), rows_, options_), nullptr);
  const Matrix queries = Matrix::Random(DataType::kF32, 100, 20, 5);
  const CalibrateOptions options{.ks = {5}, .output = {}, .threads = 1, .progress = {}};
  const auto calibrated = CalibrateInMemory(*memory, queries.view(), options);
  ASSERT_TRUE(calibrated.ok()) << calibrated.status().message();
  ASSERT_TRUE(CalibrateIndex(dir_.File("x.kith"), queries.view(), options).ok());
  EXPECT_EQ(BytesOf(**calibrated), ReadFile(dir_.File("x.kith")));
  EXPECT_EQ(memory->info().calibration.source, CalibrationSource::kHeldOut);
  EXPECT_EQ((*calibrated)->info().calibration.source, CalibrationSource::kQueries);
  EXPECT_EQ(CalibrateInMemory(*memory, Part(queries, 0, 5).view(), options).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace kith
