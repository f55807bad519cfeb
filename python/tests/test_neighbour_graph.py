"""The neighbours of all vectors, as sparse matrices."""

from __future__ import annotations

import numpy as np
import pytest

import kith

sparse = pytest.importorskip("scipy.sparse")


def made(n: int, dim: int, metric: str, **options: object) -> tuple[np.ndarray, kith.Index]:
    rng = np.random.default_rng(3)
    centres = rng.standard_normal((n // 10, dim))
    rows = (centres[rng.integers(n // 10, size=n)] + 0.4 * rng.standard_normal((n, dim))).astype(
        "f4"
    )
    return rows, kith.build(rows, metric=metric, calibrate=False, **options)


@pytest.mark.parametrize("metric", ["angular", "euclidean", "dot"])
def test_exact_neighbours_are_those_of_a_plain_loop(metric: str) -> None:
    rows, index = made(400, 8, metric)
    away = {
        "angular": 1
        - (rows @ rows.T) / np.linalg.norm(rows, axis=1) / np.linalg.norm(rows, axis=1)[:, None],
        "euclidean": np.linalg.norm(rows[:, None].astype("f8") - rows, axis=2),
        "dot": -rows @ rows.T,
    }[metric]
    np.fill_diagonal(away, np.inf)
    graph = index.knn_graph(7, recall=1.0)
    assert isinstance(graph, sparse.csr_array)
    assert graph.shape == (400, 400) and graph.dtype == np.float32
    found = graph.indices.reshape(400, 7)
    assert (found == np.argsort(away, axis=1)[:, :7]).all()
    np.testing.assert_allclose(
        graph.data.reshape(400, 7), np.take_along_axis(away, found, axis=1), rtol=1e-4, atol=1e-5
    )


def test_the_recall_is_met_and_threads_change_nothing() -> None:
    rows, index = made(4000, 24, "euclidean", index="graph")
    truth = index.knn_graph(10, index="exact")
    graph = index.knn_graph(10, recall=0.9, index="graph", n_jobs=1)
    limits = truth.data.reshape(-1, 10)[:, -1:]
    assert (graph.data.reshape(-1, 10) <= limits * 1.000001).mean() >= 0.89
    again = index.knn_graph(10, recall=0.9, index="graph", n_jobs=2)
    assert (again.indices == graph.indices).all() and (again.data == graph.data).all()


def test_edges_both_ways() -> None:
    _, index = made(600, 8, "euclidean")
    directed = index.knn_graph(5)
    either = index.knn_graph(5, edges="either")
    mutual = index.knn_graph(5, edges="mutual", with_self=True)
    there = directed.toarray() > 0
    assert ((either.toarray() > 0) == (there | there.T)).all()
    assert ((mutual.toarray() > 0) == (there & there.T)).all()
    assert mutual.nnz == (there & there.T).sum() + 600  # zeros of the diagonal are stored
    assert (abs(either - either.T) > 0).nnz == 0


def test_what_is_wrong_is_said() -> None:
    _, index = made(300, 8, "angular")
    for options, words in (
        ({"k": 0}, "k"),
        ({"recall": 0}, "recall"),
        ({"index": "forest"}, "has no forest"),
        ({"edges": "all"}, "'directed', 'either' or 'mutual'"),
    ):
        with pytest.raises(ValueError, match=words):
            index.knn_graph(**options)
    with pytest.raises(TypeError, match="k"):
        index.knn_graph("many")
    index.close()
    with pytest.raises(ValueError, match="closed"):
        index.knn_graph()


def test_vectors_without_an_index() -> None:
    rows, _ = made(20000, 12, "euclidean")
    truth = kith.knn_graph(rows, 10, metric="euclidean", recall=1.0)
    graph = kith.knn_graph(rows, 10, metric="euclidean", recall=0.9, n_jobs=1)
    assert isinstance(graph, sparse.csr_array)
    assert graph.shape == (20000, 20000) and graph.nnz == 200000
    limits = truth.data.reshape(-1, 10)[:, -1:]
    assert 0.89 <= (graph.data.reshape(-1, 10) <= limits * 1.000001).mean() < 1
    again = kith.knn_graph(rows, 10, metric="euclidean", recall=0.9, n_jobs=2)
    assert (again.indices == graph.indices).all() and (again.data == graph.data).all()
    other = kith.knn_graph(rows, 10, metric="euclidean", recall=0.9, seed=7)
    assert (other.indices != graph.indices).any()
    for wrong in (rows[0], rows[:0], np.full((3, 2), np.nan, "f4")):
        with pytest.raises(ValueError):
            kith.knn_graph(wrong)
    with pytest.raises(kith.Cancelled):
        kith.knn_graph(rows, progress=lambda stage, done, total: False)
    few = kith.knn_graph(iter([rows[:300], rows[300:500]]), 3, metric="angular", with_self=True)
    index = kith.build(rows[:500], metric="angular", calibrate=False)
    assert (few.indices == index.knn_graph(3, recall=1.0, with_self=True).indices).all()
