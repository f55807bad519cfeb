"""kith.annoy.AnnoyIndex over .kith files."""

import copy
import math

import numpy as np
import pytest

import kith
from kith.annoy import AnnoyFileError, AnnoyIndex

METRICS = ["angular", "euclidean", "manhattan", "dot", "hamming"]


def rows_for(metric, n=300, f=16, seed=31):
    rng = np.random.default_rng(seed)
    if metric == "hamming":
        return rng.integers(0, 2, (n, f)).astype(np.float32)
    return rng.normal(size=(n, f)).astype(np.float32)


def index_of(rows, metric, ids=None):
    index = AnnoyIndex(rows.shape[1], metric)
    for i, row in zip(range(len(rows)) if ids is None else ids, rows, strict=True):
        index.add_item(int(i), row)
    return index


@pytest.mark.parametrize("metric", METRICS)
def test_saved_and_loaded(tmp_path, metric):
    rows = rows_for(metric)
    index = index_of(rows, metric)
    index.build(10)
    exact = [index.get_nns_by_item(i, 10, 10**6, True) for i in range(20)]
    distance = index.get_distance(3, 4)
    assert index.save(tmp_path / "x.kith") is True
    other = AnnoyIndex(16, metric)
    assert other.load(tmp_path / "x.kith", prefault=True) is True
    for one in (index, other):
        assert one.get_n_items() == 300
        assert one.get_item_vector(7) == rows[7].tolist()
        assert one.get_distance(3, 4) == pytest.approx(distance, rel=1e-5, abs=1e-3)
        for i, (ids, distances) in enumerate(exact):
            found, found_distances = one.get_nns_by_item(i, 10, 10**6, True)
            assert found_distances == pytest.approx(distances, rel=1e-4, abs=2e-3)
            assert type(found) is list and {type(j) for j in found} == {int}
            assert len(set(found) & set(ids)) >= (5 if metric == "hamming" else 10)


def test_the_file_is_kiths(tmp_path):
    rows = rows_for("euclidean")
    index_of(rows, "euclidean").save(str(tmp_path / "x.KITH"))
    with kith.open(tmp_path / "x.KITH") as index:
        assert (len(index), index.dim, index.metric) == (300, 16, "euclidean")
        ids, _ = index.search(rows[5], k=1)
        assert ids.tolist() == [5]


@pytest.mark.parametrize("metric", METRICS)
def test_holes_keep_their_numbers(tmp_path, metric):
    rows = rows_for(metric)
    ids = 1000 + 7 * np.arange(300)
    index = index_of(rows, metric, ids)
    index.save(tmp_path / "x.kith")
    assert index.get_n_items() == ids[-1] + 1
    assert index.get_item_vector(int(ids[9])) == rows[9].tolist()
    assert index.get_item_vector(1001) == [0.0] * 16
    assert set(index.get_nns_by_item(1007, 10**6)) == set(ids.tolist())
    if metric not in ("dot", "hamming"):
        assert index.get_nns_by_item(1007, 1) == [1007]
    with pytest.raises(IndexError, match="larger than the largest item index"):
        index.get_nns_by_item(int(ids[-1]) + 1, 1)
    with pytest.raises(IndexError, match="can not be negative"):
        index.get_item_vector(-1)


def test_distances_are_annoys(tmp_path):
    for metric, expected in [("angular", math.sqrt(2)), ("dot", 0.0), ("euclidean", math.sqrt(5))]:
        index = index_of(np.array([[2.0, 0], [0, 1.0]]), metric)
        index.save(tmp_path / "x.kith")
        assert index.get_distance(0, 1) == pytest.approx(expected)
        ids, distances = index.get_nns_by_item(0, 2, include_distances=True)
        assert ids == [0, 1]
        assert distances[1] == pytest.approx(expected, abs=1e-6)
        assert distances[0] == pytest.approx(4.0 if metric == "dot" else 0.0, abs=1e-3)


def test_hamming_queries_are_rounded_to_bits(tmp_path):
    index = index_of(np.array([[0, 1, 0], [1, 1, 1]]), "hamming")
    index.save(tmp_path / "x.kith")
    assert index.get_nns_by_vector([0.4, 17, -2], 2, include_distances=True) == ([0, 1], [0, 2])


