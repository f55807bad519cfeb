// Exhaustive search that reads 8-bit codes first, and in full only the rows they do not rule out.
#ifndef KITH_SCAN_CODED_SCAN_H_
#define KITH_SCAN_CODED_SCAN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "quant/bounded_code.h"
#include "search/scorer.h"
#include "search/stored_vectors.h"
#include "search/top_k.h"
#include "storage/container.h"

namespace kith::scan {

inline constexpr std::array<std::string_view, 2> kScanSections = {"scan_mean", "scan_codes"};

// Encodes the rows in this order and writes kScanSections. Errors: OutOfMemory, the writer's.
Status WriteScanCodes(const MatrixView& rows, std::span<const uint32_t> order, Metric metric,
                      ThreadPool& pool, storage::ContainerWriter* writer);

// The codes of a file that has them; views of it. Errors: Corruption.
Result<quant::BoundedCodes> OpenScanCodes(const storage::ContainerReader& file);

// Whether every bound holds. Cost: O(rows * dim). Errors: Corruption; those of the pool's loops.
Status VerifyScanCodes(const storage::ContainerReader& file, const search::StoredVectors& vectors,
                       const quant::BoundedCodes& codes, ThreadPool& pool);

// Whether codes rule out enough rows for them to pay.
bool ScansCodes(const quant::BoundedCodes& codes, size_t rows, size_t k);

struct CodesScanned {
  size_t end = 0;         // rows before this one are dealt with
  uint64_t compared = 0;  // full distances computed
};

// Offers to top[slot] all of the rows [begin, end) that comparing the slot's query with each of
// them would leave there. Stops early where codes rule out too little to pay, and where the pool
// does.
// REQUIRES: the vectors have codes, `queries` has the scorer's queries by slot; `begin` is a
// multiple of kScreenRows, and so is `end` unless it is the number of rows.
CodesScanned ScanCodes(const search::StoredVectors& vectors, const quant::BoundedCodes& codes,
                       const search::Scorer& scorer, const quant::BoundedQueries& queries, size_t k,
                       size_t begin, size_t end, const ThreadPool& pool, search::TopK* top);

}  // namespace kith::scan

#endif  // KITH_SCAN_CODED_SCAN_H_
