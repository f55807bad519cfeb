"""Labels and values told by nearest neighbours: on a map, of pictures, of anything with vectors.

    from kith import learn

    index = kith.build(images, metric="euclidean")
    learn.classify(index, others, labels, k=3).labels
    learn.cross_validate(index, labels=labels, k=range(1, 11)).error

    places = kith.build(learn.sphere_points(latitudes, longitudes), metric="euclidean")
    learn.regress(places, learn.sphere_points(*grid), temperatures, k=8, weights="distance").values

The k nearest stored vectors of a query vote on its label, or their values are averaged (Fix and
Hodges 1951; Cover and Hart, IEEE Transactions on Information Theory, 1967). The answers are those
of ``kith classify`` and ``kith regress``, bit for bit, and depend on no number of threads. Every
function is thread-safe, works without the GIL, and is ended by Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._index import Index
from ._inputs import as_array, unmasked
from ._progress import Progress, as_callback

__all__ = [
    "Classification",
    "ClassificationScores",
    "MapQuality",
    "Regression",
    "RegressionScores",
    "chord_to_km",
    "classify",
    "cross_validate",
    "globe_blocks",
    "map_quality",
    "regress",
    "sphere_points",
]


class Classification(NamedTuple):
    """What :func:`classify` tells; arrays of the shape (nq,), or (number of k, nq) of several."""

    labels: NDArray[Any]
    """The labels, of the type that they were given in."""
    shares: NDArray[np.float64]
    """The share of the votes that each got, by weight."""


class Regression(NamedTuple):
    """What :func:`regress` tells; arrays of the shape (nq,), or (number of k, nq) of several."""

    values: NDArray[np.float64]
    """NaN of a query of which no neighbour was found."""
    low: NDArray[np.float64] | None
    """Between here and `high` lies the share of the neighbours' values that was asked for."""
    high: NDArray[np.float64] | None
    """None, as `low`, without an interval."""
    nearest: NDArray[np.float32]
    """(nq,): the distance of the nearest neighbour, whatever k; inf if none was found."""


class ClassificationScores(NamedTuple):
    """How well labels are told, of each k: arrays (number of k,)."""

    k: NDArray[np.int64]
    error: NDArray[np.float64]
    """The share of the rows that are told a wrong label."""

    @property
    def best(self) -> int:
        """The k with the least error, and of several the first."""
        return int(self.k[np.argmin(self.error)])


class RegressionScores(NamedTuple):
    """How well values are told, of each k: arrays (number of k,)."""

    k: NDArray[np.int64]
    rmse: NDArray[np.float64]
    """The root of the mean of squared errors."""
    mae: NDArray[np.float64]
    """The mean of absolute errors."""
    r2: NDArray[np.float64]
    """1 less the squared error over the variance of the values."""

    @property
    def best(self) -> int:
        """The k with the least `rmse`, and of several the first."""
        return int(self.k[np.argmin(self.rmse)])


def classify(
    index: Index,
    /,
    queries: ArrayLike,
    labels: ArrayLike,
    k: int | Iterable[int] = 5,
    *,
    weights: str = "uniform",
    progress: Progress = None,
    **search: Any,
) -> Classification:
    """The label that most of each query's k nearest vectors have.

    Parameters
    ----------
    index : Index
    queries : array (nq, d), or (d,) for one
    labels : array (n,)
        Of each vector of the index, in the order in which it was built: integers, strings or
        booleans. Of labels with as many votes the first in sorted order wins.
    k : int or several
        How many neighbours vote. One search serves several.
    weights : str
        "uniform", or "distance": a vote counts the inverse of its distance, and where neighbours
        are at distance 0, they alone count. Not for dot.
    progress : callable or True, optional
        As for :func:`kith.build`.
    **search
        How neighbours are found, as :meth:`Index.search` takes it: ``recall``, ``worst``,
        ``drift``, ``effort``, ``exact``, ``index``, ``n_jobs``. What is missed, is missed of odd
        queries, which are then told wrong: ``exact=True`` for errors that are to be published.
        :class:`kith.DriftWarning` is given as there; not by :func:`cross_validate`, whose queries
        are the stored vectors themselves.

    Returns
    -------
    Classification
        ``labels`` and ``shares``, (nq,) each. A row for each of several k; no axis for one query.

    Raises
    ------
    TypeError, ValueError
        As :meth:`Index.search`; another number of labels than vectors; labels that are fractions;
        a query of which nothing was found, as a forest may.
    """
    _check_index(index)
    classes, numbers = _numbered(labels)
    options = _options(search, weights)
    k = _ks(k)
    with as_callback(progress) as report:
        told, shares, one = _core.learn_classify(index, queries, numbers, k, options, report)
    if (told < 0).any():
        query = int(np.argwhere(told < 0)[0, 1])
        raise ValueError(f"no neighbour of query {query} was found; search with exact=True")
    return Classification(_shaped(classes[told], k, one), _shaped(shares, k, one))


