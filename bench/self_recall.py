#!/usr/bin/env python3
"""Whether stored vectors find themselves, on data that breaks graphs, beside hnswlib.

    bench/run self [--rows 5000] [--dims 64 384 1536] [--seed 2] [WORD...]

Every stored vector is searched for with k = 1 at the default effort (a beam of 64; hnswlib with
M = 16, ef_construction = 200 and ef = 64). Rows that were added in the middle of the others count
as stored, not as asked for. A vector is found if what is found is a copy, or no farther from it
than what exact search finds: among equals none is wrong. "says" is what the file tells of itself.
Of sets whose distances are of many scales, a packed graph is built, too, though `auto` may not take
it: its codes cannot tell all of them apart, and the file must say so. Counts are exact, not timed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import hnswlib
import numpy as np

import kith

SPACES = {"euclidean": "l2", "angular": "cosine", "dot": "ip"}
Set = tuple[str, str, np.ndarray, int]  # name, metric, rows, how many of them are asked for
SCALES = "of many scales"


def with_middle(rng: np.random.Generator, rows: int, dim: int) -> Iterator[Set]:
    """Gaussians, and ever more vectors in the middle of them."""
    cloud = rng.standard_normal((rows, dim))
    for middle in (0, 1, 3, 10, 100, 1000):
        near = 1e-3 * rng.standard_normal((middle, dim))
        name = f"Gaussians, {dim} d, {middle} in the middle"
        yield name, "euclidean", np.vstack([cloud, near]), rows
    offset = cloud + 3
    name = f"Gaussians off the origin, {dim} d, and their mean"
    yield name, "angular", np.vstack([offset, offset.mean(0)]), rows
    yield f"Gaussians, {dim} d, and 0", "angular", np.vstack([cloud, np.zeros((1, dim))]), rows
    lengths = np.exp(0.5 * rng.standard_normal((rows, 1)))
    yield f"Gaussians of uneven lengths, {dim} d", "euclidean", cloud * lengths, rows


def others(rng: np.random.Generator, rows: int) -> Iterator[Set]:
    """Clusters, near copies, outliers, a ring, a lattice, few values."""
    centres = np.repeat(rng.standard_normal((rows // 50, 256)), 50, axis=0)
    asked = len(centres)
    for spread in (0.001, 0.1, 0.3):
        cloud = centres + spread * rng.standard_normal(centres.shape)
        name = f"clusters of 50, 256 d, spread {spread}, 100 in the middle"
        middle = 1e-4 * rng.standard_normal((100, 256))
        yield name, "euclidean", np.vstack([cloud, middle]), asked
    twins = np.repeat(rng.standard_normal((rows // 2, 256)), 2, axis=0)
    twins = np.vstack([twins + 1e-3 * rng.standard_normal(twins.shape), np.zeros((1, 256))])
    yield "pairs, 256 d, and 0", "euclidean", twins, len(twins) - 1
    for factor in (1e3, 1e6):
        cloud = rng.standard_normal((rows, 256))
        cloud[:: rows // 50] *= factor
        yield f"50 outliers {factor:.0e} times as far, 256 d", "euclidean", cloud, rows
    angles = np.linspace(0, 2 * np.pi, rows, endpoint=False)
    yield "a ring", "euclidean", np.c_[np.cos(angles), np.sin(angles)], rows
    side = np.arange(8)
    lattice = np.stack(np.meshgrid(side, side, side, side), -1).reshape(-1, 4)
    yield "a lattice, 4 d", "euclidean", lattice, len(lattice)
    bits = (rng.random((rows, 256)) < 0.1).astype(float)
    yield "sparse bits, 256 d, and 0", "euclidean", np.vstack([bits, np.zeros((1, 256))]), rows
    yield "one-hot, 2,000 d", "euclidean", np.eye(2000), 2000


def of_scales(rng: np.random.Generator, rows: int) -> Iterator[Set]:
    """Distances of many orders of magnitude."""
    for count, dim in ((60_000, 32), (rows, 256), (rows, 2)):
        ladder = rng.standard_normal((count, dim))
        ladder[:, 0] = np.exp(np.linspace(0, 25, count))
        yield f"{SCALES}: a coordinate from 1 to e^25, {dim} d", "euclidean", ladder, count
    for dim in (32, 256):
        radius = np.exp(6 * rng.standard_normal((rows, 1)))
        burst = radius * rng.standard_normal((rows, dim))
        yield f"{SCALES}: radii of e^6N, {dim} d", "euclidean", burst, rows
    heavy = rng.pareto(0.3, (rows, 32)).clip(0, 1e15)
    yield f"{SCALES}: Pareto, 32 d", "euclidean", heavy, rows
    for dim in (64, 256):
        cloud = rng.standard_normal((rows, dim))
        cloud[:: rows // 50] *= 1e6
        yield f"{SCALES}: 50 outliers, {dim} d", "euclidean", cloud, rows
    cloud = rng.standard_normal((rows, 128))
    part = rows // 30
    cloud[:part] = np.repeat(cloud[: part // 50 + 1], 50, axis=0)[:part]
    cloud[:part] += 1e-4 * rng.standard_normal((part, 128))
    yield f"{SCALES}: one in 30 in tight clusters, 128 d", "euclidean", cloud, rows


def mixtures(rng: np.random.Generator, rows: int) -> Iterator[Set]:
    """Clouds that lie apart, each with vectors in its middle, and sparse bits as products."""
    for dim in (64, 384):
        parts = []
        for _ in range(3):
            centre = 20 * rng.standard_normal((1, dim))
            parts.append(centre + rng.standard_normal((rows // 3, dim)))
            parts.append(centre + 1e-3 * rng.standard_normal((30, dim)))
        both = np.vstack(parts)
        for metric in ("euclidean", "angular"):
            yield f"3 clouds, 30 in the middle of each, {dim} d", metric, both, len(both)
    bits = (rng.random((rows, 256)) < 0.02).astype(float)
    yield "sparser bits, 256 d", "dot", bits, rows
    near = np.repeat(rng.standard_normal((rows // 50, 64)), 50, axis=0)
    near = near + 1e-2 * rng.standard_normal(near.shape)
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    yield "clusters of 50, 64 d, spread 0.01", "dot", near, len(near)


def distances(metric: str, rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Of each query to the row beside it."""
    rows, queries = rows.astype(np.float64), queries.astype(np.float64)
    if metric == "euclidean":
        return np.linalg.norm(rows - queries, axis=1)
    products = np.einsum("ij,ij->i", rows, queries)
    if metric == "dot":
        return -products
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(queries, axis=1)
    return 1 - products / np.where(lengths > 0, lengths, np.inf)


