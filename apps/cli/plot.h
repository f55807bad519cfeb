// Curves of recall against speed, drawn by gnuplot as SVG or PNG.
#ifndef KITH_APPS_CLI_PLOT_H_
#define KITH_APPS_CLI_PLOT_H_

#include <memory>
#include <string>
#include <vector>

#include "common/files.h"
#include "kith/eval.h"
#include "kith/status.h"

namespace kith::apps::cli {

// The points of one file.
struct PlotFile {
  std::string path;
  std::vector<EvalPoint> points;
};

struct PlotText {
  std::string title;
  std::string subtitle;
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

// Pictures to draw. Opened before what is measured, so that whatever prevents drawing is found
// before the hours spent measuring and not after.
class Plots {
 public:
  // Names end in .svg or .png. Errors: InvalidArgument (another ending), NotFound (no directory; no
  // gnuplot, or one that can't draw this), IoError (permission).
  static Result<Plots> Open(const std::vector<std::string>& paths);

  // Draws and writes all of them; a file appears whole or not at all. Errors: IoError.
  Status Draw(const PlotText& text, const std::vector<PlotFile>& files);

 private:
  struct Output {
    std::string path;
    bool png;
    std::unique_ptr<AtomicFile> file;
  };
  std::string gnuplot_;  // the path of the program
  std::vector<Output> outputs_;
};

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_PLOT_H_
