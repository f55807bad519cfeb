#include "search/scorer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/math.h"
#include "base/strings.h"
#include "data/convert.h"

namespace kith::search {
namespace {

bool HasNativeKernel(DataType dtype) {
  return dtype == DataType::kI8 || dtype == DataType::kU8 || dtype == DataType::kBit;
}

// Whether every coordinate is a value of `dtype`.
bool HoldsExactly(DataType dtype, const float* x, size_t dim) {
  float low = 0;
  float high = 1;
  if (dtype == DataType::kI8) low = -128, high = 127;
  if (dtype == DataType::kU8) high = 255;
  bool all = true;
  for (size_t i = 0; i < dim; ++i) {
    all = all && x[i] >= low && x[i] <= high && x[i] == static_cast<float>(static_cast<int>(x[i]));
  }
  return all;
}

// REQUIRES: HoldsExactly().
void WriteNative(DataType dtype, const float* x, size_t dim, std::byte* out) {
  for (size_t i = 0; i < dim; ++i) {
    const int v = static_cast<int>(x[i]);
    if (dtype == DataType::kBit) {
      out[i / 8] |= static_cast<std::byte>(v << (i % 8));
    } else {
      out[i] = static_cast<std::byte>(v);
    }
  }
}

// Brings the norm to [0.5, 1] by a power of two, so that products with the shortest and the longest
// rows neither vanish nor overflow; exact, so that results stay the same.
void ScaleByPowerOfTwo(float* x, size_t dim) {
  int exponent = 0;
  std::frexp(std::sqrt(SquaredNorm(x, dim)), &exponent);
  const double scale = std::ldexp(1.0, -exponent);
  for (size_t i = 0; i < dim; ++i) x[i] = static_cast<float>(x[i] * scale);
}

}  // namespace

float InverseNorm(const float* x, size_t dim) {
  const double sum = SquaredNorm(x, dim);
  // Norms of subnormal size have an inverse beyond float32.
  return sum > 0 ? static_cast<float>(
                       std::min(1 / std::sqrt(sum), double{std::numeric_limits<float>::max()}))
                 : 0.0f;
}

Result<Scorer> Scorer::Create(const VectorTable& table, const MatrixView& queries, size_t begin,
                              size_t end) {
  Scorer s;
  s.table_ = table;
  s.form_ = TraitsOf(table.metric).form;
  const bool unit_length = TraitsOf(table.metric).unit_length();
  const size_t dim = table.rows.dim;
  const DataType dtype = table.rows.dtype;
  const auto op = static_cast<size_t>(TraitsOf(table.metric).op);
  const simd::Kernels& kernels = simd::GetKernels();
  s.kernels_ = &kernels;
  // Bits have no float kernel: rows are unpacked to float32 first.
  const DataType float_rows = dtype == DataType::kBit ? DataType::kF32 : dtype;
  s.float_kernel_ = kernels.f32[static_cast<size_t>(float_rows)][op];
  if (HasNativeKernel(dtype)) s.native_kernel_ = kernels.native[static_cast<size_t>(dtype)][op];

  // Zero padding lets the kernels run over whole vectors: zeros add nothing to any operation.
  const size_t row_bytes = table.padded_bytes != 0 ? table.padded_bytes : RowBytes(dtype, dim);
  s.native_dim_ = row_bytes;
  s.float_dim_ = dtype == DataType::kBit ? dim : row_bytes / RowBytes(dtype, 1);
  const size_t padded = RoundUp(std::max({dim, s.float_dim_, s.native_dim_}), simd::kQueryPadding);
  s.float_stride_ = padded * sizeof(float);
  s.native_stride_ = padded;

  const size_t count = end - begin;
  KITH_ASSIGN_OR_RETURN(s.float_queries_,
                        AlignedBuffer<std::byte>::Create(count * s.float_stride_));
  if (HasNativeKernel(dtype)) {
    KITH_ASSIGN_OR_RETURN(s.native_queries_,
                          AlignedBuffer<std::byte>::Create(count * s.native_stride_));
  }
  std::vector<float> x(dim);
  std::vector<uint32_t> natives;
  std::vector<float> native_norms;
  for (size_t i = 0; i < count; ++i) {
    data::RowToF32(queries, begin + i, x.data());
    const double norm = SquaredNorm(x.data(), dim);
    if (norm > std::numeric_limits<float>::max() / 4) {
      return Status::InvalidArgument(
          StrCat("query ", begin + i,
                 ": values too large, the squared norm overflows float32; scale the vectors down"));
    }
    const bool native = HasNativeKernel(dtype) && HoldsExactly(dtype, x.data(), dim);
    if (native) {
      WriteNative(dtype, x.data(), dim,
                  s.native_queries_.data() + natives.size() * s.native_stride_);
      natives.push_back(static_cast<uint32_t>(i));
    } else {
      if (unit_length) ScaleByPowerOfTwo(x.data(), dim);
      std::memcpy(s.float_queries_.data() + s.order_.size() * s.float_stride_, x.data(),
                  dim * sizeof(float));
      s.order_.push_back(static_cast<uint32_t>(i));
    }
    if (unit_length) {
      (native ? native_norms : s.inverse_norms_).push_back(InverseNorm(x.data(), dim));
    }
  }
  s.num_float_ = s.order_.size();
  s.order_.insert(s.order_.end(), natives.begin(), natives.end());
  s.inverse_norms_.insert(s.inverse_norms_.end(), native_norms.begin(), native_norms.end());
  return s;
}

const std::byte* Scorer::Query(size_t slot) const {
  return slot < num_float_ ? float_queries_.data() + slot * float_stride_
                           : native_queries_.data() + (slot - num_float_) * native_stride_;
}

const float* Scorer::NormsFrom(size_t row) const {
  return table_.inverse_norms == nullptr ? nullptr : table_.inverse_norms + row;
}

void Scorer::Finish(size_t slot, const float* inverse_norms, float* out, size_t n) const noexcept {
  if (form_ == DistanceForm::kNegated) {
    kernels_->negate(out, n);
  } else if (form_ == DistanceForm::kOneMinusCosine) {
    kernels_->cosine(inverse_norms, inverse_norms_[slot], out, n);
  }
}

void Scorer::FinishIds(size_t slot, const uint32_t* ids, float* out, size_t n) const noexcept {
  if (form_ != DistanceForm::kOneMinusCosine) return Finish(slot, nullptr, out, n);
  const float scale = inverse_norms_[slot];
  for (size_t i = 0; i < n; ++i) {
    out[i] = std::clamp(1.0f - out[i] * (scale * table_.inverse_norms[ids[i]]), 0.0f, 2.0f);
  }
}

void Scorer::ScoreRows(size_t slot_begin, size_t slot_end, size_t row_begin, size_t row_end,
                       float* out, size_t out_stride) const noexcept {
  ScoreRowsRaw(slot_begin, slot_end, row_begin, row_end, out, out_stride);
  for (size_t slot = slot_begin; slot < slot_end; ++slot, out += out_stride) {
    Finish(slot, NormsFrom(row_begin), out, row_end - row_begin);
  }
}

size_t Scorer::FindNear(size_t slot, size_t row_begin, size_t n, float limit, float* scores,
                        uint32_t* near) const noexcept {
  size_t count = 0;
  if (form_ == DistanceForm::kNegated) {
    count = kernels_->negative_below(scores, n, limit, near);
  } else if (form_ == DistanceForm::kOneMinusCosine) {
    count =
        kernels_->cosine_below(NormsFrom(row_begin), inverse_norms_[slot], scores, n, limit, near);
  } else {
    return kernels_->below(scores, n, limit, near);
  }
  for (size_t i = 0; i < count; ++i) {
    const float* norm = NormsFrom(row_begin + near[i]);
    Finish(slot, norm, scores + near[i], 1);
  }
  return count;
}

void Scorer::ScoreRowsRaw(size_t slot_begin, size_t slot_end, size_t row_begin, size_t row_end,
                          float* out, size_t out_stride) const noexcept {
  const bool native = slot_begin >= num_float_;
  const size_t rows = row_end - row_begin;
  if (!native && table_.rows.dtype == DataType::kBit) {
    for (size_t slot = slot_begin; slot < slot_end; ++slot, out += out_stride) {
      ScoreDecoded(slot, nullptr, row_begin, rows, out);
    }
    return;
  }
  const simd::DistanceKernel& kernel = native ? native_kernel_ : float_kernel_;
  kernel.tile(Query(slot_begin), native ? native_stride_ : float_stride_, slot_end - slot_begin,
              table_.rows.row(row_begin), table_.rows.stride, rows,
              native ? native_dim_ : float_dim_, out, out_stride);
}

void Scorer::ScoreIds(size_t slot, const uint32_t* ids, size_t num_ids, float* out) const noexcept {
  const bool native = slot >= num_float_;
  if (!native && table_.rows.dtype == DataType::kBit) {
    ScoreDecoded(slot, ids, 0, num_ids, out);
    return FinishIds(slot, ids, out, num_ids);
  }
  const simd::DistanceKernel& kernel = native ? native_kernel_ : float_kernel_;
  kernel.ids(Query(slot), table_.rows.data, table_.rows.stride, ids, num_ids,
             native ? native_dim_ : float_dim_, out);
  FinishIds(slot, ids, out, num_ids);
}

// A float query against packed bits, one row at a time: rare (bits are searched with bits), so it
// is written for correctness.
void Scorer::ScoreDecoded(size_t slot, const uint32_t* ids, size_t first, size_t n,
                          float* out) const noexcept {
  alignas(64) float block[1024];
  const auto* query = reinterpret_cast<const float*>(Query(slot));
  for (size_t i = 0; i < n; ++i) {
    const size_t row = ids != nullptr ? ids[i] : first + i;
    const auto* bits = reinterpret_cast<const uint8_t*>(table_.rows.row(row));
    float sum = 0;
    for (size_t at = 0; at < table_.rows.dim; at += 1024) {
      const size_t count = std::min<size_t>(1024, table_.rows.dim - at);
      for (size_t j = 0; j < count; ++j) {
        block[j] = static_cast<float>((bits[(at + j) / 8] >> ((at + j) % 8)) & 1);
      }
      float part = 0;
      float_kernel_.tile(reinterpret_cast<const std::byte*>(query + at), float_stride_, 1,
                         reinterpret_cast<const std::byte*>(block), sizeof(block), 1, count, &part,
                         1);
      sum += part;
    }
    out[i] = sum;
  }
}

}  // namespace kith::search
