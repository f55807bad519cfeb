#include "plot.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "common/text.h"
#include "plot_axes.h"

namespace kith::apps::cli {
namespace {

constexpr int kLegendLine = 22;
constexpr size_t kLongestName = 32;

constexpr const char* kGrey = "666666";

// At most kLongestName characters of UTF-8: its beginning, three dots and its end.
std::string Shortened(const std::string& text) {
  std::vector<size_t> starts;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) starts.push_back(i);
  }
  if (starts.size() <= kLongestName) return text;
  const size_t head = kLongestName / 2 - 3;
  const size_t tail = kLongestName - 3 - head;
  return text.substr(0, starts[head]) + "..." + text.substr(starts[starts.size() - tail]);
}

// File names without their directories, unless two would be the same.
std::vector<std::string> Names(const std::vector<PlotFile>& files) {
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const PlotFile& file : files) {
    names.push_back(file.path.substr(file.path.find_last_of('/') + 1));
  }
  const bool distinct = std::set<std::string>(names.begin(), names.end()).size() == names.size();
  for (size_t i = 0; i < files.size(); ++i) {
    names[i] = Shortened(Drawable(distinct ? names[i] : files[i].path));
    // The same file twice shows how much is noise.
    const auto same = std::count_if(files.begin(), files.begin() + static_cast<ptrdiff_t>(i),
                                    [&](const PlotFile& f) { return f.path == files[i].path; });
    if (same > 0) names[i] += StrCat(" (", same + 1, ")");
  }
  return names;
}

// A curve, or the point of exact search.
struct Series {
  IndexKind kind;
  std::string name;
  const char* colour;
  std::vector<EvalPoint> points;
};

std::vector<Series> SeriesOf(const std::vector<PlotFile>& files) {
  std::vector<Series> all;
  const std::vector<std::string> names = Names(files);
  size_t colour = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    const size_t first_colour = colour;
    for (const IndexKind kind : {IndexKind::kGraph, IndexKind::kForest, IndexKind::kExact}) {
      Series series{kind, StrCat(names[i], ", ", IndexKindName(kind)), kGrey, {}};
      std::copy_if(files[i].points.begin(), files[i].points.end(),
                   std::back_inserter(series.points),
                   [&](const EvalPoint& point) { return point.index == kind; });
      if (series.points.empty()) continue;
      if (kind != IndexKind::kExact) {
        series.colour = PlotColour(colour++);
      } else if (files.size() > 1) {
        // Exact search is told by its mark, and its file by the colour of its first curve.
        series.colour = PlotColour(first_colour);
        if (colour == first_colour) ++colour;
      }
      all.push_back(std::move(series));
    }
  }
  return all;
}

size_t LongestName(const std::vector<Series>& all) {
  size_t longest = 0;
  for (const Series& series : all) longest = std::max(longest, series.name.size());
  return longest;
}

// A file's series side by side, where they fit.
size_t LegendColumns(const std::vector<Series>& all) {
  size_t graphs = 0;
  size_t forests = 0;
  for (const Series& series : all) {
    graphs += series.kind == IndexKind::kGraph ? 1 : 0;
    forests += series.kind == IndexKind::kForest ? 1 : 0;
  }
  return graphs > 0 && forests == graphs && LongestName(all) <= 28 ? 3 : 2;
}

size_t LegendLines(const std::vector<Series>& all) {
  const size_t columns = LegendColumns(all);
  return (all.size() + columns - 1) / columns;
}

// Marks of gnuplot: a disc, a triangle, an empty diamond.
const char* Mark(IndexKind kind) {
  switch (kind) {
    case IndexKind::kGraph: return "pt 7 ps 0.75 dt 1";
    case IndexKind::kForest: return "pt 9 ps 0.9 dt 1";
    default: return "pt 12 ps 0.9 dt (8,6)";
  }
}

