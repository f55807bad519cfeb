"""kith.words(): word vectors, as the shell and C++ have them."""

from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

import kith

SAMPLE = Path(__file__).parents[2] / "examples" / "data" / "words-en.kith"


@pytest.fixture(scope="module")
def sample() -> kith.Words:
    return kith.words(SAMPLE)


@pytest.fixture
def file(tmp_path):
    """A file of words in word2vec's text format, with integers for vectors."""
    rows = {"king": [3, 4, 0], "man": [0, 0, 2], "woman": [0, 5, 0], "New_York": [4, 0, 3]}
    lines = [f"{word} {' '.join(map(str, row))}" for word, row in rows.items()]
    path = tmp_path / "words.txt"
    path.write_text("\n".join(["4 3", *lines]) + "\n")
    return path


def test_answers_are_those_of_numpy(sample):
    ids = sample.index.ids
    units = sample.index.vectors(ids)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    keys = sample.index.keys_of(ids)
    rows = [keys.index(word) for word in ("king", "man", "woman")]
    total = units[rows[0]] - units[rows[1]] + units[rows[2]]
    cosines = units @ total / np.linalg.norm(total)
    cosines[rows] = -2
    best = np.argsort(-cosines)[:10]
    found = sample.search("king - man + woman", k=10, exact=True)
    assert [word for word, _ in found] == [keys[i] for i in best]
    np.testing.assert_allclose([cosine for _, cosine in found], cosines[best], atol=1e-5)
    np.testing.assert_allclose(sample.vector("king - man + woman"), total, atol=1e-6)
    assert sample.similarity("king", "queen") == pytest.approx(
        float(units[rows[0]] @ units[keys.index("queen")]), abs=1e-6
    )
    own = units @ units[rows[0]]
    assert sample.rank("king", "queen") == int(np.sum(own > own[keys.index("queen")]))
    closer = sample.closer_than("king", "queen")
    assert len(closer) == sample.rank("king", "queen") - 1
    assert [word for word, _ in closer] == [
        word for word, _ in sample.search("king", k=len(closer) + 1, exact=True)
    ][:-1]
    assert sample.odd_one_out(["breakfast", "cereal", "dinner", "lunch"]) == "cereal"


def test_what_is_not_there(sample):
    with pytest.warns(kith.UnknownWordWarning, match="'kign'; did you mean 'king'") as record:
        found = sample.search("kign queen", k=3)
    assert record[0].filename == __file__
    assert found == sample.search("queen", k=3)
    with pytest.raises(KeyError, match="no word 'kign'; did you mean 'king'"):
        sample.search("kign")
    with pytest.raises(KeyError, match="no word 'kign'"):
        sample.rank("king", "kign")
    with pytest.raises(ValueError, match="zero"):
        sample.search("king - king")
    with pytest.raises(ValueError, match="empty"):
        sample.vector(" ")
    with pytest.raises(ValueError, match="at least three"):
        sample.odd_one_out(["king", "queen"])
    with pytest.raises(ValueError, match="recall"):
        sample.search("king", recall=2)
    with pytest.raises(ValueError, match="k "):
        sample.search("king", k=0)
    with pytest.raises(TypeError):
        sample.search(7)  # type: ignore[arg-type]


def test_files_are_made_once_and_again_when_they_change(file, tmp_path):
    first = kith.words(file)
    assert first.built
    assert first.index_path == str(file) + ".kith"
    assert "king" in first and "kign" not in first and len(first) == 4
    assert first["king"].tolist() == [3, 4, 0]
    assert first.vector("new york").tolist() == [4, 0, 3]
    assert not kith.words(str(file)).built
    os.utime(file, (1, 2))
    again = kith.words(os.fsencode(file))
    assert again.index_path == first.index_path
    other = kith.words(file, index_path=tmp_path / "other.kith", memory="1G", n_jobs=1)
    assert other.built and (tmp_path / "other.kith").exists()
    assert "words.txt.kith" in repr(first)
    with pytest.raises(FileNotFoundError):
        kith.words(tmp_path / "none.bin")
    with pytest.raises(kith.Cancelled):
        kith.words(file, index_path=tmp_path / "x.kith", progress=lambda *_: False)


