// Curves of recall against speed.
#ifndef KITH_APPS_CLI_PLOT_H_
#define KITH_APPS_CLI_PLOT_H_

#include <string>
#include <vector>

#include "gnuplot.h"
#include "kith/eval.h"

namespace kith::apps::cli {

// The points of one file.
struct PlotFile {
  std::string path;
  std::vector<EvalPoint> points;
};

// gnuplot's script: recall on an axis of -log10(1 - recall), so that 0.9, 0.99 and 0.999 are as far
// from each other, queries a second on a logarithmic one, and crosses of light lines that show the
// confidence intervals. A curve for each graph and forest, a point for each exact search.
// `terminal` is the line that sets gnuplot's terminal. Names of files can't break out of their
// quotes; characters that can't be drawn become '?'. REQUIRES: a point.
std::string PlotScript(const std::string& terminal, const PlotText& text,
                       const std::vector<PlotFile>& files);

// The height in pixels that PlotScript's picture needs, legend included, at a width of 900.
int PlotHeight(const std::vector<PlotFile>& files);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_PLOT_H_
