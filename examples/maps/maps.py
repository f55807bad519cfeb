"""Maps of many vectors, on which near ones lie near each other: digits, words, artists, photos.

    pip install '.[examples]' && python examples/maps/maps.py

Writes digits.png, sprites.png (the digits themselves) and words.png to build/maps. With
KITH_DATA=<folder> the digits are MNIST's (its mnist/t10k*); without, scikit-learn's small ones.
--artists FILE (.kith or .npy of factors) with --names FILE and --weights FILE, one a line, adds
artists.png. The same pictures of any file come from ``kith map FILE --plot map.png``.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

import kith
from kith import learn

WORDS = Path(__file__).parents[1] / "data" / "words-en.kith"
SIDE = 9.0  # inches
TEXT = 8.0  # points


def read_digits(folder: str | None) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (n, side * side) and what they are: 10,000 of MNIST's, else scikit-learn's."""
    if folder:
        files = Path(folder) / "mnist"
        images = gzip.decompress((files / "t10k-images-idx3-ubyte.gz").read_bytes())
        labels = gzip.decompress((files / "t10k-labels-idx1-ubyte.gz").read_bytes())
        return (
            np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784),
            np.frombuffer(labels, np.uint8, offset=8),
        )
    from sklearn.datasets import load_digits

    small = load_digits()
    return (16 * small.data).clip(max=255).astype(np.uint8), small.target.astype(np.uint8)


def mapped(index: kith.Index, what: str) -> tuple[NDArray[np.float32], str]:
    """The map of an index, and what it keeps of the neighbours in words."""
    start = time.perf_counter()
    points = index.map()
    seconds = time.perf_counter() - start
    quality = learn.map_quality(index, points)
    kept = (
        f"trustworthiness {quality.trustworthiness:.3f}, "
        f"{100 * quality.preservation:.0f} % of the {quality.k} nearest kept"
    )
    print(f"{what}: {len(index):,} points in {seconds:.1f} s, {kept}")
    return points, kept


def canvas(points: NDArray[np.float32], title: str, below: str) -> tuple[plt.Figure, plt.Axes]:
    """An empty picture as wide and high as the map needs, without axes, which mean nothing."""
    # A few points that lie far away would leave little room for the others.
    low, high = np.quantile(points, (0.001, 0.999), axis=0)
    width, height = 1.06 * (high - low)
    middle = (low + high) / 2
    figure = plt.figure(figsize=(SIDE, SIDE * min(1.0, height / width) + 0.6), dpi=100)
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.92))
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_xlim(middle[0] - width / 2, middle[0] + width / 2)
    axes.set_ylim(middle[1] - height / 2, middle[1] + height / 2)
    figure.text(0.02, 0.965, title, fontsize=13)
    figure.text(0.98, 0.965, below, fontsize=9, color="0.4", ha="right")
    return figure, axes


def save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path)
    plt.close(figure)
    print(f"  drawn in {path}")


def draw_labels(
    points: NDArray[np.float32], labels: NDArray[np.uint8], texts: tuple[str, str], path: Path
) -> None:
    figure, axes = canvas(points, *texts)
    axes.scatter(points[:, 0], points[:, 1], c=labels, cmap="tab10", s=4, linewidths=0)
    for label in np.unique(labels):
        middle = np.median(points[labels == label], axis=0)
        box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.75}
        axes.text(*middle, str(label), fontsize=15, ha="center", va="center", bbox=box)
    save(figure, path)


