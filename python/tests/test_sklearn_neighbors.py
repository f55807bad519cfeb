"""kith.sklearn beside scikit-learn's own neighbours, found by brute force."""

import pickle
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

import sklearn
import sklearn.neighbors as theirs
from scipy.sparse import csr_matrix, issparse
from sklearn.base import clone
from sklearn.datasets import make_blobs

import kith.sklearn as ours
from kith.sklearn import KithClassifier, KithNeighbors, KithRegressor, KithTransformer, _base
from kith.sklearn._base import _settle_self

METRICS = ["euclidean", "l2", "manhattan", "l1", "cityblock", "cosine", "hamming"]
RNG = np.random.default_rng(7)


def sample(metric, dtype=np.float64, rows=300, columns=12):
    rng = np.random.default_rng(3)
    if metric == "hamming":
        return rng.integers(0, 4, (rows, columns)).astype(dtype)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 100, (rows, columns)).astype(dtype)
    return rng.normal(size=(rows, columns)).astype(dtype)


def brute(metric, k, rows):
    return theirs.NearestNeighbors(n_neighbors=k, metric=metric, algorithm="brute").fit(rows)


def assert_same_neighbors(ours_found, theirs_found, tolerance=1e-6):
    """The same distances; the same ids but among neighbours that are equally far."""
    distances, ids = ours_found
    true_distances, true_ids = theirs_found
    np.testing.assert_allclose(distances, true_distances, rtol=tolerance, atol=tolerance)
    for row in np.flatnonzero((ids != true_ids).any(axis=1)):
        nearer = true_distances[row] < true_distances[row, -1] * (1 - 1e-5)
        assert set(ids[row, nearer]) == set(true_ids[row, nearer])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.int8, np.int64])
def test_same_as_brute_force(metric, dtype):
    rows = sample(metric, dtype)
    queries = sample(metric, dtype, 400)[300:]
    found = KithNeighbors(7, metric=metric, index="exact").fit(rows)
    assert_same_neighbors(found.kneighbors(queries), brute(metric, 7, rows).kneighbors(queries))
    assert found.kneighbors(queries)[0].dtype == np.float64
    assert found.kneighbors(queries)[1].dtype == np.int64
    np.testing.assert_array_equal(
        found.kneighbors(queries, return_distance=False), found.kneighbors(queries)[1]
    )


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine", "hamming"])
def test_the_fitted_rows_as_queries_are_not_their_own_neighbors(metric):
    rows = sample(metric)
    if metric == "hamming":
        rows += RNG.integers(0, 100, rows.shape)  # ties at the last place are settled by chance
    distances, ids = KithNeighbors(5, metric=metric, index="exact").fit(rows).kneighbors()
    assert (ids != np.arange(len(rows))[:, np.newaxis]).all()
    true_distances, _ = brute(metric, 5, rows).kneighbors()
    np.testing.assert_allclose(distances, true_distances, rtol=1e-6, atol=1e-6)


def test_copies_are_neighbors_of_each_other():
    rows = np.repeat([[1.0, 2.0], [5.0, 5.0]], 10, axis=0)
    distances, ids = KithNeighbors(4).fit(rows).kneighbors()
    assert (distances == 0).all()
    assert (ids != np.arange(20)[:, np.newaxis]).all()
    assert ((ids < 10) == (np.arange(20) < 10)[:, np.newaxis]).all()


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
@pytest.mark.parametrize(
    ("offset", "scale"),
    [(1.6e9, 1.0), (0.1, 1e-25), (-3e6, 1e-2), (0.0, 1e30), (0.0, 1e-30), (1e200, 1e198)],
)
def test_data_that_float32_does_not_hold(metric, offset, scale):
    """Times in seconds, say. Rounded to float32 as they are, most of these would be equal."""
    rows = offset + scale * sample(metric)
    queries = offset + scale * sample(metric, rows=320)[300:]
    distances, ids = KithNeighbors(4, metric=metric, index="exact").fit(rows).kneighbors(queries)
    # scikit-learn's own brute force loses as much to rounding: computed from what rows are left.
    differences = np.abs((queries / scale)[:, np.newaxis] - rows / scale)
    true = np.sqrt((differences**2).sum(-1)) if metric == "euclidean" else differences.sum(-1)
    np.testing.assert_allclose(distances / scale, np.sort(true)[:, :4], rtol=2e-6, atol=1e-7)
    np.testing.assert_array_equal(ids, np.argsort(true)[:, :4])


