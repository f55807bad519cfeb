#include "text_places.h"

#include <algorithm>

namespace kith::apps::cli {
namespace {

constexpr double kLineHeight = 1.25;  // of the font's size
constexpr double kMargin = 1.5;       // pixels around a text

constexpr double kMark = 5;  // pixels of a point's mark

bool CoversAny(const Box& box, const std::vector<Box>& others) {
  return std::any_of(others.begin(), others.end(),
                     [&](const Box& other) { return box.Overlaps(other); });
}

Box Around(double x, double y, double width, double height) {
  return {x - width / 2 - kMargin, y - height / 2, x + width / 2 + kMargin, y + height / 2};
}

}  // namespace

double TextWidth(const std::string& text, double size) {
  double width = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;  // goes on with a character
    if (byte >= 0xE0) {
      width += 1.05;  // most are of scripts with wide signs
    } else if (c == 'i' || c == 'l' || c == 'j' || c == '.' || c == ',' || c == '\'' || c == ' ') {
      width += 0.36;
    } else if (c == 'm' || c == 'w' || c == 'M' || c == 'W') {
      width += 0.98;
    } else {
      width += c >= 'A' && c <= 'Z' ? 0.72 : 0.62;
    }
  }
  return width * size;
}

bool TextPlaces::Take(const Box& box) {
  if (!box.Within(area_) || CoversAny(box, taken_) || CoversAny(box, marks_)) return false;
  taken_.push_back(box);
  return true;
}

std::optional<TextPlaces::Place> TextPlaces::Beside(double x, double y, const std::string& text,
                                                    double size, double gap) {
  const Box mark = Around(x, y, kMark - 2 * kMargin, kMark);
  if (gap > 0 && CoversAny(mark, taken_)) return std::nullopt;
  const double width = TextWidth(text, size);
  const double height = kLineHeight * size;
  const double dx = width / 2 + gap;
  const double dy = height / 2 + gap / 2;
  const Place places[] = {{x + dx, y},      {x - dx, y},      {x, y + dy},      {x, y - dy},
                          {x + dx, y + dy}, {x + dx, y - dy}, {x - dx, y + dy}, {x - dx, y - dy}};
  for (const Place& place : places) {
    if (!Take(Around(place.x, place.y, width, height))) continue;
    if (gap > 0) marks_.push_back(mark);
    return place;
  }
  return std::nullopt;
}

std::optional<TextPlaces::Place> TextPlaces::Over(double x, double y, const std::string& text,
                                                  double size) {
  if (Take(Around(x, y, TextWidth(text, size), kLineHeight * size))) return Place{x, y};
  return Beside(x, y, text, size, 0);
}

}  // namespace kith::apps::cli