def draw_sprites(
    points: NDArray[np.float32], images: NDArray[np.uint8], texts: tuple[str, str], path: Path
) -> None:
    """The images themselves, each where none has been drawn yet."""
    figure, axes = canvas(points, *texts)
    side = int(images.shape[1] ** 0.5)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    size = (right - left) / 58
    taken: set[tuple[int, int]] = set()
    for point, image in zip(points, images, strict=True):
        cell = (int(point[0] // size), int(point[1] // size))
        if cell in taken:
            continue
        taken.add(cell)
        x, y = cell[0] * size, cell[1] * size
        axes.imshow(
            255 - image.reshape(side, side),
            cmap="gray",
            extent=(x, x + size, y, y + size),
            zorder=2,
        )
    axes.set_xlim(left - size, right + size)
    axes.set_ylim(bottom - size, top + size)
    save(figure, path)


def mark_box(x: float, y: float) -> Bbox:
    return Bbox([[x - 2, y - 2], [x + 2, y + 2]])


def draw_names(
    points: NDArray[np.float32],
    names: list[str],
    order: NDArray[np.intp],
    texts: tuple[str, str],
    path: Path,
    most: int = 120,
) -> None:
    """All points, and the names of the first in `order` of which none covers another."""
    figure, axes = canvas(points, *texts)
    axes.scatter(points[:, 0], points[:, 1], s=2, c="#8a93a0", linewidths=0, alpha=0.7)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes: list[Bbox] = []
    dots: list[Bbox] = []
    for row in order[: 12 * most]:
        if len(boxes) == most:
            break
        for offset, align in (((4, 0), "left"), ((-4, 0), "right")):
            text = axes.annotate(
                names[row], points[row], offset, textcoords="offset points", fontsize=TEXT,
                ha=align, va="center_baseline", annotation_clip=False,
            )  # fmt: skip
            box = text.get_window_extent(renderer).padded(2)
            dot = mark_box(*axes.transData.transform(points[row]))
            inside = axes.bbox.containsx(box.x0) and axes.bbox.containsx(box.x1)
            inside = inside and axes.bbox.containsy(box.y0) and axes.bbox.containsy(box.y1)
            covers = any(box.overlaps(other) for other in (*boxes, *dots))
            if inside and not covers and not any(dot.overlaps(other) for other in boxes):
                boxes.append(box)
                dots.append(dot)
                axes.plot(*points[row], ".", color="0.1", markersize=3)
                break
            text.remove()
    save(figure, path)


def lines_of(path: str | None) -> list[str] | None:
    return None if path is None else Path(path).read_text(encoding="utf-8").splitlines()


def artists(options: argparse.Namespace, out: Path) -> None:
    """What factors of listening say of artists; the most played are named."""
    if options.artists.endswith(".npy"):
        index = kith.build(np.load(options.artists), metric="angular", calibrate=False)
        names = lines_of(options.names)
    else:
        index = kith.open(options.artists)
        names = lines_of(options.names) or list(index.keys_of(index.ids))
    if names is None or len(names) != len(index):
        sys.exit("--names has to have a name for each artist, one a line")
    weights = lines_of(options.weights)
    order = np.arange(len(names))
    if weights is not None:
        order = np.argsort(-np.array(weights, float), kind="stable")
    points, kept = mapped(index, "artists")
    draw_names(
        points, names, order, ("Artists, near who is heard alike", kept), out / "artists.png"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Maps of digits, words and artists.")
    parser.add_argument("--out", type=Path, default=Path("build/maps"))
    parser.add_argument("--artists", help="factors of artists, .kith or .npy")
    parser.add_argument("--names", help="their names, one a line; else the keys of the file")
    parser.add_argument("--weights", help="how often they were played, one a line")
    parser.add_argument("--words", help="a .kith file of words, in the order of their frequency")
    options = parser.parse_args()
    folder = os.environ.get("KITH_DATA")
    if not folder:
        print(
            "KITH_DATA is not set: small digits, and the words that come with kith", file=sys.stderr
        )
    options.out.mkdir(parents=True, exist_ok=True)

    images, labels = read_digits(folder)
    points, kept = mapped(kith.build(images, metric="euclidean", calibrate=False), "digits")
    what = f"{len(images):,} handwritten digits"
    draw_labels(points, labels, (what, kept), options.out / "digits.png")
    draw_sprites(points, images, (what, kept), options.out / "sprites.png")

    words = kith.open(options.words or WORDS)
    points, kept = mapped(words, "words")
    keys = list(words.keys_of(words.ids))
    texts = (f"{len(words):,} words, the most frequent named", kept)
    draw_names(points, keys, np.arange(len(keys)), texts, options.out / "words.png")

    if options.artists:
        artists(options, options.out)


if __name__ == "__main__":
    main()
