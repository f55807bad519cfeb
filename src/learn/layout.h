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
// and the nearness of points (McInnes, Healy & Melville 2018, section 3.2). An epoch takes each
// edge, in either direction, as often as it weighs: its ends move towards each other, and its head
// away from `negatives` others by chance.
//
// Points are in blocks by chance, and the edges between two blocks are taken one after the other,
// those between others at the same time. So no point is moved by two threads, and each edge sees
// its ends as the edges before left them: where points are moved by what they all were a moment
// ago, or one end without the other, whole clusters are thrown about. Those that repel are of the
// same two blocks, which nobody else moves. The blocks depend on the number of points alone, and
// with them the result. Errors: InvalidArgument (cancelled), OutOfMemory. Stage "layout".
Status LayOut(const FuzzyGraph& graph, const LayoutOptions& options, const Progress& progress,
              ThreadPool& pool, Point* points);

}  // namespace kith::learn

#endif  // KITH_LEARN_LAYOUT_H_
