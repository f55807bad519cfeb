// fvecs, bvecs, ivecs, fbin, u8bin, i8bin, ibin and idx.
#include <gtest/gtest.h>

#include "data/data_test_util.h"

namespace kith {
namespace {

constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;

std::string Contents(const std::string& format) {
  for (const Golden& golden : GoldenFiles()) {
    if (golden.format == format) return golden.contents;
  }
  return "";
}

TEST(Vecs, GoldenBytes) {
  ExpectSet(ReadBytesAs("fvecs", Contents("fvecs")), "fvecs", DataType::kF32, {{1, -2}, {0.5, 3}});
  ExpectSet(ReadBytesAs("bvecs", Contents("bvecs")), "bvecs", DataType::kU8,
            {{0, 7, 255}, {1, 2, 3}});
  ExpectSet(ReadBytesAs("ivecs", Contents("ivecs")), "ivecs", DataType::kI8, {{-1, 7}, {0, -128}});
}

TEST(Bin, GoldenBytes) {
  ExpectSet(ReadBytesAs("fbin", Contents("fbin")), "fbin", DataType::kF32, {{1, -2}, {0.5, 3}});
  ExpectSet(ReadBytesAs("u8bin", Contents("u8bin")), "u8bin", DataType::kU8,
            {{0, 7, 255}, {1, 2, 3}});
  ExpectSet(ReadBytesAs("i8bin", Contents("i8bin")), "i8bin", DataType::kI8,
            {{0, 7, -1}, {1, -128, 3}});
  ExpectSet(ReadBytesAs("ibin", Contents("ibin")), "ibin", DataType::kF16, {{300, 7}, {0, 1}});
}

TEST(Vecs, ViewsTheFileInPlace) {
  const data::Input input = MakeInput("a.fvecs", Contents("fvecs"));
  const Result<Dataset> set = data::ReadInput(input, {});
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->vectors.data, input.bytes.data() + 4);
  EXPECT_EQ(set->vectors.stride, 12u);
  EXPECT_EQ(set->owner, input.owner);
}

TEST(Vecs, MetricFollowsTheType) {
  EXPECT_EQ(ReadBytesAs("fvecs", Contents("fvecs"))->metric, std::nullopt);
  EXPECT_EQ(ReadBytesAs("bvecs", Contents("bvecs"))->metric, Metric::kEuclidean);
  EXPECT_EQ(ReadBytesAs("u8bin", Contents("u8bin"))->metric, Metric::kEuclidean);
  EXPECT_EQ(ReadBytesAs("fbin", Contents("fbin"))->metric, std::nullopt);
}

TEST(Vecs, IntegersTakeTheSmallestExactType) {
  const auto dtype = [](int32_t a, int32_t b) {
    return ReadBytesAs("ivecs", Raw<int32_t>(2, a, b))->vectors.dtype;
  };
  EXPECT_EQ(dtype(0, 1), DataType::kBit);
  EXPECT_EQ(dtype(0, 255), DataType::kU8);
  EXPECT_EQ(dtype(-1, 127), DataType::kI8);
  EXPECT_EQ(dtype(-1, 2048), DataType::kF16);
  EXPECT_EQ(dtype(0, 1 << 24), DataType::kBF16);
  EXPECT_EQ(dtype(3, (1 << 24) - 1), DataType::kF32);
}

TEST(Vecs, RefusesIntegersNoFloatHolds) {
  ExpectError(ReadBytesAs("ivecs", Raw<int32_t>(2, 3, (1 << 24) + 1), "a.ivecs"), kInvalid,
              {"a.ivecs", "row 0, column 1", "16777217"});
  EXPECT_TRUE(ReadBytesAs("ivecs", Raw<int32_t>(1, INT32_MIN)).ok());
  EXPECT_FALSE(ReadBytesAs("ivecs", Raw<int32_t>(1, INT32_MAX)).ok());
}

TEST(Vecs, RefusesRaggedRows) {
  const std::string contents = Raw<int32_t>(2, 5, 5, 3, 5, 5);
  ExpectError(ReadBytesAs("fvecs", contents, "a.fvecs"), kInvalid,
              {"a.fvecs: byte 12", "expected dimension 2", "got 3"});
}

TEST(Vecs, RefusesTruncation) {
  ExpectError(ReadBytesAs("fvecs", Contents("fvecs").substr(0, 21), "a.fvecs"), kInvalid,
              {"a.fvecs: byte 12", "expected a row of 12 bytes", "got 9", "truncated"});
  ExpectError(ReadBytesAs("fvecs", "ab", "a.fvecs"), kInvalid, {"expected a dimension"});
}

TEST(Vecs, RefusesImpossibleDimensions) {
  for (int32_t dim : {0, -1, 65537, INT32_MAX, INT32_MIN}) {
    ExpectError(ReadBytesAs("fvecs", Raw<int32_t>(dim, 0, 0)), kInvalid,
                {"byte 0", "1 to 65536", std::to_string(dim)});
  }
}

TEST(Vecs, ReadsTheLargestDimension) {
  std::string contents = Raw<int32_t>(65536);
  contents.append(65536, '\x01');
  const Result<Dataset> set = ReadBytesAs("bvecs", contents);
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->vectors.dim, 65536u);
}

