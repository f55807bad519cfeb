#include "learn/layout.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "base/rng.h"

namespace kith::learn {
namespace {

constexpr size_t kParts = 8;
constexpr size_t kPointsATask = 512;
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

class Layout {
 public:
  Layout(const FuzzyGraph& graph, const LayoutOptions& options, Point* points)
      : graph_(graph),
        options_(options),
        points_(points),
        moved_(graph.rows()),
        attract_([&](double d2) {
          const auto [a, b] = options.curve;
          return -2 * a * b * std::pow(d2, b - 1) / (1 + a * std::pow(d2, b));
        }),
        repel_([&](double d2) {
          const auto [a, b] = options.curve;
          return 2 * b / ((kRepelNear + d2) * (1 + a * std::pow(d2, b)));
        }) {
    const float most =
        graph.weights.empty() ? 1 : *std::max_element(graph.weights.begin(), graph.weights.end());
    often_.reserve(graph.weights.size());
    for (const float weight : graph.weights) {
      often_.push_back(static_cast<uint32_t>(
          static_cast<double>(weight) / static_cast<double>(most) * static_cast<double>(kOften)));
    }
  }

  Status Epoch(uint32_t epoch, ThreadPool& pool) {
    const size_t n = graph_.rows();
    const float step = 1 - static_cast<float>(epoch) / static_cast<float>(options_.epochs);
    for (size_t part = 0; part < kParts; ++part) {
      const size_t count = (n - std::min(n, part) + kParts - 1) / kParts;
      KITH_RETURN_IF_ERROR(pool.Chunks(count, kPointsATask, [&](size_t begin, size_t end, int) {
        for (size_t j = begin; j < end; ++j) {
          const size_t i = j * kParts + part;
          moved_[i] = Moved(i, epoch, step);
        }
      }));
      for (size_t i = part; i < n; i += kParts) points_[i] = moved_[i];
    }
    return Status::Ok();
  }

 private:
  Point Moved(size_t i, uint32_t epoch, float step) const {
    Point p = points_[i];
    const uint64_t key = Mix64(options_.seed + Mix64((static_cast<uint64_t>(epoch) << 32) ^ i));
    uint64_t drawn = 0;
    const uint64_t n = graph_.rows();
    for (uint64_t e = graph_.offsets[i]; e < graph_.offsets[i + 1]; ++e) {
      // So often in all epochs up to this one, and up to the one before.
      const uint64_t often = often_[e];
      if ((often * (epoch + 1)) / kOften == (often * epoch) / kOften) continue;
      // Once for the edge from here, and once for the one from there.
      Attract(points_[graph_.neighbours[e]], step, &p);
      Attract(points_[graph_.neighbours[e]], step, &p);
      uint64_t bits = 0;
      for (uint32_t k = 0; k < options_.negatives; ++k) {
        bits = k % 2 == 0 ? Mix64(key + ++drawn) : bits >> 32;
        const auto other = static_cast<uint32_t>(((bits & 0xFFFFFFFFU) * n) >> 32);
        if (other != i) Repel(points_[other], step, &p);
      }
    }
    return p;
  }

  void Attract(Point other, float step, Point* p) const {
    const float force = attract_(SquaredDistance(*p, other));
    const float dx = Clipped(force * (p->x - other.x));
    const float dy = Clipped(force * (p->y - other.y));
    p->x += step * dx;
    p->y += step * dy;
  }

  void Repel(Point other, float step, Point* p) const {
    const float force = repel_(SquaredDistance(*p, other));
    const float dx = Clipped(force * (p->x - other.x));
    const float dy = Clipped(force * (p->y - other.y));
    p->x += step * dx;
    p->y += step * dy;
  }

  const FuzzyGraph& graph_;
  const LayoutOptions& options_;
  Point* points_;
  std::vector<Point> moved_;
  ForceTable attract_;
  ForceTable repel_;
  std::vector<uint32_t> often_;  // of each edge, how often it is taken in kOften epochs
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
  Layout layout(graph, options, points);
  for (uint32_t epoch = 0; epoch < options.epochs; ++epoch) {
    KITH_RETURN_IF_ERROR(pool.Report(progress, "layout", epoch, options.epochs));
    KITH_RETURN_IF_ERROR(layout.Epoch(epoch, pool));
  }
  return pool.Report(progress, "layout", options.epochs, options.epochs);
}

}  // namespace kith::learn