def regress(
    index: Index,
    /,
    queries: ArrayLike,
    values: ArrayLike,
    k: int | Iterable[int] = 10,
    *,
    weights: str = "uniform",
    trim: float = 0.0,
    median: bool = False,
    interval: float | None = None,
    progress: Progress = None,
    **search: Any,
) -> Regression:
    """The mean, or the median, of the values of each query's k nearest vectors.

    Parameters
    ----------
    index, queries, k, weights, progress, **search
        As for :func:`classify`.
    values : array (n,)
        Of each vector of the index, in the order in which it was built; finite.
    trim : float
        The share of the neighbours, rounded down to a number of them, that is left out for having
        the highest values, as times that were measured have delays in them now and then.
    median : bool
        The weighted median of what is left, instead of the mean.
    interval : float, optional
        Also between which values this share of the neighbours' weight lies, 0.8 say. Neighbours
        that were trimmed count.

    Returns
    -------
    Regression
        ``values``, (nq,), ``low`` and ``high``, and ``nearest``, how far the nearest neighbour is.
        A row for each of several k, but of ``nearest``; no axis for one query.

    Raises
    ------
    TypeError, ValueError
        As :meth:`Index.search`; another number of values than vectors; one that is not finite;
        shares that are none.
    """
    _check_index(index)
    options = _options(search, weights, trim, median, interval)
    k = _ks(k)
    with as_callback(progress) as report:
        told, low, high, nearest, one = _core.learn_regress(
            index, queries, as_array(values), k, options, report
        )
    return Regression(
        _shaped(told, k, one),
        None if low is None else _shaped(low, k, one),
        None if high is None else _shaped(high, k, one),
        nearest[0] if one else nearest,
    )


@overload
def cross_validate(
    index: Index,
    /,
    *,
    labels: ArrayLike,
    k: int | Iterable[int] = ...,
    folds: int | ArrayLike = ...,
    blocks: ArrayLike | None = ...,
    seed: int = ...,
    weights: str = ...,
    progress: Progress = ...,
    **search: Any,
) -> ClassificationScores: ...


@overload
def cross_validate(
    index: Index,
    /,
    *,
    values: ArrayLike,
    k: int | Iterable[int] = ...,
    folds: int | ArrayLike = ...,
    blocks: ArrayLike | None = ...,
    seed: int = ...,
    weights: str = ...,
    trim: float = ...,
    median: bool = ...,
    progress: Progress = ...,
    **search: Any,
) -> RegressionScores: ...


def cross_validate(
    index: Index,
    /,
    *,
    labels: ArrayLike | None = None,
    values: ArrayLike | None = None,
    k: int | Iterable[int] = range(1, 11),
    folds: int | ArrayLike = 10,
    blocks: ArrayLike | None = None,
    seed: int = 42,
    weights: str = "uniform",
    trim: float = 0.0,
    median: bool = False,
    progress: Progress = None,
    **search: Any,
) -> ClassificationScores | RegressionScores:
    """How well labels or values are told of vectors by their neighbours in other folds.

    Parameters
    ----------
    index : Index
    labels, values : array (n,)
        One of them: what is to be told, as :func:`classify` and :func:`regress` take it.
    k : int or several
        The numbers of neighbours to compare. One search of each fold serves all.
    folds : int or array (n,)
        How many parts the vectors are dealt to at random; or the fold of each, whatever tells
        folds apart.
    blocks : array (n,), optional
        Vectors of one block, whatever tells blocks apart, are left out together. Neighbours on a
        map resemble each other, and random folds, which leave a place's nearest where they are,
        make predictions of far places seem better than they are (Roberts et al., Ecography 2017);
        :func:`globe_blocks` makes such blocks.
    seed : int
        How vectors, or blocks, are dealt.
    weights, trim, median, progress, **search
        As for :func:`classify` and :func:`regress`.

    Returns
    -------
    ClassificationScores or RegressionScores
        Arrays, a place for each k, and ``best``, the k that tells best.

    Raises
    ------
    TypeError, ValueError
        As :func:`regress`; neither labels nor values, or both; k beyond what other folds have;
        fewer vectors, or blocks, than folds.
    """
    _check_index(index)
    if (labels is None) == (values is None):
        raise ValueError("give either labels or values, whichever is to be told")
    parts = _dealt(len(index), folds, blocks, seed)
    options = _options(search, weights, trim, median)
    k = _ks(k)
    with as_callback(progress) as report:
        if values is not None:
            scores = np.array(
                _core.learn_score_values(index, as_array(values), parts, k, options, report)
            )
            return RegressionScores(scores[:, 0].astype(np.int64), *scores[:, 1:].T)
        if trim or median:
            raise ValueError("trim and median are for values; leave them out")
        _, numbers = _numbered(labels)
        scores = np.array(_core.learn_score_labels(index, numbers, parts, k, options, report))
        return ClassificationScores(scores[:, 0].astype(np.int64), scores[:, 1])


