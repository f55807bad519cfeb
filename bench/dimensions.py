#!/usr/bin/env python3
"""Draws what many dimensions do to neighbours (docs/dimensions.md).

    KITH_DATA=... bench/dimensions.py FOLDER [--quick]

Writes contrast.png, spectrum.png and effort.png to FOLDER, and what they show to standard output.
Sets are normal numbers, and of KITH_DATA word vectors, photo descriptors and MNIST.
"""

from __future__ import annotations

import argparse
import gzip
import os
import pathlib
import sys

import matplotlib
import numpy as np

import kith

matplotlib.use("Agg")
import matplotlib.pyplot as plt

sys.path.insert(0, str(pathlib.Path(__file__).parent / "comparison"))
import figures

COLOURS = {"words": "#0072B2", "descriptors": "#D55E00", "MNIST": "#009E73", "Gaussian": "#666666"}
QUERIES = 200


def words() -> np.ndarray:
    """Word vectors of length 1, whose Euclidean order is that of angles."""
    path = pathlib.Path(os.environ["KITH_DATA"]) / "words" / "words-en-100d.bin"
    with path.open("rb") as file:
        count, dim = map(int, file.readline().split())
        rows = np.empty((count, dim), np.float32)
        for row in rows:
            while file.read(1) != b" ":
                pass
            row[:] = np.frombuffer(file.read(4 * dim), np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def descriptors() -> np.ndarray:
    path = pathlib.Path(os.environ["KITH_DATA"]) / "descriptors" / "base.u8bin"
    n, dim = np.fromfile(path, np.uint32, 2)
    return np.memmap(path, np.uint8, "r", offset=8, shape=(int(n), int(dim))).astype(np.float32)


def mnist() -> np.ndarray:
    path = pathlib.Path(os.environ["KITH_DATA"]) / "mnist" / "train-images-idx3-ubyte.gz"
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784).astype(np.float32)


def split(x: np.ndarray, rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`rows` vectors at random, and QUERIES others."""
    order = np.random.default_rng(seed).permutation(len(x))[: rows + QUERIES]
    return x[order[QUERIES:]], x[order[:QUERIES]]


def contrast(base: np.ndarray, queries: np.ndarray) -> float:
    """The mean distance over the distance of the nearest (He, Kumar and Chang, ICML 2012)."""
    index = kith.build(base, metric="euclidean", index="exact")
    _, nearest = index.search(queries, k=1, exact=True, n_jobs=-1)
    squares = (base**2).sum(1)[:, None] + (queries**2).sum(1) - 2 * (base @ queries.T)
    return float(np.sqrt(np.maximum(squares, 0)).mean() / nearest.mean())


def shuffled(x: np.ndarray, seed: int = 1) -> np.ndarray:
    """Each coordinate dealt to other vectors: the same numbers, without what ties them together."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(column) for column in x.T], axis=1)


def gaussian(rows: int, dim: int, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, dim), np.float32)


def finish(figure: plt.Figure, path: pathlib.Path) -> None:
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    print(f"{path.name}: {path.stat().st_size:,} bytes")


def draw_contrast(sets: dict[str, np.ndarray], rows: int, folder: pathlib.Path) -> None:
    figure, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
    dims = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 100, 128, 256, 512, 784]
    curve = [contrast(*split(gaussian(rows + QUERIES, dim), rows)) for dim in dims]
    axes.plot(dims, curve, "o-", color=COLOURS["Gaussian"], ms=4, label="Gaussian")
    print("contrast, Gaussian:", {d: round(c, 2) for d, c in zip(dims, curve, strict=True)})
    for name, x in sets.items():
        own = contrast(*split(x, rows))
        loose = contrast(*split(shuffled(x), rows))
        dim = x.shape[1]
        axes.annotate(
            "", (dim, loose), (dim, own), arrowprops={"arrowstyle": "->", "color": COLOURS[name]}
        )
        axes.plot(dim, own, "D", color=COLOURS[name], ms=7, label=f"{name}, {dim} dimensions")
        axes.plot(dim, loose, "D", color=COLOURS[name], ms=6, mfc="white")
        like = np.interp(-own, [-c for c in curve], dims)
        print(f"contrast, {name}: {own:.2f}, shuffled {loose:.2f}, as a Gaussian of {like:.0f}")
    axes.set(
        xscale="log", yscale="log", xlabel="dimensions", ylabel="mean distance / nearest distance"
    )
    axes.set_xticks([2, 4, 8, 16, 32, 64, 128, 256, 512], [2, 4, 8, 16, 32, 64, 128, 256, 512])
    axes.set_yticks([1, 2, 5, 10, 20, 50, 100], [1, 2, 5, 10, 20, 50, 100])
    axes.minorticks_off()
    axes.set_title(f"The nearest of {rows:,} is hardly nearer than any")
    axes.legend(title="open: its coordinates shuffled", frameon=False)
    finish(figure, folder / "contrast.png")


