// The sections that every .kith file has.
#ifndef KITH_INDEX_LAYOUT_H_
#define KITH_INDEX_LAYOUT_H_

#include <string_view>

namespace kith::index {

inline constexpr std::string_view kVectorsSection = "vectors";      // rows in internal order
inline constexpr std::string_view kNormsSection = "inverse_norms";  // f32 for each row; angular
inline constexpr std::string_view kRowsSection = "rows";            // u32: internal position -> row
inline constexpr std::string_view kSlotsSection = "slots";          // u32: row -> internal position
inline constexpr std::string_view kMetaSection = "meta";            // JSON for people
inline constexpr std::string_view kOriginSection = "origin";        // how the vectors were made

// What to do about a build without memory.
inline constexpr char kLessMemory[] =
    "build with fewer threads, a compact graph, or exact search only";

inline constexpr char kBuildSecondsAttribute[] = "user.kith.build_seconds";

}  // namespace kith::index

#endif  // KITH_INDEX_LAYOUT_H_
