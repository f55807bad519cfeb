// How far a walk goes: what a query, a width and the graph's metric make of it.
#ifndef KITH_GRAPH_TERMS_H_
#define KITH_GRAPH_TERMS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "graph/layout.h"
#include "kith/calibration.h"
#include "kith/types.h"
#include "search/effort_ladder.h"

namespace kith::graph {

// What every graph has, however its nodes lie. A view; contents may lie, sizes are right.
struct Outline {
  uint32_t num_nodes = 0;
  size_t degree = 0;                   // places for neighbours that each node has
  std::span<const uint32_t> entries;   // nodes that every walk looks at first; at least one
  Metric metric = Metric::kEuclidean;  // of the distances that walks compute
  float max_norm = 0;                  // dot: the largest |x|
  ShellEntries shell_entries{};
  // How much farther than usual walks look beyond the k-th nearest: repair.h.
  float reach = 1;

  size_t NumShells() const {
    size_t count = 1;
    while (count < kMaxShells && shell_entries[count] != 0) ++count;
    return count;
  }
  // The entries of one shell. REQUIRES: shell < NumShells().
  std::span<const uint32_t> EntriesOf(size_t shell) const {
    if (shell_entries[0] == 0) return entries;
    size_t begin = 0;
    for (size_t i = 0; i < shell; ++i) begin += shell_entries[i];
    return entries.subspan(begin, shell_entries[shell]);
  }
};

// How far a walk goes.
struct Extent {
  size_t width = 0;  // of the beam, at least k: nodes behind so many nearer ones are not visited
  // The walk ends when the nearest node not visited is farther than this times the k-th nearest
  // found (Al-Jazzazi et al., "Distance adaptive beam search", NeurIPS 2025).
  float stretch = 0;
};

// What a walk that is to go as far as its query needs knows of that.
struct Need {
  const QueryEfforts* efforts = nullptr;  // nullptr: all go equally far
  float* far = nullptr;                   // where to note how far the k-th nearest was at first
  Extent first;                           // after which it is decided
  double coin = 0;                        // below a fraction of an effort, the beam is one wider
  float per_length = 1;                   // makes keys comparable between queries
};

// What a walk that collects the nodes of a set knows of how far to go (docs/filter.md).
struct Collecting {
  const search::EffortLadder* ladder = nullptr;  // nullptr: it collects all
  size_t wanted = 0;                             // of the set there are so many, or k
  // Visits that cost as much as comparing the query with the whole set.
  double most_visits = 0;
  size_t first_width = 0;
};

struct Terms {
  size_t k = 0;  // nodes wanted
  Extent most;
  // Where walks know rounded vectors only: nodes to be compared in full afterwards.
  size_t shortlist = 0;
  // So many of the k nodes wanted may be such as do not pass the filter.
  size_t excluded = 0;
  // Keys, which order the beam, are scale * internal distance + shift: squared Euclidean distances
  // in the metric's geometry where it has one, so never below zero.
  float scale = 1;
  float shift = 0;
  Need need;
  Collecting collecting;
};

// How far a walk of this width goes that wants k nodes. REQUIRES: as MakeTerms().
Extent ExtentOf(const Outline& outline, size_t k, double width);

// `width` is that of the beam, in whole numbers; below k, the beam's is k and the walk ends the
// sooner. REQUIRES: query_norm is |q| for dot; k > 0; width > 0.
Terms MakeTerms(const Outline& outline, float query_norm, size_t k, double width);

}  // namespace kith::graph

#endif  // KITH_GRAPH_TERMS_H_