def fasttext_file(path: Path) -> np.ndarray:
    """Writes a model of two words, 2 dimensions and 7 rows for n-grams of 3 characters."""
    words = [b"river", b"city"]
    rows = np.arange(2 * (len(words) + 7), dtype="<f4").reshape(-1, 2) ** 0.5 - 2
    out = struct.pack("<2i", 793712314, 12)
    out += struct.pack("<12id", 2, 5, 1, 1, 5, 1, 2, 1, 7, 3, 3, 100, 1e-4)
    out += struct.pack("<3i2q", len(words), len(words), 0, 1000, -1)
    for word in words:
        out += word + b"\0" + struct.pack("<qb", 7, 0)
    out += struct.pack("<B2q", 0, *rows.shape) + rows.tobytes()
    out += struct.pack("<B2q", 0, 1, 2) + bytes(8)
    path.write_bytes(out)
    return rows


def fnv1a(ngram: bytes) -> int:
    value = 2166136261
    for byte in ngram:
        value = (value ^ (byte | 0xFFFFFF00 if byte > 127 else byte)) * 16777619 % 2**32
    return value


def test_fasttext_has_subwords(tmp_path):
    rows = fasttext_file(tmp_path / "model.bin")
    words = kith.words(tmp_path / "model.bin")
    own = ["<ri", "riv", "ive", "ver", "er>"]
    places = [0] + [2 + fnv1a(ngram.encode()) % 7 for ngram in own]
    np.testing.assert_allclose(words["river"], rows[places].mean(axis=0), atol=1e-6)
    # "<né>" has two n-grams of three characters.
    places = [2 + fnv1a(ngram.encode()) % 7 for ngram in ("<né", "né>")]
    for asked in (words, pickle.loads(pickle.dumps(words))):
        with pytest.warns(kith.UnknownWordWarning, match="'né', so its subwords are asked for"):
            vector = asked.vector("né")
        np.testing.assert_allclose(vector, rows[places].mean(axis=0), atol=1e-6)
    with pytest.warns(kith.UnknownWordWarning, match="did you mean 'river'"):
        assert len(words.search("rivr", k=2)) == 2
    with pytest.raises(KeyError, match="rivr"):
        words.rank("river", "rivr")
    # They are in the model, and gone with it.
    (tmp_path / "model.bin").unlink()
    with pytest.raises(KeyError, match="no word 'rivr'"):
        kith.words(tmp_path / "model.bin.kith").vector("rivr")
    with pytest.raises(FileNotFoundError, match=r"model\.bin\.kith is there"):
        kith.words(tmp_path / "model.bin")


def test_analogies(file, tmp_path):
    (tmp_path / "q.txt").write_text(": one\nman king woman new_york\nman king woman none\n")
    (section,) = kith.words(file).analogies(tmp_path / "q.txt")
    assert section["name"] == "one"
    assert (section["asked"], section["seen"]) == (2, 1)
    assert section["right_add"] == section["right_mul"] == 1  # only one word is left
    (section,) = kith.words(file).analogies(tmp_path / "q.txt", vocabulary=3)
    assert section["seen"] == 0
    (tmp_path / "q.txt").write_text("a b c\n")
    with pytest.raises(ValueError, match="line 1"):
        kith.words(file).analogies(tmp_path / "q.txt")


def test_need_words():
    with pytest.raises(ValueError, match="angular"):
        kith.Words(kith.build(np.eye(3, dtype="float32"), metric="euclidean", keys=["a", "b", "c"]))
    with pytest.raises(ValueError, match="no keys"):
        kith.Words(kith.build(np.eye(3, dtype="float32")))
    words = kith.Words(kith.build(np.eye(3, dtype="float32"), keys=["a", "b", "c"]))
    assert words.similarity("a", "b") == 0
    assert "in memory" in repr(words)
    assert pickle.loads(pickle.dumps(words)).similarity("a", "a") == 1
