// What a .kith file is, in words and for programs.
#ifndef KITH_APPS_COMMON_DESCRIBE_H_
#define KITH_APPS_COMMON_DESCRIBE_H_

#include <string>

#include "common/json.h"
#include "kith/index.h"

namespace kith::apps {

// The ways into a file: "exact, packed graph of degree 32 with 2-bit codes, forest of ...".
std::string PathsText(const IndexInfo& info);

// The names of the ways in: ["exact", "graph"].
Json PathNamesJson(const IndexInfo& info);

// A way in: its properties, "bytes" and "bytes_per_vector"; null if the file has not got it.
Json PathJson(const IndexInfo& info, IndexKind kind);

// What the summary of a build and `kith info` both say of the ways in: "index", "scan_codes",
// "graph", "trees" and "leaf".
void AddPathsJson(const IndexInfo& info, Json* json);

// Bytes of the whole file, or of one way in, for each vector; 0 without vectors.
double BytesPerVector(const IndexInfo& info);
double BytesPerVector(const IndexInfo& info, const PathInfo& path);

// Everything that the file says of itself.
Json InfoJson(const IndexInfo& info);

// What it says about its making: "seed 42, metric dot"; empty if it says nothing readable.
std::string BuiltWithText(const IndexInfo& info);

// How its vectors were made, in one line; empty if it does not say.
std::string OriginText(const IndexInfo& info);

// A checksum as it is written everywhere: "0x0012abcd".
std::string Hex(uint32_t x);

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_DESCRIBE_H_
