"""The many things that kith.build takes for vectors."""

from __future__ import annotations

import os

import numpy as np
import pytest

import kith
from kith.annoy import AnnoyIndex


def same(index: kith.Index, base: np.ndarray) -> None:
    np.testing.assert_array_equal(index.vectors(index.ids), base)


def test_memory_mapped_arrays_are_read_where_they_are(cloud, tmp_path):
    np.save(tmp_path / "x.npy", cloud)
    same(kith.build(np.load(tmp_path / "x.npy", mmap_mode="r"), tmp_path / "x.kith"), cloud)


@pytest.mark.parametrize("path", [None, "x.kith"])
def test_chunks_give_the_same_file_as_all_at_once(cloud, tmp_path, path):
    whole = kith.build(cloud, metric="euclidean").to_bytes()
    sizes = [1, 700, 0, 1299]
    ends = np.cumsum(sizes)
    chunks = (cloud[end - size : end] for size, end in zip(sizes, ends, strict=True))
    target = None if path is None else tmp_path / path
    assert kith.build(chunks, target, metric="euclidean").to_bytes() == whole
    assert sorted(os.listdir(tmp_path)) == ([] if path is None else [path])


@pytest.mark.parametrize("dtype", ["f8", "f2", "u1", "i1", "?"])
def test_chunks_may_be_of_every_type(rng, dtype):
    base = rng.integers(0, 2, (50, 9)).astype(dtype)
    index = kith.build(
        iter([base[:20], base[20:]]), metric="euclidean" if dtype != "?" else "hamming"
    )
    same(index, base.astype("f4"))


@pytest.mark.parametrize(
    ("chunks", "error", "words"),
    [
        ([], ValueError, "empty"),
        ([np.zeros((0, 3), "f4")], ValueError, "empty"),
        ([np.zeros((2, 3), "f4"), np.zeros((2, 4), "f4")], ValueError, "chunk 1.*dimension 4"),
        ([np.zeros((2, 3), "f4"), np.zeros((2, 3), "f8")], TypeError, "chunk 1.*float64"),
        ([np.zeros((2, 3, 1), "f4")], ValueError, "3 axes"),
        ([["a", "b"]], TypeError, "chunk 0"),
        ([np.zeros((2, 3)), np.full((1, 3), 1e200)], ValueError, "row 2, column 0"),
    ],
    ids=str,
)
def test_wrong_chunks_are_named(tmp_path, chunks, error, words):
    with pytest.raises(error, match=words):
        kith.build(iter(chunks), tmp_path / "x.kith")
    assert list(tmp_path.iterdir()) == []


def test_an_iterator_that_fails_leaves_nothing(cloud, tmp_path):
    def chunks():
        yield cloud[:10]
        raise LookupError("the source is gone")

    with pytest.raises(LookupError, match="the source is gone"):
        kith.build(chunks(), tmp_path / "x.kith")
    with pytest.raises(FileNotFoundError, match="absent"):
        kith.build(chunks(), tmp_path / "absent" / "x.kith")
    assert list(tmp_path.iterdir()) == []


def test_pandas_frames_and_columns(cloud):
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pd.DataFrame(cloud[:100])
    same(kith.build(frame), cloud[:100])
    column = pd.Series(list(cloud[:100]), index=[f"w{i}" for i in range(100)])
    index = kith.build(column, keys=column.index)
    same(index, cloud[:100])
    assert "w99" in index
    lists = pd.DataFrame({"v": [[1.0, 2.0], [3.0, 4.0]]})["v"]
    same(kith.build(lists, metric="euclidean"), np.array([[1, 2], [3, 4]], "f4"))
    with pytest.raises(ValueError, match="same length"):
        kith.build(pd.Series([[1.0], [2.0, 3.0]]))
    with pytest.raises(TypeError, match="object"):
        kith.build(pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}))


def test_polars_frames_and_columns(cloud):
    pl = pytest.importorskip("polars", reason="polars is not installed")
    same(kith.build(pl.DataFrame(cloud[:100])), cloud[:100])
    rows = cloud[:100].tolist()
    same(kith.build(pl.Series(rows, dtype=pl.List(pl.Float32))), cloud[:100])
    same(kith.build(pl.Series(rows, dtype=pl.Array(pl.Float32, 24))), cloud[:100])
    with pytest.raises(ValueError, match="same length"):
        kith.build(pl.Series([[1.0], [2.0, 3.0]]))


