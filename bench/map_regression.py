#!/usr/bin/env python3
"""A map by k-NN regression beside scikit-learn: every cell of a grid over the globe is the mean of
its 50 nearest values.

    bench/run map [--grid 0.25]

Elevations of 15,787 weather stations and, of pings between cities, 59,244 times at 248 places
(KITH_DATA). `kith regress` as a process that reads its file and writes its map, on all cores;
scikit-learn's KNeighborsRegressor of points of the unit sphere, its k-d tree, as it comes (one
thread) and on all cores, the search alone. Seconds of wall clock and of processor time; the least
of some runs. Values are compared where no neighbours are tied (of the stations).
"""

from __future__ import annotations

import argparse
import gzip
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import pandas
from sklearn.neighbors import KNeighborsRegressor

K = 50


def sphere(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Points of the unit sphere, as float32, which is what kith compares."""
    lat, lon = np.radians(lat), np.radians(lon)
    points = [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
    return np.stack(points, axis=-1).astype(np.float32)


def timed(run: Callable[[], None], times: int) -> tuple[float, float]:
    """The least wall clock and processor time of some runs, children included."""

    def processor() -> float:
        both = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(u.ru_utime + u.ru_stime for u in both)

    got = []
    for _ in range(times):
        wall, used = time.perf_counter(), processor()
        run()
        got.append((time.perf_counter() - wall, processor() - used))
    return min(w for w, _ in got), min(p for _, p in got)


def compare(name: str, table: pandas.DataFrame, kith: str, degrees: float) -> None:
    lat = np.arange(90 - degrees / 2, -90, -degrees)
    lon = np.arange(-180 + degrees / 2, 180, degrees)
    cells = sphere(*(g.ravel() for g in np.meshgrid(lat, lon, indexing="ij")))
    places = sphere(table["lat"].to_numpy(), table["lon"].to_numpy())
    with tempfile.TemporaryDirectory() as folder:
        csv, out = pathlib.Path(folder) / "values.csv", pathlib.Path(folder) / "map.npy"
        table.to_csv(csv, index=False)
        command = [kith, "regress", csv, "--geo", "lat,lon", "--value", "value", "-k", str(K)]
        command += ["--grid", str(degrees), "-o", out]
        ours = timed(lambda: subprocess.run(command, check=True, capture_output=True), 3)
        told = np.load(out)
    rows = [("kith regress, all of it, all cores", ours)]
    for label, jobs in (("scikit-learn, as it comes", None), ("scikit-learn, all cores", -1)):
        model = KNeighborsRegressor(K, algorithm="kd_tree", n_jobs=jobs)
        model.fit(places, table["value"])
        expected = []
        rows.append((label, timed(lambda m=model, e=expected: e.append(m.predict(cells)), 1)))
    print(f"\n{name}: {len(places):,} values, {len(cells):,} cells, k = {K}")
    print("| | wall clock, s | ratio | processor, s | ratio |\n|---|---|---|---|---|")
    for label, (wall, used) in rows:
        print(
            f"| {label} | {wall:.2f} | {wall / ours[0]:.1f} | {used:.2f} | {used / ours[1]:.1f} |"
        )
    told = told.reshape(len(cells), -1)[:, 0]
    off = np.abs(told - expected[0]) / np.maximum(np.abs(expected[0]), 1)
    print(f"values equal to 1e-6: {(off <= 1e-6).mean():.5%}; farthest apart: {off.max():.3g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kith", help="the tool")
    parser.add_argument("--grid", type=float, default=0.25, help="degrees of a cell")
    options = parser.parse_args()
    data = pathlib.Path(os.environ["KITH_DATA"])
    stations = pandas.read_csv(data / "map" / "meteostat-locations.csv.gz")
    stations.columns = [c.lower() for c in stations.columns]
    names = {"latitude": "lat", "longitude": "lon", "elevation": "value"}
    compare(
        "stations",
        stations.rename(columns=names)[["lat", "lon", "value"]].dropna(),
        options.kith,
        options.grid,
    )
    with gzip.open(data / "ping" / "pings.csv.gz") as file:
        pings = pandas.read_csv(file)
    names = {"dst_lat": "lat", "dst_lon": "lon", "avg_ms": "value"}
    compare(
        "pings",
        pings.rename(columns=names)[["lat", "lon", "value"]].dropna(),
        options.kith,
        options.grid,
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
