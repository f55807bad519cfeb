"""What the maps are made of: measured values at places, and where there is land.

With KITH_DATA: WonderNetwork's ping times, Meteostat's stations and Natural Earth's outlines.
Without: times that are made up, the elevations of airports (of the package airportsdata) and
coarser outlines (examples/data/land.json.gz).
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kith import learn

Floats = NDArray[np.float64]
LAND_STEP = 0.05  # degrees a cell of the mask


class Measured(NamedTuple):
    """Values at places, (n,) each, and where they are from."""

    latitudes: Floats
    longitudes: Floats
    values: Floats
    source: str


class Pings(NamedTuple):
    """Round-trip times in seconds between cities, (n,) each."""

    origins: NDArray[np.str_]
    origin_places: Floats  # (n, 2), degrees
    measured: Measured  # at the other end

    def of(self, city: str) -> tuple[Measured, tuple[float, float]]:
        """Those from one city, and where it lies."""
        rows = self.origins == city
        if not rows.any():
            names = ", ".join(sorted(set(self.origins.tolist())))
            raise ValueError(f"no pings from {city!r}; there are those of {names}")
        columns = (column[rows] for column in self.measured[:3])
        latitude, longitude = self.origin_places[rows][0]
        return Measured(*columns, self.measured.source), (latitude, longitude)


def data_folder() -> Path | None:
    folder = os.environ.get("KITH_DATA")
    return Path(folder) if folder else None


def say_what_is_missing() -> None:
    print(
        "KITH_DATA is not set: ping times are MADE UP (light in fibre, detours, delays), "
        "elevations are those of airports",
        file=sys.stderr,
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _column(rows: list[dict[str, str]], name: str) -> Floats:
    return np.array([float(row[name]) for row in rows])


def load_pings() -> Pings:
    folder = data_folder()
    if folder is None:
        return make_pings()
    rows = _rows(folder / "ping" / "pings.csv.gz")
    return Pings(
        np.array([row["src"] for row in rows]),
        np.stack([_column(rows, "src_lat"), _column(rows, "src_lon")], axis=1),
        Measured(
            _column(rows, "dst_lat"),
            _column(rows, "dst_lon"),
            _column(rows, "avg_ms") / 1000,
            "WonderNetwork, 2018",
        ),
    )


def make_pings(cities: int = 250, seed: int = 7) -> Pings:
    """Times that nobody measured, between cities with airports.

    Light takes 5 µs a km of fibre, both ways; cables make detours, by more where the land is (one
    factor a place), the last mile takes 1 to 30 ms, and some packets are delayed.
    """
    ports = [port for port in _airports() if port["iata"] and port["city"]]
    by_city = {port["city"]: port for port in ports}  # the last of each
    rng = np.random.default_rng(seed)
    names = ["New York", *rng.choice(sorted(by_city), cities - 1, replace=False).tolist()]
    places = np.array([(by_city[name]["lat"], by_city[name]["lon"]) for name in names])
    points = learn.sphere_points(places[:, 0], places[:, 1]).astype(float)
    chords = np.sqrt(np.maximum(2 - 2 * points @ points.T, 0))
    detour = rng.uniform(1.2, 1.9, cities)
    last_mile = rng.uniform(0.001, 0.03, cities)
    one, other = (axis.ravel() for axis in np.nonzero(~np.eye(cities, dtype=bool)))
    km = learn.chord_to_km(chords[one, other]) * (detour[one] + detour[other]) / 2
    delays = rng.exponential(0.004, len(one)) + 0.2 * (rng.random(len(one)) < 0.02)
    seconds = 2 * 5e-6 * km + last_mile[one] + last_mile[other] + delays
    return Pings(
        np.array(names)[one],
        places[one],
        Measured(places[other, 0], places[other, 1], seconds, "made up"),
    )


def _airports() -> list[Any]:
    import airportsdata

    ports = airportsdata.load()
    return [ports[name] for name in sorted(ports)]


def load_elevations() -> Measured:
    """Elevations in metres, of weather stations or of airports."""
    folder = data_folder()
    if folder is not None:
        rows = _rows(folder / "map" / "meteostat-locations.csv.gz")
        columns = (_column(rows, name) for name in ("latitude", "longitude", "elevation"))
        return Measured(*columns, "weather stations (Meteostat)")
    ports = _airports()
    metres = np.array([port["elevation"] for port in ports]) * 0.3048
    latitudes = np.array([port["lat"] for port in ports])
    longitudes = np.array([port["lon"] for port in ports])
    return Measured(latitudes, longitudes, metres, "airports (airportsdata)")


def _outlines() -> Any:
    """Polygons of shapely that cover the land."""
    import shapely.geometry

    folder = data_folder()
    path = Path(__file__).parents[1] / "data" / "land.json.gz"
    if folder is not None:
        path = folder / "map" / "ne_50m_land.json.gz"
    shapes = json.loads(gzip.decompress(path.read_bytes()))["features"]
    return [shapely.geometry.shape(shape["geometry"]) for shape in shapes]


def load_land() -> NDArray[np.bool_]:
    """Where there is land: cells of LAND_STEP degrees, from the north-west, (3600, 7200)."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (round(360 / LAND_STEP), round(180 / LAND_STEP)))
    pencil = ImageDraw.Draw(image)

    def fill(ring: Any, value: int) -> None:
        x, y = np.asarray(ring.coords)[:, :2].T
        corners = np.stack([(x + 180) / LAND_STEP, (90 - y) / LAND_STEP], axis=1)
        pencil.polygon(corners.ravel().tolist(), fill=value)

    for shape in _outlines():
        for polygon in getattr(shape, "geoms", [shape]):
            fill(polygon.exterior, 1)
            for hole in polygon.interiors:
                fill(hole, 0)
    return np.asarray(image) > 0
