#!/usr/bin/env python3
"""kith.sklearn beside scikit-learn's own neighbours, and PyNNDescent's where it is installed.

MNIST, 60,000 images: classes, voted for by 5 neighbours, and the graph of them all.

    KITH_DATA=... bench/sklearn_neighbors.py [--runs 3] [--threads -1] [--graph 60000]

Each line is the best of the runs. Seconds are of the clock, or, with one thread, of the processor:
others who use the machine then matter little.
"""

from __future__ import annotations

import argparse
import gzip
import os
import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
from threadpoolctl import threadpool_limits

from kith.sklearn import KithClassifier, KithTransformer

K = 5


def mnist(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images as most have them, float32 (n, 784), and labels (n,)."""
    folder = pathlib.Path(os.environ["KITH_DATA"]) / "mnist"
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        return images.astype(np.float32), np.frombuffer(file.read(), np.uint8, offset=8)


class Runs:
    """What the best of some runs took."""

    def __init__(self, threads: int, runs: int) -> None:
        self.threads = threads
        self._runs = runs
        self._clock = time.process_time if threads == 1 else time.perf_counter

    def best(self, fit: Callable[[], Any], use: Callable[[Any], Any]) -> tuple[float, float, Any]:
        """Seconds of fit() and of use() of the run that took least in all, and what use() gave."""
        taken = []
        for _ in range(self._runs):
            start = self._clock()
            model = fit()
            fitted = self._clock()
            result = use(model)
            taken.append((fitted - start, self._clock() - fitted, result))
        return min(taken, key=lambda run: run[0] + run[1])


def classifiers(threads: int) -> dict[str, Any]:
    return {
        "KithClassifier(index='exact')": KithClassifier(K, index="exact", n_jobs=threads),
        "KithClassifier()": KithClassifier(K, n_jobs=threads),
        "KithClassifier(recall=0.95)": KithClassifier(K, recall=0.95, n_jobs=threads),
        "KithClassifier(index='graph')": KithClassifier(K, index="graph", n_jobs=threads),
        "KNeighborsClassifier('brute')": KNeighborsClassifier(K, algorithm="brute", n_jobs=threads),
    }


def transformers(threads: int) -> dict[str, Any]:
    found = {
        "KithTransformer()": KithTransformer(K, n_jobs=threads),
        "KithTransformer(recall=0.95)": KithTransformer(K, recall=0.95, n_jobs=threads),
        "KithTransformer(index='exact')": KithTransformer(K, index="exact", n_jobs=threads),
        "KNeighborsTransformer('brute')": KNeighborsTransformer(
            n_neighbors=K, algorithm="brute", n_jobs=threads
        ),
    }
    try:
        from pynndescent import PyNNDescentTransformer
    except ImportError:
        print("(PyNNDescent is not installed)")
    else:
        # Its own count includes the sample.
        found["PyNNDescentTransformer()"] = PyNNDescentTransformer(
            n_neighbors=K + 1, metric="euclidean", n_jobs=threads, random_state=1
        )
    return found


def recall(graph: Any, truth: np.ndarray) -> float:
    """The share of the samples' entries that are no farther than the true last neighbour."""
    last = truth[:, -1] * (1 + 1e-4)
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    return float((graph.data <= last[rows]).sum() / truth.size)


def compare_classifiers(runs: Runs) -> None:
    images, labels = mnist("train")
    queries, true_labels = mnist("t10k")
    print(f"{'10,000 images classified':<32} {'fit':>7} {'predict':>8} {'total':>7} accuracy")
    for name, model in classifiers(runs.threads).items():
        fit, use, predicted = runs.best(
            lambda m=model: m.fit(images, labels), lambda fitted: fitted.predict(queries)
        )
        accuracy = (predicted == true_labels).mean()
        print(f"{name:<32} {fit:7.2f} {use:8.2f} {fit + use:7.2f} {accuracy:.4f}", flush=True)


def compare_transformers(runs: Runs, samples: int) -> None:
    images = mnist("train")[0][:samples]
    exact = KithTransformer(K, index="exact", n_jobs=-1).fit_transform(images)
    truth = exact.data.reshape(len(images), K + 1)
    print(f"\n{f'graph of {len(images):,}':<32} {'total':>7} recall")
    for name, model in transformers(runs.threads).items():
        model.fit_transform(images[:500])  # PyNNDescent is compiled when first used
        _, use, graph = runs.best(lambda: None, lambda _, m=model: m.fit_transform(images))
        print(f"{name:<32} {use:7.2f} {recall(graph, truth):.4f}", flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--threads", type=int, default=-1)
    arguments.add_argument("--graph", type=int, default=60_000, help="samples of the graph")
    options = arguments.parse_args()
    if "KITH_DATA" not in os.environ:
        raise SystemExit("set KITH_DATA to the folder of the data sets")
    runs = Runs(options.threads, options.runs)
    with threadpool_limits(None if options.threads < 0 else options.threads):
        compare_classifiers(runs)
        compare_transformers(runs, options.graph)


if __name__ == "__main__":
    main()