@pytest.mark.parametrize("scale", [1e-200, 1e-20, 1e20, 1e200])
def test_cosine_of_vectors_of_any_length(scale):
    rows, queries = sample("cosine"), sample("cosine", rows=320)[300:]
    expected = KithNeighbors(4, metric="cosine").fit(rows).kneighbors(queries)
    for scaled_rows, scaled_queries in [(rows * scale, queries), (rows, queries * scale)]:
        found = KithNeighbors(4, metric="cosine").fit(scaled_rows).kneighbors(scaled_queries)
        assert_same_neighbors(found, expected)


def test_a_zero_vector_is_at_cosine_distance_one():
    rows = np.vstack([np.zeros(3), np.eye(3), -np.eye(3)])
    distances, _ = KithNeighbors(7, metric="cosine").fit(rows).kneighbors(np.zeros((1, 3)))
    np.testing.assert_array_equal(distances, np.ones((1, 7)))


def test_tiny_cosine_distances():
    """Float32 has 1 - cosine in steps of 6e-8."""
    angles = np.array([0, 1e-9, 1e-6, 1e-4, 1e-3, 0.02, 0.5])
    for dtype, tolerance in [(np.float64, 1e-3), (np.float32, 0.3)]:
        rows = np.column_stack([np.cos(angles), np.sin(angles)]).astype(dtype)
        model = KithNeighbors(7, metric="cosine").fit(rows[::-1])
        distances, ids = model.kneighbors(rows[:1])
        np.testing.assert_array_equal(ids, [[6, 5, 4, 3, 2, 1, 0]])
        np.testing.assert_allclose(distances[0, 2:], 1 - np.cos(angles[2:]), rtol=tolerance)
        assert (model.kneighbors(rows)[0][:, 0] == 0).all()


def test_a_query_too_far_away_for_float32():
    model = KithNeighbors(1).fit(sample("euclidean"))
    with pytest.raises(ValueError, match="away from the fitted"):
        model.kneighbors(np.full((1, 12), 1e30))


@pytest.mark.parametrize(
    "values",
    [
        [0.1, 0.1 + 1e-12, 0.3],  # equal in float32
        [1e300, 2e300, -1e300],
        [2**53, 2**53 - 1, 5],
    ],
)
def test_hamming_of_values_that_float32_does_not_hold(values):
    values = np.array(values)
    codes = RNG.integers(0, 3, (60, 9))
    queries = np.append(values, values[0] * 3)[RNG.integers(0, 4, (10, 9))]
    distances, _ = KithNeighbors(60, metric="hamming").fit(values[codes]).kneighbors(queries)
    true = (queries[:, np.newaxis] != values[codes]).mean(-1)
    np.testing.assert_allclose(distances, np.sort(true), rtol=1e-6)


def test_hamming_of_a_query_value_that_rounds_to_a_fitted_one():
    rows = np.array([[0.5, 1.0], [2.0, 3.0]])
    distances, _ = KithNeighbors(1, metric="hamming").fit(rows).kneighbors([[0.5, 1.0 + 1e-12]])
    assert distances == [[0.5]]


