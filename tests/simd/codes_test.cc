// Dot products with short codes: exact on every target, whatever the bits and the length.
#include <gtest/gtest.h>

#include <cstring>
#include <tuple>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/rng.h"
#include "simd/guarded_buffer.h"
#include "simd/kernels.h"

namespace kith::simd {
namespace {

using ::kith::testing::GuardedBuffer;

constexpr size_t kCodeBytes[] = {16, 32, 48, 64, 80, 96, 112, 128, 144, 192, 256, 320, 2048, 8192};
constexpr size_t kRows = 21;
constexpr size_t kFactorBytes = 8;  // what follows a code in its row

// The definition in kernels.h, coordinate by coordinate.
int32_t PlainDot(const int8_t* query, const uint8_t* code, size_t code_bytes, int bits) {
  int64_t sum = 0;
  for (size_t f = 0; f < static_cast<size_t>(8 / bits); ++f) {
    for (size_t j = 0; j < code_bytes; ++j) {
      const int level = (code[j] >> (f * static_cast<size_t>(bits))) & ((1 << bits) - 1);
      sum += level * query[f * code_bytes + j];
    }
  }
  return static_cast<int32_t>(sum);
}

class CodesTest : public ::testing::TestWithParam<int> {
 protected:
  int bits() const { return GetParam(); }

  // The query may be read by whole vectors beyond its end (CodeQuery pads it), codes may not.
  void Check(size_t code_bytes, const int8_t* query, const std::byte* rows, size_t row_stride) {
    std::vector<uint32_t> ids(70);
    for (size_t i = 0; i < ids.size(); ++i) {
      ids[i] = static_cast<uint32_t>((i * 13 + i / 4) % kRows);
    }
    const int which = bits() == 1 ? 0 : bits() == 2 ? 1 : 2;
    for (const Kernels& kernels : AvailableKernels()) {
      for (const size_t count : {ids.size(), size_t{0}, size_t{1}, size_t{2}, size_t{5}}) {
        SCOPED_TRACE(::testing::Message() << kernels.target << ", " << code_bytes << " bytes of "
                                          << bits() << " bits, " << count << " ids");
        constexpr int32_t kUntouched = -987654321;
        std::vector<int32_t> out(count + 1, kUntouched);
        kernels.code_dot[which](query, rows, row_stride, ids.data(), count, code_bytes, out.data());
        for (size_t i = 0; i < count; ++i) {
          const auto* code = reinterpret_cast<const uint8_t*>(rows + ids[i] * row_stride);
          ASSERT_EQ(out[i], PlainDot(query, code, code_bytes, bits())) << "at " << i;
        }
        ASSERT_EQ(out[count], kUntouched);
      }
    }
  }
};

TEST_P(CodesTest, EqualsThePlainLoop) {
  for (const size_t code_bytes : kCodeBytes) {
    Rng rng(code_bytes, static_cast<uint64_t>(bits()));
    auto query =
        AlignedBuffer<int8_t>::Create(code_bytes * 8 / static_cast<size_t>(bits()) + kQueryPadding);
    ASSERT_TRUE(query.ok());
    for (size_t i = 0; i < query->size(); ++i) (*query)[i] = static_cast<int8_t>(rng.Below(256));
    const size_t stride = code_bytes + kFactorBytes;
    // The last row's code ends right before memory that may not be read.
    GuardedBuffer rows((kRows - 1) * stride + code_bytes);
    for (size_t i = 0; i < (kRows - 1) * stride + code_bytes; ++i) {
      rows.data()[i] = static_cast<std::byte>(rng.Below(256));
    }
    Check(code_bytes, query->data(), rows.data(), stride);
  }
}

// The largest products of either sign, at the greatest length there is: kMaxDim + 1 coordinates.
TEST_P(CodesTest, ExtremesDoNotOverflow) {
  const size_t code_bytes = RoundUp((kMaxDim + 2) * static_cast<size_t>(bits()) / 8, 16);
  for (const int value : {-127, 127}) {
    auto query =
        AlignedBuffer<int8_t>::Create(code_bytes * 8 / static_cast<size_t>(bits()) + kQueryPadding);
    ASSERT_TRUE(query.ok());
    std::memset(query->data(), value, query->size());
    GuardedBuffer rows(kRows * code_bytes);
    std::memset(rows.data(), 0xFF, kRows * code_bytes);
    Check(code_bytes, query->data(), rows.data(), code_bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Bits, CodesTest, ::testing::Values(1, 2, 4),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace kith::simd
