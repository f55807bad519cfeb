"""Between the arrays of scikit-learn and what kith stores: metrics by their names there, and values
that float32 can't hold.

scikit-learn computes in float64, kith stores at most float32. Values that float32 holds exactly
(all integers up to 2**24 among them) go in as they are. Others are moved first, so that what is
lost is relative to the spread of the data, not to how far it lies from the origin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# The stored vectors of ids, as kith.Index.vectors.
Vectors = Callable[[Array], Array]

# What scikit-learn calls a metric -> what kith calls it.
KITH_METRICS = {
    "euclidean": "euclidean",
    "l2": "euclidean",
    "manhattan": "manhattan",
    "l1": "manhattan",
    "cityblock": "manhattan",
    "cosine": "angular",
    "angular": "angular",
    "hamming": "hamming",
}

# Squares of values between these, and sums of 65,536 of them, neither overflow nor vanish in
# float32; kith.build() refuses what is all smaller.
_LARGEST = 1e16
_SMALLEST = 1e-12
# Rows that differ by less of their size than this are scaled by how far they differ.
_SPREAD = 1e-6
# Cosine distances below this, differences of numbers near one, are computed anew.
_NEAR = 1e-3
# Values converted at a time.
_BLOCK = 1 << 20


def kith_metric(name: Any) -> str:
    """kith's name of a metric that scikit-learn calls `name`. ValueError for those without one."""
    if isinstance(name, str):
        if name in KITH_METRICS:
            return KITH_METRICS[name]
        if name == "dot":
            raise ValueError(
                "metric 'dot' is no distance: it can be negative, and a vector need not be its own "
                "nearest. Use kith.build(..., metric='dot') for maximum inner product, or "
                "'cosine' here."
            )
    raise ValueError(f"metric must be one of {sorted(KITH_METRICS)}, not {name!r}")


