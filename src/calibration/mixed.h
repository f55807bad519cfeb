// Queries unlike those that there are, made of these.
#ifndef KITH_CALIBRATION_MIXED_H_
#define KITH_CALIBRATION_MIXED_H_

#include <cstddef>

#include "base/aligned_buffer.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::calibration {

// The type of mixtures of such vectors.
DataType MixedType(Metric metric, DataType dtype);

// `count` rows of MixedType(), one after the other: half of one query and half of another, the i-th
// and the i-th from the end. Where distances are sums over coordinates, every second of both
// (of bits, every second byte); of angular, half of both directions. Cost: O(count * dim). Errors:
// OutOfMemory. REQUIRES: 2 * count <= queries.rows.
Result<AlignedBuffer<std::byte>> MixPairs(Metric metric, const MatrixView& queries, size_t count);

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_MIXED_H_
