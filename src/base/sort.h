// Sorting that threads share and that can be ended.
#ifndef KITH_BASE_SORT_H_
#define KITH_BASE_SORT_H_

#include <algorithm>
#include <cstddef>
#include <span>

#include "base/thread_pool.h"
#include "kith/status.h"

namespace kith {
inline namespace base {

// Sorts, as std::sort does. Equal values must not be told apart, so that the result does not depend
// on the pieces. Errors: those of the pool's loops; the values are in any order then.
template <class T>
Status SortInPieces(std::span<T> values, ThreadPool& pool) {
  constexpr size_t kPiece = size_t{1} << 16;
  KITH_RETURN_IF_ERROR(pool.Chunks(values.size(), kPiece, [&](size_t begin, size_t end, int) {
    std::sort(values.data() + begin, values.data() + end);
  }));
  for (size_t sorted = kPiece; sorted < values.size(); sorted *= 2) {
    KITH_RETURN_IF_ERROR(pool.Chunks(values.size(), 2 * sorted, [&](size_t begin, size_t end, int) {
      T* const first = values.data() + begin;
      if (end - begin > sorted) std::inplace_merge(first, first + sorted, values.data() + end);
    }));
  }
  return Status::Ok();
}

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_SORT_H_
