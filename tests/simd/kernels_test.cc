// Every kernel of every target that this machine runs, against the plain loops of reference.h.
#include "simd/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/float16.h"
#include "base/rng.h"
#include "simd/guarded_buffer.h"
#include "simd/reference.h"

namespace kith::simd {
namespace {

using ::kith::testing::GuardedBuffer;

constexpr size_t kDims[] = {1,  2,  3,  7,  8,   9,   15,  16,  17,  31,   32,
                            33, 63, 64, 65, 100, 127, 128, 129, 784, 16384};
constexpr size_t kQueries = 6;
constexpr size_t kRows = 9;
constexpr float kUntouched = -12345.0f;
constexpr const char* kOpNames[kNumOps] = {"L2", "Dot", "L1", "Hamming"};

// The types of one group of kernels. For kBit, `dim` counts bytes, as the kernels do.
struct TypePair {
  DataType query;
  DataType row;

  bool exact() const { return query != DataType::kF32; }
  size_t Coordinates(size_t dim) const { return row == DataType::kBit ? dim * 8 : dim; }
  size_t StoredBytes(size_t dim) const { return RowBytes(row, Coordinates(dim)); }
  size_t QueryStride(size_t dim) const {
    return RoundUp(dim, kQueryPadding) * (query == DataType::kF32 ? sizeof(float) : 1);
  }
  const DistanceKernel& Kernel(const Kernels& kernels, Op op) const {
    const auto& table = exact() ? kernels.native : kernels.f32;
    return table[static_cast<size_t>(row)][static_cast<size_t>(op)];
  }
};

// SCALAR and EMU128 have no fused multiply-add; all others must agree to the last bit.
bool IsFused(const Kernels& kernels) {
  const std::string name = kernels.target;
  return name != "SCALAR" && name != "EMU128";
}

// Random coordinates; about a quarter of them from {0, 1, 2}, so that some are equal.
void FillRandom(DataType dtype, size_t coordinates, Rng* rng, std::byte* out) {
  if (dtype == DataType::kBit) {
    for (size_t i = 0; i < coordinates / 8; ++i) out[i] = static_cast<std::byte>(rng->Below(256));
    return;
  }
  for (size_t i = 0; i < coordinates; ++i) {
    const bool small = rng->Below(4) == 0;
    const uint32_t integer = small ? rng->Below(3) : rng->Below(256);
    const auto value = static_cast<float>(small ? integer : 3 * rng->Normal());
    if (dtype == DataType::kF32) {
      std::memcpy(out + 4 * i, &value, sizeof(value));
    } else if (dtype == DataType::kF16 || dtype == DataType::kBF16) {
      const uint16_t half = dtype == DataType::kF16 ? F32ToF16(value) : F32ToBf16(value);
      std::memcpy(out + 2 * i, &half, sizeof(half));
    } else {
      out[i] = static_cast<std::byte>(integer);
    }
  }
}

// kQueries queries and kRows rows, and what the kernels must say of them.
class Sample {
 public:
  Sample(const TypePair& types, Op op, size_t dim)
      : types_(types),
        op_(op),
        dim_(dim),
        queries_(kQueries * types.QueryStride(dim)),
        rows_(kRows * types.StoredBytes(dim)) {
    Rng rng(dim, static_cast<uint64_t>(types.row) * 16 + static_cast<uint64_t>(op));
    const size_t coordinates = types.Coordinates(dim);
    for (size_t i = 0; i < kQueries; ++i) FillRandom(types.query, coordinates, &rng, Query(i));
    for (size_t j = 0; j < kRows; ++j) {
      FillRandom(types.row, coordinates, &rng, rows_.data() + j * types.StoredBytes(dim));
    }
    Expect();
  }
  // Both filled with one byte each: the extreme values of the integer types.
  Sample(const TypePair& types, Op op, size_t dim, uint8_t query, uint8_t row)
      : types_(types),
        op_(op),
        dim_(dim),
        queries_(kQueries * types.QueryStride(dim)),
        rows_(kRows * types.StoredBytes(dim), std::byte{row}) {
    for (size_t i = 0; i < kQueries; ++i) std::memset(Query(i), query, dim);
    Expect();
  }

