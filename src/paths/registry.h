// All kinds of access paths there are. A new one adds its line to registry.cc.
#ifndef KITH_PATHS_REGISTRY_H_
#define KITH_PATHS_REGISTRY_H_

#include <span>
#include <string_view>
#include <vector>

#include "kith/index.h"
#include "search/access_path.h"

namespace kith::paths {

// Exact search first, which every file has; then the others, the one that is preferred first.
std::span<const search::PathType* const> All();

// Those that are not exact.
inline std::span<const search::PathType* const> Approximate() { return All().subspan(1); }

// nullptr for kAuto and for what is no kind.
const search::PathType* TypeOf(IndexKind kind);

// The names of all sections that paths may have in a file.
std::vector<std::string_view> Sections();

}  // namespace kith::paths

#endif  // KITH_PATHS_REGISTRY_H_
