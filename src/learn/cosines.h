// Cosines of a few words to all words.
#ifndef KITH_LEARN_COSINES_H_
#define KITH_LEARN_COSINES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/thread_pool.h"
#include "kith/index.h"
#include "kith/status.h"
#include "linalg/matrix.h"

namespace kith::learn {

// The stored vectors of these rows, each of length 1; a vector of zeros stays. REQUIRES: rows of
// the index. Errors: OutOfMemory.
Result<linalg::Matrix> UnitVectors(const Index& index, std::span<const uint64_t> rows);

// Cosines to the rows [begin, end): of query q to row begin + j at values[q * stride + j]; what
// follows end - begin of them, up to the stride, is nothing.
struct CosineBlock {
  uint64_t begin = 0;
  uint64_t end = 0;
  const float* values = nullptr;
  size_t stride = 0;
  int thread = 0;  // of the pool, that computed it
};

// Calls visit for each block of the first `num_rows` rows, on the threads of the pool, in no order
// that anything may depend on; the blocks do not depend on the threads, nor do their values.
// Cost: num_rows * (queries.rows + 1) * dim multiplications, and reading the vectors. Errors: those
// of visit and of the pool; OutOfMemory.
Status ForCosines(const Index& index, const linalg::Matrix& queries, uint64_t num_rows,
                  ThreadPool& pool, const Progress& progress,
                  const std::function<Status(const CosineBlock&)>& visit);

}  // namespace kith::learn

#endif  // KITH_LEARN_COSINES_H_
