"""Files whose names mean something else by now, and forks of whoever writes one."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest

import kith
from kith.annoy import AnnoyIndex

VECTORS = np.random.default_rng(5).standard_normal((900, 8)).astype(np.float32)


@pytest.fixture
def folders(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "two/x.kith").write_bytes(b"another's")
    return tmp_path


def build(path):
    return kith.build(VECTORS, path, metric="euclidean", index="forest", trees=4)


@pytest.mark.parametrize("opened", [False, True])
def test_an_index_pickles_as_the_place_where_it_was_opened(folders, monkeypatch, opened):
    monkeypatch.chdir(folders / "one")
    index = build("x.kith")
    if opened:
        index = kith.open("x.kith")
    monkeypatch.chdir(folders / "two")
    place = str((folders / "one/x.kith").resolve())
    assert index.path == place
    assert pickle.loads(pickle.dumps(index)).path == place


def test_calibrating_rewrites_the_file_that_was_opened(folders, monkeypatch):
    monkeypatch.chdir(folders / "one")
    index = build("x.kith")
    monkeypatch.chdir(folders / "two")
    index.calibrate(VECTORS[:100], k=[5])
    assert (folders / "two/x.kith").read_bytes() == b"another's"
    assert index.info["calibration"]["source"] == "queries"
    again = kith.open(folders / "one/x.kith")
    assert again.info["calibration"]["source"] == "queries"
    assert index.path == again.path and index.info["build_seconds"] is not None
    index.calibrate(VECTORS[:100], k=[4])  # the new file is the index's now


def test_calibrating_leaves_another_file_of_the_name(folders):
    path = folders / "x.kith"
    index = build(path)
    kith.build(VECTORS[:50], path)
    content = path.read_bytes()
    with pytest.raises(OSError, match=r"x\.kith.*another file than the one that was opened"):
        index.calibrate(VECTORS[:100], k=[5])
    assert path.read_bytes() == content
    assert len(index) == 900


def test_calibrating_does_not_bring_back_a_file_that_was_removed(folders):
    path = folders / "x.kith"
    index = build(path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"x\.kith: was removed since it was opened"):
        index.calibrate(VECTORS[:100], k=[5])
    assert not path.exists()
    assert len(index) == 900
    index.save(path)


def test_a_build_ends_where_it_began(folders, monkeypatch):
    monkeypatch.chdir(folders / "one")
    index = kith.build(
        VECTORS, "x.kith", index="forest", progress=lambda *_: os.chdir(folders / "two")
    )
    assert index.path == str((folders / "one/x.kith").resolve())
    assert (folders / "two/x.kith").read_bytes() == b"another's"


@pytest.mark.parametrize("name", ["x.ann", "x.kith"])
def test_annoy_pickles_as_the_place_where_it_was_loaded(folders, monkeypatch, name):
    monkeypatch.chdir(folders / "one")
    index = AnnoyIndex(8, "euclidean")
    for i in range(50):
        index.add_item(i, VECTORS[i])
    index.build(3)
    index.save(name)
    loaded = AnnoyIndex(8, "euclidean")
    loaded.load(name)
    monkeypatch.chdir(folders / "two")
    for one in (index, loaded):
        clone = pickle.loads(pickle.dumps(one))
        assert clone.get_nns_by_item(7, 5) == one.get_nns_by_item(7, 5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_leaves_the_half_built_file(tmp_path):
    index = AnnoyIndex(8, "euclidean")
    index.on_disk_build(str(tmp_path / "x.ann"))
    for i in range(200):
        index.add_item(i, VECTORS[i])
    pid = os.fork()
    if pid == 0:
        index.unload()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    index.build(3)
    assert os.listdir(tmp_path) == ["x.ann"]
    assert index.get_nns_by_item(7, 1) == [7]
