#include "kith/types.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/strings.h"
#include "kith/metric_names.h"
#include "kith/status.h"
#include "kith/version.h"

namespace kith {
namespace {

TEST(TypesTest, NamesOfMetricsAndTypesGoBothWays) {
  std::set<std::string> names;
  for (int i = 0; i < kNumMetrics; ++i) {
    const auto metric = static_cast<Metric>(i);
    names.insert(MetricName(metric));
    EXPECT_EQ(ParseMetric(MetricName(metric)), metric);
  }
  for (int i = 0; i < kNumDataTypes; ++i) {
    const auto dtype = static_cast<DataType>(i);
    names.insert(DataTypeName(dtype));
    EXPECT_EQ(ParseDataType(DataTypeName(dtype)), dtype);
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kNumMetrics + kNumDataTypes));
  EXPECT_STREQ(MetricName(static_cast<Metric>(kNumMetrics)), "unknown");
  EXPECT_STREQ(DataTypeName(static_cast<DataType>(kNumDataTypes)), "unknown");
  EXPECT_EQ(ParseMetric(""), std::nullopt);
  EXPECT_EQ(ParseDataType(""), std::nullopt);
}

TEST(TypesTest, MetricsGoByWhatOthersCallThem) {
  const std::vector<std::pair<Metric, std::vector<const char*>>> names = {
      {Metric::kAngular, {"angular", "Angular", "cosine", "COSINE", "cos"}},
      {Metric::kEuclidean, {"euclidean", "Euclidean", "l2", "L2"}},
      {Metric::kDot,
       {"dot", "ip", "IP", "inner_product", "innerproduct", "inner product", "Inner-Product",
        "dot_product"}},
      {Metric::kManhattan, {"manhattan", "l1", "L1", "cityblock", "taxicab"}},
      {Metric::kHamming, {"hamming", "HAMMING"}},
  };
  for (const auto& [metric, texts] : names) {
    for (const char* text : texts) EXPECT_EQ(ParseMetric(text), metric) << text;
  }
}

TEST(TypesTest, UnknownMetricsNameTheOneThatWasMeant) {
  const std::string expected =
      "xpected angular (cosine), euclidean (l2), dot (ip), manhattan (l1) or hamming";
  EXPECT_EQ(UnknownMetric("Cosin"), "unknown metric 'Cosin'; did you mean 'cosine'? E" + expected);
  EXPECT_EQ(UnknownMetric("euclidian"),
            "unknown metric 'euclidian'; did you mean 'euclidean'? E" + expected);
  EXPECT_EQ(UnknownMetric("jaccard"), "unknown metric 'jaccard'; e" + expected);
  // Its distances would not be what the name says.
  for (const char* square : {"sqeuclidean", "l2_squared", "squared l2", "L2sq"}) {
    EXPECT_EQ(ParseMetric(square), std::nullopt) << square;
    EXPECT_NE(UnknownMetric(square).find("take euclidean"), std::string::npos) << square;
  }
}

TEST(TypesTest, RowBytes) {
  EXPECT_EQ(RowBytes(DataType::kF32, 3), 12u);
  EXPECT_EQ(RowBytes(DataType::kF16, 3), 6u);
  EXPECT_EQ(RowBytes(DataType::kBF16, 3), 6u);
  EXPECT_EQ(RowBytes(DataType::kI8, 3), 3u);
  EXPECT_EQ(RowBytes(DataType::kU8, 3), 3u);
  EXPECT_EQ(RowBytes(DataType::kBit, 8), 1u);
  EXPECT_EQ(RowBytes(DataType::kBit, 9), 2u);
}

TEST(TypesTest, StringList) {
  StringList list;
  EXPECT_TRUE(list.empty());
  list.Add("one");
  list.Add("");
  list.Add(std::string("a\0b", 3));
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0], "one");
  EXPECT_EQ(list[1], "");
  EXPECT_EQ(list[2], std::string("a\0b", 3));
}

TEST(TypesTest, MatrixView) {
  const float data[6] = {0, 1, 2, 3, 4, 5};
  const MatrixView view = ViewOf(data, 3, 2);
  EXPECT_EQ(view.rows, 3u);
  EXPECT_EQ(view.dim, 2u);
  EXPECT_EQ(*reinterpret_cast<const float*>(view.row(2)), 4);
}

Result<int> Half(int x) {
  if (x % 2 != 0) return Status::InvalidArgument(StrCat(x, " is odd"));
  return x / 2;
}

Status CheckQuarter(int x, int* quarter) {
  KITH_ASSIGN_OR_RETURN(const int half, Half(x));
  KITH_ASSIGN_OR_RETURN(*quarter, Half(half));
  return Status::Ok();
}

TEST(StatusTest, ErrorsTravelUp) {
  int quarter = 0;
  EXPECT_TRUE(CheckQuarter(12, &quarter).ok());
  EXPECT_EQ(quarter, 3);
  EXPECT_EQ(CheckQuarter(6, &quarter).message(), "3 is odd");
  EXPECT_EQ(CheckQuarter(5, &quarter).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(quarter, 3);
}

TEST(StatusTest, EveryCodeHasItsName) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(StatusCode::kInternal); ++i) {
    names.insert(StatusCodeName(static_cast<StatusCode>(i)));
  }
  EXPECT_EQ(names.size(), 8u);
  EXPECT_EQ(names.count("unknown"), 0u);
}

TEST(StatusTest, ResultMovesItsValue) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 5);
}

TEST(AlignedBufferTest, AlignedZeroedAndBounded) {
  for (const size_t count : {1, 16, 17, 1000}) {
    auto buffer = AlignedBuffer<float>::Create(count);
    ASSERT_TRUE(buffer.ok());
    EXPECT_EQ(buffer->size(), count);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % kCacheLine, 0u);
    for (size_t i = 0; i < RoundUp(count, 16); ++i) ASSERT_EQ(buffer->data()[i], 0) << i;
  }
  EXPECT_EQ(AlignedBuffer<float>::Create(0)->size(), 0u);
  EXPECT_EQ(AlignedBuffer<float>::Create(~size_t{0}).status().code(), StatusCode::kOutOfMemory);
}

TEST(VersionTest, IsTheVersionOfTheBuild) { EXPECT_STREQ(KITH_VERSION, KITH_PROJECT_VERSION); }

}  // namespace
}  // namespace kith
