// Pictures drawn by gnuplot, as SVG or PNG.
#ifndef KITH_APPS_CLI_GNUPLOT_H_
#define KITH_APPS_CLI_GNUPLOT_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/files.h"
#include "kith/status.h"

namespace kith::apps::cli {

inline constexpr int kPlotWidth = 900;   // pixels
inline constexpr int kPlotHeight = 540;  // without a legend below

struct PlotText {
  std::string title;
  std::string subtitle;
};

// The colour of curve i: RRGGBB.
const char* PlotColour(size_t i);

// Text that an SVG may hold and a reader can see: UTF-8, no control characters.
std::string Drawable(const std::string& text);

// A string of gnuplot, which nothing in it can break out of.
std::string Quoted(const std::string& text);

// Pictures to draw. Opened before what is measured, so that whatever prevents drawing is found
// before the hours spent measuring and not after.
class Plots {
 public:
  // Names end in .svg or .png. Errors: InvalidArgument (another ending), NotFound (no directory; no
  // gnuplot, or one that can't draw this), IoError (permission).
  static Result<Plots> Open(const std::vector<std::string>& paths);

  bool empty() const { return outputs_.empty(); }

  // A script for gnuplot, given the line that sets its terminal.
  using ScriptFn = std::function<std::string(const std::string& terminal)>;

  // Draws and writes all of them; a file appears whole or not at all. Errors: IoError.
  Status Draw(int height, const ScriptFn& script);

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

#endif  // KITH_APPS_CLI_GNUPLOT_H_
