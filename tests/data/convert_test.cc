#include "data/convert.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/float16.h"
#include "base/rng.h"
#include "data/data_test_util.h"
#include "test_pool.h"

namespace kith {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr DataType kAllTypes[] = {DataType::kF32, DataType::kF16, DataType::kBF16,
                                  DataType::kI8,  DataType::kU8,  DataType::kBit};

// The value of a half by the definition of IEEE 754.
double HalfByDefinition(uint32_t half) {
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  const int exponent = static_cast<int>(half >> 10 & 31);
  const double fraction = half & 1023;
  return exponent == 0 ? sign * std::ldexp(fraction, -24)
                       : sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(Float16, EveryHalfIsExactAndComesBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = F16ToF32(half);
    if ((bits & 0x7C00) == 0x7C00) {
      const bool is_nan = (bits & 0x3FF) != 0;
      ASSERT_EQ(std::isnan(value), is_nan);
      if (is_nan) {
        ASSERT_GT(F32ToF16(value) & 0x7FFF, 0x7C00);
        continue;
      }
      ASSERT_EQ(value, (bits & 0x8000) != 0 ? -kInfinity : kInfinity);
    } else {
      ASSERT_EQ(static_cast<double>(value), HalfByDefinition(bits)) << bits;
      ASSERT_EQ(std::signbit(value), bits >= 0x8000);
    }
    ASSERT_EQ(F32ToF16(value), half);
  }
}

TEST(Float16, RoundsToTheNearestAndTiesToEven) {
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {  // all neighbouring finite positive pairs
    const auto low = static_cast<uint16_t>(bits);
    const auto high = static_cast<uint16_t>(bits + 1);
    const float middle = (F16ToF32(low) + F16ToF32(high)) / 2;  // exact
    const uint16_t even = bits % 2 == 0 ? low : high;
    ASSERT_EQ(F32ToF16(middle), even) << bits;
    ASSERT_EQ(F32ToF16(std::nextafter(middle, 0.0f)), low) << bits;
    ASSERT_EQ(F32ToF16(std::nextafter(middle, kInfinity)), high) << bits;
    ASSERT_EQ(F32ToF16(-middle), even | 0x8000) << bits;
  }
  EXPECT_EQ(F32ToF16(65519.996f), 0x7BFF);
  EXPECT_EQ(F32ToF16(65520.0f), 0x7C00);
  EXPECT_EQ(F32ToF16(1e-30f), 0);
}

TEST(BFloat16, RoundsToTheNearestAndTiesToEven) {
  for (uint32_t bits = 0; bits < 0x7F7F; ++bits) {
    const uint32_t low = bits << 16;
    const auto even = static_cast<uint16_t>(bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(F32ToBf16(std::bit_cast<float>(low)), bits);
    ASSERT_EQ(F32ToBf16(std::bit_cast<float>(low + 0x8000)), even);
    ASSERT_EQ(F32ToBf16(std::bit_cast<float>(low + 0x7FFF)), bits);
    ASSERT_EQ(F32ToBf16(std::bit_cast<float>(low + 0x8001)), bits + 1);
    ASSERT_EQ(std::bit_cast<uint32_t>(Bf16ToF32(static_cast<uint16_t>(bits))), low);
  }
  EXPECT_TRUE(std::isnan(Bf16ToF32(F32ToBf16(std::bit_cast<float>(0x7F800001)))));
  EXPECT_EQ(F32ToBf16(std::numeric_limits<float>::max()), 0x7F80);
}

DataType Smallest(const std::vector<float>& values) {
  return data::SmallestLossless(ViewOf(values.data(), 1, values.size()), TestPool(2)).value();
}

TEST(SmallestLossless, PicksTheSmallestThatIsExact) {
  EXPECT_EQ(Smallest({0, 1, -0.0f, 1}), DataType::kBit);
  EXPECT_EQ(Smallest({0, 2}), DataType::kU8);
  EXPECT_EQ(Smallest({255, -0.0f}), DataType::kU8);
  EXPECT_EQ(Smallest({-128, 127}), DataType::kI8);
  EXPECT_EQ(Smallest({256, 0}), DataType::kF16);
  EXPECT_EQ(Smallest({-1, 128}), DataType::kF16);
  EXPECT_EQ(Smallest({0.5, -0.25}), DataType::kF16);
  EXPECT_EQ(Smallest({65504, 0x1p-24f, -0x1p-14f, -0x1.8p-23f}), DataType::kF16);
  EXPECT_EQ(Smallest({65536}), DataType::kBF16);
  EXPECT_EQ(Smallest({0x1p-25f}), DataType::kBF16);
  EXPECT_EQ(Smallest({1e30f, 1}), DataType::kF32);
  EXPECT_EQ(Smallest({0x1p100f, -0x1p-100f}), DataType::kBF16);
  EXPECT_EQ(Smallest({0.1f}), DataType::kF32);
  EXPECT_EQ(Smallest({0x1.8p-24f}), DataType::kBF16);
  EXPECT_EQ(Smallest({0x1.802p-24f}), DataType::kF32);
  EXPECT_EQ(Smallest({3e38f, 8388607.5f}), DataType::kF32);
}

TEST(SmallestLossless, EveryHalfFitsAHalf) {
  std::vector<float> values;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    if ((bits & 0x7C00) != 0x7C00) values.push_back(F16ToF32(static_cast<uint16_t>(bits)));
  }
  EXPECT_EQ(Smallest(values), DataType::kF16);
  // And what lies between two halves does not.
  for (size_t i = 0; i + 1 < values.size(); i += 7) {
    const float between = (values[i] + values[i + 1]) / 2;
    if (between == 0 || std::isinf(between)) continue;
    ASSERT_NE(Smallest({between}), DataType::kF16) << between;
  }
}

TEST(SmallestLossless, AnyPlaceCountsOnAnyNumberOfThreads) {
  const size_t rows = 1000;
  const size_t dim = 37;
  for (size_t place : {size_t{0}, size_t{36}, size_t{18000}, rows * dim - 1}) {
    std::vector<float> values(rows * dim, 3);
    values[place] = 0.1f;
    for (int threads : {1, 2, 5}) {
      EXPECT_EQ(data::SmallestLossless(ViewOf(values.data(), rows, dim), TestPool(threads)).value(),
                DataType::kF32);
    }
  }
}

TEST(SmallestLossless, FromEveryType) {
  const std::vector<float> zeros_and_ones = {1, 0, 0, 1, 1};
  for (DataType dtype : kAllTypes) {
    std::vector<std::byte> bytes(RowBytes(dtype, 5));
    ASSERT_TRUE(data::ConvertRows(ViewOf(zeros_and_ones.data(), 1, 5), dtype, 0, 1, bytes.data(),
                                  bytes.size())
                    .ok());
    EXPECT_EQ(data::SmallestLossless({bytes.data(), 1, 5, bytes.size(), dtype}, TestPool()).value(),
              DataType::kBit);
  }
}

TEST(ConvertRows, RoundTripsBetweenAllTypes) {
  const std::vector<float> values = {0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 0, 1};
  for (DataType via : kAllTypes) {
    for (DataType to : kAllTypes) {
      const size_t via_stride = RowBytes(via, 7) + 3;
      const size_t to_stride = RowBytes(to, 7) + 1;
      std::vector<std::byte> first(2 * via_stride), second(2 * to_stride);
      ASSERT_TRUE(
          data::ConvertRows(ViewOf(values.data(), 2, 7), via, 0, 2, first.data(), via_stride).ok());
      const MatrixView view = {first.data(), 2, 7, via_stride, via};
      ASSERT_TRUE(data::ConvertRows(view, to, 0, 2, second.data(), to_stride).ok());
      EXPECT_EQ(Rows({second.data(), 2, 7, to_stride, to}), Rows(ViewOf(values.data(), 2, 7)));
    }
  }
}

TEST(ConvertRows, TakesUnalignedRowsAndARange) {
  std::vector<std::byte> bytes(1 + 4 * 8);
  const float values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  std::memcpy(bytes.data() + 1, values, sizeof(values));
  const MatrixView view = {bytes.data() + 1, 4, 2, 8, DataType::kF32};
  uint8_t out[4] = {};
  ASSERT_TRUE(
      data::ConvertRows(view, DataType::kU8, 1, 3, reinterpret_cast<std::byte*>(out), 2).ok());
  EXPECT_EQ(std::vector<int>(out, out + 4), (std::vector<int>{3, 4, 5, 6}));
}

TEST(ConvertRows, ClearsThePaddingOfBits) {
  const std::byte bits[1] = {std::byte{0xFF}};
  std::byte out[1];
  ASSERT_TRUE(
      data::ConvertRows({bits, 1, 3, 1, DataType::kBit}, DataType::kBit, 0, 1, out, 1).ok());
  EXPECT_EQ(out[0], std::byte{0b111});
}

TEST(ConvertRows, NamesTheValueThatDoesNotFit) {
  const auto convert = [](const std::vector<float>& values, DataType to) {
    std::vector<std::byte> out(values.size() * 4);
    return data::ConvertRows(ViewOf(values.data(), values.size() / 2, 2), to, 0, values.size() / 2,
                             out.data(), RowBytes(to, 2));
  };
  const StatusCode invalid = StatusCode::kInvalidArgument;
  ExpectError(convert({1, 2, 3, 2.5}, DataType::kU8), invalid, {"row 1, column 1", "2.5", "u8"});
  ExpectError(convert({1, -1}, DataType::kU8), invalid, {"row 0, column 1", "-1"});
  ExpectError(convert({1, 256}, DataType::kU8), invalid, {"256"});
  ExpectError(convert({1, 128}, DataType::kI8), invalid, {"128", "i8"});
  ExpectError(convert({-129, 1}, DataType::kI8), invalid, {"column 0", "-129"});
  ExpectError(convert({1, 2}, DataType::kBit), invalid, {"column 1", "bit"});
  ExpectError(convert({1, 65520}, DataType::kF16), invalid, {"column 1", "65520", "f16"});
  ExpectError(convert({1, 3.4e38f}, DataType::kBF16), invalid, {"column 1", "bf16"});
  ExpectError(convert({NAN, 1}, DataType::kU8), invalid, {"column 0", "nan"});
  ExpectError(convert({1, kInfinity}, DataType::kF16), invalid, {"inf"});
  EXPECT_TRUE(convert({0.1f, 65519}, DataType::kF16).ok());  // rounded, as asked
}

TEST(ConvertRows, AllAtOnceOnAnyNumberOfThreads) {
  constexpr size_t kRows = 5000;
  std::vector<float> values(kRows * 3);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 7 % 256);
  const MatrixView rows = ViewOf(values.data(), kRows, 3);
  for (const int threads : {1, 3}) {
    const auto all = data::ConvertAllRows(rows, DataType::kU8, 4, TestPool(threads));
    ASSERT_TRUE(all.ok());
    ASSERT_EQ(all->size(), kRows * 4);
    for (size_t i = 0; i < kRows; ++i) {
      for (size_t c = 0; c < 3; ++c)
        ASSERT_EQ((*all)[i * 4 + c], static_cast<std::byte>(values[i * 3 + c]));
      ASSERT_EQ((*all)[i * 4 + 3], std::byte{0});
    }
  }
  // The first of those that do not fit, whoever meets another before.
  for (const size_t row : {4999, 3000, 1700}) values[row * 3 + 1] = 0.5f;
  for (const int threads : {1, 3}) {
    ExpectError(data::ConvertAllRows(rows, DataType::kU8, 4, TestPool(threads)).status(),
                StatusCode::kInvalidArgument, {"row 1700, column 1", "0.5"});
  }
}