  size_t dim() const { return dim_; }
  size_t row_bytes() const { return types_.StoredBytes(dim_); }
  size_t query_stride() const { return types_.QueryStride(dim_); }
  std::byte* Query(size_t i) { return queries_.data() + i * query_stride(); }
  const std::byte* Row(size_t j) const { return rows_.data() + j * row_bytes(); }

  void Check(size_t query, size_t row, float got) const {
    const double expected = expected_[query * kRows + row];
    if (types_.exact() || op_ == Op::kHamming) {
      EXPECT_EQ(got, static_cast<float>(expected)) << "query " << query << ", row " << row;
      return;
    }
    constexpr double kEpsilon = std::numeric_limits<float>::epsilon() / 2;
    const double bound =
        static_cast<double>(dim_ + 8) * kEpsilon * magnitude_[query * kRows + row] + 1e-30;
    EXPECT_NEAR(got, expected, bound) << "query " << query << ", row " << row;
  }

 private:
  void Expect() {
    const size_t coordinates = types_.Coordinates(dim_);
    expected_.resize(kQueries * kRows);
    magnitude_.resize(kQueries * kRows);
    for (size_t i = 0; i < kQueries; ++i) {
      for (size_t j = 0; j < kRows; ++j) {
        expected_[i * kRows + j] = ReferenceOp(op_, Query(i), types_.query, Row(j), types_.row,
                                               coordinates, &magnitude_[i * kRows + j]);
      }
    }
  }

  TypePair types_;
  Op op_;
  size_t dim_;
  GuardedBuffer queries_;
  std::vector<std::byte> rows_;
  std::vector<double> expected_;
  std::vector<double> magnitude_;
};

// The first rows of a sample with `gap` bytes between rows, ending `shift` bytes before memory that
// may not be touched.
class PlacedRows {
 public:
  PlacedRows(const Sample& sample, size_t num_rows, size_t gap, size_t shift)
      : stride_(sample.row_bytes() + gap),
        buffer_((num_rows - 1) * stride_ + sample.row_bytes() + shift) {
    for (size_t j = 0; j < num_rows; ++j) {
      std::memcpy(buffer_.data() + j * stride_, sample.Row(j), sample.row_bytes());
    }
  }
  const std::byte* data() const { return buffer_.data(); }
  size_t stride() const { return stride_; }

