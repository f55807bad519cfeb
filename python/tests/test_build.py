"""kith.build: options, promises, and what becomes of wrong input."""

from __future__ import annotations

import numpy as np
import pytest

import kith


def test_the_same_input_and_seed_give_the_same_bytes(cloud, tmp_path):
    built = [
        kith.build(cloud, index=("graph", "forest"), n_jobs=n_jobs).to_bytes() for n_jobs in (1, -1)
    ]
    assert built[0] == built[1]
    on_disk = kith.build(cloud, tmp_path / "a.kith", index=("graph", "forest"))
    assert on_disk.to_bytes() == built[0]
    assert kith.build(cloud, index=("graph", "forest"), seed=1).to_bytes() != built[0]


@pytest.mark.parametrize(
    ("index", "ways"),
    [
        ("exact", ["exact"]),
        ("graph", ["graph", "exact"]),
        (["forest"], ["forest", "exact"]),
        (("graph", "forest"), ["graph", "forest", "exact"]),
    ],
    ids=str,
)
def test_the_ways_in_are_those_asked_for(cloud, index, ways):
    assert kith.build(cloud, index=index).info["indexes"] == ways


def test_options_arrive(cloud):
    info = kith.build(cloud, index="forest", trees=3, leaf_size=20).info
    assert (info["num_trees"], info["leaf_size"]) == (3, 20)
    info = kith.build(cloud, index="graph", degree=16, layout="compact", beam=20).info
    assert (info["graph_degree"], info["graph_layout"]) == (16, "compact")
    assert 0.9 < info["graph_self_recall"] <= 1
    assert 0.9 < kith.build(cloud, index="graph", metric="dot").info["graph_self_recall"] <= 1
    assert kith.build(cloud, dtype="f16").dtype == "f16"
    assert kith.build(cloud, dtype="auto").dtype == "f32"
    assert kith.build(cloud, index="graph", calibrate=False).info["calibration"] is None
    assert kith.build(cloud, index="graph", expect_queries=5).info["calibration"] is None
    assert kith.build(np.rint(cloud) + 9).dtype == "u8"