TEST(CheckFinite, TheFirstPlaceOnAnyNumberOfThreads) {
  std::vector<float> values(5000 * 3);
  for (const size_t row : {4999, 3000, 1700}) values[row * 3 + 1] = NAN;
  for (const int threads : {1, 3}) {
    ExpectError(data::CheckFinite(ViewOf(values.data(), 5000, 3), TestPool(threads)),
                StatusCode::kInvalidArgument, {"row 1700, column 1", "NaN"});
  }
}

TEST(CheckFinite, NamesThePlace) {
  for (size_t place : {0, 5, 299}) {
    std::vector<float> values(300, 1);
    values[place] = place == 5 ? -kInfinity : NAN;
    ExpectError(data::CheckFinite(ViewOf(values.data(), 3, 100), TestPool()),
                StatusCode::kInvalidArgument,
                {"row " + std::to_string(place / 100),
                 "column " + std::to_string(place % 100) + " is", place == 5 ? "infinite" : "NaN"});
    values[place] = std::numeric_limits<float>::max();
    EXPECT_TRUE(data::CheckFinite(ViewOf(values.data(), 3, 100), TestPool()).ok());
  }
  const uint16_t half[2] = {0x3C00, 0x7C00};
  const auto* bytes = reinterpret_cast<const std::byte*>(half);
  EXPECT_FALSE(data::CheckFinite({bytes, 1, 2, 4, DataType::kF16}, TestPool()).ok());
  EXPECT_TRUE(data::CheckFinite({bytes, 1, 2, 4, DataType::kBF16}, TestPool()).ok());
  EXPECT_TRUE(data::CheckFinite({bytes, 1, 4, 4, DataType::kU8}, TestPool()).ok());
}

