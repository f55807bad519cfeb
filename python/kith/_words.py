"""kith.words: word vectors asked for their neighbours, as word2vec's tools and gensim do."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._build import byte_count
from ._errors import UnknownWordWarning
from ._index import Index, PathLike
from ._progress import Progress, as_callback


def words(
    path: PathLike,
    *,
    index_path: PathLike | None = None,
    memory: int | str | None = None,
    n_jobs: int | None = -1,
    progress: Progress = None,
) -> Words:
    """Opens word vectors: word2vec, GloVe, fastText, csv, gzipped or not, or a .kith file.

    The first time, a .kith file is made of them; from then on that is mapped in microseconds,
    and made anew only when the file of words is another one.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    index_path : str, bytes or os.PathLike, optional
        The .kith file. If absent: beside the words, with ``.kith`` added to their name, or where
        that folder cannot be written, in the user's cache.
    memory : int or str, optional
        The most bytes that making it may take beside the vectors; "4G" too.
    n_jobs : int, optional
        Threads to make it with; -1 is all cores.
    progress : callable or True, optional
        As for :func:`kith.build`.

    Returns
    -------
    Words

    Raises
    ------
    FileNotFoundError, OSError, MemoryError
    ValueError
        No file of vectors with names; a .kith file of another metric than angular, or that is in
        the way; a damaged file.
    """
    with as_callback(progress) as report:
        handle, found, built, subwords = _core.open_words(
            path, index_path, byte_count(memory), n_jobs, report
        )
    opened = Words(Index(handle), found, built)
    opened._subwords = subwords
    return opened


class Words:
    """Words and their vectors; made by :func:`words`, or of an index whose keys are words.

    Queries are texts: ``"chinese river"`` is the sum of both vectors, each of length 1,
    ``"king - man + woman"`` adds and subtracts, ``"2*king -0.5*man"`` has weights, and
    ``"new york"`` is one word if there is ``new_york`` or ``New_York``. Words are found in other
    cases too. Of those that are not there, :class:`UnknownWordWarning` names what is spelled alike,
    and the rest of the query is answered; KeyError if nothing is left. Words that a binary model
    of fastText has not are asked for by their subwords, which the warning then says. Nearness is
    the cosine, 1 for the same direction. Thread-safe; other threads of Python run meanwhile.

    Attributes
    ----------
    index : Index
        What is asked; everything that an index can do is there.
    index_path : str or None
        The .kith file.
    built : bool
        Whether it was made when it was opened.
    """

    def __init__(self, index: Index, index_path: str | None = None, built: bool = False) -> None:
        if index.metric != "angular":
            raise ValueError(
                f"words are compared by their cosines, but the index is {index.metric}; "
                'build it with metric="angular"'
            )
        if not index.has_keys:
            raise ValueError("the index has no keys; build it with keys=...")
        self.index = index
        self.index_path = index.path if index_path is None else index_path
        self.built = built
        self._subwords: _core.Subwords | None = None

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        recall: float = 0.99,
        exact: bool = False,
        n_jobs: int | None = 1,
    ) -> list[tuple[str, float]]:
        """The words nearest to a query, which are not among them, with their cosines.

        Parameters
        ----------
        query : str
        k : int
            How many.
        recall : float
            The share of the true neighbours wanted on average.
        exact : bool
            Compare every word, as word2vec's ``distance`` does.
        n_jobs : int, optional
            Threads; None is 1, -1 all cores.

        Returns
        -------
        list of (word, cosine)
            Nearest first.

        Raises
        ------
        KeyError
            No word of the query is there.
        ValueError
            The words of the query cancel out.
        """
        unknown: list[tuple[str, list[str], bool]] = []
        found = _core.words_search(
            self.index, query, k, recall, exact, n_jobs, unknown, self._subwords
        )
        _warn(unknown)
        return found

    def vector(self, query: str) -> NDArray[np.float32]:
        """What is searched for a query: (d,). Of a single word as it is stored, else a sum."""
        unknown: list[tuple[str, list[str], bool]] = []
        vector = _core.words_vector(self.index, query, unknown, self._subwords)
        _warn(unknown)
        return vector

    def similarity(self, a: str, b: str) -> float:
        """The cosine of two queries."""
        unknown: list[tuple[str, list[str], bool]] = []
        cosine = _core.words_similarity(self.index, a, b, unknown, self._subwords)
        _warn(unknown)
        return cosine

    def closer_than(self, a: str, b: str, *, n_jobs: int | None = -1) -> list[tuple[str, float]]:
        """The words that are closer to `a` than `b` is, and their cosines; nearest first."""
        return _core.words_closer(self.index, a, b, n_jobs)

    def rank(self, a: str, b: str, *, n_jobs: int | None = -1) -> int:
        """The place of `b` among the neighbours of `a`; 1 for the nearest."""
        return len(self.closer_than(a, b, n_jobs=n_jobs)) + 1

    def odd_one_out(self, words: Iterable[str]) -> str:
        """Of three words or more, the one that is the least like the mean of all."""
        given = list(words)
        return given[int(_core.words_odd(self.index, given)[0])]

    def analogies(
        self,
        path: PathLike,
        *,
        vocabulary: int | None = None,
        n_jobs: int | None = -1,
        progress: Progress = None,
    ) -> list[dict[str, Any]]:
        """Scores questions "a b c d", whether d is what is to c as b is to a.

        Parameters
        ----------
        path : str, bytes or os.PathLike
            Lines ``: NAME``, which begin sections, and lines of four words, as
            questions-words.txt of word2vec has them.
        vocabulary : int, optional
            Only the first so many words count.
        n_jobs, progress
            As for :func:`words`.

        Returns
        -------
        list of dict
            For each section its ``name``, the questions ``asked``, those ``seen``, of which all
            words are there, and how many of these were answered rightly: ``right_add`` by
            3CosAdd, ``right_mul`` by 3CosMul.
        """
        with as_callback(progress) as report:
            return _core.words_analogies(self.index, path, vocabulary, n_jobs, report)

    def __getstate__(self) -> dict[str, Any]:
        subwords = self._subwords
        return self.__dict__ | {"_subwords": None if subwords is None else subwords.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._subwords is not None:
            self._subwords = _core.open_subwords(state["_subwords"])

    def __len__(self) -> int:
        return len(self.index)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str | bytes) and word in self.index

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        return self.index[word]

    def __repr__(self) -> str:
        where = "in memory" if self.index_path is None else os.fspath(self.index_path)
        return f"<kith.Words {where!r}: {len(self)} x {self.index.dim}>"


def _warn(unknown: list[tuple[str, list[str], bool]]) -> None:
    for word, nearest, made in unknown:
        message = f"no word {word!r}"
        if made:
            message += ", so its subwords are asked for"
        if nearest:
            message += "; did you mean " + " or ".join(repr(key) for key in nearest) + "?"
        # As of the caller of the method that calls this.
        warnings.warn(message, UnknownWordWarning, stacklevel=3)
