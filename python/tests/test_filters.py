"""Searches whose answers have to be of some vectors: where=, allow=, deny=, exclude=."""

import numpy as np
import pytest

import kith

N, DIM, K = 3000, 24, 10


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(12, DIM))
    return (centres[rng.integers(12, size=N)] + 0.4 * rng.normal(size=(N, DIM))).astype(np.float32)


@pytest.fixture(scope="module")
def queries():
    rng = np.random.default_rng(4)
    return rng.normal(size=(25, DIM)).astype(np.float32)


@pytest.fixture(scope="module", params=["graph", "forest", "exact"])
def index(request, vectors):
    return kith.build(vectors, metric="euclidean", index=request.param)


def nearest_of(vectors, query, rows, k=K):
    rows = np.asarray(rows, np.int64)
    distances = np.linalg.norm(vectors[rows].astype(np.float64) - query, axis=1)
    return rows[np.lexsort((rows, distances))[:k]]


@pytest.mark.parametrize("share", [0.5, 0.05, 0.004, 0.0])
def test_where_keeps_what_is_true(index, vectors, queries, share):
    mask = np.random.default_rng(5).random(N) < share
    ids, distances = index.search(queries, k=K, where=mask, exact=True)
    assert ids.shape == (len(queries), K)
    there = min(K, mask.sum())
    for query, found in zip(queries, ids, strict=True):
        np.testing.assert_array_equal(
            found[:there], nearest_of(vectors, query, np.flatnonzero(mask))
        )
    assert (ids[:, there:] == -1).all() and np.isinf(distances[:, there:]).all()
    usual = index.search(queries, k=K, where=mask)[0]
    assert ((usual >= 0) == (ids >= 0)).all()
    assert mask[usual[usual >= 0]].all()
    promised = index.search(queries, k=K, where=mask, recall=0.95, drift="off")[0]
    assert mask[promised[promised >= 0]].all()
    if there:
        hits = [np.isin(a[:there], b[:there]).mean() for a, b in zip(ids, promised, strict=True)]
        assert np.mean(hits) > 0.92


def test_where_of_each_query(index, vectors, queries):
    mask = np.random.default_rng(6).random((len(queries), N)) < 0.1
    ids = index.search(queries, k=K, where=mask, exact=True)[0]
    for query, found, own in zip(queries, ids, mask, strict=True):
        np.testing.assert_array_equal(found, nearest_of(vectors, query, np.flatnonzero(own)))


def test_one_query(index, vectors, queries):
    mask = np.arange(N) % 3 == 0
    ids, distances = index.search(queries[0], k=4, where=mask, exact=True)
    assert ids.shape == distances.shape == (4,)
    np.testing.assert_array_equal(ids, nearest_of(vectors, queries[0], np.flatnonzero(mask), 4))
    left = index.search(queries[0], k=3, where=mask, exclude=ids[:1], exact=True)[0]
    np.testing.assert_array_equal(left, ids[1:])


def test_allow_and_deny(index, vectors, queries):
    allowed = np.arange(100, 900)
    denied = np.arange(500, 1000)
    ids = index.search(queries, k=K, allow=allowed, deny=denied, exact=True)[0]
    for query, found in zip(queries, ids, strict=True):
        np.testing.assert_array_equal(found, nearest_of(vectors, query, np.arange(100, 500)))
    assert (index.search(queries, k=3, allow=[7])[0] == [7, -1, -1]).all()
    assert (index.search(queries, k=3, allow=[])[0] == -1).all()
    assert not np.isin(index.search(queries, deny=denied)[0], denied).any()


def test_ids_of_the_caller(vectors, queries):
    own = np.arange(N)[::-1] * 10
    index = kith.build(vectors, metric="euclidean", index="graph", ids=own)
    found = index.search(queries, k=5, allow=own[:50])[0]
    assert np.isin(found, own[:50]).all()
    with pytest.raises(KeyError, match="5"):
        index.search(queries, allow=[10, 5])


def test_exclude(index, vectors, queries):
    plain = index.search(queries, k=K, exact=True)[0]
    lists = [row[: q % 4] for q, row in enumerate(plain)]
    ids = index.search(queries, k=K, exclude=lists, exact=True)[0]
    for query, found, seen in zip(queries, ids, lists, strict=True):
        rows = np.setdiff1d(np.arange(N), seen)
        np.testing.assert_array_equal(found, nearest_of(vectors, query, rows))

    class Csr:  # what scipy.sparse has that is asked for
        shape = (len(queries), N)
        indptr = np.cumsum([0, *map(len, lists)])
        indices = np.concatenate(lists)

        def tocsr(self):
            return self

    np.testing.assert_array_equal(
        index.search(queries, k=K, exclude=Csr(), exact=True)[0],
        ids,
    )


def test_search_keys(vectors):
    words = [f"w{i}" for i in range(N)]
    index = kith.build(vectors, metric="angular", keys=words)
    mask = np.arange(N) % 2 == 0
    found = index.search_keys("w4", k=8, where=mask)
    assert len(found) == 8
    assert all(int(word[1:]) % 2 == 0 and word != "w4" for word, _ in found)


@pytest.mark.parametrize(
    ("how", "error", "text"),
    [
        ({"where": np.ones(N - 1, bool)}, ValueError, rf"shape \({N - 1},\).*\({N},\)"),
        ({"where": np.ones((2, N), bool)}, ValueError, rf"shape \(2, {N}\)"),
        ({"where": np.arange(N)}, TypeError, "booleans"),
        ({"where": np.ones(N, np.float32)}, TypeError, "booleans"),
        ({"allow": [0.5]}, TypeError, "allow"),
        ({"allow": [N]}, KeyError, str(N)),
        ({"deny": [-2]}, KeyError, "-2"),
        ({"exclude": [[1]]}, ValueError, "1 queries"),
        ({"exclude": [1] * 25}, (TypeError, ValueError), "exclude"),
    ],
)
def test_refuses(index, queries, how, error, text):
    with pytest.raises(error, match=text):
        index.search(queries, **how)