@pytest.mark.parametrize("metric", ["hamming", "euclidean", "manhattan", "cosine"])
def test_booleans(metric):
    rows = RNG.random((200, 24)) < 0.5
    queries = RNG.random((20, 24)) < 0.5
    model = KithNeighbors(200, metric=metric, index="exact").fit(rows)
    distances, _ = model.kneighbors(queries)
    true, _ = brute(metric, 200, rows.astype(float)).kneighbors(queries.astype(float))
    np.testing.assert_allclose(distances, true, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(model.kneighbors(queries.astype(float))[0], distances)
    if metric == "hamming":
        with pytest.raises(ValueError, match="0 or 1"):
            model.kneighbors(np.full((1, 24), 0.5))


def test_metrics_that_there_are_not():
    with pytest.raises(ValueError, match="maximum inner product"):
        KithNeighbors(metric="dot").fit(np.eye(9))
    with pytest.raises(ValueError, match="metric must be one of"):
        KithTransformer(metric="haversine").fit(np.eye(9))


def test_a_sample_that_is_not_found_takes_the_place_of_the_farthest():
    distances, ids = np.array([[0.0, 1, 2], [0, 3, 4]]), np.array([[7, 8, 9], [1, 2, 3]])
    rows = np.array([0, 1])
    others = _settle_self(distances, ids, rows, with_self=False)
    np.testing.assert_array_equal(others, [[[0, 1], [3, 4]], [[7, 8], [2, 3]]])
    with_self = _settle_self(distances, ids, rows, with_self=True)
    np.testing.assert_array_equal(with_self, [[[0, 0, 1], [0, 3, 4]], [[0, 7, 8], [1, 2, 3]]])


def test_what_auto_takes(monkeypatch):
    rng = np.random.default_rng(2)
    # So many that an index is worth building for as many queries.
    rows = (rng.normal(size=(100_000, 4)) @ rng.normal(size=(4, 64))).astype(np.float32)
    assert KithNeighbors().fit(rows).index_.info["indexes"] == ["exact"]
    monkeypatch.setattr(_base, "_FEW_VALUES", rows.size - 1)
    assert len(KithNeighbors().fit(rows).index_.info["indexes"]) == 2
    for exact in [KithNeighbors(index="exact"), KithNeighbors(index="graph", recall=1.0)]:
        assert exact.fit(rows).index_.info["indexes"] == ["exact"]


def test_a_query_gets_the_same_answer_alone_and_among_others():
    rng = np.random.default_rng(2)
    rows = (rng.normal(size=(2000, 8)) @ rng.normal(size=(8, 64))).astype(np.float32)
    model = KithNeighbors(10, index="graph", recall=0.8).fit(rows)
    # kith itself would search so many at once exactly, and one in the graph.
    plans = [model.index_.plan(10, count, recall=0.8)["index"] for count in (1, 1000)]
    assert plans == ["graph", "exact"]
    queries = rows[::20] + np.float32(0.5)
    together = model.kneighbors(queries)
    alone = [model.kneighbors([query]) for query in queries]
    for got, wanted in zip(map(np.concatenate, zip(*alone, strict=True)), together, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"n_neighbors": 0}, ValueError),
        ({"n_neighbors": 2.0}, TypeError),
        ({"index": "ivf"}, ValueError),
        ({"recall": 0}, ValueError),
        ({"recall": 1.1}, ValueError),
        ({"mode": "both"}, ValueError),
    ],
)
def test_parameters_that_make_no_sense(parameters, error):
    with pytest.raises(error, match=next(iter(parameters))):
        KithTransformer(**parameters).fit(np.eye(9))


def test_more_neighbors_than_samples():
    model = KithNeighbors(9).fit(np.eye(9))
    assert model.kneighbors(np.eye(9))[1].shape == (9, 9)
    with pytest.raises(ValueError, match="n_neighbors <= n_samples_fit"):
        model.kneighbors(np.eye(9), 10)
    with pytest.raises(ValueError, match="n_neighbors < n_samples_fit.* n_neighbors = 9"):
        model.kneighbors()


