"""kith.annoy.AnnoyIndex: what is found, at what distance, with holes and odd numbers."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kith.annoy import AnnoyIndex

METRICS = ["angular", "euclidean", "manhattan", "dot", "hamming"]
SQRT2 = math.sqrt(2)


def index_of(rows, metric, trees=10, ids=None):
    rows = np.asarray(rows)
    index = AnnoyIndex(rows.shape[1], metric)
    for i, row in zip(range(len(rows)) if ids is None else ids, rows, strict=True):
        index.add_item(i, row)
    if trees is not None:
        index.build(trees)
    return index


def expected_distance(metric, a, b):
    a, b = np.asarray(a, float), np.asarray(b, float)
    if metric == "angular":
        norms = math.sqrt((a @ a) * (b @ b))
        return math.sqrt(max(0.0, 2 - 2 * (a @ b) / norms)) if norms else SQRT2
    return {
        "euclidean": math.sqrt(((a - b) ** 2).sum()),
        "manhattan": abs(a - b).sum(),
        "dot": a @ b,
        "hamming": float(((a > 0.5) != (b > 0.5)).sum()),
    }[metric]


class TestDistances:
    @pytest.mark.parametrize("metric", METRICS)
    @pytest.mark.parametrize("trees", [None, 3])
    def test_of_items_before_and_after_the_build(self, metric, trees):
        rows = np.random.default_rng(1).normal(size=(20, 9)).astype(np.float32)
        index = index_of(rows, metric, trees)
        for i, j in [(0, 1), (5, 5), (19, 3)]:
            expected = expected_distance(metric, rows[i], rows[j])
            assert index.get_distance(i, j) == pytest.approx(expected, rel=1e-5, abs=1e-3)

    @pytest.mark.parametrize("metric", METRICS)
    def test_found_distances_are_those_of_items(self, metric):
        rows = np.random.default_rng(2).normal(size=(200, 9)).astype(np.float32)
        index = index_of(rows, metric)
        ids, distances = index.get_nns_by_item(7, 50, include_distances=True)
        assert len(ids) == 50
        for j, distance in zip(ids, distances, strict=True):
            assert distance == pytest.approx(index.get_distance(7, j), rel=1e-5, abs=1e-3)

    def test_angular_limits(self):
        index = index_of([[1, 0], [10, 0], [-3, 0], [0, 2], [0, 0]], "angular")
        distances = [index.get_distance(0, j) for j in range(5)]
        assert distances == pytest.approx([0, 0, 2, SQRT2, SQRT2], abs=1e-6)
        assert index.get_distance(4, 4) == pytest.approx(SQRT2)

    def test_dot_is_the_product_largest_first(self):
        index = index_of([[1, 0], [3, 0], [-2, 0]], "dot")
        assert index.get_nns_by_vector([2, 1], 3, -1, True) == ([1, 0, 2], [6.0, 2.0, -4.0])

    def test_hamming_counts_what_is_above_a_half(self):
        index = index_of([[0.5, 0.51, 7, -3], [1, 1, 1, 1]], "hamming")
        assert index.get_item_vector(0) == [0.0, 1.0, 1.0, 0.0]
        assert index.get_nns_by_vector([0, 0.6, 0.4, 1], 2, -1, True) == ([1, 0], [2.0, 2.0]) or (
            index.get_nns_by_vector([0, 0.6, 0.4, 1], 2, -1, True) == ([0, 1], [2.0, 2.0])
        )

    @pytest.mark.parametrize("f", [1, 63, 64, 65, 130])
    def test_hamming_of_any_length(self, f):
        rows = np.random.default_rng(3).integers(0, 2, (40, f))
        index = index_of(rows, "hamming", trees=20)
        for j in range(40):
            assert index.get_distance(0, j) == (rows[0] != rows[j]).sum()
            assert index.get_item_vector(j) == list(rows[j])


class TestFound:
    @pytest.mark.parametrize("metric", ["angular", "euclidean", "manhattan", "hamming"])
    def test_an_item_finds_itself_first(self, metric):
        rows = np.random.default_rng(4).normal(size=(300, 12))
        index = index_of(rows, metric)
        for i in range(0, 300, 30):
            ids, distances = index.get_nns_by_item(i, 5, include_distances=True)
            assert i in ids and distances[0] == pytest.approx(0, abs=1e-3)

    @pytest.mark.parametrize("metric", METRICS)
    def test_search_of_everything_is_exact(self, metric):
        rows = np.random.default_rng(5).normal(size=(400, 6)).astype(np.float32)
        index = index_of(rows, metric)
        query = np.random.default_rng(6).normal(size=6).astype(np.float32)
        ids, distances = index.get_nns_by_vector(query, 20, 100_000, True)
        every = [expected_distance(metric, query, row) for row in rows]
        best = sorted(every, reverse=metric == "dot")[:20]
        assert distances == pytest.approx(best, rel=1e-4, abs=1e-4)
        assert [every[i] for i in ids] == pytest.approx(best, rel=1e-4, abs=1e-4)

    def test_more_search_finds_more(self):
        rows = np.random.default_rng(8).normal(size=(5000, 20)).astype(np.float32)
        index = index_of(rows, "euclidean", trees=10)
        queries = np.random.default_rng(9).normal(size=(50, 20)).astype(np.float32)
        found = []
        for search_k in (20, 500, 50_000):
            hits = 0
            for query in queries:
                exact = set(np.argsort(((rows - query) ** 2).sum(1))[:10].tolist())
                hits += len(exact & set(index.get_nns_by_vector(query, 10, search_k)))
            found.append(hits / 500)
        assert found[0] < found[1] < found[2]
        assert found[2] > 0.99

    def test_equally_near_ones_go_by_number(self):
        index = index_of([[1, 1]] * 5 + [[0, 0]], "euclidean")
        assert index.get_nns_by_vector([1, 1], 6) == [0, 1, 2, 3, 4, 5]

    def test_of_the_same_vectors_a_build_ends(self):
        index = index_of(np.ones((2000, 5)), "angular", trees=3)
        assert len(index.get_nns_by_item(0, 10)) == 10

    def test_zero_vectors(self):
        index = index_of(np.zeros((100, 5)), "angular")
        ids, distances = index.get_nns_by_item(0, 3, include_distances=True)
        assert len(ids) == 3 and distances == pytest.approx([SQRT2] * 3)


class TestCounts:
    def test_n(self):
        index = index_of(np.eye(10), "euclidean")
        assert index.get_nns_by_item(0, 0) == []
        assert index.get_nns_by_item(0, 0, -1, True) == ([], [])
        assert sorted(index.get_nns_by_item(0, 10**9)) == list(range(10))
        assert sorted(index.get_nns_by_item(0, -1, 10**6)) == list(range(10))
        with pytest.raises(OverflowError):
            index.get_nns_by_item(0, 2**31)

    def test_search_k(self):
        index = index_of(np.random.default_rng(10).normal(size=(2000, 10)), "euclidean", trees=10)
        assert index.get_nns_by_item(0, 5, 0) == []
        few = index.get_nns_by_item(0, 2000, 1)
        many = index.get_nns_by_item(0, 2000, 2000)
        assert 0 < len(few) < len(many) <= 2000
        assert index.get_nns_by_item(0, 5) == index.get_nns_by_item(0, 5, 50)

    def test_no_items(self):
        index = AnnoyIndex(3, "angular")
        assert index.build(10) is True
        assert index.get_n_items() == 0
        assert index.get_nns_by_vector([1, 2, 3], 5) == []
        with pytest.raises(IndexError):
            index.get_nns_by_item(0, 1)

    def test_one_item(self):
        index = index_of([[1, 2, 3]], "angular")
        assert index.get_nns_by_vector([3, 2, 1], 50) == [0]

    def test_no_trees(self):
        index = index_of(np.eye(3), "euclidean", trees=0)
        assert index.get_n_trees() == 0
        assert index.get_nns_by_item(0, 3) == []

    def test_before_the_build_nothing_is_found(self):
        index = index_of(np.eye(3), "euclidean", trees=None)
        assert index.get_nns_by_item(0, 3) == []
        assert index.get_nns_by_vector([1, 0, 0], 3, -1, True) == ([], [])

    def test_trees_to_double_the_size(self):
        index = index_of(np.random.default_rng(11).normal(size=(500, 4)), "euclidean", trees=-1)
        assert index.get_n_trees() >= 1
        assert len(index.get_nns_by_item(0, 10)) == 10


class TestHoles:
    def test_of_an_item_that_was_never_added(self):
        index = index_of([[1, 1], [2, 2]], "euclidean", ids=[2, 5])
        assert index.get_n_items() == 6
        assert index.get_item_vector(3) == [0.0, 0.0]
        assert index.get_distance(2, 3) == pytest.approx(SQRT2)
        assert index.get_nns_by_item(3, 10) == [2, 5]

    @pytest.mark.parametrize("n", [1, 2, 10, 1000])
    def test_far_from_zero(self, n):
        rows = np.random.default_rng(12).normal(size=(n, 30))
        index = index_of(rows, "angular", ids=range(100_000, 100_000 + n))
        assert set(index.get_nns_by_item(100_000, n, 10**6)) == set(range(100_000, 100_000 + n))

    def test_are_never_found(self):
        rng = np.random.default_rng(13)
        ids = rng.permutation(2000)[:500].tolist()
        index = index_of(rng.normal(size=(500, 8)), "euclidean", ids=ids)
        assert set(index.get_nns_by_vector(rng.normal(size=8), 2000, 10**6)) == set(ids)


class TestDeterminism:
    def test_the_trees_do_not_depend_on_threads(self, tmp_path):
        rows = np.random.default_rng(14).normal(size=(1000, 8))
        files = []
        for jobs in (1, 2, 3):
            index = index_of(rows, "angular", trees=None)
            index.build(7, n_jobs=jobs)
            index.save(tmp_path / f"{jobs}.ann")
            files.append((tmp_path / f"{jobs}.ann").read_bytes())
        assert files[0] == files[1] == files[2]

    def test_the_seed_matters_and_stays(self, tmp_path):
        rows = np.random.default_rng(15).normal(size=(1000, 8))
        files = []
        for seed in (1, 1, 2, -1, 2**63):
            index = AnnoyIndex(8, "angular")
            index.set_seed(seed)
            index.unload()
            index.add_items(rows)
            index.build(5)
            index.save(tmp_path / "x.ann")
            files.append((tmp_path / "x.ann").read_bytes())
        assert files[0] == files[1]
        assert len(set(files)) == 4

    def test_many_threads_search_at_once(self):
        rows = np.random.default_rng(16).normal(size=(2000, 10))
        index = index_of(rows, "euclidean")
        alone = [index.get_nns_by_item(i, 20) for i in range(200)]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda i: index.get_nns_by_item(i, 20), range(200))) == alone


class TestBatch:
    @pytest.mark.parametrize("metric", METRICS)
    def test_answers_are_those_one_by_one(self, metric):
        rng = np.random.default_rng(17)
        index = index_of(rng.normal(size=(500, 6)), metric)
        queries = rng.normal(size=(30, 6)).astype(np.float32)
        ids, distances = index.get_nns_by_vectors(queries, 7, 200, True, n_jobs=2)
        assert (ids.dtype, distances.dtype, ids.shape) == (np.int64, np.float32, (30, 7))
        for query, row, row_distances in zip(queries, ids, distances, strict=True):
            expected, expected_distances = index.get_nns_by_vector(query, 7, 200, True)
            assert row.tolist() == expected
            assert row_distances.tolist() == expected_distances
        assert (index.get_nns_by_vectors(queries, 7, 200) == ids).all()

    @pytest.mark.parametrize("metric, nothing", [("euclidean", np.inf), ("dot", -np.inf)])
    def test_places_without_an_item(self, metric, nothing):
        index = index_of(np.eye(3), metric)
        ids, distances = index.get_nns_by_vectors(np.eye(3), 5, include_distances=True)
        assert (ids[:, 3:] == -1).all() and (distances[:, 3:] == nothing).all()
        assert (np.sort(ids[:, :3]) == [0, 1, 2]).all()

    def test_shapes(self):
        index = index_of(np.eye(3), "euclidean")
        assert index.get_nns_by_vectors(np.empty((0, 3)), 5).shape == (0, 5)
        assert index.get_nns_by_vectors(np.eye(3), 0).shape == (3, 0)
        for wrong in (np.eye(4), np.zeros(3), np.zeros((1, 1, 3))):
            with pytest.raises(ValueError, match="shape"):
                index.get_nns_by_vectors(wrong, 1)
        with pytest.raises(ValueError):
            index.get_nns_by_vectors(np.eye(3), -1)
        with pytest.raises(ValueError):
            index.get_nns_by_vectors(np.full((1, 3), np.nan), 1)

    def test_adding_many(self):
        rows = np.random.default_rng(18).normal(size=(50, 4))
        index = AnnoyIndex(4, "euclidean")
        index.add_items(rows[:20])
        index.add_items(rows[20:40])
        index.add_items(rows[40:].tolist(), ids=np.arange(60, 70, dtype=np.int32))
        assert index.get_n_items() == 70
        for i, j in [(0, 0), (39, 39), (40, 60), (49, 69)]:
            assert index.get_item_vector(j) == rows[i].astype(np.float32).tolist()
        with pytest.raises(IndexError):
            index.add_items(rows[:1], ids=[-1])
        with pytest.raises(ValueError, match="ids has the shape"):
            index.add_items(rows[:2], ids=[1])
        with pytest.raises(TypeError):
            index.add_items(rows[:1], ids=[1.5])
