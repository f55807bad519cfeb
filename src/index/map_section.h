// The section "map" of a .kith file: a picture of its vectors.
#ifndef KITH_INDEX_MAP_SECTION_H_
#define KITH_INDEX_MAP_SECTION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kith/map.h"
#include "kith/status.h"

namespace kith::index {

inline constexpr std::string_view kMapSection = "map";

// The map in a section's bytes, of so many rows. Errors: Corruption, with what is wrong and no
// name of the file; Unsupported (made in a way that is not known here).
Result<Map> ReadMap(std::span<const std::byte> bytes, uint64_t rows);

}  // namespace kith::index

#endif  // KITH_INDEX_MAP_SECTION_H_