@pytest.mark.parametrize("mode", ["distance", "connectivity"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_the_graph_is_that_of_scikit_learn(mode, metric):
    rows = sample(metric)
    for fit_and_transform in [
        lambda model: model.fit_transform(rows),
        lambda model: model.fit(rows).transform(rows),
    ]:
        graph = fit_and_transform(KithTransformer(6, mode=mode, metric=metric, index="exact"))
        true = theirs.KNeighborsTransformer(
            n_neighbors=6, mode=mode, metric=metric, algorithm="brute"
        ).fit_transform(rows)
        assert issparse(graph) and graph.format == "csr" and graph.shape == true.shape
        np.testing.assert_allclose(graph.toarray(), true.toarray(), rtol=1e-6, atol=1e-6)
        assert (np.diff(graph.indptr) == 6 + (mode == "distance")).all()
        assert (np.diff(graph.data.reshape(300, -1)) >= 0).all()
        np.testing.assert_array_equal(graph.indices.reshape(300, -1)[:, 0], np.arange(300))
        if mode == "distance":
            assert (graph.data.reshape(300, -1)[:, 0] == 0).all()


def test_each_sample_is_in_its_row_of_the_graph_among_many_copies():
    rows = np.repeat([[1.0, 2.0], [5.0, 5.0]], 20, axis=0)
    graph = KithTransformer(3).fit_transform(rows)
    assert (graph.indices.reshape(40, 4) == np.arange(40)[:, np.newaxis]).any(axis=1).all()
    assert graph.nnz == 160 and (graph.data == 0).all()


def test_the_kind_of_sparse_arrays_is_that_of_scikit_learn():
    # The setting came with scikit-learn 1.9.
    known = "sparse_interface" in sklearn.get_config()
    for setting in [{"sparse_interface": kind} for kind in ("spmatrix", "sparray")] * known + [{}]:
        with sklearn.config_context(**setting):
            ours = KithTransformer().fit_transform(np.eye(9))
            true = theirs.KNeighborsTransformer().fit_transform(np.eye(9))
        assert type(ours) is type(true)


def test_kneighbors_graph():
    rows = sample("euclidean")
    for mode in ["connectivity", "distance"]:
        for queries in [None, rows[:20]]:
            graph = KithNeighbors(4, index="exact").fit(rows).kneighbors_graph(queries, mode=mode)
            true = brute("euclidean", 4, rows).kneighbors_graph(queries, mode=mode)
            np.testing.assert_allclose(graph.toarray(), true.toarray(), rtol=1e-6, atol=1e-6)


def test_names_of_what_comes_out():
    names = KithTransformer().fit(np.eye(7)).get_feature_names_out()
    assert names[0] == "kithtransformer0" and len(names) == 7


def by_distance(distances):
    return np.exp(-distances)


@pytest.mark.parametrize("weights", ["uniform", "distance", None, by_distance])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
def test_the_classifier_votes_as_scikit_learns(weights, metric):
    rows, labels = make_blobs(400, 6, centers=5, cluster_std=6, random_state=1)
    words = np.array(["ant", "bee", "cat", "dog", "eel"])[labels]
    two = np.column_stack([labels, labels % 2])
    # Brute force of scikit-learn 1.6 fails with labels that are words.
    algorithm = "kd_tree" if metric == "manhattan" else "brute"
    for y in [labels, words, two]:
        model = KithClassifier(8, weights=weights, metric=metric, index="exact")
        model.fit(rows[:300], y[:300])
        true = theirs.KNeighborsClassifier(8, weights=weights, metric=metric, algorithm=algorithm)
        true.fit(rows[:300], y[:300])
        shares, true_shares = model.predict_proba(rows[300:]), true.predict_proba(rows[300:])
        if y is not two:
            shares, true_shares = [shares], [true_shares]
        for share, true_share in zip(shares, true_shares, strict=True):
            np.testing.assert_allclose(share, true_share, rtol=1e-5, atol=1e-6)
        predicted = model.predict(rows[300:])
        assert predicted.dtype == true.predict(rows[300:]).dtype
        np.testing.assert_array_equal(predicted, true.predict(rows[300:]))
        if y is not two:
            assert model.score(rows[300:], y[300:]) == true.score(rows[300:], y[300:])


def test_leave_one_out():
    rows, labels = make_blobs(200, 3, centers=4, cluster_std=4, random_state=1)
    model = KithClassifier(5, index="exact").fit(rows, labels)
    one_by_one = [
        KithClassifier(5)
        .fit(np.delete(rows, i, 0), np.delete(labels, i))
        .predict(rows[i : i + 1])[0]
        for i in range(50)
    ]
    np.testing.assert_array_equal(model.predict(None)[:50], one_by_one)


@pytest.mark.parametrize("weights", ["uniform", "distance", None, by_distance])
def test_the_regressor_means_what_scikit_learns_does(weights):
    rows, values = sample("euclidean"), RNG.normal(size=300)
    for y in [values, np.column_stack([values, -values, values**2]), RNG.integers(0, 9, 300)]:
        model = KithRegressor(6, weights=weights, index="exact").fit(rows[:250], y[:250])
        true = theirs.KNeighborsRegressor(6, weights=weights, algorithm="brute")
        true.fit(rows[:250], y[:250])
        for queries in [rows[250:], rows[:20]]:  # others, and some that are at distance 0
            np.testing.assert_allclose(model.predict(queries), true.predict(queries), rtol=1e-5)


def test_weights_that_make_no_sense():
    with pytest.raises(ValueError, match="weights"):
        KithClassifier(weights="near").fit(np.eye(9), np.arange(9))
    model = KithClassifier(weights=np.zeros_like).fit(np.eye(9), np.arange(9) % 2)
    with pytest.raises(ValueError, match="zero weights"):
        model.predict(np.eye(9))


@pytest.mark.parametrize("index", ["auto", "exact", "graph", "forest"])
def test_pickles_and_clones_answer_the_same(index):
    rows = sample("euclidean", rows=1500)
    model = KithNeighbors(4, index=index, random_state=5).fit(rows)
    expected = model.kneighbors(rows[:50])
    for copy in [
        pickle.loads(pickle.dumps(model)),
        clone(model).fit(rows),
        clone(model).set_params(n_jobs=2).fit(rows),
    ]:
        for found, wanted in zip(copy.kneighbors(rows[:50]), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("index", ["graph", "forest"])
def test_the_recall_asked_for(index):
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(5000, 8)) @ rng.normal(size=(8, 32))
    queries = rng.normal(size=(500, 8)) @ rng.normal(size=(8, 32))
    true, _ = brute("euclidean", 10, rows).kneighbors(rows[:500] + 0.01)
    found, _ = KithNeighbors(10, index=index, recall=0.9).fit(rows).kneighbors(rows[:500] + 0.01)
    assert (found <= true[:, -1:] * (1 + 1e-6)).mean() > 0.85
    # All of them, and so exact search.
    everything = KithNeighbors(10, index=index, recall=1.0).fit(rows)
    assert_same_neighbors(
        everything.kneighbors(queries), brute("euclidean", 10, rows).kneighbors(queries), 1e-5
    )


def test_a_recall_that_was_not_measured_is_exact_search_and_says_so():
    rows = sample("euclidean")
    model = KithNeighbors(5, index="graph").fit(rows)
    model.index_ = _Unmeasured(model.index_)
    with pytest.warns(RuntimeWarning, match="instead: recall 0.99 is beyond.* about 0.91"):
        found = model.kneighbors(rows[:30])
    assert_same_neighbors(found, brute("euclidean", 5, rows).kneighbors(rows[:30]))


class _Unmeasured:
    def __init__(self, index):
        self._index = index
        self.vectors = index.vectors

    def plan(self, k, num_queries, *, recall):
        return {"index": "exact", "recall": 1.0, "why_exact": "out of reach", "reached": 0.91}

    def search(self, queries, k, *, exact, **options):
        assert exact
        return self._index.search(queries, k, exact=True, **options)


def test_rows_that_a_search_left_short_are_searched_exactly():
    rows = sample("euclidean")
    model = KithNeighbors(5, index="exact").fit(rows)
    expected = model.kneighbors(rows[:30])
    model.index_ = _Short(model.index_)
    found = model.kneighbors(rows[:30])
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


class _Short:
    """Finds nothing but one neighbour of every third query, as a forest of tiny leaves might."""

    def __init__(self, index):
        self._index = index
        self.vectors = index.vectors

    def search(self, queries, k, *, exact=False, **options):
        ids, distances = self._index.search(queries, k, exact=True, n_jobs=options["n_jobs"])
        if not exact:
            ids[::3, 1:], distances[::3, 1:] = -1, np.inf
        return ids, distances

    def plan(self, *arguments, **options):
        return {"index": "forest", "why_exact": None}


def test_what_the_package_offers():
    assert sorted(ours.__all__) == sorted(
        ["KithTransformer", "KithNeighbors", "KithClassifier", "KithRegressor"]
    )
    assert all(hasattr(ours, name) for name in ours.__all__)


def test_no_warnings_of_its_own():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph = KithTransformer(3).fit_transform(sample("euclidean"))
    assert isinstance(graph, csr_matrix)
