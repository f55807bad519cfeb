#include "calibration/need.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "calibration/steps.h"

namespace kith::calibration {
namespace {

// Groups of queries that are about as far: so many, of at least so many queries.
constexpr size_t kMostGroups = 8;
constexpr size_t kLeastOfGroup = 64;

// Queries by how far they are.
struct Groups {
  std::vector<float> far;                      // the middle of each group, ascending
  std::vector<std::vector<uint32_t>> queries;  // of each
};

Groups GroupsOf(const std::vector<float>& far) {
  Groups groups;
  const size_t n = far.size();
  const size_t count = std::min(kMostGroups, n / kLeastOfGroup);
  if (count < 2) return groups;
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return far[a] < far[b]; });
  for (size_t g = 0; g < count; ++g) {
    const auto begin = order.begin() + static_cast<ptrdiff_t>(g * n / count);
    const auto end = order.begin() + static_cast<ptrdiff_t>((g + 1) * n / count);
    groups.queries.emplace_back(begin, end);
    // Of a walk that found fewer than k, nobody knows how far the k-th is.
    groups.far.push_back(
        std::min(far[*(begin + (end - begin) / 2)], std::numeric_limits<float>::max()));
  }
  return groups;
}

// The effort with which all but a twentieth of some queries find so many neighbours.
double EffortForMost(const QueryRecord& record, std::span<const uint32_t> queries, size_t wanted) {
  constexpr double kBeyond = 1.6;  // of what was measured, where that is not enough
  std::vector<double> efforts;
  for (const uint32_t q : queries) {
    size_t at = 0;
    while (at < record.efforts.size() && record.hits[at][q] < wanted) ++at;
    efforts.push_back(at < record.efforts.size() ? double{record.efforts[at]}
                                                 : kBeyond * double{record.efforts.back()});
  }
  const auto most = efforts.begin() + static_cast<ptrdiff_t>((efforts.size() - 1) * 19 / 20);
  std::nth_element(efforts.begin(), most, efforts.end());
  return *most;
}

// A parabola through values at 0, 1, 2, ..., or a line where they are few: least squares.
std::vector<double> Smoothed(const std::vector<double>& values) {
  const size_t n = values.size();
  const size_t terms = n >= 5 ? 3 : 2;
  // Normal equations of orthogonal polynomials on these places.
  std::vector<std::vector<double>> basis;
  for (size_t t = 0; t < terms; ++t) {
    std::vector<double> own(n);
    for (size_t i = 0; i < n; ++i)
      own[i] = std::pow(static_cast<double>(i), static_cast<double>(t));
    for (const std::vector<double>& other : basis) {
      const double part = std::inner_product(own.begin(), own.end(), other.begin(), 0.0) /
                          std::inner_product(other.begin(), other.end(), other.begin(), 0.0);
      for (size_t i = 0; i < n; ++i) own[i] -= part * other[i];
    }
    basis.push_back(std::move(own));
  }
  std::vector<double> smooth(n, 0.0);
  for (const std::vector<double>& own : basis) {
    const double part = std::inner_product(values.begin(), values.end(), own.begin(), 0.0) /
                        std::inner_product(own.begin(), own.end(), own.begin(), 0.0);
    for (size_t i = 0; i < n; ++i) smooth[i] += part * own[i];
  }
  return smooth;
}

std::vector<float> FactorsOf(const QueryRecord& record, const Groups& groups) {
  // What most neighbours are, of those that factors are to find for all but a few queries: what
  // serves these serves others that want a little more or less.
  constexpr double kMostNeighbours = 0.8;
  constexpr double kMostFactor = 16;
  const auto wanted =
      static_cast<size_t>(std::ceil(kMostNeighbours * static_cast<double>(record.k)));
  std::vector<double> logs;
  for (const std::vector<uint32_t>& queries : groups.queries) {
    logs.push_back(std::log(EffortForMost(record, queries, wanted)));
  }
  std::vector<double> factors = Smoothed(logs);
  for (double& factor : factors) factor = std::exp(factor);
  const double mean =
      std::accumulate(factors.begin(), factors.end(), 0.0) / static_cast<double>(factors.size());
  std::vector<float> kept;
  kept.reserve(factors.size());
  for (const double factor : factors) {
    kept.push_back(static_cast<float>(std::clamp(factor / mean, 1 / kMostFactor, kMostFactor)));
  }
  return kept;
}

