#include "search/lengths.h"

#include <limits>
#include <vector>

#include "base/math.h"
#include "base/strings.h"
#include "data/convert.h"
#include "search/metric_traits.h"

namespace kith::search {

Status CheckLengths(std::span<const float> inverse_norms, Metric metric) {
  const MetricTraits& traits = TraitsOf(metric);
  if (traits.op != simd::Op::kL2 && traits.form != DistanceForm::kNegated) return Status::Ok();
  float least = std::numeric_limits<float>::infinity();
  for (const float inverse : inverse_norms) {
    if (inverse > 0 && inverse < least) least = inverse;
  }
  const double longest = 1.0 / static_cast<double>(least);  // 0 if all are zero
  if (longest == 0 || longest >= kShortestLongest) return Status::Ok();
  return Status::InvalidArgument(
      StrCat("values too small: the longest vector has a length of ", longest,
             ", whose square vanishes in float32; scale the vectors up (a power of two rounds "
             "nothing)"));
}

Status CheckQueryLengths(const MatrixView& queries, Metric metric) {
  if (TraitsOf(metric).form != DistanceForm::kNegated) return Status::Ok();
  std::vector<float> x(queries.dim);
  for (size_t i = 0; i < queries.rows; ++i) {
    data::RowToF32(queries, i, x.data());
    const double norm = SquaredNorm(x.data(), queries.dim);
    if (norm > 0 && norm < kShortestFactor * kShortestFactor) {
      return Status::InvalidArgument(StrCat("query ", i,
                                            ": values too small, products with them vanish in "
                                            "float32; scale the query up"));
    }
  }
  return Status::Ok();
}

}  // namespace kith::search
