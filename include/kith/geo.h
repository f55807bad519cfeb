// Places on the globe as vectors.
#ifndef KITH_GEO_H_
#define KITH_GEO_H_

#include <cstddef>
#include <cstdint>
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

// The block of each place, for BlockFolds() (kith/predict.h): cells of so many degrees of latitude
// and, at the equator, of longitude; nearer the poles they have more degrees of longitude, so that
// they stay about as large. `degrees` is from 1e-6 to 180. Places are as above. Errors:
// InvalidArgument (other values, with the place's number; lengths that differ), OutOfMemory.
Result<std::vector<uint64_t>> GlobeBlocks(std::span<const double> latitudes,
                                          std::span<const double> longitudes, double degrees);

// The great-circle distance in km of two points of the unit sphere, from their Euclidean distance.
// To about a metre, for points are float32.
double ChordToKm(double chord);

}  // namespace kith

#endif  // KITH_GEO_H_
