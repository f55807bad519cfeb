#include "common/json.h"

#include <charconv>
#include <cmath>

#include "common/text.h"

namespace kith::apps {

std::string ToLine(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Json JsonFloat(float x) {
  if (!std::isfinite(x)) return nullptr;
  const std::string text = FormatFloat(x);
  double shortest = 0;
  std::from_chars(text.data(), text.data() + text.size(), shortest);
  return shortest;
}

Json JsonKnown(double x) { return x < 0 ? Json() : Json(x); }

}  // namespace kith::apps
