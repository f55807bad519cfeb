"""Photos by what a small network sees in them: which are alike, and of what class one is.

    pip install '.[examples]' && python examples/photos/photos.py

Compares the 128 numbers before the classifier of a network (examples/data/photo-net.onnx, made by
train.py) with pixels, with histograms of colours and, with --public MODEL.onnx, with another
network. Writes strips.jpg and classes.png to build/photos, and prints the figures. With
KITH_DATA=<folder> the photos are those of its folder photos (train and test; the network was
trained with the former only); without, they are made up.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from photo_sets import Photos, colours, load, pixels
from PIL import Image

import kith

RIGHT, WRONG, QUERY = "0.8", "#d1495b", "#1f5fa8"
STYLES = {
    "bottleneck": ("o", "#1f5fa8"),
    "public network": ("s", "#e08e20"),
    "colours": ("^", "#5b9e6f"),
    "pixels": ("x", "0.45"),
}
NEAREST = 10


class Features(NamedTuple):
    """Vectors of the same photos by one way of seeing them."""

    name: str
    metric: str
    train: NDArray[Any]
    test: NDArray[Any]
    milliseconds: float  # a photo


class Score(NamedTuple):
    accuracy: float  # of the nearest training photo's class
    precision: NDArray[np.float64]  # by class: how many of the nearest test photos are of it
    neighbours: NDArray[np.int64]  # of each test photo among the others (n, 10)


def embedded(name: str, model: Path, train: Photos, test: Photos) -> Features:
    vectors = []
    started = time.perf_counter()
    for photos in (train, test):
        made = kith.embed(photos.paths, model, strict=True)
        vectors.append(made.vectors)
    count = len(train.paths) + len(test.paths)
    milliseconds = 1000 * (time.perf_counter() - started) / count
    return Features(name, "angular", vectors[0], vectors[1], milliseconds)


def plain(train: Photos, test: Photos) -> list[Features]:
    started = time.perf_counter()
    train_pixels, test_pixels = pixels(train), pixels(test)
    milliseconds = 1000 * (time.perf_counter() - started) / (len(train_pixels) + len(test_pixels))
    return [
        Features("colours", "manhattan", colours(train_pixels), colours(test_pixels), milliseconds),
        Features("pixels", "euclidean", train_pixels, test_pixels, milliseconds),
    ]


def score(features: Features, train: Photos, test: Photos) -> Score:
    """Exactly searched: the nearest training photo, and the ten nearest among the test photos."""
    index = kith.build(features.train, metric=features.metric, index="exact")
    nearest, _ = index.search(features.test, 1, exact=True, n_jobs=-1)
    accuracy = np.mean(train.labels[nearest[:, 0]] == test.labels)

    index = kith.build(features.test, metric=features.metric, index="exact")
    found, _ = index.search(features.test, NEAREST + 1, exact=True, n_jobs=-1)
    rows = np.arange(len(found))[:, None]
    # Without the photo itself; of one that has copies, which may come first, without the last.
    found[(found != rows).all(1), -1] = np.flatnonzero((found != rows).all(1))
    neighbours = found[found != rows].reshape(len(found), NEAREST)
    same = test.labels[neighbours] == test.labels[:, None]
    precision = np.zeros(test.labels.max() + 1)
    for label in range(len(precision)):
        members = test.labels == label
        others = min(NEAREST, members.sum() - 1)  # there are no more to be found
        precision[label] = same[members, :others].mean() if others > 0 else np.nan
    return Score(float(accuracy), precision, neighbours)


def draw_photo(axes: Any, x: float, y: float, path: str, frame: str, width: float) -> None:
    """A photo in the cell of size 1 whose top left corner is at (x, y)."""
    axes.imshow(Image.open(path).convert("RGB"), extent=(x, x + 1, y + 1, y))
    axes.add_patch(plt.Rectangle((x, y), 1, 1, fill=False, edgecolor=frame, linewidth=width))


def draw_strips(
    path: Path, test: Photos, classes: list[str], chosen: list[int], scores: dict[str, Score]
) -> None:
    """For each photo chosen, a strip of its nearest by each way of seeing."""
    columns, first, gap = 8, 1.3, 0.35
    block = len(scores) * 1.06 + gap
    width, height = first + 1.06 * columns + 1.25, block * len(chosen) + 0.3
    figure = plt.figure(figsize=(0.72 * width, 0.72 * height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for number, query in enumerate(chosen):
        top = 0.3 + block * number
        draw_photo(axes, 0, top, test.paths[query], QUERY, 2)
        label = classes[test.labels[query]].replace("-", " ")
        axes.text(0, top - 0.05, label, fontsize=8, va="bottom", color=QUERY)
        for row, (name, found) in enumerate(scores.items()):
            y = top + 1.06 * row
            for column, other in enumerate(found.neighbours[query][:columns]):
                right = test.labels[other] == test.labels[query]
                x = first + 1.06 * column
                draw_photo(
                    axes, x, y, test.paths[other], RIGHT if right else WRONG, 1 + (not right)
                )
            axes.text(
                first + 1.06 * columns + 0.08, y + 0.5, name, fontsize=8, va="center", color="0.3"
            )
    axes.set(xlim=(-0.1, width), ylim=(height, -0.1))
    figure.savefig(path, dpi=80, pil_kwargs={"quality": 80})
    plt.close(figure)


def draw_classes(path: Path, classes: list[str], scores: dict[str, Score]) -> None:
    """The precision of each class by each way of seeing, the best class of the first at the top."""
    first = next(iter(scores.values())).precision
    order = np.argsort(np.nan_to_num(first))
    figure, axes = plt.subplots(figsize=(7, 1.2 + 0.125 * len(classes)), layout="constrained")
    for name, found in scores.items():
        marker, colour = STYLES[name]
        mean = np.nanmean(found.precision)
        axes.plot(
            100 * found.precision[order],
            range(len(order)),
            marker,
            ms=4,
            color=colour,
            label=f"{name}, {100 * mean:.0f} % on average",
        )
    names = [classes[number].replace("-", " ") for number in order]
    axes.set_yticks(range(len(order)), names, fontsize=6)
    axes.set(xlabel=f"of the {NEAREST} nearest test photos, of the same class, %", xlim=(-2, 102))
    axes.set_ylim(-1, len(order))
    axes.grid(axis="x", alpha=0.25)
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=8)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    model = Path(__file__).parents[1] / "data" / "photo-net.onnx"
    parser.add_argument("-o", "--out", type=Path, default=Path("build/photos"))
    parser.add_argument("--model", type=Path, default=model, help="the network")
    parser.add_argument("--public", type=Path, help="another one (convert_efficientnet.py)")
    parser.add_argument("--seed", type=int, default=4, help="which photos the strips are of")
    return parser.parse_args()


def main() -> None:
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    name, classes, train, test = load(args.out)
    print(f"{name}: {len(train.paths):,} of {len(classes)} classes, to test {len(test.paths):,}")
    ways = [embedded("bottleneck", args.model, train, test)]
    if args.public:
        ways.append(embedded("public network", args.public, train, test))
    ways += plain(train, test)
    scores = {}
    print("                  dim  1-NN accuracy  precision@10  ms a photo")
    for way in ways:
        scores[way.name] = found = score(way, train, test)
        print(
            f"  {way.name:14} {way.test.shape[1]:6,} {100 * found.accuracy:12.1f} % "
            f"{100 * np.nanmean(found.precision):11.1f} % {way.milliseconds:11.2f}"
        )
    rng = np.random.default_rng(args.seed)
    chosen = [
        int(rng.choice(np.flatnonzero(test.labels == label)))
        for label in rng.choice(len(classes), 5, replace=False)
    ]
    shown = {name: scores[name] for name in ("bottleneck", "pixels")}
    draw_strips(args.out / "strips.jpg", test, classes, chosen, shown)
    draw_classes(args.out / "classes.png", classes, scores)
    print(f"pictures in {args.out}: strips.jpg, classes.png")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"photos: {error}")
