// Users' vectors, checked, and as they are kept: in the smallest type that holds them.
#ifndef KITH_INDEX_OWN_ROWS_H_
#define KITH_INDEX_OWN_ROWS_H_

#include <cstddef>
#include <optional>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::index {

// Errors: InvalidArgument (none, too many, of a dimension that is not supported, not finite).
Status CheckVectors(const MatrixView& vectors, ThreadPool& pool);

struct OwnRows {
  AlignedBuffer<std::byte> converted;  // what `rows` views, unless these are the user's
  MatrixView rows;
};

// In a type asked for, or in the smallest that holds every value. Errors: those of
// data::ConvertRows().
Result<OwnRows> ToOwnRows(const MatrixView& vectors, std::optional<DataType> dtype,
                          ThreadPool& pool);

}  // namespace kith::index

#endif  // KITH_INDEX_OWN_ROWS_H_
