// What is checked of a forest.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/math.h"
#include "base/strings.h"
#include "forest/forest.h"
#include "quant/geometry.h"
#include "search/metric_traits.h"

namespace kith::forest {

Status Forest::VerifyHeader(const Verification& check) const {
  const auto fault = [&](const auto&... what) { return file_->Corrupt("forest", StrCat(what...)); };
  if (header_.leaf_size > kMaxLeafSize) {
    return fault("leaf_size ", header_.leaf_size, ", expected at most ", kMaxLeafSize);
  }
  float expected = 0;
  if (search::TraitsOf(vectors_.table.metric).products) {
    KITH_ASSIGN_OR_RETURN(expected, quant::LargestNorm(vectors_.table.rows, *check.pool));
  }
  // Another machine may have rounded sums otherwise.
  if (!(std::abs(header_.max_norm - expected) <= 1e-6f * expected)) {
    return fault("max_norm ", header_.max_norm, ", expected ", expected);
  }
  if (std::all_of(std::begin(header_.reserved), std::end(header_.reserved),
                  [](uint8_t byte) { return byte == 0; })) {
    return Status::Ok();
  }
  return fault("its last bytes are not zero");
}

// Whether sketches are something: trees were grown with them, whatever the mean and the basis are.
Status Forest::VerifySketch() const {
  // No sketch of a vector that is not far out may be too large for a float.
  constexpr double kMostMean = 1e30;
  constexpr double kRounding = 0.01;
  const auto finite = [](float x) { return std::isfinite(x); };
  const std::span<const float> mean = sketch_.mean();
  if (!std::all_of(mean.begin(), mean.end(), finite) ||
      !(SquaredNorm(mean.data(), mean.size()) <= kMostMean * kMostMean)) {
    return file_->Corrupt("mean", "it is not finite, or too large");
  }
  const std::span<const float> basis = sketch_.basis();
  for (size_t at = 0; at < basis.size(); at += mean.size()) {
    // Where all vectors are the same, there is no direction.
    const double length = SquaredNorm(basis.data() + at, mean.size());
    if (length != 0 && !(std::abs(length - 1) <= kRounding)) {
      return file_->Corrupt("basis", StrCat("row ", at / mean.size(), " is no direction"));
    }
  }
  return Status::Ok();
}

Status Forest::VerifyCodes(const Verification& check) const {
  constexpr size_t kRowsAtOnce = 256;
  const MatrixView& rows = vectors_.table.rows;
  const quant::CodeSpace space{geometry_, sketch_.mean(), rotation_};
  const size_t stride = code_shape_.row_bytes();
  const auto is_code = [&](size_t begin, size_t end, int /*thread*/) -> Status {
    std::vector<float> scratch(code_shape_.rotated_dim());
    for (size_t row = begin; row < end; ++row) {
      if (quant::IsCodeOf(rows, row, space, code_shape_, codes_.data() + row * stride,
                          scratch.data())) {
        continue;
      }
      return file_->Corrupt("codes", StrCat("code ", row, " is not that of its vector"));
    }
    return Status::Ok();
  };
  KITH_RETURN_IF_ERROR(check.Chunks("codes of the forest", rows.rows, kRowsAtOnce, is_code));
  const std::span<const std::byte> rest = codes_.subspan(rows.rows * stride);
  if (std::all_of(rest.begin(), rest.end(), [](std::byte b) { return b == std::byte{0}; })) {
    return Status::Ok();
  }
  return file_->Corrupt("codes", "its last bytes are not zero");
}

Status Forest::Verify(const Verification& check) const {
  KITH_RETURN_IF_ERROR(VerifyHeader(check));
  KITH_RETURN_IF_ERROR(trees_.Verify(*file_, header_, check));
  KITH_RETURN_IF_ERROR(VerifySketch());
  return codes_.empty() ? Status::Ok() : VerifyCodes(check);
}

}  // namespace kith::forest
