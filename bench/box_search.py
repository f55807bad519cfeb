"""Exact search of many queries among short vectors: by boxes of rows beside comparing every row.

Queries of one call are searched for by boxes from 256 on (src/scan/box_search.cc), so that calls of
255 compare every row. Prints processor time a query, on one thread. Answers are compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import kith
import numpy as np
from numpy.typing import NDArray

FEW = 255
QUERIES = 10 * FEW


def seconds(search: Callable[[], object]) -> float:
    """The least processor time of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        search()
        times.append(time.process_time() - start)
    return min(times)


def compare(rows: NDArray[np.generic], queries: NDArray[np.generic], k: int) -> tuple[float, float]:
    """Microseconds a query, in one call and in calls of FEW."""
    index = kith.build(rows, metric="euclidean", index="exact", n_jobs=1)
    whole = index.search(queries, k, exact=True, n_jobs=1)
    for first in range(0, len(queries), FEW):
        part = index.search(queries[first : first + FEW], k, exact=True, n_jobs=1)
        for one, other in zip(part, whole):
            np.testing.assert_array_equal(one, other[first : first + FEW])

    def in_parts() -> None:
        for first in range(0, len(queries), FEW):
            index.search(queries[first : first + FEW], k, exact=True, n_jobs=1)

    at_once = seconds(lambda: index.search(queries, k, exact=True, n_jobs=1))
    return at_once / len(queries) * 1e6, seconds(in_parts) / len(queries) * 1e6


def main() -> None:
    rng = np.random.default_rng(0)
    sets: dict[str, Callable[[tuple[int, int]], NDArray[np.generic]]] = {
        "Gaussian": lambda shape: rng.standard_normal(shape, dtype=np.float32),
        "uniform": lambda shape: rng.random(shape, dtype=np.float32),
        "bytes": lambda shape: rng.integers(0, 256, shape, dtype=np.uint8),
    }
    print("| vectors | k | one call, us a query | calls of 255 | ratio |\n|---|---|---|---|---|")
    for name, make in sets.items():
        for n in (3_000, 20_000, 200_000):
            for dim in (2, 3, 4, 5, 6):
                for k in (10, 100):
                    one, parts = compare(make((n, dim)), make((QUERIES, dim)), k)
                    print(
                        f"| {name}, {n:,} x {dim} | {k} | {one:.1f} | {parts:.1f} "
                        f"| {parts / one:.1f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
