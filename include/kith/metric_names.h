// What metrics are called elsewhere, and what to say of a name that none is called by.
#ifndef KITH_METRIC_NAMES_H_
#define KITH_METRIC_NAMES_H_

#include <string>
#include <string_view>

namespace kith {

// ParseMetric() (kith/types.h) takes, beside the names of MetricName(), those that other tools have
// for the same distances. Capitals, spaces, '-' and '_' make no difference:
//
//   angular      cosine, cos, cosine distance, cosine similarity
//   euclidean    l2
//   dot          ip, inner product, dot product
//   manhattan    l1, cityblock, taxicab
//
// Not sqeuclidean: distances are what the name says, and kith's are the roots.

// What is wrong with a name that ParseMetric() does not know, in a line: which metric was probably
// meant, or what to take instead, and which there are.
std::string UnknownMetric(std::string_view name);

}  // namespace kith

#endif  // KITH_METRIC_NAMES_H_
