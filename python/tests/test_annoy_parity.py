"""kith.annoy beside Annoy itself: each reads the other's files and finds the same.

Skipped without `pip install annoy`, which needs a compiler.
"""

import warnings

import numpy as np
import pytest

from kith.annoy import AnnoyIndex

annoy = pytest.importorskip("annoy", reason="annoy is not installed: nothing to compare with")

METRICS = ["angular", "euclidean", "manhattan", "dot", "hamming"]
SHAPES = [(1, 3), (2, 2), (5, 70), (1000, 3), (3000, 25), (800, 130)]


def rows_for(metric, n, f, seed):
    rng = np.random.default_rng(seed)
    if metric == "hamming":
        return rng.integers(0, 2, (n, f)).astype(np.float32)
    return rng.normal(size=(n, f)).astype(np.float32)


def write(cls, path, metric, n, f, holes=False, trees=8):
    rows = rows_for(metric, n, f, n + f)
    index = cls(f, metric)
    step = 3 if holes else 1
    for i, row in enumerate(rows):
        index.add_item(2 + step * i if holes else i, row)
    index.build(trees, 1)
    index.save(str(path))
    return rows


def same(found, expected, exact_ties):
    """The same distances; the same items, but for ones that are equally near."""
    (ids, distances), (expected_ids, expected_distances) = found, expected
    assert len(ids) == len(expected_ids)
    assert distances == pytest.approx(expected_distances, rel=1e-4, abs=2e-3)
    if exact_ties:
        assert ids == expected_ids
    elif ids != expected_ids:
        # Sums of floats in another order may turn what is nearly equally near.
        different = {i for i, j in zip(ids, expected_ids, strict=True) if i != j}
        assert len(different) <= max(2, len(ids) // 20)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n, f", SHAPES)
@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("writer", ["annoy", "kith"])
def test_same_answers_on_the_same_file(tmp_path, metric, n, f, holes, writer):
    path = tmp_path / "x.ann"
    rows = write(annoy.AnnoyIndex if writer == "annoy" else AnnoyIndex, path, metric, n, f, holes)
    theirs = annoy.AnnoyIndex(f, metric)
    ours = AnnoyIndex(f, metric)
    assert theirs.load(str(path)) and ours.load(str(path))
    assert ours.get_n_items() == theirs.get_n_items()
    assert ours.get_n_trees() == theirs.get_n_trees()
    last = theirs.get_n_items() - 1
    for i in {0, 1, last // 2, last} & set(range(last + 1)):
        assert ours.get_item_vector(i) == theirs.get_item_vector(i)
        assert ours.get_distance(i, last) == pytest.approx(
            theirs.get_distance(i, last), rel=1e-4, abs=2e-3
        )
    # Of hamming, Annoy picks a branch by the distance alone where several are as good.
    for k in (1, 10, 100):
        for search_k in (-1, 0, 1, 50, 10**6):
            for query in (rows[0], rows[-1], rows[n // 2] * 0.9 + 0.05):
                same(
                    ours.get_nns_by_vector(query, k, search_k, True),
                    theirs.get_nns_by_vector(query, k, search_k, True),
                    exact_ties=metric == "hamming",
                )
            for i in (0, last):
                same(
                    ours.get_nns_by_item(i, k, search_k, True),
                    theirs.get_nns_by_item(i, k, search_k, True),
                    exact_ties=metric == "hamming",
                )


@pytest.mark.parametrize("metric", METRICS)
def test_same_before_the_build(metric):
    rows = rows_for(metric, 10, 7, 3)
    indexes = [cls(7, metric) for cls in (annoy.AnnoyIndex, AnnoyIndex)]
    for index in indexes:
        for i, row in enumerate(rows):
            index.add_item(i, row)
    theirs, ours = indexes
    assert ours.get_item_vector(3) == theirs.get_item_vector(3)
    assert ours.get_nns_by_item(0, 5) == theirs.get_nns_by_item(0, 5) == []
    assert ours.get_distance(0, 1) == pytest.approx(theirs.get_distance(0, 1), abs=1e-3)


def outcome(call):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()
    except Exception as error:  # whatever it is, it is compared
        return error


class LengthOnly:
    def __len__(self):
        return 3


CALLS = {
    "no such metric": lambda cls, path: cls(3, "banana"),
    "f is not an integer": lambda cls, path: cls("3", "dot"),
    "negative item": lambda cls, path: cls(1, "dot").add_item(-1, [1]),
    "item beyond 32 bits": lambda cls, path: cls(1, "dot").add_item(2**31, [1]),
    "item below 32 bits": lambda cls, path: cls(1, "dot").add_item(-(2**31) - 1, [1]),
    "item is a float": lambda cls, path: cls(1, "dot").add_item(1.0, [1]),
    "wrong length": lambda cls, path: cls(3, "dot").add_item(0, [1, 2]),
    "no length": lambda cls, path: cls(3, "dot").add_item(0, 5),
    "no items": lambda cls, path: cls(3, "dot").add_item(0, LengthOnly()),
    "strings": lambda cls, path: cls(3, "dot").add_item(0, "abc"),
    "list of strings": lambda cls, path: cls(2, "dot").add_item(0, ["1", "2"]),
    "list of None": lambda cls, path: cls(1, "dot").add_item(0, [None]),
    "item not there": lambda cls, path: cls(3, "dot").get_item_vector(0),
    "neighbours of none": lambda cls, path: cls(3, "dot").get_nns_by_item(0, 1),
    "distance of none": lambda cls, path: cls(3, "dot").get_distance(0, 0),
    "distance of a negative": lambda cls, path: cls(3, "dot").get_distance(-1, 0),
    "n beyond 32 bits": lambda cls, path: cls(1, "dot").get_nns_by_vector([1], 2**31),
    "save before build": lambda cls, path: cls(3, "dot").save(str(path / "x")),
    "seed": lambda cls, path: cls(3, "dot").set_seed(4),
    "verbose": lambda cls, path: cls(3, "dot").verbose(False),
    "build of nothing": lambda cls, path: cls(3, "dot").build(1),
    "n_items of nothing": lambda cls, path: cls(3, "dot").get_n_items(),
    "unload of nothing": lambda cls, path: cls(3, "dot").unload(),
    "unbuild of nothing": lambda cls, path: cls(3, "dot").unbuild(),
    "search of nothing": lambda cls, path: cls(1, "dot").get_nns_by_vector([1], 3, -1, True),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_same_results_and_messages(call, tmp_path):
    theirs = outcome(lambda: call(annoy.AnnoyIndex, tmp_path))
    ours = outcome(lambda: call(AnnoyIndex, tmp_path))
    if isinstance(theirs, Exception):
        assert isinstance(ours, type(theirs))
        assert str(ours) == str(theirs)
    else:
        assert ours == theirs and type(ours) is type(theirs)


@pytest.mark.parametrize("which", ["add_item", "build", "unbuild"])
def test_same_refusals_of_a_loaded_index(which, tmp_path):
    call = {
        "add_item": lambda index: index.add_item(0, [1, 2, 3]),
        "build": lambda index: index.build(1),
        "unbuild": lambda index: index.unbuild(),
    }[which]
    errors = []
    for cls in (annoy.AnnoyIndex, AnnoyIndex):
        write(cls, tmp_path / "x.ann", "dot", 20, 3)
        index = cls(3, "dot")
        index.load(str(tmp_path / "x.ann"))
        errors.append(outcome(lambda: call(index)))  # noqa: B023 - called at once
    assert all(isinstance(error, Exception) for error in errors)
    assert str(errors[0]) == str(errors[1])


def test_every_name_is_there():
    assert {name for name in dir(annoy.AnnoyIndex) if not name.startswith("_")} <= set(
        dir(AnnoyIndex)
    )
