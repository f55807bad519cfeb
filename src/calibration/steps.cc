#include "calibration/steps.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "scan/path.h"

namespace kith::calibration {
namespace {

// What small sets are searched for in all, when others have been held out again and again.
constexpr size_t kEnoughQueries = 4096;

}  // namespace

bool IsWanted(const BuildOptions& options) {
  constexpr uint64_t kWorthIt = 10000;
  const bool many = options.expected_queries == 0 || options.expected_queries >= kWorthIt;
  return options.calibrate.value_or(many);
}

size_t NumHeldOut(size_t n) {
  // So many vectors are searched exactly in microseconds: nobody needs to know how well anything
  // else would do.
  constexpr size_t kFewRows = 512;
  // Of small sets an eighth, and never more than these. The mean of recall@10 near 0.8 is then
  // known to 0.004 (one standard error), that of recall@1 to 0.006.
  constexpr size_t kShare = 8;
  constexpr size_t kMostHeldOut = 4096;
  return n < kFewRows ? 0 : std::min(n / kShare, kMostHeldOut);
}

size_t NumFolds(size_t n) {
  constexpr size_t kMostFolds = 8;
  const size_t held_out = NumHeldOut(n);
  if (held_out == 0) return 0;
  return std::clamp<size_t>((kEnoughQueries + held_out / 2) / held_out, 1, kMostFolds);
}

bool IsApart(size_t n) {
  constexpr size_t kSmall = 32768;
  return n < kSmall;
}

size_t NumFewer(size_t n) {
  // One of so many held out changes less than can be measured.
  constexpr size_t kFewHeldOut = 40;
  constexpr size_t kMostFewer = 8192;
  if (NumHeldOut(n) * kFewHeldOut < n) return 0;
  return std::min(n / 2, kMostFewer);
}

size_t CompareWith(size_t k, size_t most) {
  // Of many neighbours a query, fewer queries tell as much.
  constexpr size_t kNeighbours = 20480;
  constexpr size_t kLeastQueries = 256;
  return std::min(most, std::max(kLeastQueries, kNeighbours / k));
}

size_t QueriesFor(size_t k, double recall, double variance, size_t most) {
  // Queries enough to know a mean to this standard error, and the tail of the distribution.
  constexpr size_t kLeastQueries = 256;
  // Of efforts too small to be asked for, from which little is learnt.
  constexpr size_t kQueriesOfLittle = 512;
  constexpr size_t kLeastNeighbours = 1024;  // queries times k: recall in steps of a thousandth
  if (recall < 0.5) return std::min(most, kQueriesOfLittle);
  const auto enough = static_cast<size_t>(variance / (kStandardError * kStandardError));
  return std::min(most, std::max({enough, kLeastQueries, kLeastNeighbours / k}));
}

double NextEffort(const CalibrationPoint& last) {
  constexpr float kMostEffort = std::numeric_limits<float>::max();
  const double growth = last.recall < 0.6f ? 1.6 : last.recall < 0.97f ? 1.25 : 1.6;
  const double next = std::floor(std::max(last.effort * growth, last.effort + 1.0));
  return std::max(Kept(next), double{std::nextafter(last.effort, kMostEffort)});
}

bool IsStuck(std::span<const CalibrationPoint> points) {
  constexpr double kLittle = 0.01;
  constexpr double kHardlyFewer = 0.95;
  if (points.size() < 3) return false;
  const double missed = 1 - double{points.back().recall};
  const double before = 1 - double{points[points.size() - 3].recall};
  return before < kLittle && missed > kHardlyFewer * before;
}

double MostEffort(const search::EffortScale& efforts, double rows, double bytes, double at_least) {
  const double exact_ns = scan::QueryNs(rows, bytes, 1);
  // Where both cost the same, to a millionth: the more effort, the more it takes.
  double low = at_least;
  double high = rows;
  if (low >= rows || efforts.QueryNs(low) >= exact_ns) return low;
  if (efforts.QueryNs(high) <= exact_ns) return high;
  while (high - low > 1e-6 * high) {
    const double middle = (low + high) / 2;
    (efforts.QueryNs(middle) < exact_ns ? low : high) = middle;
  }
  return std::floor(high);
}

}  // namespace kith::calibration
