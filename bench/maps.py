#!/usr/bin/env python3
"""Maps of vectors beside umap-learn's: what they keep of the neighbours, and seconds.

    bench/run maps [WORD...] [--rows N] [--k 15]

10,000 and 60,000 digits, 108,903 word vectors and 27,000 of them, of KITH_DATA; sets whose name has
one of the words. Trustworthiness and the share of neighbours kept are measured by kith for both,
with 1,000 vectors; that it measures as scikit-learn does is a test (python/tests/test_map.py).
umap-learn runs with its defaults (from a spectral start, on all cores, without a seed) and once
with a seed, which makes it run alone; kith's maps are the same each time. What Numba compiles is
compiled before. Whole clusters are compared too, where there are labels: the rank correlation of
the distances between the middles of labels, among the vectors and on the map. Fails if kith's map
keeps less than umap-learn's by more than .01.
"""

from __future__ import annotations

import argparse
import gzip
import os
import pathlib
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import recall_sets
import umap
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

import kith
from kith import learn

METRICS = {"euclidean": "euclidean", "angular": "cosine"}
TOLERANCE = 0.01

warnings.filterwarnings("ignore", module="umap")


def idx(path: pathlib.Path, head: int) -> np.ndarray:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=head)


def sets(data: pathlib.Path) -> dict[str, tuple[Callable[[], np.ndarray], str, object]]:
    """By name: vectors, the metric, and labels or None."""
    mnist = data / "mnist"
    return {
        "10,000 digits": (
            lambda: idx(mnist / "t10k-images-idx3-ubyte.gz", 16).reshape(-1, 784),
            "euclidean",
            lambda: idx(mnist / "t10k-labels-idx1-ubyte.gz", 8),
        ),
        "27,000 words": (lambda: recall_sets.words(data)[1:27001], "angular", None),
        "60,000 digits": (
            lambda: recall_sets.digits(data),
            "euclidean",
            lambda: idx(mnist / "train-labels-idx1-ubyte.gz", 8),
        ),
        "108,903 words": (lambda: recall_sets.words(data)[1:], "angular", None),
    }


def middles(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.stack([rows[labels == label].mean(axis=0) for label in np.unique(labels)])


def agreement(rows: np.ndarray, points: np.ndarray, labels: np.ndarray) -> float:
    return float(spearmanr(pdist(middles(rows, labels)), pdist(middles(points, labels)))[0])


def compare(
    name: str, rows: np.ndarray, metric: str, labels: np.ndarray | None, k: int
) -> tuple[float, float]:
    """Trustworthiness of kith's map, and the best of umap-learn's."""
    floats = np.ascontiguousarray(rows, np.float32)
    results = []

    def add(what: str, made: Callable[[], np.ndarray]) -> None:
        start = time.perf_counter()
        points = made()
        seconds = time.perf_counter() - start
        quality = learn.map_quality(judge, points, k=k)
        whole = "-" if labels is None else f"{agreement(floats, points, labels):.2f}"
        results.append((what, seconds, quality, whole))
        print(
            f"  {what}: {seconds:.1f} s, trustworthiness {quality.trustworthiness:.4f}, "
            f"kept {quality.preservation:.3f}, clusters {whole}",
            flush=True,
        )

    print(f"\n{name}: {len(rows):,} x {rows.shape[1]}, {metric}, k = {k}", flush=True)
    judge = kith.build(rows, metric=metric, index="exact")
    add(
        "kith (build, neighbours, layout)",
        lambda: kith.build(rows, metric=metric, calibrate=False).map(k),
    )
    index = kith.build(rows, metric=metric, calibrate=False)
    add("kith (of a file)", lambda: index.map(k))
    options = {"n_neighbors": k + 1, "metric": METRICS[metric]}
    umap.UMAP(**options, n_epochs=2).fit_transform(floats[:5000])
    add("umap-learn", lambda: umap.UMAP(**options).fit_transform(floats))
    add("umap-learn, seed 1", lambda: umap.UMAP(**options, random_state=1).fit_transform(floats))
    print("\n| | seconds | trustworthiness | neighbours kept | clusters |\n|---|---|---|---|---|")
    for what, seconds, quality, whole in results:
        print(
            f"| {what} | {seconds:.1f} | {quality.trustworthiness:.4f} | "
            f"{quality.preservation:.3f} | {whole} |"
        )
    trust = [quality.trustworthiness for _, _, quality, _ in results]
    return min(trust[:2]), max(trust[2:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--k", type=int, default=15)
    parser.add_argument("--rows", type=int, help="the first rows alone")
    options = parser.parse_args()
    worse = []
    for name, (load, metric, labels) in sets(pathlib.Path(os.environ["KITH_DATA"])).items():
        if options.words and not any(word in name for word in options.words):
            continue
        told = None if labels is None else labels()[: options.rows]
        ours, theirs = compare(name, load()[: options.rows], metric, told, options.k)
        if ours < theirs - TOLERANCE:
            worse.append(f"{name}: {ours:.4f}, umap-learn {theirs:.4f}")
    for line in worse:
        print(f"kith's map keeps less than umap-learn's of {line}", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
