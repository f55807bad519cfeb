"""Nearest neighbours for scikit-learn, found by kith.

=================  ======================================================
KithTransformer    as ``sklearn.neighbors.KNeighborsTransformer``
KithNeighbors      as ``sklearn.neighbors.NearestNeighbors``
KithClassifier     as ``sklearn.neighbors.KNeighborsClassifier``
KithRegressor      as ``sklearn.neighbors.KNeighborsRegressor``
=================  ======================================================

They take the same arrays and return the same shapes. Sets of up to 2**24 values are searched
exactly. For larger ones, `recall` says how many of the true neighbours are to be found on average;
``index="exact"`` finds all.
"""

from __future__ import annotations

try:
    from sklearn.utils.validation import validate_data as _validate_data  # noqa: F401
except ImportError as error:
    raise ImportError(
        "kith.sklearn needs scikit-learn 1.6 or later: pip install 'scikit-learn>=1.6'"
    ) from error

from ._estimators import KithClassifier, KithNeighbors, KithRegressor, KithTransformer

__all__ = ["KithClassifier", "KithNeighbors", "KithRegressor", "KithTransformer"]