def test_arrow_arrays(cloud):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    flat = pa.array(cloud[:100].ravel())
    fixed = pa.FixedSizeListArray.from_arrays(flat, 24)
    same(kith.build(fixed), cloud[:100])
    same(kith.build(fixed.slice(10, 30)), cloud[10:40])
    same(kith.build(pa.chunked_array([fixed.slice(0, 40), fixed.slice(40)])), cloud[:100])
    lists = pa.array(cloud[:100].tolist(), pa.list_(pa.float32()))
    same(kith.build(lists), cloud[:100])
    same(kith.build(lists.slice(10, 30)), cloud[10:40])
    same(kith.build(pa.table({"v": lists})["v"]), cloud[:100])
    for wrong, words in (
        (pa.array([[1.0], [2.0, 3.0]]), "same length"),
        (pa.array([[1.0], None]), "nulls"),
        (pa.array([[1.0], [None]]), "nulls"),
    ):
        with pytest.raises(ValueError, match=words):
            kith.build(wrong)
    with pytest.raises(TypeError, match="not of lists"):
        kith.build(flat)
    with pytest.raises(TypeError, match="column"):
        kith.build(pa.table({"v": lists}))


def test_sparse_matrices_are_refused_with_the_remedy(cloud):
    sparse = pytest.importorskip("scipy.sparse", reason="scipy is not installed")
    with pytest.raises(TypeError, match="toarray"):
        kith.build(sparse.csr_matrix(cloud[:10]))


def test_queries_may_be_all_that_vectors_may_be(cloud):
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pl = pytest.importorskip("polars", reason="polars is not installed")
    index = kith.build(cloud, metric="euclidean", index="graph")
    queries = cloud[:40]
    wanted = index.search(queries, 3)
    rows = queries.tolist()
    table = pd.DataFrame({"key": range(40), "vector": rows})
    for given in (
        table["vector"],
        table["vector"][::1].reset_index(drop=True),
        pd.Series(list(queries)),
        pd.DataFrame(queries),
        np.array([None, *list(queries)], dtype=object)[1:],
        pl.Series(rows),
        pl.DataFrame(queries),
        pa.array(rows),
        rows,
    ):
        for got, want in zip(index.search(given, 3), wanted, strict=True):
            np.testing.assert_array_equal(got, want)
    truth = index.search(queries, 3, exact=True)[0]
    assert index.evaluate(table["vector"], 3, effort=200, truth=truth)[0]["recall"] == 1
    index.calibrate(table["vector"], k=3)
    with pytest.raises(ValueError, match="same length"):
        index.search(pd.Series([[1.0], [2.0, 3.0]]))
    with pytest.raises(TypeError, match="elements of type"):
        index.search(pd.Series(["a", "b"], dtype=object))
    with pytest.raises(TypeError, match="toarray"):
        index.search(pytest.importorskip("scipy.sparse").csr_matrix(queries))


@pytest.mark.parametrize("chunked", [False, True])
def test_masked_values_are_refused(chunked):
    """They would count as what lies below the mask."""
    values = np.arange(20, dtype="f4").reshape(5, 4)
    masked = np.ma.masked_array(values, mask=values == 7)
    words = "vectors have masked values, which would count"
    with pytest.raises(ValueError, match=words):
        kith.build(iter([masked]) if chunked else masked)
    whole = np.ma.masked_array(values)
    index = kith.build(iter([whole]) if chunked else whole, metric="euclidean")
    np.testing.assert_array_equal(index.vectors(index.ids), values)
    with pytest.raises(ValueError, match=words):
        index.search(masked)
    annoy = AnnoyIndex(4, "euclidean")
    with pytest.raises(ValueError, match=words):
        annoy.add_items(masked)
    with pytest.raises(ValueError, match=words):
        annoy.add_item(0, masked[1])
    annoy.add_items(whole)
    assert annoy.get_item_vector(4) == [16, 17, 18, 19]


@pytest.mark.parametrize(
    "values",
    [
        np.array([1 + 2j, 3]),
        np.array([1 + 2j, 3], "c8"),
        np.array(["2020-01-01", "2021-01-01"], "M8[D]"),
        np.array([1, 2], "m8[s]"),
        np.array([1 + 2j, 3], object),
        [np.complex64(1 + 2j), 3],
        [1 + 2j, 3],
    ],
    ids=str,
)
def test_annoy_takes_real_numbers_only(values):
    annoy = AnnoyIndex(2, "euclidean")
    with pytest.raises(TypeError):
        annoy.add_item(0, values)
    with pytest.raises(TypeError):
        annoy.add_items([values])
    assert annoy.get_n_items() == 0
