"""Handwritten digits told by their nearest neighbours among 60,000 others, pixel by pixel.

    pip install '.[examples]' && python examples/digits/digits.py

Writes strips.png, errors.png and mistakes.png to build/digits, and prints what is in them. With
KITH_DATA=<folder> the digits are MNIST's (its mnist/*.gz); without, scikit-learn's small ones.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import kith
from kith import learn

RIGHT, WRONG, QUERY = "0.55", "#d1495b", "#1f5fa8"
KS = range(1, 11)


class Digits(NamedTuple):
    """Images (n, side * side) of bytes, and what they are (n,)."""

    name: str
    side: int
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def read_idx(path: Path) -> NDArray[np.uint8]:
    """A file of MNIST's: two zero bytes, the type (8: bytes), the number of axes, their lengths."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: is no idx file of bytes")
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape[0], -1)


def load(folder: str | None) -> Digits:
    """MNIST of the folder of real data, else the digits that come with scikit-learn."""
    if folder:
        files = Path(folder) / "mnist"
        return Digits(
            "MNIST",
            28,
            read_idx(files / "train-images-idx3-ubyte.gz"),
            read_idx(files / "train-labels-idx1-ubyte.gz")[:, 0],
            read_idx(files / "t10k-images-idx3-ubyte.gz"),
            read_idx(files / "t10k-labels-idx1-ubyte.gz")[:, 0],
        )
    from sklearn.datasets import load_digits

    small = load_digits()
    # Digits of one writer follow each other, so the last third is of other hands.
    images, labels = small.data.astype(np.uint8), small.target.astype(np.uint8)
    return Digits(
        "scikit-learn's digits", 8, images[:1200], labels[:1200], images[1200:], labels[1200:]
    )


def draw_digit(
    axes: Any, x: float, y: float, image: NDArray[np.uint8], side: int, frame: str, text: str
) -> None:
    """A digit in the cell of size 1 whose top left corner is at (x, y), and a text below."""
    axes.imshow(
        image.reshape(side, side),
        cmap="gray_r",
        interpolation="nearest",
        extent=(x, x + 1, y + 1, y),
    )
    width = 0.8 if frame == RIGHT else 1.8
    axes.add_patch(plt.Rectangle((x, y), 1, 1, fill=False, edgecolor=frame, linewidth=width))
    colour = "0.35" if frame == RIGHT else frame
    axes.text(x + 0.5, y + 1.07, text, ha="center", va="top", fontsize=9, color=colour)


