// Whether float32 has room for the squares and products of vectors so short.
#ifndef KITH_SEARCH_LENGTHS_H_
#define KITH_SEARCH_LENGTHS_H_

#include <span>

#include "kith/status.h"
#include "kith/types.h"

namespace kith::search {

// Squares of what is below 1e-19 are subnormal in float32, and below 1e-23 zero: distances that
// differ would be equal. Where the longest vector has this length, what is lost of them is as
// little as a rounding of coordinates.
inline constexpr double kShortestLongest = 0x1p-40;  // 1e-12
// Products of a query as long as this with vectors so long keep their digits.
inline constexpr double kShortestFactor = 0x1p-80;  // 1e-24

// InvalidArgument if the metric takes squares or products and the longest of the vectors is shorter
// than kShortestLongest, but not zero; given what InverseNorms() has of them.
Status CheckLengths(std::span<const float> inverse_norms, Metric metric);

// InvalidArgument if the metric takes products and a query is shorter than kShortestFactor, but not
// zero. For what users ask: a stored vector that a build searches for may be as short as it likes
// among longer ones. O(queries.rows * dim) of such a metric.
Status CheckQueryLengths(const MatrixView& queries, Metric metric);

}  // namespace kith::search

#endif  // KITH_SEARCH_LENGTHS_H_