def _as_float32(values: Array) -> Array:
    """Rounded; what is beyond float32 becomes infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32, copy=False)


def _is_small(dtype: np.dtype[Any]) -> bool:
    return dtype in (np.uint8, np.int8)


def _holds(rounded: Array, values: Array) -> bool:
    """Whether float32 lost nothing."""
    if values.dtype.kind in "iu" and values.dtype.itemsize > 4:
        # Large ones would be rounded for the comparison, too.
        return bool(np.abs(values.astype(np.float64)).max() <= 2.0**24)
    return bool(np.array_equal(rounded, values))


def _blocks(rows: Array) -> Iterator[tuple[slice, Array]]:
    """All rows, some at a time, in float64."""
    step = max(1, _BLOCK // rows.shape[1])
    for first in range(0, len(rows), step):
        part = slice(first, first + step)
        yield part, rows[part].astype(np.float64)


def _extents(rows: Array) -> Array:
    """The largest absolute value of each row."""
    # Not abs(): that of the least integer is not an integer.
    return np.maximum(rows.max(axis=1), -rows.min(axis=1).astype(np.float64)).astype(np.float64)


def _in_range(extents: Array) -> Array:
    return (extents == 0) | ((extents >= _SMALLEST) & (extents <= _LARGEST))


def _power_of_two(extents: Any) -> Any:
    """At most `extents` and more than half of that: dividing by it rounds nothing."""
    return np.where(extents > 0, np.exp2(np.frexp(extents)[1] - 1.0), 1.0)


def _unit(rows: Array) -> Array:
    """Scaled to length 1, in float64, whatever their lengths; zero rows stay."""
    rows = rows / _power_of_two(_extents(rows))[:, np.newaxis]
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return rows / np.where(lengths > 0, lengths, 1)[:, np.newaxis]


class Space:
    """How the vectors of a metric are stored, and what the distances found mean.

    fit() and queries() make of validated arrays (n, d) what kith.build() and Index.search() take.
    """

    def fit(self, rows: Array) -> Array:
        """What is stored of the rows; queries() goes by what it found."""
        raise NotImplementedError

    def queries(self, rows: Array) -> Array:
        """Queries as they are compared; a fitted row comes out as it was stored."""
        raise NotImplementedError

    def distances(self, found: Array) -> Array:
        """scikit-learn's distances, float64, of kith's."""
        raise NotImplementedError

    def sharpen(self, distances: Array, ids: Array, queries: Array, vectors: Vectors) -> None:
        """Makes good, in place, what float32 left of `distances` (n_queries, k)."""


class _Translated(Space):
    """Euclidean and Manhattan distances, which a translation does not change and a scale scales."""

    shift: Any = None
    scale = 1.0

    def fit(self, rows: Array) -> Array:
        if _is_small(rows.dtype):
            return rows
        if rows.dtype == bool:
            return rows.astype(np.uint8)
        rounded = _as_float32(rows)
        extent = _extents(rows).max()
        if _in_range(extent) and _holds(rounded, rows):
            return rounded
        self.scale = float(_power_of_two(extent))
        self.shift = sum((block / self.scale).sum(axis=0) for _, block in _blocks(rows)) / len(rows)
        spread = max(np.abs(block / self.scale - self.shift).max() for _, block in _blocks(rows))
        if spread < _SPREAD:
            # Far from the origin, for so small a spread: scaled by that instead.
            by = float(_power_of_two(spread))
            self.scale *= by
            self.shift /= by
        return self._move(rows)

    def queries(self, rows: Array) -> Array:
        if _is_small(rows.dtype) and self.shift is None:
            return rows
        moved = _as_float32(rows) if self.shift is None else self._move(rows)
        if not np.abs(moved).max() <= _LARGEST:
            raise ValueError(
                f"A query has a value more than {_LARGEST * self.scale:g} away from the fitted "
                "samples: float32 can't hold the squares of such distances"
            )
        return moved

    def distances(self, found: Array) -> Array:
        return found.astype(np.float64) * self.scale

    def _move(self, rows: Array) -> Array:
        moved = np.empty(rows.shape, np.float32)
        for part, block in _blocks(rows):
            moved[part] = _as_float32(block / self.scale - self.shift)
        return moved


class _Directions(Space):
    """Cosine distance, which the length of vectors does not change."""

    normalized = False

    def fit(self, rows: Array) -> Array:
        if _is_small(rows.dtype):
            return rows
        self.normalized = not (_in_range(_extents(rows)).all() and _holds(_as_float32(rows), rows))
        return self.queries(rows)

    def queries(self, rows: Array) -> Array:
        if _is_small(rows.dtype):
            return rows if not self.normalized else self._normalize(rows)
        if self.normalized:
            return self._normalize(rows)
        extents = _extents(rows)
        if _in_range(extents).all():
            return _as_float32(rows)
        scales = np.where(_in_range(extents), 1.0, _power_of_two(extents))
        return _as_float32(rows / scales[:, np.newaxis])

    def distances(self, found: Array) -> Array:
        return found.astype(np.float64)

    def sharpen(self, distances: Array, ids: Array, queries: Array, vectors: Vectors) -> None:
        near = distances < _NEAR
        places, columns = np.nonzero(near)
        if not len(places):
            return
        step = max(1, _BLOCK // queries.shape[1])
        for first in range(0, len(places), step):
            rows, others = places[first : first + step], columns[first : first + step]
            apart = _unit(queries[rows].astype(np.float64)) - _unit(
                vectors(ids[rows, others]).astype(np.float64)
            )
            distances[rows, others] = np.einsum("ij,ij->i", apart, apart) / 2
        rows = np.flatnonzero(near.any(axis=1))
        order = np.lexsort((ids[rows], distances[rows]), axis=-1)
        ids[rows] = np.take_along_axis(ids[rows], order, axis=1)
        distances[rows] = np.take_along_axis(distances[rows], order, axis=1)

    @staticmethod
    def _normalize(rows: Array) -> Array:
        unit = np.empty(rows.shape, np.float32)
        for part, block in _blocks(rows):
            unit[part] = _unit(block)
        return unit


class _Codes(Space):
    """Hamming distance: only which values are equal counts. scikit-learn's is a share of the
    features, kith's a count."""

    values: Any = None  # sorted: what the codes stand for; None where values are their own codes
    is_bool = False
    dim = 0

    def fit(self, rows: Array) -> Array:
        self.dim = rows.shape[1]
        if rows.dtype == bool or _is_small(rows.dtype):
            self.is_bool = rows.dtype == bool
            return rows
        rounded = _as_float32(rows)
        stranger = np.nextafter(rounded.max(), np.float32(np.inf))
        if np.isfinite(stranger) and _holds(rounded, rows):
            self._stranger = stranger
            return rounded
        self.values, codes = np.unique(rows, return_inverse=True)
        if len(self.values) > 2**24:
            raise ValueError(
                "metric 'hamming' over more than 2**24 different values that float32 "
                "can't tell apart"
            )
        self._stranger = np.float32(len(self.values))
        return codes.reshape(rows.shape).astype(np.float32)

    def queries(self, rows: Array) -> Array:
        if self.is_bool:
            as_bool = rows.astype(bool)
            if not np.array_equal(as_bool, rows):
                raise ValueError("The fitted samples are boolean, so queries must be 0 or 1")
            return as_bool
        if rows.dtype == bool or _is_small(rows.dtype):
            rows = rows.astype(np.int16)
        if self.values is None:
            # A value that float32 doesn't hold is in no row; its neighbour in float32 may be.
            rounded = _as_float32(rows)
            return np.where(rounded == rows, rounded, self._stranger)
        places = np.searchsorted(self.values, rows)
        known = np.take(self.values, places, mode="clip") == rows
        return np.where(known, places, self._stranger).astype(np.float32)

    # Differs from all fitted values.
    _stranger = np.float32(300)

    def distances(self, found: Array) -> Array:
        return found.astype(np.float64) / self.dim


def make_space(metric: Any) -> Space:
    """The space for scikit-learn's `metric`; ValueError for one that kith does not have."""
    spaces: dict[str, type[Space]] = {
        "euclidean": _Translated,
        "manhattan": _Translated,
        "angular": _Directions,
        "hamming": _Codes,
    }
    return spaces[kith_metric(metric)]()
