#include "quant/short_code.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/math.h"
#include "quant/rabitq.h"
#include "simd/kernels.h"

namespace kith::quant {
namespace {

// levels[i] = the level of r[i] * scale, in [0, 2 * half). Returns sum (level - half + 0.5) * r.
double RoundToLevels(const float* r, size_t dim, float scale, int half, uint8_t* levels) {
  // Sixteen sums, so that the order is fixed and compilers can vectorise.
  float sums[16] = {};
  const auto most = static_cast<float>(half - 1);
  const auto step = [&](size_t i, size_t lane) {
    const auto m = static_cast<int>(std::min(std::abs(r[i]) * scale, most));
    const int negative = r[i] >= 0 ? 0 : -1;
    const int signed_level = m ^ negative;  // m, or -1 - m
    sums[lane] += (static_cast<float>(signed_level) + 0.5f) * r[i];
    levels[i] = static_cast<uint8_t>(half + signed_level);
  };
  size_t i = 0;
  for (; i + 16 <= dim; i += 16) {
    for (size_t lane = 0; lane < 16; ++lane) step(i + lane, lane);
  }
  for (size_t lane = 0; i < dim; ++i, ++lane) step(i, lane);
  double sum = 0;
  for (const float s : sums) sum += s;
  return sum;
}

// Writes one code. `r` is the centred, rotated vector; `levels` has room for whole fields.
void EncodeRow(const float* r, const CodeShape& shape, uint8_t* levels, std::byte* out) {
  const size_t dim = shape.rotated_dim();
  const size_t code_bytes = shape.code_bytes();
  const int bits = shape.bits;
  const double squared_norm = SquaredNorm(r, dim);
  auto* code = reinterpret_cast<uint8_t*>(out);
  CodeFactors factors{static_cast<float>(std::sqrt(squared_norm)), 0};
  if (squared_norm > 0) {
    const auto scale = static_cast<float>(std::sqrt(static_cast<double>(dim) / squared_norm) /
                                          LevelsOf(bits).width);
    const double along = RoundToLevels(r, dim, scale, 1 << (bits - 1), levels);
    std::copy(levels, levels + code_bytes, code);
    for (int field = 1; field < 8 / bits; ++field) {
      const uint8_t* next = levels + static_cast<size_t>(field) * code_bytes;
      const int shift = field * bits;
      for (size_t j = 0; j < code_bytes; ++j) {
        code[j] = static_cast<uint8_t>(code[j] | (next[j] << shift));
      }
    }
    factors.weight = static_cast<float>(squared_norm / along);
  } else {
    std::memset(code, 0, code_bytes);
  }
  std::memcpy(out + code_bytes, &factors, sizeof(factors));
}

// The row as codes see it: [shape.rotated_dim()].
void Centre(const MatrixView& rows, size_t row, const CodeSpace& space, const CodeShape& shape,
            float* x) {
  space.geometry.Row(rows, row, x);
  for (size_t c = 0; c < shape.dim; ++c) x[c] -= space.mean[c];
  std::fill(x + shape.dim, x + shape.rotated_dim(), 0.0f);
  space.rotation.Apply(x);
}

}  // namespace

int CodeBits(size_t dim) { return dim >= 560 ? 1 : dim >= 128 ? 2 : 4; }

Result<AlignedBuffer<std::byte>> EncodeRows(const MatrixView& rows, std::span<const uint32_t> order,
                                            const Geometry& geometry, std::span<const float> mean,
                                            const Rotation& rotation, const CodeShape& shape,
                                            ThreadPool& pool) {
  KITH_ASSIGN_OR_RETURN(auto codes,
                        AlignedBuffer<std::byte>::Create(shape.total_bytes(order.size())));
  struct Scratch {
    std::vector<float> x;
    std::vector<uint8_t> levels;  // zero from the dimension on
  };
  const size_t whole_fields = shape.code_bytes() * static_cast<size_t>(8 / shape.bits);
  std::vector<Scratch> scratch(
      pool.size(), {std::vector<float>(shape.rotated_dim()), std::vector<uint8_t>(whole_fields)});
  const size_t row_bytes = RowBytes(rows.dtype, rows.dim);
  KITH_RETURN_IF_ERROR(pool.Chunks(order.size(), 256, [&](size_t begin, size_t end, int thread) {
    constexpr size_t kAhead = 4;
    float* x = scratch[thread].x.data();
    for (size_t i = begin; i < end; ++i) {
      if (i + kAhead < end) {
        const std::byte* next = rows.row(order[i + kAhead]);
        for (size_t at = 0; at < row_bytes; at += kCacheLine) __builtin_prefetch(next + at);
      }
      Centre(rows, order[i], {geometry, mean, rotation}, shape, x);
      EncodeRow(x, shape, scratch[thread].levels.data(), codes.data() + i * shape.row_bytes());
    }
  }));
  return codes;
}

bool IsCodeOf(const MatrixView& rows, size_t row, const CodeSpace& space, const CodeShape& shape,
              const std::byte* code, float* scratch) {
  constexpr double kRounding = 1e-3;  // of a level, and of the factors
  const auto is_zero = [](std::byte b) { return b == std::byte{0}; };
  const size_t dim = shape.rotated_dim();
  const size_t code_bytes = shape.code_bytes();
  Centre(rows, row, space, shape, scratch);
  const double squared_norm = SquaredNorm(scratch, dim);
  if (!std::isfinite(static_cast<float>(squared_norm))) return true;
  CodeFactors factors{};
  std::memcpy(&factors, code + code_bytes, sizeof(factors));
  const std::byte* const end = code + shape.row_bytes();
  if (!std::all_of(code + code_bytes + sizeof(factors), end, is_zero)) return false;
  if (!(squared_norm > 0)) return std::all_of(code, end, is_zero);
  const double norm = std::sqrt(squared_norm);
  const double scale = std::sqrt(static_cast<double>(dim)) / norm / LevelsOf(shape.bits).width;
  const double half = 1 << (shape.bits - 1);
  double along = 0;
  for (size_t i = 0; i < code_bytes * 8 / static_cast<size_t>(shape.bits); ++i) {
    const auto byte = std::to_integer<unsigned>(code[i % code_bytes]);
    const unsigned level =
        byte >> (i / code_bytes * static_cast<size_t>(shape.bits)) & ((1u << shape.bits) - 1);
    if (i >= dim) {
      if (level != 0) return false;
      continue;
    }
    const double at = scratch[i] * scale;
    const double slack = kRounding * (1 + std::abs(at));
    const auto level_of = [&](double x) {
      return std::clamp(std::floor(x) + half, 0.0, 2 * half - 1);
    };
    if (level < level_of(at - slack) || level > level_of(at + slack)) return false;
    along += (level - half + 0.5) * scratch[i];
  }
  return std::abs(factors.norm - norm) <= kRounding * norm &&
         std::abs(factors.weight * along - squared_norm) <= kRounding * squared_norm;
}

Status CodeQuery::Init(const CodeShape& shape) {
  shape_ = shape;
  KITH_ASSIGN_OR_RETURN(rotated_, AlignedBuffer<float>::Create(shape.rotated_dim()));
  query_stride_ = RoundUp(shape.code_bytes(), simd::kQueryPadding);
  KITH_ASSIGN_OR_RETURN(query_, AlignedBuffer<int8_t>::Create(query_stride_ * 8 / shape.bits));
  return Status::Ok();
}

void CodeQuery::Prepare(const float* x, std::span<const float> mean, const Rotation& rotation) {
  const size_t dim = shape_.rotated_dim();
  float* r = rotated_.data();
  for (size_t c = 0; c < shape_.dim; ++c) r[c] = x[c] - mean[c];
  std::fill(r + shape_.dim, r + dim, 0.0f);
  rotation.Apply(r);
  squared_norm_ = static_cast<float>(SquaredNorm(r, dim));
  // The mean of a damaged file may be anything; every estimate is then +inf.
  if (!std::isfinite(squared_norm_)) std::fill(r, r + dim, 0.0f);
  const ByteSteps steps = StepsOf(r, dim);
  step_ = steps.step;
  int32_t sum = 0;
  const size_t code_bytes = shape_.code_bytes();
  for (size_t begin = 0, field = 0; begin < dim; begin += code_bytes, ++field) {
    sum += RoundToBytes(r + begin, std::min(code_bytes, dim - begin), steps,
                        query_.data() + field * query_stride_);
  }
  offset_ = -0.5f * static_cast<float>((1 << shape_.bits) - 1) * static_cast<float>(sum);
  error_scale_ = std::sqrt(squared_norm_) * LevelsOf(shape_.bits).tangent /
                 std::sqrt(static_cast<float>(std::max<size_t>(dim, 2) - 1));
}

void CodeQuery::Estimate(std::span<const std::byte> codes, const uint32_t* ids, size_t num_ids,
                         float* estimates, float* errors) const {
  const size_t code_bytes = shape_.code_bytes();
  const size_t row_bytes = shape_.row_bytes();
  const int which = shape_.bits == 1 ? 0 : shape_.bits == 2 ? 1 : 2;
  int32_t dots[kMaxBlock];
  simd::GetKernels().code_dot[which](query_.data(), query_stride_, codes.data(), row_bytes, ids,
                                     num_ids, code_bytes, dots);
  for (size_t i = 0; i < num_ids; ++i) {
    CodeFactors factors{};
    std::memcpy(&factors, codes.data() + ids[i] * row_bytes + code_bytes, sizeof(factors));
    const float dot = step_ * (static_cast<float>(dots[i]) + offset_);
    const float estimate = factors.norm * factors.norm + squared_norm_ - 2 * factors.weight * dot;
    const float error = 2 * error_scale_ * factors.norm;
    const bool sound = error < std::numeric_limits<float>::infinity() && !std::isnan(estimate);
    estimates[i] = sound ? std::max(estimate, 0.0f) : std::numeric_limits<float>::infinity();
    errors[i] = sound ? error : 0.0f;
  }
}

}  // namespace kith::quant
