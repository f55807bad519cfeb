#include "search/lengths.h"

#include <limits>

#include "base/strings.h"
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

}  // namespace kith::search
