"""kith for ann-benchmarks (https://github.com/erikbern/ann-benchmarks). README.md says how."""

from __future__ import annotations

from typing import Any

import numpy as np

import kith

from ..base.module import BaseANN

# What ann-benchmarks calls a distance -> what kith calls it.
METRICS = {
    "angular": "angular",
    "dot": "dot",
    "euclidean": "euclidean",
    "hamming": "hamming",
    "ip": "dot",
    "manhattan": "manhattan",
}


class Kith(BaseANN):
    """An index in memory.

    metric: the data set's distance. build: keyword arguments of kith.build().
    Query arguments are keyword arguments of Index.search(): {"effort": 40} or {"recall": 0.95}.
    """

    def __init__(self, metric: str, build: dict[str, Any]) -> None:
        if metric not in METRICS:
            raise NotImplementedError(f"kith has no {metric} distance")
        self._metric = METRICS[metric]
        self._build = dict(build)
        self._query: dict[str, Any] = {}
        self._index: Any = None
        self._found = np.empty((0, 0), np.int64)

    def fit(self, X: np.ndarray) -> None:
        self._index = kith.build(X, metric=self._metric, **self._build)

    def set_query_arguments(self, query: dict[str, Any]) -> None:
        self._query = dict(query)

    def query(self, q: np.ndarray, n: int) -> np.ndarray:
        ids, _ = self._index.search(q, n, **self._query)
        return ids if ids[-1] >= 0 else ids[ids >= 0]

    def batch_query(self, X: np.ndarray, n: int) -> None:
        self._found, _ = self._index.search(X, n, n_jobs=-1, **self._query)

    def get_batch_results(self) -> list[np.ndarray]:
        return [ids[ids >= 0] for ids in self._found]

    def get_memory_usage(self) -> float:
        """In kB: of the index, all that is kept of the vectors included."""
        return 0.0 if self._index is None else self._index.nbytes / 1024

    def done(self) -> None:
        if self._index is not None:
            self._index.close()

    def __str__(self) -> str:
        settings = {**self._build, **self._query}
        return f"kith({', '.join(f'{name}={value}' for name, value in settings.items())})"
