#!/usr/bin/env python3
"""Whether stored vectors find themselves, on data that breaks graphs, beside hnswlib.

    bench/run self [--rows 5000] [--dims 64 384 1536] [--seed 2]

Every stored vector is searched for with k = 1 at the default effort (a beam of 64; hnswlib with
M = 16, ef_construction = 200 and ef = 64). Rows that were added in the middle of the others count
as stored, not as asked for. Copies are found if any of them is. Counts are exact, not timed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import hnswlib
import numpy as np

import kith

SPACES = {"euclidean": "l2", "angular": "cosine"}
Set = tuple[str, str, np.ndarray, int]  # name, metric, rows, how many of them are asked for


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


def missed(found: np.ndarray, rows: np.ndarray) -> float:
    """The share of queries, the first rows, whose answer is not the query's vector."""
    return float((rows[found[:, 0]] != rows[: len(found)]).any(axis=1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--dims", type=int, nargs="+", default=[64, 384, 1536])
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    sets = [s for dim in options.dims for s in with_middle(rng, options.rows, dim)]
    print("| vectors | metric | layout | kith misses | says | hnswlib misses |")
    print("|---|---|---|---|---|---|")
    for name, metric, values, asked in sets + list(others(rng, options.rows)):
        rows = values.astype(np.float32)
        index = kith.build(rows, metric=metric, index="graph", calibrate=False)
        own = missed(index.search(rows[:asked], k=1, index="graph")[0], rows)
        rival = hnswlib.Index(SPACES[metric], rows.shape[1])
        rival.init_index(len(rows), M=16, ef_construction=200)
        rival.add_items(rows, num_threads=1)
        rival.set_ef(64)
        theirs = missed(rival.knn_query(rows[:asked], k=1, num_threads=1)[0].astype(int), rows)
        says = 1 - index.info["graph_self_recall"]
        layout = index.info["graph_layout"]
        print(
            f"| {name} | {metric} | {layout} | {own:.2%} | {says:.2%} | {theirs:.2%} |", flush=True
        )


if __name__ == "__main__":
    main()