// How many neighbours queries find, each with an effort of its own: as shares of all queries.
class Shares {
 public:
  explicit Shares(const QueryRecord& record) : record_(record), shares_(record.k + 1, 0.0) {}

  // Between two efforts measured, a query is taken for a part of each.
  void Add(size_t query, double effort) {
    const std::vector<float>& efforts = record_.efforts;
    const auto above = std::upper_bound(efforts.begin(), efforts.end(), effort);
    const size_t hi = std::min(static_cast<size_t>(above - efforts.begin()), efforts.size() - 1);
    const size_t lo =
        above == efforts.begin() ? 0 : static_cast<size_t>(above - efforts.begin()) - 1;
    const double part =
        hi == lo ? 0 : (effort - efforts[lo]) / (double{efforts[hi]} - double{efforts[lo]});
    shares_[Hits(lo, query)] += 1 - part;
    shares_[Hits(hi, query)] += part;
    ++queries_;
  }

  double Recall() const {
    double sum = 0;
    for (size_t h = 0; h < shares_.size(); ++h) sum += static_cast<double>(h) * shares_[h];
    return sum / (static_cast<double>(queries_) * static_cast<double>(record_.k));
  }

  // What 95 % of the queries reach, or, one standard error of their share being left for chance, a
  // little less: as many neighbours as less than 5 % fall short of, and of one more the part by
  // which that is missed.
  double RecallP5() const {
    constexpr double kShort = 0.05;
    const auto all = static_cast<double>(queries_);
    const double allowed = all * (kShort - std::sqrt(kShort * (1 - kShort) / all));
    double below = 0;
    for (size_t h = 0; h < record_.k; ++h) {
      const double next = below + shares_[h];  // find h at most
      if (next > allowed) {
        const double part = (allowed - below) / (next - below);
        return std::max(0.0, (static_cast<double>(h) + part) / static_cast<double>(record_.k));
      }
      below = next;
    }
    return 1;
  }

 private:
  size_t Hits(size_t at, size_t query) const {
    return std::min<size_t>(record_.k, record_.hits[at][query]);
  }

  const QueryRecord& record_;
  std::vector<double> shares_;  // [k + 1]
  size_t queries_ = 0;
};

}  // namespace

QueryEfforts EffortsOf(const NeedCurve& curve, double base) {
  constexpr double kMost = 1e9;  // more than any file has vectors to visit
  QueryEfforts efforts;
  efforts.first = curve.first;
  efforts.far = curve.far;
  for (const float factor : curve.factors) {
    efforts.efforts.push_back(static_cast<float>(
        std::clamp(base * factor, efforts.first, std::max(efforts.first, kMost))));
  }
  return efforts;
}

NeedCurve LearnNeed(const QueryRecord& record, const ShortWalk& walk) {
  NeedCurve curve;
  const Groups groups = GroupsOf(walk.far);
  if (walk.effort > 0 && !groups.far.empty()) {
    curve.first = static_cast<float>(walk.effort);
    curve.far = groups.far;
    curve.factors = FactorsOf(record, groups);
  }
  const size_t queries = record.hits.empty() ? 0 : record.hits[0].size();
  for (size_t at = 0; at < record.efforts.size() && queries > 0; ++at) {
    const double base = record.efforts[at];
    Shares shares(record);
    const QueryEfforts own = curve.factors.empty() ? QueryEfforts() : EffortsOf(curve, base);
    for (size_t q = 0; q < queries; ++q) shares.Add(q, own.empty() ? base : own.At(walk.far[q]));
    NeedPoint point{record.efforts[at], static_cast<float>(shares.Recall()),
                    static_cast<float>(shares.RecallP5())};
    if (!curve.points.empty()) {
      point.recall = std::max(point.recall, curve.points.back().recall);
      point.recall_p5 = std::max(point.recall_p5, curve.points.back().recall_p5);
    }
    curve.points.push_back(point);
  }
  return curve;
}

