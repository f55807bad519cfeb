#include "map_plot.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iterator>
#include <numeric>
#include <optional>
#include <sstream>

#include "common/text.h"
#include "text_places.h"

namespace kith::apps::cli {
namespace {

constexpr double kLowest = 420;  // pixels of the whole picture
constexpr double kHighest = 940;
constexpr double kMargin = 18;  // pixels at the left, the right and the bottom
constexpr double kHeadHeight = 64;
constexpr double kNameSize = 12;  // pixels of a font
constexpr double kLabelSize = 17;
constexpr size_t kMostLabels = 40;    // written beside their points
constexpr uint32_t kGrey = 0x8A93A0;  // of points without labels

// Colours that ten labels are told apart by; of more, hues are spread evenly.
constexpr uint32_t kTen[] = {0x1F77B4, 0xFF7F0E, 0x2CA02C, 0xD62728, 0x9467BD,
                             0x8C564B, 0xE377C2, 0x5F6B6D, 0xBCBD22, 0x17BECF};

uint32_t ColourOf(size_t label, size_t count) {
  if (count <= std::size(kTen)) return kTen[label];
  // Steps of the golden section set neighbours in the order far apart.
  const double hue = std::fmod(static_cast<double>(label) * 0.61803398875, 1) * 6;
  const double value = label % 2 == 0 ? 0.78 : 0.6;
  uint32_t colour = 0;
  for (const double shift : {5.0, 3.0, 1.0}) {
    const double k = std::fmod(shift + hue, 6);
    const double part = value * (1 - 0.72 * std::clamp(std::min(k, 4 - k), 0.0, 1.0));
    colour = colour << 8 | static_cast<uint32_t>(std::lround(255 * part));
  }
  return colour;
}

// From the map to pixels, whole and with equal scales.
class Frame {
 public:
  explicit Frame(std::span<const float> points) {
    double low[2] = {0, 0};
    double high[2] = {0, 0};
    for (size_t i = 0; i < points.size(); ++i) {
      const auto x = static_cast<double>(points[i]);
      low[i % 2] = i < 2 ? x : std::min(low[i % 2], x);
      high[i % 2] = i < 2 ? x : std::max(high[i % 2], x);
    }
    const double width = std::max(high[0] - low[0], 1e-9);
    const double height = std::max(high[1] - low[1], 1e-9);
    const double fitting = kHeadHeight + kMargin + (kPlotWidth - 2 * kMargin) * height / width;
    height_ = std::round(std::clamp(fitting, kLowest, kHighest));
    const Box area = Area();
    scale_ = 0.97 * std::min((area.right - area.left) / width, (area.top - area.bottom) / height);
    middle_[0] = (low[0] + high[0]) / 2;
    middle_[1] = (low[1] + high[1]) / 2;
  }

  double height() const { return height_; }
  Box Area() const { return {kMargin, kMargin, kPlotWidth - kMargin, height_ - kHeadHeight}; }
  double X(float x) const {
    return static_cast<double>(kPlotWidth) / 2 + (static_cast<double>(x) - middle_[0]) * scale_;
  }
  double Y(float y) const {
    const Box area = Area();
    return (area.bottom + area.top) / 2 + (static_cast<double>(y) - middle_[1]) * scale_;
  }

 private:
  double height_ = kHighest;
  double scale_ = 1;
  double middle_[2] = {0, 0};
};

float Median(std::vector<float>* values) {
  const auto middle = values->begin() + static_cast<std::ptrdiff_t>(values->size() / 2);
  std::nth_element(values->begin(), middle, values->end());
  return *middle;
}

void PutText(const TextPlaces::Place& place, const std::string& text, const std::string& look,
             std::ostream& out) {
  out << "set label " << Quoted(text) << " at first " << place.x << ", first " << place.y
      << " center front " << look << '\n';
}

// The names of labels, in the middle of their points, those of the most points first.
void PutLabels(const MapPicture& picture, const Frame& frame, TextPlaces* places,
               std::ostream& out) {
  std::vector<std::vector<uint32_t>> rows(picture.label_names.size());
  for (size_t row = 0; row < picture.labels.size(); ++row) {
    rows[picture.labels[row]].push_back(static_cast<uint32_t>(row));
  }
  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return rows[a].size() > rows[b].size(); });
  if (order.size() > kMostLabels) order.resize(kMostLabels);
  const double size = order.size() <= std::size(kTen) ? kLabelSize : kNameSize;
  for (const size_t label : order) {
    std::vector<float> xs;
    std::vector<float> ys;
    for (const uint32_t row : rows[label]) {
      xs.push_back(picture.points[2 * row]);
      ys.push_back(picture.points[2 * row + 1]);
    }
    if (xs.empty()) continue;
    const std::string& name = picture.label_names[label];
    const auto place = places->Over(frame.X(Median(&xs)), frame.Y(Median(&ys)), name, size);
    std::ostringstream look;
    look << "boxed font '," << size * 0.77 << "' tc rgb '#" << std::hex << std::setw(6)
         << std::setfill('0') << (ColourOf(label, rows.size()) & 0xFEFEFEU) / 2 << "'";
    if (place) PutText(*place, name, look.str(), out);
  }
}

