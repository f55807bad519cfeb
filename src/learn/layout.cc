#include "learn/layout.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/rng.h"

namespace kith::learn {
namespace {

constexpr size_t kMostBlocks = 32;
constexpr size_t kLeastOfBlock = 512;
constexpr float kMostMove = 4;                  // of a gradient's coordinates
constexpr double kRepelNear = 1e-3;             // keeps what repels at no distance finite
constexpr uint64_t kOften = uint64_t{1} << 31;  // of an edge that is taken in every epoch

// A function of squared distances by a table: 64 values an octave, straight lines between them. A
// power takes ten times as long, and its last bit depends on the C library.
class ForceTable {
 public:
  template <class Fn>
  explicit ForceTable(Fn&& fn) {
    for (size_t i = 0; i < kSize; ++i) {
      const uint32_t bits = (static_cast<uint32_t>(i) << kShift) + kFirst;
      values_[i] = static_cast<float>(fn(static_cast<double>(std::bit_cast<float>(bits))));
    }
  }

  // Squared distances beyond the ends of the table are taken for these.
  float operator()(float squared) const {
    const uint32_t bits = std::clamp(std::bit_cast<uint32_t>(squared), kFirst, kLast);
    const uint32_t place = bits - kFirst;
    const uint32_t i = place >> kShift;
    const float part = static_cast<float>(place & ((1U << kShift) - 1)) * 0x1p-17F;
    return values_[i] + part * (values_[i + 1] - values_[i]);
  }

 private:
  static constexpr uint32_t kShift = 17;  // 6 of the 23 bits of the mantissa
  static constexpr uint32_t kFirst = (127 - 24) << 23;
  static constexpr uint32_t kLast = ((127 + 24) << 23) - 1;
  static constexpr size_t kSize = ((kLast - kFirst) >> kShift) + 2;
  float values_[kSize];
};

float Clipped(float x) { return std::clamp(x, -kMostMove, kMostMove); }

float SquaredDistance(Point a, Point b) {
  const float dx = a.x - b.x;
  const float dy = a.y - b.y;
  return dx * dx + dy * dy;
}

// Blocks of points, by chance, and the edges between each two of them. Rounds pair the blocks as a
// tournament pairs players, so that the edges of a round's pairs have no point in common.
class Layout {
 public:
  Layout(const FuzzyGraph& graph, const LayoutOptions& options)
      : options_(options),
        num_blocks_(NumBlocks(graph.rows())),
        points_(graph.rows()),
        place_(graph.rows()),
        attract_([&](double d2) {
          const auto [a, b] = options.curve;
          return -2 * a * b * std::pow(d2, b - 1) / (1 + a * std::pow(d2, b));
        }),
        repel_([&](double d2) {
          const auto [a, b] = options.curve;
          return 2 * b / ((kRepelNear + d2) * (1 + a * std::pow(d2, b)));
        }) {
    std::iota(place_.begin(), place_.end(), 0u);
    Rng(options.seed).Shuffle(&place_);
    SortEdges(graph);
  }

  void Take(const Point* points) {
    for (size_t i = 0; i < place_.size(); ++i) points_[place_[i]] = points[i];
  }
  void Give(Point* points) const {
    for (size_t i = 0; i < place_.size(); ++i) points[i] = points_[place_[i]];
  }

  Status Epoch(uint32_t epoch, ThreadPool& pool) {
    // Within the blocks, and then between them: in round r, block a meets r - a, but the last one
    // meets the one that would meet itself (the circle method).
    const size_t blocks = num_blocks_;
    KITH_RETURN_IF_ERROR(pool.For(blocks, [&](size_t a, int) { Move(a, a, epoch); }));
    for (size_t round = 0; round + 1 < blocks; ++round) {
      KITH_RETURN_IF_ERROR(pool.For(blocks / 2, [&](size_t pair, int) {
        const size_t others = blocks - 1;
        const size_t a = (round + pair) % others;
        const size_t b = pair == 0 ? others : (round + others - pair) % others;
        Move(std::min(a, b), std::max(a, b), epoch);
      }));
    }
    return Status::Ok();
  }

 private:
  struct Edge {
    uint32_t head;
    uint32_t tail;
    uint32_t often;  // how often it is taken in kOften epochs
  };

  // An even number, or 1 where there is too little for threads to share. It depends on the points
  // alone. Others repel from within the pair of blocks, so that these may not be small.
  static size_t NumBlocks(size_t rows) {
    size_t blocks = 1;
    while (blocks < kMostBlocks && rows / (2 * blocks) >= kLeastOfBlock) blocks *= 2;
    return blocks;
  }

  size_t Begin(size_t block) const { return block * points_.size() / num_blocks_; }
  // The block of a place: the last that begins at it or before.
  size_t BlockOf(size_t place) const { return ((place + 1) * num_blocks_ - 1) / points_.size(); }
  size_t PairOf(size_t a, size_t b) const { return a * num_blocks_ + b; }

  void SortEdges(const FuzzyGraph& graph) {
    const float most =
        graph.weights.empty() ? 1 : *std::max_element(graph.weights.begin(), graph.weights.end());
    const auto each = [&](const auto& take) {
      for (size_t i = 0; i < graph.rows(); ++i) {
        for (uint64_t e = graph.offsets[i]; e < graph.offsets[i + 1]; ++e) {
          const double often = static_cast<double>(graph.weights[e]) / static_cast<double>(most) *
                               static_cast<double>(kOften);
          const Edge edge{place_[i], place_[graph.neighbours[e]], static_cast<uint32_t>(often)};
          // One that no epoch takes.
          if (uint64_t{edge.often} * options_.epochs < kOften) continue;
          const auto [a, b] = std::minmax({BlockOf(edge.head), BlockOf(edge.tail)});
          take(PairOf(a, b), edge);
        }
      }
    };
    pairs_.assign(num_blocks_ * num_blocks_ + 1, 0);
    each([&](size_t pair, const Edge&) { ++pairs_[pair + 1]; });
    std::partial_sum(pairs_.begin(), pairs_.end(), pairs_.begin());
    edges_.resize(pairs_.back());
    std::vector<uint64_t> next(pairs_.begin(), pairs_.end() - 1);
    each([&](size_t pair, const Edge& edge) { edges_[next[pair]++] = edge; });
  }

