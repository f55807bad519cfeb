// The sections that every .kith file has, and how its rows lie.
#ifndef KITH_INDEX_LAYOUT_H_
#define KITH_INDEX_LAYOUT_H_

#include <cstddef>
#include <string_view>

#include "base/aligned_buffer.h"
#include "kith/types.h"

namespace kith {

inline constexpr std::string_view kVectorsSection = "vectors";      // rows in internal order
inline constexpr std::string_view kNormsSection = "inverse_norms";  // f32 for each row; angular
inline constexpr std::string_view kRowsSection = "rows";    // u32: internal position -> row
inline constexpr std::string_view kSlotsSection = "slots";  // u32: row -> internal position
inline constexpr std::string_view kMetaSection = "meta";    // JSON for people

inline constexpr char kBuildSecondsAttribute[] = "user.kith.build_seconds";

// Bytes from one stored row to the next: padded to the widest of 64, 32, 16, 8, 4 bytes that costs at
// most an eighth; not at all if each costs more. Aligned rows touch fewer cache lines, and zero padding
// lets kernels run over whole vectors.
constexpr size_t RowStride(DataType dtype, size_t dim) {
  const size_t bytes = RowBytes(dtype, dim);
  for (size_t alignment = kCacheLine; alignment >= 4; alignment /= 2) {
    if (RoundUp(bytes, alignment) - bytes <= bytes / 8) return RoundUp(bytes, alignment);
  }
  return bytes;
}

}  // namespace kith

#endif  // KITH_INDEX_LAYOUT_H_
