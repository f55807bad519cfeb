// Indexes whose file has no name.
#ifndef KITH_INDEX_IN_MEMORY_H_
#define KITH_INDEX_IN_MEMORY_H_

#include <memory>

#include "base/file.h"
#include "kith/index.h"
#include "kith/status.h"

namespace kith::index {

inline constexpr char kInMemory[] = "the index in memory";  // in messages, for a path

// Maps what was written to the file. Errors: as OpenIndex.
Result<std::unique_ptr<Index>> OpenAnonymous(const AnonymousFile& file, const OpenOptions& options);

}  // namespace kith::index

#endif  // KITH_INDEX_IN_MEMORY_H_