@pytest.mark.parametrize("kind", ["graph", "forest", "exact"])
def test_any_kith_file_and_any_search_k(tmp_path, kind):
    rows = rows_for("euclidean", n=4000)
    kith.build(rows, tmp_path / "x.kith", metric="euclidean", index=kind).close()
    index = AnnoyIndex(16, "euclidean")
    index.load(tmp_path / "x.kith")
    queries = rows_for("euclidean", n=40, seed=32)
    truth = [np.argsort(((rows - q) ** 2).sum(1))[:10].tolist() for q in queries]

    def recall(search_k):
        found = [index.get_nns_by_vector(q, 10, search_k) for q in queries]
        return sum(len(set(a) & set(b)) for a, b in zip(found, truth, strict=True)) / 400

    assert recall(10**6) == recall(-2) == 1
    assert recall(-1) > 0.85
    assert recall(3000) > 0.85
    assert index.get_nns_by_vector(queries[0], 10, 0) == []
    assert index.get_nns_by_vector(queries[0], 0) == []
    assert len(index.get_nns_by_vector(queries[0], 10**9)) == 4000
    assert len(index.get_nns_by_vector(queries[0], -1)) == 4000
    with pytest.raises(ValueError):
        index.get_nns_by_vector([math.nan] * 16, 1)


def test_batches(tmp_path):
    rows = rows_for("dot")
    index = index_of(rows, "dot")
    index.save(tmp_path / "x.kith")
    ids, distances = index.get_nns_by_vectors(rows[:20], 310, include_distances=True)
    for i in range(20):
        expected, products = index.get_nns_by_vector(rows[i], 310, include_distances=True)
        assert ids[i].tolist() == expected + [-1] * 10
        assert distances[i, :300].tolist() == products
        assert (distances[i, 300:] == -np.inf).all()


@pytest.mark.parametrize("f, metric", [(15, "euclidean"), (16, "angular"), (16, "dot")])
def test_another_metric_or_dimension(tmp_path, f, metric):
    index_of(rows_for("euclidean"), "euclidean").save(tmp_path / "x.kith")
    index = AnnoyIndex(f, metric)
    with pytest.raises(AnnoyFileError, match="16 dimensions, metric euclidean"):
        index.load(tmp_path / "x.kith")
    index.add_item(0, [1.0] * f)  # as it was before
    assert index.get_n_items() == 1


def test_damaged(tmp_path):
    path = tmp_path / "x.kith"
    index_of(rows_for("euclidean"), "euclidean").save(path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(AnnoyFileError):
        AnnoyIndex(16, "euclidean").load(path)


def test_no_items(tmp_path):
    with pytest.raises(OSError, match="at least one item"):
        AnnoyIndex(3, "dot").save(tmp_path / "x.kith")


def test_states(tmp_path):
    index = index_of(rows_for("euclidean"), "euclidean")
    index.save(tmp_path / "x.kith")
    with pytest.raises(Exception, match=r"^You can't add an item to a loaded index$"):
        index.add_item(0, [0.0] * 16)
    with pytest.raises(Exception, match=r"^You can't build a loaded index$"):
        index.build(5)
    with pytest.raises(Exception, match=r"^You can't unbuild a loaded index$"):
        index.unbuild()
    with pytest.raises(OSError, match=r"\.kith"):
        index.save(tmp_path / "x.ann")
    with pytest.raises(OSError):
        index.on_disk_build(tmp_path / "y.ann")
    assert index.verify() is True
    assert index.get_nns_by_item(0, 1) == [0]

    index.save(tmp_path / "x.kith")
    index.save(tmp_path / "y.kith")
    assert (tmp_path / "x.kith").read_bytes() == (tmp_path / "y.kith").read_bytes()
    assert copy.deepcopy(index).get_nns_by_item(0, 3) == index.get_nns_by_item(0, 3)
    assert "y.kith" in repr(index)

    index.unload()
    assert index.get_n_items() == 0
    index.add_item(0, [1.0] * 16)
    index.build(1)
    assert index.get_nns_by_item(0, 1) == [0]
    index.save(tmp_path / "z.ann")
    index.load(tmp_path / "x.kith")
    index.load(tmp_path / "z.ann")
    assert index.get_n_items() == 1


def test_on_disk_build_to_a_kith_name_says_how(tmp_path):
    with pytest.raises(OSError, match=r"save\(\)"):
        AnnoyIndex(3, "dot").on_disk_build(tmp_path / "x.kith")


def test_an_ann_file_becomes_a_kith_file(tmp_path):
    rows = rows_for("angular")
    index = index_of(rows, "angular")
    index.build(5)
    index.save(tmp_path / "x.ann")
    other = AnnoyIndex(16, "angular")
    other.load(tmp_path / "x.ann")
    other.save(tmp_path / "x.kith")
    assert other.get_item_vector(8) == rows[8].tolist()
    assert other.get_nns_by_item(8, 1) == [8]
