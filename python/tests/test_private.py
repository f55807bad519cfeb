"""What Python can reach is checked, though its name says that it is not for users: whatever it is
given, it raises, or does what it was asked to, and the process goes on."""

from __future__ import annotations

import itertools
import resource
import warnings
from pathlib import Path

import numpy as np
import pytest

import kith
from kith import _core
from kith.annoy import AnnoyIndex

DIM = 4
ROWS = np.random.default_rng(5).standard_normal((60, DIM)).astype("f4")
KEYS = [str(i) for i in range(60)]

# Each in place of each argument.
ODD = [
    None,
    True,
    0,
    -1,
    2**31,
    2**40,
    2**63,
    2**70,
    3.5,
    float("nan"),
    "x",
    b"xyz",
    b"",
    [],
    [1, 2],
    [[1, 2], [3]],
    (),
    {},
    object(),
    np.zeros((0, DIM), "f4"),
    np.zeros((2, 0), "f4"),
    np.zeros((2, DIM - 1), "f4"),
    np.zeros((2, DIM + 1), "f4"),
    np.zeros((DIM, 2), "f4").T,
    np.zeros((2, DIM), "f8"),
    np.zeros((2, DIM), "i8"),
    np.zeros((2, DIM), ">f4"),
    np.zeros((2, 2, DIM), "f4"),
    np.zeros(DIM, "f4"),
    np.zeros(3, "i8"),
    np.full((2, DIM), np.nan, "f4"),
    np.full(2, 2**63, "u8"),
    np.array([-1, -2]),
    lambda *x: None,
]
# More would be taken of memory.
MOST = 2**20


