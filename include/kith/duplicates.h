// Vectors of a file that are nearly the same: copies of a photo, of a text, of a record.
#ifndef KITH_DUPLICATES_H_
#define KITH_DUPLICATES_H_

#include <cstdint>
#include <stop_token>
#include <vector>

#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

struct DuplicateOptions {
  // The largest distance, as searches tell it, at which two vectors count as duplicates. Angular
  // distances are rounded: 1e-6 is what finds exact copies, of other metrics 0.
  double within = 0;
  // The mean share of the nearest neighbours that is found, from above 0 to 1, which is exact
  // search. The nearest of all, which duplicates are, are missed less often than that.
  double recall = 1;
  // kAuto takes the cheapest way in for this recall; another one has to be in the file.
  IndexKind index = IndexKind::kAuto;
  int threads = 0;       // 0: one for each core. The result does not depend on it.
  Progress progress;     // stages "measure", "neighbours", "search"
  std::stop_token stop;  // as in BuildOptions
};

// Two rows that are near enough; a < b.
struct DuplicatePair {
  uint64_t a = 0;
  uint64_t b = 0;
  float distance = 0;
};

struct Duplicates {
  // All pairs within the distance, each once, the nearest first, ties by the smaller rows.
  std::vector<DuplicatePair> pairs;
  // What the pairs connect, directly or through others: at least two rows each, ascending; groups
  // in the order of their first rows. No row is in two of them.
  std::vector<std::vector<uint64_t>> groups;
  IndexKind index = IndexKind::kExact;  // how they were found
  double recall = 1;                    // measured, as of NeighbourGraph
};

// All pairs of vectors within a distance, and the groups that they make (single linkage). The
// neighbours of every vector are found as by MakeNeighbourGraph(); of vectors whose neighbours
// found are all within the distance, more are searched for, so that no pair is left out. Cost: that
// of the neighbour graph of 16 neighbours, and as many searches again as there are vectors with
// more duplicates than that. Memory: 24 bytes a pair (so many copies of one vector take as much as
// the square of their number) and 128 bytes a vector. Errors: InvalidArgument (`within` is no
// number; those of MakeNeighbourGraph(); cancelled), OutOfMemory. Thread-safe.
Result<Duplicates> FindDuplicates(const Index& index, const DuplicateOptions& options);

}  // namespace kith

#endif  // KITH_DUPLICATES_H_
