"""Threads: the GIL is let go of, and one index serves many."""

import random
import sys
import threading

import numpy as np
import pytest

import kith

RNG = np.random.default_rng(11)
ROWS = (RNG.normal(size=(30_000, 12)) @ RNG.normal(size=(12, 96))).astype(np.float32)
QUERIES = ROWS[::30] + np.float32(0.01)
WORDS = [f"w{i}" for i in range(len(ROWS))]


@pytest.fixture(scope="module")
def index():
    return kith.build(ROWS, metric="euclidean", index=("graph", "forest"), keys=WORDS)


@pytest.fixture(scope="module")
def path(index, tmp_path_factory):
    to = tmp_path_factory.mktemp("threads") / "x.kith"
    index.save(to)
    return to


@pytest.fixture
def no_switches():
    """A thread keeps the GIL until it lets go of it, or for a minute."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(60)
    yield
    sys.setswitchinterval(before)


def runs_beside(call, attempts=50):
    """Whether Python code of another thread ran while `call` did.

    The thread that calls says so, and what is next to let go of the GIL is the call itself, if
    anything. So whoever finds the call begun and not ended has run during it. How long anything
    takes plays no part, but that this thread has to wake up before the call ends; hence attempts.
    """
    for _ in range(attempts):
        state = []

        def caller(state=state):
            state.append("begun")
            try:
                call()
            except BaseException as error:
                state.append(error)
            else:
                state.append("ended")

        thread = threading.Thread(target=caller)
        thread.start()  # waits for the thread, which goes on holding the GIL
        seen = list(state)
        thread.join()
        if state[-1] != "ended":
            raise state[-1]
        if seen == ["begun"]:
            return True
    return False


@pytest.mark.usefixtures("no_switches")
def test_what_keeps_the_gil_is_found_out():
    assert not runs_beside(lambda: pow(3, 200_000), 10)
    assert not runs_beside(lambda: sorted(range(1000)), 10)


LONG_CALLS = {
    "build graph": lambda index, path: kith.build(ROWS[:4000], index="graph"),
    "build forest": lambda index, path: kith.build(ROWS, index="forest"),
    "build exact": lambda index, path: kith.build(ROWS, index="exact"),
    "build file": lambda index, path: kith.build(ROWS, path.with_name("y.kith"), index="exact"),
    "search exact": lambda index, path: index.search(QUERIES, exact=True),
    "search graph": lambda index, path: index.search(QUERIES, effort=100, index="graph"),
    "search forest": lambda index, path: index.search(QUERIES, effort=2000, index="forest"),
    "search threads": lambda index, path: index.search(QUERIES, exact=True, n_jobs=2),
    "evaluate": lambda index, path: index.evaluate(QUERIES[:50], effort=[50], index="graph"),
    "open": lambda index, path: kith.open(path, prefault=True),
    "verify": lambda index, path: index.verify(),
    "save": lambda index, path: index.save(path.with_name("z.kith")),
    "calibrate": lambda index, path: kith.open(path).calibrate(QUERIES[:200], k=[10]),
}


@pytest.mark.parametrize("call", LONG_CALLS)
@pytest.mark.usefixtures("no_switches")
def test_long_calls_let_other_threads_run(call, index, path):
    assert runs_beside(lambda: LONG_CALLS[call](index, path))


def all_at_once(work, count=8):
    """work(i) in so many threads, which begin together; raises the first error of them."""
    barrier = threading.Barrier(count)
    errors = []

    def run(i):
        try:
            barrier.wait()
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize(
    "options",
    [
        {"exact": True},
        {"index": "graph", "effort": 60},
        {"index": "forest", "effort": 500},
        {"recall": 0.9},
        {},
    ],
)
def test_many_threads_get_the_answers_of_one(index, options):
    expected = index.search(QUERIES, 7, **options)
    alone = [index.search(query, 7, **options) for query in QUERIES[:50]]

    def work(i):
        order = random.Random(i).sample(range(50), 50)
        for row in order:
            for found, wanted in zip(
                index.search(QUERIES[row], 7, **options), alone[row], strict=True
            ):
                np.testing.assert_array_equal(found, wanted)
        found = index.search(QUERIES, 7, n_jobs=1 + i % 2, **options)
        for got, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(got, wanted)

    all_at_once(work)


def test_everything_else_from_many_threads(index):
    found = index.evaluate(QUERIES[:100], effort=[50], index="graph")[0]["recall"]

    def work(i):
        for row in range(i, len(ROWS), 997):
            np.testing.assert_array_equal(index[row], ROWS[row])
            np.testing.assert_array_equal(index[f"w{row}"], ROWS[row])
            assert index.keys_of([row]) == [f"w{row}"] and f"w{row}" in index
        assert index.evaluate(QUERIES[:100], effort=[50], index="graph")[0]["recall"] == found
        assert index.search_keys("w5", 3)[0][0] != "w5"

    all_at_once(work, 4)


def test_builds_in_many_threads_are_the_same(tmp_path):
    files = [None] * 4

    def work(i):
        kith.build(ROWS[:3000], tmp_path / f"{i}.kith", index=("graph", "forest"), n_jobs=1).close()
        files[i] = (tmp_path / f"{i}.kith").read_bytes()

    all_at_once(work, 4)
    assert len(set(files)) == 1


def test_builds_of_one_file_leave_it_whole(tmp_path):
    to = tmp_path / "x.kith"

    def work(i):
        for seed in range(3):
            with kith.build(
                ROWS[:2000], to, metric="euclidean", index="forest", seed=seed
            ) as built:
                assert built.search(ROWS[7], 1, exact=True)[0] == [7]
            with kith.open(to) as opened:
                opened.verify()

    all_at_once(work, 4)
    assert [x.name for x in tmp_path.iterdir()] == ["x.kith"]


@pytest.mark.parametrize("where", ["memory", "file"])
def test_closing_while_others_search(index, path, where):
    """Whoever comes too late gets an error, others the right answer."""
    expected = index.search(QUERIES, 5, effort=60, index="graph")
    for _ in range(10):
        victim = kith.open(path) if where == "file" else kith.from_bytes(path.read_bytes())
        searched = threading.Semaphore(0)
        answered = []

        def work(i, victim=victim, searched=searched, answered=answered):
            if i == 0:
                for _ in range(5):
                    searched.acquire()
                victim.close()
                victim.close()
                return
            while True:
                try:
                    found = victim.search(QUERIES, 5, effort=60, index="graph")
                    one = victim.search(QUERIES[i], 5, effort=60, index="graph")
                    row = victim[i]
                except ValueError as error:
                    assert "closed" in str(error)
                    searched.release()
                    return
                searched.release()
                for got, alone, wanted in zip(found, one, expected, strict=True):
                    np.testing.assert_array_equal(got, wanted)
                    np.testing.assert_array_equal(alone, wanted[i])
                np.testing.assert_array_equal(row, ROWS[i])
                answered.append(i)

        all_at_once(work, 5)
        assert victim.closed and len(answered) >= 5
        with pytest.raises(ValueError, match="closed"):
            victim.search(QUERIES[0])


def test_arrays_outlive_the_index(index):
    copy = kith.from_bytes(index.to_bytes())
    ids, distances = copy.search(QUERIES, 5)
    vectors, all_ids = copy.vectors([3, 4]), copy.ids
    copy.close()
    del copy
    assert (ids >= 0).all() and (distances >= 0).all()
    np.testing.assert_array_equal(vectors, ROWS[3:5])
    np.testing.assert_array_equal(all_ids, np.arange(len(ROWS)))
