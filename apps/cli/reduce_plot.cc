#include "reduce_plot.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "common/text.h"

namespace kith::apps::cli {
namespace {

constexpr int kLegendHeight = 22;

// Dimensions marked on the axis: so far apart that their numbers do not touch.
std::string Ticks(const std::vector<ReducePoint>& points) {
  std::ostringstream out;
  size_t last = 0;
  for (const ReducePoint& point : points) {
    if (last > 0 && point.dim * 10 < last * 13) continue;
    if (last > 0) out << ", ";
    out << '\'' << point.dim << "' " << point.dim;
    last = point.dim;
  }
  return std::move(out).str();
}

}  // namespace

int ReducePlotHeight() { return kPlotHeight + kLegendHeight; }

std::string ReducePlotScript(const std::string& terminal, const PlotText& text,
                             const std::vector<ReducePoint>& points, size_t k, size_t rerank) {
  std::ostringstream out;
  out << std::setprecision(9);
  out << "set encoding utf8\n"
      << "set terminal " << terminal << '\n'
      << "set lmargin at screen 0.085\nset rmargin at screen 0.965\n"
      << "set tmargin 4.2\n"
      << "set label 1 " << Quoted(text.title) << " at graph 0, graph 1 offset 0, 2.1 font ',16'\n"
      << "set label 2 " << Quoted(text.subtitle)
      << " at graph 0, graph 1 offset 0, 0.8 font ',11' tc rgb '#555555'\n"
      << "set xlabel 'dimensions kept' offset 0, 0.3\n"
      << "set label 3 'share kept' at screen 0.02, graph 0.5 center rotate\n"
      << "set border 3 lc rgb '#888888'\n"
      << "set grid back lt 1 lw 0.7 lc rgb '#E2E2E2'\n"
      << "set logscale x\n"
      << "set tics nomirror out scale 0.5 tc rgb '#333333'\n"
      << "set xrange [" << static_cast<double>(points.front().dim) * 0.94 << ':'
      << static_cast<double>(points.back().dim) * 1.06 << "]\n"
      << "set xtics (" << Ticks(points) << ")\n"
      << "set yrange [0:1.02]\nset ytics 0.1\n"
      << "set key bmargin left Left reverse horizontal maxcols 3 samplen 2.5 spacing 1.15 height 1 "
         "width -2\n";
  const bool variance = points.front().variance >= 0;
  out << "$p << EOD\n";
  for (const ReducePoint& p : points) {
    out << p.dim << ' ' << p.recall << ' ' << p.reranked << ' ' << p.variance << '\n';
  }
  out << "EOD\nplot $p using 1:2 with linespoints lw 2 pt 7 ps 0.75 lc rgb '#" << PlotColour(0)
      << "' title " << Quoted(StrCat("recall@", k))
      << ", $p using 1:3 with linespoints lw 2 pt 9 ps "
      << "0.9 lc rgb '#" << PlotColour(1) << "' title "
      << Quoted(StrCat("the ", rerank, " nearest compared again"));
  if (variance) {
    out << ", $p using 1:4 with linespoints lw 1.5 pt 12 ps 0.9 dt (8,6) lc rgb '#666666' title "
        << Quoted("variance");
  }
  out << '\n';
  return std::move(out).str();
}

}  // namespace kith::apps::cli
