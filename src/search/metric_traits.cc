#include "search/metric_traits.h"

#include <cmath>
#include <iterator>

namespace kith::search {
namespace {

using simd::Op;
using enum DistanceForm;

// clang-format off
constexpr MetricTraits kTraits[] = {
    // op, form, root, euclidean, squared, products, scale, cost of a graph, of a forest, one missed of
    {Op::kDot, kOneMinusCosine, false, true, true, false, 2, 1, 1, 200},   // angular
    {Op::kL2, kSum, true, true, true, false, 1, 1, 1, 200},                // euclidean
    {Op::kDot, kNegated, false, true, true, true, 1, 1.7, 3.5, 40},        // dot
    {Op::kL1, kSum, false, false, false, false, 1, 1.3, 1.2, 200},         // manhattan
    // Of points of 0 and 1 the number of coordinates that differ is the squared distance.
    {Op::kHamming, kSum, false, false, true, false, 1, 1, 1, 200},         // hamming
};
// clang-format on
static_assert(std::size(kTraits) == kNumMetrics, "a metric without traits");

}  // namespace

const MetricTraits& TraitsOf(Metric metric) { return kTraits[static_cast<size_t>(metric)]; }

float UserDistance(Metric metric, float internal) {
  return TraitsOf(metric).root ? std::sqrt(internal) : internal;
}

}  // namespace kith::search
