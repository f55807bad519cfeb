// Exact search as an access path. It is in every file; what may be stored for it are 8-bit codes
// (docs/exact.md), which it scans first.
#ifndef KITH_SCAN_PATH_H_
#define KITH_SCAN_PATH_H_

#include <cstddef>

#include "search/access_path.h"

namespace kith::scan {

const search::PathType& Type();

// Nanoseconds of comparing a query with `rows` vectors of `bytes` in all, `num_queries` in one
// call.
double QueryNs(double rows, double bytes, size_t num_queries);

}  // namespace kith::scan

#endif  // KITH_SCAN_PATH_H_