def draw_spectrum(sets: dict[str, np.ndarray], folder: pathlib.Path) -> None:
    figure, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
    for name, x in sets.items():
        ratio = np.cumsum(kith.Reducer().fit(x).explained_variance_ratio_)
        axes.plot(np.arange(1, len(ratio) + 1), ratio, color=COLOURS[name], lw=2, label=name)
        least = {share: int(np.searchsorted(ratio, share)) + 1 for share in (0.5, 0.9, 0.95)}
        print(f"spectrum, {name}: dimensions for a share of the variance {least}")
    flat = np.cumsum(kith.Reducer().fit(gaussian(100_000, 100)).explained_variance_ratio_)
    axes.plot(np.arange(1, 101), flat, "--", color=COLOURS["Gaussian"], label="Gaussian, 100")
    axes.set(
        xscale="log", xlabel="principal components", ylabel="share of the variance", ylim=(0, 1.02)
    )
    axes.set_xticks([1, 2, 5, 10, 20, 50, 100, 200, 500], [1, 2, 5, 10, 20, 50, 100, 200, 500])
    axes.minorticks_off()
    axes.set_title("How much of the variance few directions hold")
    axes.legend(frameon=False)
    finish(figure, folder / "spectrum.png")


def compared(x: np.ndarray, rows: int, kind: str) -> float:
    """The share of the vectors that a search visits, for recall@10 of 0.9."""
    base, queries = split(x, rows)
    index = kith.build(base, metric="euclidean", index=kind)
    points = index.evaluate(queries, k=10, index=kind)
    recalls = [p["recall"] for p in points]
    # A forest's effort is the number of vectors it compares, in full or by their codes; a graph
    # computes the distance of each vector it visits.
    visits = [p["effort" if kind == "forest" else "distances"] for p in points]
    if recalls[-1] < 0.9:
        return float("nan")
    return float(np.interp(0.9, np.maximum.accumulate(recalls), visits)) / rows


def draw_effort(sets: dict[str, np.ndarray], rows: int, folder: pathlib.Path) -> None:
    figure, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
    dims = [2, 4, 8, 16, 24, 32, 48, 64, 100]
    for kind, mark, line in (("forest", "^", "--"), ("graph", "o", "-")):
        curve = [compared(gaussian(rows + QUERIES, dim), rows, kind) for dim in dims]
        axes.plot(
            dims,
            curve,
            line,
            marker=mark,
            ms=5,
            color=COLOURS["Gaussian"],
            label=f"Gaussian, {kind}",
        )
        print(
            f"effort, Gaussian, {kind}:", {d: round(c, 4) for d, c in zip(dims, curve, strict=True)}
        )
        for name, x in sets.items():
            share = compared(x, rows, kind)
            axes.plot(x.shape[1], share, mark, color=COLOURS[name], ms=9, label=f"{name}, {kind}")
            print(f"effort, {name}, {kind}: {share:.4f}")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="dimensions",
        ylabel=f"share of {rows:,} vectors visited",
    )
    axes.set_xticks([2, 4, 8, 16, 32, 64, 128, 256, 512], [2, 4, 8, 16, 32, 64, 128, 256, 512])
    ticks = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    axes.set_yticks(ticks, [f"{100 * t:g} %" for t in ticks])
    axes.minorticks_off()
    axes.set_title("What a search for recall@10 = 0.9 has to visit")
    axes.legend(frameon=False, fontsize=8)
    finish(figure, folder / "effort.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="5,000 vectors instead of 50,000")
    args = parser.parse_args()
    rows = 5_000 if args.quick else 50_000
    figures.use_style()
    sets = {"words": words(), "descriptors": descriptors(), "MNIST": mnist()}
    draw_contrast(sets, rows, args.folder)
    draw_spectrum(sets, args.folder)
    draw_effort(sets, min(rows, 20_000), args.folder)


if __name__ == "__main__":
    main()
