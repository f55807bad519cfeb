"""Maps of how long a packet travels, and of how high the land is, by nearest neighbours.

    pip install '.[examples]' && python examples/pingmap/pingmap.py

Writes maps and a plot of how well they tell what they were not told to build/pingmap. What is shown
at a spot is the mean of the k nearest measurements, less those with the longest times. With
KITH_DATA=<folder> they are real; without, the times are made up, and the pictures say so.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import globe
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import Normalize
from places import (
    LAND_STEP,
    Measured,
    Pings,
    data_folder,
    load_elevations,
    load_land,
    load_pings,
    say_what_is_missing,
)

import kith
from kith import learn

BLUE, ORANGE = "#1f5fa8", "#e08e20"
PINGS = globe.Style(Normalize(0, 0.4), "viridis", "round-trip time, s", 500, 2500)
HEIGHTS = globe.Style(Normalize(0, 3000), "cividis", "elevation, m", 300, 1000)


def index_of(measured: Measured) -> kith.Index:
    points = learn.sphere_points(measured.latitudes, measured.longitudes)
    return kith.build(points, metric="euclidean", index="exact")


def tell(measured: Measured, land: Any, degrees: float, k: int, **how: Any) -> globe.Grid:
    """The value of each cell of land, by the k places that are nearest to its middle."""
    start = time.perf_counter()
    cells = globe.land_cells(land, degrees)
    rows, columns = np.nonzero(cells)
    middles = learn.sphere_points(90 - degrees * (rows + 0.5), degrees * (columns + 0.5) - 180)
    told = learn.regress(index_of(measured), middles, measured.values, k, n_jobs=-1, **how)
    grid = globe.Grid(degrees, np.full(cells.shape, np.nan), np.full(cells.shape, np.inf))
    grid.values[cells] = told.values
    grid.km[cells] = learn.chord_to_km(told.nearest)
    seconds = time.perf_counter() - start
    print(
        f"  {len(middles):,} cells of {degrees}° told by {len(measured.values):,} values, k = {k}: "
        f"{seconds:.1f} s"
    )
    return grid


def shuffled(measured: Measured) -> Measured:
    """The same in random order, seeded.

    Of neighbours as far as each other the first count, and at every city end some 240 pings: their
    order is by the name of where they are from, which is no fair sample of them.
    """
    order = np.random.default_rng(0).permutation(len(measured.values))
    return Measured(*(column[order] for column in measured[:3]), measured.source)


def one_a_place(measured: Measured) -> Measured:
    """The first at each place: of several that are as far, which one counts is anybody's choice."""
    points = learn.sphere_points(measured.latitudes, measured.longitudes)
    _, first = np.unique(points, axis=0, return_index=True)
    rows = np.sort(first)
    return Measured(*(column[rows] for column in measured[:3]), measured.source)


def scikit_learns(measured: Measured, folds: Any, ks: list[int]) -> np.ndarray:
    """The root mean squared error of scikit-learn's regressor over the same folds, by k."""
    from sklearn.neighbors import KNeighborsRegressor

    points = learn.sphere_points(measured.latitudes, measured.longitudes).astype(float)
    squared = np.zeros(len(ks))
    for fold in np.unique(folds):
        out = folds == fold
        other = KNeighborsRegressor().fit(points[~out], measured.values[~out])
        for i, k in enumerate(ks):
            told = other.set_params(n_neighbors=k).predict(points[out])
            squared[i] += np.sum((told - measured.values[out]) ** 2)
    return np.sqrt(squared / len(folds))


def validate(
    path: Path, measured: Measured, ks: list[int], degrees: float, unit: str, what: str
) -> int:
    """Draws errors by k, of random folds and of whole blocks, beside scikit-learn's.

    kith's distances are float32: of two places that are as far to seven digits it may take the
    other one, which shows in the sixth digit of an error, if at all.

    Returns the k that is best where whole blocks are left out.
    """
    index = index_of(measured)
    rng = np.random.default_rng(42)
    count = len(measured.values)
    blocks = learn.globe_blocks(measured.latitudes, measured.longitudes, degrees)
    names, block_of = np.unique(blocks, return_inverse=True)
    folds = {
        "random folds": rng.permutation(count) % 10,
        f"whole blocks of {degrees:g}°": (rng.permutation(len(names)) % 10)[block_of],
    }
    figure, axes = plt.subplots(figsize=(6.6, 4.2), layout="constrained")
    for (name, parts), colour in zip(folds.items(), (BLUE, ORANGE), strict=True):
        scores = learn.cross_validate(
            index, values=measured.values, k=ks, folds=parts, exact=True, n_jobs=-1
        )
        theirs = scikit_learns(measured, parts, ks)
        apart = np.max(np.abs(scores.rmse / theirs - 1))
        print(
            f"  {name}: best k {scores.best}, rmse {scores.rmse.min():.4g} {unit}; "
            f"scikit-learn's differ by {apart:.1e} of it at most"
        )
        axes.plot(ks, scores.rmse, "-", color=colour, label=f"kith, {name}")
        axes.plot(ks, theirs, "+", color=colour, ms=6, label=f"scikit-learn, {name}")
        axes.plot(scores.best, scores.rmse.min(), "o", color=colour, mfc="white")
    axes.set(xlabel="k, neighbours averaged", ylabel=f"root mean squared error, {unit}")
    axes.set_title(f"{what}:\neach of {count:,} told by nine parts of ten", fontsize=11)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return scores.best


