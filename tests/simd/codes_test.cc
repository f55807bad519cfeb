// Dot products with short codes: exact on every target, whatever the bits and the length.
#include <gtest/gtest.h>

#include <vector>

#include "base/aligned_buffer.h"
#include "base/rng.h"
#include "simd/guarded_buffer.h"
#include "simd/kernels.h"

namespace kith::simd {
namespace {

using ::kith::testing::GuardedBuffer;

// Not only what quant/short_code.h makes of a dimension: any length.
constexpr size_t kCodeBytes[] = {1,  4,  13, 16,  20,  32,  36,  48,  60,  64,   68,
                                 80, 96, 98, 100, 112, 128, 192, 196, 256, 2048, 8196};
constexpr size_t kRows = 21;

// The definition in kernels.h, coordinate by coordinate.
int32_t PlainDot(const int8_t* query, size_t query_stride, const uint8_t* code, size_t code_bytes,
                 int bits) {
  int64_t sum = 0;
  for (size_t f = 0; f < static_cast<size_t>(8 / bits); ++f) {
    for (size_t j = 0; j < code_bytes; ++j) {
      const int level = (code[j] >> (f * static_cast<size_t>(bits))) & ((1 << bits) - 1);
      sum += level * query[f * query_stride + j];
    }
  }
  return static_cast<int32_t>(sum);
}

class CodesTest : public ::testing::TestWithParam<int> {
 protected:
  int bits() const { return GetParam(); }
  size_t fields() const { return static_cast<size_t>(8 / bits()); }

  // `value(i)` is query byte i of a field; codes and all that lies between them come from
  // `code(i)`.
  template <class Value, class Code>
  void Check(size_t code_bytes, size_t gap, Value value, Code code) {
    const size_t query_stride = RoundUp(code_bytes, kQueryPadding);
    GuardedBuffer query(fields() * query_stride);
    for (size_t f = 0; f < fields(); ++f) {
      for (size_t j = 0; j < code_bytes; ++j) {
        query.data()[f * query_stride + j] = static_cast<std::byte>(value());
      }
    }
    const size_t stride = code_bytes + gap;
    const size_t size = kRows * stride + kQueryPadding;  // as far as kernels may read
    GuardedBuffer rows(size);
    for (size_t i = 0; i < size; ++i) rows.data()[i] = static_cast<std::byte>(code());
    std::vector<uint32_t> ids(70);
    for (size_t i = 0; i < ids.size(); ++i) {
      ids[i] = static_cast<uint32_t>((i * 13 + i / 4) % kRows);
    }
    const auto* q = reinterpret_cast<const int8_t*>(query.data());
    const int which = bits() == 1 ? 0 : bits() == 2 ? 1 : 2;
    for (const Kernels& kernels : AvailableKernels()) {
      for (const size_t count : {ids.size(), size_t{0}, size_t{1}, size_t{2}, size_t{5}}) {
        SCOPED_TRACE(::testing::Message() << kernels.target << ", " << code_bytes << " bytes of "
                                          << bits() << " bits, " << count << " ids");
        constexpr int32_t kUntouched = -987654321;
        std::vector<int32_t> out(count + 1, kUntouched);
        kernels.code_dot[which](q, query_stride, rows.data(), stride, ids.data(), count, code_bytes,
                                out.data());
        for (size_t i = 0; i < count; ++i) {
          const auto* row = reinterpret_cast<const uint8_t*>(rows.data() + ids[i] * stride);
          ASSERT_EQ(out[i], PlainDot(q, query_stride, row, code_bytes, bits())) << "at " << i;
        }
        ASSERT_EQ(out[count], kUntouched);
      }
    }
  }
};

TEST_P(CodesTest, EqualsThePlainLoop) {
  for (const size_t code_bytes : kCodeBytes) {
    for (const size_t gap : {0, 8, 11}) {
      Rng rng(code_bytes, static_cast<uint64_t>(bits()) + gap * 8);
      Check(
          code_bytes, gap, [&] { return rng.Below(256); }, [&] { return rng.Below(256); });
    }
  }
}

// The largest products of either sign, at the greatest length there is: kMaxDim + 1 coordinates.
TEST_P(CodesTest, ExtremesDoNotOverflow) {
  const size_t code_bytes = (kMaxDim + 2) * static_cast<size_t>(bits()) / 8;
  for (const int value : {-128, -127, 127}) {
    Check(
        code_bytes, 0, [&] { return value; }, [] { return 0xFF; });
  }
}

INSTANTIATE_TEST_SUITE_P(Bits, CodesTest, ::testing::Values(1, 2, 4),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace kith::simd
