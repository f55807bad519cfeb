"""kith.Index.search: what it takes, what it gives, and that it is right."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import brute_force

import kith

METRICS = ("angular", "euclidean", "dot", "manhattan", "hamming")


@pytest.fixture(scope="module")
def graph(cloud):
    return kith.build(cloud, metric="euclidean", index=("graph", "forest"))


def test_one_query_and_a_batch_have_the_shapes_promised(cloud, graph):
    ids, distances = graph.search(cloud[3], k=4)
    assert ids.shape == distances.shape == (4,)
    assert ids.dtype == np.int64 and distances.dtype == np.float32
    assert ids[0] == 3 and distances[0] == 0
    ids, distances = graph.search(cloud[:5], k=4)
    assert ids.shape == distances.shape == (5, 4)
    assert (ids[:, 0] == np.arange(5)).all()
    assert (np.diff(distances, axis=1) >= 0).all()


@pytest.mark.parametrize("index", ["auto", "exact", "graph"])
def test_more_neighbours_than_there_are_vectors_are_all_of_them(cloud, graph, index):
    ids, distances = graph.search(cloud[:2], k=2**31, index=index)
    assert ids.shape == distances.shape == (2, len(graph))
    one, _ = graph.search(cloud[0], k=2**31, index=index)
    assert one.shape == (len(graph),)


def test_no_queries_give_empty_arrays(cloud, graph):
    ids, distances = graph.search(cloud[:0], k=4)
    assert ids.shape == distances.shape == (0, 4)


@pytest.mark.parametrize("metric", METRICS)
def test_exact_search_agrees_with_brute_force(rng, cloud, metric):
    base = cloud[:300]
    if metric == "hamming":
        base = base > 0
    queries = base[rng.integers(300, size=20)]
    index = kith.build(base, metric=metric, index="exact")
    _, distances = index.search(queries, k=10)
    np.testing.assert_allclose(
        distances, brute_force(base, queries, 10, metric), rtol=1e-5, atol=2e-6
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int8, np.uint8, np.bool_])
def test_every_element_type_is_taken_exactly(rng, dtype):
    base = rng.integers(0, 2, (200, 19)).astype(dtype)
    if dtype not in (np.bool_,):
        base = (base + dtype(1)) * dtype(3)
    index = kith.build(base, metric="euclidean" if dtype != np.bool_ else "hamming", index="exact")
    np.testing.assert_array_equal(index.vectors(np.arange(200)), base.astype(np.float32))
    ids, distances = index.search(base[:9], k=1)
    assert (distances == 0).all()
    assert (base[ids[:, 0]] == base[:9]).all()


def test_layouts_are_taken_as_they_are_or_copied(cloud):
    index = kith.build(cloud, metric="euclidean", index="exact")
    want = index.search(np.ascontiguousarray(cloud[:50:5]), k=3)
    for queries in (
        cloud[:50:5],  # rows apart
        np.asfortranarray(cloud[:50:5]),
        np.repeat(cloud[:50:5], 2, axis=1)[:, ::2],
        cloud[:50:5].tolist(),
        [tuple(row) for row in cloud[:50:5].tolist()],
        cloud[:50:5].astype(np.float64),
        memoryview(np.ascontiguousarray(cloud[:50:5])),
    ):
        got = index.search(queries, k=3)
        np.testing.assert_array_equal(got[0], want[0])
        np.testing.assert_array_equal(got[1], want[1])
    backwards = index.search(cloud[:50:5][::-1], k=3)
    np.testing.assert_array_equal(backwards[0], want[0][::-1])


def test_more_neighbours_than_a_file_can_hold_are_an_error(graph, cloud):
    with pytest.raises(ValueError, match="more than any file holds"):
        graph.search(cloud[0], k=2**62)


def test_a_batch_gives_what_single_queries_give_on_any_number_of_threads(cloud, graph):
    for options in ({"effort": 40, "index": "graph"}, {"exact": True}, {"index": "forest"}):
        whole = graph.search(cloud[:64], k=7, **options)
        threads = graph.search(cloud[:64], k=7, n_jobs=-1, **options)
        np.testing.assert_array_equal(whole[0], threads[0])
        for row in range(0, 64, 9):
            one = graph.search(cloud[row], k=7, **options)
            np.testing.assert_array_equal(one[0], whole[0][row])
            np.testing.assert_array_equal(one[1], whole[1][row])


def test_recall_is_what_was_asked_for(rng, cloud, graph):
    queries = cloud[rng.integers(2000, size=500)] + rng.standard_normal((500, 24)).astype("f4") / 9
    truth = graph.search(queries, k=10, exact=True)[1]
    _, distances = graph.search(queries, k=10, recall=0.9, index="graph")
    assert (distances <= truth[:, -1:] * 1.001).mean() > 0.85
    ids, _ = graph.search(queries, k=10, recall=1)
    np.testing.assert_array_equal(ids, graph.search(queries, k=10, exact=True)[0])


def test_nearly_all_queries_reach_what_is_asked_for(rng, cloud, graph):
    queries = cloud[rng.integers(2000, size=500)] + rng.standard_normal((500, 24)).astype("f4") / 9
    truth = graph.search(queries, k=10, exact=True)[1]
    for index in ("graph", "forest"):
        _, distances = graph.search(queries, k=10, worst=0.8, drift="off", index=index)
        reached = (distances <= truth[:, -1:] * 1.001).mean(axis=1)
        assert (reached >= 0.8 - 1e-6).mean() > 0.9
        plan = graph.plan(k=10, worst=0.8, index=index)
        assert plan["worst"] >= 0.8 and plan["effort"] > 0
    (point,) = graph.evaluate(queries, k=10, worst=0.8, drift="off", index="graph")
    assert point["target"] is None and point["target_worst"] == 0.8 and point["reachable"]
    both = graph.plan(k=10, recall=0.99, worst=0.1, index="graph")
    assert both["recall"] >= 0.99 - 1e-6 and both["worst"] >= 0.1
    for curve in graph.info["calibration"]["curves"]:
        assert curve["need"][-1]["recall_p5"] >= curve["need"][0]["recall_p5"]


@pytest.mark.filterwarnings("error")
def test_widening_and_off_warn_of_nothing(rng, cloud):
    far = (10 * rng.standard_normal((300, 24))).astype("f4")
    for drift in ("widen", "off"):
        index = kith.build(cloud, metric="euclidean", index="graph")
        index.search(far, k=10, recall=0.9, index="graph", drift=drift)
        index.evaluate(far, k=10, recall=[0.9], index="graph", drift=drift)
        assert index.drift()["unlike"] == (drift == "widen")
    with pytest.warns(kith.DriftWarning):
        index.search(far, k=10, recall=0.9, index="graph")


def test_plan_tells_what_search_does(graph):
    plan = graph.plan(exact=True)
    assert (plan["index"], plan["effort"], plan["recall"]) == ("exact", 0, 1)
    assert plan["why_exact"] is plan["reached"] is plan["reached_worst"] is None
    plan = graph.plan(k=10, recall=0.95, index="forest")
    assert plan["index"] == "forest" and plan["effort"] > 0 and plan["recall"] >= 0.95


@pytest.mark.parametrize("num_queries", [1, 5, 500])
def test_what_a_plan_says_is_taken_by_search(cloud, graph, num_queries):
    """A recall takes a fraction of an effort, which search() rounds up."""
    plan = graph.plan(10, num_queries, recall=0.9, index="graph")
    assert plan["effort"] != int(plan["effort"])
    queries = cloud[:num_queries]
    given = graph.search(queries, 10, effort=plan["effort"], index=plan["index"])
    rounded = graph.search(queries, 10, effort=int(plan["effort"]) + 1, index="graph")
    np.testing.assert_array_equal(given[0], rounded[0])
    point = graph.evaluate(queries, 10, effort=plan["effort"], index="graph")[0]
    assert point["effort"] == int(plan["effort"]) + 1


def test_metrics_go_by_other_names_too(cloud):
    names = {
        "angular": ("cosine", "COS", "Angular"),
        "euclidean": ("l2", "L2", "Euclidean"),
        "dot": ("ip", "IP", "inner_product", "innerproduct", "inner product"),
        "manhattan": ("l1", "cityblock"),
        "hamming": ("Hamming",),
    }
    for metric, others in names.items():
        for name in others:
            assert kith.build(cloud[:10], metric=name).metric == metric
    with pytest.raises(ValueError, match=r"^unknown metric 'cosin'; did you mean 'cosine'\?"):
        kith.build(cloud[:10], metric="cosin")
    with pytest.raises(ValueError, match="^unknown metric 'sqeuclidean'; take euclidean"):
        kith.build(cloud[:10], metric="sqeuclidean")


@pytest.mark.parametrize("metric", ["euclidean", "dot"])
def test_vectors_whose_squares_vanish_are_refused(cloud, metric):
    with pytest.raises(ValueError, match="values too small: .* scale the vectors up"):
        kith.build(cloud * np.float32(1e-23), metric=metric)
    right = kith.build(cloud, metric="manhattan").search(cloud[:50], 5)[0]
    tiny = cloud * np.float32(2.0**-80)
    np.testing.assert_array_equal(
        kith.build(tiny, metric="manhattan").search(tiny[:50], 5)[0], right
    )


def test_many_queries_are_searched_in_pieces_with_the_same_answers(rng):
    # More than are searched at once between two looks for Ctrl-C.
    index = kith.build(rng.standard_normal((50, 3)).astype("f4"), metric="euclidean")
    queries = rng.standard_normal((40_000, 3)).astype("f4")
    ids, distances = index.search(queries, k=2)
    for row in (0, 16383, 16384, 39_999):
        one = index.search(queries[row], k=2)
        np.testing.assert_array_equal(ids[row], one[0])
        np.testing.assert_array_equal(distances[row], one[1])


@pytest.mark.parametrize(
    ("queries", "error", "words"),
    [
        (np.zeros((2, 5), "f4"), ValueError, "dimension 5"),
        (np.zeros((2, 24, 1), "f4"), ValueError, "3 axes"),
        (np.float32(3), ValueError, "0 axes"),
        (np.full(24, 2**24 + 1, "i4"), ValueError, "16777217 at row 0, column 0.*astype"),
        (np.zeros(24, "c8"), TypeError, "complex64"),
        (np.zeros(24, object), TypeError, "object"),
        (np.array(["a"] * 24), TypeError, "not float32"),
        ("a word", TypeError, "str"),
        (None, TypeError, "object"),
        ({"a": 1}, TypeError, "dict"),
        ([[1.0] * 24, [1.0] * 23], ValueError, "different lengths"),
        (np.full(24, np.nan, "f4"), ValueError, "column 0"),
        (np.full(24, 1e300), ValueError, "beyond what float32 holds"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_queries_are_named(graph, queries, error, words):
    with pytest.raises(error, match=words):
        graph.search(queries)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"k": 0}, "k is 0"),
        ({"k": -3}, "k is -3"),
        ({"recall": 0}, "recall is 0"),
        ({"recall": 1.5}, "recall is 1.5"),
        ({"worst": 0}, "worst is 0"),
        ({"worst": 0.9, "exact": True}, "leave out"),
        ({"worst": 0.9, "effort": 10}, "recall"),
        ({"drift": "maybe"}, "unknown drift 'maybe', expected warn, widen or off"),
        ({"recall": float("nan")}, "recall is nan"),
        ({"recall": 1.0000001}, "recall is 1.0000001; it must be above 0, at most 1"),
        ({"effort": -0.5}, "effort is -0.5"),
        ({"effort": float("nan")}, "effort is nan"),
        ({"effort": float("inf")}, "effort is inf"),
        ({"recall": 0.9, "effort": 10}, "recall"),
        ({"recall": 0.9, "exact": True}, "leave out"),
        ({"exact": True, "index": "graph"}, "exclude each other"),
        ({"effort": -1}, "effort is -1"),
        ({"index": "tree"}, "auto, exact, graph or forest"),
        ({"n_jobs": 0}, "n_jobs is 0"),
        ({"k": 2**62}, "k is 4611686018427387904, more than"),
        ({"k": 2**80}, "k is 1208925819614629174706176;"),
    ],
    ids=str,
)
def test_wrong_options_are_named(cloud, graph, options, words):
    with pytest.raises(ValueError, match=words):
        graph.search(cloud[0], **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"k": 3.5}, "k must be an integer, not float"),
        ({"k": "3"}, "k must be an integer, not str"),
        ({"k": None}, "k must be an integer, not NoneType"),
        ({"recall": "high"}, "recall must be a number, not str"),
        ({"worst": "high"}, "worst must be a number, not str"),
        ({"drift": None}, "drift must be str, not NoneType"),
        ({"effort": "2"}, "effort must be a number, not str"),
        ({"index": None}, "index must be str, not NoneType"),
    ],
    ids=str,
)
def test_options_of_other_types_are_named(cloud, graph, options, words):
    words = f"^{words}$"
    with pytest.raises(TypeError, match=words):
        graph.search(cloud[0], **options)
    with pytest.raises(TypeError, match=words):
        graph.plan(**options)
    with_keys = kith.build(cloud[:9], keys=list("abcdefghi"))
    with pytest.raises(TypeError, match=words):
        with_keys.search_keys("a", **options)


def test_a_way_in_that_is_not_there_is_named(cloud):
    index = kith.build(cloud, index="exact")
    with pytest.raises(ValueError, match="graph"):
        index.search(cloud[0], index="graph")
    with pytest.raises(ValueError, match="[Rr]ecall|measured"):
        kith.build(cloud, index="graph", calibrate=False).search(
            cloud[0], recall=0.9, index="graph"
        )


def test_n_jobs_follows_joblib(cloud, graph):
    want = graph.search(cloud[:9])[0]
    for n_jobs in (None, 1, 2, 1000, -1, -2, -1000, np.int64(2)):
        np.testing.assert_array_equal(graph.search(cloud[:9], n_jobs=n_jobs)[0], want)
    with pytest.raises(TypeError, match="n_jobs must be an integer"):
        graph.search(cloud[:9], n_jobs="all")


def test_vectors_read_only_or_changed_later_are_no_matter(cloud):
    base = cloud.copy()
    index = kith.build(base, metric="euclidean")
    base[:] = 0
    np.testing.assert_array_equal(index[5], cloud[5])