@pytest.fixture(autouse=True)
def little_memory():
    """Two gigabytes more than there are now: a number believed is an error, not a dead machine."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2 * 2**30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def tried(call, good):
    """Calls with all that is good, and with each odd value in place of each of it."""
    call(*good)
    for place, odd in itertools.product(range(len(good)), ODD):
        given = [*good[:place], odd, *good[place + 1 :]]
        try:
            call(*given)
        except (TypeError, ValueError, OverflowError, IndexError, KeyError, MemoryError) as error:
            assert str(error)
        except (OSError, AttributeError, RuntimeError) as error:
            assert str(error)
    for size in range(len(good)):
        with pytest.raises((TypeError, ValueError)):
            call(*good[:size])


def built():
    index = AnnoyIndex(DIM, "angular")
    index.add_items(ROWS)
    index.build(3)
    return index


@pytest.mark.parametrize("state", ["items", "built", "kith"])
def test_batches_of_annoys(tmp_path, state):
    index = AnnoyIndex(DIM, "angular")
    index.add_items(ROWS)
    if state != "items":
        index.build(3)
    if state == "kith":
        index.save(tmp_path / "x.kith")
    before = index.get_nns_by_item(3, 5)
    tried(index._search_batch, [ROWS, 3, -1, 1])
    for wrong in (ROWS[:, :3], np.zeros((5, 5), "f4"), ROWS[0], ROWS.astype("f8"), ROWS[::2, ::-1]):
        with pytest.raises((TypeError, ValueError)):
            index._search_batch(wrong, 3, -1, 1)
    for n, rows in ((0, ROWS), (3, ROWS[:0]), (300, ROWS[:2])):
        ids, distances = index._search_batch(rows, n, -1, 1)
        assert ids.shape == distances.shape == (len(rows), n)
        assert ((ids >= -1) & (ids < 60)).all()
        assert (np.isinf(distances) == (ids == -1)).all()
    assert index.get_nns_by_item(3, 5) == before


def test_items_of_annoys():
    def add(*given):
        index = AnnoyIndex(DIM, "angular")
        index._add_items(*given)
        assert index.get_n_items() <= MOST

    tried(add, [np.arange(60), ROWS])
    index = AnnoyIndex(DIM, "angular")
    for ids, vectors in (
        (np.arange(59), ROWS),
        (np.arange(61), ROWS),
        (np.arange(60), ROWS[:, :3]),
        (np.arange(60), ROWS.astype("f8")),
        (np.arange(60.0), ROWS),
        (np.arange(60)[:, None], ROWS),
        (np.arange(60), np.asfortranarray(ROWS)),
    ):
        with pytest.raises((TypeError, ValueError)):
            index._add_items(ids, vectors)
    assert index.get_n_items() == 0


def test_states_of_annoys(tmp_path):
    empty = {"f": DIM, "metric": "angular", "more": {}}
    items = AnnoyIndex(DIM, "angular")
    items.add_items(ROWS)
    states = [items.__getstate__(), built().__getstate__()]
    wrong = [
        {"items": (b"\0" * 3, b"\0" * 16)},
        {"items": (b"\0" * 4, b"\0" * 12)},
        {"items": (b"\0" * 8, b"\0" * 16)},
        {"items": (b"\0" * 4, b"\0" * 32)},
        {"items": (b"\xff" * 4, b"\0" * 16)},
        {"items": None},
        {"items": (1, 2)},
        {"bytes": b"abc"},
        {"bytes": states[1]["bytes"][:-4]},
        {"bytes": states[1]["bytes"], "f": DIM + 1},
        {"bytes": None},
        {"path": str(tmp_path / "absent")},
        {"path": str(tmp_path)},
        {"path": 5},
        {"items": (b"", b""), "f": 2**31 - 1},
        {"items": (b"", b""), "f": 0},
        {"items": (b"", b""), "metric": "x"},
        {"items": (b"", b""), "metric": None},
        {"items": (b"", b""), "more": None},
        {},
    ]
    for state in [*({**empty, **change} for change in wrong), None, 5, {}]:
        index = AnnoyIndex.__new__(AnnoyIndex)
        with pytest.raises((TypeError, ValueError, KeyError, OSError, IndexError)):
            index.__setstate__(state)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what was never made, nanobind says so
            for ask in (
                index.get_n_items,
                lambda index=index: index.get_nns_by_vector([0] * DIM, 3),
                lambda index=index: index._search_batch(ROWS, 3, -1, 1),
                lambda index=index: index._add_items(np.arange(60), ROWS),
            ):
                try:
                    ask()
                except (TypeError, ValueError, IndexError) as error:
                    assert str(error)
    for state in states:
        index = AnnoyIndex.__new__(AnnoyIndex)
        index.__setstate__(state)
        assert index.get_n_items() == 60
        with warnings.catch_warnings(), pytest.raises(TypeError):
            warnings.simplefilter("ignore")
            index.__setstate__(state)
        assert index.get_n_items() == 60


def test_bytes_of_annoys():
    index = built()
    held = index._to_bytes()
    for size in range(0, len(held), 7):
        # A part may be an index too: it has no header that says how long it is.
        try:
            index._from_bytes(held[:size])
        except (ValueError, OSError) as error:
            assert str(error)
        assert index.get_n_items() <= 60
    index._from_bytes(held)
    tried(AnnoyIndex(DIM, "angular")._from_bytes, [held])
    assert index.get_n_items() == 60


def test_an_index():
    index = kith.build(ROWS, index=("graph", "forest"), keys=KEYS)
    wanted = index.search(ROWS, 3)
    tried(
        lambda query, k, index_, n_jobs: index._search_keys(query, k, index=index_, n_jobs=n_jobs),
        ["5", 3, "graph", 1],
    )
    truth = index.search(ROWS, 3, exact=True)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tried(
            lambda *given: index._evaluate(*given, 1, None),
            [ROWS[:40], 3, truth[:40], [], [], None, "warn", ["exact"]],
        )
        for known in (truth[:39], truth[:40, :2], truth[:40] + 60, truth[:40].ravel(), truth[:0]):
            with pytest.raises(ValueError):
                index._evaluate(ROWS[:40], 3, known, [], [], None, "warn", ["exact"], 1, None)
        tried(lambda *given: index._calibrate(*given, None), [ROWS, [1], False, 1])
    tried(lambda k, n, index_: index.plan(k, n, index=index_), [3, 1, "graph"])
    for method in (index.vectors, index.keys_of):
        tried(method, [[1, 2]])
    tried(index.ids_of, [["1", "2"]])
    tried(
        lambda *given: _core.neighbour_graph(index, *given, None),
        [3, 0.9, "graph", "directed", True, 1],
    )
    tried(
        lambda *given: _core.neighbour_graph_of(*given, None),
        [ROWS, "euclidean", 3, 0.9, "graph", "directed", True, 1, 1],
    )
    tried(lambda *given: _core.duplicates(index, *given, None), [0.1, 0.9, "graph", 1])
    tried(
        lambda queries, originals, k, n_jobs: index._search_reranked(
            queries, originals, k, n_jobs=n_jobs
        ),
        [ROWS, ROWS, 3, 1],
    )
    tried(index.__getitem__, [1])
    tried(index.__contains__, [1])
    for got, want in zip(index.search(ROWS, 3, exact=True), wanted, strict=True):
        assert got.shape == want.shape


def test_the_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    held = kith.build(ROWS).to_bytes()
    (tmp_path / "x.kith").write_bytes(held)
    tried(_core.from_bytes, [held])
    tried(_core.open, ["x.kith", False, False])
    options = {
        "index": "exact",
        "dtype": None,
        "trees": None,
        "leaf_size": None,
        "degree": None,
        "beam": None,
        "layout": "auto",
        "calibrate": False,
        "expect_queries": None,
        "memory": None,
        "build_seconds": None,
        "scan_codes": None,
        "reducer": None,
        "origin": None,
    }
    good = [ROWS, None, "angular", options, KEYS, np.arange(60), 1, 1, None]
    tried(_core.build, good)
    for name in options:
        for odd in ODD:
            try:
                _core.build(ROWS, None, "angular", options | {name: odd}, None, None, 1, 1, None)
            except (TypeError, ValueError, OverflowError) as error:
                assert str(error)
        with pytest.raises(KeyError, match=name):
            fewer = {key: value for key, value in options.items() if key != name}
            _core.build(ROWS, None, "angular", fewer, None, None, 1, 1, None)
    reduction = _core.reduce_fit(ROWS, 2, None, "pca", "euclidean", False, 1, 1, None)
    tried(
        lambda *given: _core.reduce_fit(*given, 1, None),
        [ROWS, 2, None, "pca", "euclidean", False, 1],
    )
    reduction.save("m.kith")
    tried(_core.reduce_open, ["m.kith"])
    tried(lambda rows, n_jobs: reduction.transform(rows, n_jobs, None), [ROWS, 1])
    tried(reduction.prefix, [1])
    for made in (_core.Handle, kith.Index):
        for odd in ODD:
            with pytest.raises(TypeError):
                made(odd)
        unmade = made.__new__(made)
        with warnings.catch_warnings(), pytest.raises(TypeError):
            warnings.simplefilter("ignore")
            unmade.search(ROWS)
