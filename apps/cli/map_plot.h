// The picture of kith map.
#ifndef KITH_APPS_CLI_MAP_PLOT_H_
#define KITH_APPS_CLI_MAP_PLOT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gnuplot.h"

namespace kith::apps::cli {

struct MapPicture {
  PlotText text;
  std::span<const float> points;  // [rows, 2]
  // A number of a colour for each row, and what each is called; or none.
  std::vector<uint32_t> labels;
  std::vector<std::string> label_names;
  // Rows that are to be named, the most important first, and their names; as many of them as find
  // room, up to most_names.
  std::vector<uint64_t> named;
  std::vector<std::string> names;
  size_t most_names = 0;
};

// In pixels, as the map needs it at the usual width.
int MapPlotHeight(const MapPicture& picture);

// A script for gnuplot, given the line that sets its terminal. The same for the same picture.
std::string MapPlotScript(const std::string& terminal, const MapPicture& picture);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_MAP_PLOT_H_
