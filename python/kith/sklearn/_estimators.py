"""The four estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import (
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    MultiOutputMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ._base import NeighborsEstimator
from ._voting import Weights, check_weights, neighbor_weights, vote

Array = NDArray[Any]


class KithNeighbors(NeighborsEstimator):
    """Nearest neighbours, as ``sklearn.neighbors.NearestNeighbors``.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many neighbours.
    metric : str, default='euclidean'
        'euclidean' ('l2'), 'manhattan' ('l1', 'cityblock'), 'cosine' ('angular') or 'hamming';
        distances are those that scikit-learn returns for the name.
    index : {'auto', 'exact', 'graph', 'forest'}, default='auto'
        How neighbours are found. 'auto': exactly up to 2**24 values (20,000 samples of 800), else
        by what takes the least time for as many queries as there are samples. 'exact': every sample
        is compared.
    recall : float or None, default=0.99
        The share of the true neighbours to find, on average over queries like the samples. 1.0:
        exact search, as where a graph or a forest can't reach it (with a RuntimeWarning). None:
        whatever the default effort finds.
    n_jobs : int or None, default=None
        Threads that fit and search; they change no result. None: one, unless
        joblib.parallel_backend says otherwise; -1: one for each core.
    random_state : int, RandomState instance or None, default=None
        Seed of graphs and forests; None: always the same.

    Attributes
    ----------
    index_ : kith.Index
        What was built. Immutable; any number of threads may search it.
    n_samples_fit_, n_features_in_ : int
        The shape of what was fitted.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if all are strings.
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        metric: str = "euclidean",
        index: str = "auto",
        recall: float | None = 0.99,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.index = index
        self.recall = recall
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> KithNeighbors:
        """Builds the index.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Any real numbers, without NaN or infinity. Integers from 0 to 255 take one byte each,
            others four; the array itself is not kept.
        y : ignored

        Returns
        -------
        self : KithNeighbors
        """
        self._build(validate_data(self, X, order="C"))
        return self


class KithTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NeighborsEstimator):
    """The graph of nearest neighbours, as ``sklearn.neighbors.KNeighborsTransformer``.

    For estimators that take a sparse matrix of distances: TSNE, UMAP, DBSCAN, SpectralClustering,
    Isomap and others.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many neighbours.
    mode : {'distance', 'connectivity'}, default='distance'
        What an entry of the graph is: the distance, or a one. With 'distance', each row has one
        neighbour more, as a sample is its own.
    metric : str, default='euclidean'
        'euclidean' ('l2'), 'manhattan' ('l1', 'cityblock'), 'cosine' ('angular') or 'hamming';
        distances are those that scikit-learn returns for the name.
    index : {'auto', 'exact', 'graph', 'forest'}, default='auto'
        How neighbours are found. 'auto': exactly up to 2**24 values (20,000 samples of 800), else
        by what takes the least time for as many queries as there are samples. 'exact': every sample
        is compared.
    recall : float or None, default=0.99
        The share of the true neighbours to find, on average over queries like the samples. 1.0:
        exact search, as where a graph or a forest can't reach it (with a RuntimeWarning). None:
        whatever the default effort finds.
    n_jobs : int or None, default=None
        Threads that fit and search; they change no result. None: one, unless
        joblib.parallel_backend says otherwise; -1: one for each core.
    random_state : int, RandomState instance or None, default=None
        Seed of graphs and forests; None: always the same.

    Attributes
    ----------
    index_ : kith.Index
        What was built. Immutable; any number of threads may search it.
    n_samples_fit_, n_features_in_ : int
        The shape of what was fitted.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if all are strings.
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        mode: str = "distance",
        metric: str = "euclidean",
        index: str = "auto",
        recall: float | None = 0.99,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.mode = mode
        self.metric = metric
        self.index = index
        self.recall = recall
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> KithTransformer:
        """Builds the index.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As for KithNeighbors.
        y : ignored

        Returns
        -------
        self : KithTransformer
        """
        if self.mode not in ("distance", "connectivity"):
            raise ValueError(f"mode must be 'distance' or 'connectivity', not {self.mode!r}")
        self._build(validate_data(self, X, order="C"))
        self._n_features_out = self.n_samples_fit_
        return self

    def transform(self, X: Any) -> csr_matrix:
        """The graph that joins each sample to its nearest among the fitted.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_samples_fit), float64
            `n_neighbors` entries a row, one more with ``mode='distance'``; nearest first. Zero
            distances are explicit.
        """
        check_is_fitted(self, "index_")
        return self.kneighbors_graph(X, self._row_length(), mode=self.mode)

    def fit_transform(self, X: Any, y: Any = None) -> csr_matrix:
        """As ``fit(X).transform(X)``, but that each sample is in its row even where it has many
        copies, or where search overlooks it."""
        self.fit(X)
        others = self._row_length() - 1
        self._check_enough(others + 1, "n_neighbors <= n_samples_fit", self.n_samples_fit_)
        return self._graph(*self._neighbors_of_fitted(others, with_self=True), self.mode)

    def _row_length(self) -> int:
        return self.n_neighbors + (self.mode == "distance")


class KithClassifier(ClassifierMixin, MultiOutputMixin, NeighborsEstimator):
    """The vote of the nearest neighbours, as ``sklearn.neighbors.KNeighborsClassifier``.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many neighbours.
    weights : {'uniform', 'distance'}, callable or None, default='uniform'
        How much a neighbour counts: as much as any other (also None), by the inverse of its
        distance (those at distance 0 count alone), or by what the callable makes of the array of
        distances.
    metric : str, default='euclidean'
        'euclidean' ('l2'), 'manhattan' ('l1', 'cityblock'), 'cosine' ('angular') or 'hamming';
        distances are those that scikit-learn returns for the name.
    index : {'auto', 'exact', 'graph', 'forest'}, default='auto'
        How neighbours are found. 'auto': exactly up to 2**24 values (20,000 samples of 800), else
        by what takes the least time for as many queries as there are samples. 'exact': every sample
        is compared.
    recall : float or None, default=0.99
        The share of the true neighbours to find, on average over queries like the samples. 1.0:
        exact search, as where a graph or a forest can't reach it (with a RuntimeWarning). None:
        whatever the default effort finds.
    n_jobs : int or None, default=None
        Threads that fit and search; they change no result. None: one, unless
        joblib.parallel_backend says otherwise; -1: one for each core.
    random_state : int, RandomState instance or None, default=None
        Seed of graphs and forests; None: always the same.

    Attributes
    ----------
    index_ : kith.Index
        What was built. Immutable; any number of threads may search it.
    n_samples_fit_, n_features_in_ : int
        The shape of what was fitted.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if all are strings.
    classes_ : ndarray of shape (n_classes,), or a list of n_outputs of them
        The labels, in order.
    outputs_2d_ : bool
        Whether `y` had two dimensions.
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Weights = "uniform",
        metric: str = "euclidean",
        index: str = "auto",
        recall: float | None = 0.99,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.metric = metric
        self.index = index
        self.recall = recall
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> KithClassifier:
        """Builds the index.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As for KithNeighbors.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels.

        Returns
        -------
        self : KithClassifier
        """
        check_weights(self.weights)
        X, y = validate_data(self, X, y, multi_output=True, order="C")
        check_classification_targets(y)
        self.outputs_2d_ = y.ndim == 2 and y.shape[1] > 1
        columns = y.reshape(len(y), -1).T
        found = [np.unique(column, return_inverse=True) for column in columns]
        self._labels = [labels.reshape(-1) for _, labels in found]
        classes = [values for values, _ in found]
        self.classes_ = classes if self.outputs_2d_ else classes[0]
        self._build(X)
        return self

    def predict_proba(self, X: Any) -> Array | list[Array]:
        """The share of the weights that each class gets.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), or None
            None: the fitted samples, none of which is its own neighbour.

        Returns
        -------
        shares : ndarray of shape (n_queries, n_classes), or a list of n_outputs of them
            Rows sum to 1.
        """
        check_is_fitted(self, "index_")
        distances, ids = self.kneighbors(X)
        weights = neighbor_weights(distances, self.weights)
        if weights is not None and not np.any(weights, axis=1).all():
            raise ValueError("All neighbors of some sample get zero weights; change 'weights'")
        classes = self.classes_ if self.outputs_2d_ else [self.classes_]
        shares = [
            vote(labels[ids], weights, len(values))
            for labels, values in zip(self._labels, classes, strict=True)
        ]
        return shares if self.outputs_2d_ else shares[0]

    def predict(self, X: Any) -> Array:
        """The class with the largest share; of equal ones, the first.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), or None
            As for `predict_proba`.

        Returns
        -------
        y : ndarray of shape (n_queries,) or (n_queries, n_outputs)
        """
        shares = self.predict_proba(X)
        if not self.outputs_2d_:
            return self.classes_[np.argmax(shares, axis=1)]
        return np.stack(
            [
                values[np.argmax(share, axis=1)]
                for values, share in zip(self.classes_, shares, strict=True)
            ],
            axis=1,
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class KithRegressor(RegressorMixin, MultiOutputMixin, NeighborsEstimator):
    """The mean of the nearest neighbours, as ``sklearn.neighbors.KNeighborsRegressor``.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many neighbours.
    weights : {'uniform', 'distance'}, callable or None, default='uniform'
        How much a neighbour counts: as much as any other (also None), by the inverse of its
        distance (those at distance 0 count alone), or by what the callable makes of the array of
        distances.
    metric : str, default='euclidean'
        'euclidean' ('l2'), 'manhattan' ('l1', 'cityblock'), 'cosine' ('angular') or 'hamming';
        distances are those that scikit-learn returns for the name.
    index : {'auto', 'exact', 'graph', 'forest'}, default='auto'
        How neighbours are found. 'auto': exactly up to 2**24 values (20,000 samples of 800), else
        by what takes the least time for as many queries as there are samples. 'exact': every sample
        is compared.
    recall : float or None, default=0.99
        The share of the true neighbours to find, on average over queries like the samples. 1.0:
        exact search, as where a graph or a forest can't reach it (with a RuntimeWarning). None:
        whatever the default effort finds.
    n_jobs : int or None, default=None
        Threads that fit and search; they change no result. None: one, unless
        joblib.parallel_backend says otherwise; -1: one for each core.
    random_state : int, RandomState instance or None, default=None
        Seed of graphs and forests; None: always the same.

    Attributes
    ----------
    index_ : kith.Index
        What was built. Immutable; any number of threads may search it.
    n_samples_fit_, n_features_in_ : int
        The shape of what was fitted.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if all are strings.
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Weights = "uniform",
        metric: str = "euclidean",
        index: str = "auto",
        recall: float | None = 0.99,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.metric = metric
        self.index = index
        self.recall = recall
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> KithRegressor:
        """Builds the index.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As for KithNeighbors.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Numbers.

        Returns
        -------
        self : KithRegressor
        """
        check_weights(self.weights)
        X, self._y = validate_data(self, X, y, multi_output=True, y_numeric=True, order="C")
        self._build(X)
        return self

    def predict(self, X: Any) -> Array:
        """The weighted mean of the neighbours' values.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), or None
            None: the fitted samples, none of which is its own neighbour.

        Returns
        -------
        y : ndarray of shape (n_queries,) or (n_queries, n_outputs), float64
        """
        check_is_fitted(self, "index_")
        distances, ids = self.kneighbors(X)
        weights = neighbor_weights(distances, self.weights)
        values = self._y[ids].astype(np.float64, copy=False)
        if weights is None:
            return values.mean(axis=1)
        return np.einsum("qk...,qk->q...", values, weights) / weights.sum(axis=1).reshape(
            (-1,) + (1,) * (self._y.ndim - 1)
        )