QueryEfforts EffortsOf(const WideCurve& curve, double recall) {
  QueryEfforts efforts;
  efforts.first = curve.first;
  efforts.far = curve.far;
  const size_t row = curve.efforts.size();
  for (size_t group = 0; group < curve.far.size(); ++group) {
    const float* const recalls = curve.recalls.data() + group * row;
    size_t at = 0;
    while (at + 1 < row && recalls[at] < recall) ++at;
    double effort = curve.efforts[at];
    if (at > 0 && recalls[at] > recall) {
      const double share = (recall - recalls[at - 1]) / (double{recalls[at]} - recalls[at - 1]);
      effort = curve.efforts[at - 1] + share * (effort - curve.efforts[at - 1]);
    }
    efforts.efforts.push_back(static_cast<float>(std::max(efforts.first, effort)));
  }
  return efforts;
}

namespace {

// The curve of groups in which a query that is unlike the others counts as `weight` others.
WideCurve CurveOf(const QueryRecord& usual, const QueryRecord& unlike, const Groups& groups,
                  size_t own, double weight) {
  WideCurve curve;
  curve.far = groups.far;
  curve.efforts = usual.efforts;
  for (const std::vector<uint32_t>& queries : groups.queries) {
    const auto of_own = static_cast<double>(
        std::count_if(queries.begin(), queries.end(), [&](uint32_t q) { return q < own; }));
    curve.weights.push_back(static_cast<float>(of_own / static_cast<double>(own)));
    // Of a group of nothing else, what unlike ones are is all that is known.
    const double each = of_own > 0 ? weight : 1;
    const double count = of_own + each * (static_cast<double>(queries.size()) - of_own);
    float least = 0;
    for (size_t at = 0; at < curve.efforts.size(); ++at) {
      double sum = 0;
      for (const uint32_t q : queries) {
        sum += q < own ? usual.hits[at][q] : each * unlike.hits[at][q - own];
      }
      const double mean = sum / (count * static_cast<double>(usual.k));
      least = std::max(least, static_cast<float>(std::min(1.0, mean)));
      curve.recalls.push_back(least);
    }
  }
  return curve;
}

}  // namespace

WideCurve LearnWide(const QueryRecord& usual, const ShortWalk& walk, const QueryRecord& unlike,
                    const ShortWalk& far) {
  // Queries unlike the others count the more the better, but where nothing tells them from the
  // others, these would get so much more than asked for.
  constexpr double kWeights[] = {2, 1, 0.5, 0.25, 0};
  constexpr double kAsked = 0.9;
  constexpr double kMostMore = 0.02;
  std::vector<float> all = walk.far;
  all.insert(all.end(), far.far.begin(), far.far.end());
  const Groups groups = GroupsOf(all);
  WideCurve curve;
  if (walk.effort <= 0 || groups.far.empty() || usual.efforts.empty()) return curve;
  for (const double weight : kWeights) {
    curve = CurveOf(usual, unlike, groups, walk.far.size(), weight);
    curve.first = static_cast<float>(walk.effort);
    const QueryEfforts efforts = EffortsOf(curve, kAsked);
    Shares shares(usual);
    for (size_t q = 0; q < walk.far.size(); ++q) shares.Add(q, efforts.At(walk.far[q]));
    if (shares.Recall() <= kAsked + kMostMore) break;
  }
  return curve;
}

}  // namespace kith::calibration