 private:
  size_t stride_;
  GuardedBuffer buffer_;
};

// Runs tile() and checks what it wrote and what it left alone. Returns the outputs.
std::vector<float> CheckTile(const DistanceKernel& kernel, Sample* sample, const PlacedRows& rows,
                             size_t num_queries, size_t num_rows, size_t out_stride) {
  std::vector<float> out(num_queries * out_stride + 1, kUntouched);
  kernel.tile(sample->Query(0), sample->query_stride(), num_queries, rows.data(), rows.stride(),
              num_rows, sample->dim(), out.data(), out_stride);
  for (size_t i = 0; i < num_queries; ++i) {
    for (size_t j = 0; j < out_stride; ++j) {
      const float got = out[i * out_stride + j];
      if (j < num_rows) {
        sample->Check(i, j, got);
      } else {
        EXPECT_EQ(got, kUntouched) << "query " << i << ", beyond the rows at " << j;
      }
    }
  }
  EXPECT_EQ(out.back(), kUntouched);
  return out;
}

std::vector<float> CheckIds(const DistanceKernel& kernel, Sample* sample, const PlacedRows& rows,
                            const std::vector<uint32_t>& ids) {
  std::vector<float> out(ids.size() + 1, kUntouched);
  kernel.ids(sample->Query(0), rows.data(), rows.stride(), ids.data(), ids.size(), sample->dim(),
             out.data());
  for (size_t i = 0; i < ids.size(); ++i) sample->Check(0, ids[i], out[i]);
  EXPECT_EQ(out.back(), kUntouched);
  return out;
}

// What a batch of queries makes of rows that are all the same.
std::vector<float> EqualBatch(const DistanceKernel& kernel, const TypePair& types, size_t dim,
                              uint8_t query, uint8_t row) {
  constexpr size_t kBatchQueries = 8;
  constexpr size_t kBatchRows = 64;
  const size_t stride = types.QueryStride(dim);
  auto queries = AlignedBuffer<std::byte>::Create(kBatchQueries * stride).value();
  for (size_t i = 0; i < kBatchQueries; ++i) std::memset(queries.data() + i * stride, query, dim);
  const std::vector<std::byte> rows(kBatchRows * dim, std::byte{row});
  std::vector<float> out(kBatchQueries * kBatchRows, kUntouched);
  kernel.tile(queries.data(), stride, kBatchQueries, rows.data(), dim, kBatchRows, dim, out.data(),
              kBatchRows);
  return out;
}

// Compares what the fused targets wrote, target by target.
class Agreement {
 public:
  void Add(const Kernels& kernels, const std::vector<float>& out) {
    if (!IsFused(kernels)) return;
    if (first_.empty()) {
      first_ = out;
      name_ = kernels.target;
      return;
    }
    EXPECT_EQ(std::memcmp(out.data(), first_.data(), out.size() * sizeof(float)), 0)
        << kernels.target << " and " << name_ << " differ";
  }

