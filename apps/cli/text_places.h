// Places of texts in a picture, of which none is drawn over another.
#ifndef KITH_APPS_CLI_TEXT_PLACES_H_
#define KITH_APPS_CLI_TEXT_PLACES_H_

#include <optional>
#include <string>
#include <vector>

namespace kith::apps::cli {

// A rectangle in pixels; y grows upwards.
struct Box {
  double left = 0;
  double bottom = 0;
  double right = 0;
  double top = 0;

  bool Overlaps(const Box& o) const {
    return left < o.right && o.left < right && bottom < o.top && o.bottom < top;
  }
  bool Within(const Box& o) const {
    return left >= o.left && right <= o.right && bottom >= o.bottom && top <= o.top;
  }
};

// About how wide a text is drawn in a sans-serif font of `size` pixels; rather too wide.
double TextWidth(const std::string& text, double size);

// Texts that are placed one after the other, the most important first. Each finds the first free
// place: right of its point, left of it, above, below, or at a corner. No text covers another one,
// or the mark of a point that has one.
class TextPlaces {
 public:
  explicit TextPlaces(const Box& area) : area_(area) {}

  // The middle of the text, in pixels; nullopt where it or the point's mark has no room. `gap`:
  // between point and text; 0: there is no mark.
  struct Place {
    double x = 0;
    double y = 0;
  };
  std::optional<Place> Beside(double x, double y, const std::string& text, double size, double gap);
  // Over the point itself, or, where that is taken, beside it.
  std::optional<Place> Over(double x, double y, const std::string& text, double size);

 private:
  bool Take(const Box& box);

  Box area_;
  std::vector<Box> taken_;  // by texts
  std::vector<Box> marks_;
};

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_TEXT_PLACES_H_
