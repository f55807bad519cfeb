// A matrix of numbers as they lie in a file or in memory: of any of NumPy's types of numbers and
// either byte order.
#ifndef KITH_DATA_ITEMS_H_
#define KITH_DATA_ITEMS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kith/dataset.h"
#include "kith/status.h"

namespace kith::data {

// Item (row, column) is number row * row_step + column_item[column] from `data` on. All items lie
// in memory that `owner` keeps; whoever makes one of these has checked that.
struct ItemMatrix {
  std::string path;       // of the file, for messages
  char kind = 0;          // NumPy's letter: f, i, u, b (a byte that is 0 or 1)
  size_t item_bytes = 0;  // f: 2, 4, 8; i and u: 1, 2, 4, 8; b: 1
  bool big_endian = false;
  const std::byte* data = nullptr;
  std::shared_ptr<const void> owner;
  size_t rows = 0;
  size_t dim = 0;
  size_t row_step = 0;
  std::vector<size_t> column_item;  // dim numbers; empty where it is the column itself (C order)

  size_t item(size_t row, size_t column) const {
    return row * row_step + (column_item.empty() ? column : column_item[column]);
  }
};

// The vectors: viewed in place where the items are a type of kith's in this machine's byte order,
// row by row; else converted: f8 to f32, bool to bit, wide integers to the smallest exact type.
// Errors: InvalidArgument naming row and column (a number beyond float32, a bool that is neither 0
// nor 1); OutOfMemory.
Result<Dataset> DatasetOf(const ItemMatrix& items);

// The integers, row by row, as ids. Errors: InvalidArgument naming row and column (no id).
// REQUIRES: kind is i or u.
Result<std::vector<int64_t>> IdsOf(const ItemMatrix& items);

}  // namespace kith::data

#endif  // KITH_DATA_ITEMS_H_
