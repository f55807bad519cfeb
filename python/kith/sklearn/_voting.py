"""From neighbours to answers: weights of neighbours, and their votes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Weights = str | Callable[[Array], Array] | None


def check_weights(weights: Weights) -> None:
    """ValueError for what is no way of weighting."""
    if not (weights is None or callable(weights) or weights in ("uniform", "distance")):
        raise ValueError(
            f"weights must be 'uniform', 'distance', a callable or None, not {weights!r}"
        )


def neighbor_weights(distances: Array, weights: Weights) -> Array | None:
    """How much each neighbour counts, shaped as `distances` (n_queries, k); None: all the same."""
    if weights is None or isinstance(weights, str) and weights == "uniform":
        return None
    if callable(weights):
        return np.asarray(weights(distances), dtype=np.float64)
    with np.errstate(divide="ignore"):
        inverse = 1.0 / distances
    infinite = np.isinf(inverse)
    at_sample = infinite.any(axis=1)
    inverse[at_sample] = infinite[at_sample]
    return inverse


def vote(labels: NDArray[np.integer[Any]], weights: Array | None, num_classes: int) -> Array:
    """The share of the weights that each class gets.

    labels, weights: (n_queries, k); returns (n_queries, num_classes), each row summing to 1.
    """
    num_queries = len(labels)
    cells = labels + num_classes * np.arange(num_queries)[:, np.newaxis]
    shares = (
        np.bincount(
            cells.ravel(), None if weights is None else weights.ravel(), num_queries * num_classes
        )
        .reshape(num_queries, num_classes)
        .astype(np.float64)
    )
    return shares / shares.sum(axis=1, keepdims=True)
