// Exhaustive search that reads 8-bit codes first, and in full only the rows they do not rule out.
#ifndef KITH_SCAN_CODED_SCAN_H_
#define KITH_SCAN_CODED_SCAN_H_

#include <cstddef>
#include <cstdint>

#include "base/thread_pool.h"
#include "quant/bounded_code.h"
#include "scan/group.h"
#include "search/top_k.h"

namespace kith::scan {

// Whether codes rule out enough rows for them to pay.
bool ScansCodes(const quant::BoundedCodes& codes, size_t rows, size_t k);

struct CodesScanned {
  size_t end = 0;         // rows before this one are dealt with
  uint64_t compared = 0;  // full distances computed
};

// Offers to top[slot] all of the rows [begin, end) that comparing the slot's query with each of
// them would leave there. Stops early where codes rule out too little to pay, and where an end is
// asked for. REQUIRES: the group is prepared for the codes; `begin` is a multiple of kScreenRows,
// and so is `end` unless it is the number of rows.
CodesScanned ScanCodes(const QueryGroup& group, const quant::BoundedCodes& codes, size_t k,
                       size_t begin, size_t end, const ThreadPool& pool, search::TopK* top);

}  // namespace kith::scan

#endif  // KITH_SCAN_CODED_SCAN_H_
