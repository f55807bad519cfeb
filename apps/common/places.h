// Tables of numbers, and places on the globe.
#ifndef KITH_APPS_COMMON_PLACES_H_
#define KITH_APPS_COMMON_PLACES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "kith/status.h"
#include "kith/types.h"

namespace kith::apps {

// All values of a matrix as floats, [rows, dim]. Errors: OutOfMemory.
Result<std::vector<float>> FloatsOf(const MatrixView& rows);

// The columns of a table: all but the last, [rows, dim - 1], and the last.
struct TableColumns {
  std::vector<float> rest;
  std::vector<double> last;
};
Result<TableColumns> SplitLastColumn(const MatrixView& table);

struct Places {
  std::vector<double> latitudes;  // degrees
  std::vector<double> longitudes;
  std::vector<float> points;  // of the unit sphere, [n, 3]
};

// Of rows of latitude and longitude, [n, 2]. Errors: those of SpherePoints(), with the file.
Result<Places> PlacesOf(const std::string& path, const std::vector<float>& degrees);

// The middles of cells of so many degrees, from the north-west, row by row; `rows` of them.
Result<Places> GridPlaces(double degrees, size_t* rows);

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_PLACES_H_
