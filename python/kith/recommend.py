"""What to recommend, learned from what users did: implicit matrix factorization.

    from kith import recommend

    plays = recommend.read("plays.tsv")                       # lines "user item [weight [time]]"
    model = recommend.factorize(plays, "listening")           # writes a folder, and opens it
    ids, scores = model.for_users(["2", "17"], k=10)          # without what they know already
    model.items.keys_of(ids[0])
    model.similar("Radiohead"), model.explain("2", "Pet Shop Boys")

    train, test = plays.split("some", count=5)
    recommend.score(recommend.popular(train, 10), test).ndcg

Alternating least squares (Hu, Koren and Volinsky, ICDM 2008; Takács, Pilászy and Tikk, RecSys 2011)
or Bayesian personalised ranking (Rendle et al., UAI 2009). The answers are those of ``kith
factorize`` and ``kith recommend``, and depend on no number of threads. Functions work without the
GIL, and training is ended by Ctrl-C.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._index import Index
from ._index import open as open_index
from ._progress import Progress, as_callback

__all__ = [
    "Factors",
    "Plays",
    "RankingScore",
    "Recommender",
    "by_cosine",
    "factorize",
    "factors",
    "from_matrix",
    "from_pairs",
    "open",
    "popular",
    "read",
    "score",
]

Ids = NDArray[np.int64]


class Factors(NamedTuple):
    """Vectors whose inner products tell what users like."""

    users: NDArray[np.float32]
    """(number of users, d): d is `factors`, or one more of bpr."""
    items: NDArray[np.float32]
    """(number of items, d)."""
    losses: NDArray[np.float64]
    """After each iteration."""


class RankingScore(NamedTuple):
    """How many of the pairs held out are recommended: means over users that have m > 0 of them."""

    num_users: int
    recall: float
    """Hits among the k first, over min(k, m)."""
    ndcg: float
    """Discounted by log2(rank + 1); 1 is best."""
    map: float
    """The mean precision at the ranks of hits, over min(k, m)."""
    coverage: float
    """The share of the items that are recommended to somebody."""


class Plays:
    """What users did with items, and how often; made by :func:`read` and its like."""

    def __init__(self, core: _core.Interactions) -> None:
        self._core = core

    @property
    def shape(self) -> tuple[int, int]:
        """(number of users, number of items)."""
        return self._core.shape

    def __len__(self) -> int:
        """The number of pairs of a user and an item."""
        return len(self._core)

    @property
    def users(self) -> list[str]:
        """Their names, by rows. Made anew at each call."""
        return self._core.users()

    @property
    def items(self) -> list[str]:
        """Their names, by columns. Made anew at each call."""
        return self._core.items()

    def matrix(self) -> Any:
        """A scipy.sparse.csr_array of the weights, float32."""
        from scipy.sparse import csr_array

        return csr_array(self._core.csr(), shape=self.shape)

    def split(
        self, held_out: str = "random", *, share: float = 0.2, count: int = 5, seed: int = 42
    ) -> tuple[Plays, Plays]:
        """What to train with, and what to test with.

        `held_out` is "random" (each pair with the chance `share`), "some" (`count` pairs of each
        user at random) or "latest" (the `count` latest by time); one of a user is always left.
        """
        train, test = self._core.split(held_out, share, count, seed)
        return Plays(train), Plays(test)

    def __repr__(self) -> str:
        users, items = self.shape
        return f"<kith.recommend.Plays: {users} users, {items} items, {len(self)} pairs>"


def read(
    path: str | os.PathLike[str],
    *,
    names: str | os.PathLike[str] | None = None,
    progress: Progress = None,
) -> Plays:
    """Reads lines "user item [weight [time]]" (tsv, csv, gz) or a Matrix Market file.

    `names` is a file of lines "id name", by which items are then called. Weights of a pair that is
    there more than once are added.
    """
    with as_callback(progress) as callback:
        return Plays(_core.read_interactions(path, names, callback))


def from_matrix(
    matrix: Any, *, users: Iterable[str] | None = None, items: Iterable[str] | None = None
) -> Plays:
    """The same of a scipy sparse matrix or an array (users, items) of weights.

    Without names, rows and columns are called by their numbers from 0.
    """
    from scipy.sparse import coo_array

    coo = coo_array(matrix)
    rows, columns = coo.shape
    return from_pairs(
        coo.coords[0],
        coo.coords[1],
        coo.data,
        users=[str(i) for i in range(rows)] if users is None else users,
        items=[str(i) for i in range(columns)] if items is None else items,
    )


def from_pairs(
    user_rows: ArrayLike,
    item_rows: ArrayLike,
    weights: ArrayLike | None = None,
    times: ArrayLike | None = None,
    *,
    users: Iterable[str],
    items: Iterable[str],
) -> Plays:
    """The same of pairs of numbers of `users` and `items`, each (n,)."""
    return Plays(_core.make_interactions(users, items, user_rows, item_rows, weights, times))


def factors(
    plays: Plays,
    *,
    algorithm: str = "als",
    factors: int = 64,
    regularization: float | None = None,
    alpha: float = 1.0,
    scale: str = "log",
    iterations: int | None = None,
    cg_steps: int = 3,
    learning_rate: float = 0.05,
    seed: int = 42,
    n_jobs: int | None = -1,
    progress: Progress = None,
) -> Factors:
    """Vectors of users and items.

    Parameters
    ----------
    plays : Plays
    algorithm : str
        "als", or "bpr".
    factors : int
    regularization : float, optional
        The weight of the vectors' squared lengths: 10 of als, 0.01 of bpr.
    alpha : float
        als: a pair of weight w is trusted 1 + alpha * scale(w), one that is not there 1.
    scale : str
        "log": ln(1 + w); "linear": w; "binary": 1.
    iterations : int, optional
        15 of als, 100 of bpr.
    cg_steps : int
        als: steps of conjugate gradients for each vector and iteration.
    learning_rate : float
        bpr.
    seed : int
    n_jobs : int, optional
        Threads as joblib counts them; the result does not depend on it.
    progress
        True draws a bar, a function is called with ("factorize", iterations done, iterations).
    """
    options = _options(locals())
    with as_callback(progress) as callback:
        return Factors(*_core.factorize(plays._core, options, callback))


def factorize(
    plays: Plays, folder: str | os.PathLike[str], *, progress: Progress = None, **options: Any
) -> Recommender:
    """Vectors as :func:`factors` makes them, written to a folder, which is opened.

    The folder has users.kith, items.kith, history.mtx and model.tsv (docs/factorize.md); files
    there are replaced.
    """
    _check_options(options)
    with as_callback(progress) as callback:
        _core.write_model(folder, plays._core, {**_DEFAULTS, **options}, callback)
    return open(folder)


class Recommender:
    """A folder that :func:`factorize` or ``kith factorize`` wrote. Thread-safe.

    Users and items are given by their names, or their numbers in the order of the file; one, or
    several.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._core = _core.open_recommender(folder)
        self.users: Index = open_index(os.path.join(os.fspath(folder), "users.kith"))
        self.items: Index = open_index(os.path.join(os.fspath(folder), "items.kith"))

    def for_users(
        self,
        users: Any = None,
        k: int = 10,
        *,
        recall: float | None = None,
        n_jobs: int | None = -1,
    ) -> tuple[Ids, NDArray[np.float32]]:
        """The items (n, k) of the largest scores that each user did nothing with, and the scores.

        Without `users`, for all. Compared with every item that is long enough to matter, unless a
        `recall` is asked for and the file has a graph. Where there are fewer items: -1 and -inf.
        """
        rows = np.arange(len(self.users)) if users is None else _rows(self.users, users)
        ids, distances = self._core.for_users(rows, k, recall, n_jobs)
        return ids, -distances

    def for_new_users(
        self,
        histories: Plays | Mapping[Any, float] | Iterable[Any],
        k: int = 10,
        *,
        recall: float | None = None,
        n_jobs: int | None = -1,
    ) -> tuple[Ids, NDArray[np.float32]]:
        """The same of users who are not in the model, without training again. Not of bpr.

        `histories` is what one of them did, items and their weights (or items, of weight 1), or
        of several, as Plays whose items are those of the model.
        """
        if not isinstance(histories, Plays):
            weights = histories if isinstance(histories, Mapping) else {i: 1.0 for i in histories}
            items = _rows(self.items, list(weights))
            names = [str(name) for name in self.items.keys_of(self.items.ids)]
            histories = from_pairs(
                np.zeros(len(items), dtype=np.int64),
                items,
                list(weights.values()),
                users=["new"],
                items=names,
            )
        ids, distances = self._core.for_new(histories._core, k, recall, n_jobs)
        return ids, -distances

    def similar(
        self, items: Any, k: int = 10, *, n_jobs: int | None = -1
    ) -> tuple[Ids, NDArray[np.float32]]:
        """The items (n, k) whose vectors point the same way, and the cosines."""
        ids, distances = self._core.similar(_rows(self.items, items), k, n_jobs)
        return ids, 1 - distances

    def explain(self, user: Any, item: Any) -> list[tuple[str, float]]:
        """Which of a user's items speak for an item: names and parts of the score, largest first.

        Not of bpr.
        """
        rows, scores = self._core.explain(
            int(_rows(self.users, user)[0]), int(_rows(self.items, item)[0])
        )
        names = [str(name) for name in self.items.keys_of(rows)]
        return list(zip(names, scores.tolist(), strict=True))


