#include "data/copies.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/rng.h"
#include "base/sort.h"

namespace kith::data {
namespace {

constexpr size_t kRowsAtOnce = 4096;

// A hash of a row's bytes; rows of equal hash are compared in full.
uint64_t HashRow(const std::byte* row, size_t bytes) {
  uint64_t hash = bytes;
  for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, row + i, std::min(sizeof(word), bytes - i));
    hash = Mix64(hash ^ word);
  }
  return hash;
}

}  // namespace

Result<std::vector<uint32_t>> FindCopies(const MatrixView& rows, ThreadPool& pool) {
  struct Hashed {
    uint64_t hash;
    uint32_t row;
    bool operator<(const Hashed& o) const {
      return hash < o.hash || (hash == o.hash && row < o.row);
    }
  };
  const size_t row_bytes = RowBytes(rows.dtype, rows.dim);
  std::vector<Hashed> hashed(rows.rows);
  KITH_RETURN_IF_ERROR(pool.Chunks(rows.rows, kRowsAtOnce, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; ++i) {
      hashed[i] = {HashRow(rows.row(i), row_bytes), static_cast<uint32_t>(i)};
    }
  }));
  KITH_RETURN_IF_ERROR(SortInPieces(std::span(hashed), pool));
  std::vector<uint32_t> first(rows.rows);
  for (size_t begin = 0, end = 0; begin < hashed.size(); begin = end) {
    KITH_RETURN_IF_ERROR(pool.CheckStop());
    while (end < hashed.size() && hashed[end].hash == hashed[begin].hash) ++end;
    // By their bytes, so that equal rows meet, the first of them first.
    const auto order_of = [&](const Hashed& a, const Hashed& b) {
      const int order = std::memcmp(rows.row(a.row), rows.row(b.row), row_bytes);
      return order < 0 || (order == 0 && a.row < b.row);
    };
    const auto at = hashed.begin() + static_cast<ptrdiff_t>(begin);
    std::sort(at, hashed.begin() + static_cast<ptrdiff_t>(end), order_of);
    for (size_t i = begin; i < end; ++i) {
      const uint32_t row = hashed[i].row;
      const uint32_t before = i == begin ? row : hashed[i - 1].row;
      const bool same =
          before != row && std::memcmp(rows.row(before), rows.row(row), row_bytes) == 0;
      first[row] = same ? first[before] : row;
    }
  }
  return first;
}

}  // namespace kith::data