  // Along the edges between two blocks, or within one. Nothing else touches their points meanwhile.
  void Move(size_t a, size_t b, uint32_t epoch) {
    const float step = 1 - static_cast<float>(epoch) / static_cast<float>(options_.epochs);
    const size_t pair = PairOf(a, b);
    const uint64_t first = Begin(a);
    const uint64_t num_first = Begin(a + 1) - first;
    const uint64_t second = Begin(b);
    const uint64_t count = num_first + (a == b ? 0 : Begin(b + 1) - second);
    uint64_t drawn = Mix64(options_.seed ^ Mix64(pair << 32 ^ epoch));
    for (uint64_t e = pairs_[pair]; e < pairs_[pair + 1]; ++e) {
      const Edge& edge = edges_[e];
      // So often in all epochs up to this one, and up to the one before.
      const uint64_t often = edge.often;
      if ((often * (epoch + 1)) / kOften == (often * epoch) / kOften) continue;
      Point head = points_[edge.head];
      Attract(step, &head, &points_[edge.tail]);
      uint64_t bits = 0;
      for (uint32_t k = 0; k < options_.negatives; ++k) {
        bits = k % 2 == 0 ? Mix64(++drawn) : bits >> 32;
        const uint64_t i = ((bits & 0xFFFFFFFFU) * count) >> 32;
        const uint64_t other = i < num_first ? first + i : second + (i - num_first);
        if (other != edge.head) Repel(points_[other], step, &head);
      }
      points_[edge.head] = head;
    }
  }

  // Both move by as much, so that what they have in common does not drift.
  void Attract(float step, Point* p, Point* q) const {
    const float force = attract_(SquaredDistance(*p, *q));
    const float dx = step * Clipped(force * (p->x - q->x));
    const float dy = step * Clipped(force * (p->y - q->y));
    p->x += dx;
    p->y += dy;
    q->x -= dx;
    q->y -= dy;
  }

  void Repel(Point other, float step, Point* p) const {
    const float force = repel_(SquaredDistance(*p, other));
    p->x += step * Clipped(force * (p->x - other.x));
    p->y += step * Clipped(force * (p->y - other.y));
  }

  const LayoutOptions& options_;
  const size_t num_blocks_;
  std::vector<Point> points_;    // by place
  std::vector<uint32_t> place_;  // of each row, by chance; a block is a range of places
  std::vector<Edge> edges_;      // by pairs of blocks, within these by row
  std::vector<uint64_t> pairs_;  // where the edges of each pair begin
  ForceTable attract_;
  ForceTable repel_;
};

}  // namespace

NearnessCurve FitNearness(double min_dist, double spread) {
  constexpr int kDistances = 300;
  const auto wanted = [&](double d) {
    return d < min_dist ? 1.0 : std::exp(-(d - min_dist) / spread);
  };
  const auto loss_of = [&](NearnessCurve c) {
    double loss = 0;
    for (int i = 0; i < kDistances; ++i) {
      const double d = 3 * spread * i / (kDistances - 1);
      loss += std::pow(1 / (1 + c.a * std::pow(d, 2 * c.b)) - wanted(d), 2);
    }
    return loss;
  };
  // Levenberg and Marquardt's steps on the logarithms of a and b, which keeps both above 0.
  NearnessCurve curve;
  double loss = loss_of(curve);
  double damping = 1e-3;
  for (int step = 0; step < 200 && damping < 1e12; ++step) {
    double aa = 0, ab = 0, bb = 0, ga = 0, gb = 0;
    for (int i = 1; i < kDistances; ++i) {
      const double d = 3 * spread * i / (kDistances - 1);
      const double power = curve.a * std::pow(d, 2 * curve.b);
      const double near = 1 / (1 + power);
      const double slope_a = -near * near * power;
      const double slope_b = slope_a * 2 * curve.b * std::log(d);
      const double rest = wanted(d) - near;
      aa += slope_a * slope_a;
      ab += slope_a * slope_b;
      bb += slope_b * slope_b;
      ga += slope_a * rest;
      gb += slope_b * rest;
    }
    const double da = aa * (1 + damping);
    const double db = bb * (1 + damping);
    const double det = da * db - ab * ab;
    const NearnessCurve next{curve.a * std::exp((db * ga - ab * gb) / det),
                             curve.b * std::exp((da * gb - ab * ga) / det)};
    const double next_loss = loss_of(next);
    if (next_loss < loss) {
      const bool settled = loss - next_loss < 1e-15 * loss;
      curve = next;
      loss = next_loss;
      damping /= 10;
      if (settled) break;
    } else {
      damping *= 10;
    }
  }
  return curve;
}

Status LayOut(const FuzzyGraph& graph, const LayoutOptions& options, const Progress& progress,
              ThreadPool& pool, Point* points) {
  Layout layout(graph, options);
  layout.Take(points);
  for (uint32_t epoch = 0; epoch < options.epochs; ++epoch) {
    KITH_RETURN_IF_ERROR(pool.Report(progress, "layout", epoch, options.epochs));
    KITH_RETURN_IF_ERROR(layout.Epoch(epoch, pool));
  }
  layout.Give(points);
  return pool.Report(progress, "layout", options.epochs, options.epochs);
}

}  // namespace kith::learn
