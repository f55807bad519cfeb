#!/usr/bin/env python3
"""The neighbours of all vectors beside PyNNDescent, and beside searches for each of them.

    bench/run neighbours [--k 15] [--recall 0.95] [--rows N]

400,224 descriptors of photos and 108,904 word vectors (KITH_DATA), and 100,000 Gaussians of 64
dimensions, with none of the structure that real vectors have. Seconds of the clock on all
cores, and of the processors, which others who use the machine disturb less; builds included. The
recall is that of 2,000 rows against exact search. PyNNDescent runs with its defaults and with more
or fewer neighbours, iterations and trees, so that its fastest at equal recall is among them; what
Numba compiles is compiled before.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import time
from collections.abc import Callable

import numpy as np
import recall_sets
from pynndescent import NNDescent

import kith

METRICS = {"euclidean": "euclidean", "angular": "cosine"}


class Judge:
    """Recall of a graph's neighbours, by distance."""

    def __init__(self, rows: np.ndarray, metric: str, k: int) -> None:
        self.rows, self.metric, self.k = rows, metric, k
        self.some = np.sort(np.random.default_rng(1).choice(len(rows), 2000, replace=False))
        exact = kith.build(rows, metric=metric, index="exact")
        ids, distances = exact.search(rows[self.some], k + 1, exact=True, n_jobs=-1)
        own = ids == self.some[:, None]
        # The k-th of the others: one place earlier where the row itself is not among them.
        last = np.where(own.any(axis=1), k, k - 1)
        self.limits = distances[np.arange(len(ids)), last] * (1 + 1e-5) + 1e-6

    def recall(self, ids: np.ndarray) -> float:
        """ids: [n, k] or more, itself among them or not, of each row."""
        a = self.rows[self.some].astype(np.float64)[:, None, :]
        b = self.rows[ids[self.some]].astype(np.float64)
        if self.metric == "euclidean":
            away = np.sqrt(((a - b) ** 2).sum(axis=2))
        else:
            lengths = np.linalg.norm(a, axis=2) * np.linalg.norm(b, axis=2)
            away = 1 - (a * b).sum(axis=2) / np.maximum(lengths, 1e-30)
        near = (away <= self.limits[:, None]) & (ids[self.some] != self.some[:, None])
        return float(np.minimum(near.sum(axis=1), self.k).mean() / self.k)


def timed(run: Callable[[], np.ndarray]) -> tuple[np.ndarray, float, float]:
    start, busy = time.perf_counter(), time.process_time()
    found = run()
    return found, time.perf_counter() - start, time.process_time() - busy


def compare(name: str, rows: np.ndarray, metric: str, k: int, recall: float) -> None:
    judge = Judge(rows, metric, k)
    results: list[tuple[str, float, float, float]] = []

    def add(what: str, run: Callable[[], np.ndarray]) -> None:
        ids, seconds, busy = timed(run)
        recall_of_it = judge.recall(ids)
        results.append((what, seconds, busy, recall_of_it))
        print(
            f"  {what}: {seconds:.1f} s, processors {busy:.1f} s, recall {recall_of_it:.4f}",
            flush=True,
        )

    def searched() -> np.ndarray:
        index = kith.build(rows, metric=metric)
        return index.search(rows, k + 1, recall=recall, n_jobs=-1)[0]

    def joined() -> np.ndarray:
        made = kith.knn_graph(rows, k, metric=metric, recall=recall)
        return made.indices.reshape(len(rows), k)

    def graph() -> np.ndarray:
        index = kith.build(rows, metric=metric, calibrate=False)
        made = index.knn_graph(k, recall=recall)
        return made.indices.reshape(len(rows), k)

    print(f"\n{name}: {len(rows):,} x {rows.shape[1]}, {metric}, k = {k}, recall {recall}")
    add("kith: the graph, without an index", joined)
    add("kith: build, and a search for each", searched)
    add("kith: build, and their graph", graph)
    index = kith.build(rows, metric=metric)
    add(
        "kith: the graph alone, of a file",
        lambda: index.knn_graph(k, recall=recall).indices.reshape(-1, k),
    )
    floats = rows.astype(np.float32)
    NNDescent(floats[:2000], metric=METRICS[metric], n_neighbors=k + 1, n_jobs=-1)
    for extra, iters, trees in ((1, None, None), (1, 4, None), (6, None, None), (11, None, None)):
        add(
            f"PyNNDescent: n_neighbors {k + extra}, n_iters {iters}, n_trees {trees}",
            lambda e=extra, i=iters, t=trees: NNDescent(
                floats,
                metric=METRICS[metric],
                n_neighbors=k + e,
                n_iters=i,
                n_trees=t,
                n_jobs=-1,
                random_state=1,
            ).neighbor_graph[0][:, : k + 1],
        )
    _, ours, ours_busy, _ = results[0]
    print("\n| | seconds | ratio | processor seconds | ratio | recall |\n|---|---|---|---|---|---|")
    for what, seconds, busy, found in results:
        print(
            f"| {what} | {seconds:.1f} | {seconds / ours:.2f} | {busy:.1f} | "
            f"{busy / ours_busy:.2f} | {found:.4f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--k", type=int, default=15)
    parser.add_argument("--recall", type=float, default=0.95)
    parser.add_argument("--rows", type=int, help="the first rows alone")
    options = parser.parse_args()
    data = pathlib.Path(os.environ["KITH_DATA"])
    sets = (
        ("descriptors", np.ascontiguousarray(recall_sets.descriptors(data)), "euclidean"),
        ("words", recall_sets.words(data), "angular"),
        (
            "Gaussians",
            np.random.default_rng(1).standard_normal((100_000, 64)).astype(np.float32),
            "euclidean",
        ),
    )
    for name, rows, metric in sets:
        compare(name, rows[: options.rows], metric, options.k, options.recall)


if __name__ == "__main__":
    main()
