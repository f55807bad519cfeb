// Choosing how to build: what every way into the vectors would cost, and which one BuildIndex
// takes.
#ifndef KITH_PLAN_H_
#define KITH_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith {

// What a look at some of the vectors tells of all: how hard they are to search.
struct DataLook {
  uint64_t rows = 0;  // that were looked at; 0: none, and what follows is that of usual sets
  // In how many dimensions they lie locally, whatever their own: a neighbourhood of twice the
  // radius has 2^intrinsic_dim times as many vectors. Photo descriptors are about 13, sentences 25.
  double intrinsic_dim = 13;
  // What rounding a query to bytes, as packed graphs do, blurs of its distances, by what separates
  // the 10th neighbour from the 20th. Of sentences 0.02; where clusters are tight and far apart,
  // above 1.
  double rounding = 0;
};

// Why a way of building was taken or not.
enum class PlanVerdict {
  kChosen,        // the best of what may be built
  kAsked,         // the options name it
  kNotAsked,      // they name others
  kTooCoarse,     // its codes would not tell near neighbours apart
  kSmallSet,      // so few vectors that exact search is as fast
  kOverMemory,    // needs more than BuildOptions::memory
  kOverTime,      // takes longer than BuildOptions::build_seconds
  kMoreInAll,     // takes longer, build and expected queries together
  kSlowerSearch,  // searched more slowly, and the queries are many or unknown
};

// A way of building, and what it is predicted to cost. Times are of one thread of the machine that
// the model was fitted on, searches one query a call, k = 10 and recall 0.95 (docs/choosing.md).
struct PlanCandidate {
  IndexKind kind = IndexKind::kExact;  // exact search is always there too
  PathSpec spec;                       // of this kind: a graph's layout, a forest's number of trees
  double build_seconds = 0;            // with what measuring its recall takes, if that is done
  double calibration_seconds = 0;      // which is so much of it
  double elapsed_seconds = 0;          // the build's, on the threads of the options
  double query_us = 0;
  uint64_t file_bytes = 0;    // without keys and ids
  uint64_t build_memory = 0;  // bytes beside the vectors, at most
  double total_seconds = 0;   // the build and the expected queries
  PlanVerdict verdict = PlanVerdict::kNotAsked;
  // The number of queries from which this takes less time in all than what is built; infinity if
  // there is none.
  double faster_from = std::numeric_limits<double>::infinity();

  bool is_built() const {
    return verdict == PlanVerdict::kChosen || verdict == PlanVerdict::kAsked;
  }
};

struct BuildPlan {
  // Exact, forest, packed graph, compact graph: those that exist for the vectors. Of forests, the
  // one with the best number of trees.
  std::vector<PlanCandidate> candidates;
  size_t built = 0;  // the candidate that searches will use
  // What is built, with everything said that is known before.
  std::vector<PathSpec> paths;
  DataLook look;
};

// What BuildIndex does with `options` and that many vectors, stored as `dtype`. What the options
// ask for is chosen whatever it costs. Otherwise, out of what `memory` and `build_seconds` allow:
// the least time for the build and `expected_queries` together; if they are 0, a graph where it
// beats exact search, else exact search.
// The same answer on every machine and for any number of threads, unless `build_seconds` is given:
// how long a build takes then depends on options.threads.
// Looks at 32,768 of the vectors at most, 64 MB of them, spread evenly: no more of a mapped file is
// read, but for their type if options.dtype leaves that open. Cost: four million distances.
// Errors: InvalidArgument (nothing is within the limits; no or too many vectors; the dimension;
// values that are not finite or that the type does not hold; cancelled), OutOfMemory.
Result<BuildPlan> PlanBuild(const MatrixView& vectors, const BuildOptions& options);

// The same of vectors that are not there yet: as if they were as hard to search as usual ones.
// O(1).
Result<BuildPlan> PlanBuild(uint64_t num_vectors, size_t dim, DataType dtype,
                            const BuildOptions& options);

}  // namespace kith

#endif  // KITH_PLAN_H_
