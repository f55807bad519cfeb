"""kith for VIBE (https://github.com/vector-index-bench/vibe). README.md says how."""

from __future__ import annotations

from typing import Any

import numpy as np

import kith

from ..base.module import BaseANN

# What VIBE calls a distance -> what kith calls it. Vectors that are "normalized" have length 1, and
# their neighbours are the same by any of the first three.
METRICS = {
    "cosine": "angular",
    "euclidean": "euclidean",
    "hamming": "hamming",
    "ip": "dot",
    "normalized": "angular",
}


class Kith(BaseANN):
    """An index in memory, built and searched on one thread, as all are there.

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
        self._index = kith.build(self._rows(X), metric=self._metric, n_jobs=1, **self._build)

    def fit_ood(self, X_train: np.ndarray, X_learn: np.ndarray, X_learn_neighbors: Any) -> None:
        """Where queries are of another kind than the vectors, and a sample of such is given.

        The index is the same. What recall takes what effort is measured with the sample, for which
        its neighbours need not be known.
        """
        self.fit(X_train)
        if self._build.get("calibrate"):
            self._index.calibrate(self._rows(X_learn), n_jobs=1)

    def set_query_arguments(self, query: dict[str, Any]) -> None:
        self._query = dict(query)

    def query(self, v: np.ndarray, n: int) -> np.ndarray:
        ids, _ = self._index.search(self._rows(v), n, **self._query)
        return ids if ids[-1] >= 0 else ids[ids >= 0]

    def batch_query(self, X: np.ndarray, n: int) -> None:
        self._found, _ = self._index.search(self._rows(X), n, n_jobs=1, **self._query)

    def get_batch_results(self) -> list[np.ndarray]:
        return [ids[ids >= 0] for ids in self._found]

    def get_memory_usage(self) -> float:
        """In kB: of the index, all that is kept of the vectors included."""
        return 0.0 if self._index is None else self._index.nbytes / 1024

    def _rows(self, values: np.ndarray) -> np.ndarray:
        """Bits come eight to a byte."""
        if self._metric != "hamming":
            return values
        return np.unpackbits(values, axis=-1).astype(bool)

    def __str__(self) -> str:
        settings = {**self._build, **self._query}
        return f"kith({', '.join(f'{name}={value}' for name, value in settings.items())})"
