#!/usr/bin/env python3
"""kith.annoy beside Annoy: the same calls on the same vectors, in turns; medians.

    python bench/annoy_dropin.py [--dim 128] [--items 20000] [--trees 20] [--rounds 7]

Needs kith and annoy installed. The vectors are random mixtures, so that neighbours mean something;
recall is against all of them.
"""

import argparse
import statistics
import time

import annoy
import numpy as np

import kith.annoy

ROUNDS = {"annoy": annoy.AnnoyIndex, "kith": kith.annoy.AnnoyIndex}


def mixture(n, dim, seed):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(200, dim))
    return (centres[rng.integers(0, 200, n)] + rng.normal(size=(n, dim)) * 0.6).astype(np.float32)


def timed(function):
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def in_turns(rounds, measure):
    """The median of measure(class) of each class, which take turns."""
    times = {name: [] for name in ROUNDS}
    for turn in range(rounds):
        names = list(ROUNDS) if turn % 2 == 0 else list(ROUNDS)[::-1]
        for name in names:
            times[name].append(measure(ROUNDS[name]))
    return {name: statistics.median(values) for name, values in times.items()}


def adding(items, dim):
    def measure(cls):
        index = cls(dim, "angular")
        add = index.add_item

        def run():
            for i, vector in enumerate(items):
                add(i, vector)

        return timed(run)[0] / len(items) * 1e6

    return measure


def report(what, unit, medians, digits=2):
    ratio = medians["annoy"] / medians["kith"]
    print(
        f"{what:<44}{medians['annoy']:>10.{digits}f}{medians['kith']:>10.{digits}f} {unit:<5}"
        f"{ratio:>7.2f}x",
        flush=True,
    )


def built(cls, rows, metric, trees):
    index = cls(rows.shape[1], metric)
    for i, row in enumerate(rows):
        index.add_item(i, row)
    index.build(trees, 1)
    return index


def searching(metric, options, rows, queries):
    indexes = {name: built(cls, rows, metric, options.trees) for name, cls in ROUNDS.items()}
    truth = exact(metric, rows, queries)
    lists = [query.tolist() for query in queries]
    for search_k in (-1, 500, 2000, 10_000):
        recalls = {}
        for name, index in indexes.items():
            hits = sum(
                len(set(index.get_nns_by_vector(query, 10, search_k)) & nearest)
                for query, nearest in zip(queries, truth)
            )
            recalls[name] = hits / (10 * len(queries))
        for kind, inputs in (("list", lists), ("ndarray", list(queries))):

            def measure(cls, inputs=inputs, search_k=search_k):
                index = indexes["annoy" if cls is annoy.AnnoyIndex else "kith"]
                return (
                    timed(lambda: [index.get_nns_by_vector(q, 10, search_k) for q in inputs])[0]
                    / len(inputs)
                    * 1e6
                )

            report(
                f"get_nns_by_vector {metric} search_k={search_k} {kind}",
                "us",
                in_turns(options.rounds, measure),
            )
        print(f"{'  recall@10':<44}{recalls['annoy']:>10.4f}{recalls['kith']:>10.4f}")


def exact(metric, rows, queries):
    if metric == "angular":
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        keys = -queries @ rows.T
    else:
        keys = (rows**2).sum(1) - 2 * queries @ rows.T
    return [set(row.tolist()) for row in np.argpartition(keys, 10, axis=1)[:, :10]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--trees", type=int, default=20)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rows = mixture(options.items, options.dim, 1)
    queries = mixture(options.queries, options.dim, 2)
    print(f"{options.items} x {options.dim}, {options.trees} trees, one thread; median of rounds")
    print(f"{'':<44}{'annoy':>10}{'kith':>10}")

    some = rows[:5000]
    kinds = {
        "list of float": [row.tolist() for row in some],
        "tuple of float": [tuple(row.tolist()) for row in some],
        "list of int": [[int(x * 10) for x in row] for row in some],
        "ndarray float32": list(some),
        "ndarray float64": list(some.astype(np.float64)),
    }
    for kind, items in kinds.items():
        report(f"add_item {kind}", "us", in_turns(options.rounds, adding(items, options.dim)))
    for metric in ("angular", "euclidean"):

        def building(cls, metric=metric):
            index = cls(options.dim, metric)
            for i, row in enumerate(rows):
                index.add_item(i, row)
            return timed(lambda: index.build(options.trees, 1))[0]

        report(f"build {metric}", "s", in_turns(min(options.rounds, 3), building))

    overhead = {name: built(cls, rows[:1, :2], "euclidean", 1) for name, cls in ROUNDS.items()}

    def calling(cls):
        find = overhead["annoy" if cls is annoy.AnnoyIndex else "kith"].get_nns_by_item
        return timed(lambda: [find(0, 1) for _ in range(20_000)])[0] / 20_000 * 1e6

    report("get_nns_by_item of one item, f=2 (overhead)", "us", in_turns(options.rounds, calling))
    for metric in ("angular", "euclidean"):
        searching(metric, options, rows, queries)


if __name__ == "__main__":
    main()