def test_integers_given_as_floats_are_stored_as_bytes_and_compared_exactly(rng):
    base = rng.integers(0, 256, (300, 20)).astype("f8")
    index = kith.build(base, metric="euclidean")
    assert index.dtype == "u8"
    np.testing.assert_array_equal(index.vectors(index.ids), base)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"vectors": np.zeros((0, 4), "f4")}, ValueError, "empty"),
        ({"vectors": np.zeros((4, 0), "f4")}, ValueError, "dimension 0"),
        ({"vectors": np.zeros(4, "f4")}, ValueError, "one axis"),
        ({"vectors": np.full((4, 4), 2**24 + 1)}, ValueError, "16777217 at row 0.*astype"),
        ({"vectors": np.array([[1, 2], [3, np.nan]], "f4")}, ValueError, "row 1.*column 1|1.*1"),
        ({"vectors": np.array([[1, 2], [3, np.inf]])}, ValueError, "inf"),
        ({"vectors": np.array([[1, 2], [3, 1e200]])}, ValueError, "row 1, column 1"),
        ({"vectors": [[1, 2], [3]]}, ValueError, "different lengths"),
        ({"vectors": "words.txt"}, TypeError, "str"),
        ({"vectors": None}, TypeError, "object"),
        ({"keys": ["a"]}, ValueError, "keys"),
        ({"keys": "abcdefgh"}, TypeError, "one string"),
        ({"keys": [1] * 8}, TypeError, "str or bytes, not int"),
        ({"ids": [1, 2]}, ValueError, "ids"),
        ({"ids": [1] * 8}, ValueError, "1"),
        ({"ids": range(-8, 0)}, ValueError, "-8"),
        ({"ids": np.arange(8.0)}, TypeError, "integers"),
        ({"ids": np.zeros((8, 1), int)}, ValueError, "2 axes"),
        ({"metric": "cosin"}, ValueError, "did you mean .cosine"),
        ({"index": "tree"}, ValueError, "auto, exact, graph or forest"),
        ({"index": ("exact", "graph")}, ValueError, "stand alone"),
        ({"dtype": "float32"}, ValueError, "f32"),
        ({"dtype": "u8"}, ValueError, "u8"),
        ({"trees": 5}, ValueError, "forest"),
        ({"trees": 0, "index": "forest"}, ValueError, "trees is 0"),
        ({"degree": 16}, ValueError, "graph"),
        ({"degree": 17, "index": "graph"}, ValueError, "16"),
        ({"layout": "tight", "index": "graph"}, ValueError, "packed"),
        ({"memory": 0}, ValueError, "memory is 0"),
        ({"memory": "1X"}, ValueError, "memory is '1X'.*4G"),
        ({"memory": 1.5}, TypeError, "^memory must be an integer, not float$"),
        ({"trees": 3.5, "index": "forest"}, TypeError, "^trees must be an integer, not float$"),
        ({"metric": None}, TypeError, "^metric must be str, not NoneType$"),
        ({"index": 3}, TypeError, "^index must be str, not int$"),
        ({"build_seconds": "soon"}, TypeError, "^build_seconds must be a number, not str$"),
        ({"n_jobs": "all"}, TypeError, "^n_jobs must be an integer or None, not str$"),
        ({"build_seconds": -1.0}, ValueError, "build_seconds"),
        ({"n_jobs": 0}, ValueError, "n_jobs"),
        ({"seed": -1}, ValueError, r"^seed is -1; it must be from 0 to 2\^64 - 1$"),
        ({"seed": 2**64}, ValueError, "^seed is 18446744073709551616;"),
        ({"seed": 1.5}, TypeError, "^seed must be an integer, not float$"),
        ({"ids": np.full(8, 2**63, "u8")}, ValueError, "9223372036854775808"),
        ({"progress": 3}, TypeError, "callable"),
        ({"path": 3}, TypeError, "PathLike"),
        ({"path": "/"}, ValueError, "directory"),
        ({"path": "absent/x.kith"}, FileNotFoundError, "absent"),
    ],
    ids=str,
)
def test_wrong_input_is_named_and_leaves_no_file(tmp_path, monkeypatch, change, error, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.kith").write_bytes(b"older")
    arguments = {"vectors": np.eye(8, 4, dtype="f4") - 0.5, "path": "x.kith"} | change
    with pytest.raises(error, match=words):
        kith.build(**arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["x.kith"]
    assert (tmp_path / "x.kith").read_bytes() == b"older"


def test_a_name_that_may_not_be_replaced_is_an_os_error(cloud):
    with pytest.raises((OSError, ValueError), match="/proc"):
        kith.build(cloud, "/proc/version")


def test_progress_is_told_from_the_calling_thread(rng):
    import threading

    here = threading.get_ident()
    seen: list[tuple[str, int, int]] = []

    def progress(stage: str, done: int, total: int) -> None:
        assert threading.get_ident() == here
        seen.append((stage, done, total))

    kith.build(rng.standard_normal((3000, 32)).astype("f4"), index="graph", progress=progress)
    assert seen and all(isinstance(stage, str) and done <= total for stage, done, total in seen)


@pytest.mark.parametrize("how", ["false", "raise"])
def test_a_callback_ends_the_build_and_leaves_no_file(rng, tmp_path, how):
    def progress(stage: str, done: int, total: int) -> bool:
        if how == "raise":
            raise LookupError("enough")
        return False

    base = rng.standard_normal((20_000, 64)).astype("f4")
    with pytest.raises(LookupError if how == "raise" else kith.Cancelled):
        kith.build(base, tmp_path / "x.kith", index="graph", progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_progress_bars_are_tqdms(cloud, capsys):
    pytest.importorskip("tqdm")
    kith.build(cloud, index="graph", progress=True)
    assert "graph" in capsys.readouterr().err
