"""Maps of vectors, and neighbours handed to those who make maps of their own."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

import kith
from kith import learn


def clusters(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(6, size=n)
    centres = 3 * rng.standard_normal((6, 16))
    return (centres[labels] + rng.standard_normal((n, 16))).astype("f4"), labels


def agreement(points: np.ndarray, labels: np.ndarray) -> float:
    """The share of points whose nearest one has their label."""
    away = np.linalg.norm(points[:, None].astype("f8") - points, axis=2)
    np.fill_diagonal(away, np.inf)
    return float((labels[away.argmin(axis=1)] == labels).mean())


def test_a_map_keeps_clusters_and_depends_on_no_threads() -> None:
    rows, labels = clusters(900)
    index = kith.build(rows, metric="euclidean", calibrate=False)
    points = index.map(n_jobs=1, epochs=150)
    assert points.shape == (900, 2) and points.dtype == np.float32
    assert agreement(points, labels) > 0.99
    assert (index.map(n_jobs=2, epochs=150) == points).all()
    assert (index.map(n_jobs=2, epochs=150, seed=7) != points).any()
    seen = []
    index.map(k=5, epochs=3, progress=lambda stage, done, total: seen.append(stage))
    assert "layout" in seen


def test_quality_is_scikit_learns() -> None:
    manifold = pytest.importorskip("sklearn.manifold")
    rows, _ = clusters(500)
    index = kith.build(rows, metric="euclidean", calibrate=False)
    points = index.map(epochs=100)
    for k in (5, 15):
        quality = learn.map_quality(index, points, k=k)
        assert (quality.k, quality.samples) == (k, 500)
        expected = manifold.trustworthiness(rows, points, n_neighbors=k)
        assert abs(quality.trustworthiness - expected) < 1e-4
    assert 0.2 < quality.preservation < 1
    assert learn.map_quality(index, points.astype("f8"), samples=50).samples == 50


def test_a_file_keeps_a_map(tmp_path: pathlib.Path) -> None:
    rows, _ = clusters(300)
    path = tmp_path / "a.kith"
    index = kith.build(rows, path, calibrate=False)
    assert index.stored_map() is None
    points = index.map(epochs=20, store=True)
    assert (index.stored_map() == points).all()
    assert (kith.open(path).stored_map() == points).all()
    memory = kith.build(rows, calibrate=False)
    points = memory.map(epochs=20, store=True)
    assert (memory.stored_map() == points).all()
    assert (kith.from_bytes(memory.to_bytes()).stored_map() == points).all()


def test_what_is_wrong_is_said() -> None:
    rows, _ = clusters(60)
    index = kith.build(rows, calibrate=False)
    for options, words in (
        ({"k": 0}, "k"),
        ({"min_dist": 2}, "min_dist"),
        ({"min_dist": float("nan")}, "min_dist"),
        ({"spread": 0}, "spread"),
        ({"epochs": 0}, "epochs"),
        ({"negatives": -1}, "negatives"),
        ({"recall": 2}, "recall"),
        ({"index": "forest"}, "has no forest"),
    ):
        with pytest.raises(ValueError, match=words):
            index.map(**options)
    with pytest.raises(TypeError, match="k"):
        index.map("many")
    for points in (np.zeros((59, 2)), np.zeros((60, 3)), np.zeros(120), np.full((60, 2), np.nan)):
        with pytest.raises(ValueError, match="point"):
            learn.map_quality(index, points)
    index.close()
    with pytest.raises(ValueError, match="closed"):
        index.map()
