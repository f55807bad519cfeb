"""Pictures of the globe: a grid of values on land, in any of cartopy's projections."""

from __future__ import annotations

from typing import Any, NamedTuple

import cartopy.crs as ccrs
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import Normalize, to_rgb
from numpy.typing import NDArray
from places import LAND_STEP

SEA, FADED, COAST = "#f4f7f9", "#d9d9d6", "#4a4a4a"


class Grid(NamedTuple):
    """Values of cells, and how far each is from what they are told by; from the north-west."""

    degrees: float
    values: NDArray[np.float64]  # (180 / degrees, 360 / degrees), NaN at sea
    km: NDArray[np.float64]  # likewise


class Style(NamedTuple):
    """How values become colours."""

    norm: Normalize
    cmap: str
    label: str
    clear_km: float  # up to here colours are full,
    faded_km: float  # and from here on they are gone


class Scene(NamedTuple):
    """What there is to be drawn."""

    land: NDArray[np.bool_]
    grid: Grid
    style: Style
    title: str
    source: str  # what the values are told by, in the plural
    star: tuple[float, float] | None = None  # where the pings come from
    dots: tuple[Any, Any] | None = None  # where they were answered


def land_cells(land: NDArray[np.bool_], degrees: float) -> NDArray[np.bool_]:
    """The cells of a grid in which there is any land, but for the Antarctic."""
    size = round(degrees / LAND_STEP)
    rows, columns = land.shape[0] // size, land.shape[1] // size
    cells = land.reshape(rows, size, columns, size).any(axis=(1, 3))
    cells[round(150 / degrees) :] = False
    return cells


def _at(array: NDArray[Any], latitudes: Any, longitudes: Any) -> NDArray[Any]:
    """The cells of an array over the globe in which places lie."""
    rows, columns = array.shape
    i = np.clip((90 - latitudes) / 180 * rows, 0, rows - 1).astype(int)
    j = ((longitudes + 180) / 360 * columns).astype(int) % columns
    return array[i, j]


def draw(axes: Any, scene: Scene, width: int) -> None:
    """Fills a map, `width` pixels wide: each pixel has the colour of the cell where it lies.

    Colours fade into grey where the nearest datum is far: what is drawn there is a guess.
    """
    crs, grid, style = axes.projection, scene.grid, scene.style
    axes.set_global()
    (left, right), (bottom, top) = crs.x_limits, crs.y_limits
    height = round(width * (top - bottom) / (right - left))
    x = left + (np.arange(width) + 0.5) * (right - left) / width
    y = top - (np.arange(height) + 0.5) * (top - bottom) / height
    places = ccrs.PlateCarree().transform_points(crs, *np.meshgrid(x, y))
    longitudes, latitudes = places[..., 0], places[..., 1]
    there = np.isfinite(longitudes) & np.isfinite(latitudes)
    latitudes, longitudes = latitudes[there], longitudes[there]

    values = _at(grid.values, latitudes, longitudes)
    colours = plt.get_cmap(style.cmap)(style.norm(np.nan_to_num(values)))[:, :3]
    far = (_at(grid.km, latitudes, longitudes) - style.clear_km) / (style.faded_km - style.clear_km)
    faded = np.where(np.isfinite(values), np.clip(far, 0, 1), 1)[:, None]
    on_land = _at(scene.land, latitudes, longitudes)
    colours = (1 - faded) * colours + faded * np.array(to_rgb(FADED))
    colours[~on_land] = to_rgb(SEA)
    image = np.ones((height, width, 3))
    image[there] = colours
    axes.imshow(
        image,
        extent=(left, right, bottom, top),
        origin="upper",
        transform=crs,
        interpolation="antialiased",
        zorder=1,
    )
    coast = np.full((height, width), np.nan)
    coast[there] = on_land
    axes.contour(x, y, np.ma.masked_invalid(coast), [0.5], colors=COAST, linewidths=0.35, zorder=2)
    axes.spines["geo"].set(color="0.6", linewidth=0.6)
    _mark(axes, scene)


def _mark(axes: Any, scene: Scene) -> None:
    plate = ccrs.PlateCarree()
    if scene.dots is not None:
        latitudes, longitudes = scene.dots
        axes.scatter(
            longitudes,
            latitudes,
            s=3,
            color="white",
            edgecolor="black",
            linewidth=0.3,
            transform=plate,
            zorder=3,
        )
    if scene.star is not None:
        axes.scatter(
            scene.star[1],
            scene.star[0],
            s=170,
            marker="*",
            color="#ff8c1a",
            edgecolor="black",
            linewidth=0.8,
            transform=plate,
            zorder=4,
        )


def bar(figure: Any, axes: Any, scene: Scene) -> None:
    """The colour bar, with units, and below it what fading means."""
    style = scene.style
    scale = plt.cm.ScalarMappable(style.norm, style.cmap)
    colours = figure.colorbar(
        scale, ax=axes, orientation="horizontal", shrink=0.5, aspect=40, pad=0.03, extend="max"
    )
    faded = f"faded: {scene.source} are {style.clear_km:,} km away; grey: {style.faded_km:,} km"
    colours.set_label(f"{style.label}\n{faded}", fontsize=9)
    colours.ax.tick_params(labelsize=9)
    colours.outline.set(linewidth=0.5)


def save(path: Any, scene: Scene, projections: list[ccrs.Projection], width: int) -> None:
    """A picture of the scene: all of the globe, or globes as from far away, side by side.

    Values are drawn `width` pixels wide, of several globes each half as wide.
    """
    several = len(projections) > 1
    size = (5 * len(projections), 6) if several else (11, 6.6)
    figure = plt.figure(figsize=size, layout="constrained")
    all_axes = [
        figure.add_subplot(1, len(projections), number, projection=crs)
        for number, crs in enumerate(projections, 1)
    ]
    for axes in all_axes:
        draw(axes, scene, width // 2 if several else width)
    figure.suptitle(scene.title, fontsize=13)
    bar(figure, all_axes, scene)
    figure.savefig(path, dpi=110)
    plt.close(figure)


WORLD = [ccrs.Robinson()]


def halves(*centres: tuple[float, float]) -> list[ccrs.Projection]:
    """Half a globe around each latitude and longitude."""
    return [ccrs.Orthographic(longitude, latitude) for latitude, longitude in centres]