// Names of rows beside their points, which are marked.
void PutNames(const MapPicture& picture, const Frame& frame, TextPlaces* places, std::ostream& out,
              std::ostream& marks) {
  size_t count = 0;
  for (size_t i = 0; i < picture.named.size() && count < picture.most_names; ++i) {
    const uint64_t row = picture.named[i];
    const double x = frame.X(picture.points[2 * row]);
    const double y = frame.Y(picture.points[2 * row + 1]);
    const auto place = places->Beside(x, y, picture.names[i], kNameSize, 5);
    if (!place) continue;
    ++count;
    PutText(*place, picture.names[i], "font ',9.2' tc rgb '#1A1A1A'", out);
    marks << x << ' ' << y << '\n';
  }
}

double PointSize(size_t rows) {
  return std::clamp(24 / std::sqrt(static_cast<double>(rows) + 1), 0.09, 0.75);
}

}  // namespace

int MapPlotHeight(const MapPicture& picture) {
  return static_cast<int>(Frame(picture.points).height());
}

std::string MapPlotScript(const std::string& terminal, const MapPicture& picture) {
  const Frame frame(picture.points);
  std::ostringstream out;
  out << std::setprecision(7);
  // The axes count pixels, so that texts lie where they were placed.
  out << "set encoding utf8\nset terminal " << terminal << '\n'
      << "set lmargin at screen 0\nset rmargin at screen 1\n"
      << "set bmargin at screen 0\nset tmargin at screen 1\n"
      << "unset border\nunset tics\nunset key\n"
      << "set xrange [0:" << kPlotWidth << "]\nset yrange [0:" << frame.height() << "]\n"
      << "set style textbox opaque noborder margins 0.6, 0.4 fillcolor rgb '#40FFFFFF'\n"
      << "set label " << Quoted(picture.text.title) << " at first " << kMargin << ", first "
      << frame.height() - 24 << " left font ',16'\n"
      << "set label " << Quoted(picture.text.subtitle) << " at first " << kMargin << ", first "
      << frame.height() - 48 << " left font ',11' tc rgb '#555555'\n";
  TextPlaces places(frame.Area());
  std::ostringstream marks;
  if (!picture.labels.empty()) PutLabels(picture, frame, &places, out);
  PutNames(picture, frame, &places, out, marks);
  out << "$p << EOD\n";
  const size_t rows = picture.points.size() / 2;
  const uint32_t faded = rows > 5000 ? 0x50000000U : 0x20000000U;
  for (size_t row = 0; row < rows; ++row) {
    const uint32_t colour =
        picture.labels.empty() ? kGrey : ColourOf(picture.labels[row], picture.label_names.size());
    out << frame.X(picture.points[2 * row]) << ' ' << frame.Y(picture.points[2 * row + 1]) << ' '
        << (colour | faded) << '\n';
  }
  out << "EOD\n";
  if (!marks.str().empty()) out << "$m << EOD\n" << marks.str() << "EOD\n";
  out << "plot $p using 1:2:3 with points pt 7 ps " << PointSize(rows) << " lc rgb variable";
  if (!marks.str().empty()) out << ", $m using 1:2 with points pt 7 ps 0.35 lc rgb '#1A1A1A'";
  out << '\n';
  return std::move(out).str();
}

}  // namespace kith::apps::cli