def draw_strips(path: Path, digits: Digits, queries: list[int], ids: Any, titles: Any) -> None:
    """A strip for each query: itself at the left, its neighbours (nq, k) at the right."""
    columns, first, row_height, cell = ids.shape[1], 1.5, 1.45, 0.68
    width, height = first + 1.12 * columns, row_height * len(queries) + 0.45
    figure = plt.figure(figsize=(cell * (width + 0.3), cell * (height + 0.1)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for row, query in enumerate(queries):
        y, label = row_height * row, digits.test_labels[query]
        draw_digit(axes, 0, y, digits.test_images[query], digits.side, QUERY, titles(query))
        for column, neighbour in enumerate(ids[query]):
            other = digits.labels[neighbour]
            frame = RIGHT if other == label else WRONG
            image = digits.images[neighbour]
            draw_digit(axes, first + 1.12 * column, y, image, digits.side, frame, str(other))
    axes.text(0.5, -0.12, "asked", ha="center", fontsize=10, color=QUERY)
    axes.text(first, -0.12, "nearest first", fontsize=10)
    axes.set(xlim=(-0.2, width + 0.1), ylim=(height - 0.45, -0.55))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_errors(path: Path, digits: Digits, exact: Any, wide: Any) -> None:
    """The share that is told a wrong label, by k."""
    count = len(digits.test_labels)
    figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    # What another such test set would give, two times in three.
    spread = 100 * np.sqrt(exact * (1 - exact) / count)
    axes.fill_between(
        KS,
        100 * exact - spread,
        100 * exact + spread,
        color=QUERY,
        alpha=0.12,
        lw=0,
        label="± one standard error",
    )
    axes.plot(KS, 100 * exact, "o-", color=QUERY, label="exact search")
    axes.plot(KS, 100 * wide, "s--", color="#e08e20", ms=4, label="recall 0.99")
    axes.set(xlabel="k, neighbours that vote", ylabel="told wrong, %", xticks=list(KS))
    axes.set_title(f"{digits.name}: {len(digits.labels):,} digits tell {count:,} others")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def check(digits: Digits, told: learn.Classification) -> None:
    """Compares what was told with scikit-learn's classifier, where ties leave it no choice."""
    from sklearn.neighbors import KNeighborsClassifier

    train, test = digits.images.astype(float), digits.test_images.astype(float)
    for row, k in enumerate(KS):
        other = KNeighborsClassifier(k, algorithm="brute").fit(train, digits.labels)
        theirs = other.predict(test)
        distances, _ = other.kneighbors(test, k + 1)
        differ = (theirs != told.labels[row]) & (distances[:, k - 1] != distances[:, k])
        error = np.mean(theirs != digits.test_labels)
        print(f"  k = {k:2}: {100 * error:.2f} % by scikit-learn, {differ.sum()} told otherwise")
        if differ.any():
            raise SystemExit("the answers differ from those of scikit-learn")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("build/digits"))
    parser.add_argument("--seed", type=int, default=1, help="which digits the strips are of")
    parser.add_argument("--check", action="store_true", help="compare with scikit-learn")
    return parser.parse_args()


def main() -> None:
    args = parse()
    folder = os.environ.get("KITH_DATA")
    if not folder:
        print(
            "KITH_DATA is not set, so there is no MNIST: these are the 1,797 small digits that "
            "come with scikit-learn",
            file=sys.stderr,
        )
    digits = load(folder)
    args.out.mkdir(parents=True, exist_ok=True)
    index = kith.build(digits.images, args.out / "digits.kith", metric="euclidean", index="graph")
    print(f"{digits.name}: {len(index):,} digits of {index.dim} pixels, {index.nbytes:,} bytes")

    errors = {}
    for name, how in (("exact search", {"exact": True}), ("recall 0.99", {"recall": 0.99})):
        start = time.perf_counter()
        told = learn.classify(index, digits.test_images, digits.labels, KS, n_jobs=-1, **how)
        speed = len(digits.test_images) / (time.perf_counter() - start)
        errors[name] = np.mean(told.labels != digits.test_labels, axis=1)
        print(f"{name}: {speed:,.0f} images/s, all k at once")
        print("  wrong, %:", "  ".join(f"{100 * error:.2f}" for error in errors[name]))
        if name == "exact search":
            exact = told
    if args.check:
        check(digits, exact)
    draw_errors(args.out / "errors.png", digits, errors["exact search"], errors["recall 0.99"])

    ids, _ = index.search(digits.test_images, 10, exact=True, n_jobs=-1)
    rng = np.random.default_rng(args.seed)
    chosen = rng.choice(len(digits.test_images), 8, replace=False).tolist()
    draw_strips(
        args.out / "strips.png", digits, chosen, ids, lambda query: f"{digits.test_labels[query]}"
    )
    best = int(np.argmin(errors["exact search"]))
    wrong = np.flatnonzero(exact.labels[best] != digits.test_labels)
    # The surest of them first: all neighbours agree, and none is right.
    wrong = wrong[np.argsort(-exact.shares[best][wrong], kind="stable")][:8].tolist()
    draw_strips(
        args.out / "mistakes.png",
        digits,
        wrong,
        ids[:, : max(5, KS[best])],
        lambda query: f"is {digits.test_labels[query]}, told {exact.labels[best][query]}",
    )
    print(f"best k: {KS[best]}; pictures in {args.out}: strips.png, errors.png, mistakes.png")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"digits: {error}")
