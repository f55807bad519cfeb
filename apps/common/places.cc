#include "common/places.h"

#include <cmath>
#include <utility>

#include "base/strings.h"
#include "data/convert.h"
#include "kith/geo.h"

namespace kith::apps {

Result<std::vector<float>> FloatsOf(const MatrixView& rows) {
  std::vector<float> values(rows.rows * rows.dim);
  for (size_t i = 0; i < rows.rows; ++i) data::RowToF32(rows, i, values.data() + i * rows.dim);
  return values;
}

Result<TableColumns> SplitLastColumn(const MatrixView& table) {
  KITH_ASSIGN_OR_RETURN(const std::vector<float> values, FloatsOf(table));
  TableColumns columns;
  columns.rest.reserve(table.rows * (table.dim - 1));
  columns.last.reserve(table.rows);
  for (size_t i = 0; i < table.rows; ++i) {
    const float* row = values.data() + i * table.dim;
    columns.rest.insert(columns.rest.end(), row, row + table.dim - 1);
    columns.last.push_back(row[table.dim - 1]);
  }
  return columns;
}

Result<Places> PlacesOf(const std::string& path, const std::vector<float>& degrees) {
  Places places;
  for (size_t i = 0; i + 1 < degrees.size(); i += 2) {
    places.latitudes.push_back(degrees[i]);
    places.longitudes.push_back(degrees[i + 1]);
  }
  auto points = SpherePoints(places.latitudes, places.longitudes);
  if (!points.ok()) {
    return Status::InvalidArgument(
        StrCat(path, ": ", points.status().message(),
               " (places are counted from 0, without the header; --geo takes the latitude first)"));
  }
  places.points = std::move(*points);
  return places;
}

Result<Places> GridPlaces(double degrees, size_t* rows) {
  *rows = static_cast<size_t>(std::floor(180 / degrees + 1e-9));
  const auto columns = static_cast<size_t>(std::floor(360 / degrees + 1e-9));
  Places places;
  places.latitudes.reserve(*rows * columns);
  places.longitudes.reserve(*rows * columns);
  for (size_t i = 0; i < *rows; ++i) {
    for (size_t j = 0; j < columns; ++j) {
      places.latitudes.push_back(90 - degrees * (static_cast<double>(i) + 0.5));
      places.longitudes.push_back(-180 + degrees * (static_cast<double>(j) + 0.5));
    }
  }
  KITH_ASSIGN_OR_RETURN(places.points, SpherePoints(places.latitudes, places.longitudes));
  return places;
}

}  // namespace kith::apps