void WriteData(const std::vector<Series>& all, const RecallAxis& axis, std::ostream& out) {
  for (size_t i = 0; i < all.size(); ++i) {
    out << "$s" << i << " << EOD\n";
    for (const EvalPoint& point : all[i].points) {
      // What exact search finds does not depend on the choice of queries.
      const Interval recall = point.index == IndexKind::kExact
                                  ? Interval{point.recall, point.recall}
                                  : point.recall_interval;
      out << axis.At(point.recall) << ' ' << point.qps << ' ' << axis.At(recall.low) << ' '
          << axis.At(recall.high) << ' ' << point.qps_interval.low << ' ' << point.qps_interval.high
          << '\n';
    }
    out << "EOD\n";
  }
}

void WritePlot(const std::vector<Series>& all, const RecallAxis& axis, std::ostream& out) {
  // Exact search's speed, for the curves to be compared with.
  for (const Series& series : all) {
    if (series.kind != IndexKind::kExact) continue;
    const double y = series.points[0].qps;
    out << "set arrow from " << axis.left() << ',' << y << " to " << axis.right() << ',' << y
        << " nohead back lw 1 dt (8,6) lc rgb '#99" << series.colour << "'\n";
  }
  out << "plot ";
  // Bars first, so that no curve is hidden by them.
  for (size_t i = 0; i < all.size(); ++i) {
    out << "$s" << i << " using 1:2:3:4:5:6 with xyerrorbars pt 0 lw 2.5 lc rgb '#AA"
        << all[i].colour << "' notitle, ";
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const bool exact = all[i].kind == IndexKind::kExact;
    const std::string look = StrCat(Mark(all[i].kind), " lc rgb '#", all[i].colour, "'");
    out << "$s" << i << " using 1:2 with linespoints lw " << (exact ? 1.5 : 2) << ' ' << look;
    out << " title " << Quoted(all[i].name) << (i + 1 < all.size() ? ", " : "\n");
  }
}

}  // namespace

int PlotHeight(const std::vector<PlotFile>& files) {
  return kPlotHeight + kLegendLine * static_cast<int>(LegendLines(SeriesOf(files)));
}

std::string PlotScript(const std::string& terminal, const PlotText& text,
                       const std::vector<PlotFile>& files) {
  const std::vector<Series> all = SeriesOf(files);
  std::vector<EvalPoint> points;
  for (const PlotFile& file : files) {
    points.insert(points.end(), file.points.begin(), file.points.end());
  }
  const RecallAxis recalls(points);
  const SpeedAxis speeds(points);
  std::ostringstream out;
  out << std::setprecision(9);
  out << "set encoding utf8\n"
      << "set terminal " << terminal << '\n'
      << "set lmargin at screen 0.105\nset rmargin at screen 0.975\n"
      << "set tmargin 4.2\n"
      << "set label 1 " << Quoted(text.title) << " at graph 0, graph 1 offset 0, 2.1 font ',16'\n"
      << "set label 2 " << Quoted(text.subtitle)
      << " at graph 0, graph 1 offset 0, 0.8 font ',11' tc rgb '#555555'\n"
      << "set xlabel 'recall@" << points.at(0).k << "' offset 0, 0.3\n"
      << "set label 3 'queries a second' at screen 0.018, graph 0.5 center rotate\n"
      << "set border 3 lc rgb '#888888'\n"
      << "set grid back lt 1 lw 0.7 lc rgb '#E2E2E2'\n"
      << "set errorbars 0\n"
      << "set logscale y\n"
      << "set tics nomirror out scale 0.5 tc rgb '#333333'\n"
      << "set xrange [" << recalls.left() << ':' << recalls.right() << "]\n"
      << "set xtics (" << recalls.Ticks() << ")\n"
      << "set yrange [" << speeds.low() << ':' << speeds.high() << "]\n"
      << "set ytics (" << speeds.Ticks() << ")\n"
      << "set key bmargin left Left reverse horizontal maxcols "
      << LegendColumns(all)
      // gnuplot takes letters for wider than they are.
      << " samplen 2.5 spacing 1.15 height 1 width " << 2 - static_cast<int>(LongestName(all) / 5)
      << '\n';
  WriteData(all, recalls, out);
  WritePlot(all, recalls, out);
  return out.str();
}

}  // namespace kith::apps::cli