def sphere_points(latitudes: ArrayLike, longitudes: ArrayLike) -> NDArray[np.float32]:
    """Places on the globe as vectors: points of the unit sphere, (n, 3).

    Euclidean distance between them is the length of the chord, which is the shorter the nearer the
    places are, over the poles and the date line too; build with ``metric="euclidean"``.

    Parameters
    ----------
    latitudes, longitudes : array (n,)
        In degrees, from -90 to 90 and from -180 to 360.

    Raises
    ------
    ValueError
        Another value, with the number of its place; lengths that differ.
    """
    return _core.sphere_points(as_array(latitudes), as_array(longitudes))


def globe_blocks(latitudes: ArrayLike, longitudes: ArrayLike, degrees: float) -> NDArray[np.int64]:
    """The block of each place, for :func:`cross_validate`: (n,).

    Blocks are so many degrees of latitude high and about as wide, near the poles too. Places and
    errors as of :func:`sphere_points`.
    """
    return _core.globe_blocks(as_array(latitudes), as_array(longitudes), degrees)


def chord_to_km(chords: ArrayLike) -> NDArray[np.float64]:
    """Great-circle distances in km, of the shape of `chords`, the distances of sphere_points().

    To about a metre, for these are float32; the Earth's mean radius is 6371.0088 km.
    """
    array = np.asarray(chords)
    return _core.chord_to_km(array.ravel()).reshape(array.shape)


def _check_index(index: object) -> None:
    if not isinstance(index, Index):
        raise TypeError(
            f"index is of type {type(index).__name__}; kith.build(vectors) makes a kith.Index of "
            "vectors"
        )


def _options(
    search: dict[str, Any],
    weights: str,
    trim: float = 0.0,
    median: bool = False,
    interval: float | None = None,
) -> dict[str, object]:
    """All that the core is told of how neighbours are found and averaged."""
    options: dict[str, object] = {
        "recall": None,
        "effort": None,
        "exact": False,
        "index": "auto",
        "n_jobs": 1,
        "worst": None,
        "drift": "warn",
    }
    for name in search:
        if name not in options:
            raise TypeError(
                f"there is no argument {name!r}; neighbours are found by {', '.join(options)}"
            )
    return options | search | dict(weights=weights, trim=trim, median=median, interval=interval)


def _ks(k: Any) -> Any:
    """What may be iterated over but once, as a list; one k as it is."""
    return list(k) if isinstance(k, Iterable) and getattr(k, "ndim", 1) > 0 else k


def _numbered(labels: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The different labels in sorted order, and the place of each among them."""
    array = np.asarray(unmasked(as_array(labels)))
    if array.ndim != 1:
        raise ValueError(f"labels have {array.ndim} axes; give one for each vector, as (n,)")
    if array.dtype.kind in "fc":
        raise TypeError(
            f"labels are of type {array.dtype}; they must be integers, strings or booleans "
            "(regress() tells values)"
        )
    classes, numbers = np.unique(array, return_inverse=True)
    return classes, numbers


def _dealt(rows: int, folds: Any, blocks: Any, seed: int) -> NDArray[np.int64]:
    """The fold of each row."""
    if np.ndim(folds) > 0:
        if blocks is not None:
            raise ValueError("folds of your own are whole already; leave out blocks")
        return np.unique(np.asarray(folds), return_inverse=True)[1]
    if blocks is None:
        return _core.learn_folds(np.arange(rows), folds, seed)
    numbers = np.unique(np.asarray(blocks), return_inverse=True)[1]
    return _core.learn_folds(numbers, folds, seed)


def _shaped(told: NDArray[Any], k: Any, one: bool) -> Any:
    """Without the axes of k and of queries where there is one of them, not several."""
    if one:
        told = told[:, 0]
    return told if isinstance(k, list) else told[0]


class MapQuality(NamedTuple):
    """What a map keeps of the neighbours; see :func:`map_quality`."""

    trustworthiness: float
    """1 less what the nearest points lose by being farther among the vectors, in ranks: 0 to 1."""
    preservation: float
    """The share of the nearest vectors that are among the nearest points."""
    k: int
    samples: int


def map_quality(
    index: Index,
    points: ArrayLike,
    *,
    k: int = 15,
    samples: int = 1000,
    n_jobs: int | None = -1,
    progress: Progress = None,
) -> MapQuality:
    """What a map in two dimensions keeps of the neighbours of an index's vectors.

    Trustworthiness is that of Venna and Kaski (ICANN 2001) and of scikit-learn, by the distances
    of some rows to all others: exact with `samples` of as many as there are rows.

    Parameters
    ----------
    points : array (n, 2)
        A point for each row: of :meth:`kith.Index.map`, or anybody's.
    k : int
        Neighbours that are compared, at most (n - 1) / 2; more are taken for that.
    samples : int
        Rows whose neighbours are compared, evenly spread.
    n_jobs, progress
        As for :meth:`kith.Index.map`.
    """
    with as_callback(progress) as report:
        return MapQuality(*_core.measure_map(index, points, k, samples, n_jobs, report))
