#include "plot_axes.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <sstream>
#include <utility>

#include "common/text.h"

namespace kith::apps::cli {
namespace {

// Where the axis may begin and end, and what is marked between.
constexpr double kRecalls[] = {0,     0.5,   0.8,    0.9,    0.95,   0.98,    0.99,    0.995,
                               0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99999, 0.999999};
// These have the first claim to the room there is.
constexpr double kRoundRecalls[] = {0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999};

// The widths of a digit and of the space between two labels, as shares of the axis.
constexpr double kDigit = 0.0098;
constexpr double kSpace = 0.012;

double Stretched(double recall) { return -std::log10(1 - recall); }

}  // namespace

RecallAxis::RecallAxis(const std::vector<EvalPoint>& points) {
  double low = 1;
  double high = 0;
  for (const EvalPoint& point : points) {
    if (point.recall >= 1) continue;
    low = std::min(low, point.recall);
    high = std::max(high, point.recall);
  }
  if (low > high) low = high = 0.9;
  const double* first = std::upper_bound(std::begin(kRecalls), std::end(kRecalls), low) - 1;
  const double* last = std::lower_bound(std::begin(kRecalls), std::end(kRecalls), high);
  last = std::min(last, std::end(kRecalls) - 1);
  if (first >= last) first > kRecalls ? first = last - 1 : last = first + 1;
  left_ = Stretched(*first);
  right_ = Stretched(*last);
  one_ = right_ + 0.12 * (right_ - left_);
  margin_ = 0.02 * (one_ - left_);
}

double RecallAxis::At(double recall) const {
  return recall >= 1 ? one_ : std::clamp(Stretched(recall), left_, one_);
}

std::string RecallAxis::Ticks() const {
  struct Tick {
    double x;
    std::string label;
  };
  std::vector<Tick> ticks{{one_, "1"}};
  const auto add = [&](double recall) {
    Tick tick{Stretched(recall), StrCat(recall)};
    if (tick.x < left_ || tick.x > right_) return;
    const bool room = std::all_of(ticks.begin(), ticks.end(), [&](const Tick& other) {
      const auto digits = static_cast<double>(tick.label.size() + other.label.size()) / 2;
      return std::abs(tick.x - other.x) >= (kSpace + kDigit * digits) * (right() - left());
    });
    if (room) ticks.push_back(std::move(tick));
  };
  std::for_each(std::begin(kRoundRecalls), std::end(kRoundRecalls), add);
  std::for_each(std::begin(kRecalls), std::end(kRecalls), add);
  std::ostringstream out;
  out.precision(9);
  const char* separator = "";
  for (const Tick& tick : ticks) {
    out << std::exchange(separator, ", ") << "'" << tick.label << "' " << tick.x;
  }
  return std::move(out).str();
}

SpeedAxis::SpeedAxis(const std::vector<EvalPoint>& points)
    : low_(std::numeric_limits<double>::infinity()) {
  for (const EvalPoint& point : points) {
    low_ = std::min(low_, point.qps_interval.low);
    high_ = std::max(high_, point.qps_interval.high);
  }
  low_ /= 1.3;
  high_ *= 1.3;
}

std::string SpeedAxis::Ticks() const {
  constexpr double kFine = 3000;
  const bool fine = high_ / low_ < kFine;
  std::ostringstream out;
  out.precision(9);
  const char* separator = "";
  for (int exponent = -9; exponent <= 12; ++exponent) {
    for (const int step : {1, 2, 5}) {
      const double y = step * std::pow(10.0, exponent);
      if (y < low_ || y > high_ || (step != 1 && !fine)) continue;
      out << std::exchange(separator, ", ") << "'"
          << (y >= 1 ? FormatCount(static_cast<uint64_t>(std::llround(y))) : StrCat(y)) << "' "
          << y;
    }
  }
  return std::move(out).str();
}

}  // namespace kith::apps::cli
