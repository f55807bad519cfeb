"""Vectors that are nearly the same."""

from __future__ import annotations

import numpy as np
import pytest

import kith


def made(n: int = 500, dim: int = 8) -> np.ndarray:
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((n, dim)).astype("f4")
    rows[1::10] = rows[::10] + 0.01 * rng.standard_normal((n // 10, dim))
    return rows


@pytest.mark.parametrize("way", ["exact", "graph"])
def test_pairs_and_groups_are_those_of_a_plain_loop(way: str) -> None:
    rows = made()
    index = kith.build(rows, metric="euclidean", index="graph", calibrate=False)
    found = index.duplicates(0.2, index=way)
    away = np.linalg.norm(rows[:, None].astype("f8") - rows, axis=2)
    first, second = np.nonzero(np.triu(away <= 0.2, 1))
    assert len(found.pairs) >= 50
    assert {tuple(pair) for pair in found.pairs.tolist()} == set(
        zip(first.tolist(), second.tolist(), strict=True)
    )
    assert (np.diff(found.distances) >= 0).all()
    np.testing.assert_allclose(found.distances, away[tuple(found.pairs.T)], rtol=1e-4, atol=1e-6)
    assert found.groups == [[10 * i, 10 * i + 1] for i in range(50)]


def test_ids_are_the_callers() -> None:
    rows = made(20)
    index = kith.build(rows, metric="euclidean", ids=np.arange(20) + 1000)
    found = index.duplicates(0.2)
    assert sorted(map(tuple, found.pairs.tolist())) == [(1000, 1001), (1010, 1011)]
    assert found.groups == [[1000, 1001], [1010, 1011]]


def test_nothing_near_and_faulty_arguments() -> None:
    index = kith.build(made(), metric="euclidean")
    found = index.duplicates(0)
    assert found.pairs.shape == (0, 2) and found.distances.shape == (0,) and found.groups == []
    with pytest.raises(ValueError, match="finite"):
        index.duplicates(float("nan"))
    with pytest.raises(ValueError, match="recall"):
        index.duplicates(1, recall=2)
    with pytest.raises(TypeError, match="within"):
        index.duplicates("near")
