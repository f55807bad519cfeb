#include "eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace kith::eval {
namespace {

constexpr double kConfidence = 0.95;
constexpr double kZ = 1.959963984540054;  // 95 % of a normal distribution lie within +- kZ

// Mean and variance of a number of which anything in [0, 1] is as likely.
constexpr double kUniformMean = 0.5;
constexpr double kUniformVariance = 1.0 / 12;

// Wilson's interval of a share seen in a number of trials, which need not be whole.
Interval ScoreInterval(double share, double trials) {
  const double z2 = kZ * kZ;
  const double centre = share + z2 / (2 * trials);
  const double half = kZ * std::sqrt((share * (1 - share) + z2 / (4 * trials)) / trials);
  const double scale = 1 + z2 / trials;
  // Rounding must not push the share itself out.
  return {std::clamp((centre - half) / scale, 0.0, share),
          std::clamp((centre + half) / scale, share, 1.0)};
}

// Recalls of the queries that count, ascending.
std::vector<double> SortedRecalls(const std::vector<QueryRecall>& queries) {
  std::vector<double> recalls;
  for (const QueryRecall& query : queries) {
    if (query.wanted == 0) continue;
    recalls.push_back(static_cast<double>(query.found) / static_cast<double>(query.wanted));
  }
  std::sort(recalls.begin(), recalls.end());
  return recalls;
}

}  // namespace

double MeanRecall(const std::vector<QueryRecall>& queries) {
  size_t found = 0;
  size_t wanted = 0;
  for (const QueryRecall& query : queries) {
    found += query.found;
    wanted += query.wanted;
  }
  return wanted == 0 ? 1.0 : static_cast<double>(found) / static_cast<double>(wanted);
}

Interval RecallInterval(const std::vector<QueryRecall>& queries) {
  double count = 0;
  double missed = 0;
  double wanted = 0;
  for (const QueryRecall& query : queries) {
    count += query.wanted > 0 ? 1 : 0;
    missed += static_cast<double>(query.wanted - query.found);
    wanted += static_cast<double>(query.wanted);
  }
  if (count == 0) return {0, 1};
  // Losses are in units of a query's usual number of neighbours, for a query may have fewer.
  const double usual = wanted / count;
  const double loss = (missed / usual + kUniformMean) / (count + 1);
  double squares = kUniformVariance + (kUniformMean - loss) * (kUniformMean - loss);
  for (const QueryRecall& query : queries) {
    const double residual = (static_cast<double>(query.wanted - query.found) -
                             loss * static_cast<double>(query.wanted)) /
                            usual;
    squares += residual * residual;
  }
  const double trials = count * (count + 1) * loss * (1 - loss) / squares;
  return ScoreInterval(MeanRecall(queries), trials);
}

double RecallP5(const std::vector<QueryRecall>& queries) {
  const std::vector<double> recalls = SortedRecalls(queries);
  if (recalls.empty()) return 1;
  // 95 % reach it: what lies below is less than a twentieth.
  return recalls[recalls.size() / 20];
}

double WorstDecileRecall(const std::vector<QueryRecall>& queries) {
  const std::vector<double> recalls = SortedRecalls(queries);
  if (recalls.empty()) return 1;
  const size_t tenth = (recalls.size() + 9) / 10;
  const auto end = recalls.begin() + static_cast<std::ptrdiff_t>(tenth);
  return std::accumulate(recalls.begin(), end, 0.0) / static_cast<double>(tenth);
}

double Percentile(const std::vector<double>& ascending, double share) {
  const double rank = std::ceil(share * static_cast<double>(ascending.size()));
  return ascending[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

Interval MedianInterval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  // `tail` is the chance that at most `outside` of n values fall on one given side of the median.
  double chance = std::ldexp(1.0, -static_cast<int>(n));
  double tail = chance;
  if (1 - 2 * tail < kConfidence) return {0, std::numeric_limits<double>::infinity()};
  size_t outside = 0;
  while (true) {
    chance *= static_cast<double>(n - outside) / static_cast<double>(outside + 1);
    if (1 - 2 * (tail + chance) < kConfidence) break;
    tail += chance;
    ++outside;
  }
  return {values[outside], values[n - 1 - outside]};
}

}  // namespace kith::eval
