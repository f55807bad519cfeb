#include <gtest/gtest.h>

#include "data/data_test_util.h"

namespace kith {
namespace {

constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;

Result<GroundTruth> ReadBytesTruth(const std::string& name, const std::string& contents) {
  return data::ReadTruthInput(MakeInput(name, contents));
}

GroundTruth Sample() {
  GroundTruth truth;
  truth.num_queries = 2;
  truth.k = 3;
  truth.ids = {5, 0, 9, 1, 2, kNoId};
  truth.distances = {0, 0.5, 1, 0.25, 2, 3};
  return truth;
}

TEST(GroundTruth, RoundTrips) {
  const TempDir dir;
  for (const char* name : {"a.ivecs", "a.ibin", "a.npy"}) {
    GroundTruth truth = Sample();
    ASSERT_TRUE(WriteGroundTruth(dir / name, truth).ok());
    const Result<GroundTruth> back = ReadGroundTruth(dir / name);
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_EQ(back->num_queries, 2u);
    EXPECT_EQ(back->k, 3u);
    EXPECT_EQ(back->ids, truth.ids);
    EXPECT_EQ(back->distances,
              name == std::string("a.ibin") ? truth.distances : std::vector<float>());
  }
  GroundTruth no_distances = Sample();
  no_distances.distances.clear();
  ASSERT_TRUE(WriteGroundTruth(dir / "b.ibin", no_distances).ok());
  EXPECT_TRUE(ReadGroundTruth(dir / "b.ibin")->distances.empty());
}

TEST(GroundTruth, GoldenBytes) {
  EXPECT_EQ(ReadBytesTruth("gt", Raw<int32_t>(2, 7, 8, 2, 9, -1))->ids,
            (std::vector<int64_t>{7, 8, 9, -1}));
  const Result<GroundTruth> ibin =
      ReadBytesTruth("gt", Raw<int32_t>(1, 3, 7, 8, 9) + Raw(0.5f, 1.5f, 2.5f));
  ASSERT_TRUE(ibin.ok()) << ibin.status().message();
  EXPECT_EQ(ibin->ids, (std::vector<int64_t>{7, 8, 9}));
  EXPECT_EQ(ibin->distances, (std::vector<float>{0.5, 1.5, 2.5}));
  EXPECT_EQ(ReadBytesTruth("gt.gz", Gzip(Raw<int32_t>(1, 7)))->ids, (std::vector<int64_t>{7}));
}

TEST(GroundTruth, NpyOfAnyIntegerType) {
  const TempDir dir;
  const uint8_t ids[4] = {1, 2, 3, 4};
  const MatrixView view = {reinterpret_cast<const std::byte*>(ids), 2, 2, 2, DataType::kU8};
  ASSERT_TRUE(WriteDataset(dir / "a.npy", "", view, {}).ok());
  EXPECT_EQ(ReadGroundTruth(dir / "a.npy")->ids, (std::vector<int64_t>{1, 2, 3, 4}));
  const float floats[2] = {1, 2};
  ASSERT_TRUE(WriteDataset(dir / "b.npy", "", ViewOf(floats, 1, 2), {}).ok());
  ExpectError(ReadGroundTruth(dir / "b.npy"), kInvalid, {"integer type", "f4", "astype"});
}

TEST(GroundTruth, NpyKeepsWideIds) {
  const TempDir dir;
  GroundTruth truth;
  truth.num_queries = truth.k = 1;
  truth.ids = {int64_t{1} << 40};
  ASSERT_TRUE(WriteGroundTruth(dir / "a.npy", truth).ok());
  EXPECT_EQ(ReadGroundTruth(dir / "a.npy")->ids, truth.ids);
  ExpectError(WriteGroundTruth(dir / "a.ivecs", truth), kInvalid, {"1099511627776", "npy"});
}

TEST(GroundTruth, RefusesBadFiles) {
  ExpectError(ReadBytesTruth("gt", ""), kInvalid, {"empty"});
  ExpectError(ReadBytesTruth("gt", "hello"), kInvalid, {"ivecs, ibin, npy or hdf5"});
  ExpectError(ReadBytesTruth("gt.ivecs", Raw<int32_t>(2, 7)), kInvalid, {"byte 0", "truncated"});
  ExpectError(ReadBytesTruth("gt.ibin", Raw<uint32_t>(0xFFFFFFFF, 65536)), kInvalid, {"got 8"});
  ExpectError(ReadBytesTruth("gt.ivecs", Raw<int32_t>(2, 7, -5)), kInvalid,
              {"query 0, neighbour 1", "got -5"});
}

TEST(GroundTruth, RefusesToWriteNonsense) {
  const TempDir dir;
  GroundTruth truth = Sample();
  ExpectError(WriteGroundTruth(dir / "a.csv", truth), kInvalid, {".ivecs, .ibin or .npy"});
  ExpectError(WriteGroundTruth(dir / "a", truth), kInvalid, {"extension"});
  truth.distances.pop_back();
  ExpectError(WriteGroundTruth(dir / "a.ibin", truth), kInvalid, {"expected 6", "got 5"});
  truth.ids.pop_back();
  ExpectError(WriteGroundTruth(dir / "a.ibin", truth), kInvalid, {"expected 6 ids, got 5"});
  ExpectError(WriteGroundTruth(dir / "a.ibin", GroundTruth()), kInvalid, {"none"});
  EXPECT_EQ(dir.CountFiles(), 0u);
}

TEST(GroundTruth, EveryTruncationIsRefused) {
  const TempDir dir;
  ASSERT_TRUE(WriteGroundTruth(dir / "a.ibin", Sample()).ok());
  ASSERT_TRUE(WriteGroundTruth(dir / "a.npy", Sample()).ok());
  for (const char* name : {"a.ibin", "a.npy"}) {
    const std::string contents = ReadFile(dir / name);
    for (size_t size = 0; size < contents.size(); ++size) {
      // An ibin cut where its distances begin is one without distances.
      const bool whole = name == std::string("a.ibin") && size == 8 + 6 * 4;
      EXPECT_EQ(ReadBytesTruth(name, contents.substr(0, size)).ok(), whole) << name << " " << size;
    }
  }
}

}  // namespace
}  // namespace kith