def cell_size(text: str) -> float:
    """Degrees of which the globe has a whole number, and a cell a whole number of those of land."""
    degrees = float(text)
    for count in (180 / degrees if degrees > 0 else 0.5, degrees / LAND_STEP):
        if not abs(count - round(count)) < 1e-9:
            raise argparse.ArgumentTypeError(
                f"is {text}; it must divide 180 and be a multiple of {LAND_STEP}, as 0.25 is"
            )
    return degrees


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("build/pingmap"))
    parser.add_argument("--city", default="New York", help="where the pings come from")
    parser.add_argument("-k", type=int, default=50, help="measurements that are averaged")
    parser.add_argument("--trim", type=float, default=0.1, help="share of the longest left out")
    parser.add_argument("--grid", type=cell_size, default=0.25, help="degrees a cell")
    parser.add_argument("--width", type=int, default=1800, help="pixels across a map")
    return parser.parse_args()


def map_city(args: argparse.Namespace, land: Any, pings: Pings, made: str) -> None:
    """The pings from one city: k as asked, and the k that tells whole blocks best."""
    print(f"from {args.city}:")
    measured, home = pings.of(args.city)
    ks = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50]
    what = f"Pings from {args.city}{made}"
    best = validate(args.out / "city-errors.png", measured, ks, 15, "s", what)
    for name, k in (("city", args.k), ("city-best", best)):
        scene = globe.Scene(
            land,
            tell(measured, land, args.grid, k, trim=args.trim),
            PINGS,
            f"How long a packet takes from {args.city} and back{made}: "
            f"mean of the {k} nearest less the top {args.trim:.0%}",
            f"the nearest measurements ({measured.source})",
            home,
            (measured.latitudes, measured.longitudes),
        )
        globe.save(args.out / f"{name}.png", scene, globe.WORLD, args.width)
        globe.save(
            args.out / f"{name}-globes.png", scene, globe.halves(home, (25, 100)), args.width
        )


def map_all(args: argparse.Namespace, land: Any, pings: Pings, made: str) -> None:
    """The pings from everywhere: how far each spot is from the rest of the world."""
    print("from all cities:")
    measured = shuffled(pings.measured)
    scene = globe.Scene(
        land,
        tell(measured, land, args.grid, args.k, trim=args.trim),
        PINGS,
        f"How long a packet takes from {len(set(pings.origins.tolist()))} cities and back{made}: "
        f"mean of the {args.k} nearest less the top {args.trim:.0%}",
        f"the nearest measurements ({measured.source})",
        dots=tuple(np.unique([measured.latitudes, measured.longitudes], axis=1)),
    )
    globe.save(args.out / "all.png", scene, globe.WORLD, args.width)
    globe.save(
        args.out / "all-globes.png", scene, globe.halves((40, -95), (45, 10), (20, 110)), args.width
    )


def map_heights(args: argparse.Namespace, land: Any) -> None:
    """Something else that is known of places, by the same few lines."""
    print("elevations:")
    heights = one_a_place(load_elevations())
    ks = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30]
    what = f"Elevations of {heights.source}"
    best = validate(args.out / "elevation-errors.png", heights, ks, 5, "m", what)
    scene = globe.Scene(
        land,
        tell(heights, land, args.grid, best, weights="distance"),
        HEIGHTS,
        f"How high the land is: told by the {best} nearest of {len(heights.values):,} "
        f"{heights.source}",
        f"the nearest {heights.source}",
    )
    globe.save(args.out / "elevation.png", scene, globe.WORLD, args.width)


def main() -> None:
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    real = data_folder() is not None
    if not real:
        say_what_is_missing()
    land = load_land()
    pings = load_pings()
    made = "" if real else " (made up)"
    map_city(args, land, pings, made)
    map_all(args, land, pings, made)
    map_heights(args, land)
    print(f"pictures in {args.out}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"pingmap: {error}")
