// Points that the edges of a graph attract and all others repel.
#ifndef KITH_LEARN_LAYOUT_H_
#define KITH_LEARN_LAYOUT_H_

#include <cstddef>
#include <cstdint>

#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"
#include "learn/fuzzy_graph.h"

namespace kith::learn {

struct Point {
  float x = 0;
  float y = 0;
};

// How near two points at a distance d are, from 1 to 0: 1 / (1 + a d^(2 b)).
struct NearnessCurve {
  double a = 1;
  double b = 1;
};

// The curve nearest to 1 up to min_dist and exp(-(d - min_dist) / spread) beyond it, by least
// squares at 300 distances up to 3 * spread. REQUIRES: 0 <= min_dist <= spread, spread > 0.
NearnessCurve FitNearness(double min_dist, double spread);

struct LayoutOptions {
  NearnessCurve curve;
  uint32_t epochs = 200;
  uint32_t negatives = 5;
  uint64_t seed = 42;
};

// Moves points [graph.rows()] by stochastic gradients of the cross entropy of the graph's weights
// and the nearness of points (McInnes, Healy & Melville 2018, section 3.2). An epoch moves a
// point along each of its edges as often as the edge weighs, for both ends' sake, and for each of
// these away from `negatives` others by chance. The points are moved in eight parts, one after the
// other; those of a part see each other as they were before it, so that the order in which threads
// come to them does not matter. Errors: InvalidArgument (cancelled), OutOfMemory. Stage "layout".
Status LayOut(const FuzzyGraph& graph, const LayoutOptions& options, const Progress& progress,
              ThreadPool& pool, Point* points);

}  // namespace kith::learn

#endif  // KITH_LEARN_LAYOUT_H_
