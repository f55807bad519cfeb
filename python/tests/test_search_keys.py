"""Queries made of keys: that they mean in Python what the table says they mean everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kith

TABLE = Path(__file__).resolve().parents[2] / "tests" / "query_meanings.tsv"


def lines(kind: str) -> list[list[str]]:
    all_lines = [line.split("\t") for line in TABLE.read_text().splitlines()]
    chosen = [fields[1:] for fields in all_lines if fields[0] == kind]
    return [[text.replace("\\v", "\v"), *rest] for text, *rest in chosen]


def numbers(text: str) -> np.ndarray:
    return np.array(text.split(), "f4")


@pytest.fixture(scope="module", params=["angular", "euclidean", "dot", "manhattan"])
def index(request):
    rows = lines("row")
    return kith.build(
        np.stack([numbers(vector) for _, vector in rows]),
        keys=[key for key, _ in rows],
        metric=request.param,
    )


def test_queries_mean_what_the_table_says(index):
    for text, plain, angular, excluded in lines("query"):
        vector = numbers(angular if index.metric == "angular" else plain)
        ids, distances = index.search(vector, len(index), exact=True)
        left = ~np.isin(ids, numbers(excluded).astype(int))
        found = index.search_keys(text, len(index))
        np.testing.assert_allclose(
            [distance for _, distance in found], distances[left], atol=1e-5, err_msg=text
        )
        assert sorted(key for key, _ in found) == sorted(index.keys_of(ids[left])), text


def test_lists_are_of_keys_as_they_stand_or_behind_a_sign(index):
    by_text = index.search_keys("+king -man +woman", 5)
    assert index.search_keys(["king", "-man", "woman"], 5) == by_text
    assert index.search_keys(("+king", b"-man", "+woman"), 5) == by_text
    assert len(index.search_keys(["new york", "-new york", "-1"], 100)) == len(index) - 2
    with pytest.raises(KeyError, match="no key 'king queen'"):
        index.search_keys(["king queen"])
    with pytest.raises(ValueError, match="empty"):
        index.search_keys([])
    with pytest.raises(TypeError, match="must be str or bytes"):
        index.search_keys(["king", 3])


def test_what_is_wrong_is_said(index):
    for text, kind, *parts in lines("error"):
        with pytest.raises(KeyError if kind == "unknown" else ValueError) as raised:
            index.search_keys(text)
        for part in parts:
            assert part in str(raised.value.args[0])


def test_a_key_that_was_probably_meant_is_named_everywhere(index):
    for look_up in (index.search_keys, index.__getitem__, lambda key: index.ids_of([key])):
        with pytest.raises(KeyError, match="no key 'kingg' in .*; did you mean 'king'\\?"):
            look_up("kingg")
        with pytest.raises(KeyError, match="no key 'xyzzyx' in .* keys are such as"):
            look_up("xyzzyx")
    # A query's sign is none of a key's.
    with pytest.raises(KeyError, match="no key"):
        index["+king"]
    assert "kingg" not in index


def test_without_keys_it_is_said_which_index_has_none(tmp_path):
    index = kith.build(np.eye(3, dtype="f4"))
    for call in (
        lambda: index.search_keys("a"),
        lambda: index.keys_of([0]),
        lambda: index.ids_of(["a"]),
        lambda: index["a"],
    ):
        with pytest.raises((ValueError, KeyError), match="the index in memory has no keys"):
            call()
    index.save(tmp_path / "x.kith")
    with pytest.raises(ValueError, match="x.kith has no keys; build it with keys="):
        kith.open(tmp_path / "x.kith").search_keys("a")