def open(folder: str | os.PathLike[str]) -> Recommender:
    """Opens a folder that :func:`factorize` or ``kith factorize`` wrote."""
    return Recommender(folder)


def popular(train: Plays, k: int = 10, *, n_jobs: int | None = -1) -> Ids:
    """For each user the items (number of users, k) that the most users know, but not it."""
    return _core.recommend_popular(train._core, k, n_jobs)


def by_cosine(train: Plays, k: int = 10, *, scale: str = "log", n_jobs: int | None = -1) -> Ids:
    """For each user the items (number of users, k) of the largest sum of cosines to its own.

    Sarwar et al., WWW 2001; all items are neighbours.
    """
    return _core.recommend_by_cosine(train._core, k, scale, n_jobs)


def score(ids: ArrayLike, test: Plays) -> RankingScore:
    """How well ids (number of users, k), -1 for none, tell what was held out."""
    array = np.asarray(ids)
    if array.ndim != 2:
        raise ValueError(f"ids have {array.ndim} axes; give an array (number of users, k)")
    return RankingScore(*_core.score_ranking(array.ravel(), array.shape[1], test._core))


_DEFAULTS: dict[str, Any] = {
    name: value for name, value in (factors.__kwdefaults__ or {}).items() if name != "progress"
}


def _check_options(options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in _DEFAULTS:
            raise TypeError(f"'{name}' is no option of kith.recommend.factorize()")


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in _DEFAULTS}


def _rows(index: Index, given: Any) -> NDArray[np.int64]:
    """Rows of names or of numbers, one or several."""
    if isinstance(given, str | bytes) or np.ndim(given) == 0:
        given = [given]
    given = list(given)
    if given and all(isinstance(one, str | bytes) for one in given):
        return index.ids_of(given)
    return np.array([operator.index(one) for one in given], dtype=np.int64)
