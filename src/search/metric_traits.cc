#include "search/metric_traits.h"

#include <cmath>

namespace kith::search {
namespace {

using simd::Op;
using enum DistanceForm;

constexpr MetricTraits kTraits[kNumMetrics] = {
    // angular: |q - x|^2 = 2 (1 - cos) between unit vectors
    {.op = Op::kDot,
     .form = kOneMinusCosine,
     .root = false,
     .euclidean = true,
     .squared = true,
     .products = false,
     .geometry_scale = 2,
     .graph_cost = 1,
     .forest_cost = 1,
     .one_missed_of = 200},
    // euclidean
    {.op = Op::kL2,
     .form = kSum,
     .root = true,
     .euclidean = true,
     .squared = true,
     .products = false,
     .geometry_scale = 1,
     .graph_cost = 1,
     .forest_cost = 1,
     .one_missed_of = 200},
    // dot
    {.op = Op::kDot,
     .form = kNegated,
     .root = false,
     .euclidean = true,
     .squared = true,
     .products = true,
     .geometry_scale = 1,
     .graph_cost = 1.7,
     .forest_cost = 3.5,
     .one_missed_of = 40},
    // manhattan
    {.op = Op::kL1,
     .form = kSum,
     .root = false,
     .euclidean = false,
     .squared = false,
     .products = false,
     .geometry_scale = 1,
     .graph_cost = 1.3,
     .forest_cost = 1.2,
     .one_missed_of = 200},
    // hamming: the number of coordinates that differ is the squared distance of points of 0 and 1
    {.op = Op::kHamming,
     .form = kSum,
     .root = false,
     .euclidean = false,
     .squared = true,
     .products = false,
     .geometry_scale = 1,
     .graph_cost = 1,
     .forest_cost = 1,
     .one_missed_of = 200},
};

}  // namespace

const MetricTraits& TraitsOf(Metric metric) { return kTraits[static_cast<size_t>(metric)]; }

float UserDistance(Metric metric, float internal) {
  return TraitsOf(metric).root ? std::sqrt(internal) : internal;
}

}  // namespace kith::search
