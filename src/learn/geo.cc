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

Status CheckPlaces(std::span<const double> latitudes, std::span<const double> longitudes) {
  if (latitudes.size() != longitudes.size()) {
    return Status::InvalidArgument(StrCat("there are ", latitudes.size(), " latitudes, but ",
                                          longitudes.size(), " longitudes"));
  }
  for (size_t i = 0; i < latitudes.size(); ++i) {
    KITH_RETURN_IF_ERROR(CheckPlace(i, "latitude", latitudes[i], -90, 90));
    KITH_RETURN_IF_ERROR(CheckPlace(i, "longitude", longitudes[i], -180, 360));
  }
  return Status::Ok();
}

}  // namespace

Result<std::vector<float>> SpherePoints(std::span<const double> latitudes,
                                        std::span<const double> longitudes) {
  return CatchAll([&]() -> Result<std::vector<float>> {
    KITH_RETURN_IF_ERROR(CheckPlaces(latitudes, longitudes));
    std::vector<float> points(3 * latitudes.size());
    for (size_t i = 0; i < latitudes.size(); ++i) {
      const double lat = latitudes[i] * kRadians;
      const double lon = longitudes[i] * kRadians;
      points[3 * i] = static_cast<float>(std::cos(lat) * std::cos(lon));
      points[3 * i + 1] = static_cast<float>(std::cos(lat) * std::sin(lon));
      points[3 * i + 2] = static_cast<float>(std::sin(lat));
    }
    return points;
  });
}

Result<std::vector<uint64_t>> GlobeBlocks(std::span<const double> latitudes,
                                          std::span<const double> longitudes, double degrees) {
  return CatchAll([&]() -> Result<std::vector<uint64_t>> {
    // Also of NaN. Smaller ones than a millionth have more columns than 32 bits number.
    if (!(degrees >= 1e-6 && degrees <= 180)) {
      return Status::InvalidArgument(
          StrCat("blocks of ", degrees, " degrees; they must have from 1e-6 to 180"));
    }
    KITH_RETURN_IF_ERROR(CheckPlaces(latitudes, longitudes));
    std::vector<uint64_t> blocks(latitudes.size());
    for (size_t i = 0; i < blocks.size(); ++i) {
      const double row = std::floor((latitudes[i] + 90) / degrees);
      const double middle = std::clamp(-90 + degrees * (row + 0.5), -90.0, 90.0);
      // How many blocks of this width go round at this latitude.
      const double around = std::max(1.0, std::round(360 / degrees * std::cos(middle * kRadians)));
      const double turn = (longitudes[i] + 180) / 360;
      const double column = std::floor((turn - std::floor(turn)) * around);
      blocks[i] = static_cast<uint64_t>(row) << 32 | static_cast<uint64_t>(column);
    }
    return blocks;
  });
}

double ChordToKm(double chord) {
  return 2 * kEarthRadiusKm * std::asin(std::clamp(chord / 2, 0.0, 1.0));
}

}  // namespace kith
