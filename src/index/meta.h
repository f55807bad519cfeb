// What the sections "meta" and "origin" may hold. Whoever opens a file hands this text to a parser
// of JSON, and most of those call themselves for what is nested: so nothing nested deeply may get
// there.
#ifndef KITH_INDEX_META_H_
#define KITH_INDEX_META_H_

#include <cstddef>
#include <string_view>

#include "kith/status.h"

namespace kith::index {

inline constexpr size_t kMaxMetaBytes = size_t{64} << 10;
inline constexpr size_t kMaxMetaDepth = 8;  // objects and arrays within each other

// Whether the text is an object of JSON (RFC 8259) of that size and depth at most, in UTF-8.
// Cost: O(text), at once refused if that is too long. Errors: Corruption with the byte within the
// text, and without the name of the file.
Status CheckMeta(std::string_view text);

// Whether the text is UTF-8 of that size at most. Errors likewise.
Status CheckOrigin(std::string_view text);

}  // namespace kith::index

#endif  // KITH_INDEX_META_H_
