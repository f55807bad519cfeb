"""kith.Reducer: fewer dimensions, and what that costs in neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._index import PathLike
from ._inputs import matrix
from ._progress import Progress, as_callback


def reduce(
    vectors: Any,
    dim: int | None = None,
    *,
    keep_variance: float | None = None,
    keep_recall: float | None = None,
    method: str = "pca",
    metric: str = "euclidean",
    whiten: bool = False,
    seed: int = 42,
    n_jobs: int | None = -1,
    progress: Progress = None,
) -> NDArray[np.float32]:
    """Reduces vectors to fewer dimensions: :meth:`Reducer.fit_transform` in one call.

    Parameters are those of :class:`Reducer`; keep one of those to reduce queries as well.

    Returns
    -------
    float32 array (n, dim)
    """
    reducer = Reducer(
        dim,
        keep_variance=keep_variance,
        keep_recall=keep_recall,
        method=method,
        metric=metric,
        whiten=whiten,
        seed=seed,
        n_jobs=n_jobs,
    )
    return reducer.fit_transform(vectors, progress=progress)


class Reducer:
    """Principal components, random projections or truncation (docs/reduce.md).

    Thread-safe once fitted; other threads of Python run meanwhile.

    Parameters
    ----------
    dim : int, optional
        Dimensions kept.
    keep_variance : float, optional
        Instead: the fewest that keep this share of the variance (pca and truncate).
    keep_recall : float, optional
        Instead: the fewest among which this share of the 10 true neighbours of vectors is found,
        as measured by exact search with half of 1,000 of the vectors (:meth:`fit` has
        options for it). Without any of these, all dimensions are kept.
    method : str
        pca; gaussian or sparse, which are random projections; truncate, the first dimensions.
        pca is exact up to 4,096 dimensions and has the signs of scikit-learn 1.5 and later.
    metric : str
        By what neighbours are told. euclidean takes the mean away, as everybody's PCA does;
        angular and dot do not, and angular weighs all vectors alike. hamming is as euclidean.
    whiten : bool
        Divide principal components by their standard deviations.
    seed : int
        Of random directions, and of the vectors that measure recall.
    n_jobs : int, optional
        Threads; -1 is all cores. Results never depend on it.

    Attributes
    ----------
    recall_ : dict or None
        After ``keep_recall``: dim, variance, recall and reranked, measured with those vectors that
        did not choose the dimension.
    measured_ : list of dict or None
        After ``keep_recall``: the same of all dimensions tried, by those that chose.
    """

    def __init__(
        self,
        dim: int | None = None,
        *,
        keep_variance: float | None = None,
        keep_recall: float | None = None,
        method: str = "pca",
        metric: str = "euclidean",
        whiten: bool = False,
        seed: int = 42,
        n_jobs: int | None = -1,
    ) -> None:
        given = {"dim": dim, "keep_variance": keep_variance, "keep_recall": keep_recall}
        if sum(value is not None for value in given.values()) > 1:
            raise ValueError("dim, keep_variance and keep_recall exclude each other; give one")
        self._dim = dim
        self._keep_variance = keep_variance
        self._keep_recall = keep_recall
        self._method = method
        self._metric = metric
        self._whiten = whiten
        self._seed = seed
        self.n_jobs = n_jobs
        self._fitted: _core.Reduction | None = None
        self.recall_: dict[str, Any] | None = None
        self.measured_: list[dict[str, Any]] | None = None

    def fit(
        self,
        vectors: Any,
        *,
        queries: Any = None,
        k: int = 10,
        rerank: int = 100,
        reranked: bool = False,
        progress: Progress = None,
    ) -> Reducer:
        """Fits the reduction.

        Parameters
        ----------
        vectors : array (n, d)
            Anything that :func:`kith.build` takes, iterators of arrays too; memory-mapped arrays
            may be larger than the memory.
        queries : array (m, d), optional
            For ``keep_recall``: what recall is measured with, instead of some of the vectors.
        k, rerank : int
            For ``keep_recall``: neighbours of each query, and how many of the nearest reduced
            vectors are compared again by their originals.
        reranked : bool
            Whether ``keep_recall`` is the recall with re-ranking.
        progress : callable or True, optional
            As for :func:`kith.build`.

        Raises
        ------
        ValueError
            NaN or infinity, with its place; more dimensions than there are (or, for pca, than there
            are vectors); options that exclude each other; no dimension that keeps the recall.
        """
        with matrix(vectors, None) as array, as_callback(progress) as report:
            fitted = _core.reduce_fit(
                array,
                self._dim,
                self._keep_variance,
                self._method,
                self._metric,
                self._whiten,
                self._seed,
                self.n_jobs,
                report,
            )
            recall = measured = None
            if self._keep_recall is not None:
                fitted, recall, measured = fitted.to_recall(
                    array,
                    self._keep_recall,
                    reranked,
                    queries,
                    k,
                    rerank,
                    self._seed,
                    self.n_jobs,
                    report,
                )
        self.recall_ = recall
        self.measured_ = measured
        self._fitted = fitted
        return self

    def transform(self, vectors: Any, *, progress: Progress = None) -> NDArray[np.float32]:
        """Reduces vectors (n, d), or one (d,): float32 (n, dim) or (dim,).

        Raises
        ------
        ValueError
            Another dimension; NaN or infinity, with its place.
        """
        with as_callback(progress) as report:
            return self._reduction.transform(vectors, self.n_jobs, report)

    def fit_transform(self, vectors: Any, *, progress: Progress = None) -> NDArray[np.float32]:
        """fit() and transform() of the same vectors."""
        with matrix(vectors, None) as array:
            return self.fit(array, progress=progress).transform(array, progress=progress)

    def measure(
        self,
        vectors: Any,
        queries: Any = None,
        *,
        dims: Any = None,
        k: int = 10,
        rerank: int = 100,
        progress: Progress = None,
    ) -> list[dict[str, Any]]:
        """What is left of variance and neighbours at each dimension, by exact search.

        Parameters
        ----------
        vectors : array (n, d)
        queries : array (m, d), optional
            If absent: 1,000 of the vectors, which do not find themselves.
        dims : int or ints, optional
            Up to :attr:`dim`; if absent 2, 3, 4, 6, 8, 12, 16 ...
        k, rerank, progress
            As for :meth:`fit`.

        Returns
        -------
        list of dict
            dim; variance, the share kept, None of projections; recall, the share of the k true
            neighbours among the k nearest reduced vectors; reranked, the same of the k nearest by
            their originals among the `rerank` nearest reduced vectors.
        """
        with as_callback(progress) as report:
            return self._reduction.measure(
                vectors, queries, dims, k, rerank, self._seed, self.n_jobs, report
            )

    def save(self, path: PathLike) -> None:
        """Writes the model to a file, whole or not at all; ``kith reduce --model`` reads it too."""
        self._reduction.save(path)

    @classmethod
    def load(cls, path: PathLike, *, n_jobs: int | None = -1) -> Reducer:
        """Opens what save(), or ``kith reduce --save``, wrote."""
        reducer = cls(n_jobs=n_jobs)
        fitted = _core.reduce_open(path)
        reducer._fitted = fitted
        reducer._dim = fitted.dim
        reducer._method = fitted.method
        reducer._metric = fitted.metric
        reducer._whiten = fitted.whitened
        reducer._seed = fitted.seed
        return reducer

    @property
    def _reduction(self) -> _core.Reduction:
        if self._fitted is None:
            raise ValueError("the reducer is not fitted; call fit() first")
        return self._fitted

    @property
    def dim(self) -> int:
        """Dimensions of reduced vectors."""
        return self._reduction.dim

    @property
    def source_dim(self) -> int:
        """Dimensions of the vectors that it takes."""
        return self._reduction.source_dim

    @property
    def method(self) -> str:
        """pca, gaussian, sparse or truncate."""
        return self._method

    @property
    def metric(self) -> str:
        """By what neighbours are told."""
        return self._metric

    @property
    def mean_(self) -> NDArray[np.float32]:
        """What is taken away from vectors, (d,); zeros where nothing is."""
        return self._reduction.mean()

    @property
    def components_(self) -> NDArray[np.float32]:
        """The directions (dim, d); of truncate none, (0, d)."""
        return self._reduction.components()

    @property
    def explained_variance_(self) -> NDArray[np.float64]:
        """The variance of each dimension kept, (dim,); zeros of projections."""
        return np.array(self._reduction.variances())

    @property
    def explained_variance_ratio_(self) -> NDArray[np.float64]:
        """The same as shares of the variance of all dimensions."""
        total = self._reduction.total_variance
        return self.explained_variance_ / total if total > 0 else self.explained_variance_

    def __repr__(self) -> str:
        if self._fitted is None:
            return f"Reducer(method={self._method!r}, not fitted)"
        return f"Reducer({self._method}, {self.source_dim} to {self.dim} dimensions)"
