// All that kith knows of a metric beside its kernels and its geometry (quant/geometry.h), in one
// table: a new metric gets a line here.
#ifndef KITH_SEARCH_METRIC_TRAITS_H_
#define KITH_SEARCH_METRIC_TRAITS_H_

#include <cstddef>

#include "kith/types.h"
#include "simd/kernels.h"

namespace kith::search {

// What makes an internal distance of the sum that a kernel gives. Internally, smaller is closer and
// no roots are taken.
enum class DistanceForm {
  kSum,             // the sum itself
  kNegated,         // its negative: of products, the largest is the closest
  kOneMinusCosine,  // 1 less the sum over both lengths
};

struct MetricTraits {
  simd::Op op;  // what kernels sum over the coordinates
  DistanceForm form;
  // Users see the root of the internal distance.
  bool root;
  // In the space of quant/geometry.h the order of internal distances is that of Euclidean ones, and
  // codes can estimate them.
  bool euclidean;
  // Internal distances grow as the square of the distances between points; what is said of these is
  // then squared.
  bool squared;
  // A query's length scales its distances, and long vectors are near to many queries though few are
  // near to them. Distances may be negative.
  bool products;
  // Internal distance times this is the squared Euclidean distance in the geometry. Where
  // `products` it is half of that, less a part that depends on the query alone.
  float geometry_scale;
  // How many times as long a search takes as with euclidean: kernels are slower, or neighbours
  // harder to find. Of a graph and of a forest; measured by `bench/run plan` (docs/choosing.md).
  double graph_cost;
  double forest_cost;
  // One of so many nodes may be missed by a narrow search for itself before the build of a graph
  // looks for more. Real sets miss one in 300 to 5,000, and of products one in 50 to 100; sets of
  // clusters that lie apart one in 5 to 100 (docs/graph.md).
  size_t one_missed_of;

  // Only directions count: lengths are divided out.
  bool unit_length() const { return form == DistanceForm::kOneMinusCosine; }
};

const MetricTraits& TraitsOf(Metric metric);

// What users see of an internal distance (the table at Metric).
float UserDistance(Metric metric, float internal);

}  // namespace kith::search

#endif  // KITH_SEARCH_METRIC_TRAITS_H_
