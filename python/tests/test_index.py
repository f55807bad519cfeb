"""kith.Index as a container, a file and a Python object."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

import kith

WORDS = [f"word{i}" for i in range(2000)]


@pytest.fixture
def words(cloud, tmp_path):
    return kith.build(cloud, tmp_path / "words.kith", keys=WORDS, ids=np.arange(2000) * 3 + 7)


def test_containers_have_length_membership_items_and_ids(cloud, words):
    assert len(words) == 2000
    assert list(words)[:3] == [7, 10, 13]
    assert words.ids.dtype == np.int64 and words.ids.tolist() == list(words)
    assert 7 in words and 8 not in words and -1 not in words and 10**30 not in words
    assert np.int32(10) in words
    assert "word5" in words and b"word5" in words and "other" not in words and None not in words
    np.testing.assert_array_equal(words[13], cloud[2])
    np.testing.assert_array_equal(words["word2"], cloud[2])
    np.testing.assert_array_equal(words.vectors([13, 7]), cloud[[2, 0]])
    assert words.keys_of([13, -1]) == ["word2", None]
    assert words.ids_of(["word2", "word0"]).tolist() == [13, 7]
    for missing in (8, "other", -1, 10**30):
        with pytest.raises(KeyError):
            words[missing]
    with pytest.raises(KeyError):
        words.vectors([8])
    with pytest.raises(TypeError, match="vectors\\(ids\\)"):
        words[1:3]


def test_properties_tell_what_it_is(words, tmp_path):
    assert (words.metric, words.dim, words.dtype) == ("angular", 24, "f32")
    assert words.path == str(tmp_path / "words.kith") and words.has_keys
    assert words.nbytes == (tmp_path / "words.kith").stat().st_size
    assert words.info["num_vectors"] == 2000 and "exact" in words.info["indexes"]
    with pytest.raises(AttributeError):
        words.dim = 3
    text = repr(words)
    for part in ("words.kith", "2000 x 24 f32", "angular", "keys"):
        assert part in text


def test_keys_need_not_be_utf8():
    index = kith.build(np.eye(2, dtype="f4"), keys=[b"\xff\x00x", "naïve"])
    key = index.keys_of([0])[0]
    assert key in index and index.ids_of([key]).tolist() == [0]
    assert "naïve" in index


def test_search_keys_sums_words(cloud, words):
    nearest = words.search_keys("word5", k=4)
    ids, distances = words.search(cloud[5], k=5)
    assert [key for key, _ in nearest] == words.keys_of(ids[1:])
    np.testing.assert_allclose([d for _, d in nearest], distances[1:], atol=1e-6)
    unit = cloud / np.linalg.norm(cloud, axis=1, keepdims=True)
    query = unit[5] - unit[6] + unit[9]
    ids, _ = words.search(query, k=8)
    want = [k for k in words.keys_of(ids) if k not in ("word5", "word6", "word9")][:4]
    for spelling in ("word5 -word6 +word9", ["word5", "-word6", "word9"]):
        assert [key for key, _ in words.search_keys(spelling, k=4)] == want
    assert words.search_keys(cloud[5], k=1)[0][0] == "word5"
    assert len(words.search_keys("word5", k=5000)) == 1999


def test_search_keys_prefers_a_key_to_its_reading():
    index = kith.build(np.eye(4, dtype="f4"), keys=["new york", "-1", "new", "york"])
    assert [k for k, _ in index.search_keys("-1", k=3)] == ["new york", "new", "york"]
    assert "york" in [k for k, _ in index.search_keys("new york", k=3)]


def test_search_keys_gives_k_where_keys_are_shared():
    base = np.array([[1, 0]] * 30 + [[1, 0.1 * i] for i in range(1, 9)], "f4")
    index = kith.build(base, keys=["same"] * 30 + [f"other{i}" for i in range(8)])
    assert [k for k, _ in index.search_keys("same", k=3)] == ["other0", "other1", "other2"]


def test_search_keys_names_what_is_wrong(cloud, words):
    with pytest.raises(KeyError, match="nothere"):
        words.search_keys("word5 nothere")
    with pytest.raises(ValueError, match="empty"):
        words.search_keys("  ")
    with pytest.raises(ValueError, match="no keys"):
        kith.build(cloud).search_keys("word5")
    with pytest.raises(ValueError, match="one query"):
        words.search_keys(cloud[:2])


def test_saving_and_bytes_give_the_same_index(cloud, words, tmp_path):
    memory = kith.build(cloud, keys=WORDS, ids=np.arange(2000) * 3 + 7)
    assert memory.path is None and "in memory" in repr(memory)
    assert memory.to_bytes() == words.to_bytes() == (tmp_path / "words.kith").read_bytes()
    memory.save(tmp_path / "saved.kith")
    assert (tmp_path / "saved.kith").read_bytes() == words.to_bytes()
    again = kith.from_bytes(memoryview(words.to_bytes()))
    np.testing.assert_array_equal(again.search(cloud[:5])[0], words.search(cloud[:5])[0])
    assert kith.open(str(tmp_path / "saved.kith")).path.endswith("saved.kith")


def test_pickles_by_path_or_by_bytes(cloud, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    relative = kith.open("words.kith")
    by_path = pickle.dumps(relative)
    assert len(by_path) < 1000
    monkeypatch.chdir("/")
    assert pickle.loads(by_path).path == str(tmp_path / "words.kith")
    memory = kith.build(cloud[:100])
    for clone in (pickle.loads(pickle.dumps(memory)), copy.copy(memory), copy.deepcopy(memory)):
        np.testing.assert_array_equal(clone.search(cloud[:5])[0], memory.search(cloud[:5])[0])
    (tmp_path / "words.kith").unlink()
    with pytest.raises(FileNotFoundError, match="words.kith"):
        pickle.loads(by_path)


def test_closed_indexes_say_so(cloud, words):
    with words as same:
        assert same is words
        assert not words.closed
    assert words.closed and "closed" in repr(words)
    words.close()
    for use in (
        lambda: words.search(cloud[0]),
        lambda: len(words),
        lambda: words.metric,
        lambda: 7 in words,
        lambda: words["word1"],
        lambda: list(words),
        lambda: pickle.dumps(words),
    ):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_a_replaced_file_stays_whole_for_those_who_have_it(cloud, words, tmp_path):
    before = words.search(cloud[:9])
    kith.build(cloud[::-1][:50].copy(), tmp_path / "words.kith")
    np.testing.assert_array_equal(words.search(cloud[:9])[0], before[0])
    assert len(kith.open(tmp_path / "words.kith")) == 50


def test_opening_names_what_is_wrong(cloud, words, tmp_path):
    path = tmp_path / "words.kith"
    for name in (str(path), path, bytes(path)):
        assert len(kith.open(name, prefault=True)) == 2000
    with pytest.raises(FileNotFoundError, match="absent.kith"):
        kith.open(tmp_path / "absent.kith")
    with pytest.raises(ValueError, match="directory"):
        kith.open(tmp_path)
    with pytest.raises(TypeError):
        kith.open(3.5)
    content = path.read_bytes()
    for name, damaged in (
        ("cut", content[:-1]),
        ("header", content[:20] + b"\x55" + content[21:]),
        ("empty", b""),
    ):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(kith.CorruptFileError, match=name):
            kith.open(tmp_path / name)
        with pytest.raises(kith.CorruptFileError, match="in memory"):
            kith.from_bytes(damaged)
    (tmp_path / "text").write_text("hello " * 2000)
    with pytest.raises(ValueError, match="not a .kith file") as error:
        kith.open(tmp_path / "text")
    assert not isinstance(error.value, kith.CorruptFileError)
    with pytest.raises(TypeError):
        kith.from_bytes("text")
    assert issubclass(kith.CorruptFileError, ValueError)


def test_verify_finds_damage_that_opening_does_not(words, tmp_path):
    words.verify()
    content = bytearray((tmp_path / "words.kith").read_bytes())
    content[5000] ^= 1
    damaged = kith.from_bytes(content)
    with pytest.raises(kith.CorruptFileError, match="checksum"):
        damaged.verify()


def test_calibrate_and_drift(rng, cloud, tmp_path):
    far = (5 * rng.standard_normal((200, 24))).astype("f4")
    for index in (
        kith.build(cloud, tmp_path / "c.kith", metric="euclidean", index="graph"),
        kith.build(cloud, metric="euclidean", index="graph"),
    ):
        assert index.info["calibration"]["source"] == "held-out vectors"
        assert index.drift()["queries"] == 0
        with pytest.warns(kith.DriftWarning, match="calibrate"):
            index.search(far, index="graph", recall=0.95)
        assert index.drift()["queries"] == 200 and index.drift()["unlike"]
        index.calibrate(far, k=[5])
        calibration = index.info["calibration"]
        assert calibration["source"] == "queries" and calibration["num_queries"] == 200
        assert [curve["k"] for curve in calibration["curves"]] == [5]
        index.search(far, k=5, recall=0.9)
        assert not index.drift()["unlike"]
        with pytest.raises(ValueError, match="too little"):
            index.calibrate(far[:5])
        with pytest.raises(ValueError, match="at least 64"):
            index.calibrate(far[:40], adapt=True)
        index.calibrate(far, k=[5], adapt=True)
        calibration = index.info["calibration"]
        assert calibration["source"] == "queries" and calibration["num_queries"] in (100, 200)
    assert kith.open(tmp_path / "c.kith").info["calibration"]["source"] == "queries"


def test_searches_warn_once_of_queries_of_another_kind(rng, cloud, tmp_path):
    far = (5 * rng.standard_normal((100, 24))).astype("f4")
    keys = [f"w{i}" for i in range(len(cloud))]
    kith.build(cloud, tmp_path / "d.kith", metric="euclidean", index="graph", keys=keys)

    def warnings_of(search):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for query in far:
                search(query)
        return [w for w in caught if issubclass(w.category, kith.DriftWarning)]

    index = kith.open(tmp_path / "d.kith")
    assert not warnings_of(lambda q: index.search(q, index="graph"))
    assert not warnings_of(lambda q: index.search(q, exact=True))
    (told,) = warnings_of(lambda q: index.search(q, index="graph", recall=0.9))
    assert told.filename == __file__ and "d.kith" in str(told.message)
    assert not warnings_of(lambda q: index.search(q, index="graph", recall=0.9)), "once"
    again = kith.open(tmp_path / "d.kith")
    (told,) = warnings_of(lambda q: again.search_keys(q, index="graph", recall=0.9))
    assert told.filename == __file__
    assert issubclass(kith.DriftWarning, UserWarning)
    # As an error, and silenced.
    strict = kith.open(tmp_path / "d.kith")
    with warnings.catch_warnings(), pytest.raises(kith.DriftWarning):
        warnings.simplefilter("error", kith.DriftWarning)
        strict.search(far, index="graph", recall=0.9)
    silent = kith.open(tmp_path / "d.kith")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", kith.DriftWarning)
        silent.search(far, index="graph", recall=0.9)
    # Queries that are alike bring none, and evaluate() says it of its own.
    alike = kith.open(tmp_path / "d.kith")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        near = cloud[:100] + rng.standard_normal((100, 24)).astype("f4") / 100
        alike.search(near, index="graph", recall=0.9)
        assert not alike.evaluate(near, recall=[0.9], index="graph")[0]["drift"]["unlike"]
    with pytest.warns(kith.DriftWarning):
        points = alike.evaluate(far, recall=[0.9], index="graph")
    assert points[0]["drift"]["unlike"] and points[0]["drift"]["queries"] == 100
    assert alike.drift()["queries"] == 100, "what is evaluated is not counted"


def test_a_recall_beyond_the_graph_is_exact_search(rng):
    # Gaussians of so many dimensions that a graph leads nowhere.
    rows = rng.standard_normal((3000, 200)).astype("f4")
    index = kith.build(rows, metric="dot", index="graph")
    plan = index.plan(recall=0.9999)
    assert plan["index"] == "exact" and plan["recall"] == 1
    assert plan["why_exact"] == "out of reach" and 0.3 < plan["reached"] < 1
    ids, _ = index.search(rows[:5], recall=0.9999)
    assert (ids == index.search(rows[:5], exact=True)[0]).all()
    assert index.plan(recall=1)["why_exact"] == "everything"
    with pytest.raises(ValueError, match="exact=True instead of index") as error:
        index.search(rows[:5], index="graph", recall=0.9999)
    assert "--exact" not in str(error.value) and "kExact" not in str(error.value)
    points = index.evaluate(rows[:50] + 1, recall=[0.3, 0.9999], index="graph")
    assert [point["reachable"] for point in points] == [True, False]
    assert points[1]["recall"] is None and 0.3 < points[1]["reached"] < 1
    unmeasured = kith.build(rows, metric="dot", index="graph", calibrate=False)
    with pytest.raises(ValueError, match=r"not measured; measure it \(calibrate\(\)\)"):
        unmeasured.search(rows[:5], index="graph", recall=0.9)
    assert unmeasured.plan(recall=0.9)["why_exact"] == "unmeasured"


def test_evaluate_measures_recall_and_speed(rng, cloud, tmp_path):
    index = kith.build(cloud, metric="euclidean", index="graph")
    queries = cloud[:60] + rng.standard_normal((60, 24)).astype("f4") / 5
    points = index.evaluate(queries, k=5, effort=[5, 200], index="graph")
    assert [point["effort"] for point in points] == [5, 200]
    assert points[0]["recall"] <= points[1]["recall"] and points[1]["recall"] > 0.99
    low, high = points[1]["recall_interval"]
    assert low <= points[1]["recall"] <= high
    assert points[0]["qps"] > 0 and points[0]["p50_us"] > 0
    truth = index.search(queries, k=5, exact=True)[0]
    exact = index.evaluate(queries, k=5, index=["exact"], truth=truth)
    assert [point["recall"] for point in exact] == [1.0]
    known = index.evaluate(queries, k=5, effort=[5], index="graph", truth=truth)
    assert known[0]["recall"] == points[0]["recall"] < 1
    with pytest.raises(ValueError, match="2000"):
        index.evaluate(queries, k=5, truth=truth + 2000)
    assert index.evaluate(queries, k=5, recall=[0.9], index="graph")[0]["target"] == 0.9
    with pytest.raises(ValueError, match="one is needed for each query"):
        index.evaluate(queries, truth=truth[:5])
    with pytest.raises(ValueError, match="integer array"):
        index.evaluate(queries, truth=truth[0])


def test_opening_copies_nothing(words):
    # The pages of the file, not of this process: 100 more openings of it take no more memory.
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("no /proc: memory is not known")

    def private_kb() -> int:
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["RssAnon"].split()[0])

    before = private_kb()
    held = [kith.open(words.path) for _ in range(100)]
    assert private_kb() - before < 50 * words.nbytes / 1000
    assert len(held) == 100


@pytest.mark.parametrize("number", [2**63, -(2**70), -1, 10**6])
def test_ids_that_are_not_there_are_told_as_they_are(cloud, number):
    index = kith.build(cloud[:20])
    with pytest.raises(KeyError, match=f"no id {number}"):
        index[number]
    assert number not in index