// Rows of any type, to any stride, in any order, more than once; zeros between them.
TEST(GatherRows, CopiesRowsInOrder) {
  constexpr size_t kDim = 11;
  constexpr size_t kCount = 3000;  // more than one thread's part
  for (const DataType dtype : kAllTypes) {
    const size_t bytes = RowBytes(dtype, kDim);
    const size_t stride = bytes + 3;
    std::vector<std::byte> from(100 * stride);
    Rng rng(1);
    for (std::byte& b : from) b = static_cast<std::byte>(1 + rng.Below(255));
    const MatrixView rows{from.data(), 100, kDim, stride, dtype};
    std::vector<uint32_t> ids(kCount);
    for (uint32_t& id : ids) id = rng.Below(100);
    for (const size_t out_stride : {bytes, bytes + 1, size_t{128}}) {
      for (const int threads : {1, 3}) {
        const auto gathered = data::GatherRows(rows, ids, out_stride, TestPool(threads));
        ASSERT_TRUE(gathered.ok());
        ASSERT_EQ(gathered->size(), kCount * out_stride);
        for (size_t i = 0; i < kCount; ++i) {
          const std::byte* row = gathered->data() + i * out_stride;
          ASSERT_EQ(std::memcmp(row, rows.row(ids[i]), bytes), 0) << "row " << i;
          for (size_t b = bytes; b < out_stride; ++b) ASSERT_EQ(row[b], std::byte{0});
        }
      }
    }
  }
}

TEST(GatherRows, OfNoRowsIsEmpty) {
  const float values[2] = {1, 2};
  const auto gathered = data::GatherRows(ViewOf(values, 1, 2), {}, 8, TestPool(2));
  ASSERT_TRUE(gathered.ok());
  EXPECT_EQ(gathered->size(), 0u);
}

}  // namespace
}  // namespace kith
