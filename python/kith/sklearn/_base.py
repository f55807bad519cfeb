"""What the estimators share: parameters, building the index, neighbours and their graph."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

import kith

from ._space import kith_metric, make_space

Ids = NDArray[np.int64]
Distances = NDArray[np.float64]

INDEXES = ("auto", "exact", "graph", "forest")

# Values of samples up to which they are searched exactly unless another index is asked for. A batch
# of as many queries as samples then takes no longer than building and measuring an index.
_FEW_VALUES = 1 << 24
# Values of queries that are converted and searched for at a time where the fitted rows themselves
# are the queries.
_QUERY_BLOCK = 1 << 24


class NeighborsEstimator(BaseEstimator):
    """Base of the estimators of kith.sklearn; not for use by itself."""

    n_neighbors: int
    metric: str
    index: str
    recall: float | None
    n_jobs: int | None
    random_state: Any

    def _check_params(self) -> None:
        self._check_n_neighbors(self.n_neighbors)
        if self.index not in INDEXES:
            raise ValueError(f"index must be one of {list(INDEXES)}, not {self.index!r}")
        if self.recall is not None and not (
            isinstance(self.recall, numbers.Real) and 0 < self.recall <= 1
        ):
            raise ValueError(f"recall must be in (0, 1] or None, not {self.recall!r}")

    @staticmethod
    def _check_n_neighbors(n_neighbors: Any) -> None:
        if not isinstance(n_neighbors, numbers.Integral) or isinstance(n_neighbors, bool):
            raise TypeError(f"n_neighbors must be an integer, not {n_neighbors!r}")
        if n_neighbors < 1:
            raise ValueError(f"Expected n_neighbors > 0. Got {n_neighbors}")

    def _seed(self) -> int:
        """Of the build: an int stays itself, a RandomState is drawn from, None is fixed."""
        if self.random_state is None:
            return 42
        if isinstance(self.random_state, numbers.Integral):
            return int(self.random_state)
        return int(self.random_state.randint(np.iinfo(np.int32).max))

    def _build(self, rows: NDArray[Any]) -> None:
        """Builds `index_` of the validated rows."""
        self._check_params()
        self._space = make_space(self.metric)
        stored = self._space.fit(rows)
        # As many queries as there are samples: a transformation of all, or a cross-validation.
        self.index_ = kith.build(
            stored,
            metric=kith_metric(self.metric),
            index=self._chosen_index(rows),
            expect_queries=len(rows),
            calibrate=True if self.recall is not None else None,
            seed=self._seed(),
            n_jobs=effective_n_jobs(self.n_jobs),
        )
        self.n_samples_fit_ = len(rows)

    def _chosen_index(self, rows: NDArray[Any]) -> str:
        if self.recall == 1 or (self.index == "auto" and rows.size <= _FEW_VALUES):
            return "exact"
        return self.index

    def kneighbors(
        self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> Ids | tuple[Distances, Ids]:
        """The nearest fitted samples of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            The queries. None: the fitted samples, none of which is its own neighbour.
        n_neighbors : int, default=None
            How many; None: as many as the constructor was told.
        return_distance : bool, default=True
            Whether the distances are returned, too.

        Returns
        -------
        neigh_dist : ndarray of shape (n_queries, n_neighbors), float64
            Ascending. Only if `return_distance`.
        neigh_ind : ndarray of shape (n_queries, n_neighbors), int64
            Row numbers of the fitted samples. Of equal distances, the smaller comes first.

        Raises
        ------
        ValueError
            NaN or infinity, another number of features, or more neighbours than samples.
        """
        check_is_fitted(self, "index_")
        if n_neighbors is None:
            n_neighbors = self.n_neighbors
        self._check_n_neighbors(n_neighbors)
        if X is None:
            self._check_enough(n_neighbors + 1, "n_neighbors < n_samples_fit", self.n_samples_fit_)
            found = self._neighbors_of_fitted(n_neighbors)
        else:
            X = validate_data(self, X, reset=False, order="C")
            self._check_enough(n_neighbors, "n_neighbors <= n_samples_fit", len(X))
            found = self._search(self._space.queries(X), n_neighbors)
        return found if return_distance else found[1]

    def kneighbors_graph(
        self, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity"
    ) -> csr_matrix:
        """The graph that joins each query to its neighbours.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            The queries. None: the fitted samples, none of which is its own neighbour.
        n_neighbors : int, default=None
            How many; None: as many as the constructor was told.
        mode : {'connectivity', 'distance'}, default='connectivity'
            What an edge carries: a one, or the distance.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_samples_fit), float64
            `n_neighbors` entries a row, nearest first; zero distances are explicit.
        """
        if mode not in ("connectivity", "distance"):
            raise ValueError(f"mode must be 'connectivity' or 'distance', not {mode!r}")
        distances, ids = self.kneighbors(X, n_neighbors)
        return self._graph(distances, ids, mode)

    def _graph(self, distances: Distances, ids: Ids, mode: str) -> csr_matrix:
        num_rows, width = ids.shape
        edges = np.ones(ids.size) if mode == "connectivity" else distances.ravel()
        starts = np.arange(0, ids.size + 1, width)
        # The setting came with scikit-learn 1.9.
        sparse = csr_array if get_config().get("sparse_interface") == "sparray" else csr_matrix
        return sparse((edges, ids.ravel(), starts), shape=(num_rows, self.n_samples_fit_))

    def _check_enough(self, wanted: int, rule: str, num_queries: int) -> None:
        if wanted > self.n_samples_fit_:
            asked = wanted - (rule == "n_neighbors < n_samples_fit")
            raise ValueError(
                f"Expected {rule}, but n_neighbors = {asked}, n_samples_fit = "
                f"{self.n_samples_fit_}, n_samples = {num_queries}"
            )

    def _search(self, queries: NDArray[Any], k: int) -> tuple[Distances, Ids]:
        """The neighbours of queries as the space has them; the same for each, whatever others are
        searched for beside it."""
        threads = effective_n_jobs(self.n_jobs)
        ids, found = self.index_.search(queries, k, n_jobs=threads, **self._way(k))
        short = np.flatnonzero(ids[:, -1] < 0)
        if len(short):
            # A forest may find fewer than k.
            ids[short], found[short] = self.index_.search(
                queries[short], k, exact=True, n_jobs=threads
            )
        distances = self._space.distances(found)
        self._space.sharpen(distances, ids, queries, self.index_.vectors)
        return distances, ids

    def _way(self, k: int) -> dict[str, Any]:
        """How the index is searched for k neighbours: what is best for as many queries as there are
        samples. kith's own choice depends on how many there are, and so would the answers."""
        plan = self.index_.plan(k, self.n_samples_fit_, recall=self.recall)
        way = plan["index"]
        if plan["why_exact"] in ("out of reach", "unmeasured"):
            reason = (
                "what recall its index gives was not measured"
                if plan["reached"] is None
                else f"recall {self.recall} is beyond what its index reaches for k = {k}, "
                f"about {plan['reached']:.4g}"
            )
            warnings.warn(f"Exact search instead: {reason}", RuntimeWarning, stacklevel=5)
        return {"exact": True} if way == "exact" else {"index": way, "recall": self.recall}

    def _neighbors_of_fitted(
        self, n_neighbors: int, with_self: bool = False
    ) -> tuple[Distances, Ids]:
        """The nearest `n_neighbors` others of each fitted sample; with_self: and itself, at 0."""
        known = self._neighbor_graph(n_neighbors)
        if known is not None:
            return _with_self(*known) if with_self else known
        parts: list[tuple[Distances, Ids]] = []
        step = max(1, _QUERY_BLOCK // self.n_features_in_)
        for first in range(0, self.n_samples_fit_, step):
            rows = np.arange(first, min(first + step, self.n_samples_fit_))
            distances, ids = self._search(self.index_.vectors(rows), n_neighbors + 1)
            parts.append(_settle_self(distances, ids, rows, with_self))
        return (
            np.concatenate([distances for distances, _ in parts]),
            np.concatenate([ids for _, ids in parts]),
        )

    def _neighbor_graph(self, n_neighbors: int) -> tuple[Distances, Ids] | None:
        """The nearest others of each fitted sample at the recall asked for, without a search for
        each, where that is by a graph; else, and where it finds too few of some, None."""
        way = self._way(n_neighbors + 1)
        if way.get("index") != "graph" or self.recall is None:
            return None
        graph = self.index_.knn_graph(
            n_neighbors, recall=self.recall, n_jobs=effective_n_jobs(self.n_jobs)
        )
        if graph.nnz != n_neighbors * self.n_samples_fit_:
            return None
        ids = graph.indices.astype(np.int64).reshape(-1, n_neighbors)
        distances = self._space.distances(graph.data.reshape(-1, n_neighbors))
        step = max(1, _QUERY_BLOCK // self.n_features_in_)
        for first in range(0, len(ids), step):
            rows = slice(first, first + step)
            queries = self.index_.vectors(np.arange(len(ids))[rows])
            self._space.sharpen(distances[rows], ids[rows], queries, self.index_.vectors)
        return distances, ids


def _with_self(distances: Distances, ids: Ids) -> tuple[Distances, Ids]:
    """Each row's own id before its neighbours, at 0."""
    rows = np.arange(len(ids))[:, np.newaxis]
    return np.hstack([np.zeros((len(ids), 1)), distances]), np.hstack([rows, ids])


def _settle_self(
    distances: Distances, ids: Ids, rows: Ids, with_self: bool
) -> tuple[Distances, Ids]:
    """Takes row i's own id `rows[i]` out of its neighbours, or makes it the first, at 0.

    It may be missing, where it has many copies or search is approximate: then the farthest gives
    way.
    """
    places = np.argmax(ids == rows[:, np.newaxis], axis=1)
    missing = ids[np.arange(len(rows)), places] != rows
    places[missing] = ids.shape[1] - 1
    others = np.arange(ids.shape[1]) != places[:, np.newaxis]
    shape = (len(rows), ids.shape[1] - 1)
    distances, ids = distances[others].reshape(shape), ids[others].reshape(shape)
    if not with_self:
        return distances, ids
    return np.hstack([np.zeros((len(rows), 1)), distances]), np.hstack([rows[:, np.newaxis], ids])