def missed(found: np.ndarray, true: np.ndarray, rows: np.ndarray, metric: str) -> float:
    """The share of queries, the first rows, whose answer is farther than the true one."""
    queries = rows[: len(found)]
    least = distances(metric, rows[true[:, 0]], queries)
    # What floats of 24 bits make of a product or a cosine.
    blur = 0 if metric == "euclidean" else 1e-6 * np.maximum(1, np.abs(least))
    farther = distances(metric, rows[found[:, 0]], queries) > least + blur
    return float(farther.mean())


def report(name: str, metric: str, rows: np.ndarray, asked: int, layouts: list[str]) -> None:
    queries = rows[:asked]
    theirs = "–"
    for layout in layouts:
        index = kith.build(rows, metric=metric, index="graph", layout=layout, calibrate=False)
        true = index.search(queries, k=1, exact=True, n_jobs=-1)[0]
        own = missed(index.search(queries, k=1, index="graph")[0], true, rows, metric)
        says = 1 - index.info["graph_self_recall"]
        built = index.info["graph_layout"] + (", asked for" if layout != "auto" else "")
        if layout == "auto" and len(rows) <= 10_000:
            rival = hnswlib.Index(SPACES[metric], rows.shape[1])
            rival.init_index(len(rows), M=16, ef_construction=200)
            rival.add_items(rows, num_threads=1)
            rival.set_ef(64)
            answers = rival.knn_query(queries, k=1, num_threads=1)[0].astype(int)
            theirs = f"{missed(answers, true, rows, metric):.2%}"
        print(f"| {name} | {metric} | {built} | {own:.2%} | {says:.2%} | {theirs} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--dims", type=int, nargs="+", default=[64, 384, 1536])
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("words", nargs="*", help="sets whose names and metrics have all of them")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    sets = [s for dim in options.dims for s in with_middle(rng, options.rows, dim)]
    sets += others(rng, options.rows)
    sets += of_scales(rng, options.rows)
    sets += mixtures(rng, options.rows)
    print("| vectors | metric | layout | kith misses | says | hnswlib misses |")
    print("|---|---|---|---|---|---|")
    for name, metric, values, asked in sets:
        if not all(word in f"{name} {metric}" for word in options.words):
            continue
        layouts = ["auto", "packed"] if name.startswith(SCALES) else ["auto"]
        report(name, metric, values.astype(np.float32), asked, layouts)


if __name__ == "__main__":
    main()
