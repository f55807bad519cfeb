#!/usr/bin/env python3
"""Factorizing and recommending beside implicit, on play counts of Last.fm (KITH_DATA).

    bench/run listening [--seeds 5] [--rounds 3] [--times 6]

Quality: five artists of each user are held out; NDCG@10 of both libraries at equal settings, the
mean over splits and beginnings, judged alike. Time: of fitting, and of recommending ten artists to
every user without those that it knows, to the same vectors by both. For the latter, the plays are
made more: each user so many times, each with four of five plays, each artist parted in so many.
implicit recommends in batches of 1,000 users, and in one; the better counts. The least of some
rounds, in turn, on all cores.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import Any

import implicit
import numpy as np
import scipy.sparse
from implicit.als import AlternatingLeastSquares
from kith import recommend

FACTORS = 64
REGULARIZATION = 10.0
ITERATIONS = 15
BEST = 10


def trusts(plays: recommend.Plays) -> scipy.sparse.csr_matrix:
    """1 + ln(1 + plays), which is what implicit calls confidence."""
    matrix = scipy.sparse.csr_matrix(plays.matrix())
    matrix.data = 1 + np.log1p(matrix.data)
    return matrix


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return run(), time.perf_counter() - start


def fit_implicit(matrix: scipy.sparse.csr_matrix, seed: int) -> AlternatingLeastSquares:
    model = AlternatingLeastSquares(
        factors=FACTORS,
        regularization=REGULARIZATION,
        alpha=1.0,
        iterations=ITERATIONS,
        random_state=seed,
        num_threads=os.cpu_count(),
    )
    model.fit(matrix, show_progress=False)
    return model


def fit_kith(plays: recommend.Plays, seed: int) -> recommend.Factors:
    return recommend.factors(
        plays, factors=FACTORS, regularization=REGULARIZATION, iterations=ITERATIONS, seed=seed
    )


def best_of(users: np.ndarray, items: np.ndarray, known: scipy.sparse.csr_matrix) -> np.ndarray:
    """By plain products, so that both are judged alike."""
    scores = users @ items.T
    rows, columns = known.nonzero()
    scores[rows, columns] = -np.inf
    some = np.argpartition(-scores, BEST, axis=1)[:, :BEST]
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1)
    return np.take_along_axis(some, order, axis=1)


def compare_fits(plays: recommend.Plays, seeds: int) -> None:
    figures: dict[str, list[float]] = {"kith": [], "implicit": [], "item cosine": [], "popular": []}
    seconds: dict[str, list[float]] = {"kith": [], "implicit": []}
    for seed in range(seeds):
        train, test = plays.split("some", count=5, seed=seed)
        matrix = trusts(train)
        ours, time_ours = timed(lambda train=train, seed=seed: fit_kith(train, seed))
        theirs, time_theirs = timed(lambda matrix=matrix, seed=seed: fit_implicit(matrix, seed))
        seconds["kith"].append(time_ours)
        seconds["implicit"].append(time_theirs)
        ids = {
            "kith": best_of(ours.users, ours.items, matrix),
            "implicit": best_of(theirs.user_factors, theirs.item_factors, matrix),
            "item cosine": recommend.by_cosine(train, BEST),
            "popular": recommend.popular(train, BEST),
        }
        for name, of in ids.items():
            figures[name].append(recommend.score(of, test).ndcg)
    print(
        f"\n{seeds} splits, {FACTORS} factors, regularization {REGULARIZATION:g}, {ITERATIONS} iterations"
    )
    print(f"{'':>12}  NDCG@10  +-     fit, s")
    for name, values in figures.items():
        error = np.std(values) / np.sqrt(len(values))
        took = f"{min(seconds[name]):.3f}" if name in seconds else ""
        print(f"{name:>12}  {np.mean(values):.4f}   {error:.4f} {took}")
    apart = np.array(figures["kith"]) - np.array(figures["implicit"])
    print(
        f"kith less implicit: {apart.mean():+.4f} +- {apart.std() / np.sqrt(seeds):.4f}; "
        f"{min(seconds['implicit']) / min(seconds['kith']):.1f} times as fast"
    )


def made_larger(plays: recommend.Plays, times: int) -> recommend.Plays:
    coo = scipy.sparse.coo_array(plays.matrix())
    users, items = plays.shape
    rng = np.random.default_rng(1)
    rows, columns, weights = [], [], []
    for copy in range(times):
        kept = rng.random(coo.nnz) < 0.8
        rows.append(coo.coords[0][kept] + copy * users)
        columns.append(coo.coords[1][kept] + items * rng.integers(0, times, kept.sum()))
        weights.append(coo.data[kept])
    parts = [np.concatenate(part) for part in (rows, columns, weights)]
    shape = (users * times, items * times)
    return recommend.from_matrix(
        scipy.sparse.coo_array((parts[2], (parts[0], parts[1])), shape=shape)
    )


def compare_recommending(plays: recommend.Plays, rounds: int, folder: pathlib.Path) -> None:
    users, items = plays.shape
    matrix = trusts(plays)
    seconds: dict[str, list[float]] = {}

    def note(name: str, took: float) -> None:
        seconds.setdefault(name, []).append(took)

    for seed in range(rounds):
        note("fit kith", timed(lambda seed=seed: fit_kith(plays, seed))[1])
        theirs, took = timed(lambda seed=seed: fit_implicit(matrix, seed))
        note("fit implicit", took)
    model = recommend.factorize(
        plays, folder, factors=FACTORS, regularization=REGULARIZATION, iterations=ITERATIONS
    )
    theirs.user_factors = model.users.vectors(np.arange(users))
    theirs.item_factors = model.items.vectors(np.arange(items))
    everyone = np.arange(users)

    def implicit_in(size: int) -> np.ndarray:
        parts = [
            theirs.recommend(everyone[i : i + size], matrix[i : i + size], N=BEST)[0]
            for i in range(0, users, size)
        ]
        return np.concatenate(parts)

    for _ in range(rounds):
        (ids, scores), took = timed(lambda: model.for_users(k=BEST))
        note("all kith", took)
        exact, took = timed(lambda: implicit_in(1000))
        note("all implicit, batches of 1,000", took)
    _, took = timed(lambda: implicit_in(users))
    note("all implicit, one call", took)
    # Of equal scores either may be told: the scores of what implicit tells are compared.
    told = np.einsum("ud,ukd->uk", theirs.user_factors, theirs.item_factors[exact])
    recall = (scores >= told[:, -1:] * (1 - 1e-5)).mean()
    same = (ids == exact).mean()
    print(f"\n{users:,} users, {items:,} artists, {len(plays):,} pairs")
    for name, values in seconds.items():
        print(f"{name:>32}  {min(values):8.3f} s")
    best = min(min(v) for k, v in seconds.items() if k.startswith("all implicit"))
    print(
        f"fit {min(seconds['fit implicit']) / min(seconds['fit kith']):.1f} times as fast, all "
        f"{best / min(seconds['all kith']):.1f} times; recall {recall:.5f}, the same artist at "
        f"{100 * same:.3f} % of the places"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, default=6)
    arguments = parser.parse_args()
    data = pathlib.Path(os.environ["KITH_DATA"])
    plays = recommend.read(data / "listening/user_artists.dat")
    print(f"implicit {implicit.__version__}, {os.cpu_count()} cores")
    print(f"{plays.shape[0]:,} users, {plays.shape[1]:,} artists, {len(plays):,} pairs")
    compare_fits(plays, arguments.seeds)
    with tempfile.TemporaryDirectory() as folder:
        compare_recommending(
            made_larger(plays, arguments.times), arguments.rounds, pathlib.Path(folder)
        )


if __name__ == "__main__":
    main()
