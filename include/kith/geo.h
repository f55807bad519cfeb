// Places on the globe as vectors.
#ifndef KITH_GEO_H_
#define KITH_GEO_H_

#include <cstddef>
#include <span>
#include <vector>

#include "kith/status.h"

namespace kith {

// The mean radius of the Earth in km, R1 of GRS 80 (Moritz, Journal of Geodesy, 2000).
inline constexpr double kEarthRadiusKm = 6371.0088;

// The points of the unit sphere, [n, 3], of places whose latitudes and longitudes are in degrees:
// (cos lat cos lon, cos lat sin lon, sin lat). Of such points Euclidean distance is the length of
// the chord, which is the shorter the nearer the places are, over the poles and the date line too.
// Latitudes are in [-90, 90], longitudes in [-180, 360]. Errors: InvalidArgument (other values,
// with the place's number; lengths that differ), OutOfMemory.
Result<std::vector<float>> SpherePoints(std::span<const double> latitudes,
                                        std::span<const double> longitudes);

// The great-circle distance in km of two points of the unit sphere, from their Euclidean distance.
// To about a metre, for points are float32.
double ChordToKm(double chord);

}  // namespace kith

#endif  // KITH_GEO_H_