 private:
  std::vector<float> first_;
  std::string name_;
};

class KernelsTest : public ::testing::TestWithParam<std::tuple<TypePair, int>> {
 protected:
  TypePair types() const { return std::get<0>(GetParam()); }
  Op op() const { return static_cast<Op>(std::get<1>(GetParam())); }
};

TEST_P(KernelsTest, TilesEqualTheReference) {
  struct Place {
    size_t gap;
    size_t shift;
  };
  for (const size_t dim : kDims) {
    Sample sample(types(), op(), dim);
    for (const Place place : {Place{0, 0}, Place{1, 0}, Place{13, 1}}) {
      for (size_t num_rows = 1; num_rows <= kRows; num_rows += dim > 1000 ? 4 : 1) {
        const PlacedRows rows(sample, num_rows, place.gap, place.shift);
        const size_t num_queries = 1 + (num_rows * 5 + place.gap) % kQueries;
        SCOPED_TRACE(::testing::Message() << "dim " << dim << ", rows " << num_rows << ", queries "
                                          << num_queries << ", gap " << place.gap);
        Agreement agreement;
        for (const Kernels& kernels : AvailableKernels()) {
          SCOPED_TRACE(kernels.target);
          agreement.Add(kernels, CheckTile(types().Kernel(kernels, op()), &sample, rows,
                                           num_queries, num_rows, num_rows + place.gap));
        }
        if (HasFailure()) return;
      }
    }
  }
}

TEST_P(KernelsTest, IdsEqualTheReference) {
  for (const size_t dim : kDims) {
    Sample sample(types(), op(), dim);
    const PlacedRows rows(sample, kRows, dim % 3, 0);
    // Repeats, descending order, more than the look-ahead, and none at all.
    std::vector<uint32_t> many(40);
    for (size_t i = 0; i < many.size(); ++i)
      many[i] = static_cast<uint32_t>((i * 7 + i / 5) % kRows);
    const std::vector<uint32_t> lists[] = {{}, {8}, {3, 3}, {8, 0, 8}, {8, 7, 6, 5, 4}, many};
    for (const auto& ids : lists) {
      SCOPED_TRACE(::testing::Message() << "dim " << dim << ", ids " << ids.size());
      Agreement agreement;
      for (const Kernels& kernels : AvailableKernels()) {
        SCOPED_TRACE(kernels.target);
        agreement.Add(kernels, CheckIds(types().Kernel(kernels, op()), &sample, rows, ids));
      }
      if (HasFailure()) return;
    }
  }
}

// A distance is the same alone, in a tile and by id: what makes batches equal single queries.
TEST_P(KernelsTest, TilesEqualSingleRows) {
  for (const size_t dim : {size_t{5}, size_t{100}, size_t{257}}) {
    Sample sample(types(), op(), dim);
    const PlacedRows rows(sample, kRows, 0, 0);
    for (const Kernels& kernels : AvailableKernels()) {
      SCOPED_TRACE(::testing::Message() << kernels.target << ", dim " << dim);
      const DistanceKernel& kernel = types().Kernel(kernels, op());
      const auto tile = CheckTile(kernel, &sample, rows, kQueries, kRows, kRows);
      for (size_t i = 0; i < kQueries; ++i) {
        for (uint32_t j = 0; j < kRows; ++j) {
          float one = kUntouched;
          kernel.tile(sample.Query(i), 0, 1, rows.data() + j * rows.stride(), 0, 1, dim, &one, 0);
          float by_id = kUntouched;
          kernel.ids(sample.Query(i), rows.data(), rows.stride(), &j, 1, dim, &by_id);
          ASSERT_EQ(one, tile[i * kRows + j]) << "query " << i << ", row " << j;
          ASSERT_EQ(by_id, tile[i * kRows + j]) << "query " << i << ", row " << j;
        }
      }
    }
  }
}

// Batches are compared by other means than few queries: every count of queries and rows around the
// sizes of their blocks, rows short and long, must give the bits that a row alone gives.
TEST_P(KernelsTest, BatchesEqualSingleRows) {
  struct Size {
    size_t dim;
    size_t queries;
    size_t rows;
  };
  const Size sizes[] = {{1, 9, 67},    {16, 1, 90},    {32, 1, 50},   {4, 13, 66},    {16, 300, 70},
                        {33, 8, 64},   {100, 31, 150}, {128, 40, 80}, {100, 33, 130}, {257, 14, 65},
                        {530, 25, 70}, {1100, 10, 66}, {2100, 8, 64}};
  for (const auto& [dim, num_queries, num_rows] : sizes) {
    SCOPED_TRACE(::testing::Message() << "dim " << dim << ", " << num_queries << " queries");
    const size_t query_stride = types().QueryStride(dim);
    const size_t row_stride = types().StoredBytes(dim);
    GuardedBuffer queries(num_queries * query_stride);
    GuardedBuffer rows(num_rows * row_stride);
    Rng rng(dim, 7);
    for (size_t i = 0; i < num_queries; ++i) {
      FillRandom(types().query, types().Coordinates(dim), &rng, queries.data() + i * query_stride);
    }
    for (size_t j = 0; j < num_rows; ++j) {
      FillRandom(types().row, types().Coordinates(dim), &rng, rows.data() + j * row_stride);
    }
    std::vector<uint32_t> ids(num_rows);
    std::iota(ids.begin(), ids.end(), 0u);
    std::vector<float> by_id(num_rows);
    const size_t out_stride = num_rows + 3;
    Agreement agreement;
    for (const Kernels& kernels : AvailableKernels()) {
      SCOPED_TRACE(kernels.target);
      const DistanceKernel& kernel = types().Kernel(kernels, op());
      std::vector<float> out(num_queries * out_stride, kUntouched);
      kernel.tile(queries.data(), query_stride, num_queries, rows.data(), row_stride, num_rows, dim,
                  out.data(), out_stride);
      for (size_t i = 0; i < num_queries; ++i) {
        const float* got = out.data() + i * out_stride;
        kernel.ids(queries.data() + i * query_stride, rows.data(), row_stride, ids.data(), num_rows,
                   dim, by_id.data());
        ASSERT_EQ(std::memcmp(got, by_id.data(), num_rows * sizeof(float)), 0) << "query " << i;
        for (size_t j = num_rows; j < out_stride; ++j) ASSERT_EQ(got[j], kUntouched);
      }
      agreement.Add(kernels, out);
    }
    if (HasFailure()) return;
  }
}

std::string Name(const ::testing::TestParamInfo<std::tuple<TypePair, int>>& info) {
  const auto& [types, op] = info.param;
  return std::string(DataTypeName(types.query)) + "_" + DataTypeName(types.row) + "_" +
         kOpNames[op];
}

INSTANTIATE_TEST_SUITE_P(
    All, KernelsTest,
    ::testing::Combine(::testing::Values(TypePair{DataType::kF32, DataType::kF32},
                                         TypePair{DataType::kF32, DataType::kF16},
                                         TypePair{DataType::kF32, DataType::kBF16},
                                         TypePair{DataType::kF32, DataType::kI8},
                                         TypePair{DataType::kF32, DataType::kU8},
                                         TypePair{DataType::kI8, DataType::kI8},
                                         TypePair{DataType::kU8, DataType::kU8},
                                         TypePair{DataType::kBit, DataType::kBit}),
                       ::testing::Range(0, kNumOps)),
    Name);

// The largest sums that any row can give: no lane of an accumulator may overflow.
TEST(KernelsExtremesTest, IntegerSumsDoNotOverflow) {
  struct Extreme {
    DataType dtype;
    uint8_t query;
    uint8_t row;
  };
  const Extreme extremes[] = {
      {DataType::kU8, 0, 255},     {DataType::kU8, 255, 0},      {DataType::kU8, 255, 255},
      {DataType::kI8, 0x80, 0x7F}, {DataType::kI8, 0x7F, 0x80},  {DataType::kI8, 0x80, 0x80},
      {DataType::kI8, 0x7F, 0x7F}, {DataType::kBit, 0xFF, 0xFF}, {DataType::kBit, 0, 0xFF}};
  for (const Extreme& extreme : extremes) {
    const TypePair types{extreme.dtype, extreme.dtype};
    for (const size_t dim : {kMaxDim, kMaxDim - 1, size_t{4097}}) {
      const size_t bytes = extreme.dtype == DataType::kBit ? dim / 8 : dim;
      for (int op = 0; op < kNumOps; ++op) {
        Sample sample(types, static_cast<Op>(op), bytes, extreme.query, extreme.row);
        const PlacedRows rows(sample, kRows, 1, 0);
        for (const Kernels& kernels : AvailableKernels()) {
          SCOPED_TRACE(::testing::Message() << kernels.target << ", " << DataTypeName(types.row)
                                            << " " << kOpNames[op] << ", dim " << dim);
          const DistanceKernel& kernel = types.Kernel(kernels, static_cast<Op>(op));
          CheckTile(kernel, &sample, rows, 2, kRows, kRows);
          CheckIds(kernel, &sample, rows, {0, 8, 4});
          if (dim == kMaxDim - 1 && IsFused(kernels)) {
            const float one = CheckIds(kernel, &sample, rows, {0})[0];
            for (const float got : EqualBatch(kernel, types, bytes, extreme.query, extreme.row)) {
              ASSERT_EQ(got, one);
            }
          }
        }
      }
    }
  }
}

// A tile without rows or queries writes nothing.
TEST(KernelsExtremesTest, EmptyTiles) {
  const TypePair types{DataType::kF32, DataType::kF32};
  Sample sample(types, Op::kDot, 8);
  for (const Kernels& kernels : AvailableKernels()) {
    float out = kUntouched;
    const DistanceKernel& kernel = types.Kernel(kernels, Op::kDot);
    kernel.tile(sample.Query(0), sample.query_stride(), 0, sample.Row(0), 32, 3, 8, &out, 0);
    kernel.tile(sample.Query(0), sample.query_stride(), 3, sample.Row(0), 32, 0, 8, &out, 0);
    EXPECT_EQ(out, kUntouched) << kernels.target;
  }
}

}  // namespace
}  // namespace kith::simd
