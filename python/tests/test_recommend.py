"""Recommending by factors of what users did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kith
from kith import recommend

sparse = pytest.importorskip("scipy.sparse")

TASTES = 8


@pytest.fixture(scope="module")
def plays() -> recommend.Plays:
    """Users of eight tastes; the first items of a taste are the popular ones."""
    rng = np.random.default_rng(4)
    users, items = 600, 480
    dense = np.zeros((users, items), dtype=np.float32)
    for user in range(users):
        taste = np.where(rng.random(14) < 0.3, user + 1, user) % TASTES
        rank = (rng.random(14) ** 3 * (items // TASTES)).astype(int)
        item = np.where(rng.random(14) < 0.2, rng.integers(items, size=14), rank * TASTES + taste)
        dense[user, item] = rng.integers(1, 100, size=14)
    return recommend.from_matrix(sparse.csr_array(dense))


def test_losses_fall_and_threads_change_nothing(plays: recommend.Plays) -> None:
    for algorithm in "als", "bpr":
        seen: list[tuple[str, int, int]] = []

        def note(*report: object, to: list = seen) -> None:
            to.append(report)

        one = recommend.factors(
            plays, algorithm=algorithm, factors=8, iterations=6, n_jobs=1, progress=note
        )
        two = recommend.factors(plays, algorithm=algorithm, factors=8, iterations=6, n_jobs=2)
        assert (one.users == two.users).all() and (one.items == two.items).all()
        assert one.users.shape == (600, 8 if algorithm == "als" else 9)
        assert one.losses.shape == (6,) and one.losses[-1] < one.losses[0]
        assert seen[-1] == ("factorize", 6, 6)


def test_als_solves_what_it_says(plays: recommend.Plays) -> None:
    """Folding in is the solution of the normal equations in double precision."""
    found = recommend.factors(plays, factors=10, regularization=2, alpha=3, scale="binary")
    y = found.items.astype("f8")
    row = plays.matrix().toarray()[5]
    trust = np.where(row > 0, 4.0, 1.0)
    left = (y.T * trust) @ y + 2 * np.eye(10)
    exact = np.linalg.solve(left, y.T @ (trust * (row > 0)))
    # Users are a half-step behind the items, and three steps of conjugate gradients off.
    assert np.corrcoef(exact, found.users[5])[0, 1] > 0.99


def test_als_beats_what_needs_no_vectors(plays: recommend.Plays) -> None:
    train, test = plays.split("some", count=4, seed=1)
    assert len(train) + len(test) == len(plays) and train.shape == plays.shape
    assert (np.diff(test.matrix().indptr) == 4).all()
    vectors = recommend.factors(train, factors=8)
    index = kith.build(vectors.items, metric="dot")
    scores = vectors.users @ vectors.items.T
    scores[train.matrix().toarray() > 0] = -np.inf
    best = np.argsort(-scores, axis=1)[:, :10]
    als = recommend.score(best, test)
    cosine = recommend.score(recommend.by_cosine(train, 10), test)
    popular = recommend.score(recommend.popular(train, 10), test)
    assert als.num_users == 600
    assert als.ndcg > 1.05 * cosine.ndcg > 1.05 * popular.ndcg
    assert popular.coverage < als.coverage <= 1
    assert len(index) == 480


def test_a_folder_recommends(plays: recommend.Plays, tmp_path: Path) -> None:
    model = recommend.factorize(plays, tmp_path / "model", factors=8)
    known = plays.matrix().toarray() > 0
    ids, scores = model.for_users(k=5)
    assert ids.shape == scores.shape == (600, 5)
    assert not np.take_along_axis(known, ids, axis=1).any()
    by_name, _ = model.for_users(["17", "3"], k=5, n_jobs=1)
    assert (by_name == ids[[17, 3]]).all()
    vectors = model.users.vectors(np.arange(600)) @ model.items.vectors(np.arange(480)).T
    vectors[known] = -np.inf
    np.testing.assert_allclose(scores, -np.sort(-vectors, axis=1)[:, :5], rtol=1e-4, atol=1e-6)

    row = plays.matrix()[[17]]
    history = dict(zip(row.indices.tolist(), row.data.tolist(), strict=True))
    fresh, fresh_scores = model.for_new_users(history, k=5)
    assert len(set(fresh[0]) & set(ids[17])) >= 3
    parts = model.explain("17", int(fresh[0, 0]))
    assert sum(part for _, part in parts) == pytest.approx(fresh_scores[0, 0], abs=1e-3)
    assert {int(name) for name, _ in parts} == set(history)
    like, cosines = model.similar([0, 1], k=3)
    assert like.shape == (2, 3) and (np.diff(cosines) <= 0).all()
    again = recommend.open(tmp_path / "model")
    assert (again.for_users(k=5)[0] == ids).all()


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    path.write_text("user,item,n,time\na,1,2,5\nb,2,1,3\na,2,7,1\n")
    names = tmp_path / "names.csv"
    names.write_text("id,name\n1,Muse\n")
    plays = recommend.read(path, names=names)
    assert plays.users == ["a", "b"] and plays.items == ["Muse", "2"]
    assert (plays.matrix().toarray() == [[2, 7], [0, 1]]).all()
    assert "2 users" in repr(plays)
    train, test = plays.split("latest", count=1)
    assert (test.matrix().toarray() == [[2, 0], [0, 0]]).all() and len(train) == 2


def test_bad_input_is_refused(plays: recommend.Plays, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none.tsv"):
        recommend.read(tmp_path / "none.tsv")
    with pytest.raises(ValueError, match="algorithm"):
        recommend.factors(plays, algorithm="svd")
    with pytest.raises(ValueError, match="scale"):
        recommend.factors(plays, scale="square")
    with pytest.raises(ValueError, match="alpha"):
        recommend.factors(plays, alpha=-1)
    with pytest.raises(ValueError, match="factors"):
        recommend.factors(plays, factors=0)
    with pytest.raises(TypeError, match="factor"):
        recommend.factorize(plays, tmp_path / "m", factor=3)
    with pytest.raises(kith.Cancelled):
        recommend.factors(plays, progress=lambda *_: False)
    with pytest.raises(ValueError, match="no times"):
        plays.split("latest")
    with pytest.raises(ValueError, match="held_out"):
        plays.split("half")
    with pytest.raises(ValueError, match="weight of pair 1"):
        recommend.from_pairs([0, 0], [0, 1], [1, -1], users=["a"], items=["x", "y"])
    with pytest.raises(ValueError, match="not from 0"):
        recommend.from_pairs([0], [2], users=["a"], items=["x", "y"])
    with pytest.raises(ValueError, match="axes"):
        recommend.score([1, 2], plays)
    with pytest.raises(ValueError, match="ids"):
        recommend.score([[1, 2]], plays)
    model = recommend.factorize(plays, tmp_path / "bpr", algorithm="bpr", factors=4, iterations=2)
    with pytest.raises(ValueError, match="als"):
        model.explain(0, 1)
    with pytest.raises(KeyError):
        model.similar("nobody")
    with pytest.raises(ValueError, match="600"):
        model.for_users([600])
