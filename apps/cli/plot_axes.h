// The axes of a plot of recall and speed: where values lie, and which of them are marked.
#ifndef KITH_APPS_CLI_PLOT_AXES_H_
#define KITH_APPS_CLI_PLOT_AXES_H_

#include <string>
#include <vector>

#include "kith/eval.h"

namespace kith::apps::cli {

// Recall stretched by -log10(1 - recall). 1, which would be nowhere, lies a little to the right of
// everything else.
class RecallAxis {
 public:
  explicit RecallAxis(const std::vector<EvalPoint>& points);

  // Between left() and right(), whatever the recall.
  double At(double recall) const;
  double left() const { return left_ - margin_; }
  double right() const { return one_ + margin_; }
  // For gnuplot: "'0.9' 1, '0.99' 2, ...", without those that would run into each other.
  std::string Ticks() const;

 private:
  double left_;
  double right_;  // of what is below 1
  double one_;
  double margin_;
};

// Speed, on a logarithmic axis that holds all intervals.
class SpeedAxis {
 public:
  explicit SpeedAxis(const std::vector<EvalPoint>& points);

  double low() const { return low_; }
  double high() const { return high_; }
  // For gnuplot: a tick for each decade, and at 2 and 5 where there are few decades.
  std::string Ticks() const;

 private:
  double low_ = 0;
  double high_ = 0;
};

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_PLOT_AXES_H_
