"""kith.Reducer: beside scikit-learn's PCA, and what callers can get wrong."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import kith


def spectrum(n: int, d: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mix = np.linalg.qr(rng.normal(size=(d, d)))[0] * (np.arange(1, d + 1) ** -1.0)[:, None]
    return (rng.normal(size=(n, d)) @ mix + 3).astype(np.float32)


@pytest.mark.parametrize(("n", "d", "k"), [(2000, 24, 24), (500, 60, 7), (20, 40, 15), (9, 1, 1)])
@pytest.mark.parametrize("whiten", [False, True])
def test_pca_is_scikit_learns(n, d, k, whiten):
    decomposition = pytest.importorskip("sklearn.decomposition")
    x = spectrum(n, d)
    theirs = decomposition.PCA(k, whiten=whiten, svd_solver="full").fit(x.astype(np.float64))
    ours = kith.Reducer(k, whiten=whiten).fit(x)
    np.testing.assert_allclose(ours.components_, theirs.components_, atol=1e-5)
    np.testing.assert_allclose(ours.mean_, theirs.mean_, rtol=1e-6)
    np.testing.assert_allclose(
        ours.explained_variance_, theirs.explained_variance_, rtol=1e-5, atol=1e-9
    )
    np.testing.assert_allclose(
        ours.explained_variance_ratio_, theirs.explained_variance_ratio_, atol=1e-5
    )
    image = theirs.transform(x.astype(np.float64))
    np.testing.assert_allclose(ours.transform(x), image, atol=1e-5 * max(np.abs(image).max(), 1))


def test_isotropic_numbers_too():
    """Directions that hardly differ in variance are those of double precision."""
    decomposition = pytest.importorskip("sklearn.decomposition")
    x = np.random.default_rng(1).normal(size=(1000, 50)).astype(np.float32)
    theirs = decomposition.PCA(50, svd_solver="full").fit(x.astype(np.float64))
    np.testing.assert_allclose(kith.Reducer(50).fit(x).components_, theirs.components_, atol=1e-5)


def test_variance_kept_is_scikit_learns():
    decomposition = pytest.importorskip("sklearn.decomposition")
    x = spectrum(800, 30)
    for share in (0.5, 0.9, 0.99):
        theirs = decomposition.PCA(share, svd_solver="full").fit(x)
        assert kith.Reducer(keep_variance=share).fit(x).dim == theirs.n_components_


def recall_at_10(x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> float:
    found = 0
    for row in rows:
        true, near = (np.linalg.norm(a - a[row], axis=1).argsort(kind="stable") for a in (x, y))
        found += len(set(true[true != row][:10]) & set(near[near != row][:10]))
    return found / (10 * len(rows))


def test_recall_kept_is_measured_and_true():
    x = spectrum(3000, 24)
    reducer = kith.Reducer(keep_recall=0.8).fit(x)
    assert reducer.recall_["dim"] == reducer.dim < 24
    by_dim = {point["dim"]: point["recall"] for point in reducer.measured_}
    assert by_dim[reducer.dim] >= 0.8
    assert by_dim[reducer.dim - 1] < 0.8
    rows = np.random.default_rng(5).choice(3000, 100, replace=False)
    assert recall_at_10(x, reducer.transform(x), rows) == pytest.approx(
        reducer.recall_["recall"], abs=0.05
    )
    points = reducer.measure(x, dims=[2, reducer.dim])
    assert points[0]["recall"] < points[1]["recall"] <= points[1]["reranked"]
    assert points[1]["variance"] == pytest.approx(reducer.explained_variance_ratio_.sum())
    given = kith.Reducer(keep_recall=0.99).fit(x, queries=x[:200] + 0.01, reranked=True)
    assert given.dim < reducer.dim + 5
    assert given.recall_["reranked"] > 0.9


def test_models_come_back(tmp_path):
    x = spectrum(200, 10)
    for method in ("pca", "gaussian", "sparse", "truncate"):
        reducer = kith.Reducer(4, method=method, metric="dot").fit(x)
        reducer.save(tmp_path / "m.kith")
        again = kith.Reducer.load(tmp_path / "m.kith")
        np.testing.assert_array_equal(again.transform(x), reducer.transform(x))
        assert (again.method, again.metric, again.dim, again.source_dim) == (method, "dot", 4, 10)
        assert again.components_.shape == ((0 if method == "truncate" else 4), 10)
    assert "gaussian" in repr(kith.Reducer(method="gaussian"))
    with pytest.raises(FileNotFoundError):
        kith.Reducer.load(tmp_path / "none.kith")


def test_one_vector_and_other_types():
    x = spectrum(100, 6)
    reducer = kith.Reducer(2).fit(x)
    assert reducer.transform(x[3]).shape == (2,)
    np.testing.assert_array_equal(reducer.transform(x[3]), reducer.transform(x)[3])
    np.testing.assert_array_equal(reducer.transform(x.astype(np.float64)), reducer.transform(x))
    np.testing.assert_array_equal(reducer.transform(np.asfortranarray(x)), reducer.transform(x))
    assert kith.reduce(iter([x[:50], x[50:]]), 2).shape == (100, 2)
    bits = np.random.default_rng(0).random((50, 16)) < 0.5
    assert kith.reduce(bits, 3, metric="hamming").shape == (50, 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dim": 7}, "6 dimensions"),
        ({"dim": 0}, "dim"),
        ({"dim": 2, "keep_variance": 0.5}, "exclude"),
        ({"keep_variance": 0.0}, "above 0"),
        ({"keep_variance": 1.5}, "at most 1"),
        ({"keep_recall": 2.0}, "keep_recall"),
        ({"method": "svd"}, "svd"),
        ({"metric": "manhattan"}, "euclidean"),
        ({"method": "sparse", "whiten": True}, "whiten"),
    ],
)
def test_what_cannot_be_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        kith.Reducer(**options).fit(spectrum(30, 6))


def test_bad_vectors_are_refused_with_their_place():
    x = spectrum(30, 6)
    reducer = kith.Reducer(2).fit(x)
    x[11, 4] = np.nan
    for call in (kith.Reducer(2).fit, reducer.transform):
        with pytest.raises(ValueError, match="row 11, column 4"):
            call(x)
    with pytest.raises(ValueError, match="5 dimensions"):
        reducer.transform(x[:3, :5])
    with pytest.raises(ValueError, match="fit"):
        kith.Reducer(2).transform(x)
    with pytest.raises(ValueError, match="axis"):
        kith.Reducer(2).fit(x[0])
    with pytest.raises(ValueError, match="2 vectors"):
        kith.Reducer(3).fit(x[:2])


def test_results_do_not_depend_on_threads_and_the_gil_is_free():
    x = spectrum(4000, 64)
    one = kith.Reducer(16, n_jobs=1).fit(x)
    results: list[np.ndarray] = []
    threads = [
        threading.Thread(
            target=lambda: results.append(kith.Reducer(16, n_jobs=3).fit(x).components_)
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for components in results:
        np.testing.assert_array_equal(components, one.components_)


def test_an_index_reduces_queries_and_reranks(tmp_path):
    x = spectrum(2000, 32)
    queries = spectrum(40, 32, seed=7)
    reducer = kith.Reducer(5).fit(x)
    index = kith.build(x, tmp_path / "x.kith", metric="euclidean", reducer=reducer)
    assert (index.dim, index.info["source_dim"]) == (5, 32)
    ids, _ = index.search(queries, exact=True)
    same, _ = index.search(reducer.transform(queries), exact=True)
    np.testing.assert_array_equal(ids, same)
    distances = np.linalg.norm(x[None] - queries[:, None], axis=2)
    true = distances.argsort(axis=1)[:, :10]
    better, exact = index.search_reranked(queries, x, candidates=200, exact=True)
    found = [len(set(a) & set(b)) for a, b in zip(true.tolist(), better.tolist(), strict=True)]
    plain = [len(set(a) & set(b)) for a, b in zip(true.tolist(), ids.tolist(), strict=True)]
    assert sum(plain) < sum(found)
    np.testing.assert_allclose(exact, np.take_along_axis(distances, better, axis=1), rtol=1e-5)
    with pytest.raises(ValueError, match="fitted for euclidean"):
        kith.build(x, metric="dot", reducer=reducer)
    with pytest.raises(ValueError, match="reduced from 32"):
        index.search(queries[:, :7])
