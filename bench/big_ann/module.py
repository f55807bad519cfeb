"""kith for big-ann-benchmarks (https://github.com/harsha-simhadri/big-ann-benchmarks). README.md
says how."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from benchmark.algorithms.base import BaseANN
from benchmark.datasets import DATASETS

import kith

# What big-ann-benchmarks calls a distance -> what kith calls it.
METRICS = {"angular": "angular", "euclidean": "euclidean", "ip": "dot"}


def rows_of(path: str, dtype: str, most: int) -> np.ndarray:
    """The first `most` vectors of a .fbin, .u8bin or .i8bin file: mapped, not read."""
    num_rows, dim = (int(x) for x in np.fromfile(path, np.uint32, 2))
    return np.memmap(path, dtype, "r", 8, (min(num_rows, most), dim))


class Kith(BaseANN):
    """A .kith file of a data set, mapped.

    metric: the data set's distance, which is asked for again. build: keyword arguments of
    kith.build(). Query arguments are keyword arguments of Index.search(); "threads" is its n_jobs,
    all cores unless it is given.
    """

    def __init__(self, metric: str, build: dict[str, Any]) -> None:
        self._build = dict(build)
        self._query: dict[str, Any] = {"n_jobs": -1}
        self._index: Any = None
        self._integers: Any = None
        self.name = f"kith({self.index_name()})"
        self.res = np.empty((0, 0), np.int64)

    def track(self) -> str:
        return "T1"

    def index_name(self) -> str:
        """Of a file's name: what it was built with."""
        return "_".join(f"{name}-{value}" for name, value in sorted(self._build.items())) or "auto"

    def index_files_to_store(self, dataset: str) -> tuple[str, str, list[str]]:
        folder, name = os.path.split(self._path(dataset))
        return folder, os.path.splitext(name)[0], [".kith"]

    def fit(self, dataset: str) -> None:
        """Builds the file out of core: the vectors are never all in memory because of this call."""
        data = DATASETS[dataset]()
        path = self._path(dataset)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        rows = rows_of(data.get_dataset_fn(), data.dtype, data.nb)
        kith.build(rows, path, metric=self._metric(data), **self._build).close()
        self.load_index(dataset)

    def load_index(self, dataset: str) -> bool:
        if not os.path.exists(self._path(dataset)):
            return False
        self._index = kith.open(self._path(dataset))
        dtype = np.dtype(DATASETS[dataset]().dtype)
        self._integers = dtype if dtype.kind in "iu" else None
        return True

    def set_query_arguments(self, query: dict[str, Any]) -> None:
        self._query = {"n_jobs": -1, **query}
        if "threads" in self._query:
            self._query["n_jobs"] = self._query.pop("threads")
        self.name = f"kith({self.index_name()}, {query})"

    def query(self, X: np.ndarray, k: int) -> None:
        if self._integers is not None:
            # The harness made float32 of them.
            X = X.astype(self._integers)
        self.res, _ = self._index.search(X, k, **self._query)

    def get_results(self) -> np.ndarray:
        return self.res

    def range_query(self, X: np.ndarray, radius: float) -> None:
        raise NotImplementedError("kith finds the k nearest, not all within a radius")

    def get_memory_usage(self) -> float:
        """In kB: of the index, all that is kept of the vectors included."""
        return 0.0 if self._index is None else self._index.nbytes / 1024

    def done(self) -> None:
        if self._index is not None:
            self._index.close()

    def _path(self, dataset: str) -> str:
        name = f"{self.index_name()}.kith"
        return os.path.join("data", "indices", "kith", DATASETS[dataset]().short_name(), name)

    @staticmethod
    def _metric(data: Any) -> str:
        if data.distance() not in METRICS:
            raise NotImplementedError(f"kith has no {data.distance()} distance")
        return METRICS[data.distance()]