TEST(Bin, RefusesSizesThatDiffer) {
  const std::string good = Contents("fbin");
  ExpectError(ReadBytesAs("fbin", good.substr(0, good.size() - 1), "a.fbin"), kInvalid,
              {"a.fbin: byte 23", "expected a file of 24 bytes", "got 23", "truncated"});
  ExpectError(ReadBytesAs("fbin", good + "x", "a.fbin"), kInvalid,
              {"a.fbin: byte 24", "expected a file of 24 bytes", "got 25"});
}

TEST(Bin, NeverTrustsTheHeader) {
  ExpectError(ReadBytesAs("fbin", Raw<uint32_t>(0xFFFFFFFF, 65536, 0)), kInvalid, {"got 12"});
  ExpectError(ReadBytesAs("ibin", Raw<uint32_t>(0xFFFFFFFF, 65536, 0)), kInvalid, {"got 12"});
  ExpectError(ReadBytesAs("u8bin", Raw<uint32_t>(0xFFFFFFFF, 0xFFFFFFFF)), kInvalid,
              {"byte 4", "1 to 65536", "4294967295"});
  ExpectError(ReadBytesAs("u8bin", Raw<uint32_t>(0, 5)), kInvalid, {"at least one vector"});
  ExpectError(ReadBytesAs("u8bin", Raw<uint32_t>(5, 0)), kInvalid, {"got 0"});
}

TEST(Bin, StopsAtMaxRows) {
  for (const Golden& golden : GoldenFiles()) {
    ReadOptions options;
    options.format = golden.format;
    for (uint64_t max_rows : {1, 2, 3}) {
      options.max_rows = max_rows;
      const Result<Dataset> set = ReadBytes("file", golden.contents, options);
      ASSERT_TRUE(set.ok()) << golden.format << ": " << set.status().message();
      EXPECT_EQ(set->vectors.rows, std::min<size_t>(max_rows, 2)) << golden.format;
      if (!set->keys.empty()) {
        EXPECT_EQ(set->keys.size(), set->vectors.rows) << golden.format;
      }
    }
  }
}

TEST(Idx, GoldenBytes) {
  const Result<Dataset> set = ReadBytesAs("idx", Contents("idx"));
  ExpectSet(set, "idx", DataType::kU8, {{0, 255}, {7, 9}});
  EXPECT_EQ(set->metric, Metric::kEuclidean);
}

TEST(Idx, FlattensAnyRank) {
  ExpectSet(ReadBytesAs("idx", Literal("\0\0\x08\x04\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\x03"
                                       "\1\2\3\4\5\6")),
            "idx", DataType::kU8, {{1, 2, 3, 4, 5, 6}});
  ExpectSet(ReadBytesAs("idx", Literal("\0\0\x08\x02\0\0\0\x03\0\0\0\x01\1\2\3")), "idx",
            DataType::kU8, {{1}, {2}, {3}});
}

TEST(Idx, RefusesWhatItIsNot) {
  ExpectError(ReadBytesAs("idx", Literal("\0\0\x08\x01\0\0\0\x02\1\2")), kInvalid,
              {"byte 3", "expected at least 2 axes", "got 1", "labels"});
  ExpectError(ReadBytesAs("idx", Literal("\0\0\x0d\x02\0\0\0\x01\0\0\0\x01\1\2\3\4")),
              StatusCode::kUnsupported, {"byte 2", "got type 13"});
  ExpectError(ReadBytesAs("idx", Literal("\1\0\x08\x02\0\0\0\x01\0\0\0\x01\1")), kInvalid,
              {"magic number"});
  ExpectError(ReadBytesAs("idx", Literal("\0\0\x08\x00")), kInvalid, {"at least 1 axis"});
  ExpectError(ReadBytesAs("idx", Literal("\0\0\x08\xff\0\0")), kInvalid, {"255"});
}

TEST(Idx, NeverTrustsTheHeader) {
  // Lengths whose product overflows 64 bits.
  ExpectError(ReadBytesAs("idx", Literal("\0\0\x08\x04\xff\xff\xff\xff\xff\xff\xff\xff"
                                         "\xff\xff\xff\xff\xff\xff\xff\xff\1")),
              kInvalid, {"1 to 65536"});
  ExpectError(ReadBytesAs("idx", Literal("\0\0\x08\x02\xff\xff\xff\xff\0\0\xff\xff\1")), kInvalid,
              {"expected a file of", "got 13"});
  ExpectError(ReadBytesAs("idx", Literal("\0\0\x08\x02\0\0\0\x01\0\0\0\x00")), kInvalid, {"none"});
  ExpectError(ReadBytesAs("idx", Contents("idx") + "x"), kInvalid, {"bytes follow its end"});
}

}  // namespace
}  // namespace kith
