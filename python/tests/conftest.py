"""What the tests share."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def cloud() -> np.ndarray:
    """Vectors (2000, 24) around 40 centres, read-only."""
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((40, 24))
    points = centres[rng.integers(40, size=2000)] + 0.3 * rng.standard_normal((2000, 24))
    array = points.astype(np.float32)
    array.flags.writeable = False
    return array


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data; the test is skipped without it."""
    folder = os.environ.get("KITH_DATA")
    if not folder:
        pytest.skip("KITH_DATA is not set: no real data")
    return Path(folder)


def brute_force(base: np.ndarray, queries: np.ndarray, k: int, metric: str) -> np.ndarray:
    """Distances (nq, k) of the k nearest, in double precision, ascending."""
    x, q = base.astype(np.float64), queries.astype(np.float64)
    if metric == "angular":
        lengths = np.linalg.norm(q, axis=1)[:, None] * np.linalg.norm(x, axis=1)[None]
        products = q @ x.T
        distances = 1 - np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    elif metric == "euclidean":
        distances = np.sqrt(((q[:, None] - x[None]) ** 2).sum(2))
    elif metric == "dot":
        distances = -(q @ x.T)
    elif metric == "manhattan":
        distances = np.abs(q[:, None] - x[None]).sum(2)
    else:
        distances = (q[:, None] != x[None]).sum(2)
    return np.sort(distances, axis=1)[:, :k]
