#include "kith/geo.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/strings.h"
#include "base/thread_pool.h"

namespace kith {
namespace {

constexpr double kRadians = std::numbers::pi / 180;

Status CheckPlace(size_t place, const char* what, double degrees, double low, double high) {
  // Also of NaN.
  if (degrees >= low && degrees <= high) return Status::Ok();
  return Status::InvalidArgument(StrCat("place ", place, " has ", what, " ", degrees,
                                        "; it must be in degrees, from ", low, " to ", high));
}

}  // namespace

Result<std::vector<float>> SpherePoints(std::span<const double> latitudes,
                                        std::span<const double> longitudes) {
  return CatchAll([&]() -> Result<std::vector<float>> {
    if (latitudes.size() != longitudes.size()) {
      return Status::InvalidArgument(StrCat("there are ", latitudes.size(), " latitudes, but ",
                                            longitudes.size(), " longitudes"));
    }
    std::vector<float> points(3 * latitudes.size());
    for (size_t i = 0; i < latitudes.size(); ++i) {
      KITH_RETURN_IF_ERROR(CheckPlace(i, "latitude", latitudes[i], -90, 90));
      KITH_RETURN_IF_ERROR(CheckPlace(i, "longitude", longitudes[i], -180, 360));
      const double lat = latitudes[i] * kRadians;
      const double lon = longitudes[i] * kRadians;
      points[3 * i] = static_cast<float>(std::cos(lat) * std::cos(lon));
      points[3 * i + 1] = static_cast<float>(std::cos(lat) * std::sin(lon));
      points[3 * i + 2] = static_cast<float>(std::sin(lat));
    }
    return points;
  });
}

double ChordToKm(double chord) {
  return 2 * kEarthRadiusKm * std::asin(std::clamp(chord / 2, 0.0, 1.0));
}

}  // namespace kith
